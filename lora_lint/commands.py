"""What the commands do, without the option parser."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lora_lint.lint.cache import Cache
    from lora_lint.lint.engine import Outcome
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind
    from lora_lint.verify.session import Step

COMMANDS = ("check", "rules", "explain", "inspect", "recommend", "completion")
FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit")
_FOR_PEOPLE = ("full", "concise")
_WITH_FINGERPRINTS = ("json", "sarif", "gitlab")
_NO_CACHE = "LORA_LINT_NO_CACHE"
_COMPLETE = "_LORA_LINT_COMPLETE"


class Verification(NamedTuple):
    """What `--verify` was told. `time_budget` in seconds; `seeds` None means the defaults; `report` is the path of the
    page to write."""

    device: str = "auto"
    time_budget: float = 600.0
    seeds: int | None = None
    report: str | None = None


class UsageError(Exception):
    """A call that makes no sense; the message is for people."""


class OutputError(Exception):
    """Standard output cannot be written to. The message is for people, and empty where the reader has gone."""


def completing() -> bool:
    """Whether the shell asks for completions."""
    return _COMPLETE in os.environ


def guarded(command: Callable[[], int]) -> int:
    """Runs `command` and gives the exit status: 2 for usage errors and for output that cannot be written, 130 for
    Ctrl-C and 143 for SIGTERM. No traceback for any of these."""
    from lora_lint.catalogue import CatalogueError
    from lora_lint.settings import SettingsError
    from lora_lint.system import interrupts

    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes that are no text, and not every terminal has every character.
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
    except OSError as error:  # of what click writes itself
        if not isinstance(error, BrokenPipeError):
            complain(f"error: {error}")
        with suppress(OutputError):
            flush()
        return 2
    except KeyboardInterrupt as interrupt:
        complain("interrupted")
        return interrupts.status_of(interrupt)
    return status


def complain(message: str) -> None:
    """Says something on stderr, if anything can be said there."""
    from lora_lint.system.visible import visible

    tell(f"lora-lint: {visible(message)}\n")


def tell(text: str) -> None:
    """Writes to stderr, which may be closed or full."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


def write(text: str | bytes, machine: bool = False) -> None:
    """Writes to stdout: bytes as they are, text as UTF-8 whatever the locale if a program is to read it. Raises
    OutputError."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    if machine and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        if isinstance(text, str):
            sys.stdout.write(text)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(text)
    except OSError as error:
        raise _undelivered(error) from None


def flush() -> None:
    """Sees to it that what was written to stdout has arrived. Raises OutputError."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise _undelivered(error) from None


def _undelivered(error: OSError) -> OutputError:
    """What to raise for an error of stdout, which is given up: the interpreter must not fail on its last flush."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return OutputError()
    return OutputError(f"standard output cannot be written to ({error.strerror or error})")


def checked(options: dict[str, Any]) -> int:
    """Runs `check` with the options of `options.CHECK` and gives the exit status."""
    how = Verification(*(options.pop(name) for name in ("device", "time_budget", "seeds", "verify_report")))
    wanted = options.pop("verify") or how.report is not None
    return check(jobs=options.pop("jobs") or 0, verify=how if wanted else None, **options)


def check(
    paths: Sequence[str] = (),
    *,
    output_format: str = "full",
    output_file: str | None = None,
    config: str | None = None,
    isolated: bool = False,
    stdin_filename: str | None = None,
    statistics: bool = False,
    write_baseline: str | None = None,
    jobs: int = 0,
    color: str = "auto",
    fix: bool = False,
    unsafe_fixes: bool = False,
    diff: bool = False,
    verify: Verification | None = None,
    cache_dir: str | None = None,
    no_cache: bool = False,
    **options: Any,
) -> int:
    """Lints, settles the findings if asked to, reports, and gives the exit status. `options` are those of
    `settings.override`."""
    from lora_lint import settings as settings_module

    _refuse_misspelt_command(paths)
    settings = settings_module.override(settings_module.load(config, isolated), **options)
    if _from_stdin(paths, stdin_filename) and (fix or diff):
        raise UsageError("standard input cannot be fixed: give the file, or take the edits of `--output-format sarif`")
    for path in (output_file, write_baseline, verify.report if verify is not None else None):
        _refuse_unwritable(path, settings)
    marked = write_baseline is not None or output_format in _WITH_FINGERPRINTS

    def cache(settings: Settings) -> Cache | None:
        """A new one for each lint: files may have changed since the last."""
        if no_cache or os.environ.get(_NO_CACHE) or "-" in paths:
            return None
        from lora_lint.lint.cache import Cache

        return Cache(settings, cache_dir)

    def everything() -> Outcome:
        from lora_lint.lint import engine
        from lora_lint.records import replace

        every = replace(settings, select=None)
        return engine.lint(paths or ["."], every, jobs=jobs, fingerprints=False, cache=cache(every))

    outcome = _lint(paths, settings, stdin_filename, jobs, write_baseline is None, marked, cache(settings))
    again = everything if outcome.summary.files > 1 else None
    if diff:
        return _diff(outcome, settings, unsafe_fixes, again)
    unwritten = False
    if fix:
        changed, unwritten = _fix(outcome, settings, unsafe_fixes, again)
        if changed:
            outcome = _lint(paths, settings, stdin_filename, jobs, write_baseline is None, marked, cache(settings))
    elif unsafe_fixes:
        _count_fixable(outcome, settings)
    for note in outcome.notes:
        complain(note)
    interrupt = None
    if write_baseline is not None:
        if _write_baseline(write_baseline, outcome, settings):
            return 2 if unwritten or outcome.failed else 0
        unwritten = True  # so that the findings are not lost, they are reported
    elif verify is not None:
        outcome, interrupt = _verify(outcome, paths, settings, stdin_filename, verify)
    from lora_lint.report import render

    text = _ended(render(output_format, outcome, color=colored(color, output_file)))
    if output_file is not None and not _write_report(output_file, text):
        output_file, unwritten = None, True
    if output_file is None:
        write(text, machine=output_format not in _FOR_PEOPLE)
    if statistics:
        table = counts(outcome)
        if output_format in _FOR_PEOPLE and output_file is None:
            write(table)
        else:
            tell(table)
    if verify is not None and verify.report is not None and write_baseline is None:
        unwritten = not _write_report(verify.report, _page(outcome)) or unwritten
    if interrupt is not None:
        raise interrupt
    return 2 if unwritten else status_of(outcome, settings)


def _refuse_unwritable(path: str | None, settings: Settings) -> None:
    """Raises UsageError where a file cannot be written, which is better known before the work than after it, and where
    a link in the project would have another one written."""
    if path is not None:
        from lora_lint.system import bounds
        from lora_lint.system.writing import why_unwritable

        outside = bounds.leads_out(path, bounds.tree(settings.root))
        why = "it is a link that leads out of the project" if outside else why_unwritable(path)
        if why is not None:
            raise UsageError(f"{path}: it cannot be written, {why}")


def _refuse_misspelt_command(paths: Sequence[str]) -> None:
    """Raises UsageError where the first path is no file and nearly a command."""
    from lora_lint.settings import did_you_mean

    word = paths[0] if paths else ""
    if word.isalpha() and not os.path.exists(word) and (hint := did_you_mean(word, COMMANDS)):
        raise UsageError(f"there is no file or command {word!r}{hint}")


def _verify(
    outcome: Outcome, paths: Sequence[str], settings: Settings, stdin_filename: str | None, verify: Verification
) -> tuple[Outcome, KeyboardInterrupt | None]:
    """The outcome with verdicts, and the interrupt that ended it early."""
    from lora_lint.verify import session

    absent = session.missing()
    if absent:
        raise UsageError(f"--verify needs {', '.join(absent)}: install lora-lint with its extra `verify`")
    from lora_lint import discovery
    from lora_lint.lint import engine
    from lora_lint.verify.experiment import Options

    files: Iterable[discovery.Found] = discovery.Walk(paths or ["."], engine.excluder(settings), root=settings.root)
    if "-" in paths:
        path = discovery.display(stdin_filename) if stdin_filename else "<stdin>"
        files = [discovery.Found(path, discovery.kind_of(path) or "python", outcome.texts[path].utf8, True)]
    line = _ProgressLine()
    try:
        claims = session.claims_of(outcome.findings, files, settings)
        options = Options(verify.device, verify.time_budget, verify.seeds)  # type: ignore[arg-type]
        return session.settle(outcome, claims, options, line.show)
    except KeyboardInterrupt as interrupt:  # before the first experiment
        return outcome, interrupt
    finally:
        line.clear()


class _ProgressLine:
    """The experiment under way, on stderr: one line that is written over on a terminal, else one line for each."""

    def __init__(self) -> None:
        self._terminal = _is_terminal(sys.stderr)
        self._shown = 0

    def show(self, step: Step) -> None:
        from lora_lint.system.visible import visible

        minutes, seconds = divmod(max(int(step.left), 0), 60)
        head = visible(f"[{step.number}/{step.total}] {step.finding.code} {step.finding.span.path}: {step.doing}")
        if self._terminal:
            tell(f"\r\x1b[K{head} ({minutes}:{seconds:02d} left)"[:200])
        elif step.number != self._shown:
            tell(f"{head} ({minutes}:{seconds:02d} left)\n")
        self._shown = step.number

    def clear(self) -> None:
        if self._terminal and self._shown:
            tell("\r\x1b[K")


def _page(outcome: Outcome) -> str:
    from lora_lint.verify.page import render

    return render(outcome)


def _fix(outcome: Outcome, settings: Settings, unsafe: bool, lint: Callable[[], Outcome] | None) -> tuple[bool, bool]:
    """Fixes what can be fixed; gives whether a file has changed, and whether one could not be written."""
    from lora_lint.fixes import session
    from lora_lint.system import bounds, interrupts

    tree = bounds.tree(settings.root)
    count, files, failed = 0, 0, False
    try:
        for file in session.fixed(outcome, settings, unsafe, lint):
            problem = file.problem
            if _is_elsewhere(file.path, tree):
                problem = "it is a link that leads out of the project"
            elif file.after != file.before:
                try:
                    with interrupts.held():
                        session.write(file)
                        count, files = count + file.findings, files + 1
                except session.Changed as error:
                    problem = str(error)
                except OSError as error:
                    problem, failed = error.strerror or str(error), True
            if problem:
                complain(f"{file.path}: not fixed, {problem}")
            for line in file.left:
                complain(f"{file.path}: {line}")
    finally:  # also after an interrupt: what is done is done
        if count:
            complain(f"{_findings(count)} fixed in {files} file{'' if files == 1 else 's'}")
    return count > 0, failed


def _is_elsewhere(path: str, tree: str) -> bool:
    """Whether a file is a link out of the project or, outside of that, out of its folder."""
    from lora_lint.system import bounds

    return bounds.leads_out(path, tree) or bounds.leads_out(path, os.path.realpath(os.path.dirname(path)))


def _count_fixable(outcome: Outcome, settings: Settings) -> None:
    """Says how many findings `--fix` would fix with `--unsafe-fixes`, which alone changes nothing."""
    from lora_lint.fixes.session import fixable

    named = settings.named()
    count = sum(fixable(finding, unsafe=True, named=named) for finding in outcome.findings)
    if count:
        complain(f"{_findings(count)} can be fixed: `--fix --unsafe-fixes` does it, `--diff --unsafe-fixes` shows it")


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def _diff(outcome: Outcome, settings: Settings, unsafe: bool, lint: Callable[[], Outcome] | None) -> int:
    """Shows what `--fix` would do. The exit status is 1 if there is anything to do."""
    from lora_lint.fixes import session

    files = session.fixed(outcome, settings, unsafe, lint)
    changed = [file for file in files if file.after != file.before]
    write(b"".join(map(session.diff, changed)))
    for file in files:
        for line in file.left:
            complain(f"{file.path}: {line}")
    return 2 if outcome.failed else int(bool(changed))


def _lint(
    paths: Sequence[str],
    settings: Settings,
    stdin_filename: str | None,
    jobs: int,
    known: bool,
    fingerprints: bool,
    cache: Cache | None,
) -> Outcome:
    """The outcome for `paths`, or for standard input if they are `-`. `known` hides what the baseline holds."""
    from lora_lint.lint import engine

    entries = None
    if settings.baseline is not None and known:
        from lora_lint.lint import baseline

        try:
            entries = baseline.read(settings.baseline)
        except baseline.BaselineError as error:
            raise UsageError(str(error)) from None
    if not _from_stdin(paths, stdin_filename):
        bar = progress()
        try:
            return engine.lint(
                paths or ["."],
                settings,
                jobs=jobs,
                progress=bar,
                baseline=entries,
                fingerprints=fingerprints,
                cache=cache,
            )
        finally:
            if bar is not None:
                bar(0, 0)
    path, kind, data = _stdin(stdin_filename)
    return engine.lint_text(data, path, settings, kind=kind, baseline=entries)


def _from_stdin(paths: Sequence[str], stdin_filename: str | None) -> bool:
    """Whether the text to read is on standard input. Raises UsageError."""
    if "-" in paths and len(paths) > 1:
        raise UsageError("`-` reads standard input and goes with no other path")
    if stdin_filename is not None and "-" not in paths:
        raise UsageError("--stdin-filename names the text on standard input: give `-` as the path")
    return "-" in paths


def _stdin(stdin_filename: str | None) -> tuple[str, FileKind, bytes]:
    """The name, the kind and the text on standard input. Raises UsageError."""
    from lora_lint import discovery

    path = discovery.display(stdin_filename) if stdin_filename else "<stdin>"
    kind = discovery.kind_of(path)
    if kind is None:
        raise UsageError(f"--stdin-filename {path}: lora-lint reads {', '.join(discovery.KINDS)} files")
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    try:
        return path, kind, sys.stdin.buffer.read(discovery.limit_of(kind) + 1)
    except OSError as error:
        raise UsageError(f"standard input cannot be read ({error.strerror or error})") from None


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
    from lora_lint.lint import baseline

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


def _ended(text: str) -> str:
    """A text with a newline at its end, unless it is empty."""
    return text if not text or text.endswith("\n") else text + "\n"


def colored(color: str, output_file: str | None = None) -> bool:
    """Whether the report is to have colors: as told, else as NO_COLOR and FORCE_COLOR say, else on a terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return output_file is None and _is_terminal(sys.stdout)


def _is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is a terminal that understands escapes; None: it is closed."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def progress() -> Callable[[int, int], None] | None:
    """A progress bar on stderr if that is a terminal. It shows up only when the work takes long; (0, 0) removes it."""
    if not _is_terminal(sys.stderr):
        return None
    import time

    begun = time.monotonic()
    drawn = 0.0

    def draw(done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if total == 0:
            if drawn:
                tell("\r\x1b[K")
        elif now - begun > 1 and now - drawn > 0.1:
            drawn = now
            filled = 30 * done // total
            tell(f"\r\x1b[K[{'#' * filled}{'.' * (30 - filled)}] {done}/{total} files")

    return draw


def version() -> int:
    """Prints the version."""
    from lora_lint import __version__

    write(f"lora-lint {__version__}\n")
    return 0


def rules(output_format: str = "text") -> int:
    """Lists the catalogue."""
    from lora_lint import catalogue

    found = list(catalogue.rules().values())
    if output_format == "json":
        from lora_lint.system.visible import json_text

        table = [
            {
                "code": rule.code,
                "name": rule.name,
                "level": rule.level,
                "summary": rule.summary,
                "options": {name: dict(schema) for name, schema in rule.options.items()},
            }
            for rule in found
        ]
        write(json_text(table), machine=True)
        return 0
    width = max((len(rule.name) for rule in found), default=0)
    for rule in found:
        write(f"{rule.code}  {rule.name:<{width}}  {rule.level:<7}  {rule.summary}\n")
    return 0


def explain(words: Iterable[str]) -> int:
    """Prints the catalogue's pages of some rules."""
    from lora_lint import catalogue
    from lora_lint.settings import did_you_mean, known_rules

    pages = []
    for word in words:
        rule = catalogue.find(word)
        if rule is None:
            raise UsageError(f"there is no rule {word!r}{did_you_mean(word, known_rules())}")
        pages.append(catalogue.page(rule.code).rstrip("\n") + "\n")
    write("\n".join(pages))
    return 0


def recommend(model: str, size: int | None, task: str, framework: str, scaling: str) -> int:
    """Prints a config for a model, a number of examples and a task."""
    from lora_lint.frameworks.base import can_set
    from lora_lint.recommend import choices, spellings

    try:
        found = choices.recommend(model, size, task, scaling, can_set(framework, "use_rslora"))  # type: ignore[arg-type]
        text = spellings.written(found, framework)
    except choices.NotKnown as error:
        raise UsageError(str(error)) from None
    write(text)
    return 0


def inspect(
    paths: Sequence[str] = (),
    *,
    output_format: str = "text",
    config: str | None = None,
    isolated: bool = False,
    stdin_filename: str | None = None,
    **options: Any,
) -> int:
    """Prints what was read from the files: each run with its model, modules, parameters, scale and data."""
    from lora_lint import inspection
    from lora_lint import settings as settings_module

    settings = settings_module.override(settings_module.load(config, isolated), **options)
    if _from_stdin(paths, stdin_filename):
        path, _, data = _stdin(stdin_filename)
        seen = inspection.inspect_text(data, path, settings)
    else:
        seen = inspection.inspect(paths or ["."], settings)
    for note in seen.notes:
        complain(note)
    if output_format == "json":
        write(inspection.as_json(seen), machine=True)
    else:
        write(inspection.as_text(seen))
    return 2 if seen.failed else 0
