"""What the commands do, without the option parser."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lora_lint.cache import Cache
    from lora_lint.engine import Outcome
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


def completing() -> bool:
    """Whether the shell asks for completions."""
    return _COMPLETE in os.environ


def guarded(command: Callable[[], int]) -> int:
    """Runs `command` and gives the exit status: 2 for usage errors, 130 for an interrupt, no traceback for either,
    and none when the reader of the output has gone."""
    from lora_lint.catalogue import CatalogueError
    from lora_lint.settings import SettingsError

    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes that are no text, and not every terminal has every character.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    status = 2
    try:
        status = command()
        sys.stdout.flush()
    except (SettingsError, UsageError, CatalogueError) as error:
        complain(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read the report has seen enough; the interpreter must not fail on its last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status if status != 2 else 1
    return status


def complain(message: str) -> None:
    """Says something on stderr."""
    from lora_lint.report.visible import visible

    print(f"lora-lint: {visible(message)}", file=sys.stderr)


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
    if _from_stdin(paths, stdin_filename) and (fix or unsafe_fixes or diff):
        raise UsageError("standard input cannot be fixed: give the file, or take the edits of `--output-format json`")
    marked = write_baseline is not None or output_format in _WITH_FINGERPRINTS
    cache = None
    if not no_cache and not os.environ.get(_NO_CACHE) and "-" not in paths:
        from lora_lint.cache import Cache

        cache = Cache(settings, cache_dir)
    outcome = _lint(paths, settings, stdin_filename, jobs, write_baseline is None, marked, cache)
    if diff:
        return _diff(outcome, settings, unsafe_fixes)
    if (fix or unsafe_fixes) and _fix(outcome, settings, unsafe_fixes):
        outcome = _lint(paths, settings, stdin_filename, jobs, write_baseline is None, marked, cache)
    for note in outcome.notes:
        complain(note)
    if write_baseline is not None:
        return _write_baseline(write_baseline, outcome, settings)
    interrupted = False
    if verify is not None:
        outcome, interrupted = _verify(outcome, paths, settings, stdin_filename, verify)
    from lora_lint.report import render

    text = render(output_format, outcome, color=colored(color, output_file))
    _deliver(text, output_file, output_format)
    if statistics:
        table = counts(outcome)
        if output_format in _FOR_PEOPLE and output_file is None:
            sys.stdout.write(table)
        else:
            sys.stderr.write(table)
    if verify is not None and verify.report is not None:
        _deliver(_page(outcome), verify.report, "html")
    return 130 if interrupted else status_of(outcome, settings)


def _refuse_misspelt_command(paths: Sequence[str]) -> None:
    """Raises UsageError where the first path is no file and nearly a command."""
    from lora_lint.settings import did_you_mean

    word = paths[0] if paths else ""
    if word.isalpha() and not os.path.exists(word) and (hint := did_you_mean(word, COMMANDS)):
        raise UsageError(f"there is no file or command {word!r}{hint}")


def _verify(
    outcome: Outcome, paths: Sequence[str], settings: Settings, stdin_filename: str | None, verify: Verification
) -> tuple[Outcome, bool]:
    """The outcome with verdicts, and whether an interrupt ended it early."""
    from lora_lint.verify import session

    absent = session.missing()
    if absent:
        raise UsageError(f"--verify needs {', '.join(absent)}: install lora-lint with its extra `verify`")
    from lora_lint import discovery, engine
    from lora_lint.verify.experiment import Options

    files: Iterable[discovery.Found] = discovery.Walk(paths or ["."], engine.excluder(settings))
    if "-" in paths:
        path = discovery.display(stdin_filename) if stdin_filename else "<stdin>"
        files = [discovery.Found(path, discovery.kind_of(path) or "python", outcome.texts[path].utf8, True)]
    line = _ProgressLine()
    try:
        claims = session.claims_of(outcome.findings, files, settings)
        options = Options(verify.device, verify.time_budget, verify.seeds)  # type: ignore[arg-type]
        return session.settle(outcome, claims, options, line.show)
    finally:
        line.clear()


class _ProgressLine:
    """The experiment under way, on stderr: one line that is written over on a terminal, else one line for each."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = 0

    def show(self, step: Step) -> None:
        from lora_lint.report.visible import visible

        minutes, seconds = divmod(max(int(step.left), 0), 60)
        head = visible(f"[{step.number}/{step.total}] {step.finding.code} {step.finding.span.path}: {step.doing}")
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{head} ({minutes}:{seconds:02d} left)"[:200])
        elif step.number != self._shown:
            sys.stderr.write(f"{head} ({minutes}:{seconds:02d} left)\n")
        self._shown = step.number
        sys.stderr.flush()

    def clear(self) -> None:
        if self._terminal and self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _page(outcome: Outcome) -> str:
    from lora_lint.verify.page import render

    return render(outcome)


def _fix(outcome: Outcome, settings: Settings, unsafe: bool) -> bool:
    """Fixes what can be fixed; gives whether a file has changed."""
    from lora_lint.fixes import session

    count, files = 0, 0
    for file in session.fixed(outcome, settings, unsafe):
        problem = file.problem
        if file.after != file.before:
            try:
                session.write(file)
                count, files = count + file.findings, files + 1
            except session.Changed as error:
                problem = str(error)
            except OSError as error:
                problem = error.strerror or str(error)
        if problem:
            complain(f"{file.path}: not fixed, {problem}")
    if count:
        complain(f"{count} finding{'' if count == 1 else 's'} fixed in {files} file{'' if files == 1 else 's'}")
    return count > 0


def _diff(outcome: Outcome, settings: Settings, unsafe: bool) -> int:
    """Shows what `--fix` would do. The exit status is 1 if there is anything to do."""
    from lora_lint.fixes import session

    changed = [file for file in session.fixed(outcome, settings, unsafe) if file.after != file.before]
    text = b"".join(map(session.diff, changed))
    sys.stdout.flush()
    sys.stdout.buffer.write(text)
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
    from lora_lint import engine

    entries = None
    if settings.baseline is not None and known:
        from lora_lint import baseline

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
    return path, kind, sys.stdin.buffer.read(discovery.limit_of(kind) + 1)


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


def _write_baseline(path: str, outcome: Outcome, settings: Settings) -> int:
    from lora_lint import baseline

    try:
        number = baseline.write(path, outcome.findings, settings.root)
    except OSError as error:
        raise UsageError(f"{path}: the baseline cannot be written ({error.strerror or error})") from None
    complain(f"{path}: {number} finding{'' if number == 1 else 's'} written")
    return 2 if outcome.failed else 0


def _deliver(text: str, output_file: str | None, output_format: str) -> None:
    """Puts a report where it belongs."""
    if text and not text.endswith("\n"):
        text += "\n"
    if output_file is None:
        write(text, machine=output_format not in _FOR_PEOPLE)
        return
    from lora_lint.baseline import write_atomically

    try:
        write_atomically(output_file, text)
    except OSError as error:
        raise UsageError(f"{output_file}: the report cannot be written ({error.strerror or error})") from None


def write(text: str, machine: bool = False) -> None:
    """Writes to stdout; as UTF-8 whatever the locale if a program is to read it."""
    if machine and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.stdout.write(text)


def colored(color: str, output_file: str | None = None) -> bool:
    """Whether the report is to have colors: as told, else as NO_COLOR and FORCE_COLOR say, else on a terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return output_file is None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def progress() -> Callable[[int, int], None] | None:
    """A progress bar on stderr if that is a terminal. It shows up only when the work takes long; (0, 0) removes it."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    import time

    begun = time.monotonic()
    drawn = 0.0

    def draw(done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if total == 0:
            if drawn:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
        elif now - begun > 1 and now - drawn > 0.1:
            drawn = now
            filled = 30 * done // total
            sys.stderr.write(f"\r\x1b[K[{'#' * filled}{'.' * (30 - filled)}] {done}/{total} files")
            sys.stderr.flush()

    return draw


def rules(output_format: str = "text") -> int:
    """Lists the catalogue."""
    from lora_lint import catalogue

    found = list(catalogue.rules().values())
    if output_format == "json":
        from lora_lint.report.visible import json_text

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
    from lora_lint.knowledge.frameworks import can_set
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
