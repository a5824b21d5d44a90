"""Applies the selected rules to every run and sweep in a file."""

from __future__ import annotations

from lora_lint import catalogue, rules
from lora_lint.finding import Add, Basis, Related
from lora_lint.knowledge.key_versions import may_lack
from lora_lint.records import replace
from lora_lint.rules.words import in_case, least
from lora_lint.run.cases import each_case
from lora_lint.system import deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.finding import Finding
    from lora_lint.run.given import Given
    from lora_lint.run.run import Reading, Run, Sweep
    from lora_lint.settings import Settings
    from lora_lint.source import SourceFile, Span

_SHORT = 60
"""The most characters of a value that is quoted where it is written."""


class Judge:
    """Applies the selected rules, with the options of the settings. With `basis`, findings keep what they were found
    in, for --verify."""

    def __init__(self, settings: Settings, basis: bool = False) -> None:
        self.selected = settings.selected()
        self._basis = basis
        self._levels = settings.levels
        self._rules = catalogue.rules()
        self._options = {
            code: {name: schema.get("default") for name, schema in rule.options.items()}
            | dict(settings.options.get(code, {}))
            for code, rule in self._rules.items()
            if code in self.selected
        }
        self._run_checks = {code: check for code, check in rules.RUN_CHECKS.items() if code in self.selected}
        self._sweep_checks = {code: check for code, check in rules.SWEEP_CHECKS.items() if code in self.selected}
        self._given_checks = {code: check for code, check in rules.GIVEN_CHECKS.items() if code in self.selected}

    @property
    def checked(self) -> frozenset[str]:
        """The codes of the rules that look at runs and sweeps."""
        return frozenset(self._run_checks.keys() | self._sweep_checks.keys())

    def findings(self, reading: Reading) -> Iterator[tuple[Finding, Run | Sweep | Given]]:
        """The findings of the rules in a file, each with the run, the sweep or the settings that it was found in."""
        for run in reading.runs:
            yield from self._of_run(run, run.judged(), reading.runs)
        for sweep in reading.sweeps:
            judgeable = replace(sweep, runs=tuple(run.judged() for run in sweep.runs))
            for code, sweep_check in self._sweep_checks.items():
                for finding in sweep_check(judgeable, self._options[code]):
                    basis = Basis(judgeable.runs[0], judgeable, reading.runs)
                    yield self._placed(finding, sweep.runs[0], basis), judgeable
        for given in reading.given:
            for code, given_check in self._given_checks.items():
                for finding in given_check(given, self._options[code]):
                    yield finding, given

    def _of_run(self, run: Run, judged: Run, siblings: tuple[Run, ...]) -> Iterator[tuple[Finding, Run]]:
        """The findings in a run: those in every case, then those in the cases that callers choose by options."""
        seen: set[tuple[str, Span]] = set()
        for finding, code in self._checked(judged):
            seen.add((code, finding.span))
            yield self._placed(finding, run, Basis(judged, None, siblings)), judged
        for case, said in each_case(judged):
            for finding, code in self._checked(case):
                if (code, finding.span) not in seen:
                    seen.add((code, finding.span))
                    yield self._placed(in_case(finding, said), run, Basis(case, None, siblings)), case

    def _checked(self, run: Run) -> Iterator[tuple[Finding, str]]:
        for code, check in self._run_checks.items():
            deadline.look()
            for finding in check(run, self._options[code]):
                yield finding, code

    def with_level(self, finding: Finding) -> Finding:
        """The finding with its level: the settings', otherwise its own, otherwise the catalogue's."""
        level = self._levels.get(finding.code) or finding.level or self._rules[finding.code].level
        return finding if finding.level == level else replace(finding, level=level)

    def _placed(self, finding: Finding, run: Run, basis: Basis) -> Finding:
        """The finding with the other places that it rests on, and with its basis if requested. Where the program that
        reads a file is not known, nothing in the file is certain; nor is it with a framework that is newer than the
        facts about it, or a copy of the project's own, or where code that is not followed may change the run."""
        finding = _with_known_keys(_with_origins(finding, run), run)
        if run.framework.reader_unknown or run.newer or run.changeable:
            finding = replace(finding, confidence=least(finding.confidence, "likely"))
        return replace(finding, basis=basis) if self._basis else finding


def across_cells(finding: Finding, source: SourceFile) -> Finding:
    """A finding in a notebook that rests on more than one cell is not certain: people run cells in another order, run
    one again after a change, or leave one out."""
    if finding.confidence != "certain" or not source.cells:
        return finding
    places = (*(each.span for each in finding.related), *(each.span for each in finding.subjects))
    cells = {source.locate(place).cell for place in (finding.span, *places) if place and place.path == source.path}
    return replace(finding, confidence="likely") if len(cells) > 1 else finding


def _with_known_keys(finding: Finding, run: Run) -> Finding:
    """A finding without its fix if that adds a key which the pinned version of the run's framework may not know."""
    framework, fix = run.framework, finding.fix
    pin = run.pins.get(framework.name) if not framework.direct else None
    if fix is None or pin is None:
        return finding
    added = (change.key for change in fix.changes if isinstance(change, Add))
    return replace(finding, fix=None) if any(may_lack(framework, key, pin) for key in added) else finding


def _with_origins(finding: Finding, run: Run) -> Finding:
    """A finding that rests on values from another file (a module, a loaded config, a program that a command starts)
    also names the places where they are written; one about the adapter itself names where its config is built."""
    origins = {
        value.written: f"{_short(value.value)} is written here"
        for value in finding.subjects
        if value.written is not None
    }
    of_adapter = not finding.subjects and finding.span == run.adapter.span
    about = run.config if of_adapter else None
    if about is not None and about.path != finding.span.path:
        origins[about] = "the adapter's config is built here"
    named = {finding.span, *(related.span for related in finding.related)}
    more = tuple(Related(span, message) for span, message in origins.items() if span not in named)
    if not more and about is None:
        return finding
    return replace(finding, related=(*finding.related, *more), about=about)


def _short(value: Any) -> str:
    text = str(value)
    return f"`{text}`" if isinstance(value, str | int | float) and len(text) <= _SHORT else "the value"
