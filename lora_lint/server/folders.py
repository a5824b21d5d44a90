"""The processes that read and judge, one per workspace folder."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from lora_lint.server import worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class WorkerLost(Exception):
    """The process ended while it worked on a text; the message is for the log."""


class Folder:
    """A workspace folder, the editor's settings for it, and the process that works there, which starts with the first
    task and again after it was lost."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.table: Mapping[str, Any] = {}
        self._held: dict[str, bytes] = {}
        self._pool: ProcessPoolExecutor | None = None

    def hold(self, path: str, data: bytes | None) -> None:
        """A file has these bytes in the editor; None: it is no longer open."""
        if data is None:
            self._held.pop(path, None)
        else:
            self._held[path] = data
        if self._pool is not None:
            self._submit(self._pool, worker.hold, {path: data})

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of a function of `worker`. Raises WorkerLost."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, initializer=worker.start, initargs=(self.path,))
            self._submit(self._pool, worker.hold, dict(self._held))
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise WorkerLost(f"the process of {self.path} ended unexpectedly; it is started again") from None

    def close(self) -> None:
        """Lets the process end."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _submit(self, pool: ProcessPoolExecutor, work: Callable[..., None], argument: Any) -> None:
        with suppress(BrokenProcessPool):  # the next task finds out
            pool.submit(work, argument)
