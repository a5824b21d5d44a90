"""What a value is unless callers give another: what stands behind `or`, and presets for a quick try."""

from __future__ import annotations

import textwrap

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

ARGPARSE = """
import argparse
from dataclasses import dataclass, field
parser = argparse.ArgumentParser()
parser.add_argument("--model")
parser.add_argument("--rank", type=int, default=4)
parser.add_argument("--zero", type=int, default=0)
parser.add_argument("--targets", nargs="+", default=None)
parser.add_argument("--smoke", action="store_true")
parser.add_argument("--no-real", dest="real", action="store_false")
args = parser.parse_args()
@dataclass
class Settings:
    targets: list[str] = field(default_factory=list)
"""
TRAIN = """
model = AutoModelForCausalLM.from_pretrained(name)
model = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=16, target_modules=targets))
Trainer(model=model).train()
"""


def read(before: str, rank: str = "8") -> tuple[object, object, object]:
    run = only(read_python(IMPORTS + ARGPARSE + textwrap.dedent(before) + TRAIN.replace("RANK", rank)))
    return plain(run.adapter.rank), plain(run.adapter.target_modules), plain(run.model.name)


@pytest.mark.parametrize(
    ("rank", "known"), [("args.rank or 8", 4), ("args.zero or 8", 8), ("args.zero or args.rank", 4)]
)
def test_a_default_that_counts_hides_what_stands_behind_it(rank: str, known: int) -> None:
    assert read("name, targets = 'gpt2', ['c_attn']", rank)[0] == known


def test_a_list_that_is_empty_by_default() -> None:
    before = "name = 'gpt2'\ndef chosen(settings: Settings):\n    return settings.targets or 'all-linear'\n"
    assert read(before + "targets = chosen(Settings())\n")[1] == "all-linear"
    entry = """
    def train(name: str, settings: Settings):
        model = AutoModelForCausalLM.from_pretrained(name)
        config = LoraConfig(r=8, lora_alpha=16, target_modules=settings.targets or "all-linear")
        Trainer(model=get_peft_model(model, config)).train()
    """
    run = only(read_python(IMPORTS + ARGPARSE + textwrap.dedent(entry)))
    assert plain(run.adapter.target_modules) == "all-linear"


@pytest.mark.parametrize(
    ("test", "targets", "name"),
    [
        ("args.smoke", Unknown, Unknown),
        ("args.smoke and args.rank > 2", Unknown, Unknown),
        ("args.real", ("c_attn",), "sshleifer/tiny-gpt2"),
        ("name is None", ("c_attn",), "sshleifer/tiny-gpt2"),
    ],
)
def test_a_preset_that_callers_ask_for_is_no_default(test: str, targets: object, name: object) -> None:
    preset = f"""
    name, targets = args.model, args.targets
    if {test}:
        name = name or "sshleifer/tiny-gpt2"
        targets = targets or ["c_attn"]
    if not name:
        raise SystemExit("give a model")
    """
    assert read(preset)[1:] == (targets, name)
