"""Models and targets that callers choose by an option: each case is read and judged with what belongs to it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.run.cases import each_case
from lora_lint.run.values import Known, Unknown
from tests.support.reading import IMPORTS, only, read_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.finding import Finding
    from lora_lint.run.run import Run

    Lint = Callable[[str], list[Finding]]

ARGPARSE = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--phi", action="store_true")
parser.add_argument("--no-llama", dest="llama", action="store_false")
parser.add_argument("--model", default="llama")
parser.add_argument("--given", required=True)
args = parser.parse_args()
"""
TRAIN = """
model = AutoModelForCausalLM.from_pretrained(name)
model = get_peft_model(model, LoraConfig(r=8, target_modules=targets))
"""
PROGRAMS = {
    "a flag": (
        """
        name, targets = "llama-7b", ["q_proj"]
        if args.phi:
            name, targets = "phi-2", ["dense"]
        """,
        {"": ("llama-7b", ("q_proj",)), "with `--phi`": ("phi-2", ("dense",))},
    ),
    "a flag that is asked for twice": (
        """
        name = "phi-2" if args.phi else "llama-7b"
        if not args.phi:
            targets = ["q_proj"]
        else:
            targets = ["dense"]
        """,
        {"": ("llama-7b", ("q_proj",)), "with `--phi`": ("phi-2", ("dense",))},
    ),
    "a flag that turns off": (
        """
        name = "llama-7b" if args.llama else "phi-2"
        targets = ["q_proj"] if args.llama else ["dense"]
        """,
        {"": ("llama-7b", ("q_proj",)), "with `--no-llama`": ("phi-2", ("dense",))},
    ),
    "helpers with early returns": (
        """
        def name_of(which):
            if which == "phi":
                return "phi-2"
            elif which == "gpt2":
                return "gpt2"
            return "llama-7b"

        def targets_of(kind):
            kind = kind.lower()
            if kind == "phi":
                return ["dense"]
            if kind == "gpt2":
                return ["c_attn"]
            return ["q_proj"]

        name, targets = name_of(args.model), targets_of(args.model)
        """,
        {
            "": ("llama-7b", ("q_proj",)),
            "with `--model phi`": ("phi-2", ("dense",)),
            "with `--model gpt2`": ("gpt2", ("c_attn",)),
        },
    ),
    "a dict by option": (
        """
        NAMES = {"llama": "llama-7b", "phi": "phi-2"}
        TARGETS = {"phi": ["dense"], "llama": ["q_proj"]}
        name, targets = NAMES[args.model], TARGETS.get(args.model, ["all"])
        """,
        {"": ("llama-7b", ("q_proj",)), "with `--model phi`": ("phi-2", ("dense",))},
    ),
    "a dict of dicts by an option that is always given": (
        """
        CONFIGS = {"llama": dict(name="llama-7b", targets=["q_proj"]), "phi": dict(name="phi-2", targets=["dense"])}
        config = CONFIGS[args.given]
        name, targets = config["name"], config["targets"]
        """,
        {"with `--given llama`": ("llama-7b", ("q_proj",)), "with `--given phi`": ("phi-2", ("dense",))},
    ),
    "one of several values": (
        """
        if args.model in ("phi", "phi-2"):
            name, targets = "phi-2", ["dense"]
        else:
            name, targets = "llama-7b", ["q_proj"]
        """,
        {"": ("llama-7b", ("q_proj",)), "with `--model` `phi` or `phi-2`": ("phi-2", ("dense",))},
    ),
    "a part of the model's name": (
        """
        name = args.model
        targets = ["dense"] if "phi" in args.model.lower() else ["q_proj"]
        """,
        {"": ("llama", ("q_proj",)), "with `phi` in `--model`": (None, ("dense",))},
    ),
    "a value or otherwise another": (
        """
        extended = ["dense"] if args.phi else None
        name, targets = "phi-2" if args.phi else "llama-7b", list(extended or ["q_proj"])
        """,
        {"": ("llama-7b", ("q_proj",)), "with `--phi`": ("phi-2", ("dense",))},
    ),
    "a name that is computed from the option": (
        """
        name = "microsoft/" + args.model
        targets = ["dense"] if args.model.startswith("phi") else ["q_proj"]
        """,
        {"": ("microsoft/llama", ("q_proj",)), "with `phi` in `--model`": (None, ("dense",))},
    ),
}


def cases(program: str) -> dict[str, tuple[str | None, tuple[str, ...]]]:
    def of(run: Run) -> tuple[str | None, tuple[str, ...]]:
        name, targets = run.model.name, run.adapter.target_modules
        assert isinstance(targets, Known)
        assert isinstance(name, Known | Unknown), name
        return name.value if isinstance(name, Known) else None, tuple(targets.value or ())

    return {said: of(run) for run, said in each_case(only(read_python(program)))}


@pytest.mark.parametrize(("program", "expected"), PROGRAMS.values(), ids=PROGRAMS)
def test_what_belongs_together(program: str, expected: dict[str, tuple[str | None, tuple[str, ...]]]) -> None:
    assert cases(IMPORTS + ARGPARSE + textwrap.dedent(program) + TRAIN) == expected


def test_what_depends_on_something_else_is_no_case() -> None:
    program = """
        import os
        if os.environ.get("PHI"):
            name, targets = "phi-2", ["dense"]
        else:
            name, targets = "llama-7b", ["q_proj"]
        """
    assert list(each_case(only(read_python(IMPORTS + textwrap.dedent(program) + TRAIN)))) == []


OPTIONS = {
    "click": (
        """
        import click
        @click.command()
        @click.option("--small/--large", "phi", default=False)
        def main(phi): train(phi)
        main()
        """,
        "with `--small`",
    ),
    "click's flag": (
        """
        import click
        @click.command()
        @click.option("--use-phi", is_flag=True)
        def main(use_phi): train(use_phi)
        main()
        """,
        "with `--use-phi`",
    ),
    "fire": (
        """
        import fire
        def main(phi: bool = False): train(phi)
        fire.Fire(main)
        """,
        "with `--phi`",
    ),
    "typer": (
        """
        import typer
        def main(phi: bool = typer.Option(False, help="a small model")): train(phi)
        typer.run(main)
        """,
        "with `--phi`",
    ),
    "HfArgumentParser": (
        """
        from dataclasses import dataclass, field
        from transformers import HfArgumentParser
        @dataclass
        class Settings:
            phi: bool = field(default=False)
        settings, = HfArgumentParser(Settings).parse_args_into_dataclasses()
        train(settings.phi)
        """,
        "with `--phi`",
    ),
    "tyro": (
        """
        from dataclasses import dataclass
        import tyro
        @dataclass
        class Settings:
            phi: bool = False
        train(tyro.cli(Settings).phi)
        """,
        "with `--phi`",
    ),
    "tap": (
        """
        from tap import Tap
        class Settings(Tap):
            phi: bool = False
        train(Settings().parse_args().phi)
        """,
        "with `--phi`",
    ),
    "a function that something else calls": (
        """
        def main(phi=False): train(phi)
        """,
        "with `phi=True`",
    ),
}
CHOOSING = """
def train(phi):
    name, targets = ("phi-2", ["dense"]) if phi else ("llama-7b", ["q_proj"])
    model = AutoModelForCausalLM.from_pretrained(name)
    return get_peft_model(model, LoraConfig(r=8, target_modules=targets))
"""


@pytest.mark.parametrize(("program", "said"), OPTIONS.values(), ids=OPTIONS)
def test_options_of_parsers(program: str, said: str) -> None:
    found = cases(IMPORTS + CHOOSING + textwrap.dedent(program))
    assert found == {"": ("llama-7b", ("q_proj",)), said: ("phi-2", ("dense",))}
