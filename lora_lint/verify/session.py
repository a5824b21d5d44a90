"""Turns all findings of a lint into verdicts, one experiment after another, within the time budget."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lora_lint import catalogue
from lora_lint.finding import Verdict
from lora_lint.linting.fence import own_fault
from lora_lint.records import dataclass, replace
from lora_lint.verify.experiment import FindingCase, Skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.finding import Basis, Finding
    from lora_lint.linting.outcome import Outcome
    from lora_lint.verify.experiment import Effort, Experiment

NEEDED = ("torch", "transformers", "peft", "safetensors")


@dataclass(frozen=True)
class Progress:
    """Shows the `number`-th of `total` experiments, what it is doing, and the seconds left."""

    number: int
    total: int
    finding: Finding
    doing: str
    left: float


def missing() -> list[str]:
    """The packages of the `verify` extra that are not installed."""
    from importlib.util import find_spec

    return [name for name in NEEDED if find_spec(name) is None]


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
    verdicts: dict[int, Verdict] = {}
    waiting: list[int] = []
    for place, finding in enumerate(findings):
        if finding.code not in experiments:
            verdicts[place] = Verdict("skipped", _why_not(finding.code))
        else:
            waiting.append(place)
    waiting.sort(key=lambda place: _cost(findings[place]))
    ends = time.monotonic() + options.time_budget
    interrupt = None
    try:
        for number, place in enumerate(waiting):
            finding = findings[place]
            left = len([each for each in waiting[number:] if findings[each].code in measured.EXPERIMENTS])
            deadline = _deadline(ends, max(left, 1))

            def say(doing: str, number: int = number, finding: Finding = finding) -> None:
                show(Progress(number + 1, len(waiting), finding, doing, ends - time.monotonic()))

            verdicts[place] = _verdict(_case(finding, options, deadline, say), experiments[finding.code])
    except KeyboardInterrupt as error:
        interrupt = error
    finally:
        bench.release()
    stopped = Verdict("skipped", "interrupted before it was settled")
    settled = tuple(replace(each, verdict=verdicts.get(place, stopped)) for place, each in enumerate(findings))
    return replace(outcome, findings=settled), interrupt


def _cost(finding: Finding) -> tuple[bool, bool, str]:
    """Exact verdicts first, trainings last; in between, those on the same model together, so that it is loaded once."""
    from lora_lint.verify.measurement.table import TRAININGS
    from lora_lint.verify.structure.table import EXPERIMENTS

    return finding.code not in EXPERIMENTS, finding.code in TRAININGS, str(_basis(finding).run.model.name)


def _basis(finding: Finding) -> Basis:
    assert finding.basis is not None, f"{finding.code} was linted without a basis"
    return finding.basis


def _deadline(ends: float, left: int) -> float:
    """The deadline of the next experiment: the time left is shared among the experiments left."""
    now = time.monotonic()
    return now + max(ends - now, 0.0) / left


def _case(finding: Finding, options: Effort, deadline: float, say: Callable[[str], None]) -> FindingCase:
    basis = _basis(finding)
    return FindingCase(finding, basis.run, basis.sweep, options, basis.siblings, deadline, say)


def _verdict(case: FindingCase, experiment: Experiment) -> Verdict:
    begun = time.monotonic()
    try:
        verdict = experiment(case)
    except Skip as skip:
        verdict = skip.verdict()
    except Exception as error:
        verdict = Verdict("skipped", own_fault(error, "in this experiment"))
    return replace(verdict, seconds=round(time.monotonic() - begun, 2))
