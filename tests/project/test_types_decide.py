"""Types decide, never prose: no sentence of the linter is compared or searched by the linter."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[2] / "lora_lint"
PROSE = frozenset({"consequence", "expected", "message", "phrase", "source", "why"})
"""Attributes that hold words for people."""
SEARCHES = frozenset(
    {"count", "endswith", "find", "index", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex"}
    | {"rpartition", "split", "startswith"}
)
PATTERNS = frozenset({"findall", "fullmatch", "match", "search"})
SENTENCE = re.compile(r"[A-Za-z'’]+ [a-zA-Z]+")
FOREIGN = {
    "outside function": "Python's SyntaxError has no code that tells a `return` outside a function from others",
    "out of memory": "torch raises a plain RuntimeError",
    "can't allocate memory": "so does its allocator on the CPU",
}
"""What others write, which has no type."""


@cache
def module(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What the names at the top of a module are bound to, those of the package that it imports included."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE.name:
            path = PACKAGE.parent.joinpath(*(node.module or "").split(".")).with_suffix(".py")
            theirs = bound(module(path)) if path.is_file() else {}
            found |= {each.asname or each.name: theirs[each.name] for each in node.names if each.name in theirs}
    return found | bound(tree)


def bound(tree: ast.Module) -> dict[str, ast.expr]:
    pairs = [(node.targets[0], node.value) for node in tree.body if isinstance(node, ast.Assign)]
    pairs += [(node.target, node.value) for node in tree.body if isinstance(node, ast.AnnAssign) and node.value]
    return {target.id: value for target, value in pairs if isinstance(target, ast.Name)}


def texts(node: ast.AST, known: dict[str, ast.expr]) -> Iterator[str]:
    """The texts that an operand is, or holds. What a call is given is not its result: `"one two".split()` is a list of
    words."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in known:
        yield from texts(known[node.id], {name: value for name, value in known.items() if name != node.id})
    elif isinstance(node, ast.Tuple | ast.List | ast.Set | ast.BinOp | ast.BoolOp | ast.Starred):
        for each in ast.iter_child_nodes(node):
            yield from texts(each, known)
    elif isinstance(node, ast.Dict):
        for key in node.keys:
            yield from texts(key, known) if key is not None else ()
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("frozenset", "set", "tuple", "dict.fromkeys"):
        for argument in node.args[:1]:
            yield from texts(argument, known)


def decisions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and the code of each place that compares or searches a sentence."""
    known = constants(tree)

    def is_prose(node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute) and node.attr in PROSE:
            return True
        if isinstance(node, ast.Tuple) and any(map(is_prose, node.elts)):
            return True
        return any(SENTENCE.search(text) and text not in FOREIGN for text in texts(node, known))

    for node in ast.walk(tree):
        operands: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            compares = [not isinstance(operator, ast.Is | ast.IsNot) for operator in node.ops]
            operands = [node.left, *node.comparators] if any(compares) else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in SEARCHES:
                operands = [node.func.value if isinstance(node.func.value, ast.Attribute) else node, *node.args]
            elif node.func.attr in PATTERNS:
                operands = [argument for argument in node.args if isinstance(argument, ast.Attribute)]
            elif node.func.attr == "get":
                operands = node.args[:1]
        elif isinstance(node, ast.Subscript):
            operands = [node.slice]
        elif isinstance(node, ast.MatchValue):
            operands = [node.value]
        elif isinstance(node, ast.Dict):
            operands = [key for key in node.keys if isinstance(key, ast.Constant)]
        if any(map(is_prose, operands)):
            yield getattr(node, "lineno", 0), ast.unparse(node)


@pytest.mark.slow
def test_no_decision_is_made_on_prose() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {code}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, code in decisions(module(path))
    ]
    assert not found, "give it a type, or a reason code beside the words:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        'UNSET = "the command line may give it"\nif value.why == UNSET: ...',
        'rank.why.endswith("is given by the caller")',
        '_CHOICES = "argparse choices"\n_ALL = frozenset({_CHOICES, "loop"})\nif sweep.kind in _ALL: ...',
        'if kind != "argparse choices": ...',
        'if run.training.trainer != "a training loop": ...',
        '_PLAIN = frozenset({"Trainer", "a training loop"})\nif run.training.trainer not in _PLAIN: ...',
        'table = "" if "table" not in skeleton.source else "…"',
        "where = place if key in finding.message else other",
        'if finding.message.startswith("`"): ...',
        'if re.search("rank", finding.message): ...',
        'meant = "whole number" in expected',
        'expected.startswith("one of")',
        '{"series of calls": 1}[kind]',
        'own_fault(error).replace("on this file", "in this experiment")',
        "found = by_message.get(finding.message)",
        "found = exact[finding.code, finding.span, finding.message]",
        'match kind:\n    case "W&B sweep": ...\n    case "first value": ...',
        "from lora_lint.rules.files import _NEVER\nif problem.expected == 1: ...",
    ],
)
def test_what_is_put_back_is_found(code: str) -> None:
    assert list(decisions(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "if value.reason is Reason.CALLER: ...",
        "if value.why is None: ...",
        '_NAMES = frozenset("get_peft_model PeftModel".split())\nif name in _NAMES: ...',
        'message = "one of two" + " words of it"',
        'if key in ("lora_r", "r"): ...',
        'if "outside function" in error.msg: ...',
    ],
)
def test_what_is_no_decision_on_prose_is_left_alone(code: str) -> None:
    assert not list(decisions(ast.parse(code)))
