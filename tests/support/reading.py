"""Reads programs and config files from text, for tests."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lora_lint.linting.reading import read
from lora_lint.project import Project
from lora_lint.run.values import Choices, Known, Unknown
from lora_lint.source import SourceFile
from tests.support.kinds import kind_of

if TYPE_CHECKING:
    from lora_lint.run.run import Reading, Run

ROOT = Path(__file__).parents[2]
CONFIGS = Path(__file__).parent / "configs"
"""Realistic files, in a folder for each dialect."""
IMPORTS = """\
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
"""


def read_python(text: str, folder: Path | None = None, name: str = "train.py") -> Reading:
    """The runs of a program; with `folder`, it may import the files there."""
    program = textwrap.dedent(text)
    path = f"{folder.as_posix()}/{name}" if folder else name
    return read(SourceFile(path, "python", program.encode()), Project(folder.as_posix() if folder else "."))


def only(reading: Reading) -> Run:
    """The one run of a program."""
    assert len(reading.runs) == 1, reading.runs
    return reading.runs[0]


def plain(value: Any) -> Any:
    """A Known's value, a set of a Choices' values, or the class Unknown."""
    if isinstance(value, Known):
        return value.value
    if isinstance(value, Choices):
        return {option.value for option in value.options}
    return Unknown


def adapter(text: str, **fields: Any) -> None:
    """Asserts settings of the one run of a program that starts with the usual imports."""
    run = only(read_python(IMPORTS + textwrap.dedent(text)))
    for field, expected in fields.items():
        assert plain(getattr(run.adapter, field)) == expected, field


def config(text: str, name: str = "config.yaml", folder: Path | None = None) -> Reading:
    """What a configuration file holds; with `folder`, it lies there."""
    path = f"{folder.as_posix()}/{name}" if folder else name
    return read(
        SourceFile(path, kind_of(path), textwrap.dedent(text).encode()), Project(folder.as_posix() if folder else ".")
    )


def shell(text: str, folder: Path | None = None, name: str = "run.sh") -> Reading:
    """What a shell script holds; with `folder`, it lies there."""
    path = f"{folder.as_posix()}/{name}" if folder else name
    script = SourceFile(path, "shell", textwrap.dedent(text).encode())
    return read(script, Project(folder.as_posix() if folder else "."))


def edited(text: str, *changes: tuple[str, str]) -> str:
    """A text with some parts of it written in another way."""
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def written(text: str, value: Any) -> str:
    """What stands where a value says that it was read."""
    assert value.span is not None
    return textwrap.dedent(text).encode()[value.span.start : value.span.end].decode()


def realistic(dialect: str, name: str) -> str:
    """The text of one of the files in tests/support/configs/."""
    return (CONFIGS / dialect / name).read_text(encoding="utf-8")
