"""A memory for what follows from objects that are too large to be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Kept(Generic[T]):
    """What was made of some objects, found by their identity: hashing tens of thousands of modules would cost more than
    most of what is made of them. The objects must not change meanwhile. At most `most` are kept, and then none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[tuple[int, ...], tuple[tuple[object, ...], T]] = {}

    def get(self, make: Callable[[], T], *objects: object) -> T:
        """What `make` gives for these very objects, the first time or now."""
        key = tuple(map(id, objects))
        entry = self._made.get(key)
        if entry is None:
            if len(self._made) >= self._most:
                self._made.clear()
            # The objects are kept too, so that their identities stay theirs.
            entry = self._made[key] = (objects, make())
        return entry[1]
