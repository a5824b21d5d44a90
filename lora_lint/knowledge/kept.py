"""A cache for results from objects that are too large to be compared."""

from __future__ import annotations

from lora_lint.records import Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Kept(Generic[T]):
    """Results computed from some objects, found by their identity: hashing tens of thousands of modules would cost more
    than most of the results.

    The objects must not change in the meantime. When `most` are kept, the cache is emptied.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[tuple[int, ...], tuple[tuple[object, ...], T]] = {}

    def get(self, make: Callable[[], T], *objects: object) -> T:
        """The value of `make` for exactly these objects, computed the first time or now."""
        key = tuple(map(id, objects))
        entry = self._made.get(key)
        if entry is None:
            if len(self._made) >= self._most:
                self._made.clear()
            # The objects are kept too, so that their identities are not reused.
            entry = self._made[key] = (objects, make())
        return entry[1]
