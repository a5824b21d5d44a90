"""LL806: adapters in float16; what PEFT and transformers make of them is reproduced with both."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from lora_lint.linting import engine
from lora_lint.settings import Settings
from tests.support.programs import found_in

HEAD = """\
import torch
from accelerate import Accelerator
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments

"""
LOAD = "model = AutoModelForCausalLM.from_pretrained('gpt2', torch_dtype=torch.{})\n"
WRAP = "model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=['c_attn']){})\n"
TRAIN = "Trainer(model=model, args=TrainingArguments('out', learning_rate=2e-4)).train()\n"
LOOP = """\
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
for batch in loader:
    model(**batch).loss.backward()
    optimizer.step()
"""
CONFIG = LoraConfig(r=2, target_modules=["q_proj"])


def llama() -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=64))


def adapter(model: Any) -> list[Any]:
    return [each for name, each in model.named_parameters() if "lora_" in name]


def test_which_adapters_are_float16() -> None:
    integrated = llama().half()
    integrated.add_adapter(CONFIG)
    halved = [
        get_peft_model(llama().half(), CONFIG, autocast_adapter_dtype=False),
        get_peft_model(llama(), CONFIG).half(),
        integrated,
    ]
    assert all(each.dtype == torch.float16 for model in halved for each in adapter(model))
    assert all(each.dtype == torch.float32 for each in adapter(get_peft_model(llama().half(), CONFIG)))


def test_one_step_of_adamw_makes_them_inf() -> None:
    model = get_peft_model(llama().half(), CONFIG, autocast_adapter_dtype=False)
    tokens = torch.arange(16)[None]
    model(input_ids=tokens, labels=tokens).loss.backward()
    torch.optim.AdamW(adapter(model), lr=1e-3).step()
    assert not all(torch.isfinite(each).all() for each in adapter(model))


@pytest.mark.parametrize(
    "program",
    [
        LOAD.format("float32") + WRAP.format("") + "model = model.to(torch.float16)\n" + TRAIN,
        LOAD.format("float32") + WRAP.format("") + "model.to('cuda', dtype=torch.half)\n" + LOOP,
        LOAD.format("half") + WRAP.format(", autocast_adapter_dtype=False") + LOOP,
        LOAD.format("float16")
        + "model = PeftModel.from_pretrained(model, 'a', is_trainable=True, autocast_adapter_dtype=False)\n"
        + TRAIN,
        LOAD.format("float32") + "model = model.half()\n" + WRAP.format(", 'default', False, False") + TRAIN,
    ],
)
def test_more_adapters_in_float16(program: str) -> None:
    assert "LL806" in found_in(HEAD + program)


@pytest.mark.parametrize(
    "program",
    [
        LOAD.format("float16") + WRAP.format("") + "model.to('cuda')\n" + LOOP,
        LOAD.format("float32") + WRAP.format("") + "model.to(torch.bfloat16)\n" + TRAIN,
        LOAD.format("float32") + "model.half()\n" + WRAP.format("") + TRAIN,
        LOAD.format("float32") + WRAP.format("") + "model.half()\nmodel.float()\n" + TRAIN,
        LOAD.format("float16") + WRAP.format(", autocast_adapter_dtype=args.cast") + TRAIN,
        "dtype = torch.float16 if args.half else torch.bfloat16\n"
        + LOAD.replace("torch.{}", "dtype")
        + WRAP.format(", autocast_adapter_dtype=False")
        + TRAIN,
        LOAD.format("float16, quantization_config=BitsAndBytesConfig(load_in_4bit=True)")
        + WRAP.format(", autocast_adapter_dtype=False")
        + TRAIN,
    ],
)
def test_adapters_that_are_wider(program: str) -> None:
    assert "LL806" not in found_in(HEAD + "from mine import parse\nargs = parse()\n" + program)


SWIFT = (
    "model: Qwen/Qwen2.5-7B-Instruct\ntuner_type: lora\nlora_rank: 8\nlora_alpha: 32\ndataset: mine\nlora_dtype: {}\n"
)
AXOLOTL = (
    "base_model: meta-llama/Llama-2-7b-hf\nadapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\n"
    "learning_rate: 0.0002\ndatasets:\n  - path: d.jsonl\n    type: alpaca\npeft_autocast_adapter_dtype: {}\n{}: true\n"
)


@pytest.mark.parametrize(
    ("config", "half"),
    [
        (SWIFT.format("float16"), True),
        (SWIFT.format("bfloat16"), False),
        (AXOLOTL.format("false", "fp16"), True),
        (AXOLOTL.format("false", "bf16"), False),
        (AXOLOTL.format("true", "fp16"), False),
    ],
)
def test_settings_of_frameworks(config: str, half: bool) -> None:
    found = engine.lint_text(config, "config.yaml", Settings()).findings
    spans = [finding.span for finding in found if finding.code == "LL806"]
    assert [config[span.start : span.end] in ("float16", "peft_autocast_adapter_dtype: false") for span in spans] == [
        True
    ] * half
