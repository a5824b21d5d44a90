"""Messages, pages and documents use the words that a native engineer would."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STILTED = re.compile(
    r"\b(?:in the place of|at the price of|whoever|sees? to it|more to say of|less to say of|reckons?|outside of|"
    r"inside of|all the same|cannot be told|is spoken|as it was made|goes with|goes as|"
    r"put on the model|put on a model|without a word|told|for certain|as good as|anew|all else|at hand|lets go|"
    r"hands? (?:it |them )?on|gives? back|passes over|what came of|it counts with|no harm of|too uncertain|"
    r"(?:there )?(?:has|have) to be there|there have to be|not any more|of no use|"
    r"is no (?:error|list|module|name|notebook|number|regular|rule|text|valid))\b",
    re.IGNORECASE,
)
"""Phrases that were translated rather than written."""
PAGES = [*sorted((ROOT / "rules").glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]


def _texts(source: str) -> list[tuple[int, str]]:
    """The string constants of a program with their lines, f-strings in parts, without docstrings."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return [(node.lineno, node.value) for node in constants if isinstance(node.value, str)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages(page: Path) -> None:
    text = re.sub(r"\s+", " ", page.read_text(encoding="utf-8"))
    assert STILTED.findall(text) == []


def test_strings() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {phrase}"
        for path in sorted((ROOT / "lora_lint").rglob("*.py"))
        for line, text in _texts(path.read_text(encoding="utf-8"))
        for phrase in STILTED.findall(text)
    ]
    assert found == []


def test_a_phrase_is_found_across_the_parts_of_a_string() -> None:
    [(line, text)] = _texts('x = (\n    "in the "\n    "place of"\n)\n')
    assert (line, STILTED.findall(text)) == (2, ["in the place of"])
