"""How the package is built: which rooms stand on which, and what the names in them may be.

What is still to be repaired stands in the lists below with the date of its entry. They only get shorter: an entry that
is no longer needed fails the test too.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.package import circles, package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.package import Package

FLOORS = (
    "records unread marks",
    "system",
    "source",
    "prefilter discovery excludes readers finding",
    "catalogue project",
    "run",
    "knowledge",
    "settings",
    "interpreter",
    "frameworks libraries",
    "programs",
    "rules",
    "linting",
    "fixes inspection recommend",
    "report",
    "verify",
    "ablate server",
    "terminal",
    "commands api guarding preflight pytest_plugin",
    "options",
    "cli",
    "__main__",
)
"""The rooms from the ground up, those side by side on one floor. A room imports from its own floor and those below."""

CLIMBS: set[str] = set()
CIRCLES: set[frozenset[str]] = set()
MACHINE = "interpreter.machine"
MOST_PARAMETERS = 7
LONG_SIGNATURES = {
    # 2026-11-29: what a finding may have beside its message; 45 calls name two or three each, and a record would have to
    # be filled in at every one of them.
    "rules.words.resting",
}
SHARED_NAMES: set[str] = set()
PARTICIPLES = {
    "answered", "asked", "called", "done", "drawn", "found", "given", "heard", "held", "kept", "left", "lost", "made",
    "meant", "met", "read_in", "said", "seen", "shown", "spoken", "taken", "told", "tried", "used", "wanted",
    "written",
}  # fmt: skip
BARE_PARTICIPLES: set[str] = set()


def floor_of(module: str) -> int | None:
    """The floor of a module's room; None for the package itself."""
    room = module.partition(".")[0]
    if not room:
        return None
    floors = [number for number, floor in enumerate(FLOORS) if room in floor.split()]
    assert floors, f"{room} has no floor: place it in FLOORS"
    return floors[0]


def climbs(house: Package) -> set[str]:
    """The imports of a room from one on a higher floor."""
    found = set()
    for module, targets in house.imports().items():
        for target in targets:
            low, high = floor_of(module), floor_of(target)
            if low is not None and high is not None and low < high:
                found.add(f"{module} -> {target}")
    return found


def functions(house: Package) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Each function and method, by "module.name"."""
    for module, tree in house.modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", node


def long_signatures(house: Package) -> set[str]:
    found = set()
    for name, node in functions(house):
        taken = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        if len(taken) - (taken[:1] in (["self"], ["cls"])) > MOST_PARAMETERS:
            found.add(name)
    return found


def bare_participles(house: Package) -> set[str]:
    """Functions that are named by a participle alone, which says neither what they do nor what they give."""
    return {name for name, node in functions(house) if node.name.strip("_") in PARTICIPLES}


def shared_names(house: Package) -> set[str]:
    """Names of classes at the top of more than one module."""
    names = Counter(
        node.name for tree in house.modules.values() for node in tree.body if isinstance(node, ast.ClassDef)
    )
    return {name for name, count in names.items() if count > 1 and not name.startswith("_")}


def test_no_room_takes_from_a_higher_one() -> None:
    assert climbs(package()) == CLIMBS


def test_no_circle_of_imports() -> None:
    assert set(circles(package().imports())) == CIRCLES


def test_the_interpreter_looks_up_to_the_machine_alone() -> None:
    """Values and statements are given the machine, and name it as a type; nothing else of them goes in a circle."""
    assert circles({name: others - {MACHINE} for name, others in of_the_interpreter(typing=True).items()}) == []
    assert MACHINE not in set().union(*of_the_interpreter(typing=False).values())


def of_the_interpreter(typing: bool) -> dict[str, set[str]]:
    """What the modules of the interpreter import from each other."""
    imports = package().imports(typing=typing)
    room = {name for name in imports if f"{name}.".startswith("interpreter.")}
    return {name: imports[name] & room for name in room}


def test_no_private_name_is_taken_from_another_module() -> None:
    assert package().private_imports() == []


def test_no_function_takes_more_parameters_than_can_be_kept_in_mind() -> None:
    assert long_signatures(package()) == LONG_SIGNATURES


def test_no_function_is_named_by_a_participle_alone() -> None:
    assert bare_participles(package()) == BARE_PARTICIPLES


def test_no_two_classes_have_one_name() -> None:
    assert shared_names(package()) == SHARED_NAMES


@pytest.mark.parametrize(
    "line",
    [
        "from lora_lint.linting import engine",
        "import lora_lint.linting.engine",
        "from lora_lint.linting.engine import lint",
    ],
)
@pytest.mark.slow
@pytest.mark.parametrize("shape", ["{}", "def late() -> None:\n    {}", "try:\n    pass\nfinally:\n    {}"])
def test_a_climb_that_is_put_back_is_seen(line: str, shape: str) -> None:
    put_back = package({"rules.scale": "\n" + shape.format(line) + "\n"})
    assert climbs(put_back) - climbs(package()) == {"rules.scale -> linting.engine"}


def test_what_only_type_checkers_import_is_no_climb() -> None:
    typed = package({"rules.scale": "\nif TYPE_CHECKING:\n    from lora_lint.linting.engine import lint\n"})
    assert climbs(typed) == climbs(package())


def test_a_circle_that_is_put_back_is_seen() -> None:
    put_back = package({"run.values": "\ndef late() -> None:\n    from lora_lint.run.run import Run\n"})
    assert any({"run.values", "run.run"} <= circle for circle in circles(put_back.imports()))
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [frozenset("bc")]


@pytest.mark.parametrize("shape", ["{}", "def late():\n    {}", "try:\n    {}\nexcept ImportError: pass"])
def test_imports_for_type_checkers_are_told_apart(shape: str) -> None:
    choice = "if TYPE_CHECKING:\n    import lora_lint.source\nelse:\n    import lora_lint.finding\n"
    made = package({"alone": shape.format(choice.replace("\n", "\n    ") if shape != "{}" else choice)})
    assert made.imports()["alone"] == {"finding"}
    assert made.imports(typing=True)["alone"] == {"source", "finding"}


def test_a_private_import_that_is_put_back_is_seen() -> None:
    put_back = package({"linting.pool": "\nfrom lora_lint.linting.checker import _secret\n"})
    assert put_back.private_imports() == ["linting.pool takes linting.checker._secret"]
    put_back = package({"linting.pool": "\nfrom lora_lint.linting import checker\nSECRET = checker._secret\n"})
    assert put_back.private_imports() == ["linting.pool takes linting.checker._secret"]


@pytest.mark.slow
def test_a_long_signature_a_participle_and_a_second_name_are_seen() -> None:
    parameters = ", ".join("abcdefgh")
    put_back = package({"linting.pool": f"\ndef told({parameters}):\n    pass\n\nclass Finding:\n    pass\n"})
    assert long_signatures(put_back) - long_signatures(package()) == {"linting.pool.told"}
    assert bare_participles(put_back) - bare_participles(package()) == {"linting.pool.told"}
    assert shared_names(put_back) - shared_names(package()) == {"Finding"}
