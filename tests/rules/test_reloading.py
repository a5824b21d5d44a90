"""LL607: adapters on another class or another vocabulary; what PEFT does is reproduced with PEFT itself."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
)

from lora_lint.linting import engine
from lora_lint.settings import Settings
from tests.support.programs import found_in

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 64}


@pytest.fixture
def base(tmp_path: Path) -> str:
    LlamaForCausalLM(LlamaConfig(**SIZES)).save_pretrained(tmp_path / "base")
    return str(tmp_path / "base")


@pytest.mark.parametrize(
    ("trained", "loaded", "fits"),
    [
        (AutoModelForCausalLM, AutoModelForCausalLM, True),
        (AutoModelForCausalLM, AutoModelForSequenceClassification, True),
        (AutoModelForCausalLM, AutoModel, False),
        (AutoModel, AutoModelForCausalLM, False),
    ],
)
def test_the_class_decides_the_paths(trained: Any, loaded: Any, fits: bool, base: str, tmp_path: Path) -> None:
    model = get_peft_model(trained.from_pretrained(base), LoraConfig(r=2, target_modules=["q_proj"]))
    for name, each in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.ones_(each)
    model.save_pretrained(tmp_path / "adapter")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = PeftModel.from_pretrained(loaded.from_pretrained(base), tmp_path / "adapter")
    assert any(bool(each.any()) for name, each in again.named_parameters() if "lora_B" in name) is fits
    assert ("LL607" in found_in(program(trained.__name__, loaded.__name__))) is not fits


@pytest.mark.parametrize("settings", [{}, {"modules_to_save": ["embed_tokens", "lm_head"]}])
def test_the_larger_embeddings_are_saved(settings: Any, base: str, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(66)
    config = LoraConfig(r=2, target_modules=["q_proj"], **settings)
    get_peft_model(model, config).save_pretrained(tmp_path / "adapter")
    with pytest.raises(RuntimeError, match="size mismatch"):
        PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "adapter")
    larger = AutoModelForCausalLM.from_pretrained(base)
    larger.resize_token_embeddings(66)
    PeftModel.from_pretrained(larger, tmp_path / "adapter")


def program(trained: str, loaded: str, name: str = "meta-llama/Llama-2-7b-hf", folder: str = "'out/adapter'") -> str:
    return f"""\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import *

def train():
    model = {trained}.from_pretrained("{name}")
    model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj"]))
    Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4)).train()
    model.save_pretrained("out/adapter")

def use():
    return PeftModel.from_pretrained({loaded}.from_pretrained("{name}"), {folder})

train()
print(use())
"""


@pytest.mark.parametrize(
    "text",
    [
        program("AutoModelForCausalLM", "Qwen2Model", "Qwen/Qwen2.5-0.5B"),
        program("AutoModelForSequenceClassification", "AutoModel", "google-bert/bert-base-cased").replace(
            '"q_proj", "v_proj"', '"query"'
        ),
        program("AutoModelForCausalLM", "AutoModelForImageTextToText", "Qwen/Qwen3.5-0.8B"),
        program("AutoModelForCausalLM", "AutoModel", folder="'out/checkpoint-500'"),
        program("AutoModelForCausalLM", "AutoModel", folder='"./out/adapter/"'),
    ],
)
def test_more_that_are_loaded_onto_another_class(text: str) -> None:
    assert "LL607" in found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        program("AutoModelForCausalLM", "LlamaForCausalLM"),
        program("AutoModelForCausalLM", "AutoModel", folder="'me/adapter'"),
        program("AutoModelForCausalLM", "AutoModel", folder="'out/best'"),
        program("AutoModelForCausalLM", "AutoModel", name="me/unheard-of"),
    ],
)
def test_what_fits_or_is_not_known(text: str) -> None:
    assert "LL607" not in found_in(text)


TRAIN = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-2-7b-hf")
tokenizer.add_tokens(["<a>", "<b>"])
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model.resize_token_embeddings(len(tokenizer))
model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"]))
Trainer(model=model, args=TrainingArguments("runs/tools", learning_rate=2e-4)).train()
model.save_pretrained("runs/tools/final")
"""
USE = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("runs/tools/final")
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
{}model = PeftModel.from_pretrained(model, "runs/tools/final")
"""


@pytest.mark.parametrize(("between", "fits"), [("", False), ("model.resize_token_embeddings(len(tokenizer))\n", True)])
def test_two_programs_of_one_folder(between: str, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    (tmp_path / "use.py").write_text(USE.format(between), encoding="utf-8")
    found = [each for each in engine.lint(["."], Settings()).findings if each.code == "LL607"]
    assert [(each.span.path, each.related[0].span.path) for each in found] == ([] if fits else [("use.py", "train.py")])


@pytest.mark.parametrize(
    ("name", "added", "fits"),
    [
        ("meta-llama/Llama-2-7b-hf", "add_special_tokens({'pad_token': '[PAD]'})", False),
        ("meta-llama/Llama-2-7b-hf", "add_special_tokens({'pad_token': '</s>'})", True),
        ("meta-llama/Llama-2-7b-hf", "add_special_tokens({'pad_token': pad})", True),
        ("google/gemma-2-2b", "add_special_tokens({'pad_token': '<pad>'})", True),
    ],
)
def test_a_padding_token_in_a_folder_made_of_parts(
    name: str, added: str, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is written out in one program only. Llama has no token for padding, Gemma has."""
    monkeypatch.chdir(tmp_path)
    train = TRAIN.replace('add_tokens(["<a>", "<b>"])', added).replace("meta-llama/Llama-2-7b-hf", name)
    train = train.replace('"runs/tools/final"', 'base + "/final"').replace(
        "tokenizer =", 'base = "runs/tools"\ntokenizer =', 1
    )
    (tmp_path / "train.py").write_text(train, encoding="utf-8")
    (tmp_path / "use.py").write_text(USE.format("").replace("meta-llama/Llama-2-7b-hf", name), encoding="utf-8")
    found = [each for each in engine.lint(["."], Settings()).findings if each.code == "LL607"]
    assert [each.span.path for each in found] == ([] if fits else ["use.py"])


@pytest.mark.parametrize(
    ("task", "before", "after", "fits"),
    [
        ("SEQ_CLS", ", num_labels=4", ", num_labels=4", True),
        ("SEQ_CLS", ", num_labels=4", "", False),
        ("SEQ_CLS", ", num_labels=4", ", num_labels=3", False),
        ("SEQ_CLS", ", num_labels=2", "", True),
        (None, ", num_labels=4", "", True),
    ],
)
def test_a_saved_head_has_its_number_of_labels(
    task: str | None, before: str, after: str, fits: bool, base: str, tmp_path: Path
) -> None:
    def classifier(labels: str) -> Any:
        given = {"num_labels": int(labels[-1])} if labels else {}
        return AutoModelForSequenceClassification.from_pretrained(base, **given)

    settings = LoraConfig(r=2, target_modules=["q_proj"], task_type=task)
    get_peft_model(classifier(before), settings).save_pretrained(tmp_path / "adapter")
    with nullcontext() if fits else pytest.raises(RuntimeError, match="size mismatch"):
        PeftModel.from_pretrained(classifier(after), tmp_path / "adapter")
    load = 'AutoModelForSequenceClassification.from_pretrained("meta-llama/Llama-2-7b-hf"{})'
    text = (
        "from peft import LoraConfig, PeftModel, get_peft_model\n"
        "from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments\n"
        f"model = {load.format(before)}\n"
        f'model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj"], task_type={task!r}))\n'
        'Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4)).train()\n'
        'model.save_pretrained("out/adapter")\n'
        f'model = PeftModel.from_pretrained({load.format(after)}, "out/adapter")\n'
    )
    assert ("LL607" in found_in(text)) is not fits
    fine_tuned = text.replace("meta-llama/Llama-2-7b-hf", "me/llama-emotion")
    assert after or "LL607" not in found_in(fine_tuned)
