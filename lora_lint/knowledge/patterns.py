"""Regular expressions as PEFT applies them to module paths. Raises `re.error` for a pattern that does not compile."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIRST_INDEX = r".*?\.[^.]*\.(?P<idx>\d+)\."
_PLAIN = re.compile(r"\w+")


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """`re.compile`, cached and silent about deprecated syntax; every failure is an `re.error`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(pattern)
        except (RecursionError, OverflowError) as error:
            raise re.error(str(error), pattern) from error


def is_plain(name: str) -> bool:
    """Whether a name stands for itself when it is used as a regex."""
    return _PLAIN.fullmatch(name) is not None


def layer_of(path: str, patterns: tuple[str, ...]) -> int | None:
    """The layer number that PEFT reads from a path: after one of `patterns` (`layers_pattern`), or the first number
    that follows two names where there are none."""
    if not patterns:
        found = compiled(_FIRST_INDEX).match(path)
        return int(found["idx"]) if found else None
    for pattern in patterns:
        found = compiled(rf"(?:^|.*?\.){pattern}\.(?P<idx>\d+)\.").match(path)
        if found:
            # A pattern with a bare `|` may match without reaching the number.
            return int(found["idx"]) if found["idx"] else None
    return None


def pattern_key(keys: Iterable[str], path: str) -> str | None:
    """The first key of `rank_pattern` or `alpha_pattern` that applies to a path: its end, as a regex."""
    for key in keys:
        if compiled(rf"(.*\.)?({key})$").match(path):
            return key
    return None
