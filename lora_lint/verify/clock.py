"""The wall clock of the experiments: when they have to stop, and what stops those that do not look at it."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import TYPE_CHECKING

from lora_lint.verify.experiment import OutOfTime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_AGAIN = 0.5
"""Seconds until the timer fires once more: a destructor may have swallowed the exception."""


@contextlib.contextmanager
def stopped_at(end: float) -> Iterator[None]:
    """Raises OutOfTime in the block once `time.monotonic()` reaches `end`.

    In the main thread of a POSIX process a timer does it, between two operations of torch. Elsewhere nothing does, and
    only the experiments' own looks at the clock end them.
    """
    if not hasattr(signal, "setitimer") or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        yield
        return
    try:
        signal.signal(signal.SIGALRM, _stop)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        signal.setitimer(signal.ITIMER_REAL, max(end - time.monotonic(), 1e-3), _AGAIN)
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # the timer may have fired just now
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise OutOfTime
