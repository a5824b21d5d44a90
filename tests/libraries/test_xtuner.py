"""xtuner's configs: what the runner builds from the variables of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.rules import RUN_CHECKS
from lora_lint.run.values import Known, Unknown
from tests.support.reading import edited, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
import torch
from datasets import load_dataset
from mmengine.optim import AmpOptimWrapper
from peft import LoraConfig
from torch.optim import AdamW
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from xtuner.dataset import ConcatDataset, process_hf_dataset
from xtuner.engine.runner import TrainLoop
from xtuner.model import SupervisedFinetune

path = "internlm/internlm2-7b"
tokenizer = dict(type=AutoTokenizer.from_pretrained, pretrained_model_name_or_path=path)
model = dict(
    type=SupervisedFinetune,
    llm=dict(
        type=AutoModelForCausalLM.from_pretrained,
        pretrained_model_name_or_path=path,
        quantization_config=dict(type=BitsAndBytesConfig, load_in_4bit=True),
    ),
    lora=dict(type=LoraConfig, r=64, lora_alpha=16, lora_dropout=0.1, task_type="CAUSAL_LM"),
)
alpaca = dict(type=process_hf_dataset, dataset=dict(type=load_dataset, path="tatsu-lab/alpaca"), tokenizer=tokenizer)
train_dataloader = dict(batch_size=2, dataset=alpaca)
optim_wrapper = dict(type=AmpOptimWrapper, optimizer=dict(type=AdamW, lr=2e-4), accumulative_counts=16)
train_cfg = dict(type=TrainLoop, max_epochs=3)
"""


def test_a_config() -> None:
    run = only(read_python(CONFIG))
    assert run.dialect == "xtuner"
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (64, 16)
    assert run.adapter.target_modules == Known("all-linear", None, "framework-default")
    assert (plain(run.model.name), plain(run.model.quantization)) == ("internlm/internlm2-7b", "4bit")
    assert plain(run.dataset.size) == 52_002
    training = run.training
    assert (training.trainer, training.method, plain(training.optimizer)) == ("xtuner", "supervised", "adamw")
    assert (plain(training.learning_rate), plain(training.epochs)) == (2e-4, 3)
    assert (plain(training.batch_size), plain(training.accumulation)) == (2, 16)


def test_in_xtuners_own_repository(tmp_path: Path) -> None:
    (tmp_path / "xtuner" / "model").mkdir(parents=True)
    (tmp_path / "xtuner" / "dataset").mkdir()
    (tmp_path / "xtuner" / "__init__.py").touch()
    (tmp_path / "xtuner" / "model" / "__init__.py").write_text("class SupervisedFinetune:\n    pass\n")
    (tmp_path / "xtuner" / "dataset" / "__init__.py").write_text(
        "class ConcatDataset:\n    pass\ndef process_hf_dataset(dataset, split='train'):\n    return dataset\n"
    )
    run = only(read_python(CONFIG, tmp_path, "config.py"))
    assert (plain(run.model.name), plain(run.dataset.size)) == ("internlm/internlm2-7b", 52_002)


def test_several_datasets() -> None:
    both = edited(CONFIG, ("dataset=alpaca)", "dataset=dict(type=ConcatDataset, datasets=[alpaca, alpaca]))"))
    assert plain(only(read_python(both)).dataset.size) == 104_004
    cut = edited(CONFIG, ("tokenizer=tokenizer)\ntrain", "max_dataset_length=100)\ntrain"))
    assert plain(only(read_python(cut)).dataset.size) is Unknown


def test_a_vision_model_has_two_adapters() -> None:
    text = edited(
        CONFIG,
        ("import SupervisedFinetune", "import LLaVAModel"),
        ("type=SupervisedFinetune", "type=LLaVAModel"),
        (
            "    lora=dict(",
            "    visual_encoder=dict(type=CLIPVisionModel.from_pretrained, pretrained_model_name_or_path='openai/clip-vit-base-patch32'),\n"
            "    visual_encoder_lora=dict(type=LoraConfig, r=8, lora_alpha=16),\n    llm_lora=dict(",
        ),
        ("import AutoModelForCausalLM", "import CLIPVisionModel, AutoModelForCausalLM"),
    )
    runs = read_python(text).runs
    assert {(plain(run.model.name), plain(run.adapter.rank)) for run in runs} == {
        ("internlm/internlm2-7b", 64),
        ("openai/clip-vit-base-patch32", 8),
    }
    assert {run.training.setup.whole for run in runs} == {()}


@pytest.mark.parametrize(("frozen", "whole"), [("", ("llm",)), ("    freeze_llm=True,\n", ())])
def test_a_language_model_that_trains_in_full_beside_its_adapted_tower(frozen: str, whole: tuple[str, ...]) -> None:
    """The learning rate is the language model's: LL501 called it too low for LoRA."""
    text = edited(
        CONFIG,
        ("import SupervisedFinetune", "import LLaVAModel"),
        ("type=SupervisedFinetune", "type=LLaVAModel"),
        (
            "    lora=dict(",
            "    visual_encoder=dict(type=CLIPVisionModel.from_pretrained, pretrained_model_name_or_path='openai/clip-vit-base-patch32'),\n"
            f"{frozen}    visual_encoder_lora=dict(",
        ),
        ("import AutoModelForCausalLM", "import CLIPVisionModel, AutoModelForCausalLM"),
        ("lr=2e-4", "lr=2e-5"),
    )
    run = only(read_python(text))
    assert run.training.setup.whole == whole
    found = RUN_CHECKS["LL501"](run, {"max-rate": 5e-5})
    assert [finding.code for finding in found] == ["LL501"] * (not whole)


def test_preferences() -> None:
    text = edited(CONFIG, ("import SupervisedFinetune", "import DPO"), ("type=SupervisedFinetune", "type=DPO"))
    assert only(read_python(text)).training.method == "preference"


def test_a_model_of_one_path() -> None:
    text = """\
        from peft import LoraConfig
        from xtuner.model import InternVL_V1_5
        path = "OpenGVLab/InternVL-Chat-V1-5"
        model = dict(type=InternVL_V1_5, model_path=path, llm_lora=dict(type=LoraConfig, r=128, target_modules=None))
        """
    run = only(read_python(text))
    assert (plain(run.model.name), plain(run.adapter.rank)) == ("OpenGVLab/InternVL-Chat-V1-5", 128)
    assert plain(run.adapter.target_modules) == "all-linear"


def test_a_config_class_of_the_programs_own() -> None:
    own = edited(CONFIG, ("from peft import LoraConfig\n", "class LoraConfig:\n    pass\n"))
    assert read_python(own).runs == ()
