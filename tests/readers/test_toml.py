"""TOML to trees: the values are those of Python's parser, and each stands where the tree says."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Mapping, Placeholder, Scalar, Sequence
from lora_lint.readers.toml import MAX_BYTES, MAX_DEPTH, read_toml
from lora_lint.source import SourceFile
from tests.support.toml import dumped

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = """\
# a comment
rank = 16 # another
network."alpha é" = 8.5
[optimizer]
lr = 1e-4
names = [
  "q_proj", # first
  'v_proj',
]
[optimizer.inner]
when = 2024-01-01
table = { x = 1, y.z = true, }
[[data]]
path = "a\\tb"
[[data]]
path = \"\"\"
two
lines\"\"\"
[data.more]
deep = 0x10
"""


def tree(text: str) -> Mapping:
    return read_toml(SourceFile("a.toml", "toml", text.encode()))


def plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {entry.key.value: plain(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value


def scalars(node: Any) -> list[Scalar]:
    if isinstance(node, Mapping):
        return [each for entry in node.entries for each in (entry.key, *scalars(entry.value))]
    return [each for item in node.items for each in scalars(item)] if isinstance(node, Sequence) else [node]


def test_values_are_those_of_the_parser() -> None:
    text = TEXT.replace("y.z = true, }", "y.z = true }")
    wanted = tomllib.loads(text)
    wanted["optimizer"]["inner"]["when"] = "2024-01-01"
    assert plain(tree(text)) == wanted


def test_each_value_stands_where_its_span_says() -> None:
    text = TEXT.replace("y.z = true, }", "y.z = true }")
    for scalar in scalars(tree(text)):
        written = text.encode()[scalar.span.start : scalar.span.end].decode()
        assert scalar.raw in written
        assert tomllib.loads(f"_ = {written}")["_"] == scalar.value if scalar.quoted else written == scalar.raw


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**62), 2**62), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_what_is_written_is_read(document: dict[str, Any]) -> None:
    assert plain(tree(dumped(document))) == tomllib.loads(dumped(document))


def test_a_table_reaches_over_its_pairs() -> None:
    section = tree(TEXT.replace("true, }", "true }")).get("optimizer")
    assert isinstance(section, Mapping)
    assert TEXT.encode()[section.span.start :].startswith(b"[optimizer]")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends(newline: str) -> None:
    assert plain(tree(f'a = """x{newline}y"""{newline}b = 2{newline}')) == {"a": "x\ny", "b": 2}


def test_what_a_template_fills_in() -> None:
    assert plain(tree('a = "${RANK}"\n')) == {"a": Placeholder("${RANK}")}


@pytest.mark.parametrize(
    ("text", "message", "written"),
    [
        ("a = 1\nb = \n", "This is not valid TOML (Invalid value)", 2),
        ("a = 1\na = 2\n", "This is not valid TOML (Cannot overwrite a value)", 2),
        ("[a\n", "This is not valid TOML (Expected", 1),
        ('a = "C:\\Users\\me"\n', "This is not valid TOML (Invalid hex value: write paths with a backslash in", 1),
        ('a = "D:\\models"\n', "This is not valid TOML (Unescaped '\\' in a string: write paths with a", 1),
    ],
)
def test_what_is_no_toml(text: str, message: str, written: int) -> None:
    source = SourceFile("a.toml", "toml", text.encode())
    with pytest.raises(Unreadable) as error:
        read_toml(source)
    assert error.value.message.startswith(message)
    assert error.value.span is not None
    assert source.position(error.value.span.start)[0] == written


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "[" * (MAX_DEPTH + 5) + "]" * (MAX_DEPTH + 5),
        "a = " + "{x = " * (MAX_DEPTH + 5) + "1" + "}" * (MAX_DEPTH + 5),
        "a = 1" + "0" * 5000,
        ".".join("abc" * 100) + " = 1",
        "x = 1 #" + "x" * MAX_BYTES,
    ],
    ids=["open", "lists", "tables", "digits", "parts", "large"],
)
def test_what_is_too_much(text: str) -> None:
    with pytest.raises(Unreadable):
        tree(text)


def test_json_texts_are_toml_texts() -> None:
    assert plain(tree(f"a = {json.dumps('x')}")) == {"a": "x"}
