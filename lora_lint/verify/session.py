"""Turns the findings of a lint into verdicts, one experiment after another, within the time budget."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lora_lint import catalogue
from lora_lint.finding import Verdict
from lora_lint.linting.fence import own_fault
from lora_lint.records import dataclass, replace
from lora_lint.report.wording import level_of
from lora_lint.verify.clock import stopped_at
from lora_lint.verify.experiment import FindingCase, OutOfTime, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lora_lint.finding import Basis, Finding
    from lora_lint.linting.outcome import Outcome
    from lora_lint.verify.experiment import Effort, Experiment

NEEDED = ("torch", "transformers", "peft", "safetensors", "jinja2")
"""The packages of the extras `verify` and `ablate`."""
_WEIGHT = {"error": 9.0, "warning": 3.0, "advice": 1.0}
_GRACE, _GRACE_SHARE = 1.0, 0.05
"""Seconds, and the share of the budget, by which an experiment may overrun before it is stopped."""
_PACES = (0.1, 10.0)


@dataclass(frozen=True)
class Progress:
    """Shows the `number`-th of `total` experiments, what it is doing, and an estimate of the seconds until the last of
    them ends."""

    number: int
    total: int
    finding: Finding
    doing: str
    left: float


def _why_not(code: str) -> str:
    """Why a rule has no experiment, in the words of its page."""
    text = catalogue.rules()[code].verify.text
    return f"{text[0].lower()}{text[1:].rstrip('.')}"


def settle(
    outcome: Outcome, options: Effort, show: Callable[[Progress], None]
) -> tuple[Outcome, KeyboardInterrupt | None]:
    """The outcome with a verdict on each finding (whose basis it must hold), and the interrupt that ended it early, if
    any."""
    from lora_lint.verify.measurement import bench
    from lora_lint.verify.measurement import table as measured
    from lora_lint.verify.structure import table as exact

    experiments: dict[str, Experiment] = exact.EXPERIMENTS | measured.EXPERIMENTS
    findings = list(outcome.findings)
    verdicts = {
        place: Verdict("skipped", _why_not(finding.code))
        for place, finding in enumerate(findings)
        if finding.code not in experiments
    }
    costs = {code: exact.cost(code) if code in exact.EXPERIMENTS else measured.cost(code) for code in experiments}
    waiting = in_order([place for place in range(len(findings)) if place not in verdicts], findings, costs)
    schedule = _Schedule(options.time_budget, [costs[findings[place].code] for place in waiting])
    interrupt = None
    try:
        for number, place in enumerate(waiting):
            finding = findings[place]

            def say(doing: str, number: int = number, finding: Finding = finding) -> None:
                show(Progress(number + 1, len(waiting), finding, doing, schedule.seconds_left()))

            schedule.start(number)
            deadline = schedule.ends if finding.code in exact.EXPERIMENTS else schedule.deadline()
            case = _case(finding, options, deadline, say)
            verdicts[place] = _verdict(case, experiments[finding.code], schedule)
    except KeyboardInterrupt as error:
        interrupt = error
    finally:
        bench.release_all()
    stopped = Verdict("skipped", "interrupted before it was settled")
    settled = tuple(replace(each, verdict=verdicts.get(place, stopped)) for place, each in enumerate(findings))
    return replace(outcome, findings=settled), interrupt


def in_order(places: Sequence[int], findings: Sequence[Finding], costs: Mapping[str, float]) -> list[int]:
    """The findings in the order in which they are settled: those first that matter most for the seconds that they take.
    Among equals those on the same model follow each other, so that it is loaded once."""

    def key(place: int) -> tuple[float, str]:
        finding = findings[place]
        return -_WEIGHT[level_of(finding)] / costs[finding.code], str(_basis(finding).run.model.name)

    return sorted(places, key=key)


class _Schedule:
    """When each experiment must end, and when the last of them probably will. `costs` are the usual seconds of the
    experiments, in order."""

    def __init__(self, budget: float, costs: Sequence[float]) -> None:
        self._costs = costs
        self._at = 0
        self._begun = self._started = time.monotonic()
        self.ends = self._begun + budget
        self.stops = self.ends + _GRACE + _GRACE_SHARE * budget

    def start(self, number: int) -> None:
        """The next experiment starts."""
        self._at, self._started = number, time.monotonic()

    def deadline(self) -> float:
        """The end of the current experiment: the time left is shared among those left, as they usually take."""
        return self._started + max(self.ends - self._started, 0.0) * self._costs[self._at] / sum(
            self._costs[self._at :]
        )

    def seconds_left(self) -> float:
        """The seconds until the last experiment ends, if they all keep the pace so far; at most those of the budget."""
        now = time.monotonic()
        done = sum(self._costs[: self._at])
        pace = min(max((self._started - self._begun) / done, _PACES[0]), _PACES[1]) if done else 1.0
        this = max(pace * self._costs[self._at] - (now - self._started), 0.0)
        return max(min(this + pace * sum(self._costs[self._at + 1 :]), self.ends - now), 0.0)


def _basis(finding: Finding) -> Basis:
    assert finding.basis is not None, f"{finding.code} was linted without a basis"
    return finding.basis


def _case(finding: Finding, options: Effort, deadline: float, say: Callable[[str], None]) -> FindingCase:
    basis = _basis(finding)
    return FindingCase(finding, basis.run, basis.sweep, options, basis.siblings, deadline, say)


def _verdict(case: FindingCase, experiment: Experiment, schedule: _Schedule) -> Verdict:
    begun = time.monotonic()
    if begun >= schedule.ends:
        return Verdict("skipped", "the time budget was used up before its turn")
    try:
        with stopped_at(schedule.stops):
            verdict = experiment(case)
    except Skip as skip:
        verdict = skip.verdict()
    except OutOfTime:
        verdict = Verdict("skipped", "time ran out before there was a result")
    except Exception as error:
        verdict = Verdict("skipped", _failure(error))
    if verdict.proxy and verdict.status == "refuted" and not case.options.accept_proxy:
        reason = f"{verdict.reason}; a stand-in opens no gate, unless `--accept-proxy` is given"
        verdict = replace(verdict, status="inconclusive", reason=reason)
    return replace(verdict, seconds=round(time.monotonic() - begun, 2))


def _failure(error: Exception) -> str:
    """Why an experiment ended with an error that it does not expect."""
    from lora_lint.verify.weights import out_of_memory

    return "memory ran out" if out_of_memory(error) else own_fault(error, "in this experiment")
