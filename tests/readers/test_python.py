"""Python programs to trees: what is refused, and what a newer Python would read."""

from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.newer import rewritten
from lora_lint.readers.python import parse
from lora_lint.source import SourceFile


def tree(text: str) -> ast.Module:
    return parse(SourceFile("a.py", "python", text.encode()))


def refused(text: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        tree(text)
    return caught.value


def names(text: str) -> list[str]:
    """The targets of the assignments that are left of a program."""
    return [ast.unparse(node.targets[0]) for node in ast.walk(tree(text)) if isinstance(node, ast.Assign)]


def place(text: str) -> tuple[int, str] | None:
    """The line and the text of where a program is broken."""
    error = refused(text)
    if error.span is None:
        return None
    source = SourceFile("a.py", "python", text.encode())
    return source.position(error.span.start)[0], source.utf8[error.span.start : error.span.end].decode()


class TestRefused:
    def test_where(self) -> None:
        assert place("x = 1\nz = 3 $ 4\n") == (2, "$")
        assert place("é = 1; z = 3 $ 4\n") == (1, "$")
        assert place("x = 1\nif x:\npass\n") == (3, "p")

    def test_at_the_end(self) -> None:
        line, text = place("x = (1,\n") or (0, "")
        assert (line, text) == (1, "(")
        assert place("def f():") == (1, "")

    def test_why(self) -> None:
        assert "Missing parentheses in call to 'print'" in refused("print 'hello'\n").message
        assert refused("x = $\n").message.startswith("This is not valid Python 3.")

    @pytest.mark.parametrize(
        "text",
        [
            "x = " + "(" * 3000 + ")" * 3000,
            "x = " + "(" * 100_000,
            "x = " + "[" * 100_000 + "]" * 100_000,
            "x = " + "-" * 100_000 + "1",
            "x = " + "not " * 100_000 + "1",
            "x = " + "lambda: " * 20_000 + "1",
            "x" + ".y" * 50_000 + " $",
            "x = " + "f'{" * 500 + "1" + "}'" * 500,
            "x = " + "f'{x:{" * 500 + "1" + "}}'" * 500,
            "".join(" " * depth + "if x:\n" for depth in range(150)) + " " * 150 + "pass\n",
            "x = f'{" + "[" * 100_000 + "}'",
            "x = " + "9" * 5000,
        ],
        ids=lambda text: text[:12],
    )
    def test_nested_without_end(self, text: str) -> None:
        refused(text)

    def test_memory_is_not_ours_to_give(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> ast.Module:
            raise MemoryError

        monkeypatch.setattr("lora_lint.readers.python._parse", fail)
        assert "nested too deeply" in refused("x = 1\n").message


class TestNewer:
    """What only a newer Python reads is read all the same; the running one may well be the newer one."""

    @pytest.mark.parametrize(
        "text",
        [
            'a = f"{row["name"]}"\nb = 1\n',
            'a = f"{"".join([f"{x!r:>{width}}" for x in f"{y}"])}" f"{z}"\nb = 1\n',
            "a = f'{', '.join(x)}: {x['y']:>{w['z']}}'\nb = 1\n",
            'a = f"{value\n}"\nb = 1\n',
            'a = f"""{x["""y"""]  # why\n}"""\nb = 1\n',
            "a = f\"{'\\n'.join(x)}\"\nb = 1\n",
            'a = rf"\\d{x["y"]}\\{z["u"]}"\nb = 1\n',
            'a = f"{{x}} {x["y"]} \\N{EM DASH}"\nb = 1\n',
            'a = f"{x["y"] = }"\nb = 1\n',
            'a = f"{(lambda x: x["y"])(z)}" + "}"\nb = 1\n',
            'a = fR"{x["y"]:%H:%M}"\nb = 1\n',
        ],
    )
    def test_f_strings(self, text: str) -> None:
        assert names(text) == ["a", "b"]

    def test_other_syntax(self) -> None:
        assert "b" in names("type Pair = tuple[int, int]\ntype Of[T] = list[T]\nb = 1\n")
        assert names("def f[T: (int, 'a[b'), *Ts = [3]](x: T) -> T:\n    a = 1\nclass A[T](B):\n    c = 2\n") == [
            "a",
            "c",
        ]
        assert names("try:\n    a = 1\nexcept* ValueError:\n    b = 2\n") == ["a", "b"]
        assert names("try:\n    a = 1\nexcept A.B, C:\n    b = 2\n") == ["a", "b"]
        assert names("a = t'{x} and {y}'\nb = rt'{x}'\n") == ["a", "b"]

    def test_words_that_are_no_keywords_elsewhere(self) -> None:
        assert names("type = 3\ntype (x)\nx = type(y)\nprint(type, x)\n") == ["type", "x"]

    def test_strings_are_left_alone(self) -> None:
        text = "a = '''\ntype X = 1\nexcept* A'''\n# type X = 1\nb = 'it''s'\n"
        assert rewritten(text.encode()) is None
        assert names(text) == ["a", "b"]

    @pytest.mark.skipif(sys.version_info >= (3, 12), reason="read as it is there")
    def test_only_what_has_to_be_replaced(self) -> None:
        [a, b] = [
            node.value for node in tree('a = f"{x[0]} {y}"\nb = f"{x["y"]} {y}"\n').body if isinstance(node, ast.Assign)
        ]
        assert ast.unparse(a) == "f'{x[0]} {y}'"
        assert ast.unparse(b) == "f'{______} {y}'"

    @pytest.mark.parametrize(
        "text",
        [
            'a = f"{x["y"}"\n',
            'a = f"{x["y"]"\n',
            'a = f"{x["y"]}\n',
            'a = f"{x["y"]:{}"\n',
            'a = f"}{x["y"]}"\n',
            'a = f"{x["y"])}"\n',
            'a = "b\n',
            "a = '''b\n",
            "def f[T(x):\n    pass\n",
        ],
    )
    def test_what_nobody_reads(self, text: str) -> None:
        refused(text)

    def test_no_room_for_a_name(self) -> None:
        assert rewritten(b"a = f'{\n\n}'\n") is not None
        refused("a = f'{\n\n}'\n")

    @given(st.text(alphabet="f t\"'{}[]():\\\n#xtypedef=*é", max_size=60))
    def test_places_stay(self, text: str) -> None:
        new = rewritten(text.encode())
        if new is not None:
            assert len(new) == len(text.encode())
            assert [n for n, byte in enumerate(new) if byte == 10] == [
                n for n, byte in enumerate(text.encode()) if byte == 10
            ]


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    source = SourceFile("a.py", "python", text.encode("utf-8", "replace").replace(b"\0", b" "))
    try:
        parse(source)
    except Unreadable as error:
        if error.span is not None:
            assert 0 <= error.span.start <= error.span.end <= len(source.utf8)


def test_a_notebook_that_was_saved_as_a_program() -> None:
    text = "!pip install peft \\\n  trl\nx = 1\n%env WANDB=false\nif x:\n    !nvidia-smi\ny = 2\n"
    assert names(text) == ["x", "y"]
    assert "not valid Python" in refused("!pip install peft\nx = $\n").message
