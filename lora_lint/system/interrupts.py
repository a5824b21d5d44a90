"""Ctrl-C and SIGTERM end a run in the same way, and neither interrupts the replacement of a file."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from lora_lint.system.signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Terminated(KeyboardInterrupt):
    """SIGTERM has arrived."""


def status_of(interrupt: KeyboardInterrupt) -> int:
    """The exit status after an interrupt, by the shells' convention: 128 plus the number of the signal."""
    return 128 + int(signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


@contextmanager
def terminable() -> Iterator[None]:
    """Makes SIGTERM raise Terminated, unless the caller handles or ignores that signal."""
    process = os.getpid()

    def terminate(number: int, _frame: Any) -> None:
        if os.getpid() != process:  # a forked worker, which has nothing to clean up
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        raise Terminated

    ours = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        with suppress(ValueError):  # only the main thread may, and only there would it be raised
            signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        if ours:
            with suppress(ValueError):
                signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def shield() -> Iterator[None]:
    """Delays Ctrl-C and SIGTERM until the end of the block."""
    arrived: list[int] = []
    before: dict[int, Any] = {}
    with suppress(ValueError):  # outside the main thread, the only one they reach
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in arrived:
            signal.raise_signal(number)
