"""Files to findings: discovery, reading, rules, suppression, and one fence around each file."""

from __future__ import annotations

import gc
import os
import re
import time
from typing import TYPE_CHECKING, Any

from lora_lint import discovery
from lora_lint.finding import CONFIDENCES, LEVELS, Finding
from lora_lint.records import dataclass, field, replace
from lora_lint.source import SourceFile, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lora_lint.project import Project
    from lora_lint.run import Reading, Run, Sweep
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind
    from lora_lint.suppression import Comments, Hint

PATIENCE = 10.0
"""Seconds for one file after which the user is told; every reader bounds its own work far below."""
PER_WORKER = 50
"""Relevant files that make another process worth its start."""
_CHUNK = 16
_KEPT = 64
"""Texts that an outcome holds for the report at a time."""
_OWN_NOQA = rb"noqa(?:(?!\s*:)|\s*:[^\r\n]*\bll\d)"


@dataclass(frozen=True)
class Summary:
    """The counts that every report ends with. `suppressed`: hidden by comments, per-file ignores and the baseline."""

    files: int = 0
    runs: int = 0
    errors: int = 0
    warnings: int = 0
    advice: int = 0
    suppressed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a lint of some files gave: all that a report needs.

    `findings` are those to show, sorted by path and position, with level and fingerprint filled in. `notes` are
    for stderr. `failed` tells that something other than findings went wrong (a path that does not exist, an
    unexpected exception), which makes the exit status 2.
    """

    findings: tuple[Finding, ...] = ()
    summary: Summary = Summary()
    notes: tuple[str, ...] = ()
    failed: bool = False
    texts: Mapping[str, SourceFile] = field(default_factory=dict)
    """Sources that cannot be read again from their path: standard input, texts given by a caller."""
    _cache: dict[str, SourceFile] = field(default_factory=dict, repr=False, compare=False)

    def source(self, path: str) -> SourceFile:
        """The text that the spans of `path` point into; read again when asked for. Never raises: a file that has
        become unreadable gives an empty text."""
        source = self.texts.get(path) or self._cache.get(path)
        if source is None:
            if len(self._cache) >= _KEPT:
                del self._cache[next(iter(self._cache))]
            source = self._cache[path] = reread(path)
        return source


@dataclass(frozen=True)
class FileResult:
    """What checking one file gave, before fingerprints: findings of every confidence, some perhaps in other files
    that it imports; the rule and place of those that were suppressed though fit to show; and the place of each
    comment of another file that suppressed one."""

    path: str
    findings: tuple[Finding, ...] = ()
    runs: int = 0
    suppressed: tuple[tuple[str, Span], ...] = ()
    used: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()
    crashed: bool = False


def lint(
    paths: Iterable[str],
    settings: Settings,
    *,
    jobs: int = 0,
    prefilter: bool = True,
    progress: Callable[[int, int], None] | None = None,
    baseline: Mapping[str, Mapping[str, Any]] | None = None,
) -> Outcome:
    """Lints the files under `paths`.

    `jobs` is the number of processes (0: as many as pay). `prefilter` off reads every file in full, for tests.
    `progress` is called with the numbers of relevant files done and to do. Findings whose fingerprint is in
    `baseline` are suppressed. Never raises for what a file holds.
    """
    relax()
    walk = discovery.Walk(paths, excluder(settings), prefilter)
    checked = sorted(_results(walk, settings, jobs, progress), key=lambda result: result.path)
    problems = tuple(f"error: {missing}" for missing in walk.missing)
    return _outcome(checked, settings, walk.files, (*problems, *walk.notes), bool(problems), baseline)


def lint_text(
    text: bytes | str,
    path: str,
    settings: Settings,
    *,
    kind: FileKind | None = None,
    baseline: Mapping[str, Mapping[str, Any]] | None = None,
) -> Outcome:
    """Lints one text as though it were the file `path` (which need not exist); its suffix decides how it is read."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    kind = kind or discovery.kind_of(path) or "python"
    problem = discovery.too_large(kind) if len(data) > discovery.limit_of(kind) else None
    found = discovery.Found(path, kind, None if problem else data, True, problem)
    result = Checker(settings).check(found)
    texts = {path: _readable(path, kind, data)}
    return _outcome([result], settings, 1, (), False, baseline, texts)


def relax() -> None:
    """Lets the collector of cycles look less often: what a file leaves behind is trees, which need none."""
    gc.set_threshold(50_000, 20, 50)


def reading_of(
    found: discovery.Found, settings: Settings, project: Project, notes: list[str]
) -> tuple[SourceFile, Reading, Comments | None]:
    """The text and the runs of one file, with what the user says about them, and what its comments say.

    Adds to `notes` what the user should know. Raises readers.errors.Unreadable.
    """
    from lora_lint import dialects

    assert found.data is not None
    source = decode(found.path, found.kind, found.data)
    reading = dialects.read(source, project)
    said = spoken(source)
    hints = said.hints if said is not None else ()
    if hints or settings.task or settings.dataset_size is not None or settings.models or settings.transformers:
        reading = told(reading, settings, hints, source, notes)
    return source, reading, said


def decode(path: str, kind: FileKind, data: bytes) -> SourceFile:
    """The text of a file's bytes. Raises readers.errors.Unreadable."""
    if kind == "notebook":
        from lora_lint.readers.notebook import read_notebook

        return read_notebook(path, data)
    from lora_lint.readers.text import decode

    return decode(path, data, kind)


def reread(path: str) -> SourceFile:
    """The file at `path` for a report: decoded if possible, else what bytes can be shown; empty if it is gone."""
    kind = discovery.kind_of(path) or "python"
    try:
        data = discovery.read(path, discovery.limit_of(kind)) or b""
    except (OSError, ValueError):
        data = b""
    return _readable(path, kind, data)


def _readable(path: str, kind: FileKind, data: bytes) -> SourceFile:
    from lora_lint.readers.errors import Unreadable

    try:
        return decode(path, kind, data)
    except (Unreadable, RecursionError, MemoryError):
        return SourceFile(path, kind, data.decode("utf-8", "replace").encode())


class Checker:
    """Checks one file after the other under the same settings."""

    def __init__(self, settings: Settings) -> None:
        from lora_lint import catalogue
        from lora_lint.project import Project
        from lora_lint.rules import RUN_CHECKS, SWEEP_CHECKS

        self.settings = settings
        self.project = Project(settings.root)
        self.selected = settings.selected()
        self._rules = catalogue.rules()
        self._options = {
            code: {name: schema.get("default") for name, schema in rule.options.items()}
            | dict(settings.options.get(code, {}))
            for code, rule in self._rules.items()
            if code in self.selected
        }
        self._run_checks = {code: check for code, check in RUN_CHECKS.items() if code in self.selected}
        self._sweep_checks = {code: check for code, check in SWEEP_CHECKS.items() if code in self.selected}
        self._off = [
            (discovery.matcher(glob, settings.root), frozenset(codes)) for glob, codes in settings.per_file_ignores
        ]

    def check(self, found: discovery.Found) -> FileResult:
        """All that one file gives. Never raises, whatever the file holds; only an interrupt passes through."""
        from lora_lint.readers.errors import Unreadable

        start = Span(found.path, 0, 0)
        if found.data is None:
            return self._unreadable(found, found.problem or "This file cannot be read", start)
        begun = time.perf_counter()
        findings: list[Finding] = []
        try:
            result = self._check(found, findings)
        except Unreadable as error:
            if not found.explicit and not discovery.telling(found.data, found.kind):
                return FileResult(found.path)
            return self._unreadable(found, error.message, error.span or start)
        except RecursionError:
            return self._unreadable(found, "This file is nested too deeply to be checked", start, findings)
        except MemoryError:
            return self._unreadable(found, "This file needs more memory than there is", start, findings)
        except Exception as error:
            return self._unreadable(found, own_fault(error), start, findings, crashed=True)
        spent = time.perf_counter() - begun
        if spent > PATIENCE:
            result = replace(result, notes=(*result.notes, f"{found.path}: took {spent:.0f} s to check"))
        return result

    def _check(self, found: discovery.Found, findings: list[Finding]) -> FileResult:
        """The findings of a readable file; `findings` is filled on the way, so that a failure keeps those before."""
        notes: list[str] = []
        source, reading, said = reading_of(found, self.settings, self.project, notes)
        for run in reading.runs:
            for code, check in self._run_checks.items():
                findings.extend(check(run, self._options[code]))
        for sweep in reading.sweeps:
            for code, sweep_check in self._sweep_checks.items():
                findings.extend(sweep_check(sweep, self._options[code]))
        kept, silenced, used = self._silence(self._distinct(findings), source, said)
        off = self._ignored_in(found.path)
        if said is not None and "LL910" in self.selected and "LL910" not in off:
            from lora_lint import suppression

            ran = (self._run_checks.keys() | self._sweep_checks.keys() | {"LL900"}) - off
            unused = suppression.unused(said, frozenset(ran), self.settings.everything and not off)
            kept += self._distinct(unused)
        return FileResult(
            found.path,
            tuple(kept),
            len(reading.runs),
            tuple((finding.code, finding.span) for finding in silenced if shown(finding, self.settings)),
            tuple(used),
            tuple(notes),
        )

    def _silence(
        self, findings: list[Finding], source: SourceFile, said: Comments | None
    ) -> tuple[list[Finding], list[Finding], list[Span]]:
        """The findings that remain, those that are suppressed, and the comments of other files that did it.

        What a program takes from a module it imports is reported there, so the comments there count.
        """
        kept: list[Finding] = []
        silenced: list[Finding] = []
        used: list[Span] = []
        for path in dict.fromkeys(finding.span.path for finding in findings):
            off = self._ignored_in(path)
            here = [finding for finding in findings if finding.span.path == path]
            silenced += [finding for finding in here if finding.code in off]
            here = [finding for finding in here if finding.code not in off]
            text = source if path == source.path else self.project.load(path)
            spoken_there = said if path == source.path else spoken(text) if text is not None else None
            if text is not None and spoken_there is not None:
                from lora_lint import suppression

                here, hushed = suppression.silence(here, spoken_there, text)
                silenced += hushed
                if path != source.path:
                    used += [ignore.span for ignore in spoken_there.ignores if ignore.used]
            kept += here
        return kept, silenced, used

    def _unreadable(
        self,
        found: discovery.Found,
        why: str,
        span: Span,
        before: Iterable[Finding] = (),
        crashed: bool = False,
    ) -> FileResult:
        """The one LL900 finding of a file that could not be checked to its end, with the findings until then."""
        findings = [*before, Finding("LL900", why, span)]
        source = SourceFile(found.path, found.kind, b"")
        selected = (finding for finding in findings if finding.code in self.selected)
        kept, silenced, _ = self._silence(self._distinct(selected), source, None)
        suppressed = tuple((finding.code, finding.span) for finding in silenced if shown(finding, self.settings))
        return FileResult(found.path, tuple(kept), 0, suppressed, crashed=crashed)

    def _ignored_in(self, path: str) -> frozenset[str]:
        """The rules that are off in one file."""
        return frozenset().union(*(codes for matches, codes in self._off if matches(path)))

    def _distinct(self, findings: Iterable[Finding]) -> list[Finding]:
        """Levels filled in, one finding for each rule and place (the gravest, then surest, then first), in order."""
        leveled = []
        for finding in findings:
            level = self.settings.levels.get(finding.code) or finding.level or self._rules[finding.code].level
            leveled.append(finding if finding.level == level else replace(finding, level=level))
        return distinct(leveled)


def own_fault(error: Exception) -> str:
    """What to tell of an exception that should not have been. With LORA_LINT_DEBUG set it passes through."""
    if os.environ.get("LORA_LINT_DEBUG"):
        raise error
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"lora-lint failed on this file ({what[:200]}), which is a bug in lora-lint: please report it"


def _weight(finding: Finding) -> tuple[int, int]:
    return LEVELS.index(finding.level or "advice"), CONFIDENCES.index(finding.confidence)


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each rule and place (the gravest, then surest, then first), sorted by place."""
    best: dict[tuple[str, Span], Finding] = {}
    for finding in findings:
        key = (finding.code, finding.span)
        if key not in best or _weight(finding) < _weight(best[key]):
            best[key] = finding
    return sorted(best.values(), key=_place)


def _place(finding: Finding) -> tuple[str, int, int, str]:
    return finding.span.path, finding.span.start, finding.span.end, finding.code


def shown(finding: Finding, settings: Settings) -> bool:
    """Whether the finding is sure enough to be shown."""
    return CONFIDENCES.index(finding.confidence) <= CONFIDENCES.index(settings.confidence)


def spoken(source: SourceFile) -> Comments | None:
    """What the comments of a file say to the linter; None for most files, at the price of two searches."""
    low = source.utf8.lower()
    if b"lora-lint" not in low and not _noqa(low):
        return None
    from lora_lint import suppression

    said = suppression.comments(source)
    return None if said is suppression.NONE else said


def _noqa(low: bytes) -> bool:
    """Whether a `noqa` for all rules or for one of ours could be in a text in lower case."""
    at = low.find(b"noqa")
    while at >= 0:
        if low.rfind(b"#", low.rfind(b"\n", 0, at) + 1, at) >= 0 and re.match(_OWN_NOQA, low[at : at + 500]):
            return True
        at = low.find(b"noqa", at + 4)
    return False


def told(
    reading: Reading, settings: Settings, hints: tuple[Hint, ...], source: SourceFile, notes: list[str]
) -> Reading:
    """The runs with what the user says about them: the settings first, the comments of the file over them.

    A comment holds for the runs below it until another one says otherwise; runs above the first take the first.
    """
    valid = []
    for hint in hints:
        problem = _hint_problem(hint)
        if problem is None:
            valid.append(hint)
        else:
            line = source.locate(hint.span).line
            notes.append(f"{source.path}:{line}: {problem}")

    def apply(run: Run) -> Run:
        run = _with(run, "task", settings.task, None)
        run = _with(run, "dataset-size", settings.dataset_size, None)
        if settings.models or settings.transformers:
            run = replace(run, model=replace(run.model, own=settings.models, transformers=settings.transformers))
        for key in {hint.key for hint in valid}:
            of_key = [hint for hint in valid if hint.key == key]
            above = [hint for hint in of_key if hint.span.start <= run.span.start]
            hint = above[-1] if above else of_key[0]
            run = _with(run, key, hint.value, hint.span)
        return run

    def apply_all(sweep: Sweep) -> Sweep:
        return replace(sweep, runs=tuple(map(apply, sweep.runs)))

    return replace(reading, runs=tuple(map(apply, reading.runs)), sweeps=tuple(map(apply_all, reading.sweeps)))


def _hint_problem(hint: Hint) -> str | None:
    from lora_lint.settings import TASKS, did_you_mean

    if hint.key == "dataset-size" and not hint.value.replace("_", "").isdecimal():
        return f"`dataset-size={hint.value}` is ignored: it is not a number of training examples"
    if hint.key == "task" and hint.value not in TASKS:
        return f"`task={hint.value}` is ignored: no such task{did_you_mean(hint.value, TASKS)} ({', '.join(TASKS)})"
    return None


def _with(run: Run, key: str, value: Any, span: Span | None) -> Run:
    """`run` with one thing that the user says; None says nothing."""
    from lora_lint.run import Known

    if value is None:
        return run
    if key == "task":
        return replace(run, task=value)
    if key == "dataset-size":
        how = "a `# lora-lint: dataset-size=…` comment" if span else "the `dataset-size` setting"
        size = int(value.replace("_", "")) if isinstance(value, str) else value
        return replace(run, dataset=replace(run.dataset, size=Known(size, span, "setting"), how=how))
    return replace(run, model=replace(run.model, name=Known(value, span, "setting"), architecture=None))


def fingerprinted(findings: Iterable[Finding], source_of: Callable[[str], SourceFile], root: str = "") -> list[Finding]:
    """The findings, which are sorted by place, with their fingerprints: a hash of the rule, the path from `root`, the
    words of the line the finding starts on, and a number where all of these are the same. No line numbers, so that it
    outlives edits."""
    from hashlib import sha256

    counts: dict[tuple[str, str, str], int] = {}
    marked = []
    for finding in findings:
        source = source_of(finding.span.path)
        line = source.position(min(finding.span.start, len(source.utf8)))[0]
        same = (finding.code, discovery.from_root(finding.span.path, root), " ".join(source.line_text(line).split()))
        number = counts[same] = counts.get(same, -1) + 1
        digest = sha256("\0".join((*same, str(number))).encode("utf-8", "surrogateescape")).hexdigest()
        marked.append(replace(finding, fingerprint=digest[:16]))
    return marked


def excluder(settings: Settings) -> Callable[[str], bool] | None:
    """One test for the exclude globs of the settings file and of the command line, each from its own folder."""
    by_root: dict[str, list[str]] = {}
    for glob, root in settings.exclude:
        by_root.setdefault(root, []).append(glob)
    tests = [test for root, globs in by_root.items() if (test := discovery.excluder(globs, root))]
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda path: any(test(path) for test in tests)


def _outcome(
    checked: list[FileResult],
    settings: Settings,
    files: int,
    notes: tuple[str, ...],
    failed: bool,
    baseline: Mapping[str, Mapping[str, Any]] | None,
    texts: Mapping[str, SourceFile] | None = None,
) -> Outcome:
    """The results of all files put together."""
    used = {span for result in checked for span in result.used}
    findings = distinct(
        finding
        for result in checked
        for finding in result.findings
        if finding.code != "LL910" or finding.span not in used
    )
    sources = Outcome(texts=texts or {})
    findings = fingerprinted(findings, sources.source, settings.root) if findings else findings
    visible = [finding for finding in findings if shown(finding, settings)]
    suppressed = len({place for result in checked for place in result.suppressed})
    notes += tuple(note for result in checked for note in result.notes)
    if baseline is not None:
        from lora_lint.baseline import stale

        known = [finding for finding in visible if finding.fingerprint in baseline]
        visible = [finding for finding in visible if finding.fingerprint not in baseline]
        suppressed += len(known)
        paths = (discovery.from_root(result.path, settings.root) for result in checked)
        gone = stale(baseline, (finding.fingerprint for finding in findings), paths)
        if gone:
            entries = "1 entry" if gone == 1 else f"{gone} entries"
            notes += (f"the baseline holds {entries} that match nothing any more; write it anew with --write-baseline",)
    levels = [finding.level for finding in visible]
    summary = Summary(
        files,
        sum(result.runs for result in checked),
        levels.count("error"),
        levels.count("warning"),
        levels.count("advice"),
        suppressed,
    )
    failed = failed or any(result.crashed for result in checked)
    return replace(sources, findings=tuple(visible), summary=summary, notes=notes, failed=failed)


def _results(
    walk: discovery.Walk, settings: Settings, jobs: int, progress: Callable[[int, int], None] | None
) -> Iterator[FileResult]:
    """The results of the files of `walk`, checked here or, where it pays, by several processes."""
    most = jobs or _processors()
    enough = 2 if jobs else 2 * PER_WORKER
    files: list[discovery.Found] = []
    ahead = iter(walk)
    if most > 1 or progress is not None:
        # Beyond the first few the bytes are not kept: reading a file again costs little, holding all of them much.
        for found in ahead:
            files.append(found if len(files) < 2 * PER_WORKER or found.data is None else found._replace(data=None))
    if most > 1 and len(files) >= enough:
        results = _parallel(files, settings, most)
    else:
        results = _serial((*files, *ahead) if files else ahead, settings)
    for done, result in enumerate(results, start=1):
        if progress is not None:
            progress(done, len(files))
        yield result


def _serial(files: Iterable[discovery.Found], settings: Settings) -> Iterator[FileResult]:
    checker = None
    for found in files:
        checker = checker or Checker(settings)
        yield checker.check(_load(found))


def _processors() -> int:
    """How many processes this one may keep busy."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _parallel(files: list[discovery.Found], settings: Settings, jobs: int) -> Iterator[FileResult]:
    """Checks files in several processes. A process that dies takes down no more than the file it died of."""
    from concurrent.futures import as_completed
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

    files = [found._replace(data=None) for found in files]
    workers = min(jobs, max(2, len(files) // PER_WORKER), 61)  # 61 is what Windows can wait for
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    lost: list[discovery.Found] = []
    with ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(settings,)) as pool:
        futures = {pool.submit(_check_chunk, chunk): chunk for chunk in chunks}
        try:
            for future in as_completed(futures):
                if isinstance(future.exception(), BrokenProcessPool):
                    lost.extend(futures[future])
                else:
                    yield from future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    yield from _one_by_one(lost, settings)


def _one_by_one(files: list[discovery.Found], settings: Settings) -> Iterator[FileResult]:
    """Checks files that were under way when a process died, to find out which of them it died of."""
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

    left = list(reversed(files))
    while left:
        with ProcessPoolExecutor(1, initializer=_start_worker, initargs=(settings,)) as pool:
            try:
                while left:
                    yield from pool.submit(_check_chunk, left[-1:]).result()
                    left.pop()
            except BrokenProcessPool:
                why = "lora-lint died of this file, which is a bug in lora-lint: please report it"
                yield replace(Checker(settings).check(left.pop()._replace(problem=why)), crashed=True)


_worker: Checker | None = None


def _start_worker(settings: Settings) -> None:
    """Prepares a process of the pool. Interrupts are the parent's to handle."""
    import signal

    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    relax()
    _worker = Checker(settings)


def _check_chunk(files: list[discovery.Found]) -> list[FileResult]:
    assert _worker is not None
    return [_worker.check(_load(found)) for found in files]


def _load(found: discovery.Found) -> discovery.Found:
    """`found` with its bytes; they have been read before, so a failure means that the file changed meanwhile."""
    if found.data is not None or found.problem is not None:
        return found
    try:
        data = discovery.read(found.path, discovery.limit_of(found.kind))
    except OSError as error:
        return found._replace(problem=discovery.cannot_be_read(error))
    return found._replace(data=data, problem=discovery.too_large(found.kind) if data is None else None)
