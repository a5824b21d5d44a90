"""Paths that a program puts together, by pathlib and by os.path."""

from __future__ import annotations

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

PATHS = [
    ('Path("models") / "llama-7b"', "models/llama-7b"),
    ('"models" / Path("llama-7b")', "models/llama-7b"),
    ('Path("models", "llama-7b").resolve()', "models/llama-7b"),
    ('Path("models").joinpath("a", "b").as_posix()', "models/a/b"),
    ('str(Path("models/a").parent / "b")', "models/b"),
    ("f\"{Path('models')}/b\"", "models/b"),
    ('Path("models/a.json").with_suffix(".yaml").with_name("c.txt").name', "c.txt"),
    ('Path("models/a.json").stem + Path("models/a.json").suffix', "a.json"),
    ("Path(__file__).resolve().parent / 'a'", "a"),
    ("Path(__file__).resolve().parents[1] / 'a'", "../a"),
    ("Path(__file__).parent.parent.parent / 'a'", "../../a"),
    ("Path.home() / 'a'", "~/a"),
    ("Path.cwd().joinpath('a')", "a"),
    ("os.path.join(os.path.dirname(os.path.abspath(__file__)), 'a')", "./a"),
    ("os.path.join('x', Path('a'))", "x/a"),
    ("os.path.basename('/x/y/a')", "a"),
    ("Path(unknown) / 'a'", Unknown),
    ("Path('a') / unknown", Unknown),
    ("os.path.join(unknown, 'a')", Unknown),
    ("Path('a') if unknown else Path('b')", {"a", "b"}),
]


@pytest.mark.parametrize(("path", "name"), PATHS, ids=[path for path, _ in PATHS])
def test_the_name_of_a_model(path: str, name: object) -> None:
    program = f"""{IMPORTS}
import os
from pathlib import Path
model = AutoModelForCausalLM.from_pretrained({path})
get_peft_model(model, LoraConfig(r=8))
"""
    assert plain(only(read_python(program)).model.name) == name


def test_a_path_that_the_command_line_may_give_is_likely() -> None:
    program = f"""{IMPORTS}
import argparse
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--model", type=Path, default="models/llama-7b")
model = AutoModelForCausalLM.from_pretrained(str(parser.parse_args().model.resolve()))
get_peft_model(model, LoraConfig(r=8))
"""
    name = only(read_python(program)).model.name
    assert (plain(name), name.origin) == ("models/llama-7b", "cli-default")  # type: ignore[union-attr]
