"""One finding per place: of LL101, LL102, LL103, LL104 and LL107 at most one reports an adapter, and LL904 and LL905
give way to any other rule that is as severe.

The former look at the same three numbers, so several of them in one place would repeat or contradict each other. The
most severe one is reported; at equal severity, a finding about a whole sweep takes precedence over one about a run. The
latter repeat what the framework says, where another rule explains the effect on training. LL301 does not report a sweep
that also tries a rank within its bound.
"""

from __future__ import annotations

from lora_lint.finding import CONFIDENCES, LEVELS
from lora_lint.records import NamedTuple
from lora_lint.rules.scale import arms_of
from lora_lint.run.given import Given
from lora_lint.run.run import Run, Sweep
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from lora_lint.finding import Finding
    from lora_lint.rules.scale import Arm
    from lora_lint.run.run import Reading
    from lora_lint.source import Span


class Judged(NamedTuple):
    """A finding with its level, the run, the sweep or the settings it was found in, and whether it will be shown: one
    that will not be shown does not silence others."""

    finding: Finding
    origin: Run | Sweep | Given
    heard: bool = True


Setting: TypeAlias = "tuple[Span, tuple[Arm, ...]]"
"""Where an adapter is configured, and its rank, alpha and rsLoRA."""

_ORDER = ("LL101", "LL103", "LL104", "LL107", "LL102")
"""The rules about the scale; at equal severity, the first is reported."""
_GENERAL = frozenset({"LL904", "LL905"})
"""The rules that give way to others."""


def agreed(judged: Sequence[Judged], reading: Reading) -> tuple[list[Finding], list[Finding]]:
    """The findings of a file to report, and those that give way to others."""
    speaking: list[Finding] = []
    withheld: list[Finding] = []
    contenders: list[Judged] = []
    others = _places_of_others(judged)
    cells = set(_cells(judged, reading))
    for each in judged:
        finding, origin, heard = each
        repeated = finding.code in _GENERAL and _grade(finding) >= others.get(finding.span, len(LEVELS))
        compared = finding.code == "LL301" and isinstance(origin, Run) and _is_compared(finding, origin, reading)
        if repeated or compared:
            withheld.append(finding)
        elif isinstance(origin, Given) or finding.code not in _ORDER or not heard:
            speaking.append(finding)
        elif not isinstance(origin, Sweep) and (finding.code, _setting(origin)) in cells:
            withheld.append(finding)
        else:
            contenders.append(each)
    taken: dict[Span, tuple[str, int]] = {}
    for finding, origin, _ in sorted(contenders, key=_priority):
        places, voice = _places(origin), (finding.code, id(origin))
        if all(taken.get(place, voice) == voice for place in places):
            taken |= dict.fromkeys(places, voice)
            speaking.append(finding)
        else:
            withheld.append(finding)
    return speaking, withheld


def _grade(finding: Finding) -> int:
    """0 for the most severe."""
    return LEVELS.index(finding.level or "advice")


def _places_of_others(judged: Sequence[Judged]) -> dict[Span, int]:
    """The places where rules other than the general ones report, and the severity of the most severe finding there."""
    places: dict[Span, int] = {}
    for finding, _, heard in judged:
        if heard and finding.code not in _GENERAL:
            places[finding.span] = min(_grade(finding), places.get(finding.span, len(LEVELS)))
    return places


def _priority(judged: Judged) -> tuple[bool, int, bool, int]:
    """Findings that are only possible come last."""
    finding, origin, _ = judged
    possible = finding.confidence == CONFIDENCES[-1]
    return possible, _grade(finding), not isinstance(origin, Sweep), _ORDER.index(finding.code)


def _places(origin: Run | Sweep | Given) -> frozenset[Span]:
    """The adapters that a finding is about, by where they are configured."""
    runs = origin.runs if isinstance(origin, Sweep) else (origin,) if isinstance(origin, Run) else ()
    return frozenset(run.adapter.span for run in runs)


def _is_compared(finding: Finding, run: Run, reading: Reading) -> bool:
    """Whether a sweep tries a rank that is too high for the data next to one that is not: it will find out by
    itself."""
    place = run.adapter.span
    ranks = (
        known(arm.adapter.rank)
        for sweep in reading.sweeps
        if any(each.adapter.span == place for each in sweep.runs)
        for arm in sweep.runs
    )
    return finding.figure is not None and any(rank is not None and rank <= finding.figure for rank in ranks)


def _cells(judged: Sequence[Judged], reading: Reading) -> Iterator[tuple[str, Setting]]:
    """Values that are not a choice by themselves: a scale out of range where a search tries others too or the step is
    kept on purpose; and rsLoRA off in either case, or where the ratio is kept on purpose."""
    of_runs = [(finding.code, _setting(origin)) for finding, origin, _ in judged if isinstance(origin, Run)]
    for sweep in reading.sweeps:
        from lora_lint.rules.sweeps import is_search  # few files have sweeps

        search = is_search(sweep)
        keeps = {run.sweep_keeps for run in sweep.runs}
        settings = {_setting(run) for run in sweep.runs}
        if search or keeps != {None}:
            yield from (("LL102", setting) for setting in settings)
        for code in ("LL103", "LL104") if search else ("LL104",) if "step" in keeps else ():
            if not settings <= {setting for other, setting in of_runs if other == code}:
                yield from ((code, setting) for setting in settings)


def _setting(run: Run) -> Setting:
    return run.adapter.span, tuple(arms_of(run))
