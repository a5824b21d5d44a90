"""Fixes of every fixable example of the rules' pages, however it is written.

An example is written in another way, with the same meaning, and fixed. What comes out has to mean the same as the fixed
example, to have no such finding any more, to stay as it is when it is fixed again, and to keep every comment, every
line that no edit is in, and the encoding and the newlines of the file.
"""

from __future__ import annotations

import ast
import io
import json
import random
import re
import tokenize
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint import catalogue
from lora_lint.finding import Drop, Fix, Replace, fixable
from lora_lint.fixes.made import edits_of
from lora_lint.fixes.session import Fixed, fixed_text
from lora_lint.linting import engine
from lora_lint.linting.outcome import readable
from lora_lint.settings import Settings
from tests.support import pages
from tests.support.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.finding import Finding

ALL = Settings(extend_select=tuple(catalogue.rules()), confidence="possible")
BOM = b"\xef\xbb\xbf"


def found(data: bytes, name: str, code: str) -> list[Finding]:
    """The findings of a rule that can be fixed in this very text."""
    source = readable(name, kind_of(name), data)
    return [
        finding
        for finding in engine.lint_text(data, name, ALL, kind=kind_of(name)).findings
        if finding.code == code
        and finding.fix is not None
        and fixable(finding, unsafe=True, named=ALL.named())
        and edits_of(finding.fix, lambda path: source if path == name else None)
    ]


def fix(data: bytes, name: str, code: str) -> Fixed:
    """A file with the findings of one rule fixed."""
    select = (
        (code, "LL102", "LL104") if code == "LL910" else (code,)
    )  # whether a comment is idle takes the rules it names
    return fixed_text(data, name, kind_of(name), Settings(confidence="possible", select=select), unsafe=True)


@cache
def found_in(example: pages.Example) -> list[Finding]:
    return found(example.text.encode(), example.name, example.code)


@cache
def fixed_example(example: pages.Example) -> str:
    """An example as it stands, fixed."""
    return fix(example.text.encode(), example.name, example.code).after.decode()


def bad_examples(suffix: str) -> list[pages.Example]:
    """Those that may be fixable: `found_in` says which, and takes seconds for all, which collecting tests must not."""
    return [
        each for each in pages.all_examples() if each.kind == "bad" and not each.beside and each.name.endswith(suffix)
    ]


def still_fine(before: bytes, after: Fixed, name: str, code: str) -> None:
    """What holds of every fixed file."""
    assert after.problem == ""
    assert after.after != before, before.decode()
    assert found(after.after, name, code) == [], after.after.decode()
    again = fix(after.after, name, code)
    assert again.after == after.after
    assert after.after.startswith(BOM) is before.startswith(BOM)
    if b"\r\n" in before and kind_of(name) != "notebook":
        assert after.after.count(b"\n") == after.after.count(b"\r\n")


# Python


def comments(text: str) -> list[str]:
    return [
        token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT
    ]


def inside_dropped(data: bytes, example: pages.Example) -> list[str]:
    """The comments inside the calls that a fix takes away, which go with them; those inside what it moves stay."""
    source = readable(example.name, kind_of(example.name), data)
    fixes = [finding.fix for finding in found(data, example.name, example.code) if finding.fix is not None]
    drops = [Fix("safe", "", (change,)) for made in fixes for change in made.changes if isinstance(change, Drop)]
    edits = [edit for made in drops for edit in edits_of(made, lambda _: source)]
    gone = "".join(source.utf8[edit.span.start : edit.span.end].decode() for edit in edits)
    return [line for inner in re.findall(r"\w\(([^()]*)\)", gone) for line in re.findall(r"#[^\r\n]*", inner)]


def tokens_of(text: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


def rewritten(text: str, chance: random.Random, comment: str) -> str:
    """The same program in another layout: quotes, lines, comments and spaces."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    parts: list[str] = []
    done, depth, before = 0, 0, ""
    literal: list[bool] = []  # whether each open bracket is a list's, which comments keep from being written anew
    for token in tokens_of(text):
        start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        parts.append(text[done:start])
        done = max(done, end)
        string = token.string
        if token.type == tokenize.STRING and chance.random() < 0.4:
            string = swapped(string)
        if token.type == tokenize.OP and string in "([{":
            depth += 1
            literal.append(string in "[{" and not before.isidentifier())
        elif token.type == tokenize.OP and string in ")]}":
            depth -= 1
            literal.pop()
        elif token.type in (tokenize.NL, tokenize.NEWLINE) and string and depth == 0 and chance.random() < 0.3:
            string = (
                chance.choice(["  \n", "\t\n", f"  # {comment}\n", "\n\n"]) if not before.startswith("#") else string
            )
        parts.append(string)
        if depth and string in ("(", ",", "[", "{") and chance.random() < 0.3:
            gaps = [" ", "  ", "\n    ", "\n\t\t", "\n\n        "]
            if not any(literal):
                gaps += [f"  # {comment}\n    ", f"\n    # {comment}\n  "]
            parts.append(chance.choice(gaps))
        elif not depth and string == "=" and chance.random() < 0.2:
            parts.append(" \\\n      ")
        if token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            before = string
        elif token.type == tokenize.NEWLINE:
            before = ""
    return "".join(parts)


def swapped(string: str) -> str:
    """A string with the other quotes, where that is simple."""
    if len(string) > 1 and string[0] in "\"'" and string[:3] not in ('"""', "'''") and "\\" not in string:
        inner = string[1:-1]
        if "'" not in inner and '"' not in inner:
            other = "'" if string[0] == '"' else '"'
            return other + inner + other
    return string


def tabbed(text: str) -> str:
    """Tabs for every four spaces that a line starts with."""
    made = []
    for line in text.splitlines(keepends=True):
        spaces = len(line) - len(line.lstrip(" "))
        made.append("\t" * (spaces // 4) + " " * (spaces % 4) + line.lstrip(" "))
    return "".join(made)


def meaning(text: str) -> str:
    return ast.dump(ast.parse(text))


COMMENT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12).map(
    lambda text: text.replace("coding", "").replace("noqa", "").replace("lora-lint", "").replace("#", "").strip()
)


@pytest.mark.slow
@pytest.mark.parametrize("example", bad_examples(".py"), ids=str)
@settings(max_examples=5)
@given(
    seed=st.integers(0, 2**32),
    comment=COMMENT,
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
    around=st.sampled_from([("", ""), ("'''Größe.'''\nimport os\n\n\n", "\nprint(os.name)\n"), ("\n# α\n", "pass")]),
    tabs=st.booleans(),
)
def test_python(
    example: pages.Example, seed: int, comment: str, newline: str, mark: bool, around: tuple[str, str], tabs: bool
) -> None:
    if not found_in(example):
        return
    head, tail = around
    plain = fixed_example(example)
    text = head + rewritten(example.text, random.Random(seed), comment) + tail
    text = tabbed(text) if tabs else text
    assert meaning(text) == meaning(head + example.text + tail)
    data = (BOM if mark else b"") + text.replace("\n", newline).encode()
    after = fix(data, example.name, example.code)
    still_fine(data, after, example.name, example.code)
    now = after.after.decode("utf-8-sig").replace("\r\n", "\n")
    assert meaning(now) == meaning(head + plain + tail), now
    if example.code != "LL910":
        remarks = [each for each in comments(plain) if each not in comments(example.text)]
        kept = [*comments(text), *remarks]
        for remark in inside_dropped(data, example):
            kept.remove(remark)
        assert sorted(comments(now)) == sorted(kept), now
    assert now.endswith("\n") is text.endswith("\n")


# notebooks


def cells_of(text: str) -> list[str]:
    """A program as cells: one for each statement."""
    lines = text.splitlines(keepends=True)
    firsts = [
        min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) for node in ast.parse(text).body
    ]
    ends = [*firsts[1:], len(lines) + 1]
    return ["".join(lines[: firsts[0] - 1])] * (firsts[0] > 1) + [
        "".join(lines[first - 1 : end - 1]) for first, end in zip(firsts, ends, strict=True)
    ]


def document(cells: list[str], whole: bool) -> dict[str, Any]:
    made: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": ["# größe\n", "\u2028"]}]
    for number, cell in enumerate(cells):
        source: Any = cell if whole else cell.splitlines(keepends=True)
        made.append(
            {
                "cell_type": "code",
                "execution_count": number,
                "id": f"c{number}",
                "metadata": {"x": 1.50},
                "outputs": [{"output_type": "stream", "name": "stdout", "text": ["a = 1\n", "ü"]}],
                "source": source,
            }
        )
    made.append({"cell_type": "code", "execution_count": None, "id": "e", "metadata": {}, "outputs": [], "source": []})
    return {"cells": made, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}


def outside(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook without the code."""
    copy = json.loads(json.dumps(notebook))
    for cell in copy["cells"]:
        if cell["cell_type"] == "code":
            del cell["source"]
    return dict(copy)


def program(notebook: dict[str, Any]) -> str:
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return "\n".join(source if isinstance(source, str) else "".join(source) for source in code)


@pytest.mark.slow
@pytest.mark.parametrize("example", bad_examples(".py"), ids=str)
@settings(max_examples=4)
@given(
    seed=st.integers(0, 2**32),
    comment=COMMENT,
    split=st.booleans(),
    whole=st.booleans(),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 0, 1, 3, "\t"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    end=st.sampled_from(["", "\n"]),
    stripped=st.booleans(),
)
def test_notebooks(
    example: pages.Example, seed: int, comment: str, split: bool, whole: bool, ascii_only: bool, indent: int | str | None,
    newline: str, end: str, stripped: bool,
) -> None:  # fmt: skip
    if not found_in(example):
        return
    plain = fixed_example(example)
    text = rewritten(example.text, random.Random(seed), comment)
    cells = cells_of(text) if split else [text]
    cells = [cell.rstrip("\n") for cell in cells] if stripped else cells
    before = document(cells, whole)
    written = json.dumps(before, indent=indent, ensure_ascii=ascii_only) + end
    data = written.replace("\n", newline).encode()
    name = "train.ipynb"
    after = fix(data, name, example.code)
    still_fine(data, after, name, example.code)
    now = json.loads(after.after)
    assert outside(now) == outside(before)
    assert meaning(program(now)) == meaning(plain), program(now)
    for cell in now["cells"]:
        source = cell["source"]
        assert isinstance(source, str) is whole or cell["cell_type"] == "markdown" or source == []
        assert isinstance(source, str) or all(line.endswith("\n") for line in source[:-1]), (
            source
        )  # as nbformat splits them
    # Bytes outside of the code that changes stay: what was written is written again the same way.
    changed = [
        number
        for number, (old, new) in enumerate(zip(before["cells"], now["cells"], strict=True))
        if old["source"] != new["source"]
    ]
    assert changed
    old_parts, new_parts = pieces(data, changed), pieces(after.after, changed)
    assert old_parts == new_parts


def pieces(data: bytes, changed: list[int]) -> list[bytes]:
    """The bytes of a notebook around the sources of some cells."""
    from lora_lint.readers.json import read_json
    from lora_lint.source import SourceFile

    root: Any = read_json(SourceFile("n.json", "json", data))
    parts, done = [], 0
    for number in changed:
        span = root.get("cells").items[number].get("source").span
        parts.append(data[done : span.start])
        done = span.end
    return [*parts, data[done:]]


# YAML and JSON


def emitted(value: Any, chance: random.Random, depth: int = 0) -> str:
    """A value as YAML in some style."""
    if isinstance(value, dict):
        if depth >= 9:
            flow = "{" + ", ".join(f"{key}: {emitted(item, chance, 9)}" for key, item in value.items()) + "}"
            return flow if chance.random() < 0.7 else json.dumps(value)
        pad = "  " * depth
        lines = []
        for key, item in value.items():
            if chance.random() < 0.2:
                lines.append(f"{pad}# {chance.choice(['größe', 'a: b', chr(34)])}")
            lines.append(entry(key, item, chance, depth))
        return "\n".join(lines)
    if isinstance(value, list):
        return "[" + ", ".join(emitted(item, chance, 9) for item in value) + "]"
    if isinstance(value, str):
        style = chance.randrange(3)
        if style == 0 and yaml.safe_load(f"a: {value}") == {"a": value} and not set(value) & set(",[]{}#&*!|>'\"%@`"):
            return value
        return json.dumps(value, ensure_ascii=False) if style == 1 else "'" + value.replace("'", "''") + "'"
    return json.dumps(value)


def entry(key: str, item: Any, chance: random.Random, depth: int) -> str:
    pad = "  " * depth
    key = chance.choice([key, key, f'"{key}"'])
    comment = chance.choice(["", "", "  # why: größe", "   "])
    if isinstance(item, dict) and item and chance.random() < 0.7:
        return f"{pad}{key}:{comment}\n{emitted(item, chance, depth + 1)}"
    if isinstance(item, list) and item and chance.random() < 0.6:
        inner = chance.choice([pad, pad + "  "])
        rows = []
        for each in item:
            if isinstance(each, dict) and each:
                rows.append(f"{inner}- " + emitted(each, chance, 9) if chance.random() < 0.4 else
                            f"{inner}- " + f"\n{inner}  ".join(f"{k}: {emitted(v, chance, 9)}" for k, v in each.items()))  # fmt: skip
            else:
                rows.append(f"{inner}- {emitted(each, chance, 9)}")
        return f"{pad}{key}:\n" + "\n".join(rows)
    gap = chance.choice([" ", " ", "  "])
    return f"{pad}{key}:{gap}{emitted(item, chance, 9)}{comment}"


@pytest.mark.slow
@pytest.mark.parametrize("example", [each for each in bad_examples(".yaml") if each.code != "LL910"], ids=str)
@settings(max_examples=8)
@given(
    seed=st.integers(0, 2**32),
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
    head=st.sampled_from(["", "---\n", "# größe\n---\n", "\n\n"]),
    end=st.sampled_from(["\n", "", "\n# end\n", "\n\n"]),
)
def test_yaml(example: pages.Example, seed: int, newline: str, mark: bool, head: str, end: str) -> None:
    if not found_in(example):
        return
    value = yaml.safe_load(example.text)
    plain = fixed_example(example)
    hints = "".join(line for line in example.text.splitlines(keepends=True) if line.startswith("# lora-lint"))
    text = hints + head + emitted(value, random.Random(seed)) + end
    assert yaml.safe_load(text) == value, text
    data = (BOM if mark else b"") + text.replace("\n", newline).encode()
    after = fix(data, example.name, example.code)
    still_fine(data, after, example.name, example.code)
    now = after.after.decode("utf-8-sig").replace("\r\n", "\n")
    assert yaml.safe_load(now) == yaml.safe_load(plain), now
    assert now.count("#") == text.count("#")


@pytest.mark.parametrize("example", [each for each in bad_examples(".yaml") if each.code != "LL910"], ids=str)
@settings(max_examples=5)
@given(
    indent=st.sampled_from([None, 0, 1, 3, 4, "\t"]),
    separators=st.sampled_from([None, (",", ":"), (" , ", " : ")]),
    newline=st.sampled_from(["\n", "\r\n"]),
    ascii_only=st.booleans(),
    end=st.sampled_from(["", "\n", " \n"]),
)
def test_json(
    example: pages.Example, indent: int | str | None, separators: tuple[str, str] | None, newline: str, ascii_only: bool,
    end: str,
) -> None:  # fmt: skip
    if not found_in(example):
        return
    value = {**yaml.safe_load(example.text), "output_dir": "größe"}
    written = json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only) + end
    data = written.replace("\n", newline).encode()
    if not found(data, "config.json", example.code):
        return  # a framework that reads no JSON
    plain = yaml.safe_load(fixed_example(example))
    after = fix(data, "config.json", example.code)
    still_fine(data, after, "config.json", example.code)
    assert json.loads(after.after) == {**plain, "output_dir": "größe"}


@pytest.mark.slow
def test_what_a_comment_says_is_what_a_fix_replaces() -> None:
    """Only the fix of comments writes texts of its own; everything else goes through the language's own literals."""
    fixable_ones = [example for example in bad_examples("") if found_in(example)]
    assert len(fixable_ones) > 60
    for example in fixable_ones:
        for finding in found_in(example):
            assert finding.fix is not None
            texts = [change for change in finding.fix.changes if isinstance(change, Replace)]
            assert not texts or finding.code == "LL910"
