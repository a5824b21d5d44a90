"""Where the findings of a command go, and its exit status."""

from __future__ import annotations

import os

from lora_lint.commands.requests import Check, Output, UsageError
from lora_lint.records import replace
from lora_lint.terminal import complain, tell, wants_color, wants_links, width, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from lora_lint.linting.outcome import Outcome
    from lora_lint.report import View
    from lora_lint.settings import Settings

_PLAIN = Output()


def report(outcome: Outcome, output: Output, aside: frozenset[str] | None, named: frozenset[str] = frozenset()) -> bool:
    """Writes the report and the counts by rule; gives whether both could be written. `aside` are the rules whose
    advice is only counted; None shows everything in full. `named` are those selected by name."""
    from lora_lint.report import FORMATS, render

    view = replace(view_of(output), brief=aside is not None, aside=aside or frozenset(), named=named)
    text = _with_newline(render(output.format, outcome, view))
    for_people = FORMATS[output.format].for_people
    in_file = output.file is not None and write_file(output.file, text)
    if not in_file:
        write(text, machine=not for_people)
    if output.statistics:
        (write if for_people and not in_file else tell)(counts(outcome))
    return in_file or output.file is None


def view_of(output: Output = _PLAIN) -> View:
    """How a report looks where it is written."""
    from lora_lint.report import View

    color = wants_color(output.color, output.file)
    return View(width(output.file), color, color and wants_links(output.file))


def refuse_unwritable(request: Check, settings: Settings) -> None:
    """Raises UsageError if a file cannot be written (better known before the work than after it), if a link in the
    project would lead the output outside it, and if it would take the place of what is linted or of other output."""
    page = request.verification.report if request.verification is not None else None
    given = [path for path in (request.output.file, request.output.write_baseline, page) if path is not None]
    if not given:
        return
    from lora_lint.system import bounds
    from lora_lint.system.writing import why_unwritable

    taken = {os.path.realpath(path) for path in request.input.paths}
    for path in given:
        outside = bounds.leads_out(path, bounds.tree(settings.root))
        why = "it is a link that leads out of the project" if outside else why_unwritable(path)
        if why is None and (os.path.isfile(path) or not os.path.exists(path)):
            why = _why_irreplaceable(path, taken)
        if why is not None:
            raise UsageError(f"{path}: cannot be written, {why}")
        taken.add(os.path.realpath(path))


def _why_irreplaceable(path: str, taken: Collection[str]) -> str | None:
    """Why a report may not take the place of a regular file; None if it may."""
    from lora_lint.discovery import KINDS

    if os.path.realpath(path) in taken:
        return "it is linted, or written to by another option"
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    if kind not in (None, "json") and os.path.exists(path):  # no format of a report has such a name
        return "it is a program or a configuration: give another name"
    return None


def number_of_findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def status_of(outcome: Outcome, settings: Settings) -> int:
    """The exit status: 2 if something went wrong, 1 if a finding at or above `fail-on` is not refuted, else 0."""
    from lora_lint.finding import LEVELS

    if outcome.failed:
        return 2
    if settings.fail_on == "never":
        return 0
    failing = LEVELS[: LEVELS.index(settings.fail_on) + 1]
    from lora_lint.report.wording import refuted

    return int(any(finding.level in failing and not refuted(finding) for finding in outcome.findings))


def counts(outcome: Outcome) -> str:
    """The number of findings of each rule, most frequent first."""
    from lora_lint import catalogue

    by_code: dict[str, int] = {}
    for finding in outcome.findings:
        by_code[finding.code] = by_code.get(finding.code, 0) + 1
    ordered = sorted(by_code.items(), key=lambda item: (-item[1], item[0]))
    width = len(str(ordered[0][1])) if ordered else 1
    return "".join(f"{count:>{width}}  {code}  {catalogue.rules()[code].name}\n" for code, count in ordered)


def write_file(path: str, text: str) -> bool:
    """Writes a report to a file; gives whether it could be written."""
    from lora_lint.system.writing import write_report

    try:
        write_report(path, text)
    except OSError as error:
        complain(f"error: {path}: the report cannot be written ({error.strerror or error})")
        return False
    return True


def _with_newline(text: str) -> str:
    """A text that ends with a newline, unless it is empty."""
    return text if not text or text.endswith("\n") else text + "\n"
