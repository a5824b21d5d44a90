"""Import hooks: what is changed in a library right after the program has imported it."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.machinery import ModuleSpec


class AfterImport(MetaPathFinder):
    """Calls a function with each of some modules once it has been executed."""

    def __init__(self, changes: Mapping[str, Callable[[Any], None]]) -> None:
        self._changes = changes

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """The spec that the other finders give, with the change added to its loader."""
        change = self._changes.get(fullname)
        if change is None:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(fullname, path, target) if finder is not self else None
            if spec is not None and spec.loader is not None:
                execute = spec.loader.exec_module

                def executed(module: Any, execute: Any = execute, change: Any = change) -> None:
                    execute(module)
                    change(module)

                spec.loader.exec_module = executed  # type: ignore[method-assign]
                return spec
        return None


def install(changes: Mapping[str, Callable[[Any], None]]) -> None:
    """Makes the changes in what is imported from now on, and in what is there already."""
    sys.meta_path.insert(0, AfterImport(changes))
    for name, change in changes.items():
        if name in sys.modules:
            change(sys.modules[name])


def before(owner: Any, name: str, call: Callable[..., None]) -> None:
    """Calls a function with the arguments of a method each time before the method runs."""
    original = getattr(owner, name)

    def first(*arguments: Any, **keywords: Any) -> Any:
        call(*arguments, **keywords)
        return original(*arguments, **keywords)

    _replace(owner, name, first, original)


def after(owner: Any, name: str, call: Callable[..., None]) -> None:
    """Calls a function with the arguments of a method each time after the method has run."""
    original = getattr(owner, name)

    def then(*arguments: Any, **keywords: Any) -> Any:
        result = original(*arguments, **keywords)
        call(*arguments, **keywords)
        return result

    _replace(owner, name, then, original)


def _replace(owner: Any, name: str, new: Any, original: Any) -> None:
    from functools import wraps

    setattr(owner, name, wraps(original)(new))  # signatures are inspected by Trainer and others
