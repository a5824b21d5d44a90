"""Files to findings: discovery, reading, rules and suppression, one after another."""

from __future__ import annotations

from functools import partial

from lora_lint import discovery
from lora_lint.linting.outcome import Checked, Content, outcome_of, readable
from lora_lint.linting.pool import check_all, relax
from lora_lint.records import replace
from lora_lint.settings import settings_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lora_lint.linting.cache import Cache
    from lora_lint.linting.checker import Checker
    from lora_lint.linting.outcome import Outcome
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind

_DEFAULT = Content()


def lint(
    paths: Iterable[str],
    settings: Settings,
    *,
    content: Content = _DEFAULT,
    jobs: int = 0,
    prefilter: bool = True,
    progress: Callable[[int, int], None] | None = None,
    cache: Cache | None = None,
) -> Outcome:
    """Lints the files under `paths`. Never raises because of a file's content.

    `jobs` is the number of processes (0: as many as are worth starting). `prefilter` off reads every file in full, for
    tests. `progress` is called with the numbers of relevant files done and in all. `cache` holds the results of earlier
    lints, which have no basis: with `content.basis` none of them is used.
    """
    relax()
    if content.basis:
        cache = None
    walk = discovery.Walk(paths, excluder(settings), prefilter, settings.root)
    results = check_all(walk, partial(_checker, settings, cache, content.basis), jobs, progress, cache)
    ordered = tuple(sorted(results, key=lambda result: result.path))
    missing = tuple(f"error: {missing}" for missing in walk.missing)
    checked = Checked(ordered, walk.files, (*missing, *walk.notes), failed=bool(missing))
    return outcome_of(checked, settings, content)


def lint_text(
    text: bytes | str,
    path: str,
    settings: Settings,
    *,
    kind: FileKind | None = None,
    content: Content = _DEFAULT,
) -> Outcome:
    """Lints one text as if it were the file `path` (which need not exist); its suffix decides how it is read."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    kind = kind or discovery.kind_of(path) or "python"
    problem = discovery.too_large(kind) if len(data) > discovery.limit_of(kind) else None
    found = discovery.Found(path, kind, None if problem else data, True, problem)
    result = _checker(settings, None, content.basis).check(found)
    checked = Checked((result,), 1, texts={path: readable(path, kind, data)})
    outcome = outcome_of(checked, settings, content)
    return replace(outcome, notebooks={path: data}) if kind == "notebook" else outcome


def _checker(settings: Settings, cache: Cache | None, basis: bool) -> Checker:
    """Imported only when a file has to be checked: the results of an unchanged tree come from the cache."""
    from lora_lint.linting.checker import Checker

    return Checker(settings, cache, basis)


def excluder(settings: Settings) -> Callable[[str], bool] | None:
    """One test for the exclude globs of the settings files and of the command line, each relative to its own folder."""
    test = _excluder(settings)
    if not settings.nested:
        return test
    nested: dict[int, Callable[[str], bool] | None] = {}

    def excluded(path: str) -> bool:
        ruling = settings_of(path, settings)
        if ruling is settings:
            return test is not None and test(path)
        if id(ruling) not in nested:
            nested[id(ruling)] = _excluder(ruling)
        inner = nested[id(ruling)]
        return (inner is not None and inner(path)) or (test is not None and test(path))

    return excluded


def _excluder(settings: Settings) -> Callable[[str], bool] | None:
    by_root: dict[str, list[str]] = {}
    for glob, root in settings.exclude:
        by_root.setdefault(root, []).append(glob)
    if not by_root:  # as in most projects
        return None
    from lora_lint import excludes

    tests = [test for root, globs in by_root.items() if (test := excludes.excluder(globs, root))]
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda path: any(test(path) for test in tests)
