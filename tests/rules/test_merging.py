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
from transformers import AutoModelForCausalLM, AwqConfig, EetqConfig, GPTQConfig, HqqConfig, TorchAoConfig
from transformers import Trainer, TrainingArguments

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
        (LOAD.format("'gpt2', quantization_config=TorchAoConfig('int8_weight_only')") + MERGE, "warning"),
        (LOAD.format("'gpt2', load_in_4bit=True") + MERGE, "warning"),
        (LOAD.format("'gpt2', load_in_4bit=True") + "model.dequantize()\n" + MERGE, None),
        (LOAD.format("'gpt2', load_in_4bit=True") + "model = dequantize_model(model)\n" + MERGE, None),
        (LOAD.format("'gpt2'") + MERGE, None),
        (LOAD.format("name()") + MERGE, None),
        (LOAD.format("'TheBloke/Mistral-7B-v0.1-GPTQ'") + MERGE.replace("merge_and_unload", "unload"), None),
    ],
)
def test_merges(program: str, level: str | None) -> None:
    assert levels("from mine import name\n" + program) == ([] if level is None else [level])


@pytest.mark.parametrize(
    ("base", "options", "rounded"),
    [
        ("mlx-community/Mistral-7B-Instruct-v0.3-4bit", "", True),
        ("mlx-community/Qwen3-8B-8bit", "--save-path m", True),
        ("mlx-community/Mistral-7B-Instruct-v0.3-4bit", "--dequantize", False),
        ("mlx-community/Mistral-7B-Instruct-v0.3-4bit", "--de-quantize", False),
        ("mlx-community/Mistral-7B-Instruct-v0.3-bf16", "", False),
    ],
)
@pytest.mark.parametrize("fuse", ["mlx_lm.fuse", "python -m mlx_lm fuse"])
def test_mlx_fuses_into_quantized_weights(base: str, options: str, rounded: bool, fuse: str) -> None:
    train = f"mlx_lm.lora --model {base} --train --data d --adapter-path ad\n"
    script = (
        f"{train}{fuse} --model {base} --adapter-path ad {options}\nmlx_lm.generate --model {base} --adapter-path ad\n"
    )
    found = engine.lint_text(script, "run.sh", Settings()).findings
    assert [script[each.span.start : each.span.end] for each in found if each.code == "LL601"] == ["ad"] * rounded


TRAINER = (
    "from trl import SFTTrainer\n"
    "trainer = SFTTrainer(model=model, train_dataset=data, peft_config=LoraConfig(r=8))\ntrainer.train()\n"
)


@pytest.mark.parametrize(
    ("merge", "merges"),
    [("model.merge_and_unload()", False), ("trainer.model.merge_and_unload()", True)],
)
def test_a_trainer_wraps_the_model_for_itself(merge: str, merges: bool) -> None:
    program = LOAD.format("'gpt2', load_in_4bit=True") + TRAINER + f"model = {merge}\nmodel.save_pretrained('m')\n"
    assert levels(program) == ["warning"] * merges


UNSLOTH = """\
from unsloth import FastLanguageModel
from transformers import TrainingArguments
from trl import SFTTrainer

model, tokenizer = FastLanguageModel.from_pretrained(model_name="unsloth/Meta-Llama-3.1-8B-Instruct"{})
model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16)
SFTTrainer(model=model, train_dataset=data, args=TrainingArguments("out", learning_rate=2e-4)).train()
{}
"""


@pytest.mark.parametrize(
    ("loading", "saving", "told"),
    [
        ("", "model = model.merge_and_unload()", True),
        (", load_in_4bit=False", "model = model.merge_and_unload()", False),
        ("", "model.save_pretrained_merged('out', tokenizer, save_method='merged_16bit')", False),
    ],
)
def test_unsloth_merges_into_16_bits_where_it_saves(loading: str, saving: str, told: bool) -> None:
    source = UNSLOTH.format(loading, saving)
    found = [
        each for each in engine.lint_text(source.encode(), "train.py", Settings()).findings if each.code == "LL601"
    ]
    assert len(found) == told
    assert all("`save_pretrained_merged(" in each.message and each.confidence == "certain" for each in found)
