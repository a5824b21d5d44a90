"""Regular expressions as PEFT applies them to module paths. Raises `re.error` for a pattern that does not compile.

The patterns are the users', and Python's `re`, which PEFT takes, backtracks: `([\\w.]+)+\\.q_proj` needs longer than a
lifetime for one path of thirty letters. Each such pattern is matched under a limit for each path, and under another for
all paths of a file that is linted; over one of them TooSlow is raised.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from math import inf

from lora_lint.records import dataclass
from lora_lint.system.deadline import Exceeded, Limit, current, thread_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, TypeAlias

    import regex

    _Method = Literal["match", "fullmatch"]

SECONDS = 0.25
"""CPU seconds for one path. Patterns that people write take some microseconds."""
TOTAL = 1.0
"""CPU seconds for all paths together, each counted once; a model has some hundreds."""
_KEPT = 10_000
"""The number of texts for which a pattern keeps its results, from one file to the next."""
_FIRST_INDEX = r".*?\.[^.]*\.(?P<idx>\d+)\."
_PART = (  # compiled where it is needed, which is rare
    r"(?s)\\.|\[\^?\]?(?:\\.|[^]\\])*\]"
    r"|(?P<repeated>\)[*+{])|(?P<endless>[*+]|\{\d*,\})|(?P<choice>[?{]|\((?:\?.)?)"
)
_ENDLESS, _CHOICES = 4, 12
"""How many unbounded repetitions, and how many alternatives, a pattern may have and still be matched without a limit.
On a path of 60 letters four such repetitions take at most half a million steps, some 5 ms."""


class TooSlow(Exception):
    """Python's `re` takes too long for a pattern: the pattern as the user wrote it, the last text that it was matched
    with, and how many texts were matched until then. Either that text alone takes longer than SECONDS, or all of them
    together longer than TOTAL."""

    def __init__(self, pattern: str, text: str, count: int, alone: bool) -> None:
        super().__init__(f"the regular expression {pattern!r} takes too long to match")
        self.pattern = pattern
        self.text = text
        self.count = count
        self.alone = alone


@dataclass(frozen=True)
class _Timed:
    """The result of matching one text, and the CPU seconds that it took: infinitely many if SECONDS are not enough."""

    found: _Match | None
    seconds: float


class _Limited:
    """A pattern that may backtrack almost forever.

    Each text is matched once, and its time counts once per file: the time that other files took does not count for this
    one, which has its own limit.
    """

    def __init__(self, pattern: re.Pattern[str], written: str) -> None:
        self._pattern = pattern
        self._written = written
        self._known: dict[tuple[_Method, str], _Timed] = {}
        self._begin(None)

    def _begin(self, work: Limit | None) -> None:
        self._work = work
        self._left = TOTAL
        self._counted: set[tuple[_Method, str]] = set()
        self._stopped: tuple[str, int, bool] | None = None
        if len(self._known) > _KEPT:
            self._known.clear()

    def match(self, text: str) -> _Match | None:
        return self._within("match", text)

    def fullmatch(self, text: str) -> _Match | None:
        return self._within("fullmatch", text)

    def _within(self, method: _Method, text: str) -> _Match | None:
        if current() is not self._work:
            self._begin(current())
        key = method, text
        if self._stopped is None and key not in self._counted:
            if key not in self._known:
                self._known[key] = self._matched(method, text)
            seconds = self._known[key].seconds
            self._counted.add(key)
            self._left -= seconds
            if self._left <= 0:
                self._stopped = text, len(self._counted), seconds == inf
        if self._stopped is not None:
            raise TooSlow(self._written, *self._stopped)
        return self._known[key].found

    def _matched(self, method: _Method, text: str) -> _Timed:
        limit = Limit(SECONDS)
        try:
            with limit:
                begun = thread_seconds()
                if limit.timed:
                    found: _Match | None = getattr(self._pattern, method)(text)
                else:
                    found = _otherwise(self._pattern.pattern, method, text)
                seconds = thread_seconds() - begun
            return _Timed(found, seconds)
        except Exceeded as error:
            if error.limit is not limit:
                raise
        except TimeoutError:
            pass
        return _Timed(None, inf)


Pattern: TypeAlias = "re.Pattern[str] | _Limited"
_Match: TypeAlias = "re.Match[str] | regex.Match[str]"


def _otherwise(pattern: str, method: _Method, text: str) -> _Match | None:
    """The match by the package `regex`, which watches the time itself where no timer can interrupt `re`. The two differ
    only in POSIX classes and in what both take for a count, neither of which a module path needs."""
    try:
        import regex
    except ModuleNotFoundError:  # in a browser, whose page stops a worker that takes too long
        matched: _Match | None = getattr(re.compile(pattern), method)(text)
        return matched
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: _Match | None = getattr(regex.compile(pattern), method)(text, timeout=SECONDS)
    return found


@lru_cache(maxsize=4096)  # more than the keys of a `rank_pattern` with one for each module
def compiled(pattern: str, written: str | None = None) -> Pattern:
    """`re.compile`, cached and silent about deprecated syntax; every failure is an `re.error`. `written` is the part of
    it that the user wrote, if it is not all. What matches may raise TooSlow."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = re.compile(pattern)
        except (RecursionError, OverflowError) as error:
            raise re.error(str(error), pattern) from error
    return made if is_quick(pattern) else _Limited(made, written or pattern)


def is_quick(pattern: str) -> bool:
    """Whether a glance at a pattern shows that it cannot take long: no group is repeated, and the rest is short."""
    if pattern.isidentifier():  # as most are
        return True
    endless = choices = 0
    for part in re.finditer(_PART, pattern):
        kind = part.lastgroup
        if kind == "repeated":
            return False
        endless += kind == "endless"
        choices += kind == "choice"
    return endless <= _ENDLESS and choices <= _CHOICES


def is_plain(name: str) -> bool:
    """Whether a name matches itself when it is used as a regex."""
    return re.fullmatch(r"\w+", name) is not None


def layer_of(path: str, patterns: tuple[str, ...]) -> int | None:
    """The layer number that PEFT reads from a path: after one of `patterns` (`layers_pattern`), or the first number
    that follows two names where there are none. Raises TooSlow."""
    if not patterns:
        found = compiled(_FIRST_INDEX).match(path)
        return int(found["idx"]) if found else None
    for pattern in patterns:
        found = compiled(rf"(?:^|.*?\.){pattern}\.(?P<idx>\d+)\.", pattern).match(path)
        if found:
            # A pattern with a bare `|` may match without reaching the number.
            return int(found["idx"]) if found["idx"] else None
    return None


def pattern_key(keys: Iterable[str], path: str) -> str | None:
    """The first key of `rank_pattern` or `alpha_pattern` that applies to a path: its end, as a regex.

    Raises TooSlow.
    """
    for key in keys:
        if compiled(rf"(.*\.)?({key})$", key).match(path):
            return key
    return None
