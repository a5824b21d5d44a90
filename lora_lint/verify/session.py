"""All findings of a lint to their verdicts, one experiment after the other, within the time that there is."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from lora_lint import catalogue
from lora_lint.finding import Verdict
from lora_lint.lint.checker import Checker, own_fault, reading_of
from lora_lint.records import dataclass, replace
from lora_lint.run.run import Run, Sweep
from lora_lint.verify.experiment import Case, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lora_lint.discovery import Found
    from lora_lint.finding import Finding
    from lora_lint.lint.engine import Outcome
    from lora_lint.settings import Settings
    from lora_lint.verify.experiment import Experiment, Options

NEEDED = ("torch", "transformers", "peft", "safetensors")


@dataclass(frozen=True)
class Claim:
    """What a finding was found in, with all runs of that file."""

    found_in: Run | Sweep
    siblings: tuple[Run, ...]


@dataclass(frozen=True)
class Step:
    """Progress: the `number`-th of `total` experiments, what it is doing, and the seconds left."""

    number: int
    total: int
    finding: Finding
    doing: str
    left: float


def missing() -> list[str]:
    """What of the extra `verify` is not installed."""
    from importlib.util import find_spec

    return [name for name in NEEDED if find_spec(name) is None]


def claims_of(findings: Sequence[Finding], files: Iterable[Found], settings: Settings) -> dict[int, Claim]:
    """For each finding (by its place in the list) the run or sweep it was found in: the files are read and checked
    once more, since findings travel without their runs."""
    exact: dict[Any, Claim] = {}
    near: dict[Any, Claim] = {}
    wanted = {finding.code for finding in findings}
    checker = Checker(settings)
    for found in files:
        for made, claim in _claims(found, checker, settings):
            if made.code in wanted:
                exact.setdefault((made.code, made.span, made.message), claim)
                near.setdefault((made.code, made.span), claim)
    claims: dict[int, Claim] = {}
    for place, finding in enumerate(findings):
        met = exact.get((finding.code, finding.span, finding.message)) or near.get((finding.code, finding.span))
        if met is not None:
            claims[place] = met
    return claims


def _claims(found: Found, checker: Checker, settings: Settings) -> Iterator[tuple[Finding, Claim]]:
    if found.data is None:
        return
    try:
        _, reading, _ = reading_of(found, settings, checker.project, [])
        for finding, origin in checker.made_by(reading):
            yield finding, Claim(origin, reading.runs)
    except Exception:  # the lint has reported what is wrong with this file
        return


def _why_not(code: str) -> str:
    """Why there is no experiment for a rule, in the words of its page."""
    text = catalogue.rules()[code].verify.text
    return f"{text[0].lower()}{text[1:].rstrip('.')}"


def settle(
    outcome: Outcome, claims: dict[int, Claim], options: Options, show: Callable[[Step], None]
) -> tuple[Outcome, KeyboardInterrupt | None]:
    """The outcome with a verdict on each finding; and the interrupt that ended it before all were settled."""
    from lora_lint.verify import bench, measurement, structure

    experiments: dict[str, Experiment] = structure.EXPERIMENTS | measurement.EXPERIMENTS
    findings = list(outcome.findings)
    verdicts: dict[int, Verdict] = {}
    waiting: list[int] = []
    for place, finding in enumerate(findings):
        if finding.code not in experiments:
            verdicts[place] = Verdict("skipped", _why_not(finding.code))
        elif place not in claims:
            verdicts[place] = Verdict("skipped", "the run that it was found in could not be read again")
        else:
            waiting.append(place)
    waiting.sort(key=lambda place: _cost(findings[place], claims[place]))
    ends = time.monotonic() + options.time_budget
    interrupt = None
    try:
        for number, place in enumerate(waiting):
            finding = findings[place]
            left = len([each for each in waiting[number:] if findings[each].code in measurement.EXPERIMENTS])
            deadline = _deadline(ends, max(left, 1))

            def say(doing: str, number: int = number, finding: Finding = finding) -> None:
                show(Step(number + 1, len(waiting), finding, doing, ends - time.monotonic()))

            verdicts[place] = _verdict(finding, claims[place], experiments[finding.code], options, deadline, say)
    except KeyboardInterrupt as error:
        interrupt = error
    finally:
        bench.release()
    stopped = Verdict("skipped", "interrupted before it was settled")
    settled = tuple(replace(each, verdict=verdicts.get(place, stopped)) for place, each in enumerate(findings))
    return replace(outcome, findings=settled), interrupt


def _cost(finding: Finding, claim: Claim) -> tuple[bool, bool, str]:
    """Exact verdicts first, trainings last; in between those on one model together, so that it is loaded once."""
    from lora_lint.verify.measurement import TRAININGS
    from lora_lint.verify.structure import EXPERIMENTS

    run = claim.found_in if isinstance(claim.found_in, Run) else claim.found_in.runs[0]
    return finding.code not in EXPERIMENTS, finding.code in TRAININGS, str(run.model.name)


def _deadline(ends: float, left: int) -> float:
    """The time that is left, shared out among the experiments that are left."""
    now = time.monotonic()
    return now + max(ends - now, 0.0) / left


def _verdict(
    finding: Finding,
    claim: Claim,
    experiment: Experiment,
    options: Options,
    deadline: float,
    say: Callable[[str], None],
) -> Verdict:
    sweep = claim.found_in if isinstance(claim.found_in, Sweep) else None
    run = claim.found_in if isinstance(claim.found_in, Run) else claim.found_in.runs[0]
    case = Case(finding, run, sweep, options, claim.siblings, deadline, say)
    begun = time.monotonic()
    try:
        verdict = experiment(case)
    except Skip as skip:
        verdict = skip.verdict()
    except Exception as error:
        verdict = Verdict("skipped", own_fault(error, "in this experiment"))
    return replace(verdict, seconds=round(time.monotonic() - begun, 2))


def counted(outcome: Outcome) -> dict[str, int]:
    """How many findings have each verdict, in the order of the documentation."""
    counts = Counter(finding.verdict.status for finding in outcome.findings if finding.verdict is not None)
    return {status: counts[status] for status in ("confirmed", "refuted", "inconclusive", "skipped") if counts[status]}
