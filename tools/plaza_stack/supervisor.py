"""Starts the processes of the stack, keeps them up, and stops them in reverse order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence

from plaza_stack.child import Child
from plaza_stack.logs import LogFile
from plaza_stack.problem import StackError
from plaza_stack.program import Program

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_SECONDS = 60.0
LOG_CHECK_SECONDS = 5.0


class Supervisor:
    """Owns the children.

    Args:
        groups: Programs, what others rest on first. The first group must be ready before the rest starts, all at
            once; the groups stop one after another from the last, each all at once.
        open_log: Gives the log file of a process by its name.
        report: Prints one line.
        announce: Called when everything is ready, and again whenever a child has become ready again.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Program]],
        *,
        open_log: Callable[[str], LogFile],
        report: Callable[[str], None],
        announce: Callable[[Sequence[Child]], None],
    ) -> None:
        self._report = report
        self._announce = announce
        self._stop_asked = asyncio.Event()
        self._given_up = asyncio.Event()  # a child has ended for good
        self._running: list[asyncio.Task[None]] = []
        self._all_ready = False
        self._groups = [
            [Child(program, open_log(program.name), report=report, changed=self._changed) for program in group]
            for group in groups
        ]
        self._children = [child for group in self._groups for child in group]

    async def run(self) -> None:
        """Run the stack until SIGINT, SIGTERM or SIGHUP; a second one ends it without ceremony.

        Raises:
            StackError: A process cannot start.
        """
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.ask_to_stop)
        logs = asyncio.create_task(self._bound_logs())
        try:
            if await self._unless_stopped(self._start()):
                self._all_ready = True
                self._announce(self._children)
                await self._unless_stopped(asyncio.Event().wait())
        finally:
            await self._stop()
            logs.cancel()
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    async def _start(self) -> None:
        first, *rest = self._groups
        await self._start_together(first)
        await self._start_together([child for group in rest for child in group])

    async def _start_together(self, children: Sequence[Child]) -> None:
        for child in children:
            child.log.rotate()
            task = asyncio.create_task(child.run(), name=child.name)
            task.add_done_callback(lambda _: self._given_up.set())
            self._running.append(task)
        try:
            async with asyncio.timeout(READY_SECONDS):
                for child in children:
                    await child.ready.wait()
        except TimeoutError:
            late = next(child for child in children if not child.ready.is_set())
            text = f"{late.name} is not ready after {READY_SECONDS:g} s. The end of its log ({late.log}):"
            raise StackError(f"{text}\n{late.log.tail()}") from None

    async def _unless_stopped(self, work: Awaitable[object]) -> bool:
        """Wait for `work`; return False if a stop was asked for first. A child that gives up ends the wait."""
        waits = [asyncio.ensure_future(wait) for wait in (work, self._given_up.wait(), self._stop_asked.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for running in self._running:
                if running.done():
                    running.result()
            if waits[0].done():
                waits[0].result()
            return waits[0].done()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)

    async def _stop(self) -> None:
        self._all_ready = False
        for group in reversed(self._groups):
            await asyncio.gather(*(child.stop() for child in group))
        if self._running:
            await asyncio.wait(self._running)

    def ask_to_stop(self) -> None:
        """End `run()` in order; asked a second time, at once."""
        if self._stop_asked.is_set():
            for child in self._children:
                child.kill()
        else:
            self._stop_asked.set()
            self._report("Stopping. Ctrl-C again kills.")

    def _changed(self) -> None:
        if self._all_ready and all(child.ready.is_set() for child in self._children):
            self._announce(self._children)

    async def _bound_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_CHECK_SECONDS)
            for child in self._children:
                child.log.bound()
