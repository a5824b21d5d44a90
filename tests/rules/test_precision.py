"""LL806: adapters in float16 and models that overflow in it; what PEFT and transformers make of them is reproduced with both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

from lora_lint.linting import engine
from lora_lint.settings import Settings
from tests.support.programs import found_in

if TYPE_CHECKING:
    from pathlib import Path

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


def t5() -> Any:
    torch.manual_seed(0)
    sizes = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 32}
    return T5ForConditionalGeneration(T5Config(**sizes, decoder_start_token_id=0, dropout_rate=0.0))


def test_autocast_undoes_what_keeps_t5_within_float16(tmp_path: Path) -> None:
    whole = t5()
    with torch.no_grad():
        whole.encoder.block[0].layer[-1].DenseReluDense.wo.weight.mul_(1e6)
    whole.save_pretrained(tmp_path)
    tokens = torch.arange(8)[None]
    loaded = T5ForConditionalGeneration.from_pretrained(tmp_path, dtype=torch.float16)
    block = loaded.encoder.block[0].layer
    assert (block[-1].DenseReluDense.wo.weight.dtype, block[0].SelfAttention.q.weight.dtype) == (
        torch.float32,
        torch.float16,
    )
    assert torch.isfinite(whole(input_ids=tokens, labels=tokens).loss)
    with torch.autocast("cpu", torch.float16):
        assert not torch.isfinite(whole(input_ids=tokens, labels=tokens).loss)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.isfinite(whole(input_ids=tokens, labels=tokens).loss)


GEMMA = LOAD.replace("gpt2", "google/gemma-3-1b-it") + WRAP.format("").replace("c_attn", "q_proj")
T5 = LOAD.replace("gpt2", "{}").replace("CausalLM", "Seq2SeqLM").replace(", torch_dtype=torch.{}", "") + WRAP.format(
    ""
).replace("c_attn", "q")
HALF = TRAIN.replace("2e-4", "2e-4, fp16=True")


@pytest.mark.parametrize(
    ("program", "overflows"),
    [
        (GEMMA.format("float16") + LOOP, True),
        (GEMMA.format("bfloat16") + HALF, True),
        (GEMMA.format("bfloat16") + TRAIN, False),
        (T5.format("google/flan-t5-base") + HALF, True),
        (T5.format("google/mt5-large") + "half = True\n" + HALF.replace("=True", "=half"), True),
        (T5.format("google/flan-t5-base") + TRAIN, False),
        (T5.format("google/flan-t5-small") + HALF, False),
        (T5.format("Salesforce/codet5-base") + HALF, False),
        (T5.format("google/flan-t5-base") + HALF.replace("=True", "=not torch.cuda.is_bf16_supported()"), False),
        (LOAD.format("float16") + WRAP.format("") + HALF, False),
    ],
)
def test_models_that_overflow(program: str, overflows: bool) -> None:
    head = HEAD.replace("import AutoModelForCausalLM,", "import AutoModelForCausalLM, AutoModelForSeq2SeqLM,")
    assert ("LL806" in found_in(head + program)) == overflows


def test_unsloth_computes_them_in_float32() -> None:
    assert "LL806" not in found_in(
        "import torch\nfrom transformers import TrainingArguments\nfrom trl import SFTTrainer\n"
        "from unsloth import FastLanguageModel\n"
        "model, tok = FastLanguageModel.from_pretrained('unsloth/gemma-3-1b-it', dtype=torch.float16)\n"
        "model = FastLanguageModel.get_peft_model(model, r=8, lora_alpha=16, target_modules=['q_proj'])\n"
        "SFTTrainer(model=model, args=TrainingArguments('out', learning_rate=2e-4, fp16=True)).train()\n"
    )


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
        (AXOLOTL.format("true", "fp16").replace("meta-llama/Llama-2-7b-hf", "google/gemma-3-4b-it"), True),
        (SWIFT.format("float32").replace("Qwen/Qwen2.5-7B-Instruct", "openai/gpt-oss-20b") + "fp16: true\n", True),
    ],
)
def test_settings_of_frameworks(config: str, half: bool) -> None:
    found = engine.lint_text(config, "config.yaml", Settings()).findings
    spans = [finding.span for finding in found if finding.code == "LL806"]
    assert [
        config[span.start : span.end] in ("float16", "peft_autocast_adapter_dtype: false", "true") for span in spans
    ] == [True] * half


PIPE = (
    "output_dir = 'o'\ndataset = 'd.toml'\nepochs = 9\nmicro_batch_size_per_gpu = 1\n[model]\ntype = 'wan'\n"
    "ckpt_path = 'w'\ndtype = 'bfloat16'\n[adapter]\ntype = 'lora'\nrank = 32\ndtype = '{}'\n"
    "[optimizer]\ntype = 'adamw_optimi'\nlr = 2e-5\n"
)
ONE = '{{"training_method": "LORA", "base_model_name": "a/sd", "lora_rank": 16, "lora_alpha": 16.0, {}}}'
FLUX = "flux_train_network.py --pretrained_model_name_or_path {} --network_module networks.lora_flux --network_dim 8"


@pytest.mark.parametrize(
    ("name", "text", "half"),
    [
        ("a.toml", PIPE.format("float16"), True),
        ("a.toml", PIPE.format("bfloat16"), False),
        ("a.json", ONE.format('"lora_weight_dtype": "FLOAT_16"'), True),
        ("a.json", ONE.format('"lora_weight_dtype": "BFLOAT_16"'), False),
        ("a.json", ONE.format('"weight_dtype": "FLOAT_16"'), False),
        (
            "a.sh",
            f"accelerate launch {FLUX.format('/m/flux1-dev.sft')} --network_alpha 8 --mixed_precision fp16\n",
            True,
        ),
        (
            "a.sh",
            f"accelerate launch {FLUX.format('/m/flux1-dev.sft')} --network_alpha 8 --mixed_precision bf16\n",
            False,
        ),
        ("a.sh", f"python {FLUX.format('/m/chroma.sft')} --network_alpha 8 --mixed_precision fp16 --full_fp16\n", True),
        ("a.sh", f"python {FLUX.format('/m/chroma.sft')} --network_alpha 8 --mixed_precision fp16\n", False),
    ],
)
def test_image_trainers(name: str, text: str, half: bool) -> None:
    found = engine.lint_text(text, name, Settings()).findings
    assert ("LL806" in {finding.code for finding in found}) == half
