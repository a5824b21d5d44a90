"""Adapters that a program loads from its own checkpoints have the settings that it gave them."""

from __future__ import annotations

import pytest

from lora_lint.linting.engine import lint_text
from lora_lint.run.events import Load, LoadAdapter, Wrap
from lora_lint.run.values import Unknown
from lora_lint.settings import Settings
from tests.support.reading import edited, plain, read_python

START = """\
import argparse
import os
from peft import LoraConfig, LoHaConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, HfArgumentParser, Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint
"""
PROGRAM = (
    START
    + """
parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=16)
parser.add_argument("--adapter")
parser.add_argument("--start", required=True)
parser.add_argument("--fast", action="store_true")
args = parser.parse_args()

training_args = TrainingArguments(output_dir="out/support", learning_rate=2e-4)
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
if os.path.isdir(training_args.output_dir):
    checkpoint = get_last_checkpoint(training_args.output_dir)
    model = PeftModel.from_pretrained(model, checkpoint, is_trainable=True)
else:
    config = LoraConfig(r=args.rank, lora_alpha=32, use_rslora=True, init_lora_weights="pissa", target_modules=["q_proj"])
    model = get_peft_model(model, config)
Trainer(model=model, args=training_args, train_dataset=[]).train()
"""
)
FOLDER = "get_last_checkpoint(training_args.output_dir)"


def ranks(text: str) -> list[tuple[str, object]]:
    """How each run begins, and its rank."""
    runs = read_python(text).runs
    begun = (next((type(event) for event in run.events if not isinstance(event, Load)), None) for run in runs)
    return list(zip(begun, (plain(run.adapter.rank) for run in runs), strict=True))


RESUMED = [(LoadAdapter, 16), (Wrap, 16)]
NOT_KNOWN = [(LoadAdapter, Unknown), (Wrap, 16)]


def test_the_last_checkpoint() -> None:
    loaded, made = read_python(PROGRAM).runs
    assert isinstance(loaded.events[1], LoadAdapter)
    for name in ("rank", "alpha", "use_rslora", "target_modules", "span"):
        assert getattr(loaded.adapter, name) == getattr(made.adapter, name), name
    assert loaded.span != made.span
    assert plain(loaded.adapter.init_lora_weights) is Unknown, "the weights are the checkpoint's"


@pytest.mark.parametrize(
    "folder",
    [
        'os.path.join(training_args.output_dir, "checkpoint-500")',
        'os.path.join(training_args.output_dir, "checkpoint-500", "adapter_model")',
        "os.path.join(training_args.output_dir, newest)",
        "training_args.output_dir",
        '"out/support"',
        '"out/support/checkpoint-500/"',
        'get_last_checkpoint("out/support") if os.path.isdir("out/support") else None',
        "args.adapter or get_last_checkpoint(training_args.output_dir)",
    ],
)
def test_a_folder_of_its_own(folder: str) -> None:
    assert ranks(edited(PROGRAM, (FOLDER, folder))) == RESUMED


@pytest.mark.parametrize(
    "folder",
    [
        "args.adapter",
        "get_last_checkpoint(args.adapter)",
        '"someone/qwen-lora"',
        '"out"',
        '"out/support-first/checkpoint-500"',
        '"out/support/first"',
        'os.path.join(training_args.output_dir, "first")',
        'os.path.join(args.start, "checkpoint-500")',
    ],
)
def test_a_folder_of_the_users(folder: str) -> None:
    assert ranks(edited(PROGRAM, (FOLDER, folder))) == NOT_KNOWN


def test_a_folder_of_which_nothing_is_known() -> None:
    """What is computed from an option that nobody gives is as little known as the option."""
    program = edited(PROGRAM, ('"out/support"', "args.start"), (FOLDER, 'args.start + "-first"'))
    assert ranks(program) == NOT_KNOWN


BESIDE = """
elif {test}:
    model = PeftModel.from_pretrained(model, {folder}, is_trainable=True)
else:
"""


def test_a_branch_for_an_option_that_nobody_gives() -> None:
    branch = BESIDE.format(test="args.adapter is not None", folder="args.adapter")
    assert ranks(edited(PROGRAM, ("\nelse:\n", branch))) == RESUMED
    branch = BESIDE.format(test="args.adapter is not None", folder='"base", subfolder=args.adapter')
    assert ranks(edited(PROGRAM, ("\nelse:\n", branch))) == RESUMED


def test_a_branch_that_begins_with_another_adapter() -> None:
    for folder in ("args.start", '"someone/qwen-lora"'):
        branch = BESIDE.format(test="args.fast", folder=folder)
        assert ranks(edited(PROGRAM, ("\nelse:\n", branch))) == NOT_KNOWN


def test_several_configs() -> None:
    second = """
elif args.fast:
    model = get_peft_model(model, LoraConfig(r=4))
else:
"""
    assert ranks(edited(PROGRAM, ("\nelse:\n", second)))[0] == NOT_KNOWN[0]
    second = """
else:
    if args.fast:
        config = LoHaConfig(r=4)
    else:
        config = LoraConfig(r=16)
    model = get_peft_model(model, config)
"""
    program = PROGRAM[: PROGRAM.index("\nelse:\n")] + second + "Trainer(model=model, args=training_args).train()\n"
    assert ranks(program)[0] == NOT_KNOWN[0]
    assert ranks(program.replace("LoHaConfig(r=4)", "OwnConfig(r=4)"))[0] == NOT_KNOWN[0]
    assert ranks(program.replace("LoHaConfig(r=4)", "LoraConfig(r=4)"))[0] == NOT_KNOWN[0]


def test_no_config() -> None:
    program = PROGRAM[: PROGRAM.index("\nelse:\n")] + "\nTrainer(model=model, args=training_args).train()\n"
    assert ranks(program) == NOT_KNOWN[:1]
    assert ranks(edited(PROGRAM, ("LoraConfig(r=args.rank", "LoHaConfig(r=args.rank")))[0] == NOT_KNOWN[0]


QLORA = (
    START
    + """
from dataclasses import dataclass, field

@dataclass
class ModelArguments:
    model_name: str = field(default="meta-llama/Llama-2-7b-hf")

@dataclass
class FinetuningArguments(TrainingArguments):
    output_dir: str = field(default="./output")
    lora_r: int = field(default=64)

def newest_checkpoint(folder):
    if os.path.isdir(folder):
        is_completed = os.path.exists(os.path.join(folder, "completed"))
        if is_completed:
            return None, True
        max_step = 0
        for filename in os.listdir(folder):
            if os.path.isdir(os.path.join(folder, filename)) and filename.startswith("checkpoint"):
                max_step = max(max_step, int(filename.replace("checkpoint-", "")))
        if max_step == 0:
            return None, is_completed
        folder = os.path.join(folder, f"checkpoint-{max_step}")
        print(f"Found a previous checkpoint at: {folder}")
        return folder, is_completed
    return None, False

def load(args, folder):
    model = AutoModelForCausalLM.from_pretrained(args.model_name)
    if folder is not None:
        model = PeftModel.from_pretrained(model, os.path.join(folder, "adapter_model"), is_trainable=True)
    else:
        model = get_peft_model(model, LoraConfig(r=args.lora_r, target_modules=["q_proj"]))
    return model

def train():
    model_args, training_args = HfArgumentParser((ModelArguments, FinetuningArguments)).parse_args_into_dataclasses()
    args = argparse.Namespace(**vars(model_args), **vars(training_args))
    folder, completed = newest_checkpoint(args.output_dir)
    model = load(args, folder)
    Trainer(model=model, args=training_args, train_dataset=[]).train()

train()
"""
)


def test_a_function_of_the_project_that_finds_the_checkpoint() -> None:
    known = [(LoadAdapter, 64), (Wrap, 64)]
    assert ranks(QLORA) == known
    single = edited(QLORA, ("None, True", "None"), ("None, is_completed", "None"), ("None, False", "None"))
    single = edited(single, ("return folder, is_completed", "return folder"), ("folder, completed =", "folder ="))
    assert ranks(single) == known


@pytest.mark.parametrize(
    "change",
    [
        ("newest_checkpoint", "newest"),
        ("os.listdir(folder)", "names"),
        ('os.path.join(folder, f"checkpoint-{max_step}")', "choose()"),
        ("return folder, is_completed", "return elsewhere, is_completed"),
        ("return None, False", "return None"),
        ("newest_checkpoint(args.output_dir)", "newest_checkpoint(args.model_name)"),
    ],
)
def test_functions_of_another_shape(change: tuple[str, str]) -> None:
    assert ranks(edited(QLORA, change)) == [(LoadAdapter, Unknown), (Wrap, 64)]


def findings(text: str) -> list[tuple[str, int]]:
    outcome = lint_text(text, "train.py", Settings())
    return [(finding.code, text[: finding.span.start].count("\n") + 1) for finding in outcome.findings]


def test_what_the_rules_say_of_both_is_told_once() -> None:
    wrong = edited(PROGRAM, ("lora_alpha=32", "lora_alpha=0"), ("r=args.rank", "r=16"))
    frozen = edited(wrong, ("checkpoint, is_trainable=True", "checkpoint"))
    line = wrong[: wrong.index("LoraConfig(r=16")].count("\n") + 1
    assert findings(wrong) == [("LL105", line)]
    load = frozen[: frozen.index("PeftModel.from_pretrained")].count("\n") + 1
    assert findings(frozen) == [("LL402", load), ("LL105", line)]
