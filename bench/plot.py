"""How times grow with the tables, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Growth:
    """What was measured at one size.

    Attributes:
        posts: How many there were, with ten times as many replies.
        times_ms: Medians by operation.
        search_p95_ms: 95th percentile of a search.
    """

    posts: int
    times_ms: dict[str, float]
    search_p95_ms: float


def draw_growth(steps: Sequence[Growth], path: Path) -> None:
    """Write a PNG: a line per operation over the number of replies, both axes logarithmic."""
    from matplotlib.figure import Figure  # a second of import that other parts of the benchmark need not wait for

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    replies = [10 * step.posts for step in steps]
    for name in steps[0].times_ms:
        axes.plot(replies, [step.times_ms[name] for step in steps], marker="o", label=name)
    axes.plot(replies, [step.search_p95_ms for step in steps], marker="o", linestyle="--", label="search, p95")
    axes.set(xscale="log", yscale="log", xlabel="replies in the tables", ylabel="ms, median")
    axes.set_title("One request at a time, without the gateway's cache")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110, metadata={"Software": None})
