"""No circle of imports: what a module needs stands below it."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lora_lint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(lora_lint.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}
MACHINE = "lora_lint.interpreter.machine"


def imported(nodes: Iterable[ast.AST], typing: bool) -> Iterator[str]:
    """The modules that are imported by statements and by those within them, also in functions that are called later.

    `typing`: those for type checkers alone too.
    """
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from imported([*(node.body if typing else []), *node.orelse], typing)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                yield member if member in MODULES else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            yield from imported(ast.iter_child_nodes(node), typing)


def graph(typing: bool, within: str = "lora_lint") -> dict[str, set[str]]:
    trees = {
        name: ast.parse(path.read_bytes()) for name, path in MODULES.items() if f"{name}.".startswith(f"{within}.")
    }
    return {name: {each for each in imported([tree], typing) if each in trees} - {name} for name, tree in trees.items()}


def circle(imports: dict[str, set[str]]) -> list[str]:
    """A circle of imports, or nothing."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_module_imports_one_that_imports_it() -> None:
    assert circle(graph(typing=False)) == []


def test_the_interpreter_looks_up_to_the_machine_alone() -> None:
    """Values and statements are given the machine, and name it as a type; nothing else of them goes in a circle."""
    found = graph(typing=True, within="lora_lint.interpreter")
    assert circle({name: others - {MACHINE} for name, others in found.items()}) == []
    assert MACHINE not in set().union(*graph(typing=False, within="lora_lint.interpreter").values())


@pytest.mark.parametrize(
    "text",
    [
        "import b.c",
        "from b import c",
        "def f():\n    from b.c import d",
        "try:\n    import b.c\nexcept ImportError: pass",
    ],
)
def test_imports_are_found_wherever_they_are_written(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODULES, "b.c", Path("b/c.py"))
    assert list(imported([ast.parse(text)], typing=False)) == ["b.c"]


def test_an_import_for_type_checkers_is_told_apart() -> None:
    tree = ast.parse("if TYPE_CHECKING:\n    import a\nelse:\n    import b\n")
    assert list(imported([tree], typing=False)) == ["b"]
    assert list(imported([tree], typing=True)) == ["a", "b"]


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) != []
