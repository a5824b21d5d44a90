"""Limits on CPU time: with the timer of the system, and without it."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from lora_lint.system import deadline
from lora_lint.system.deadline import Exceeded, Limit

if TYPE_CHECKING:
    from collections.abc import Callable

ENDLESS = re.compile(r"([\w.]+)+!")
PATH = "model.layers.0.self_attn.q_proj.model.layers.0.self_attn"


def endless() -> None:
    ENDLESS.fullmatch(PATH)


def looking() -> None:
    while True:
        deadline.look()


def stopped(work: Callable[[], object], seconds: float = 0.1) -> bool:
    """Whether work is stopped by a limit of its own."""
    limit = Limit(seconds)
    try:
        with limit:
            work()
    except Exceeded as error:
        return error.limit is limit
    return False


posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer of the system")


@posix
def test_a_regular_expression_is_interrupted() -> None:
    begun = time.process_time()
    assert stopped(endless)
    assert time.process_time() - begun < 2


@posix
def test_a_fence_inside_does_not_catch_it() -> None:
    def fenced() -> None:
        try:
            endless()
        except Exception:
            raise AssertionError from None

    assert stopped(fenced)


@posix
def test_it_is_raised_again_where_it_was_swallowed() -> None:
    def swallowing() -> None:
        for _ in range(2):
            with contextlib.suppress(Exceeded):  # as the interpreter does in `__del__`
                endless()
        endless()

    assert stopped(swallowing)


@posix
def test_nothing_is_left_behind() -> None:
    with Limit(5):
        assert signal.getsignal(signal.SIGPROF) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGPROF) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


@posix
def test_the_timer_of_a_profiler_is_left_alone() -> None:
    def profile(_number: int, _frame: object) -> None: ...

    signal.signal(signal.SIGPROF, profile)
    try:
        assert stopped(looking)
        assert signal.getsignal(signal.SIGPROF) is profile
    finally:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)


def test_another_thread_is_stopped_by_looks() -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(stopped(looking)))
    thread.start()
    thread.join()
    assert found == [True]


@posix
def test_an_inner_limit_leaves_the_outer_one_its_time() -> None:
    def outer() -> None:
        assert stopped(endless, 0.05)
        endless()

    assert stopped(outer, 0.2)


@posix
def test_the_outer_limit_holds_inside_of_the_inner_one() -> None:
    def outer() -> None:
        with Limit(60):
            endless()

    assert stopped(outer, 0.1)


def test_without_a_limit_a_look_does_nothing() -> None:
    deadline.look()
