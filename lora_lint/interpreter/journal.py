"""Changes made in a branch, so that both branches of a condition start from the same state and can be merged.

Everything mutable in a followed program is a dict (names, attributes, items) or a list. While a branch is being
followed, each change is recorded here with the old content.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lora_lint.run.choices import Case

    Changes = dict[tuple[int, Any], tuple[Any, Any, Any]]
    """(container identity, key) -> (container, content before, after). For lists: key None, contents are copies."""

MISSING: Any = object()


class Journal:
    """Records changes while branches are followed; does nothing outside branches."""

    def __init__(self) -> None:
        self._stack: list[dict[tuple[int, Any], tuple[Any, Any]]] = []
        self._perhaps: dict[tuple[int, Any], tuple[dict[Any, Any], Case, Case]] = {}

    def perhaps(self, container: dict[Any, Any], key: Any) -> bool:
        """Whether an item exists only if a branch was taken."""
        return (id(container), key) in self._perhaps

    def cases(self, container: dict[Any, Any], key: Any) -> tuple[Case, Case]:
        """The choices under which such an item exists, and those under which it does not."""
        _, with_it, without = self._perhaps[id(container), key]
        return with_it, without

    def set_item(self, container: dict[Any, Any], key: Any, value: Any) -> None:
        """container[key] = value."""
        if self._perhaps:
            self._perhaps.pop((id(container), key), None)
        if self._stack:
            self._note(container, key)
        container[key] = value

    def remove_item(self, container: dict[Any, Any], key: Any) -> None:
        """Removes an item, if there is one."""
        if self._stack:
            self._note(container, key)
        container.pop(key, None)

    def _note(self, container: dict[Any, Any], key: Any) -> None:
        """Keeps what an item is before the branch changes it."""
        self._stack[-1].setdefault((id(container), key), (container, container.get(key, MISSING)))

    def change_list(self, items: list[Any]) -> list[Any]:
        """Call before a list is changed in place; returns the list."""
        if self._stack:
            self._stack[-1].setdefault((id(items), None), (items, list(items)))
        return items

    def branch(self, follow: Callable[[], object]) -> Changes:
        """Follows one branch, undoes its changes and returns them."""
        self.begin()
        try:
            follow()
        except BaseException:
            self.leave(len(self._stack) - 1)
            raise
        return self.end()

    @property
    def depth(self) -> int:
        """The number of branches being followed, each inside the one before."""
        return len(self._stack)

    def leave(self, depth: int) -> None:
        """Leaves all branches but the outer ones, returning what was changed: used when following the program ends in
        the middle."""
        del self._stack[depth:]

    def begin(self) -> None:
        """Begins a branch, which `end` ends: for branches nested too deeply for recursion."""
        self._stack.append({})

    def end(self) -> Changes:
        """Undoes the changes of the innermost branch and returns them."""
        before = self._stack.pop()
        changes: Changes = {}
        for (identity, key), (container, old) in before.items():
            if isinstance(container, list):
                changes[identity, key] = (container, old, list(container))
                container[:] = old
            else:
                changes[identity, key] = (container, old, container.get(key, MISSING))
                if old is MISSING:
                    container.pop(key, None)
                else:
                    container[key] = old
        return changes

    def apply(self, changes: Changes) -> None:
        """Redoes the changes of a branch that was certainly taken."""
        for (_, key), (container, _, new) in changes.items():
            self._write(container, key, new)

    def rebased(self, changes: Changes) -> Changes:
        """The changes of a branch, as if it had begun now."""
        now: Changes = {}
        for (identity, key), (container, _, new) in changes.items():
            before = list(container) if isinstance(container, list) else container.get(key, MISSING)
            now[identity, key] = (container, before, new)
        return now

    def merge(
        self,
        branches: list[Changes],
        join: Callable[[list[Any]], Any],
        join_lists: Callable[..., Any],
        cases: Sequence[Case] = (),
    ) -> None:
        """Redoes the changes of branches of which one was taken: contents that differ are joined. `cases` are the
        choices that lead to each."""
        touched: dict[tuple[int, Any], tuple[Any, Any]] = {}
        for changes in branches:
            for where, (container, old, _) in changes.items():
                touched.setdefault(where, (container, old))
        # Lists come first: what happened to the models of the branches is known when the names of these are joined.
        for where, (container, old) in touched.items():
            if isinstance(container, list):
                contents = [changes[where][2] if where in changes else old for changes in branches]
                self._write(container, None, join_lists(container, old, contents))
        for where, (container, old) in touched.items():
            if isinstance(container, list):
                continue
            contents = [changes[where][2] if where in changes else old for changes in branches]
            present = [content for content in contents if content is not MISSING]
            if present:
                # A name that only one branch binds is used later only if that branch was taken.
                nested = where in self._perhaps
                self._write(container, where[1], present[0] if len(present) == 1 else join(present))
                if len(present) < len(contents):
                    self._perhaps[where] = (container, *_with_and_without(contents, cases, nested))

    def _write(self, container: Any, key: Any, new: Any) -> None:
        if isinstance(container, list):
            self.change_list(container)[:] = new
        elif new is MISSING:
            self.remove_item(container, key)
        else:
            self.set_item(container, key, new)


def _with_and_without(contents: list[Any], cases: Sequence[Case], nested: bool) -> tuple[Case, Case]:
    """The choices that lead to the one branch with an item, and to the one without it, which others may lead to as
    well if a branch inside decides too."""
    if len(contents) != 2 or len(cases) != 2:
        return (), ()
    left = contents.index(MISSING) if any(each is MISSING for each in contents) else 0
    return cases[1 - left], () if nested else cases[left]
