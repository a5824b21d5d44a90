"""Events of the branch that a run is made in, and models whose modules are replaced."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.records import replace
from lora_lint.run.events import Event, Fragments, Load, LoadAdapter, PrepareKbit, Train, Unfreeze, Wrap
from lora_lint.run.values import Unknown, alternatives
from tests.support.programs import found_in
from tests.support.reading import IMPORTS, only, plain, read_python
from tests.support.runs import check

if TYPE_CHECKING:
    from pathlib import Path

START = (
    IMPORTS
    + """
import argparse
from torch import nn
parser = argparse.ArgumentParser()
parser.add_argument("--lora", action="store_true")
parser.add_argument("--resume")
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained("gpt2")
config = LoraConfig(r=8)
"""
)


def kinds(program: str) -> list[list[tuple[type[Event], str | None]]]:
    reading = read_python(START + textwrap.dedent(program))
    return [[(type(event), event.flag) for event in run.events if not isinstance(event, Load)] for run in reading.runs]


def test_the_other_branch_is_not_the_runs() -> None:
    program = """
        if args.lora:
            model = get_peft_model(model, config)
        else:
            model.requires_grad_(True)
    """
    assert kinds(program) == [[(Wrap, None)]]


def test_a_later_test_of_the_same_flag() -> None:
    program = """
        if args.lora:
            model = get_peft_model(model, config)
        if not args.lora:
            model.requires_grad_(True)
        if args.lora:
            prepare_model_for_kbit_training(model)
        if args.resume:
            model.lm_head.requires_grad_(True)
    """
    assert kinds(program) == [[(Wrap, None), (PrepareKbit, None), (Unfreeze, "args.resume")]]


def test_loaded_or_wrapped_are_two_runs() -> None:
    program = """
        if args.resume:
            model = PeftModel.from_pretrained(model, args.resume)
        else:
            model = get_peft_model(model, config)
        Trainer(model=model, args=TrainingArguments(output_dir="x"), train_dataset=[]).train()
    """
    assert kinds(program) == [[(LoadAdapter, None), (Train, None)], [(Wrap, None), (Train, None)]]


def rates(program: str) -> list[tuple[object, object, object]]:
    reading = read_python("import torch\n" + START + textwrap.dedent(program))
    return [(plain(run.adapter.rank), run.training.trainer, plain(run.training.learning_rate)) for run in reading.runs]


def test_the_trainer_of_the_branch() -> None:
    program = """
        if args.lora:
            model = get_peft_model(model, config)
            Trainer(model, TrainingArguments("a", learning_rate=1e-3), train_dataset=[]).train()
        else:
            model = get_peft_model(model, LoraConfig(r=16))
            optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
            optimizer.step()
    """
    assert rates(program) == [(8, "Trainer", 1e-3), (16, "a training loop", 2e-4)]


LATE = "Trainer(model, TrainingArguments('b', learning_rate=9.0)).train()"


@pytest.mark.parametrize(
    "other",
    [
        f"def unused():\n    print(LoraConfig)\n    {LATE}",
        "def unused():\n    print(LoraConfig)\n    torch.optim.SGD(model.parameters(), lr=9.0).step()",
        f"class Unused:\n    def fit(self):\n        print(LoraConfig)\n        {LATE}",
        f"if not args.lora:\n    {LATE}",
    ],
    ids=["trainer", "loop", "method", "branch"],
)
def test_a_trainer_that_never_gets_the_model(other: str) -> None:
    program = (
        "if args.lora:\n    model = get_peft_model(model, config)\n"
        "    Trainer(model, TrainingArguments('a', learning_rate=1e-3)).train()\n"
    )
    assert rates(f"{program}{other}\n") == [(8, "Trainer", 1e-3)]


def test_an_optimizer_of_both_models() -> None:
    program = """
        model = get_peft_model(model, config)
        other = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=16))
        optimizer = torch.optim.SGD([*model.parameters(), *other.parameters()], lr=1e-3)
        optimizer.step()
    """
    assert rates(program) == [(8, "a training loop", 1e-3), (16, "a training loop", 1e-3)]
    reading = read_python("import torch\n" + START + textwrap.dedent(program))
    assert [run.trained for run in reading.runs] == [True, True]


def test_loaded_before_the_wrap_is_one_run() -> None:
    program = """
        if args.resume:
            model = PeftModel.from_pretrained(model, args.resume).merge_and_unload()
        model = get_peft_model(model, config)
        Trainer(model=model, args=TrainingArguments(output_dir="x"), train_dataset=[]).train()
    """
    assert len(kinds(program)) == 1


@pytest.mark.parametrize(
    ("line", "edited"),
    [
        ("model.config.use_cache = False", False),
        ("model.config.pad_token_id = model.config.eos_token_id", False),
        ("model.generation_config.max_length = len(args.resume)", False),
        ("model.is_parallelizable = True", False),
        ("for p in model.parameters(): p.data = p.data.float()", False),
        ("for m in model.modules(): m.gradient_checkpointing = True", False),
        ("model.model.norm.weight.data = other", False),
        ("model.lm_head = nn.Linear(8, 8)", True),
        ("model.transformer.h[0].attn.q_proj = nn.Linear(8, 8)", True),
        ("for block in model.transformer.h: block.attn.q_proj = nn.Linear(8, 8)", True),
        ("for name, module in model.named_modules(): setattr(module, 'q_proj', nn.Linear(8, 8))", True),
        ("for i, block in enumerate(model.model.layers): block.attn = Split(block.attn)", True),
    ],
)
def test_edited(line: str, edited: bool) -> None:
    reading = read_python(f"{START}\n{line}\nmodel = get_peft_model(model, config)")
    assert only(reading).model.edited is edited


def test_layers_of_a_list_are_parts_of_the_model() -> None:
    program = """
        model = get_peft_model(model, config)
        for layer in model.model.layers:
            layer.requires_grad_(True)
    """
    run = only(read_python(START + textwrap.dedent(program)))
    last = run.events[-1]
    assert replace(last, flag=None, loop=None) == Unfreeze(last.span, selection=Fragments(("layers",)))


def test_a_default_of_none_is_there_to_be_filled() -> None:
    program = """
        from peft import LoraConfig, get_peft_model

        RANKS = [8, 16, 32]

        def sweep(model, ranks=None, alpha=None):
            if ranks is None:
                ranks = RANKS
            for r in ranks:
                get_peft_model(model, LoraConfig(r=r, lora_alpha=alpha or 16, target_modules=["q_proj"]))
    """
    runs = read_python(program).runs
    assert [plain(run.adapter.rank) for run in runs] == [8, 16, 32]


def test_a_keyword_that_only_one_branch_gives() -> None:
    program = """
        from peft import LoraConfig, get_peft_model

        def make(model, dora, rank, wide):
            settings = {"r": 8, "lora_alpha": 16}
            if wide:
                settings["r"] = 64
                settings["target_modules"] = ["q_proj", "up_proj"]
            else:
                settings["target_modules"] = ["q_proj"]
            if dora:
                settings["use_dora"] = True
            return get_peft_model(model, LoraConfig(**settings))
    """
    run = only(read_python(program))
    assert plain(run.adapter.use_dora) is Unknown
    assert plain(run.adapter.rank) == {8, 64}
    assert plain(run.adapter.target_modules) == {("q_proj",), ("q_proj", "up_proj")}
    taken = program.replace("if dora:", "if True:")
    assert plain(only(read_python(taken)).adapter.use_dora) is True


OPTIONS = (
    IMPORTS
    + """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default={default})
parser.add_argument("--steps", type=int, default=-1)
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained("gpt2")
"""
)
WRAP = "    model = get_peft_model(model, LoraConfig(r=args.rank, lora_alpha=2 * args.rank))\n"


@pytest.mark.parametrize(
    "branch",
    [
        "if args.rank > 0:\n" + WRAP,
        "if args.rank:\n" + WRAP,
        "if args.rank != 0 and args.steps < 0:\n" + WRAP,
        "if not args.rank:\n    print('full')\nelse:\n" + WRAP,
        "if args.rank == 0 or args.steps > 0:\n    print('full')\nelse:\n" + WRAP,
        "if args.steps:\n    if args.rank >= 1:\n    " + WRAP,
        "rank = args.rank\nif rank > 0:\n" + WRAP.replace("args.rank", "rank"),
        "def wrap(model, rank):\n    if rank > 0:\n        model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=rank))\n"
        "    return model\nmodel = wrap(model, args.rank)\n",
    ],
)
def test_a_default_that_the_branch_rules_out(branch: str) -> None:
    run = only(read_python(OPTIONS.format(default=0) + branch))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (Unknown, Unknown)
    assert run.problems == ()


def test_the_default_of_a_field_that_the_branch_rules_out() -> None:
    program = """
        from dataclasses import dataclass
        from transformers import HfArgumentParser

        @dataclass
        class Arguments:
            rank: int = 0
            alpha: int = 16

        parser = HfArgumentParser(Arguments)
        if len(sys.argv) == 2 and sys.argv[1].endswith(".json"):
            (args,) = parser.parse_json_file(json_file=sys.argv[1])
        else:
            (args,) = parser.parse_args_into_dataclasses()
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        if args.rank > 0:
            model = get_peft_model(model, LoraConfig(r=args.rank, lora_alpha=args.alpha))
    """
    run = only(read_python(IMPORTS + textwrap.dedent(program)))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (Unknown, 16)


def test_the_callers_of_a_program_give_zero_or_more(tmp_path: Path) -> None:
    (tmp_path / "full.sh").write_text("python train.py --rank 0\n")
    (tmp_path / "lora.sh").write_text("python train.py --rank 16\n")
    program = OPTIONS.format(default=0) + "if args.rank > 0:\n" + WRAP
    (tmp_path / "train.py").write_text(program)
    assert plain(only(read_python(program, tmp_path)).adapter.rank) == 16


@pytest.mark.parametrize(
    ("default", "branch", "rank"),
    [
        (8, "if args.rank > 0:\n" + WRAP, 8),
        (8, "if args.rank:\n" + WRAP, 8),
        (0, "if args.steps > 0:\n    print(args.steps)\n" + WRAP.strip(), 0),
        (0, "if args.rank > 0:\n    print(args.rank)\n" + WRAP.strip(), 0),
        (0, "if args.rank > 0 or args.steps < 0:\n" + WRAP, 0),
        (0, "if args.rank > 0:\n    args.rank = 4\n" + WRAP, 4),
        (0, "if args.rank <= 0:\n    args.rank = 4\n" + WRAP.strip(), 4),
        (0, "args.rank = args.rank if args.rank > 0 else 4\n" + WRAP.strip(), 4),
        (0, "rank = 4\nif args.rank > 0:\n    rank = args.rank\n" + WRAP.strip().replace("args.rank", "rank"), 4),
        (0, "if args.rank <= 0:\n    raise ValueError('no rank')\n" + WRAP.strip(), Unknown),
    ],
)
def test_defaults_that_the_branch_does_not_rule_out(default: int, branch: str, rank: object) -> None:
    run = only(read_python(OPTIONS.format(default=default) + branch))
    assert plain(run.adapter.rank) == rank


CHOSEN = (
    IMPORTS
    + """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--model", default="EleutherAI/gpt-neo-1.3B")
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained(args.model)
"""
)


@pytest.mark.parametrize(
    ("test", "model"),
    [
        ('args.model == "gpt2"', "gpt2"),
        ('args.model == "gpt2" and args.model', "gpt2"),
        ('"gpt2" == args.model', Unknown),
        ('"phi" in args.model.lower()', Unknown),
        ('args.model.startswith("facebook/")', Unknown),
        ('args.model in ("gpt2", "gpt2-large")', Unknown),
        ('args.model != "EleutherAI/gpt-neo-1.3B"', Unknown),
        ('"gpt-neo" in args.model', "EleutherAI/gpt-neo-1.3B"),
        ('args.model != "gpt2"', "EleutherAI/gpt-neo-1.3B"),
        ('args.model == "gpt2" or args.model', "EleutherAI/gpt-neo-1.3B"),
    ],
)
def test_a_model_in_a_branch_that_its_default_does_not_lead_to(test: str, model: object) -> None:
    program = CHOSEN + f"if {test}:\n    model = get_peft_model(model, LoraConfig(r=8))\n"
    assert plain(only(read_python(program)).model.name) == model


def test_a_config_that_is_chosen_by_the_model() -> None:
    program = """
        if args.model == "gpt2":
            config = LoraConfig(r=8, target_modules=["c_attn"])
        else:
            config = LoraConfig(r=8, target_modules=["q_proj"])
        model = get_peft_model(model, config)
        other = get_peft_model(AutoModelForCausalLM.from_pretrained(args.model), LoraConfig(r=16))
    """
    runs = read_python(CHOSEN + textwrap.dedent(program)).runs
    named = {plain(run.model.name) for run in runs if plain(run.adapter.target_modules) == ("c_attn",)}
    assert named == {"gpt2"}
    others = {plain(run.model.name) for run in runs if plain(run.adapter.target_modules) != ("c_attn",)}
    assert others == {"EleutherAI/gpt-neo-1.3B"}


OTHERWISE = """
import argparse
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, Trainer
parser = argparse.ArgumentParser()
parser.add_argument("--model_name_or_path", default=None)
parser.add_argument("--phi", action="store_true")
args = parser.parse_args()
if {test}:
    model = {one}
else:
    model = {other}
{use}
Trainer(model=model).train()
"""
LLAMA, PHI = (
    f'AutoModelForCausalLM.from_pretrained("{name}")'
    for name in ("meta-llama/Llama-2-7b-hf", "microsoft/Phi-3-mini-4k-instruct")
)


def test_a_frozen_adapter_on_one_of_two_models() -> None:
    program = OTHERWISE.format(
        test="args.model_name_or_path",
        one="AutoModelForCausalLM.from_pretrained(args.model_name_or_path)",
        other="AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(args.model_name_or_path))",
        use='model = PeftModel.from_pretrained(model, "out/adapter")',
    )
    assert len(check("LL402", only(read_python(program)))) == 1
    resumed = program.replace('"out/adapter")', '"out/adapter", is_trainable=True)')
    assert [check("LL402", run) for run in read_python(resumed).runs] == [[]]


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ('["q_proj", "v_proj"]', True),
        ('["o_proj", "v_proj"]', False),
        ('["q_proj"] if not args.phi else ["qkv_proj"]', False),
        ('"all-linear"', False),
    ],
)
def test_targets_of_a_model_that_an_option_chooses(targets: str, told: bool) -> None:
    use = f"model = get_peft_model(model, LoraConfig(r=8, target_modules={targets}))"
    program = OTHERWISE.format(test="args.phi", one=PHI, other=LLAMA, use=use)
    found = check("LL201", only(read_python(program)))
    assert [finding.confidence for finding in found] == ["likely"] * told
    assert all("Phi-3-mini-4k-instruct (phi3) (one of the models" in finding.message for finding in found)


@pytest.mark.parametrize("context", ["pytest.raises(ValueError)", "self.assertRaises(ValueError)"])
def test_a_block_that_is_meant_to_fail_makes_nothing(context: str) -> None:
    program = IMPORTS + f"import pytest\nwith {context}:\n    LoraConfig(r=-1)\nLoraConfig(r=8)\n"
    assert plain(only(read_python(program)).adapter.rank) == 8


MODULES_OWN = """
import os
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer
SMALL = os.getenv("SMALL") == "1"
BASE = "mistralai/Mistral-7B-v0.1"
if SMALL:
    BASE = "gpt2"
BITS = BitsAndBytesConfig(load_in_4bit=True)

def load():
    if SMALL:
        return AutoModelForCausalLM.from_pretrained(BASE)
    return prepare_model_for_kbit_training(AutoModelForCausalLM.from_pretrained(BASE, quantization_config=BITS))

def main():
    model = load()
    if {test}:
        config = LoraConfig(r=8, target_modules=["c_attn"], fan_in_fan_out=True)
    else:
        config = LoraConfig(r=8, target_modules=["q_proj"])
    model = get_peft_model(model, config)
    Trainer(model=model).train()

main()
"""


def test_one_condition_on_the_modules_own_names_in_two_functions() -> None:
    runs = read_python(MODULES_OWN.format(test="SMALL")).runs
    assert {(plain(run.model.name), plain(run.adapter.target_modules)) for run in runs} == {
        ("gpt2", ("c_attn",)),
        ("mistralai/Mistral-7B-v0.1", ("q_proj",)),
    }
    assert [check(code, run) for code in ("LL201", "LL405") for run in runs] == [[]] * 4
    others = read_python(MODULES_OWN.format(test='os.getenv("OTHER")')).runs
    assert [len(check("LL201", run)) for run in others] == [1, 1]


def test_events_of_models_that_each_branch_loads() -> None:
    program = """
        if os.path.exists("large"):
            model = prepare_model_for_kbit_training(AutoModelForCausalLM.from_pretrained("gpt2-large"))
        else:
            model = AutoModelForCausalLM.from_pretrained("gpt2")
            model = prepare_model_for_kbit_training(model)
        model = get_peft_model(model, LoraConfig(r=8))
        """
    run = only(read_python(IMPORTS + "import os\n" + textwrap.dedent(program)))
    flags = [event.flag for event in run.events if isinstance(event, PrepareKbit)]
    assert flags == ["os.path.exists('large')", "not (os.path.exists('large'))"]


SEARCH = """
found = None
for folder in ("/kaggle/input", "data"):
    {loop}
if found is None:
    raise FileNotFoundError
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
"""


@pytest.mark.parametrize(
    "loop",
    [
        "if os.path.exists(folder): found = folder; break",
        "if os.path.exists(folder):\n        if os.listdir(folder):\n            found = folder\n            break",
    ],
)
def test_what_ends_a_search_is_what_it_finds(loop: str) -> None:
    """The program goes on after the loop, where nothing was known to be found."""
    assert plain(only(read_python(IMPORTS + "import os\n" + SEARCH.format(loop=loop))).adapter.rank) == 8


BY_SETTING = """
from dataclasses import dataclass

@dataclass
class Settings:
    source: str = "me/own"
    extra: bool = False

settings = Settings()
rank = 8
if {test}:
    rank = measured()
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=rank))
"""


@pytest.mark.parametrize(
    ("test", "rank"),
    [
        ('"web" in settings.source', 8),
        ('settings.extra and "own" in settings.source', 8),
        ('settings.source.startswith("me")', Unknown),
        ("measured() > 8", Unknown),
    ],
)
def test_a_branch_that_no_default_leads_to(test: str, rank: object) -> None:
    assert plain(only(read_python(IMPORTS + BY_SETTING.format(test=test))).adapter.rank) == rank


OF_RECORDS = """
import argparse
from dataclasses import dataclass

@dataclass
class Spec:
    name: str
    lora: object

def spec_of(kind):
    if kind == "small":
        return {small}
    if kind == "large":
        return {large}
    return {other}

parser = argparse.ArgumentParser()
parser.add_argument("--kind", required=True)
args = parser.parse_args()
spec = spec_of(args.kind)
model = AutoModelForCausalLM.from_pretrained({name})
if {test}:
    get_peft_model(model, LoraConfig(r=8))
"""
RECORDS = {
    "small": 'Spec("gpt2", lora=False)',
    "large": 'Spec("meta-llama/Llama-2-7b-hf", lora="all")',
    "other": 'Spec("mistralai/Mistral-7B-v0.1", lora=measured())',
}
ROWS = {
    "small": '{"name": "gpt2", "lora": False}',
    "large": '{"name": "meta-llama/Llama-2-7b-hf", "lora": "all"}',
    "other": '{"name": "mistralai/Mistral-7B-v0.1", "lora": "head"}',
}
LARGE, OTHER = "meta-llama/Llama-2-7b-hf", "mistralai/Mistral-7B-v0.1"


@pytest.mark.parametrize(
    ("records", "name", "test", "models"),
    [
        (RECORDS, "spec.name", "spec.lora", {LARGE, OTHER}),
        (RECORDS, "spec.name", "spec.lora and measured()", {LARGE, OTHER}),
        (RECORDS, "spec.name", "not (not spec.lora or args.kind is None)", {LARGE, OTHER}),
        (RECORDS, "spec.name", "measured()", {"gpt2", LARGE, OTHER}),
        (RECORDS, "spec.name", "measured() or spec.lora", {"gpt2", LARGE, OTHER}),
        (ROWS, 'spec["name"]', 'spec["lora"]', {LARGE, OTHER}),
        (ROWS, 'spec["name"]', 'spec["lora"] == "all"', {LARGE}),
        (ROWS, 'spec["name"]', 'spec["name"].startswith("mistralai")', {OTHER}),
    ],
)
def test_a_branch_is_for_the_records_that_lead_to_it(
    records: dict[str, str], name: str, test: str, models: set[str]
) -> None:
    run = only(read_python(IMPORTS + OF_RECORDS.format(**records, name=name, test=test)))
    left = {each.value for each in alternatives(run.model.name)}
    assert left == models


EARLY = """
import argparse
from dataclasses import dataclass

@dataclass
class Spec:
    name: str
    lora: bool

def spec_of(kind):
    if kind == "small":
        return Spec("gpt2", lora=False)
    if kind == "large":
        return Spec("meta-llama/Llama-2-7b-hf", lora=True)
    return Spec("mistralai/Mistral-7B-v0.1", lora=True)

def build(spec, kind):
    model = AutoModelForCausalLM.from_pretrained(spec.name)
    if {test}:
        {end}
    return get_peft_model(model, LoraConfig(r=8))

parser = argparse.ArgumentParser()
parser.add_argument("--kind", required=True)
args = parser.parse_args()
build(spec_of(args.kind), args.kind)
"""


@pytest.mark.parametrize(
    ("test", "end", "models"),
    [
        ("not spec.lora", "return model", {LARGE, OTHER}),
        ("not spec.lora", 'raise ValueError("no adapter")', {LARGE, OTHER}),
        ('kind == "large"', "return model", {"gpt2", OTHER}),
        ("measured()", "return model", {"gpt2", LARGE, OTHER}),
    ],
)
def test_what_an_early_end_leaves(test: str, end: str, models: set[str]) -> None:
    run = only(read_python(IMPORTS + EARLY.format(test=test, end=end)))
    assert {each.value for each in alternatives(run.model.name)} == models


LOADS = """
import argparse, os
import yaml
from enum import Enum
from datasets import load_dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer


class Mode(Enum):
    TRAIN = "train"
    EVAL = "eval"


parser = argparse.ArgumentParser()
parser.add_argument("--mode", default="train")
parser.add_argument("--kind", type=Mode, default=Mode.TRAIN)
parser.add_argument("--do_train", action="store_true")
parser.add_argument("--test")
parser.add_argument("--train")
args = parser.parse_args()
MODE = os.environ.get("MODE", "train")
model = AutoModelForCausalLM.from_pretrained("gpt2")
files = {}


def loaded(model, folder="out"):
    return PeftModel.from_pretrained(model, folder)


def trained(model):
    Trainer(model=model, train_dataset=rows).train()


"""
TOLD = {
    "a command that goes on": "if args.test:\n    model = loaded(model)\nif args.do_train:\n    trained(model)\n",
    "two modes that share one": (
        "if args.mode in ('resume', 'test'):\n    model = loaded(model)\n"
        "if args.mode in ('train', 'resume'):\n    trained(model)\n"
    ),
    "another name": "if MODE == 'eval':\n    model = loaded(model)\nif args.mode == 'train':\n    trained(model)\n",
    "other settings": (
        "def first(config, model):\n    return loaded(model) if config['evaluate'] else model\n"
        "def second(config, model):\n    if not config['evaluate']:\n        trained(model)\n"
        "second(yaml.safe_load(open('b.yaml')), first(yaml.safe_load(open('a.yaml')), model))\n"
    ),
    "a name with two meanings": (
        "training = args.mode == 'train'\nif args.mode == 'infer':\n    model = loaded(model)\n"
        "training = args.do_train or not args.test\nif training:\n    trained(model)\n"
    ),
    "neither of two": (
        "if MODE != 'eval' or args.test:\n    model = loaded(model)\nif MODE == 'eval':\n    trained(model)\n"
    ),
    "a split that is added": (
        "files['train'] = 'a.json'\ndata = load_dataset('json', data_files=files)\n"
        "data['extra'] = load_dataset('json', data_files='b.json')['train']\n"
        "if 'extra' in data:\n    model = loaded(model)\n    trained(model)\n"
    ),
    "a key of either": (
        "if args.train:\n    files['train'] = args.train\nif 'train' in files:\n    model = loaded(model)\n    trained(model)\n"
    ),
}
"""Programs that train an adapter which they load frozen."""
NOT_TOLD = {
    "two modes": "if args.mode == 'infer':\n    model = loaded(model)\nif args.mode == 'train':\n    trained(model)\n",
    "lists of modes": (
        "if args.mode == 'infer':\n    model = loaded(model)\nif args.mode in ('train', 'resume'):\n    trained(model)\n"
    ),
    "modes of the environment": (
        "if MODE == 'eval':\n    model = loaded(model)\nif MODE == 'train':\n    trained(model)\n"
    ),
    "not that mode": (
        "if MODE == 'eval':\n    model = loaded(model)\nif MODE not in ('eval', 'test'):\n    trained(model)\n"
    ),
    "members of an enumeration": (
        "if args.kind == Mode.EVAL:\n    model = loaded(model)\nif args.kind == Mode.TRAIN:\n    trained(model)\n"
    ),
    "a name for a condition": (
        "training = args.mode == 'train'\nif args.mode == 'infer':\n    model = loaded(model)\n"
        "if training:\n    trained(model)\n"
    ),
    "a name for its opposite": (
        "evaluate = not args.do_train\nif evaluate:\n    model = loaded(model)\nif args.do_train:\n    trained(model)\n"
    ),
    "a name for what is there": (
        "done = os.path.isdir('out')\nif done:\n    model = loaded(model)\n"
        "if not os.path.isdir('out'):\n    trained(model)\n"
    ),
    "a flag that the branch sets": (
        "training = True\nif args.test:\n    model = loaded(model)\n    training = False\n"
        "if training:\n    trained(model)\n"
    ),
    "rows that the branch leaves out": (
        "rows = None\nif os.path.isdir('out'):\n    model = loaded(model)\n"
        "else:\n    rows = load_dataset('json', data_files='a.json')['train']\n"
        "if rows is not None:\n    trained(model)\n"
    ),
    "one config of two functions": (
        "def first(config, model):\n    return loaded(model) if config['evaluate'] else model\n"
        "def second(settings, config, model):\n    if not config['evaluate']:\n        trained(model)\n"
        "config = yaml.safe_load(open('a.yaml'))\nsecond(1, config, first(config, model))\n"
    ),
    "a key that the branch adds": (
        "if args.test:\n    files['test'] = args.test\n    model = loaded(model)\n"
        "if 'test' in files:\n    print()\nelse:\n    trained(model)\n"
    ),
    "a key that is asked for": (
        "if args.mode == 'test':\n    files['test'] = 'b.json'\nif files.get('test'):\n    model = loaded(model)\n"
        "if args.mode == 'train':\n    trained(model)\n"
    ),
    "a split of the files": (
        "if args.test:\n    model = loaded(model)\nif args.train:\n    files['train'] = args.train\n"
        "if args.test:\n    files['test'] = args.test\ndata = load_dataset('json', data_files=files)\n"
        "if 'test' in data:\n    Trainer(model=model).predict(data['test'])\nelse:\n    trained(model)\n"
    ),
}
"""Programs in which the load and the training are in different calls."""


@pytest.mark.parametrize(
    ("program", "told"),
    [*((text, True) for text in TOLD.values()), *((text, False) for text in NOT_TOLD.values())],
    ids=[*TOLD, *NOT_TOLD],
)
def test_conditions_that_exclude_each_other(program: str, told: bool) -> None:
    assert ("LL402" in found_in(LOADS + program)) is told


def test_a_key_that_only_one_branch_adds() -> None:
    program = """
        settings = {}
        if args.lora:
            settings["config"] = config
        if "config" in settings:
            model = get_peft_model(model, settings["config"])
        else:
            model = PeftModel.from_pretrained(model, args.resume)
        if "other" in settings:
            model = get_peft_model(model, LoraConfig(r=16))
        Trainer(model=model).train()
    """
    assert [[kind for kind, _ in run] for run in kinds(program)] == [[Wrap, Train], [LoadAdapter, Train]]
