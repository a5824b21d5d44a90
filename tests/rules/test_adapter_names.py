"""LL902: names of adapters; what torch refuses is reproduced with PEFT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

import lora_lint
from tests.support.programs import found_in

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM")
"""
TRAIN = 'Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=rows).train()\n'


@pytest.mark.parametrize(
    ("name", "told"), [("v1.0", True), ("train", True), ("type", True), ("v1_0", False), ("training_1", False)]
)
@pytest.mark.parametrize(
    "call",
    [
        "model = get_peft_model(model, lora, adapter_name={!r})",
        "model = PeftModel.from_pretrained(model, 'saved', adapter_name={!r}, is_trainable=True)",
        "model = get_peft_model(model, lora)\nmodel.load_adapter('saved', {!r})",
        "model = get_peft_model(model, lora)\nmodel.add_adapter({!r}, lora)",
        "model.add_adapter(lora, {!r})",
    ],
)
def test_what_no_adapter_can_be_called(call: str, name: str, told: bool) -> None:
    assert ("LL902" in found_in(HEAD + call.format(name) + "\n" + TRAIN)) is told


@pytest.mark.parametrize("name", ["v1.0", "train", "type", "v1_0", "training_1"])
def test_torch_refuses_these_names(name: str) -> None:
    sizes = dict.fromkeys(("hidden_size", "intermediate_size", "vocab_size"), 16)
    model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, **sizes))
    lora = LoraConfig(r=2, target_modules=["q_proj"])
    if name.endswith(("_0", "_1")):
        assert get_peft_model(model, lora, name).active_adapter == name
    else:
        with pytest.raises(KeyError):
            get_peft_model(model, lora, name)


@pytest.mark.parametrize(
    ("name", "wanted", "told"),
    [
        ("lora", "peft==0.17.1", True),
        ("lora_", "peft<0.18", True),
        ("lora", "peft==0.18.0", False),
        ("lora", "peft>=0.17.1", False),
        ("my_lora", "peft==0.17.1", False),
        ("lora1", "peft==0.17.1", False),
        ("default", "peft==0.17.1", False),
    ],
)
def test_names_that_old_versions_remove_twice(tmp_path: Path, name: str, wanted: str, told: bool) -> None:
    (tmp_path / "requirements.txt").write_text(f"{wanted}\n")
    place = tmp_path / "train.py"
    place.write_text(f"{HEAD}model = get_peft_model(model, lora, adapter_name={name!r})\n{TRAIN}")
    assert ("LL902" in {finding.code for finding in lora_lint.lint(place).findings}) is told
    place.write_text(f"{HEAD}model = PeftModel.from_pretrained(model, 'saved', adapter_name={name!r})\nask(model)\n")
    assert "LL902" not in {finding.code for finding in lora_lint.lint(place).findings}
