"""What a process of the stack is, before it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from plaza_stack.readiness import Probe


@dataclass(frozen=True)
class Program:
    """A command, its environment and how to ask whether it is ready. `port` is where it listens.

    `stop_seconds` is the time it gets to end by itself, longer than its calls in flight may take.
    """

    name: str
    argv: tuple[str, ...]
    port: int
    probe: Probe
    environment: Mapping[str, str] = field(repr=False)  # may hold passwords
    stop_seconds: float = 15.0
