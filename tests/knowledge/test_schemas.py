"""What a schema asks for, in words."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.knowledge import schemas
from lora_lint.knowledge.schemas import expected


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array"}, "a list"),
        ({"type": "object"}, "a mapping"),
        ({"type": "string"}, "text"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "number"}, "a number"),
        ({"type": "integer"}, "a whole number"),
        ({"type": "integer", "minimum": 1}, "a whole number of at least 1"),
        ({"type": ["number", "null"]}, "a number"),
        ({"type": ["integer", "string"]}, "a whole number or text"),
        ({"enum": ["a"]}, 'one of "a"'),
        ({"enum": ["a", "b", None]}, 'one of "a" or "b"'),
        ({"enum": ["a", "b", "c"]}, 'one of "a", "b" or "c"'),
        ({"type": "array", "items": {"enum": ["q", "k"]}}, "a list of q, k"),
        ({"anyOf": [{"type": "number"}, {"pattern": "^x$"}, {"type": "boolean"}]}, "a number or true or false"),
    ],
)
def test_words(schema: dict[str, Any], words: str) -> None:
    assert expected(schema, {}) == words


@pytest.mark.parametrize("name", ["ms_swift", "llamafactory", "diffusers_examples", "trl", "kohya"])
def test_definitions_without_properties_have_no_keys(name: str) -> None:
    for definition in schemas.load(name).get("$defs", {}):
        assert isinstance(schemas.keys(name, definition), frozenset)
