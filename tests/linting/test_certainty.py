"""What is certain: nothing that a caller, another branch, another cell or code that is not followed may change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
import dataclasses, json, os, sys
import torch, wandb
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers import Trainer, TrainerCallback, TrainingArguments

base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
"""
TRAIN = 'Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4)).train()\n'
WRAP = 'model = get_peft_model(base, LoraConfig(r=8, lora_alpha={}, target_modules=["q_proj"]))\n' + TRAIN
LOAD = 'model = PeftModel.from_pretrained(base, "adapter")\n'
FREEZE = "for p in model.parameters():\n    p.requires_grad = False\n"
ADD = WRAP.format(16).splitlines(keepends=True)[0]


def confidence(folder: Path, program: str, code: str, **files: str) -> str | None:
    """How sure a rule is of a program, beside files of its project; None where it says nothing."""
    for name, text in {"train": HEAD + program, **files}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    found = engine.lint([(folder / "train.py").as_posix()], Settings(), jobs=1).findings
    return next((finding.confidence for finding in found if finding.code == code), None)


@pytest.mark.parametrize(
    "program, sure",
    [
        (WRAP.format("0"), "certain"),
        ("alpha = 0\n" + WRAP.format("alpha"), "certain"),
        ("alpha = 0\nglobals()['alpha'] = 16\n" + WRAP.format("alpha"), None),
        ("alpha = 0\nglobals().update(json.load(open('c')))\n" + WRAP.format("alpha"), "likely"),
        (
            "alpha = 0\nfor each in sys.argv[1:]:\n    key, value = each.split('=')\n    globals()[key] = int(value)\n"
            + WRAP.format("alpha"),
            "likely",
        ),
        ("given = {'alpha': 0, **json.load(open(sys.argv[1]))}\n" + WRAP.format("given['alpha']"), "likely"),
        ("given = {**json.load(open(sys.argv[1])), 'alpha': 0}\n" + WRAP.format("given['alpha']"), "certain"),
        ("given = {'alpha': 0}\ngiven[sys.argv[1]] = int(sys.argv[2])\n" + WRAP.format("given['alpha']"), "likely"),
        (
            "class Given:\n    alpha = 0\ngiven = Given()\nfor each in sys.argv[1:]:\n"
            "    setattr(given, *each.split('='))\n    setattr(given, each, 1)\n" + WRAP.format("given.alpha"),
            "likely",
        ),
        (
            "class Given:\n    alpha = 0\nfor each in sys.argv[1:]:\n    setattr(Given, each, 1)\n"
            + WRAP.format("Given.alpha"),
            "likely",
        ),
        (
            "class Given:\n    alpha = 0\ngiven = Given()\nvars(given).update(json.load(open('c')))\n"
            + WRAP.format("given.alpha"),
            "likely",
        ),
        (
            "@dataclasses.dataclass\nclass Given:\n    alpha: int = 0\n"
            "given = dataclasses.replace(Given(), **json.load(open('c')))\n" + WRAP.format("given.alpha"),
            "likely",
        ),
        ("alpha = 0\nfrom local_settings import *\n" + WRAP.format("alpha"), "likely"),
        ("alpha = 0\nfrom settings import *\n" + WRAP.format("alpha"), None),
        ("from settings import *\nalpha = 0\n" + WRAP.format("alpha"), "certain"),
        ("wandb.init(config={'alpha': 0})\n" + WRAP.format("wandb.config.alpha"), "likely"),
        ("alpha = 0\nassert alpha > 0\n" + WRAP.format("alpha"), None),
        ("alpha = 0\nassert alpha < 1 and torch.cuda.is_available()\n" + WRAP.format("alpha"), "certain"),
    ],
)
def test_what_may_give_another_value(tmp_path: Path, program: str, sure: str | None) -> None:
    assert confidence(tmp_path, program, "LL105", settings="alpha = 16\n") == sure


def test_words_of_a_config_choose_branches(tmp_path: Path) -> None:
    """A sweep varies numbers; `if config.mode == …` is decided as it is written."""
    program = "wandb.init(config={'mode': 'full'})\nalpha = 16 if wandb.config.mode == 'full' else 0\n"
    assert confidence(tmp_path, program + WRAP.format("alpha"), "LL105") is None


UNFROZEN = "for n, p in model.named_parameters():\n    if 'lora' in n: p.requires_grad = True\n"


@pytest.mark.parametrize(
    "code, program, sure",
    [
        ("LL402", LOAD + TRAIN, "certain"),
        ("LL402", LOAD + "from somewhere import unfreeze_lora\nunfreeze_lora(model)\n" + TRAIN, None),
        ("LL402", LOAD + "from somewhere import print_trainable\nprint_trainable(model)\n" + TRAIN, "certain"),
        ("LL402", LOAD + "list(map(lambda p: p.requires_grad_(True), model.parameters()))\n" + TRAIN, None),
        (
            "LL402",
            LOAD
            + "named = dict(model.named_parameters())\nfor n in named:\n    named[n].requires_grad = 'lora' in n\n"
            + TRAIN,
            None,
        ),
        (
            "LL402",
            "class Thaw(TrainerCallback):\n    def on_train_begin(self, args, state, control, model=None, **rest):\n"
            "        for n, p in model.named_parameters():\n            setattr(p, 'requires_grad', 'lora' in n)\n"
            + LOAD
            + "Trainer(model=model, args=TrainingArguments('out'), callbacks=[Thaw()]).train()\n",
            None,
        ),
        ("LL402", LOAD + "base.requires_grad_(False)\n" + TRAIN, "certain"),
        ("LL404", ADD + "model = prepare_model_for_kbit_training(model)\n" + TRAIN, "certain"),
        (
            "LL404",
            "from somewhere import mark_only_lora_as_trainable\n"
            + ADD
            + "model = prepare_model_for_kbit_training(model)\n"
            "mark_only_lora_as_trainable(model)\n" + TRAIN,
            None,
        ),
        ("LL416", ADD + FREEZE + TRAIN, "certain"),
        ("LL416", ADD + FREEZE + "from somewhere import set_trainable\nset_trainable(model, ['lora'])\n" + TRAIN, None),
        ("LL416", ADD + FREEZE + UNFROZEN + TRAIN, None),
    ],
)
def test_what_may_make_adapters_trainable(tmp_path: Path, code: str, program: str, sure: str | None) -> None:
    assert confidence(tmp_path, program, code) == sure


@pytest.mark.parametrize(
    "name, sure",
    [
        ("'bert-base-uncased'", "certain"),
        ("'microsoft/deberta-v3-base'", "certain"),
        ("'somebody/their-bert'", "likely"),
        ("'./out/checkpoint-500'", "likely"),
        ("sys.argv[1]", "likely"),
        ("'textattack/bert-base-uncased-SST-2'", None),
        ("'distilbert-base-uncased-finetuned-sst-2-english'", None),
    ],
)
def test_heads_of_checkpoints(tmp_path: Path, name: str, sure: str | None) -> None:
    """A checkpoint may have a head of its own, which is meant to stay as it is."""
    program = f"base = AutoModelForSequenceClassification.from_pretrained({name}, num_labels=2)\n"
    wrap = "model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=['query']))\n"
    assert confidence(tmp_path, program + wrap + TRAIN, "LL406") == sure


@pytest.mark.parametrize("cells, sure", [((LOAD + TRAIN,), "certain"), ((LOAD, TRAIN), "likely")])
def test_cells_of_a_notebook(tmp_path: Path, cells: tuple[str, ...], sure: str) -> None:
    made = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in (HEAD, *cells)]
    path = tmp_path / "train.ipynb"
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    found = engine.lint([path.as_posix()], Settings(), jobs=1).findings
    assert [finding.confidence for finding in found if finding.code == "LL402"] == [sure]


@pytest.mark.parametrize(
    "module, sure", [("transformers", "certain"), ("modeling_llama", None), ("their.models.llama", None)]
)
def test_classes_in_files_that_are_not_here(tmp_path: Path, module: str, sure: str | None) -> None:
    """A class of the same name may have other modules."""
    program = (
        f"from {module} import LlamaForCausalLM\n"
        "base = LlamaForCausalLM.from_pretrained('meta-llama/Llama-2-7b-hf')\n"
        "model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=['W_pack']))\n" + TRAIN
    )
    assert confidence(tmp_path, program, "LL201") == sure


@pytest.mark.parametrize("wanted, sure", [("peft>=99.0.0", "likely"), ("peft", "certain")])
def test_a_framework_that_is_newer_than_the_facts(tmp_path: Path, wanted: str, sure: str) -> None:
    (tmp_path / "requirements.txt").write_text(wanted, encoding="utf-8")
    assert confidence(tmp_path, WRAP.format("0"), "LL105") == sure


TRAINER = """\
from transformers import Trainer

class OwnTrainer(Trainer):
    def save_model(self, output_dir=None, _internal_call=False):
        {saving}

    def create_optimizer(self):
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad = {trained}
        return super().create_optimizer()
"""
OWN = "from own import OwnTrainer\n{}OwnTrainer(model=model, args=TrainingArguments('out')).train()\n"


@pytest.mark.parametrize(
    "code, program, saving, trained, sure",
    [
        ("LL401", ADD + "model.v_head.requires_grad_(True)\n", "super().save_model(output_dir)", "False", "certain"),
        ("LL401", ADD + "model.v_head.requires_grad_(True)\n", "self.model.save_all(output_dir)", "False", None),
        ("LL402", LOAD, "super().save_model(output_dir)", "False", "certain"),
        ("LL402", LOAD, "super().save_model(output_dir)", "'lora' in name", None),
    ],
)
def test_trainers_of_other_files(
    tmp_path: Path, code: str, program: str, saving: str, trained: str, sure: str | None
) -> None:
    own = TRAINER.format(saving=saving, trained=trained)
    assert confidence(tmp_path, OWN.format(program), code, own=own) == sure


@pytest.mark.parametrize("required, sure", [("peft==0.2.0", None), ("peft==0.3.0", "certain"), ("peft", "certain")])
def test_old_releases_load_adapters_to_be_trained(tmp_path: Path, required: str, sure: str | None) -> None:
    (tmp_path / "requirements.txt").write_text(required + "\n", encoding="utf-8")
    assert confidence(tmp_path, LOAD + TRAIN, "LL402") == sure


def test_a_commit_may_be_of_an_old_release(tmp_path: Path) -> None:
    commit = "git+https://github.com/huggingface/peft.git@13e53fc\n"
    (tmp_path / "requirements.txt").write_text(commit, encoding="utf-8")
    assert confidence(tmp_path, LOAD + TRAIN, "LL402") == "likely"


HEADED = """\
classifier = AutoModelForSequenceClassification.from_pretrained("bert-base-chinese", num_labels=9)
model = get_peft_model(classifier, LoraConfig(r=8, lora_alpha=32, target_modules=["query", "value"]))
{}Trainer(model=model, args=TrainingArguments("out", learning_rate=1e-3)).train()
"""
THAWED = "for each in {}.parameters():\n    each.requires_grad = True\n"


@pytest.mark.parametrize(
    "owner",
    ['model.get_submodule("model").get_submodule("classifier")', 'model.base_model.get_submodule("classifier")'],
)
def test_parts_are_found_by_their_paths(tmp_path: Path, owner: str) -> None:
    assert confidence(tmp_path, HEADED.format(""), "LL406") is not None
    assert confidence(tmp_path, HEADED.format(THAWED.format(owner)), "LL406") is None


@pytest.mark.parametrize("imported", [True, False])
def test_defaults_that_another_library_replaces_are_not_known(tmp_path: Path, imported: bool) -> None:
    first = "from unsloth import FastLanguageModel\n" if imported else ""
    program = (
        f"{first}from trl import SFTConfig, SFTTrainer\n{ADD}"
        "SFTTrainer(model=model, train_dataset=rows, args=SFTConfig('out')).train()\n"
    )
    assert (confidence(tmp_path, program, "LL501") is None) is imported
