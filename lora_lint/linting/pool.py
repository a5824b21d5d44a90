"""Many files to their results, in this process or, where it pays off, in several."""

from __future__ import annotations

import gc
import os

from lora_lint import discovery
from lora_lint.records import replace
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeAlias

    from lora_lint.linting.cache import Cache
    from lora_lint.linting.checker import Checker
    from lora_lint.linting.outcome import FileResult

    MakeChecker: TypeAlias = "Callable[[], Checker]"
    """Called once in each process; it has to be picklable."""

PER_WORKER = 50
"""The number of relevant files that makes another process worth starting."""
_CHUNK = 16
_GARBAGE = 10_000
"""The number of leftover objects, those of a few files, that makes a garbage collection worthwhile."""


def relax() -> None:
    """Keeps the cycle collector from running while a file is followed: it would only visit, again and again, a syntax
    tree that is all in use (15% of the time on a tree of scripts). `tidy` calls it between files."""
    gc.freeze()  # modules and tables live as long as the process
    gc.set_threshold(1_000_000, 20, 50)
    gc.enable()


def tidy() -> None:
    """Lets the collector run after a file is done; its functions and scopes form cycles."""
    if gc.get_count()[0] > _GARBAGE:
        gc.collect(1)


def check_all(
    walk: discovery.Walk,
    make_checker: MakeChecker,
    jobs: int,
    progress: Callable[[int, int], None] | None,
    cache: Cache | None,
) -> Iterator[FileResult]:
    """The results of the files in `walk`: from the cache, or checked here or, where it pays off, by several
    processes."""
    most = jobs or _processors()
    enough = 2 if jobs else 2 * PER_WORKER
    cached: list[FileResult] = []
    files: list[discovery.Found] = []
    ahead = _unknown(walk, cache, cached)
    if most > 1 or progress is not None:
        # Beyond the first few the bytes are not kept: reading a file again costs little, keeping all of them a lot.
        for found in ahead:
            files.append(found if len(files) < 2 * PER_WORKER or found.data is None else replace(found, data=None))
    if most > 1 and len(files) >= enough:
        results = _parallel(files, make_checker, most)
    else:
        results = _serial((*files, *ahead) if files else ahead, make_checker)
    for done, result in enumerate(results, start=1):
        if progress is not None:
            progress(done, len(files))
        yield result
    yield from cached


def _unknown(
    walk: Iterable[discovery.Found], cache: Cache | None, cached: list[FileResult]
) -> Iterator[discovery.Found]:
    """The files whose results are not in the cache; results that are go to `cached`."""
    for found in walk:
        result = cache.get(found) if cache is not None and found.data is not None else None
        if result is None:
            yield found
        else:
            cached.append(result)


def _serial(files: Iterable[discovery.Found], make_checker: MakeChecker) -> Iterator[FileResult]:
    checker = None
    for found in files:
        if checker is None:
            checker = make_checker()
        else:
            tidy()  # and not after the last file: the process ends, and takes all with it
        yield checker.check(_load(found))


def _processors() -> int:
    """The number of processes that can be kept busy."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _parallel(files: list[discovery.Found], make_checker: MakeChecker, jobs: int) -> Iterator[FileResult]:
    """Checks files in several processes. If a process dies, only the file that killed it is lost."""
    import multiprocessing
    from concurrent.futures import as_completed
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

    if multiprocessing.get_start_method() == "fork":  # modules imported here need not be imported by each process
        import lora_lint.linting.checker
        import lora_lint.programs.following  # noqa: F401
    files = [replace(found, data=None) for found in files]
    workers = min(jobs, max(2, len(files) // PER_WORKER), 61)  # Windows can wait for at most 61
    # Neighbours import the same files, which a process parses once; but no process should end up with the last alone.
    size = min(max(_CHUNK, len(files) // (16 * workers)), 16 * _CHUNK)
    chunks = [files[start : start + size] for start in range(0, len(files), size)]
    lost: list[discovery.Found] = []
    with ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(make_checker, disk.held_texts())) as pool:
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
    yield from _one_by_one(lost, make_checker)


def _one_by_one(files: list[discovery.Found], make_checker: MakeChecker) -> Iterator[FileResult]:
    """Checks the files that were in progress when a process died, to find out which of them killed it."""
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

    left = list(reversed(files))
    while left:
        with ProcessPoolExecutor(1, initializer=_start_worker, initargs=(make_checker, disk.held_texts())) as pool:
            try:
                while left:
                    yield from pool.submit(_check_chunk, left[-1:]).result()
                    left.pop()
            except BrokenProcessPool:
                why = "lora-lint crashed on this file: this is a bug in lora-lint, please report it"
                yield replace(make_checker().check(replace(left.pop(), problem=why)), crashed=True)


_worker: Checker | None = None


def _start_worker(make_checker: MakeChecker, held: Mapping[str, bytes]) -> None:
    """Prepares a process of the pool. Interrupts are the parent's to handle."""
    import signal

    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    relax()
    disk.hold(held)
    _worker = make_checker()


def _check_chunk(files: list[discovery.Found]) -> list[FileResult]:
    assert _worker is not None
    results = []
    for found in files:
        results.append(_worker.check(_load(found)))
        tidy()
    return results


def _load(found: discovery.Found) -> discovery.Found:
    """`found` with its bytes; they were read before, so a failure means that the file has changed since."""
    if found.data is not None or found.problem is not None:
        return found
    try:
        data = discovery.read(found.path, discovery.limit_of(found.kind))
    except OSError as error:
        return replace(found, problem=discovery.cannot_be_read(error))
    return replace(found, data=data, problem=discovery.too_large(found.kind) if data is None else None)
