"""What each command does, apart from parsing its options."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from lora_lint.records import dataclass, field, replace
from lora_lint.terminal import (
    OutputError,
    ProgressLine,
    StudyLine,
    complain,
    flush,
    is_terminal,
    progress,
    tell,
    wants_color,
    wants_links,
    width,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from lora_lint.catalogue import Rule
    from lora_lint.fixes.session import Fixed
    from lora_lint.inspection.runs import Inspection
    from lora_lint.linting.cache import Cache
    from lora_lint.linting.outcome import Content, Outcome
    from lora_lint.report import View
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind
    from lora_lint.verify.experiment import Effort

COMMANDS = (
    *("check", "rules", "explain", "inspect", "recommend", "learn", "ablate", "preflight", "schema", "server"),
    "completion",
)
_NO_CACHE = "LORA_LINT_NO_CACHE"
_COMPLETE = "_LORA_LINT_COMPLETE"


class UsageError(Exception):
    """A call that makes no sense; the message is for the user."""


@dataclass(frozen=True)
class InputText:
    """A text that is read in place of files, under the name that reports show."""

    path: str
    kind: FileKind
    data: bytes


@dataclass(frozen=True)
class Input:
    """The files that a command reads, and the settings it reads them under. `options` are those of
    `settings.override`."""

    paths: Sequence[str] = ()
    stdin_filename: str | None = None
    config: str | None = None
    isolated: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    online: bool = False
    """Whether the user allows to ask the hub."""
    text: InputText | None = None
    """The content of standard input or of an adapter on the hub, once it has been read."""

    def settings(self) -> Settings:
        """The effective settings. Raises SettingsError."""
        from lora_lint import settings

        return settings.override(settings.load(self.config, self.isolated), **self.options)

    def is_stdin(self) -> bool:
        """Whether the text to read is on standard input. Raises UsageError."""
        if "-" in self.paths and len(self.paths) > 1:
            raise UsageError("`-` reads standard input: give no other path")
        if self.stdin_filename is not None and "-" not in self.paths:
            raise UsageError("--stdin-filename names the text on standard input: give `-` as the only path")
        return "-" in self.paths

    def is_adapter(self) -> bool:
        """Whether an adapter on the hub is named. Raises UsageError where that is not allowed."""
        from lora_lint.system.hub import SCHEME

        named = next((path for path in self.paths if path.startswith(SCHEME)), None)
        if named is None:
            return False
        if len(self.paths) > 1:
            raise UsageError(f"{named} is read by itself: give no other path")
        if not self.online:
            raise UsageError(f"{named} is on the hub, which lora-lint asks with --online only")
        return True

    def is_one_file(self) -> bool:
        """Whether a single file, or standard input, is named, and no folder."""
        return len(self.paths) == 1 and (self.paths[0] == "-" or not os.path.isdir(self.paths[0]))


@dataclass(frozen=True)
class Output:
    """Where the findings go, and in which format."""

    format: str = "full"
    file: str | None = None
    write_baseline: str | None = None
    statistics: bool = False
    color: str = "auto"


_PLAIN = Output()


@dataclass(frozen=True)
class Repair:
    """Whether fixes are applied or only shown, and whether unsafe ones are included. With `reason`, comments that
    suppress the findings take the place of fixes."""

    fix: bool = False
    diff: bool = False
    unsafe: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Verification:
    """What `--verify` may use. `time_budget` in seconds; `seeds` None means the defaults; `report` is the path of the
    page to write; `accept_proxy` as in `verify.experiment.Effort`."""

    device: Literal["auto", "cuda", "cpu", "meta"] = "auto"
    time_budget: float = 600.0
    seeds: int | None = None
    report: str | None = None
    accept_proxy: bool = False

    def effort(self) -> Effort:
        """What the experiments need to know of it."""
        from lora_lint.verify.experiment import Effort

        return Effort(self.device, self.time_budget, self.seeds, self.accept_proxy)


@dataclass(frozen=True)
class Check:
    """A call of `check`. `jobs` is the number of processes, 0 for as many as are worth starting; `cache_dir` None means
    the one in the settings."""

    input: Input = Input()
    output: Output = Output()
    repair: Repair = Repair()
    verification: Verification | None = None
    jobs: int = 0
    cache_dir: str | None = None
    no_cache: bool = False


def request_of(options: dict[str, Any]) -> Check:
    """The call of `check`, from the values of all options in `options.CHECK`."""
    take = options.pop
    report, color = (take("output_format"), take("output_file"), take("write_baseline")), take("color")
    output = Output(*report, take("statistics"), color)
    repair = Repair(take("fix"), take("diff"), take("unsafe_fixes"), take("add_ignore"))
    verifies, page = take("verify"), take("verify_report")
    effort = (take("device"), take("time_budget"), take("seeds"))
    verification = Verification(*effort, page, take("accept_proxy"))
    jobs, cache_dir, no_cache = take("jobs") or 0, take("cache_dir"), take("no_cache")
    settling = verification if verifies or page is not None else None
    return Check(input_of(options), output, repair, settling, jobs, cache_dir, no_cache)


def input_of(options: dict[str, Any]) -> Input:
    """The files and settings of a command, from the values of all its options."""
    take = options.pop
    files = (take("paths"), take("stdin_filename"), take("config"), take("isolated"))
    online = take("online")
    return Input(*files, options, online)


def completing() -> bool:
    """Whether the shell asks for completions."""
    return _COMPLETE in os.environ


def guarded(command: Callable[[], int]) -> int:
    """Runs `command` and gives the exit status: 2 for usage errors and for output that cannot be written, 130 for
    Ctrl-C and 143 for SIGTERM, never with a traceback."""
    from lora_lint.catalogue import CatalogueError
    from lora_lint.settings import SettingsError
    from lora_lint.system import interrupts

    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes that are not text, and not every terminal can show every character.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with interrupts.terminable():
            status = command()
            flush()
    except (SettingsError, UsageError, CatalogueError) as error:
        complain(f"error: {error}")
        return 2
    except OutputError as error:
        if str(error):
            complain(f"error: {error}")
        return 2
    except OSError as error:  # of the text that click writes itself
        if not isinstance(error, BrokenPipeError):
            complain(f"error: {error}")
        with suppress(OutputError):
            flush()
        return 2
    except KeyboardInterrupt as interrupt:
        complain("interrupted")
        return interrupts.status_of(interrupt)
    return status


def check(request: Check) -> int:
    """Lints, settles the findings if asked to, reports, and gives the exit status."""
    from lora_lint.report import FORMATS

    output, repair, verification = request.output, request.repair, request.verification
    _say_which_facts_are_left_out()
    _refuse_misspelt_command(request.input.paths)
    settings = request.input.settings()
    _refuse_repair(request)
    _refuse_unwritable(request, settings)
    if output.write_baseline is not None or repair.diff:
        verification = None  # no reported finding has an experiment
    if verification is not None:
        _refuse_unverifiable()
    request = replace(request, verification=verification, input=_read(request.input, settings))
    outcome, unwritten = _outcome(request, settings), False
    if repair.diff:
        return _diff(outcome, settings, repair, _relint(request, settings, outcome))
    if repair.fix or repair.reason is not None:
        changed, unwritten = _repair(outcome, settings, repair, _relint(request, settings, outcome))
        if changed:
            outcome = _outcome(request, settings)
    elif repair.unsafe:
        _count_fixable(outcome, settings)
    for note in outcome.notes:
        complain(note)
    interrupt = None
    if output.write_baseline is not None:
        if _write_baseline(output.write_baseline, outcome, settings):
            return 2 if unwritten or outcome.failed else 0
        unwritten = True  # report, so that the findings are not lost
    elif verification is not None:
        from lora_lint.linting.outcome import with_fixable

        outcome, interrupt = _settled(outcome, verification)
        outcome = with_fixable(outcome, settings)
    if outcome.failed and not outcome.summary.files and FORMATS[output.format].for_people:
        return 2  # none of the named paths exists: the notes say so, and there is nothing to report
    aside = None if request.input.is_one_file() else _contested() - settings.named()
    unwritten = not _report(outcome, output, aside) or unwritten
    if verification is not None and verification.report is not None:
        from lora_lint.verify import page

        text = page.render(outcome, verification.effort())
        unwritten = not _write_report(verification.report, text) or unwritten
    if interrupt is not None:
        raise interrupt
    return 2 if unwritten else status_of(outcome, settings)


def _outcome(request: Check, settings: Settings) -> Outcome:
    """The outcome of linting the files or standard input."""
    from lora_lint.linting import engine

    content = _content(request, settings)
    text = request.input.text
    if text is not None:
        return engine.lint_text(text.data, text.path, settings, kind=text.kind, content=content)
    paths, cache, bar = request.input.paths or ["."], _cache(request, settings), progress()
    try:
        return engine.lint(paths, settings, content=content, jobs=request.jobs, progress=bar, cache=cache)
    finally:
        if bar is not None:
            bar(0, 0)


def _cache(request: Check, settings: Settings) -> Cache | None:
    """The results of earlier lints; a new object for each lint, because files may have changed since the last."""
    if request.no_cache or os.environ.get(_NO_CACHE) or "-" in request.input.paths:
        return None
    from lora_lint.linting.cache import Cache

    return Cache(settings, request.cache_dir)


def _relint(request: Check, settings: Settings, outcome: Outcome) -> Callable[[], Outcome] | None:
    """Lints all files again with all rules, to see how a fix affects files that import the fixed one; None where there
    are no other files."""
    if outcome.summary.files < 2:
        return None

    def relint() -> Outcome:
        from lora_lint.linting import engine
        from lora_lint.linting.outcome import Content

        every = replace(settings, select=None, level="advice")
        cache = _cache(request, every)
        content = Content(fingerprints=False)
        return engine.lint(request.input.paths or ["."], every, content=content, jobs=request.jobs, cache=cache)

    return relint


def _content(request: Check, settings: Settings) -> Content:
    """What to keep in the outcome. Raises UsageError for a baseline that cannot be used."""
    from lora_lint.linting.outcome import Content
    from lora_lint.report import FORMATS

    writes_baseline = request.output.write_baseline is not None
    entries = None
    if settings.baseline is not None and not writes_baseline:
        from lora_lint.linting import baseline

        try:
            entries = baseline.read(settings.baseline)
        except baseline.BaselineError as error:
            raise UsageError(str(error)) from None
    marked = writes_baseline or FORMATS[request.output.format].fingerprints
    return Content(entries, fingerprints=marked, basis=request.verification is not None)


def _contested() -> frozenset[str]:
    """The contested rules, whose advice is listed only if they are selected by name."""
    from lora_lint import catalogue

    return frozenset(code for code, rule in catalogue.rules().items() if rule.contested)


def _report(outcome: Outcome, output: Output, aside: frozenset[str] | None) -> bool:
    """Writes the report and the counts by rule; gives whether both could be written. `aside` are the rules whose
    advice is only counted; None shows everything in full."""
    from lora_lint.report import FORMATS, render

    view = replace(_view(output), brief=aside is not None, aside=aside or frozenset())
    text = _with_newline(render(output.format, outcome, view))
    for_people = FORMATS[output.format].for_people
    in_file = output.file is not None and _write_report(output.file, text)
    if not in_file:
        write(text, machine=not for_people)
    if output.statistics:
        (write if for_people and not in_file else tell)(counts(outcome))
    return in_file or output.file is None


def _view(output: Output = _PLAIN) -> View:
    """How a report looks where it is written."""
    from lora_lint.report import View

    color = wants_color(output.color, output.file)
    return View(width(output.file), color, color and wants_links(output.file))


def _refuse_unwritable(request: Check, settings: Settings) -> None:
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


def _refuse_repair(request: Check) -> None:
    """Raises UsageError where files cannot be changed as requested."""
    repair = request.repair
    changes = repair.fix or repair.diff or repair.reason is not None
    if changes and request.input.is_stdin():
        raise UsageError("standard input cannot be fixed: give the file, or use the edits in `--output-format sarif`")
    if changes and request.input.is_adapter():
        raise UsageError("an adapter on the hub cannot be fixed: download it first")
    if repair.reason is not None:
        from lora_lint.fixes.remarks import why_no_reason

        if repair.fix or repair.unsafe:
            raise UsageError("--add-ignore and --fix exclude each other: fix first, then ignore what remains")
        why = why_no_reason(repair.reason)
        if why is not None:
            raise UsageError(f"--add-ignore: the reason cannot be written, {why}")


def _refuse_misspelt_command(paths: Sequence[str]) -> None:
    """Raises UsageError where the first path does not exist but resembles a command."""
    from lora_lint.settings import did_you_mean

    word = paths[0] if paths else ""
    if word.isalpha() and not os.path.exists(word) and (hint := did_you_mean(word, COMMANDS)):
        raise UsageError(f"no such file or command: {word!r}{hint}")


def _refuse_unverifiable() -> None:
    """Raises UsageError where packages that --verify needs are missing."""
    from lora_lint.system.modules import not_installed
    from lora_lint.verify.session import NEEDED

    absent = not_installed(NEEDED)
    if absent:
        raise UsageError(f"--verify needs {', '.join(absent)}: install lora-lint with its extra `verify`")


def _settled(outcome: Outcome, verification: Verification) -> tuple[Outcome, KeyboardInterrupt | None]:
    """The outcome with verdicts, and the interrupt that ended it early."""
    from lora_lint.verify import session

    line = ProgressLine()
    try:
        return session.settle(outcome, verification.effort(), line.show)
    except KeyboardInterrupt as interrupt:  # before the first experiment
        return outcome, interrupt
    finally:
        line.clear()


def _repaired(outcome: Outcome, settings: Settings, repair: Repair, lint: Callable[[], Outcome] | None) -> list[Fixed]:
    """The files as they will be, with fixes or with comments."""
    if repair.reason is not None:
        from lora_lint.fixes.remarks import remarked

        return remarked(outcome, repair.reason, settings)
    from lora_lint.fixes import session

    return session.fixed(outcome, settings, repair.unsafe, lint)


def _repair(
    outcome: Outcome, settings: Settings, repair: Repair, lint: Callable[[], Outcome] | None
) -> tuple[bool, bool]:
    """Writes fixes or comments; gives whether any file changed, and whether one could not be written."""
    from lora_lint.fixes import session
    from lora_lint.system import bounds, interrupts

    done = "fixed" if repair.reason is None else "ignored"
    tree = bounds.tree(settings.root)
    count, files, failed = 0, 0, False
    try:
        for file in _repaired(outcome, settings, repair, lint):
            problem = file.problem
            if _is_elsewhere(file.path, tree):
                problem = "it is a link that leads out of the project"
            elif file.after != file.before:
                try:
                    with interrupts.shield():
                        session.write(file)
                        count, files = count + file.findings, files + 1
                except session.Changed as error:
                    problem = str(error)
                except OSError as error:
                    problem, failed = error.strerror or str(error), True
            if problem:
                complain(f"{file.path}: not {done}, {problem}")
            for line in file.left:
                complain(f"{file.path}: {line}")
    finally:  # after an interrupt too: some files are already written
        if count:
            complain(f"{_findings(count)} {done} in {files} file{'' if files == 1 else 's'}")
    return count > 0, failed


def _is_elsewhere(path: str, tree: str) -> bool:
    """Whether a file is a link out of the project or, for a file outside the project, out of its folder."""
    from lora_lint.system import bounds

    return bounds.leads_out(path, tree) or bounds.leads_out(path, os.path.realpath(os.path.dirname(path)))


def _count_fixable(outcome: Outcome, settings: Settings) -> None:
    """Says how many findings `--fix` would fix with `--unsafe-fixes`, which has no effect alone."""
    from lora_lint.finding import fixable

    named = settings.named()
    count = sum(fixable(finding, unsafe=True, named=named) for finding in outcome.findings)
    if count:
        complain(
            f"{_findings(count)} can be fixed with `--fix --unsafe-fixes`; `--diff --unsafe-fixes` shows the changes"
        )


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def _diff(outcome: Outcome, settings: Settings, repair: Repair, lint: Callable[[], Outcome] | None) -> int:
    """Shows what `--fix` or `--add-ignore` would change. The exit status is 1 if there is anything to change."""
    from lora_lint.fixes import session

    files = _repaired(outcome, settings, repair, lint)
    changed = [file for file in files if file.after != file.before]
    write(b"".join(map(session.diff, changed)))
    for file in files:
        for line in file.left:
            complain(f"{file.path}: {line}")
    return 2 if outcome.failed else int(bool(changed))


def _read(request: Input, settings: Settings) -> Input:
    """The input with its text, if it is one, after what the user allows was fetched. Raises UsageError."""
    if request.online:
        _refuse_offline()
    if request.is_adapter():
        request = replace(request, text=_adapter(request.paths[0]))
    elif request.is_stdin():
        request = replace(request, text=_stdin(request.stdin_filename))
    if request.online:
        _fetch_configs(_inspected(request, settings).inexact)
    return request


def _say_which_facts_are_left_out() -> None:
    """Says why an installed data package is not used."""
    from lora_lint.knowledge import edition

    for problem in edition.problems():
        complain(problem)


def _refuse_offline() -> None:
    """Raises UsageError where the package that --online needs is missing."""
    from lora_lint.system.modules import not_installed

    if not_installed(("huggingface_hub",)):
        raise UsageError("--online needs huggingface_hub: install lora-lint with its extra `online`")


def _adapter(address: str) -> InputText:
    """The config of an adapter on the hub; from now on the header of its weights lies beside it. Raises UsageError."""
    from lora_lint.system import disk, hub

    try:
        files = hub.adapter(address)
    except hub.NotFetched as error:
        raise UsageError(str(error)) from None
    disk.hold({os.path.realpath(path): data for path, data in files.items()})
    path, data = next(iter(files.items()))
    return InputText(path, "json", data)


def _fetch_configs(names: Iterable[str]) -> None:
    """Puts the config.json of models into the hub's cache, where reading finds it."""
    from lora_lint.knowledge.models import is_hub_id
    from lora_lint.system import hub

    for name in names:
        if is_hub_id(name) and not os.path.exists(name):
            try:
                hub.fetch_config(name)
            except hub.NotFetched as error:
                complain(str(error))


def _inspected(request: Input, settings: Settings) -> Inspection:
    """The runs of the input."""
    from lora_lint.inspection import runs

    text = request.text
    if text is not None:
        return runs.inspect_text(text.data, text.path, settings, text.kind)
    return runs.inspect(request.paths or ["."], settings)


def _stdin(stdin_filename: str | None) -> InputText:
    """The text on standard input. Raises UsageError."""
    from lora_lint import discovery

    if sys.stdin is None:
        raise UsageError("standard input is closed")
    path = discovery.display(stdin_filename) if stdin_filename else "<stdin>"
    named = discovery.kind_of(path) if stdin_filename else None
    if stdin_filename and named is None:
        raise UsageError(f"--stdin-filename {path}: lora-lint reads {discovery.NAMED} files")
    try:
        data = sys.stdin.buffer.read(discovery.limit_of(named or "notebook") + 1)
    except OSError as error:
        raise UsageError(f"standard input cannot be read ({error.strerror or error})") from None
    kind = named or discovery.kind_of_text(data)
    if kind is None:
        raise UsageError("the kind of text on standard input cannot be recognised: give --stdin-filename NAME.py")
    return InputText(path, kind, data)


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


def _write_baseline(path: str, outcome: Outcome, settings: Settings) -> bool:
    """Writes the findings to a baseline; gives whether it could be written."""
    from lora_lint.linting import baseline

    try:
        number = baseline.write(path, outcome.findings, settings.root)
    except OSError as error:
        complain(f"error: {path}: the baseline cannot be written ({error.strerror or error})")
        return False
    complain(f"{path}: {_findings(number)} written")
    return True


def _write_report(path: str, text: str) -> bool:
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


def version() -> int:
    """Prints the version, the date of the facts, and why a data package is not used."""
    from lora_lint import __version__
    from lora_lint.knowledge import edition

    write("\n".join((f"lora-lint {__version__}", str(edition.current()), *edition.problems(), "")))
    return 0


def rules(
    words: Sequence[str] = (), level: str | None = None, fix: str | None = None, output_format: str = "text"
) -> int:
    """Lists the catalogue, or the rules that `words` name, that have the default `level`, and whose fix is of the kind
    `fix`."""
    from lora_lint import catalogue
    from lora_lint.settings import expand

    codes = expand(words, "rules") or tuple(catalogue.rules())
    every = map(catalogue.rules().__getitem__, codes)
    found = [rule for rule in every if level in (None, rule.level) and fix in (None, rule.fix.applicability)]
    if output_format == "json":
        from lora_lint.system.visible import json_text

        write(json_text(list(map(_facts, found))), machine=True)
        return 0
    from lora_lint.report.pages import listing

    write(listing(found, _view(), heading=is_terminal(sys.stdout)))
    return 0


def explain(words: Sequence[str], output_format: str = "text") -> int:
    """Prints the catalogue's pages for some rules."""
    from lora_lint import catalogue
    from lora_lint.settings import expand

    codes = expand(words, "explain")
    if output_format == "json":
        from lora_lint.system.visible import json_text

        pages = [{**_facts(catalogue.rules()[code]), "page": catalogue.page(code)} for code in codes]
        write(json_text(pages), machine=True)
        return 0
    texts = [catalogue.page(code) for code in codes]
    if is_terminal(sys.stdout):
        from lora_lint.report.pages import rendered

        texts = [rendered(text, _view()) for text in texts]
    write("\n".join(text.rstrip("\n") + "\n" for text in texts))
    return 0


def _facts(rule: Rule) -> dict[str, Any]:
    """A rule of the catalogue as JSON values."""
    from lora_lint.report.wording import url_of

    return {
        "code": rule.code,
        "name": rule.name,
        "level": rule.level,
        "contested": rule.contested,
        "fix": rule.fix.applicability,
        "summary": rule.summary,
        "options": {name: dict(schema) for name, schema in rule.options.items()},
        "url": url_of(rule.code),
    }


def recommend(
    model: str, size: int | None, task: str, framework: str, scaling: str, layers: str, online: bool = False
) -> int:
    """Prints a config for a model, a number of examples and a task."""
    _say_which_facts_are_left_out()
    if online:
        _refuse_offline()
        _fetch_configs([model])
    from lora_lint.frameworks import registry
    from lora_lint.recommend import choices, spellings

    try:
        record = registry.framework(framework)
        found = choices.recommend(model, size, task, scaling, record.can("use_rslora"), layers)  # type: ignore[arg-type]
        text = spellings.text_of(found, record)
    except choices.NotKnown as error:
        raise UsageError(str(error)) from None
    write(text)
    return 0


def inspect(request: Input, output_format: str = "text") -> int:
    """Prints what was read from the files: each run with its model, modules, parameters, scale and data."""
    from lora_lint.report.inspect import as_json, as_text

    _say_which_facts_are_left_out()
    settings = request.settings()
    inspection = _inspected(_read(request, settings), settings)
    for note in inspection.notes:
        complain(note)
    if output_format == "json":
        write(as_json(inspection), machine=True)
    else:
        write(as_text(inspection))
    return 2 if inspection.failed else 0


def preflight_of(options: dict[str, Any]) -> Check:
    """The report and the settings of `preflight`, from the values of all options in `options.PREFLIGHT`."""
    take = options.pop
    output = Output(take("output_format"), take("output_file"), color=take("color"))
    return Check(Input((), None, take("config"), take("isolated"), options), output)


def preflight(request: Check, program: str, arguments: Sequence[str], launch: str | None) -> int:
    """Runs a program up to its first training step, reports what its live objects show, and gives the exit status.
    Raises UsageError."""
    if not os.path.isfile(program):
        raise UsageError(f"{program}: no such file")
    settings = request.input.settings()
    _refuse_unwritable(replace(request, input=replace(request.input, paths=(program,))), settings)
    from lora_lint.preflight.command import fly
    from lora_lint.report import FORMATS

    complain(f"preflight runs {program}, your own code, up to its first training step")
    given = {
        name: value for name, value in request.input.options.items() if value not in (None, ()) and name != "fail_on"
    }
    options = {**given, "config": request.input.config, "isolated": request.input.isolated}
    outcome = fly(program, arguments, launch, options, settings)
    for note in outcome.notes:
        complain(note)
    if outcome.failed and not outcome.findings and FORMATS[request.output.format].for_people:
        return 2  # the notes say why
    written = _report(outcome, request.output, None)
    return status_of(outcome, settings) if written else 2


def learn(name: str, modules: Sequence[str], out: str | None) -> int:
    """Writes the config and the modules of a model, as the installed transformers builds it, into a folder. Raises
    UsageError if it builds none, or the folder cannot be written."""
    import json
    import subprocess

    from lora_lint.knowledge.models import LEARNED
    from lora_lint.system.modules import not_installed
    from lora_lint.system.visible import visible
    from lora_lint.system.writing import write_report

    absent = not_installed(("torch", "transformers"))
    if absent:
        raise UsageError(f"learn needs {' and '.join(absent)}: install lora-lint with its extra `verify`")
    command = [sys.executable, "-m", "lora_lint.verify.structure.learned", name, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise UsageError(f"{visible(name)}: {visible(reason)}")
    found = json.loads(done.stdout.rstrip().rpartition("\n")[2])  # what the modules print comes before
    learned = found["modules"]
    folder = out or os.path.join("lora-lint-models", os.path.basename(os.path.abspath(name)))
    try:
        os.makedirs(folder, exist_ok=True)
        for file, content in (("config.json", found["config"]), (LEARNED, learned)):
            write_report(os.path.join(folder, file), json.dumps(content) + "\n")
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None
    heads = sorted({name for entry in learned["versions"].values() for name, *_ in entry["heads"].values()})
    write(f"{folder}: {', '.join(heads)} of {learned['by']}\n")
    return 0


def schema(name: str) -> int:
    """Prints the JSON Schema of the settings, or of the keys of a framework. Raises UsageError for another name."""
    from lora_lint.settings import did_you_mean, table_schema
    from lora_lint.system.visible import json_text

    if name == "settings":
        write(json_text(table_schema()), machine=True)
        return 0
    from lora_lint.frameworks import keys

    names = keys.described_frameworks()
    found = keys.schema_of(name) if name in names else None
    if found is None:
        raise UsageError(f"no schema of {name!r}{did_you_mean(name, names)} (settings, {', '.join(names)})")
    write(json_text(found), machine=True)
    return 0


def server() -> NoReturn:
    """Runs the language server on the standard streams, and ends the process. Raises UsageError where its packages are
    missing."""
    from lora_lint.system.modules import not_installed

    absent = not_installed(("pygls", "lsprotocol"))
    if absent:
        raise UsageError(f"the server needs {' and '.join(absent)}: install lora-lint with its extra `lsp`")
    from lora_lint.server.requests import serve

    serve()
    sys.exit()  # unlike other commands, it has processes and locks that an ordinary exit releases


@dataclass(frozen=True)
class Ablation:
    """A call of `ablate`: the options by name, those that are not given None or empty."""

    path: str
    input: Input
    options: Mapping[str, Any]


def ablate(request: Ablation) -> int:
    """Makes an ablation study and prints what it found."""
    from lora_lint.system.modules import not_installed
    from lora_lint.verify.session import NEEDED

    absent = not_installed(NEEDED)
    if absent:
        raise UsageError(f'ablate needs {", ".join(absent)}: pip install "lora-lint[ablate]"')
    from lora_lint.ablate import session
    from lora_lint.ablate.errors import StudyError

    line = StudyLine()
    try:
        text = session.report(request.path, request.options, request.input.settings(), line.show)
    except StudyError as error:
        raise UsageError(str(error)) from None
    finally:
        line.clear()
    write(text)
    return 0
