"""Globs, with few stars and with many."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.system import globs
from lora_lint.system.globs import matcher


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [
        ("*a*b*c*", "xaxbxcx", True),
        ("*a*b*c*", "xa/xbxcx", False),
        ("**a*b*c", "x/a/abc", True),
        ("**/*a*b*", "x/y/ab", True),
        ("**/*a*b*", "ab", True),
        ("a/**/*b*c", "a/bc", True),
        ("a/**/*b*c*", "abc", False),
        ("[z-a]*", "[z-a]b", True),
        ("***", "a", True),
    ],
)
def test_matches(glob: str, text: str, expected: bool) -> None:
    assert matcher([glob])(text) is expected


def test_no_glob_matches_nothing() -> None:
    assert not matcher([])("")


@given(glob=st.text("ab/*?[]!-", max_size=8), text=st.text("ab/-[", max_size=8))
def test_followed_by_letters_as_by_a_regular_expression(glob: str, text: str) -> None:
    parts = list(globs._parts(glob))
    regex = "".join(regex for _, regex in parts)
    assert globs._follows(parts, text) is (re.fullmatch(regex, text) is not None)


@pytest.mark.parametrize(
    "glob", ["*a" * 25, "**a" * 25, "**/*a" * 25, "*" * 60 + "b", "?*" * 30 + "b", "**/" * 25 + "b"]
)
def test_many_stars_end_soon(glob: str) -> None:
    begun = time.process_time()
    assert not matcher([glob])("a/" * 80 + "a" * 95 + "c")
    assert time.process_time() - begun < 2
