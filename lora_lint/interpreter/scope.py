"""Names and what they are bound to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.interpreter.values import Val
    from lora_lint.source import SourceFile


class Module:
    """A file that is being followed: its source, and what its names can come from."""

    __slots__ = ("is_main", "scope", "source", "star_imports")

    def __init__(self, source: SourceFile, is_main: bool) -> None:
        self.source = source
        self.is_main = is_main
        self.star_imports: list[str] = []
        self.scope = Scope(self, None)


class Scope:
    """The local names of a function, class body or module, and the scope around it."""

    __slots__ = ("global_names", "module", "names", "outer")

    def __init__(self, module: Module, outer: Scope | None) -> None:
        self.module = module
        self.outer = outer
        self.names: dict[str, Val] = {}
        self.global_names: frozenset[str] = frozenset()
