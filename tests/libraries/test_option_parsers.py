"""Libraries that give a program its options: their defaults, which callers may override."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import Known, Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = """
from dataclasses import dataclass, field
@dataclass
class Lora:
    r: int = 12
    alpha: int = 24
@dataclass
class Settings:
    model: str = "gpt2"
    lora: Lora = field(default_factory=Lora)
    targets: list[str] = field(default_factory=lambda: ["c_attn"])
"""
TRAIN = """
model = AutoModelForCausalLM.from_pretrained(cfg.model)
model = get_peft_model(model, LoraConfig(r=cfg.lora.r, lora_alpha=cfg.lora.alpha, target_modules=list(cfg.targets)))
"""
NESTED = {
    "tyro": "import tyro\ncfg = tyro.cli(Settings)",
    "draccus": "import draccus\ncfg = draccus.parse(config_class=Settings)",
    "pyrallis": "import pyrallis\ncfg = pyrallis.parse(config_class=Settings)",
    "simple-parsing": "import simple_parsing\ncfg = simple_parsing.parse(Settings)",
    "simple-parsing's parser": (
        "from simple_parsing import ArgumentParser\nparser = ArgumentParser()\n"
        "parser.add_arguments(Settings, dest='cfg')\ncfg = parser.parse_args().cfg"
    ),
    "OmegaConf": (
        "from omegaconf import OmegaConf\ncfg = OmegaConf.merge(OmegaConf.structured(Settings), OmegaConf.from_cli())"
    ),
}


def read(program: str) -> tuple[tuple[object, ...], set[str]]:
    """Model, rank, alpha and targets, and where they come from."""
    run = only(read_python(IMPORTS + textwrap.dedent(program)))
    values = (run.model.name, run.adapter.rank, run.adapter.alpha, run.adapter.target_modules)
    assert all(isinstance(value, Known) for value in values), values
    return tuple(value.value for value in values if isinstance(value, Known)), {
        value.origin for value in values if isinstance(value, Known)
    }


@pytest.mark.parametrize("parsing", NESTED.values(), ids=NESTED)
def test_settings_within_settings(parsing: str) -> None:
    assert read(CLASSES + parsing + TRAIN) == (("gpt2", 12, 24, ("c_attn",)), {"cli-default"})


def test_a_wrapped_main() -> None:
    body = textwrap.indent(TRAIN, "    ")
    program = f"{CLASSES}import draccus\n@draccus.wrap()\ndef main(cfg: Settings):{body}\nmain()"
    assert read(program) == (("gpt2", 12, 24, ("c_attn",)), {"cli-default"})


ABSL = """
from absl import app, flags
FLAGS = flags.FLAGS
flags.DEFINE_string("model", "gpt2", "the model")
flags.DEFINE_integer("r", 12, "the rank")
ALPHA = flags.DEFINE_integer("alpha", 24, "alpha")
flags.DEFINE_list("targets", "c_attn, c_proj", "the targets")
def main(argv):
    model = AutoModelForCausalLM.from_pretrained(FLAGS.model)
    get_peft_model(model, LoraConfig(r=FLAGS.r, lora_alpha=ALPHA.value, target_modules=FLAGS.targets))
if __name__ == "__main__":
    app.run(main)
"""


def test_absl() -> None:
    assert read(ABSL) == (("gpt2", 12, 24, ("c_attn", "c_proj")), {"cli-default"})


def test_flags_that_nothing_defines_are_no_members_of_an_enumeration() -> None:
    """`FLAGS.model` was read as a model named "model"."""
    program = """
        from somewhere.config import FLAGS
        model = AutoModelForCausalLM.from_pretrained(FLAGS.model)
        get_peft_model(model, LoraConfig(r=FLAGS.r, task_type=TaskType.CAUSAL_LM, target_modules=["c_attn"]))
        """
    run = only(read_python(IMPORTS + "from peft import TaskType\n" + textwrap.dedent(program)))
    assert isinstance(run.model.name, Unknown)
    assert isinstance(run.adapter.rank, Unknown)
    assert isinstance(run.adapter.task_type, Known)
    assert run.adapter.task_type.value == "CAUSAL_LM"
    assert run.problems == ()


FIELDS = """
from dataclasses import dataclass
from simple_parsing import choice, field, list_field, mutable_field, parse
@dataclass
class Settings:
    model: str = choice("gpt2-medium", "gpt2", default="gpt2")
    r: int = field(default=12, alias="-r")
    alpha: int = field(24)
    targets: list[str] = {}
cfg = parse(Settings)
model = AutoModelForCausalLM.from_pretrained(cfg.model)
get_peft_model(model, LoraConfig(r=cfg.r, lora_alpha=cfg.alpha, target_modules=cfg.targets))
"""


@pytest.mark.parametrize("targets", ['list_field("c_attn")', 'mutable_field(list, ["c_attn"])'])
def test_fields_of_simple_parsing(targets: str) -> None:
    assert read(FIELDS.replace("{}", targets)) == (("gpt2", 12, 24, ("c_attn",)), {"cli-default"})


def test_settings_that_the_environment_may_override() -> None:
    program = """
        from pydantic import Field
        from pydantic_settings import BaseSettings
        class Settings(BaseSettings):
            model: str = "gpt2"
            r: int = Field(12, ge=1)
            alpha: int = Field(default=24)
            targets: list[str] = Field(default_factory=lambda: ["c_attn"])
        cfg = Settings()
        model = AutoModelForCausalLM.from_pretrained(cfg.model)
        get_peft_model(model, LoraConfig(r=cfg.r, lora_alpha=cfg.alpha, target_modules=cfg.targets))
        """
    assert read(program) == (("gpt2", 12, 24, ("c_attn",)), {"cli-default"})


PARSED_AFTER = """
from dataclasses import dataclass, field
from typing import Optional
import sys
from transformers import HfArgumentParser
@dataclass
class Adapter:
    rank: int = 8
    alpha: Optional[float] = None
    targets: str = "q_proj,v_proj"

    def __post_init__(self):
        def names(value):
            if isinstance(value, str):
                return [each.strip() for each in value.split(",")]
            return value
        self.alpha = self.alpha or float(self.rank * 2.0)
        self.targets = names(self.targets)
def parse(parser):
    if len(sys.argv) == 2 and sys.argv[1].endswith(".yaml"):
        return parser.parse_yaml_file(sys.argv[1])
    return parser.parse_args_into_dataclasses()
(cfg,) = parse(HfArgumentParser([Adapter]))
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=cfg.rank, lora_alpha=cfg.alpha, target_modules=cfg.targets))
"""


def test_fields_that_a_dataclass_sets_after_they_are_parsed() -> None:
    """`__post_init__` runs on what HfArgumentParser makes, in whichever branch."""
    values, _ = read(PARSED_AFTER)
    assert values == ("meta-llama/Llama-2-7b-hf", 8, 16.0, ("q_proj", "v_proj"))


COMMAND = """
import typer
app = typer.Typer()
@app.command()
def main(model: str = typer.Option("gpt2"), rank: int = typer.Option(12)):
    from tuning import train
    train(model, rank)
if __name__ == "__main__":
    app()
"""
TUNING = """
def train(name, rank):
    model = AutoModelForCausalLM.from_pretrained(name)
    return get_peft_model(model, LoraConfig(r=rank, lora_alpha=24, target_modules=["c_attn"]))
"""


def test_a_command_of_typer_leads_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "tuning.py").write_text(IMPORTS + TUNING)
    run = only(read_python(COMMAND, tmp_path))
    assert (plain(run.model.name), plain(run.adapter.rank), plain(run.adapter.alpha)) == ("gpt2", 12, 24)
