"""What an experiment receives, and where it is registered.

An experiment is a function from a `FindingCase` to the `Verdict` on its finding. It is registered under the rule's code
in `structure.table` (exact, on the meta device) or `measurement.table` (statistics, on weights).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from lora_lint.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.finding import Finding
    from lora_lint.run.run import Run, Sweep

DEFAULT_SEEDS = 3
PROXY_SEEDS = 6
"""A sized-down random model is noisier: the standard deviation of its exponents is about 0.11."""


@dataclass(frozen=True)
class Effort:
    """The user's choices. `time_budget` is in seconds, for all experiments together; `seeds` None means the
    defaults. `accept_proxy`: what a stand-in refutes counts as refuted. `seed` is the first seed."""

    device: Literal["auto", "cuda", "cpu", "meta"] = "auto"
    time_budget: float = 600.0
    seeds: int | None = None
    accept_proxy: bool = False
    seed: int = 0


@dataclass(frozen=True)
class FindingCase:
    """A finding to settle, with the run (or, for rules on sweeps, the sweep) that it was found in.

    `run` of a sweep is its first run. `siblings` are all runs of the file. `deadline` is a `time.monotonic()` after
    which an experiment stops with what it has. `say` tells the user in a few words what is being done ("r=8, seed 2 of
    3"). `level` is that of the intervals that decide.
    """

    finding: Finding
    run: Run
    sweep: Sweep | None
    options: Effort
    siblings: tuple[Run, ...] = ()
    deadline: float = field(default_factory=lambda: time.monotonic() + 600.0)
    say: Callable[[str], None] = print
    level: float = 0.95

    def late(self) -> bool:
        """Whether time has run out."""
        return time.monotonic() > self.deadline


class OutOfTime(BaseException):
    """The time for an experiment is over. Not an `Exception`: the experiment must not take it for a failure of the
    model."""


class Skip(Exception):
    """An experiment that cannot be run; the message completes "skipped: …"."""

    def verdict(self) -> Verdict:
        return Verdict("skipped", str(self))


Experiment: TypeAlias = "Callable[[FindingCase], Verdict]"
