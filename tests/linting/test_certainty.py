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


SETTINGS = "c = LoraConfig(r=8, lora_alpha=0, target_modules=['q_proj'])\n"
PUT_ON = "model = get_peft_model(base, c)\n" + TRAIN


@pytest.mark.parametrize(
    "program, sure",
    [
        (SETTINGS + PUT_ON, "certain"),
        (SETTINGS + "for k, v in json.load(open('o')).items():\n    setattr(c, k, v)\n" + PUT_ON, "likely"),
        (SETTINGS + "vars(c).update(json.load(open('o')))\n" + PUT_ON, "likely"),
        (SETTINGS + "vars(c).update(lora_alpha=16)\n" + PUT_ON, None),
        (SETTINGS + "c.__dict__.update(json.load(open('o')))\n" + PUT_ON, "likely"),
        (SETTINGS + "c = dataclasses.replace(c, lora_alpha=16)\n" + PUT_ON, None),
        (SETTINGS + "c = dataclasses.replace(c, **json.load(open('o')))\n" + PUT_ON, "likely"),
        (SETTINGS + "d = c.to_dict()\nd['lora_alpha'] = 16\nc = LoraConfig(**d)\n" + PUT_ON, None),
        (SETTINGS + "import theirs\ntheirs.tweak(c)\n" + PUT_ON, "likely"),
        (SETTINGS + "import theirs\ntheirs.print_config(c)\n" + PUT_ON, "certain"),
        (SETTINGS + PUT_ON + "model.peft_config['default'].lora_alpha = 16\n", "likely"),
        (SETTINGS + PUT_ON + "for m in model.modules():\n    m.scaling['default'] = 2.0\n", "likely"),
        ("LoraConfig.__post_init__ = lambda self: None\n" + SETTINGS + PUT_ON, "likely"),
        ("import torch.nn\ntorch.nn.Linear.forward = print\n" + SETTINGS + PUT_ON, "certain"),
        ("import llama_patch\nllama_patch.apply()\n" + SETTINGS + PUT_ON, "likely"),
        (
            "class Own(LoraConfig):\n    def __post_init__(self):\n        self.lora_alpha = 2 * self.r\n"
            + SETTINGS.replace("LoraConfig", "Own")
            + PUT_ON,
            "likely",
        ),
        (
            "from theirs import configured\n@configured\ndef run(alpha=0):\n    return LoraConfig(r=8, lora_alpha=alpha)\n"
            "c = run()\n" + PUT_ON,
            "likely",
        ),
        (
            "def run(**given):\n    d = {'alpha': 0}\n    d.update(given)\n"
            "    return LoraConfig(r=8, lora_alpha=d['alpha'])\nc = run(**json.load(open('o')))\n" + PUT_ON,
            "likely",
        ),
        (
            "alpha = 0\nfor each in sys.argv[1:]:\n    setattr(sys.modules[__name__], *each.split('='))\n"
            "    setattr(sys.modules[__name__], each, 1)\n" + WRAP.format("alpha"),
            "likely",
        ),
    ],
)
def test_what_may_change_a_config(tmp_path: Path, program: str, sure: str | None) -> None:
    assert confidence(tmp_path, program, "LL105") == sure


CLASSIFIER = "base = AutoModelForSequenceClassification.from_pretrained('bert-base-uncased', num_labels=3)\n"
HEADLESS = "model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=['query']))\n"
BAICHUAN = "model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=['W_pack']))\n"


@pytest.mark.parametrize(
    "code, program, sure",
    [
        ("LL406", CLASSIFIER + HEADLESS + TRAIN, "certain"),
        ("LL406", CLASSIFIER + TRAIN.replace("model=model", "model=base") + HEADLESS + TRAIN, None),
        ("LL406", CLASSIFIER + "base.load_state_dict(torch.load('h'), strict=False)\n" + HEADLESS + TRAIN, None),
        ("LL406", CLASSIFIER + "base.classifier.weight.data = torch.load('w')\n" + HEADLESS + TRAIN, None),
        (
            "LL406",
            CLASSIFIER
            + HEADLESS
            + "model.get_parameter('base_model.model.classifier.weight').requires_grad = True\n"
            + TRAIN,
            None,
        ),
        (
            "LL406",
            CLASSIFIER
            + HEADLESS
            + "found = dict(model.named_parameters())\nfound['base_model.model.classifier.weight'].requires_grad = True\n"
            + TRAIN,
            None,
        ),
        ("LL406", CLASSIFIER + HEADLESS + "import theirs\ntheirs.prepare(model)\n" + TRAIN, "likely"),
        ("LL401", ADD + "model.requires_grad_(True)\n" + TRAIN, "certain"),
        (
            "LL401",
            ADD
            + "model.requires_grad_(True)\nfor n, p in model.named_parameters():\n    p.requires_grad = 'lora_' in n\n"
            + TRAIN,
            None,
        ),
        (
            "LL401",
            LOAD + "[p.requires_grad_(True) for n, p in model.named_parameters() if 'lora_' in n]\n" + TRAIN,
            None,
        ),
        (
            "LL401",
            ADD
            + "model.requires_grad_(True)\n"
            + "opt = torch.optim.AdamW([p for n, p in model.named_parameters() if 'lora_' in n], lr=2e-4)\n"
            + "Trainer(model=model, args=TrainingArguments('out'), optimizers=(opt, None)).train()\n",
            None,
        ),
        ("LL401", ADD + "model.requires_grad_(True)\nimport theirs\ntheirs.freeze(model)\n" + TRAIN, None),
        ("LL402", LOAD + "import theirs\ntheirs.OwnTrainer(model=model).train()\n", "likely"),
        ("LL201", BAICHUAN + TRAIN, "certain"),
        ("LL201", "base.model.add_module('W_pack', torch.nn.Linear(8, 8))\n" + BAICHUAN + TRAIN, None),
        (
            "LL201",
            "for n, m in list(base.named_modules()):\n"
            "    setattr(base.get_submodule(n.rsplit('.')[0]), 'W_pack', torch.nn.Linear(8, 8))\n" + BAICHUAN + TRAIN,
            None,
        ),
        ("LL201", "import theirs\ntheirs.fuse(base)\n" + BAICHUAN + TRAIN, "likely"),
        (
            "LL201",
            "try:\n    " + BAICHUAN + "except ValueError:\n    " + BAICHUAN.replace("W_pack", "q_proj") + TRAIN,
            "likely",
        ),
    ],
)
def test_what_may_change_a_model(tmp_path: Path, code: str, program: str, sure: str | None) -> None:
    assert confidence(tmp_path, program, code) == sure


def test_a_module_of_the_project_with_a_library_s_name(tmp_path: Path) -> None:
    assert confidence(tmp_path, WRAP.format("0"), "LL105", peft="class LoraConfig:\n    pass\n") == "likely"


@pytest.mark.parametrize(
    "rates, codes", [(["1e-5", "1e-3"], []), (["1e-5", "1e-5"], ["LL501", "LL501"]), (["2e-2", "2e-4"], [])]
)
def test_rates_that_a_program_compares(tmp_path: Path, rates: list[str], codes: list[str]) -> None:
    """It says itself which one is best."""
    program = (
        f"for rank, rate in zip([8, 64], [{', '.join(rates)}]):\n"
        "    base = AutoModelForCausalLM.from_pretrained('meta-llama/Llama-2-7b-hf')\n"
        "    model = get_peft_model(base, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=['q_proj']))\n"
        "    Trainer(model=model, args=TrainingArguments('out', learning_rate=rate)).train()\n"
    )
    (tmp_path / "train.py").write_text(HEAD + program, encoding="utf-8")
    found = engine.lint([(tmp_path / "train.py").as_posix()], Settings(), jobs=1).findings
    assert [each.code for each in found if each.code in ("LL501", "LL502")] == codes


@pytest.mark.parametrize(
    "before, sure",
    [
        ("", "certain"),
        ("source .env\n", "likely"),
        ("source venv/bin/activate\n", "certain"),
        ('eval "$1"\n', "likely"),
        ('eval "$(conda shell.bash hook)"\n', "certain"),
    ],
)
def test_what_sets_variables_of_a_script_again(tmp_path: Path, before: str, sure: str) -> None:
    script = (
        f"TARGET=q_projj\n{before}llamafactory-cli train --model_name_or_path meta-llama/Llama-3.1-8B --stage sft "
        "--do_train true --dataset alpaca_en --template llama3 --finetuning_type lora --output_dir out "
        "--lora_target $TARGET\n"
    )
    (tmp_path / "run.sh").write_text(script, encoding="utf-8")
    found = engine.lint([(tmp_path / "run.sh").as_posix()], Settings(), jobs=1).findings
    assert [each.confidence for each in found if each.code == "LL201"] == [sure]


def test_lists_of_config_files_of_which_one_is_not_known(tmp_path: Path) -> None:
    """The last one may set all again, an empty list too."""
    (tmp_path / "base.yaml").write_text("lora:\n  alpha: 0\n  target_modules: []\n", encoding="utf-8")
    program = (
        "from omegaconf import OmegaConf\ncfg = OmegaConf.create()\n"
        "for path in ['base.yaml', sys.argv[1]]:\n    cfg = OmegaConf.merge(cfg, OmegaConf.load(path))\n"
        "c = LoraConfig(r=8, lora_alpha=cfg.lora.alpha, target_modules=list(cfg.lora.target_modules))\n" + PUT_ON
    )
    assert confidence(tmp_path, program, "LL902") is None
    assert confidence(tmp_path, program, "LL105") == "likely"
    known = program.replace("['base.yaml', sys.argv[1]]", "['base.yaml']")
    assert confidence(tmp_path, known, "LL902") == "certain"


@pytest.mark.parametrize(("chosen", "sure"), [("'--name', default='small'", "likely"), ("", "certain")])
@pytest.mark.parametrize("merge", ["OmegaConf.merge", "yacs"])
def test_a_file_that_callers_choose_is_merged_over_another(tmp_path: Path, chosen: str, sure: str, merge: str) -> None:
    """Another one than the default's may have keys that it has not."""
    (tmp_path / "base.yaml").write_text("lora:\n  alpha: 0\n  target_modules: []\n", encoding="utf-8")
    (tmp_path / "small.yaml").write_text("lora:\n  r: 4\n", encoding="utf-8")
    name = "'small.yaml'"
    program = ""
    if chosen:
        program = f"import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument({chosen})\n"
        name = "f'{parser.parse_args().name}.yaml'"
    if merge == "yacs":
        program += "from yacs.config import CfgNode\ncfg = CfgNode.load_cfg(open('base.yaml'))\n"
        program += f"cfg.merge_from_file({name})\n"
    else:
        program += "from omegaconf import OmegaConf\n"
        program += f"cfg = OmegaConf.merge(OmegaConf.load('base.yaml'), OmegaConf.load({name}))\n"
    program += "c = LoraConfig(r=8, lora_alpha=cfg.lora.alpha, target_modules=list(cfg.lora.target_modules))\n" + PUT_ON
    assert confidence(tmp_path, program, "LL105") == sure
    assert confidence(tmp_path, program, "LL902") == (None if chosen else "certain")


@pytest.mark.parametrize(
    "later, sure", [("", "certain"), ("args.optim_target_modules = ['q_proj']\n", None), ("args.seed = 1\n", "certain")]
)
def test_training_arguments_that_are_set_later(tmp_path: Path, later: str, sure: str | None) -> None:
    program = ADD + "args = TrainingArguments('out', optim='galore_adamw')\n" + later + "Trainer(model, args).train()\n"
    assert confidence(tmp_path, program, "LL904") == sure


@pytest.mark.parametrize(
    "accelerate, raised", [("0.32.0", "an ImportError"), ("1.2.0", "a TypeError"), ("1.3.0", None)]
)
def test_libraries_that_do_not_run_together(tmp_path: Path, accelerate: str, raised: str | None) -> None:
    """What stops first; and nothing is certain of the newest release that is allowed."""
    (tmp_path / "requirements.txt").write_text(f"transformers\naccelerate=={accelerate}\npeft\n", encoding="utf-8")
    (tmp_path / "train.py").write_text(HEAD + ADD + TRAIN, encoding="utf-8")
    found = engine.lint([(tmp_path / "train.py").as_posix()], Settings(), jobs=1).findings
    told = [(each.confidence, each.message) for each in found if each.code == "LL904"]
    assert [sure for sure, _ in told] == (["likely"] if raised else [])
    assert all(str(raised) in message for _, message in told)


COUNTED = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
for rank in (1, 64):
    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
    model = get_peft_model(base, LoraConfig(r=rank, lora_alpha=1, target_modules=["q_proj"]))
    model.print_trainable_parameters()
"""


@pytest.mark.parametrize("more, codes", [("", []), ("    Trainer(model).train()\n", ["LL101"])])
def test_notebooks_that_count_parameters(tmp_path: Path, more: str, codes: list[str]) -> None:
    made = [{"cell_type": "code", "source": COUNTED + more, "metadata": {}, "outputs": []}]
    path = tmp_path / "count.ipynb"
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    found = engine.lint([path.as_posix()], Settings(), jobs=1).findings
    assert [each.code for each in found if each.code == "LL101"] == codes


def test_a_tokenizer_of_an_unfinished_program(tmp_path: Path) -> None:
    program = "from transformers import AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained(...)\n"
    program += "tokenizer.apply_chat_template([], tokenize=False)\n" + WRAP.format("0")
    assert confidence(tmp_path, program, "LL900") is None


READ = "import yaml\ncfg = yaml.safe_load(open('base.yaml'))\n"


@pytest.mark.parametrize(
    "program, sure",
    [
        (READ, "certain"),
        (READ + "from theirs import merge\nmerge(cfg, json.load(open('o')))\n", "likely"),
        (READ + "from theirs import describe\ndescribe(cfg)\n", "certain"),
        (READ + "cfg['lora'].update(json.load(open('o')))\n", "likely"),
        (
            READ
            + "def deep(a, b):\n    for k, v in b.items():\n        if isinstance(v, dict):\n            deep(a[k], v)\n"
            "        else:\n            a[k] = v\ndeep(cfg, json.load(open('o')))\n",
            "likely",
        ),
        (
            READ + "for each in sys.argv[1:]:\n    *above, leaf = each.partition('=')[0].split('.')\n    d = cfg\n"
            "    for part in above:\n        d = d[part]\n    d[leaf] = 16\n",
            "likely",
        ),
    ],
)
def test_what_may_change_the_content_of_a_file(tmp_path: Path, program: str, sure: str) -> None:
    (tmp_path / "base.yaml").write_text("lora:\n  alpha: 0\n", encoding="utf-8")
    assert confidence(tmp_path, program + WRAP.format("cfg['lora']['alpha']"), "LL105") == sure


def test_examples_that_are_counted_in_a_file(tmp_path: Path) -> None:
    """Whoever trains may have another version of the data."""
    (tmp_path / "data.jsonl").write_text('{"text": "a"}\n' * 200, encoding="utf-8")
    program = (
        "from datasets import load_dataset\n"
        "model = get_peft_model(base, LoraConfig(r=64, lora_alpha=64, target_modules=['q_proj']))\n"
        "data = load_dataset('json', data_files='data.jsonl', split='train'){}\n"
        "Trainer(model=model, args=TrainingArguments('out', num_train_epochs=5), train_dataset=data).train()\n"
    )
    assert confidence(tmp_path, program.format(""), "LL301") == "likely"
    published = program.format(".select(range(150))").replace("'json', data_files='data.jsonl'", "'tatsu-lab/alpaca'")
    assert confidence(tmp_path, published, "LL301") == "certain"


def test_a_merge_after_two_ways_to_load(tmp_path: Path) -> None:
    bits = "base = AutoModelForCausalLM.from_pretrained('meta-llama/Llama-2-7b-hf', load_in_4bit=True)\n"
    merge = "model = model.merge_and_unload()\nmodel.save_pretrained('out')\n"
    assert confidence(tmp_path, bits + LOAD + merge, "LL601") == "certain"
    branch = "if torch.cuda.is_available():\n    " + "    ".join((bits + LOAD).splitlines(keepends=True))
    assert confidence(tmp_path, branch + "else:\n    " + LOAD + merge, "LL601") == "likely"


@pytest.mark.parametrize("trl, codes", [("0.7.1", []), ("0.8.1", ["LL412", "LL904"])])
def test_what_the_first_dpo_trainers_did(tmp_path: Path, trl: str, codes: list[str]) -> None:
    """TRL 0.7.2 puts a second adapter on a PeftModel, and takes a reference beside a config."""
    (tmp_path / "requirements.txt").write_text(f"trl=={trl}\n", encoding="utf-8")
    program = (
        "from trl import DPOTrainer\nother = AutoModelForCausalLM.from_pretrained('meta-llama/Llama-2-7b-hf')\n"
        + ADD
        + "c = LoraConfig(r=8, lora_alpha=16, target_modules=['q_proj'])\n"
        "args = TrainingArguments('out', learning_rate=1e-5)\n"
        "DPOTrainer(model, ref_model=other, args=args, train_dataset=data, peft_config=c).train()\n"
    )
    (tmp_path / "train.py").write_text(HEAD + program, encoding="utf-8")
    found = engine.lint([(tmp_path / "train.py").as_posix()], Settings(), jobs=1).findings
    assert sorted({each.code for each in found if each.code in ("LL412", "LL904")}) == codes


def test_what_pip_cannot_install(tmp_path: Path) -> None:
    """PEFT of its repository needs accelerate 0.21, so that nothing is installed whose import fails."""
    wanted = "transformers==4.27.1\naccelerate=={}\ngit+https://github.com/huggingface/peft.git\n"
    (tmp_path / "requirements.txt").write_text(wanted.format("0.17.1"), encoding="utf-8")
    assert confidence(tmp_path, WRAP.format("0"), "LL904") is None
    (tmp_path / "requirements.txt").write_text(wanted.format("0.26.0"), encoding="utf-8")
    assert confidence(tmp_path, WRAP.format("0"), "LL904") == "likely"


@pytest.mark.parametrize("accelerate, codes", [("0.21.0", []), ("0.22.0", ["LL802"])])
def test_when_accelerate_began_to_refuse_spread_models(tmp_path: Path, accelerate: str, codes: list[str]) -> None:
    (tmp_path / "requirements.txt").write_text(f"accelerate=={accelerate}\n", encoding="utf-8")
    (tmp_path / "run.sh").write_text("torchrun --nproc_per_node 2 train.py\n", encoding="utf-8")
    spread = HEAD.replace('-hf")', '-hf", device_map="auto")')
    (tmp_path / "train.py").write_text(spread + ADD + TRAIN, encoding="utf-8")
    found = engine.lint([tmp_path.as_posix()], Settings(), jobs=1).findings
    assert [each.code for each in found if each.code == "LL802"] == codes


@pytest.mark.parametrize("rslora, codes", [("0", []), ("1", []), ("2", ["LL902"]), ('"no"', ["LL902"])])
def test_numbers_for_switches_of_a_saved_adapter(tmp_path: Path, rslora: str, codes: list[str]) -> None:
    """PEFT asks for their truth."""
    config = '{"peft_type": "LORA", "base_model_name_or_path": "gpt2", "r": 8, "lora_alpha": 16, "use_rslora": %s}'
    (tmp_path / "adapter_config.json").write_text(config % rslora, encoding="utf-8")
    found = engine.lint([tmp_path.as_posix()], Settings(), jobs=1).findings
    assert [each.code for each in found if each.code == "LL902"] == codes
