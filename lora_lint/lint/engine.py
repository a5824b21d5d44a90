"""Files to findings: discovery, reading, rules, suppression, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint import discovery
from lora_lint.lint.checker import Checker, own_fault, reading_of
from lora_lint.lint.outcome import FileResult, Outcome, Summary, put_together, readable
from lora_lint.lint.pool import check_all, relax
from lora_lint.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lora_lint.lint.cache import Cache
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind

__all__ = ["FileResult", "Outcome", "Summary", "excluder", "lint", "lint_text", "own_fault", "reading_of"]


def lint(
    paths: Iterable[str],
    settings: Settings,
    *,
    jobs: int = 0,
    prefilter: bool = True,
    progress: Callable[[int, int], None] | None = None,
    baseline: Mapping[str, Mapping[str, Any]] | None = None,
    fingerprints: bool = True,
    cache: Cache | None = None,
) -> Outcome:
    """Lints the files under `paths`.

    `jobs` is the number of processes (0: as many as pay). `prefilter` off reads every file in full, for tests.
    `progress` is called with the numbers of relevant files done and to do. Findings whose fingerprint is in
    `baseline` are suppressed; without one, `fingerprints` off saves a look at each line with a finding. `cache`
    holds the results of earlier lints. Never raises for what a file holds.
    """
    relax()
    walk = discovery.Walk(paths, excluder(settings), prefilter, settings.root)
    checked = sorted(check_all(walk, settings, jobs, progress, cache), key=lambda result: result.path)
    problems = tuple(f"error: {missing}" for missing in walk.missing)
    notes = (*problems, *walk.notes)
    return put_together(checked, settings, walk.files, notes, bool(problems), baseline, fingerprints=fingerprints)


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
    texts = {path: readable(path, kind, data)}
    outcome = put_together([result], settings, 1, (), False, baseline, texts)
    return replace(outcome, notebooks={path: data}) if kind == "notebook" else outcome


def excluder(settings: Settings) -> Callable[[str], bool] | None:
    """One test for the exclude globs of the settings file and of the command line, each from its own folder."""
    by_root: dict[str, list[str]] = {}
    for glob, root in settings.exclude:
        by_root.setdefault(root, []).append(glob)
    tests = [test for root, globs in by_root.items() if (test := discovery.excluder(globs, root))]
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda path: any(test(path) for test in tests)
