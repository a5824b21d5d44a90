"""What the process of a workspace folder does: reads texts as the command would and answers with plain records.

It runs in the workspace folder. What other editors' buffers hold takes the place of the files on the disk.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from lora_lint import discovery, prefilter
from lora_lint.finding import Finding, automatic
from lora_lint.fixes import session
from lora_lint.fixes.remarks import remarked_text, why_no_reason
from lora_lint.inspection.runs import inspect_text
from lora_lint.linting import baseline, engine
from lora_lint.linting.fence import Failure, attempt
from lora_lint.linting.outcome import Content, Outcome, readable
from lora_lint.linting.pool import relax, tidy
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.report.inspect import as_text
from lora_lint.report.wording import level_of, name_of, url_of
from lora_lint.server.answers import Analysis, Link, Problem, Rewritten
from lora_lint.server.changes import changes
from lora_lint.server.links import links_of, readers_of
from lora_lint.server.notes import notes_of
from lora_lint.server.placing import Placer
from lora_lint.settings import Settings, SettingsError, load, settings_of
from lora_lint.system import disk
from lora_lint.system.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.server.answers import Task
    from lora_lint.source import Span

_held: dict[str, bytes] = {}
"""What editors hold, by real path."""


def start(folder: str) -> None:
    """Prepares the process for its folder. It ends with the service."""
    import signal
    from multiprocessing import parent_process
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(folder)
    relax()
    parent = parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(0)

        Thread(target=follow, daemon=True).start()


def hold(buffers: Mapping[str, bytes | None]) -> None:
    """From now on files have these bytes; None: those on the disk."""
    for path, data in buffers.items():
        real = os.path.realpath(path)
        if data is None:
            _held.pop(real, None)
        else:
            _held[real] = data
    disk.hold(_held)


def analysis(task: Task) -> Analysis:
    """Everything that an editor shows about a text."""
    started = time.process_time()
    try:
        found = _analysis(task)
    except (SettingsError, baseline.BaselineError) as error:
        found = Analysis(log=(str(error),), broken=True)
    tidy()
    return replace(found, seconds=time.process_time() - started)


def fixed(task: Task, wanted: tuple[str, Span] | None, unsafe: bool) -> Rewritten:
    """The text with the finding of a rule at a place fixed, or with all safe fixes."""
    try:
        settings = _ruling(task)
    except SettingsError as error:
        return Rewritten((), str(error))
    if wanted is not None:  # asked for by a person, as selecting the rule by its name is
        settings = replace(settings, extend_select=(*settings.extend_select, wanted[0]))
    shown = None if wanted is None else {wanted}
    result = session.fixed_text(task.data, discovery.display(task.path), task.kind, settings, unsafe, shown)
    tidy()
    return Rewritten(changes(task, result.after), "" if result.findings else "; ".join(result.left))


def ignored(task: Task, code: str, span: Span, reason: str) -> Rewritten:
    """The text with a comment that suppresses a finding for a reason."""
    why = why_no_reason(reason)
    if why is not None:
        return Rewritten((), f"the reason cannot be written, {why}")
    try:
        settings = _ruling(task)
    except SettingsError as error:
        return Rewritten((), str(error))
    found = [Finding(code, "", span)]
    result = remarked_text(discovery.display(task.path), task.data, found, reason, settings, task.kind)
    tidy()
    return Rewritten(changes(task, result.after), result.problem)


def readers(task: Task) -> tuple[Link, ...]:
    """Links to the programs that read a configuration file."""
    path = discovery.display(task.path)
    source = readable(path, task.kind, task.data)
    project = Project(load(otherwise=task.table).root)
    project.admit(path)
    return tuple(readers_of(source, project, Placer(Outcome(texts={path: source}), task).place))


def inspected(task: Task) -> str:
    """What was read of a text, as `inspect` shows it."""
    path = discovery.display(task.path)
    return as_text(inspect_text(task.data, path, load(otherwise=task.table), task.kind))


def _analysis(task: Task) -> Analysis:
    settings, path = load(otherwise=task.table), discovery.display(task.path)
    if _is_excluded(path, settings):
        return Analysis()
    entries = None if settings.baseline is None else baseline.read(settings.baseline)
    content = Content(entries, fingerprints=entries is not None, basis=True)
    with disk.Watch() as watch:
        outcome = engine.lint_text(task.data, path, settings, kind=task.kind, content=content)
        placer = Placer(outcome, task)
        problems = tuple(_problem(finding, placer) for finding in outcome.findings)
        shown = _beside_findings(outcome, path, Project(settings.root), placer)
    if shown.broken and not prefilter.telling(task.data, task.kind):
        problems = ()  # whatever it is about, another tool says what is wrong with it
    reads = frozenset(os.path.realpath(asked) for kind, asked in watch.noted if kind in ("content", "state"))
    return replace(shown, problems=problems, reads=reads, log=outcome.notes + shown.log)


def _beside_findings(outcome: Outcome, path: str, project: Project, placer: Placer) -> Analysis:
    """What is shown of a text beside its findings."""
    reading = outcome.readings.get(path)
    if reading is None:
        return Analysis(broken=True)
    source = outcome.source(path)
    project.admit(path)

    def annotations() -> Analysis:
        notes = notes_of(reading.runs, source, project, placer.place)
        links = links_of(source, project, placer.place)
        return replace(notes, links=links, dialects=reading.recognised)

    found = attempt(annotations)
    return Analysis(log=(f"{path}: {found.message}",)) if isinstance(found, Failure) else found


def _ruling(task: Task) -> Settings:
    """The settings that rule a text. Raises SettingsError."""
    return settings_of(discovery.display(task.path), load(otherwise=task.table))


def _is_excluded(path: str, settings: Settings) -> bool:
    """Whether a lint of the folder would skip a file."""
    parts = path.split("/")
    if not discovery.DEFAULT_EXCLUDES.isdisjoint(parts[:-1]):
        return True
    excluded = engine.excluder(settings)
    return excluded is not None and any(excluded("/".join(parts[: end + 1])) for end in range(len(parts)))


def _problem(finding: Finding, placer: Placer) -> Problem:
    fix = automatic(finding)
    return Problem(
        finding.code,
        name_of(finding),
        level_of(finding),
        visible(finding.message),
        url_of(finding.code),
        placer.place(finding.span),
        finding.span,
        tuple((placer.place(each.span), visible(each.message)) for each in finding.related),
        visible(fix.message) if fix is not None else None,
        fix is not None and fix.applicability == "safe",
    )
