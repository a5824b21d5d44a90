"""Programs whose parts are in other files: the run is where they are brought together, however far away they are."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import Known, Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

LOADING = IMPORTS + 'def load():\n    return AutoModelForCausalLM.from_pretrained("distilgpt2")\n'
ADAPTING = (
    IMPORTS + "def adapt(model):\n    return get_peft_model(model, LoraConfig(r=24, target_modules=['c_attn']))\n"
)
WHOLE = IMPORTS + (
    'def make():\n    model = AutoModelForCausalLM.from_pretrained("distilgpt2")\n'
    "    return get_peft_model(model, LoraConfig(r=24))\n"
)


def test_a_model_and_its_adapter_from_two_files(tmp_path: Path) -> None:
    (tmp_path / "loading.py").write_text(LOADING)
    (tmp_path / "adapting.py").write_text(ADAPTING)
    run = only(read_python("from loading import load\nfrom adapting import adapt\nmodel = adapt(load())\n", tmp_path))
    assert (plain(run.model.name), plain(run.adapter.rank)) == ("distilgpt2", 24)
    assert "adapter.alpha" in run.elsewhere and "adapter.target_modules" not in run.elsewhere
    assert plain(only(read_python(ADAPTING, tmp_path, "adapting.py")).model.name) is Unknown


def test_both_from_one_call_are_the_other_files(tmp_path: Path) -> None:
    (tmp_path / "making.py").write_text(WHOLE)
    assert read_python("from making import make\nmodel = make()\n", tmp_path).runs == ()
    assert plain(only(read_python(WHOLE, tmp_path, "making.py")).model.name) == "distilgpt2"


@pytest.mark.parametrize("far", [1, 2, 3])
def test_an_adapter_some_imports_away(far: int, tmp_path: Path) -> None:
    (tmp_path / "step0.py").write_text(IMPORTS + "def go(name, rank):\n    adapt(name, rank)\n" + FAR)
    for number in range(1, far):
        text = f"from step{number - 1} import go as before\ndef go(name, rank):\n    before(name, rank)\n"
        (tmp_path / f"step{number}.py").write_text(text)
    run = only(read_python(f'from step{far - 1} import go\ngo("gpt2", 12)\n', tmp_path))
    assert (plain(run.model.name), plain(run.adapter.rank)) == ("gpt2", 12)


FAR = """
def adapt(name, rank):
    return get_peft_model(AutoModelForCausalLM.from_pretrained(name), LoraConfig(r=rank))
"""
SETTINGS = """
from dataclasses import dataclass
@dataclass
class Settings:
    model: str = "gpt2"
    rank: int = 12
"""
TRAINER = """
from settings import Settings
from adapting import make_config
from transformers import AutoModelForCausalLM
from trl import SFTTrainer
def train(settings: Settings, rows):
    model = AutoModelForCausalLM.from_pretrained(settings.model)
    trainer = SFTTrainer(model=model, train_dataset=rows, peft_config=make_config(settings))
    trainer.train()
"""


def test_a_trainer_that_gets_the_settings_of_another_function(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(SETTINGS)
    (tmp_path / "adapting.py").write_text(
        "from peft import LoraConfig\nfrom settings import Settings\n"
        "def make_config(settings: Settings):\n    return LoraConfig(r=settings.rank)\n"
    )
    run = only(read_python(TRAINER, tmp_path))
    assert (plain(run.model.name), plain(run.adapter.rank), run.trained) == ("gpt2", 12, True)


BY_TYPE = """
def targets(model):
    if model.config.model_type in ("bert", "roberta"):
        return ["query", "value"]
    if getattr(model.config, "model_type", "") == "gpt2":
        return ["c_attn"]
    return ["q_proj", "v_proj"]
model = AutoModelForCausalLM.from_pretrained("NAME")
model = get_peft_model(model, LoraConfig(r=8, target_modules=targets(model)))
"""


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("distilgpt2", ("c_attn",)),
        ("Qwen/Qwen2.5-7B", ("q_proj", "v_proj")),
        ("roberta-base", ("query", "value")),
        ("./mine", {("query", "value"), ("c_attn",), ("q_proj", "v_proj")}),
    ],
)
def test_targets_by_the_type_of_a_published_model(name: str, targets: object) -> None:
    assert plain(only(read_python(IMPORTS + BY_TYPE.replace("NAME", name))).adapter.target_modules) == targets


def test_a_module_of_the_program_that_is_moved() -> None:
    """`.to(…)` of a class derived from PreTrainedModel returns the object."""
    program = """
    from transformers import PreTrainedModel
    class Scorer(PreTrainedModel):
        def __init__(self, base):
            self.base = base
    scorer = Scorer(AutoModelForCausalLM.from_pretrained("gpt2")).to("cuda")
    scorer.base = get_peft_model(scorer.base, LoraConfig(r=8))
    """
    assert plain(only(read_python(IMPORTS + textwrap.dedent(program))).model.name) == "gpt2"


def test_settings_that_another_file_leaves_to_its_callers(tmp_path: Path) -> None:
    """A default holds only where nothing is handed on."""
    (tmp_path / "loading.py").write_text(LOADING)
    (tmp_path / "adapting.py").write_text(
        IMPORTS + "def adapt(model, **settings):\n"
        '    return get_peft_model(model, LoraConfig(r=settings.get("rank", 64)))\n'
    )
    program = "import json, sys\nfrom loading import load\nfrom adapting import adapt\n"
    program += "adapt(load(), **json.load(open(sys.argv[1])))\n"
    assert read_python(program, tmp_path).runs == ()


BY_DEFAULT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--model", default="distilgpt2")
parser.add_argument("--modules", nargs="*", default=("auto",))
args = parser.parse_args()

def of(model):
    if model.config.model_type in {"bert", "roberta"}:
        return ("query", "value")
    if model.config.model_type == "gpt2":
        return ("c_attn",)
    return ("q_proj", "v_proj")

def chosen(model, modules):
    if modules == ("auto",):
        return of(model)
    return tuple(name for name, _ in model.named_modules() if any(each in name for each in modules))

model = AutoModelForCausalLM.from_pretrained(args.model)
model = get_peft_model(model, LoraConfig(r=8, target_modules=list(chosen(model, args.modules))))
"""


def test_targets_by_the_type_of_the_default_model() -> None:
    """Branches on what is derived from defaults have no name for a caller: the default's holds."""
    run = only(read_python(IMPORTS + BY_DEFAULT))
    assert plain(run.adapter.target_modules) == ("c_attn",)
    assert isinstance(run.adapter.target_modules, Known) and run.adapter.target_modules.origin == "cli-default"


TUNING = IMPORTS + (
    "class Tuning:\n    def __init__(self, maker, rank=24):\n        self.maker, self.rank = maker, rank\n"
    "    def train(self):\n        model = self.maker.load()\n"
    "        config = LoraConfig(r=self.rank, lora_alpha=48, target_modules=self.maker.targets())\n"
    "        Trainer(model=get_peft_model(model, config)).train()\n"
)
MAKER = IMPORTS + (
    'class Small:\n    def load(self):\n        return AutoModelForCausalLM.from_pretrained("gpt2")\n'
    "    def targets(self):\n        return ['c_attn']\n"
)
USE = "from tuning import Tuning\nfrom small import Small\nTuning(Small()).train()\n"


def test_an_object_that_loads_the_model_is_given_to_what_adapts_it(tmp_path: Path) -> None:
    (tmp_path / "tuning.py").write_text(TUNING)
    (tmp_path / "small.py").write_text(MAKER)
    run = only(read_python(USE, tmp_path))
    told = (run.model.name, run.adapter.rank, run.adapter.target_modules)
    assert tuple(map(plain, told)) == ("gpt2", 24, ("c_attn",))
    (tmp_path / "tuning.py").write_text(TUNING + "from small import Small\nTuning(Small()).train()\n")
    assert read_python(USE, tmp_path).runs == ()
