"""What PEFT itself does, silently or loudly, with targets that ruin a run; and that lora-lint tells it from the text.

Each case is a program. Its `LoraConfig(…)` is put on a tiny model of the same type, so that it shows when PEFT changes
its mind; the program as it stands, with a real model's name, is linted without loading anything.
"""

from __future__ import annotations

import ast
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import datasets
import peft
import pytest
import torch
import transformers
import trl
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Finding

SEVEN = '["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]'
_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "moe_intermediate_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "vocab_size": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_NOT_ABOUT_TARGETS = "is_gradient_checkpointing|pattern keys did not match"
"""Warnings that PEFT and transformers give on models that are configured right, too."""


class Wrapped(NamedTuple):
    """What PEFT made of a config: paths that have LoRA, other trainable parameters, and what it warned of."""

    adapted: tuple[str, ...]
    others: tuple[str, ...]
    warnings: tuple[str, ...]
    model: Any

    def leaves(self) -> set[str]:
        return {path.rpartition(".")[2] for path in self.adapted}


@cache
def base_config(model_type: str) -> Any:
    config = transformers.AutoConfig.for_model(model_type)
    for part in (config, getattr(config, "text_config", None), getattr(config, "vision_config", None)):
        for name, value in _SIZES.items() if part is not None else ():
            if hasattr(part, name) and not (part is not config and name.endswith("token_id")):
                setattr(part, name, value)
        if part is not None and isinstance(vars(part).get("layer_types"), list):  # of some types it is computed
            part.layer_types = part.layer_types[: _SIZES["num_hidden_layers"]]
    return config


def wrap(model_type: str, settings: str, loader: str = "AutoModelForCausalLM") -> Wrapped:
    """PEFT's own answer for `LoraConfig(settings)` on a tiny model. Raises what PEFT raises."""
    call = ast.parse(f"f({settings})", mode="eval").body
    assert isinstance(call, ast.Call)
    config = peft.LoraConfig(**{str(word.arg): ast.literal_eval(word.value) for word in call.keywords})
    with torch.device("meta"):
        model = getattr(transformers, loader).from_config(base_config(model_type))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        wrapped = peft.get_peft_model(model, config)
    told = [str(each.message) for each in caught]
    names = [name for name, each in wrapped.named_parameters() if each.requires_grad]
    adapted = {name.partition(".lora_")[0].removesuffix(".base_layer") for name in names if ".lora_" in name}
    return Wrapped(
        tuple(sorted(path.removeprefix("base_model.model.") for path in adapted)),
        tuple(name.removeprefix("base_model.model.") for name in names if ".lora_" not in name),
        tuple(text for text in told if not any(word in text for word in _NOT_ABOUT_TARGETS.split("|"))),
        wrapped,
    )


def lint(model: str, settings: str, loader: str = "AutoModelForCausalLM") -> list[Finding]:
    """What lora-lint says of a program with these settings."""
    text = (
        "from peft import LoraConfig, get_peft_model\n"
        f"from transformers import {loader}\n"
        f'model = {loader}.from_pretrained("{model}")\n'
        f"model = get_peft_model(model, LoraConfig({settings}))\n"
    )
    return list(engine.lint_text(text.encode(), "train.py", Settings(confidence="possible")).findings)


def told(code: str, model: str, settings: str, loader: str = "AutoModelForCausalLM") -> str:
    """The message of the one finding of a rule."""
    found = [finding for finding in lint(model, settings, loader) if finding.code == code]
    assert len(found) == 1, found
    return found[0].message


def silent(code: str, model: str, settings: str, loader: str = "AutoModelForCausalLM") -> None:
    assert code not in [finding.code for finding in lint(model, settings, loader)]


# Silent


def test_a_partial_match() -> None:
    settings = f'r=8, target_modules={SEVEN}, task_type="CAUSAL_LM"'
    made = wrap("phi3", settings)
    assert made.leaves() == {"o_proj", "down_proj"}
    assert made.warnings == ()
    assert "PEFT adapts only `o_proj` and `down_proj`" in told("LL202", "microsoft/Phi-3-mini-4k-instruct", settings)


@pytest.mark.parametrize(
    ("model_type", "model", "adapted"),
    [
        ("glm4", "zai-org/GLM-4-9B-0414", {"q_proj", "k_proj", "v_proj", "o_proj", "down_proj"}),
        ("gpt_oss", "openai/gpt-oss-20b", {"q_proj", "k_proj", "v_proj", "o_proj"}),
        ("mixtral", "mistralai/Mixtral-8x7B-v0.1", {"q_proj", "k_proj", "v_proj", "o_proj"}),
    ],
)
def test_llamas_names_on_other_families(model_type: str, model: str, adapted: set[str]) -> None:
    settings = f'r=8, target_modules={SEVEN}, task_type="CAUSAL_LM"'
    made = wrap(model_type, settings)
    assert made.leaves() == adapted
    assert made.warnings == ()
    assert "PEFT adapts only" in told("LL202", model, settings)


def test_deepseek_keeps_one_projection_of_its_attention_and_no_dense_layer() -> None:
    made = wrap("deepseek_v3", f"r=8, target_modules={SEVEN}")
    assert made.leaves() == {"o_proj", "experts"}
    assert made.warnings == ()
    found = {finding.code for finding in lint("deepseek-ai/DeepSeek-V3", f"r=8, target_modules={SEVEN}")}
    assert "LL202" in found


def test_experts_that_are_parameters_are_not_reached() -> None:
    settings = f'r=8, target_modules={SEVEN}, task_type="CAUSAL_LM"'
    made = wrap("qwen2_moe", settings)
    assert any("shared_expert." in path for path in made.adapted)
    assert not any(path.endswith("experts") for path in made.adapted)
    assert made.warnings == ()
    assert "matches no expert" in told("LL206", "Qwen/Qwen1.5-MoE-A2.7B", settings)


@pytest.mark.parametrize(("model_type", "model"), [("gpt_oss", "openai/gpt-oss-20b")])
def test_all_linear_is_attention_alone(model_type: str, model: str) -> None:
    settings = 'r=8, target_modules="all-linear", task_type="CAUSAL_LM"'
    made = wrap(model_type, settings)
    assert made.leaves() == {"q_proj", "k_proj", "v_proj", "o_proj"}
    assert made.warnings == ()
    assert "matches no expert" in told("LL206", model, settings)
    both = f'{settings}, target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]'
    assert "experts" in wrap(model_type, both).leaves()
    silent("LL206", model, both)


@pytest.mark.parametrize(
    ("model_type", "model"),
    [("qwen3_moe", "Qwen/Qwen3-30B-A3B"), ("olmoe", "allenai/OLMoE-1B-7B-0924")],
)
def test_names_of_experts_that_peft_translates(model_type: str, model: str) -> None:
    settings = f'r=8, target_modules={SEVEN}, task_type="CAUSAL_LM"'
    assert "experts" in wrap(model_type, settings).leaves()
    silent("LL202", model, settings)
    silent("LL206", model, settings)


@pytest.mark.parametrize(
    ("model_type", "model"),
    [("qwen3_moe", "Qwen/Qwen3-30B-A3B"), ("mixtral", "mistralai/Mixtral-8x7B-v0.1")],
)
def test_all_linear_adapts_the_router_and_cannot_be_kept_from_it(model_type: str, model: str) -> None:
    settings = 'r=8, target_modules="all-linear", exclude_modules=["gate"], task_type="CAUSAL_LM"'
    made = wrap(model_type, settings)
    assert "gate" in made.leaves()
    assert made.warnings == ()
    assert "adapts the routers" in told("LL215", model, settings)


def test_all_linear_leaves_deepseeks_dense_layers_out() -> None:
    settings = 'r=8, target_modules="all-linear", task_type="CAUSAL_LM"'
    made = wrap("deepseek_v3", settings)
    assert not any(path.startswith("model.layers.0.mlp") for path in made.adapted)
    assert any(path.startswith("model.layers.1.mlp") for path in made.adapted)
    assert made.warnings == ()
    assert "In 3 of the 61 layers" in told("LL214", "deepseek-ai/DeepSeek-V3", settings)


def test_hybrid_models_have_attention_in_some_layers() -> None:
    settings = 'r=8, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM"'
    made = wrap("qwen3_next", settings)
    assert {path.split(".")[2] for path in made.adapted} == {"3"}
    assert made.warnings == ()
    message = told("LL214", "Qwen/Qwen3-Next-80B-A3B-Instruct", settings)
    assert "match in 12 of the 48 layers" in message
    assert "`linear_attn`" in message


def test_a_regex_or_the_shorthand_in_a_list_is_dead() -> None:
    model = "meta-llama/Llama-2-7b-hf"
    for code, entry in (("LL203", ".*k_proj"), ("LL204", "all-linear")):
        made = wrap("llama", f'r=8, target_modules=["q_proj", "{entry}"]')
        assert made.leaves() == {"q_proj"}
        assert made.warnings == ()
        assert told(code, model, f'r=8, target_modules=["q_proj", "{entry}"]')


def test_a_string_is_matched_with_the_whole_path() -> None:
    with pytest.raises(ValueError, match="not found in the base model"):
        wrap("llama", 'r=8, target_modules="q_proj"')
    assert wrap("llama", r'r=8, target_modules=r".*\.q_proj"').leaves() == {"q_proj"}
    assert "regular expression for the whole path" in told(
        "LL201", "meta-llama/Llama-2-7b-hf", 'r=8, target_modules="q_proj"'
    )


def test_modules_to_save_that_are_not_there() -> None:
    settings = 'r=8, target_modules=["query_key_value"], modules_to_save=["embed_tokens"]'
    made = wrap("gpt_neox", settings)
    assert made.others == ()
    assert made.warnings == ()
    assert "is not a module of EleutherAI/pythia-1b" in told("LL211", "EleutherAI/pythia-1b", settings)


def test_a_name_in_both_lists_loses_its_lora() -> None:
    settings = 'r=8, target_modules=["q_proj", "lm_head"], modules_to_save=["lm_head"]'
    made = wrap("llama", settings)
    assert made.leaves() == {"q_proj"}
    assert made.others == ("lm_head.modules_to_save.default.weight",)
    assert made.warnings == ()
    assert "drops the LoRA" in told("LL212", "meta-llama/Llama-2-7b-hf", settings)


def test_the_task_type_saves_the_head_too() -> None:
    settings = 'r=8, target_modules=["q_proj", "score"], task_type="SEQ_CLS"'
    loader = "AutoModelForSequenceClassification"
    made = wrap("llama", settings, loader)
    assert made.leaves() == {"q_proj"}
    assert made.others == ("score.modules_to_save.default.weight",)
    assert "by the task type SEQ_CLS" in told("LL212", "meta-llama/Llama-2-7b-hf", settings, loader)


def test_a_head_among_the_targets_takes_its_base_weights_into_the_checkpoint() -> None:
    made = wrap("llama", 'r=8, target_modules=["q_proj", "lm_head"]')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saved = peft.get_peft_model_state_dict(made.model)
    assert [name for name in saved if "lora_" not in name] == ["base_model.model.lm_head.base_layer.weight"]
    assert made.warnings == ()
    assert "with every checkpoint" in told(
        "LL209", "meta-llama/Llama-2-7b-hf", 'r=8, target_modules=["q_proj", "lm_head"]'
    )


def test_layers_that_are_not_there() -> None:
    settings = 'r=8, target_modules=["q_proj"], layers_to_transform=[1, 2, 99, -1]'
    made = wrap("llama", settings)
    assert {path.split(".")[2] for path in made.adapted} == {"1", "2"}
    assert made.warnings == ()
    assert "names layers -1, 99" in told("LL210", "meta-llama/Llama-2-7b-hf", settings)


def test_a_whole_path_bypasses_the_layers() -> None:
    settings = 'r=8, target_modules=["model.layers.0.self_attn.q_proj", "v_proj"], layers_to_transform=[2]'
    made = wrap("llama", settings)
    assert made.adapted == ("model.layers.0.self_attn.q_proj", "model.layers.2.self_attn.v_proj")
    assert made.warnings == ()
    assert "is a whole path" in told("LL210", "meta-llama/Llama-2-7b-hf", settings)


def test_alphas_dropouts_and_ranks_without_sense_are_accepted() -> None:
    model = "Qwen/Qwen2.5-0.5B"
    for settings in ("lora_alpha=0", "lora_alpha=-16", "lora_dropout=1.0"):
        assert wrap("qwen2", f'r=8, target_modules=["q_proj"], {settings}').warnings == ()
        assert told("LL105", model, f'r=8, target_modules=["q_proj"], {settings}')
    made = wrap("qwen2", 'r=512, target_modules=["k_proj"]')
    weight = made.model.get_parameter("base_model.model.model.layers.0.self_attn.k_proj.lora_B.default.weight")
    assert tuple(weight.shape) == (16, 512)
    assert made.warnings == ()
    assert "can use" in told("LL302", model, 'r=512, target_modules=["k_proj"]')


def test_a_rank_pattern_changes_the_scale() -> None:
    settings = 'r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj": 32}'
    made = wrap("llama", settings)
    attention = made.model.get_submodule("base_model.model.model.layers.0.self_attn")
    assert attention.q_proj.scaling == {"default": 0.5}
    assert attention.v_proj.scaling == {"default": 2.0}
    assert made.warnings == ()
    assert "the scale is 2 at r=8 but 0.5" in told("LL106", "meta-llama/Llama-2-7b-hf", settings)


@pytest.mark.parametrize("targets", ['["q_proj", "v_proj"]', '"all-linear"'])
def test_plain_names_reach_the_vision_tower(targets: str) -> None:
    settings = f'r=8, target_modules={targets}, task_type="CAUSAL_LM"'
    made = wrap("gemma3", settings, "AutoModelForImageTextToText")
    assert any("vision_tower" in path for path in made.adapted)
    assert any("language_model" in path for path in made.adapted)
    assert made.warnings == ()
    message = told("LL208", "google/gemma-3-4b-it", settings, "AutoModelForImageTextToText")
    assert "of `vision_tower`" in message
    excluded = rf'{settings}, exclude_modules=r".*vision_tower\..*"'
    assert not any("vision_tower" in path for path in wrap("gemma3", excluded, "AutoModelForImageTextToText").adapted)
    silent("LL208", "google/gemma-3-4b-it", excluded, "AutoModelForImageTextToText")


# Loud, but only once the model is there


def test_nothing_matches() -> None:
    with pytest.raises(ValueError, match="not found in the base model"):
        wrap("gpt2", 'r=8, target_modules=["q_proj"]')
    assert "PEFT raises a ValueError" in told("LL201", "gpt2", 'r=8, target_modules=["q_proj"]')


def test_no_default_for_the_type() -> None:
    with pytest.raises(ValueError, match="Please specify `target_modules`"):
        wrap("olmo2", "r=8")
    assert "no default for olmo2" in told("LL205", "allenai/OLMo-2-1124-7B", "r=8")


@pytest.mark.parametrize(
    ("model_type", "model", "settings"),
    [
        ("qwen3_moe", "Qwen/Qwen3-30B-A3B", f"r=8, lora_dropout=0.1, target_modules={SEVEN}"),
        ("qwen3_moe", "Qwen/Qwen3-30B-A3B", 'r=8, lora_dropout=0.1, target_modules="all-linear"'),
        ("olmoe", "allenai/OLMoE-1B-7B-0924", f"r=8, lora_dropout=0.1, target_modules={SEVEN}"),
        ("gpt_oss", "openai/gpt-oss-20b",
         'r=8, lora_dropout=0.1, target_modules=["q_proj"], target_parameters=["mlp.experts.down_proj"]'),
    ],
)  # fmt: skip
def test_experts_take_no_dropout(model_type: str, model: str, settings: str) -> None:
    with pytest.raises(ValueError, match="lora_dropout"):
        wrap(model_type, settings)
    assert "which LoRA adapts only without dropout" in told("LL207", model, settings)
    silent("LL207", model, settings.replace("lora_dropout=0.1, ", ""))


@pytest.mark.parametrize(
    ("model_type", "model", "targets", "message", "said"),
    [
        ("llama", "meta-llama/Llama-2-7b-hf", ["q_proj", "input_layernorm"], "is not supported. Currently, only",
         "cannot adapt `model.layers.0.input_layernorm` of meta-llama/Llama-2-7b-hf (llama), a LlamaRMSNorm"),
        ("llama", "meta-llama/Llama-2-7b-hf", ["self_attn"], "is not supported. Currently, only",
         "Name `q_proj`, `k_proj`, `v_proj` and `o_proj`"),
        ("llama", "meta-llama/Llama-2-7b-hf", r".*\.layers\.\d+\..*", "is not supported. Currently, only", "LlamaAttention"),
        ("mamba", "state-spaces/mamba-130m-hf", ["in_proj", "out_proj"], "incompatible with Mamba", "matches `out_proj`"),
        ("mamba", "state-spaces/mamba-130m-hf", ["in_proj", "conv1d"], "incompatible with Mamba", "matches `conv1d`"),
        ("falcon_h1", "tiiuae/Falcon-H1-0.5B-Base", "all-linear", "incompatible with Mamba", "Name `gate_proj`, `up_proj`"),
    ],
)  # fmt: skip
def test_layers_that_peft_refuses(
    model_type: str, model: str, targets: list[str] | str, message: str, said: str
) -> None:
    settings = f"r=8, target_modules={targets!r}"
    with pytest.raises(ValueError, match=message):
        wrap(model_type, settings)
    assert said in told("LL216", model, settings)


def test_wrapped_layers_in_the_towers_of_gemma_4() -> None:
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**sizes, "num_key_value_heads": 2, "head_dim": 16}
    text = {**sizes, "num_key_value_heads": 1, "vocab_size": 64, "hidden_size_per_layer_input": 0}
    config = transformers.AutoConfig.for_model("gemma4", text_config=text, vision_config=vision)
    with torch.device("meta"):
        first, second = (transformers.AutoModelForImageTextToText.from_config(config) for _ in range(2))
    targets, towers = ["q_proj", "v_proj"], r".*(vision_tower|audio_tower)\..*"
    with pytest.raises(ValueError, match=r"(?s)Target module Gemma4ClippableLinear.*is not supported"):
        peft.get_peft_model(first, peft.LoraConfig(target_modules=targets))
    assert peft.get_peft_model(second, peft.LoraConfig(target_modules=targets, exclude_modules=towers))
    model, settings = "google/gemma-4-E4B-it", f"r=8, target_modules={targets}"
    assert f'`exclude_modules=r"{towers}"`' in told("LL216", model, settings, "AutoModelForImageTextToText")
    silent("LL208", model, settings, "AutoModelForImageTextToText")
    silent("LL216", model, f"{settings}, exclude_modules={towers!r}", "AutoModelForImageTextToText")


@pytest.mark.parametrize(
    ("model_type", "model", "settings", "loader"),
    [
        ("opt", "facebook/opt-1.3b", 'r=8, target_modules=["q_proj", "embed_positions"]', "AutoModelForCausalLM"),
        ("llama", "meta-llama/Llama-2-7b-hf", 'r=8, target_modules=["q_proj"], modules_to_save=["input_layernorm"]',
         "AutoModelForCausalLM"),
        ("opt", "facebook/opt-1.3b", 'r=8, target_modules=["q_proj", "out_proj"]', "AutoModelForCausalLM"),
    ],
)  # fmt: skip
def test_layers_that_peft_takes(model_type: str, model: str, settings: str, loader: str) -> None:
    assert wrap(model_type, settings, loader).adapted
    silent("LL216", model, settings, loader)


def _supervised(model: Any, targets: list[str], folder: Path) -> trl.SFTTrainer:
    words = Tokenizer(WordLevel({"a": 0, "b": 1, "<e>": 2}, unk_token="a"))
    words.pre_tokenizer = Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<e>", pad_token="<e>")
    return trl.SFTTrainer(
        model,
        args=trl.SFTConfig(str(folder), report_to="none", use_cpu=True, bf16=False),
        train_dataset=datasets.Dataset.from_dict({"text": ["a b"] * 4}),
        processing_class=tokenizer,
        peft_config=peft.LoraConfig(r=4, target_modules=targets),
    )


def test_a_config_beside_the_wrapped_model_and_beside_its_base(tmp_path: Path) -> None:
    base = transformers.AutoModelForCausalLM.from_config(base_config("llama"))
    wrapped = peft.get_peft_model(base, peft.LoraConfig(r=4, target_modules=["q_proj"]))
    with pytest.raises(ValueError, match="You passed a `PeftModel` instance together with a `peft_config`"):
        _supervised(wrapped, ["q_proj"], tmp_path)
    with pytest.warns(UserWarning, match="a second time"):
        trainer = _supervised(base, ["q_proj"], tmp_path)
    assert [name for name, each in trainer.model.named_parameters() if each.requires_grad and "lora_A" in name]
    text = (
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
        "from trl import SFTTrainer\n"
        'base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")\n'
        'config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"])\n'
        "wrapped = get_peft_model(base, config)\nSFTTrainer({}, train_dataset=[], peft_config=config).train()\n"
    )
    for given, expected in (("wrapped", True), ("base", False)):
        found = engine.lint_text(text.format(given).encode(), "train.py", Settings()).findings
        assert ("LL412" in {finding.code for finding in found}) is expected


def test_a_head_among_the_targets_of_a_supervised_trainer(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="adapter to `lm_head` is not supported"):
        base = transformers.AutoModelForCausalLM.from_config(base_config("llama"))
        _supervised(base, ["q_proj", "lm_head"], tmp_path)
    text = (
        "from peft import LoraConfig\nfrom trl import SFTConfig, SFTTrainer\n"
        'SFTTrainer("meta-llama/Llama-2-7b-hf", args=SFTConfig("out", learning_rate=2e-4), train_dataset=[],\n'
        '    peft_config=LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "lm_head"])).train()\n'
    )
    found = engine.lint_text(text.encode(), "train.py", Settings()).findings
    assert "LL412" in {finding.code for finding in found}
