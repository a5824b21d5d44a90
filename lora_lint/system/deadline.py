"""Limits on CPU time that stop the work rather than only note afterwards that it took long.

CPU time, because a busy machine is not the file's fault. In the main thread of a POSIX process a system timer
interrupts whatever runs, including the loops of `re`. Everywhere else (Windows, the thread of a language server, a
process whose profiler uses the timer) `look` does; every loop that a file can prolong calls it.
"""

from __future__ import annotations

import time
from _thread import _local

from lora_lint.system.signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

thread_seconds = getattr(time, "thread_time", time.process_time)
"""The CPU seconds of this thread; of the process where there are no threads (WebAssembly)."""
_AGAIN = 0.25
"""CPU seconds until the timer fires once more: a destructor may have swallowed the exception."""


class Exceeded(BaseException):
    """The work takes longer than its `limit`. Not an `Exception`: a fence inside the work must not catch it."""

    def __init__(self, limit: Limit) -> None:
        super().__init__()
        self.limit = limit


class Limit:
    """Raises Exceeded in a `with` block after some CPU seconds.

    Limits can be nested; the outer one applies inside the inner one too. `timed` says inside the block whether the
    timer watches it, so that it ends without calls of `look`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.timed = False
        self._until = 0.0
        self._outer: Limit | None = None

    def __enter__(self) -> Limit:
        self._outer = _state.limit
        if self._outer is None:
            self.timed = _claimed()
            self._until = _clock(self.timed) + self.seconds
        else:
            self.timed = self._outer.timed
            self._until = min(_clock(self.timed) + self.seconds, self._outer._until)
        _state.limit = self
        self._set()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._end()
        finally:  # the timer may have fired just now
            self._end()

    def _end(self) -> None:
        _state.limit = self._outer
        if self._outer is not None:
            self._outer._set()
        elif self.timed:
            _released()

    def _set(self) -> None:
        """Sets the timer to the end of this limit."""
        if self.timed:
            signal.setitimer(signal.ITIMER_PROF, max(self._until - _clock(True), 1e-3), _AGAIN)

    def exceeded(self) -> Exceeded:
        """The error to raise: for the limit that has passed, the outermost of them."""
        over = self
        while over._outer is not None and over._outer._until <= over._until:
            over = over._outer
        return Exceeded(over)


class _State(_local):
    limit: Limit | None = None


_state = _State()


def current() -> Limit | None:
    """The limit on the current work, the innermost; None if there is none."""
    return _state.limit


def look() -> None:
    """Raises Exceeded if the limit has passed and no timer watches it."""
    limit = _state.limit
    if limit is not None and not limit.timed and _clock(False) > limit._until:
        raise limit.exceeded()


def _clock(timed: bool) -> float:
    """CPU seconds: of the process, as the timer counts, or of this thread."""
    return time.process_time() if timed else thread_seconds()


def _claimed() -> bool:
    """Takes the timer; False where there is none, or something else uses it."""
    if not hasattr(signal, "setitimer") or signal.getsignal(signal.SIGPROF) != signal.SIG_DFL:
        return False
    try:
        signal.signal(signal.SIGPROF, _raise)
    except ValueError:  # not in the main thread
        return False
    return True


def _released() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)


def _raise(_number: int, _frame: FrameType | None) -> None:
    if _state.limit is not None:
        raise _state.limit.exceeded()
