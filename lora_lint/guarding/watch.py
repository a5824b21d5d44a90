"""Watches a training: before its first step, at its first step, and what it saves. It reads, and changes nothing."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lora_lint.api import LoraLintError
from lora_lint.guarding import ranks, saving, sinks, steps
from lora_lint.guarding.checking import LOG, examine, log, raise_for, with_findings
from lora_lint.guarding.places import Places, calling_line, source_of, span_of
from lora_lint.guarding.shards import sharding_of_model
from lora_lint.guarding.state import state_of
from lora_lint.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lora_lint.finding import Finding
    from lora_lint.guarding.checking import LiveReport
    from lora_lint.guarding.places import Line
    from lora_lint.guarding.subject import Subject
    from lora_lint.settings import FailOn, Settings


class TrainingWatch:
    """The watch over one training. `path` is where the report is written, in the format of its suffix: `.html`, or
    JSON."""

    def __init__(self, settings: Settings, fail_on: FailOn = "error", path: str | None = None) -> None:
        self._settings = settings
        self._fail_on: FailOn = fail_on
        self._path = path
        self._subject: Subject | None = None
        self._matrices: dict[str, Any] = {}
        self._gradients: steps.Gradients | None = None
        self._before: dict[str, tuple[float, float]] = {}
        self._steps = 0
        self._report: LiveReport | None = None
        self._places: Places | None = None
        self.is_watching = False
        """Whether the first steps are still to be looked at."""

    @property
    def report(self) -> LiveReport:
        """What was found so far."""
        assert self._report is not None, "the training has not started"
        return self._report

    def start(self, subject: Subject) -> None:
        """Judges a training that is about to start. Raises LoraLintError."""
        line = calling_line()
        with self._harmless():
            self._start(subject, line)

    def _start(self, subject: Subject, line: Line) -> None:
        source = source_of(line)
        self._subject, self._places, self._report = subject, Places.all_at(span_of(line, source)), None
        self._deliver(examine(subject, self._settings, self._places, source), ())
        self._matrices = steps.trained_matrices(state_of(subject))
        self._before = steps.marks_of(self._matrices)
        self._steps, self._gradients = 0, None
        self.is_watching = bool(self._matrices)

    def before_update(self) -> None:
        """Looks at the gradients of a step, before the optimizer uses them. Raises LoraLintError."""
        if not self.is_watching or self._subject is None or self._places is None:
            return
        self._steps += 1
        if self._steps == 1:
            with self._harmless():
                self._look(self._subject, self._places)

    def _look(self, subject: Subject, places: Places) -> None:
        self._gradients = steps.gradients_of(state_of(subject))
        if self._gradients is None:
            return
        found = tuple(steps.findings_of(self._gradients, subject, places))
        scaled = bool(getattr(subject.arguments, "fp16", False))
        self._deliver(self.report, found, notes=tuple(steps.notes_of(self._gradients, scaled)))

    def after_update(self) -> None:
        """Sees which `lora_B` a step has moved; done once one of them has, or after some steps."""
        if not self.is_watching or not self._steps:
            return
        after = steps.marks_of(self._matrices)
        moved = [name for name, marks in after.items() if marks != self._before[name]]
        if not moved and self._steps < steps.PATIENCE:
            return
        self.is_watching = False
        facts = {"step": self._steps, "lora_B": len(after), "moved": len(moved)}
        self._keep(first_step=facts if self._gradients is None else {**facts, **self._gradients.facts})
        if not moved:
            self._note(f"None of {len(after)} `lora_B` has moved in {self._steps} steps")

    def saved(self, folder: str, batch: Mapping[str, Any] | None = None) -> None:
        """Compares a saved adapter with the trained one; with a batch also what both compute. Raises LoraLintError."""
        if self._subject is not None and self._places is not None:
            with self._harmless():
                self._compare(folder, self._subject, self._places, batch)

    def _compare(self, folder: str, subject: Subject, places: Places, batch: Mapping[str, Any] | None) -> None:
        if not ranks.is_main() or sharding_of_model(subject.model) is not None:
            self._deliver(self.report, ())
            return
        compared = saving.compare(folder, subject, state_of(subject), places, batch, self._settings)
        self._keep(saved=dict(compared.facts))
        self._deliver(self.report, compared.findings, notes=compared.notes)

    def _deliver(self, report: LiveReport, found: Iterable[Finding], notes: tuple[str, ...] = ()) -> None:
        """Joins the findings of all processes to the report, and reports what is new in one of them."""
        known = set(self._report.findings) if self._report is not None else set()
        own = (*(report.outcome.findings if report.outcome is not None else ()), *found)
        every = [each for of_rank in ranks.of_all(own) for each in of_rank]
        self._report = with_findings(report, every, self._settings)
        fresh = replace(self._report, findings=tuple(each for each in self._report.findings if each not in known))
        for note in notes:
            self._note(note)
        if ranks.is_main():
            log(fresh)
            self._write()
            if fresh.findings or not known:
                sinks.send_summary(self._report)
        raise_for(fresh, self._fail_on)

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """Ends a training for what is wrong with it, and never for what is wrong with its guard."""
        try:
            yield
        except LoraLintError:
            raise
        except Exception as error:  # a bug, or a model that is built in a way that nobody has seen
            self.is_watching = False
            LOG.warning("lora-lint cannot look at this training (%s: %s), which goes on", type(error).__name__, error)

    def _keep(self, **facts: Any) -> None:
        self._report = replace(self.report, facts={**self.report.facts, **facts})

    def _note(self, note: str) -> None:
        self._report = replace(self.report, notes=(*self.report.notes, note))
        if ranks.is_main():
            LOG.warning("%s", note)

    def _write(self) -> None:
        """Writes the report, if one is wanted."""
        if self._path is None:
            return
        from lora_lint.system.writing import write_report

        os.makedirs(os.path.dirname(os.path.abspath(self._path)), exist_ok=True)
        write_report(self._path, self.report.render("html" if self._path.endswith(".html") else "json"))
