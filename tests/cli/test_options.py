"""Options that are read without click mean what click makes of them, and what is wrong with them click says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint import cli
from lora_lint.options import CHECK, SHARED, Option, quickly

if TYPE_CHECKING:
    from pathlib import Path

WORDS = st.sampled_from(
    ["LL1", "LL101,LL2", "a, b", ",", "", "full", "json", "error", "0", "1", "3", "-1", "1e3", "2.5"]
)
TEXTS = st.one_of(
    WORDS,
    st.sampled_from(["train.py", "folder", "-", "--", "-x", "ü", "٣"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
)


@st.composite
def fitting(draw: st.DrawFn, option: Option) -> list[str]:
    """An option, mostly with a value that it takes, written in one word or in two."""
    if option.kind == "flag":
        return [option.flag]
    likely = {
        "choice": st.sampled_from([*option.choices, "no-choice"]),
        "count": st.integers(-1, 20).map(str),
        "number": st.sampled_from(["0", "1", "2.5", "600", "nan", "inf"]),
    }.get(option.kind, WORDS)
    value = draw(st.one_of(likely, TEXTS))
    return [f"{option.flag}={value}"] if draw(st.booleans()) else [option.flag, value]


CALLS = st.lists(st.one_of(st.sampled_from(CHECK).flatmap(fitting), TEXTS.map(lambda word: [word])), max_size=6).map(
    lambda parts: [word for part in parts for word in part]
)


@pytest.fixture(autouse=True, scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("here")
    (folder / "train.py").write_text("")
    (folder / "folder").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)


@given(CALLS)
def test_what_is_read_quickly_is_what_click_reads(arguments: list[str]) -> None:
    found = quickly(arguments)
    if found is not None:
        assert found == cli.check.make_context("check", list(arguments)).params


@pytest.mark.parametrize("option", CHECK, ids=lambda option: option.flag)
def test_every_option_is_read_quickly(option: Option) -> None:
    value = {"choice": option.choices[-1:], "count": ("7",), "number": ("7",), "flag": ()}.get(option.kind, ("LL1",))
    found = quickly([option.flag, *value, "train.py"])
    assert found == cli.check.make_context("check", [option.flag, *value, "train.py"]).params
    assert found is not None
    assert found[option.name] not in (option.without, None)
    assert found["paths"] == ("train.py",)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--hepl"],
        ["--output-format", "yaml"],
        ["--jobs", "0"],
        ["--seeds=2"],
        ["--jobs"],
        ["--fix=1"],
        ["--config", "."],
    ],
)
def test_what_is_wrong_is_left_to_click(arguments: list[str]) -> None:
    assert quickly(arguments) is None
    with pytest.raises(click.UsageError):
        cli.check.make_context("check", list(arguments))


def test_other_commands_take_the_shared_options_alone() -> None:
    assert quickly(["--fix"], SHARED) is None
    assert quickly(["--dataset-size", "5", "a.py"], SHARED) == {
        "exclude": (),
        "config": None,
        "isolated": False,
        "stdin_filename": None,
        "dataset_size": 5,
        "model": None,
        "gpu_memory": None,
        "task": None,
        "online": False,
        "paths": ("a.py",),
    }
