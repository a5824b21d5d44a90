"""LL601: what PEFT does when an adapter is merged into quantized weights."""

from __future__ import annotations

from typing import Any

import pytest
from peft import LoraConfig, get_peft_model
from peft.tuners.lora.awq import AwqLoraLinear
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers import LlamaConfig, LlamaForCausalLM

from lora_lint.linting import engine
from lora_lint.settings import Settings

HEAD = """\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AwqConfig, EetqConfig, GPTQConfig, HqqConfig, Trainer, TrainingArguments

"""
LOAD = "model = AutoModelForCausalLM.from_pretrained({})\n"
MERGE = "model = PeftModel.from_pretrained(model, 'me/adapter')\nmodel = model.merge_and_unload()\nmodel.save_pretrained('m')\n"
WRAP = (
    "model = get_peft_model(model, LoraConfig(r=8))\nTrainer(model=model).train()\nmerged = model.merge_and_unload()\n"
)


def test_peft_merges_into_neither() -> None:
    sizes: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    model = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2, vocab_size=32))
    model.quantization_method = "gptq"
    wrapped = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    with pytest.raises(ValueError, match="Cannot merge LORA layers when the model is gptq quantized"):
        wrapped.merge_and_unload()
    assert AwqLoraLinear.merge is BaseTunerLayer.merge
    with pytest.raises(NotImplementedError):
        BaseTunerLayer().merge()


def levels(program: str) -> list[str | None]:
    found = engine.lint_text(HEAD + program, "merge.py", Settings()).findings
    return [finding.level for finding in found if finding.code == "LL601"]


@pytest.mark.parametrize(
    ("program", "level"),
    [
        (LOAD.format("'TheBloke/Mistral-7B-v0.1-GPTQ'") + MERGE, "error"),
        (LOAD.format("'Qwen/Qwen2.5-7B-Instruct-AWQ'") + WRAP, "error"),
        (LOAD.format("'gpt2', quantization_config=GPTQConfig(bits=4)") + WRAP, "error"),
        (LOAD.format("'gpt2', quantization_config=EetqConfig('int8')") + MERGE, "error"),
        (LOAD.format("'gpt2', quantization_config=HqqConfig(nbits=4)") + MERGE, "warning"),
        (LOAD.format("'gpt2', load_in_4bit=True") + MERGE, "warning"),
        (LOAD.format("'gpt2'") + MERGE, None),
        (LOAD.format("name()") + MERGE, None),
        (LOAD.format("'TheBloke/Mistral-7B-v0.1-GPTQ'") + MERGE.replace("merge_and_unload", "unload"), None),
    ],
)
def test_merges(program: str, level: str | None) -> None:
    assert levels("from mine import name\n" + program) == ([] if level is None else [level])
