"""YAML and JSON to trees: values as frameworks read them, and where they are written."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.json import read_json
from lora_lint.readers.nodes import LateSequence, Mapping, Placeholder, Scalar, Sequence
from lora_lint.readers.yaml import read_yaml
from lora_lint.source import SourceFile


def plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {entry.key.value: plain(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value


def yaml(text: str) -> Any:
    (node,) = read_yaml(SourceFile("a.yaml", "yaml", text.encode()))
    return node


def from_json(text: str) -> Any:
    return read_json(SourceFile("a.json", "json", text.encode()))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 2e-4),
        ("2E-4", 2e-4),
        ("1.0e-5", 1e-5),
        ("1e3", 1e3),
        ("16", 16),
        ("-1", -1),
        ("0.05", 0.05),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'16'", "16"),
        ('"2e-4"', "2e-4"),
        ("q_proj", "q_proj"),
        ("1_000", 1000),
        (".inf", float("inf")),
        ("2024-01-01", "2024-01-01"),
    ],
)
def test_yaml_scalars(text: str, value: Any) -> None:
    found = yaml(f"key: {text}\n").get("key").value
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["${lora.r}", "{{ rank }}", "x-${name}", "'${env:R}'"])
def test_placeholders(text: str) -> None:
    assert isinstance(yaml(f"r: {text}\n" if "{{" not in text else f'r: "{text}"\n').get("r").value, Placeholder)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x 1\nb: *x\n", {"a": 1, "b": 1}),
        ("base: &b {r: 8, alpha: 16}\nrun:\n  <<: *b\n  r: 32\n", {"base": {"r": 8, "alpha": 16}, "run": {"r": 32, "alpha": 16}}),
        ("a: 1\na: 2\n", {"a": 2}),
        ("a:\n- 1\n- 2\n", {"a": [1, 2]}),
        ("a: [1, {b: 2}]\n", {"a": [1, {"b": 2}]}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: >-\n  x\n  y\n", {"a": "x y"}),
        ("a: !!str 16\n", {"a": "16"}),
        ("? a\n: 1\n", {"a": 1}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("{}\n", {}),
    ],
)  # fmt: skip
def test_yaml_trees(text: str, value: Any) -> None:
    found = {key: item for key, item in plain(yaml(text)).items() if key != "<<"}
    assert found == value


def test_documents() -> None:
    assert [plain(node) for node in read_yaml(SourceFile("a.yaml", "yaml", b"a: 1\n---\nb: 2\n"))] == [
        {"a": 1},
        {"b": 2},
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("größe: 1\nlora_r:   16  # why\n", ("lora_r", "16")),
        ("a:\n  - b: 'x y'\n", ("b", "'x y'")),
        ("{a: 1, lora_alpha: 3.5}\n", ("lora_alpha", "3.5")),
        ('k: "\\u00fc ü"\n', ("k", '"\\u00fc ü"')),
    ],
)
def test_places(text: str, path: tuple[str, str]) -> None:
    def entries(node: Any) -> Any:
        if isinstance(node, Mapping):
            for entry in node.entries:
                yield entry
                yield from entries(entry.value)
        elif isinstance(node, Sequence):
            for item in node.items:
                yield from entries(item)

    key, value = path
    entry = next(entry for entry in entries(yaml(text)) if entry.key.value == key)
    data = text.encode()
    assert data[entry.key.span.start : entry.key.span.end].decode() == key
    assert data[entry.value.span.start : entry.value.span.end].decode() == value


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: b: c",
        "\ta: 1",
        "a: *missing",
        "a: !!python/object/apply:os.system ['true']",
        "[" * 5_000,
        "a:\n" + "".join(f"{' ' * n}- \n" for n in range(1, 3_000)),
        "x0: &x0 [1]\n" + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 12)),
        "a: &a [*a]",
        "a: 1\0",
    ],
)
def test_yaml_that_is_not_read_ends_well(text: str) -> None:
    try:
        nodes = read_yaml(SourceFile("a.yaml", "yaml", text.encode()))
    except Unreadable as error:
        assert error.message
    else:
        assert len(repr(nodes)) < 5_000_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


def test_json_whole() -> None:
    assert plain(from_json('{"a": [1, 2.5, "x", null, true]}')) == {"a": [1, 2.5, "x", None, True]}


@given(VALUES, st.sampled_from([None, 1, 4]), st.booleans(), st.sampled_from([1, 1_000]))
def test_json_is_json(value: Any, indent: int | None, ascii_only: bool, long: int) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    if any(mark in text for mark in ("${", "{{")) or '"\\ud' in text or _lone(text):
        return
    with patch("lora_lint.readers.json._LONG", long):
        root = from_json(text)
        assert plain(root) == value
    todo, data = [root], text.encode()
    while todo:
        node = todo.pop()
        assert plain(node) == json.loads(data[node.span.start : node.span.end])
        if isinstance(node, Mapping):
            todo += [part for entry in node.entries for part in (entry.key, entry.value)]
        elif isinstance(node, Sequence):
            todo += node.items


def test_a_long_list_is_read_when_it_is_asked_for() -> None:
    text = json.dumps({"log": [{"step": step} for step in range(500)], "r": 8})
    root = from_json(text)
    log = root.get("log")
    assert isinstance(log, LateSequence)
    assert "items" not in vars(log)
    assert text[log.items[7].span.start : log.items[7].span.end] == '{"step": 7}'
    assert plain(root.get("r")) == 8


def _lone(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


@pytest.mark.parametrize("text", ["{", '{"a" 1}', '{"a": 1,}', "[1 2]", "NaNa", '"\n"', "[" * 100_000, "1" * 10_000])
def test_json_that_is_none(text: str) -> None:
    with pytest.raises(Unreadable):
        from_json(text)


def test_scalars_know_their_quotes() -> None:
    quoted, plain_ = yaml('a: "16"\nb: 16\n').get("a"), yaml("b: 16\n").get("b")
    assert isinstance(quoted, Scalar)
    assert (quoted.quoted, quoted.raw) == (True, "16")
    assert (plain_.quoted, plain_.raw) == (False, "16")
