"""One process that is kept running."""

import asyncio
import signal
from collections.abc import Callable

from plaza_kit.testing.processes import bound_to_us
from plaza_stack.logs import LogFile
from plaza_stack.problem import StackError
from plaza_stack.program import Program

Report = Callable[[str], None]

CONFIGURATION_ERROR = 2  # exit status of a process whose settings are wrong
EARLY_SECONDS = 10.0  # a process that ends so soon, before it was ready, may be unable to start
MAX_EARLY_ENDS = 3
STABLE_SECONDS = 30.0  # after so long a process counts as healthy: the next restart is immediate again
FIRST_DELAY, MAX_DELAY = 0.1, 5.0
PROBE_SECONDS = 0.05


class CannotStartError(StackError):
    """A process cannot start, however often it is tried; the text ends with the last lines of its log."""


class Child:
    """Starts a program, notices when it is ready, and starts it again when it ends, until it is stopped.

    Invariant: `run()` is the only one that starts the process and awaits its end; `stop()` only signals.
    """

    def __init__(
        self, program: Program, log: LogFile, *, report: Callable[[str], None], changed: Callable[[], None]
    ) -> None:
        self.name = program.name
        self.port = program.port
        self.log = log
        self.ready = asyncio.Event()
        self.pid = 0
        self._program = program
        self._report = report
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._starts = 0
        self._delay = FIRST_DELAY
        self._early_ends = 0

    async def run(self) -> None:
        """Keep the process running until `stop()`.

        Raises:
            CannotStartError: It ends at once each time, or says that its settings are wrong.
        """
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                started = loop.time()
                status = await self._run_once()
                if not self._stopping.is_set():
                    await self._after_end(status, lived=loop.time() - started)
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """End the process: SIGTERM, and SIGKILL if that does not help in time. Returns when it is gone."""
        self._stopping.set()
        if not self._starts:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._program.stop_seconds):
                await self._ended.wait()
        except TimeoutError:
            self._report(f"{self.name} did not stop within {self._program.stop_seconds:g} s: killed.")
            self.kill()
            await self._ended.wait()

    def kill(self) -> None:
        """End the process at once."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _run_once(self) -> int:
        with self.log.path.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *bound_to_us(self._program.argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._program.environment,
                start_new_session=True,  # a Ctrl-C at the terminal is ours to pass on, in order
            )
        self._starts += 1
        self.pid = self._process.pid
        if self._stopping.is_set():  # asked to stop while it was being started
            self._signal(signal.SIGTERM)
        probing = asyncio.create_task(self._wait_until_ready())
        try:
            return await self._process.wait()
        finally:
            probing.cancel()
            await asyncio.wait([probing])

    async def _wait_until_ready(self) -> None:
        while True:
            if await self._program.probe():
                break
            await asyncio.sleep(PROBE_SECONDS)
        self._early_ends = 0
        self.ready.set()
        if self._starts > 1:
            self._report(f"{self.name} is ready again (process {self.pid}).")
        self._changed()

    async def _after_end(self, status: int, *, lived: float) -> None:
        """Decide what follows from an end that nobody asked for; wait before the next start."""
        end = _describe(status)
        if status == CONFIGURATION_ERROR:
            raise self._cannot_start(f"{self.name} cannot start, its settings are wrong")
        was_killed = status == -signal.SIGKILL  # by somebody else: no sign that it could not start
        if not self.ready.is_set() and lived < EARLY_SECONDS and not was_killed:
            self._early_ends += 1
            if self._early_ends == MAX_EARLY_ENDS:
                raise self._cannot_start(f"{self.name} cannot start, it {end} {MAX_EARLY_ENDS} times")
        self.ready.clear()
        self._delay = FIRST_DELAY if lived > STABLE_SECONDS else self._delay
        self._report(f"{self.name} {end}: it is started again (log: {self.log}).")
        try:
            async with asyncio.timeout(self._delay):
                await self._stopping.wait()
        except TimeoutError:
            self._delay = min(2 * self._delay, MAX_DELAY)

    def _cannot_start(self, what: str) -> CannotStartError:
        return CannotStartError(f"{what}. The end of its log ({self.log}):\n{self.log.tail()}")


def _describe(status: int) -> str:
    if status < 0:
        try:
            return f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"was ended by signal {-status}"
    return f"ended with exit status {status}"
