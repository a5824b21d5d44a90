"""LL206-LL209 and LL213-LL215 on runs made by hand, and what of a program they rest on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.finding import Add, Fix, Write
from lora_lint.frameworks import registry
from lora_lint.records import replace
from lora_lint.run.events import Fragments, Freeze, Resize, Wrap
from lora_lint.run.run import Run, Training
from lora_lint.run.values import Unknown
from tests.rules.test_targets import LLAMA, SEVEN, on
from tests.support.reading import IMPORTS, only, read_python
from tests.support.runs import at, check, cli, default, either, lit, one, run

if TYPE_CHECKING:
    from pathlib import Path

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
OSS = "openai/gpt-oss-20b"
QWEN2_MOE = "Qwen/Qwen1.5-MoE-A2.7B"
QWEN3_MOE = "Qwen/Qwen3-30B-A3B"
MIXTRAL = "mistralai/Mixtral-8x7B-v0.1"
DEEPSEEK = "deepseek-ai/DeepSeek-V3"
SHARED = tuple(f"shared_experts.{name}_proj" for name in ("gate", "up", "down"))
HALF_DENSE = {
    "model_type": "deepseek_v3", "hidden_size": 64, "intermediate_size": 128, "moe_intermediate_size": 32,
    "num_hidden_layers": 6, "first_k_dense_replace": 3, "num_attention_heads": 4, "num_key_value_heads": 4,
    "n_routed_experts": 4, "n_shared_experts": 1, "q_lora_rank": 16, "kv_lora_rank": 8, "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8, "v_head_dim": 8, "vocab_size": 100,
}  # fmt: skip
NEXT = "Qwen/Qwen3-Next-80B-A3B-Instruct"
GEMMA3 = "google/gemma-3-4b-it"
VLM = "AutoModelForImageTextToText"
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")


def values(fix: Fix | None) -> list[Any]:
    """What the changes of a fix write."""
    assert fix is not None
    return [change.value for change in fix.changes if isinstance(change, (Add, Write))]


class TestMoeExpertsNotAdapted:
    def test_message_and_fix(self) -> None:
        found = one("LL206", on(QWEN2_MOE, SEVEN, target_parameters=default(None), dropout=lit(0.05, 120)))
        assert "matches no expert of Qwen/Qwen1.5-MoE-A2.7B (qwen2_moe)" in found.message
        assert "which hold 87% of the model" in found.message
        assert found.confidence == "likely"
        assert values(found.fix) == [EXPERTS, 0.0]

    def test_in_the_words_of_the_framework(self) -> None:
        keys = {"target_parameters": "lora_target_parameters", "dropout": "lora_dropout"}
        assert "Add `lora_target_parameters=[" in one("LL206", on(QWEN2_MOE, SEVEN, keys=keys)).message

    def test_a_known_version_is_certain(self) -> None:
        assert one("LL206", on(QWEN2_MOE, SEVEN, base={"transformers": "5"})).confidence == "certain"

    @pytest.mark.parametrize(
        "given",
        [
            on(QWEN2_MOE, ATTENTION),
            on(QWEN2_MOE, SEVEN, base={"transformers": "4.57"}),
            on(OSS, SEVEN),
            on(OSS, "all-linear", target_parameters=EXPERTS),
            on(OSS, "all-linear", target_parameters=Unknown("…")),
            on(QWEN3_MOE, SEVEN),
            on(QWEN3_MOE, "all-linear"),
            on(LLAMA, SEVEN),
            on(QWEN2_MOE, r".*\.(q_proj|gate_proj)"),
            on(either(QWEN2_MOE, LLAMA), SEVEN),
        ],
        ids=["attention", "version 4", "none match: LL202", "parameters", "not known", "translated", "translated too",
             "dense", "regex", "one fits"],
    )  # fmt: skip
    def test_silent(self, given: Run) -> None:
        assert check("LL206", given) == []

    @pytest.mark.parametrize(
        ("name", "said"), [("NVIDIA-Nemotron-Nano-9B-v2", False), ("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", True)]
    )
    def test_of_some_types_not_all_models_have_experts(self, name: str, said: bool) -> None:
        assert bool(check("LL206", on(f"nvidia/{name}", SEVEN))) == said

    def test_what_the_experts_hold_has_to_matter(self) -> None:
        assert check("LL206", on(QWEN2_MOE, SEVEN), **{"min-share": 0.95}) == []

    def test_frameworks_that_look_for_linear_layers_themselves(self) -> None:
        given = on(OSS, "all-linear")
        other = run(of={"model": given.model, "framework": registry.framework("axolotl")}, target_modules="all-linear")
        assert check("LL206", given)
        assert check("LL206", other) == []

    def test_names_that_none_of_the_linear_layers_has_are_not_harmless(self) -> None:
        found = one("LL202", on(OSS, SEVEN))
        assert found.level is None
        assert "`mlp.experts.gate_up_proj` and `mlp.experts.down_proj` (with lora_dropout 0)" in found.message


class TestMoeLoraDropout:
    def test_translated_names(self) -> None:
        found = one("LL207", on(QWEN3_MOE, SEVEN, dropout=lit(0.05, 120)))
        assert "PEFT maps `target_modules` to `experts.gate_up_proj` and `experts.down_proj`" in found.message
        assert found.confidence == "likely"
        assert found.span == at(120)
        assert found.fix is not None
        assert found.fix.applicability == "unsafe"
        assert values(found.fix) == [0.0]

    def test_parameters_that_are_named(self) -> None:
        found = one("LL207", on(OSS, ATTENTION, dropout=0.1, target_parameters=EXPERTS))
        assert found.confidence == "certain"
        assert found.fix is not None
        assert found.fix.applicability == "safe"

    def test_code_from_the_hub_may_have_linear_experts(self) -> None:
        given = on(DEEPSEEK, ("o_proj", "gate_proj", "up_proj", "down_proj"), dropout=0.1, base={"remote_code": True})
        assert one("LL207", given).confidence == "possible"

    @pytest.mark.parametrize(
        "given",
        [
            on(QWEN3_MOE, SEVEN),
            on(QWEN3_MOE, SEVEN, dropout=either(0.0, 0.1)),
            on(QWEN3_MOE, SEVEN, dropout=Unknown("…")),
            on(QWEN3_MOE, ATTENTION, dropout=0.1),
            on(QWEN3_MOE, SEVEN, dropout=0.1, base={"transformers": "4.57"}),
            on(QWEN3_MOE, SEVEN, dropout=0.1, loader="FastLanguageModel", base={"loader_adapts": True}),
            replace(on(QWEN3_MOE, SEVEN, dropout=0.1), framework=registry.framework("axolotl")),
            on(QWEN2_MOE, SEVEN, dropout=0.1),
            on(LLAMA, SEVEN, dropout=0.1),
            on("someone/unheard-of", SEVEN, dropout=0.1),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL207", given) == []


class TestVisionTowerAdapted:
    def test_message_and_fix(self) -> None:
        found = one("LL208", on(GEMMA3, ("q_proj", "v_proj"), loader=VLM))
        assert ": 54 layers `v_proj` and `q_proj` of `vision_tower`" in found.message
        assert values(one("LL208", on(GEMMA3, ATTENTION, loader=VLM, exclude_modules=default(None))).fix) == [
            r".*vision_tower\..*"
        ]

    def test_all_linear(self) -> None:
        assert check("LL208", on(GEMMA3, "all-linear", loader=VLM))

    def test_layers_that_lora_cannot_wrap(self) -> None:
        given = on("google/gemma-4-E4B-it", ATTENTION, loader=VLM)
        assert check("LL208", given) == []
        found = one("LL216", given)
        assert "self_attn.q_proj` of google/gemma-4-E4B-it (gemma4), a Gemma4ClippableLinear" in found.message
        assert values(found.fix) == [r".*(vision_tower|audio_tower)\..*"]
        axolotl = replace(given, framework=registry.framework("axolotl"))
        assert one("LL208", axolotl).level is None
        assert check("LL216", axolotl) == []

    def test_the_first_of_several_lists_that_lora_cannot_wrap(self) -> None:
        found = one("LL216", on("google/gemma-4-E4B-it", either(("q_proj",), ("v_proj",)), loader=VLM))
        path = "model.vision_tower.encoder.layers.0.self_attn.q_proj"
        assert found.message.startswith(f"PEFT cannot adapt `{path}` of google/gemma-4-E4B-it")
        assert ": `q_proj` in `target_modules` matches it" in found.message

    def test_in_the_words_of_a_framework_that_cannot_exclude(self) -> None:
        keys = {"target_modules": "lora_target_modules"}
        found = one(
            "LL208",
            replace(on(GEMMA3, ("q_proj", "v_proj"), loader=VLM, keys=keys), framework=registry.framework("axolotl")),
        )
        regex = r".*\.language_model\..*\.(q_proj|v_proj)"
        assert "exclude_modules" not in found.message
        assert f"`lora_target_modules: '{regex}'`" in found.message
        assert values(found.fix) == [regex]
        assert check("LL208", on(GEMMA3, regex, loader=VLM)) == []
        llava = replace(on(GEMMA3, ATTENTION, loader=VLM, keys=keys), framework=registry.framework("llamafactory"))
        assert values(one("LL208", llava).fix) == []

    def test_frozen_again(self) -> None:
        model = on(GEMMA3, ATTENTION, loader=VLM).model
        freeze, wrap = Freeze(at(1010), selection=Fragments(("vision",))), Wrap(at(1000))
        after = run(of={"model": model, "events": (wrap, freeze)}, target_modules=ATTENTION)
        before = run(of={"model": model, "events": (freeze, wrap)}, target_modules=ATTENTION)
        assert check("LL208", after) == []
        assert check("LL208", before)

    @pytest.mark.parametrize(
        "given",
        [
            on(GEMMA3, ATTENTION, loader=VLM, exclude_modules=r".*vision_tower\..*"),
            on(GEMMA3, ATTENTION, loader=VLM, exclude_modules=Unknown("…")),
            on(GEMMA3, r".*language_model.*\.q_proj", loader=VLM),
            on(GEMMA3, ("q_proj", "vision_tower.encoder.layers.0.mlp.fc1"), loader=VLM),
            on(GEMMA3, ATTENTION, loader="FastVisionModel", base={"loader_adapts": True}),
            on("Qwen/Qwen2.5-VL-7B-Instruct", ATTENTION, loader=VLM),
            on("openai/clip-vit-base-patch32", ("q_proj", "v_proj"), loader="CLIPModel"),
            on(LLAMA, ATTENTION),
        ],
        ids=["excluded", "not known", "regex", "named", "unsloth", "other names", "two towers", "text"],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL208", given) == []


class TestAttentionOnlyTargets:
    def test_for_a_task_about_knowledge(self) -> None:
        given = run(of={"task": "code", "model": on(LLAMA, ATTENTION).model}, target_modules=lit(ATTENTION, 120))
        found = one("LL213", given)
        assert "the task is code" in found.message
        assert values(found.fix) == [SEVEN]

    def test_without_a_model(self) -> None:
        found = one("LL213", run(of={"task": "domain"}, target_modules=ATTENTION))
        assert values(found.fix) == []

    def test_the_narrow_default(self) -> None:
        found = one("LL213", on(LLAMA, default(None)))
        assert "PEFT's default for llama is only `q_proj` and `v_proj` (4,194,304 parameters)" in found.message
        assert values(found.fix) == ["all-linear"]

    @pytest.mark.parametrize(
        "given",
        [
            run(target_modules=ATTENTION),
            run(of={"task": "chat"}, target_modules=ATTENTION),
            run(of={"task": "code"}, target_modules=(*ATTENTION, "up_proj")),
            run(of={"task": "code"}, target_modules=("query_key_value", "dense")),
            run(of={"task": "code"}, target_modules="all-linear"),
            run(of={"task": "code", "training": Training(method="preference")}, target_modules=ATTENTION),
            run(of={"task": "chat", "model": on(LLAMA, None).model}, target_modules=default(None)),
            run(of={"method": "IA3Config", "model": on(LLAMA, None).model}, target_modules=default(None)),
            on(LLAMA, default(None), loader="AutoModelForSequenceClassification", task_type="SEQ_CLS"),
            on("someone/unheard-of", default(None)),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL213", given) == []


class TestUnevenLayerCoverage:
    def test_layers_of_another_kind(self) -> None:
        found = one("LL214", on(NEXT, lit(ATTENTION, 120)))
        assert "match in 12 of the 48 layers of Qwen/Qwen3-Next-80B-A3B-Instruct" in found.message
        assert "the other 36 have `linear_attn` instead of `self_attn`" in found.message
        assert found.level is None
        assert values(found.fix) == [(*ATTENTION, "in_proj_qkvz", "in_proj_ba", "out_proj")]

    def test_a_model_of_unknown_depth(self) -> None:
        found = one("LL214", on("someone/Qwen3-Next-30B", lit(ATTENTION, 120)))
        assert "match in one layer in 4 of someone/Qwen3-Next-30B" in found.message
        assert "the others have `linear_attn` instead of `self_attn`" in found.message

    def test_layers_that_have_an_adapter_elsewhere_are_advice(self) -> None:
        assert one("LL214", on(NEXT, SEVEN)).level == "advice"

    @pytest.mark.parametrize(("targets", "level"), [(SHARED, None), ((*SHARED, "o_proj"), "advice")])
    def test_many_layers_with_another_block_of_the_name(
        self, targets: tuple[str, ...], level: str | None, tmp_path: Path
    ) -> None:
        (tmp_path / "config.json").write_text(json.dumps(HALF_DENSE), encoding="utf-8")
        found = one("LL214", on(str(tmp_path), targets))
        assert "In 3 of the 6 layers" in found.message
        assert found.level == level

    def test_dense_layers_before_the_experts(self) -> None:
        found = one("LL214", on(DEEPSEEK, "all-linear"))
        assert "In 3 of the 61 layers of deepseek-ai/DeepSeek-V3 (deepseek_v3) (0 to 2)," in found.message
        assert found.level == "advice"
        assert found.fix is None

    @pytest.mark.parametrize(
        "given",
        [
            on(NEXT, (*ATTENTION, "in_proj_qkvz")),
            on(NEXT, ATTENTION, layers_to_transform=(3,)),
            on(NEXT, ("layers.3.self_attn.q_proj",)),
            on(NEXT, r".*\.q_proj"),
            on(LLAMA, ("q_proj",)),
            on(LLAMA, "all-linear"),
            on(DEEPSEEK, ("q_a_proj", "o_proj")),
            on(either(NEXT, LLAMA), ATTENTION),
            on("nv-community/NVIDIA-Nemotron-3.5-Lightning-30B-A3B-BF16", ATTENTION),
        ],
        ids=["both kinds", "layers", "one by one", "regex", "even", "all", "attention alone", "one is even", "Mamba"],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL214", given) == []


class TestRouterAdapted:
    def test_message_and_fix(self) -> None:
        found = one("LL215", on(MIXTRAL, lit("all-linear", 120)))
        assert "such as `model.layers.0.mlp.gate`" in found.message
        assert values(found.fix) == [("q_proj", "k_proj", "v_proj", "o_proj", "w1", "w3", "w2")]

    def test_layers_of_a_model_whose_config_is_not_known_are_not_counted(self) -> None:
        assert "24 layers" not in one("LL215", on("some/tiny-Qwen3MoeForCausalLM", "all-linear")).message

    @pytest.mark.parametrize(
        "given",
        [
            on(MIXTRAL, (*ATTENTION, "gate")),
            on(MIXTRAL, ATTENTION),
            on(OSS, "all-linear"),
            on(QWEN2_MOE, "all-linear"),
            on(LLAMA, "all-linear"),
            on(either(MIXTRAL, LLAMA), "all-linear"),
            on(MIXTRAL, either("all-linear", ATTENTION)),
        ],
        ids=["named", "attention", "no linear router", "a shared expert's gate", "dense", "one has none", "a branch"],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL215", given) == []

    def test_a_default_of_the_command_line(self) -> None:
        assert one("LL215", on(cli(MIXTRAL), "all-linear")).confidence == "likely"


class TestEmbeddingOrHeadTargeted:
    def test_message_and_fix(self) -> None:
        found = one("LL209", run(target_modules=lit(("q_proj", "lm_head"), 120)))
        assert "PEFT saves the base weights of `lm_head`" in found.message
        assert found.confidence == "likely"
        assert values(found.fix) == [("q_proj",)]

    def test_new_tokens(self) -> None:
        grown = run(of={"events": (Resize(at(1000)),)}, target_modules=("q_proj", "lm_head"))
        assert check("LL209", grown) == []

    @pytest.mark.parametrize(
        "given",
        [
            run(target_modules=ATTENTION),
            run(target_modules="all-linear"),
            run(target_modules=("embed_tokens", "lm_head")),
            run(target_modules=("q_proj", "lm_head"), modules_to_save=("lm_head",)),
            on(LLAMA, ("q_proj", "lm_head"), loader="FastLanguageModel", base={"loader_adapts": True}),
            on(LLAMA, ("q_proj", "wte")),
            on(LLAMA, ("q_proj", "lm_head"), base={"edited": True}),
            run(of={"method": "LoKrConfig"}, target_modules=("q_proj", "lm_head")),
            run(of={"trained": True, "training": Training("SFTTrainer")}, target_modules=("q_proj", "lm_head")),
        ],
        ids=["none", "shorthand", "nothing else", "saved", "unsloth", "no such module", "edited", "LoKr", "LL412"],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL209", given) == []


@pytest.mark.parametrize(("text", "grown"), [("model.resize_token_embeddings(9)", True), ("model.eval()", False)])
def test_a_resize_is_read(text: str, grown: bool) -> None:
    program = f"model = AutoModelForCausalLM.from_pretrained('gpt2')\n{text}\nget_peft_model(model, LoraConfig(r=8))"
    events = only(read_python(IMPORTS + program)).events
    assert any(isinstance(event, Resize) for event in events) is grown


@pytest.mark.parametrize(
    ("flag", "read"),
    [
        ("", False),
        (", trust_remote_code=True", True),
        (", trust_remote_code=x", True),
        (", trust_remote_code=False", False),
    ],
)
def test_code_from_the_hub_is_read(flag: str, read: bool) -> None:
    program = f"model = AutoModelForCausalLM.from_pretrained('gpt2'{flag})\nget_peft_model(model, LoraConfig(r=8))"
    assert only(read_python(IMPORTS + program)).model.remote_code is read


def test_the_layers_inside_what_lora_cannot_wrap() -> None:
    found = one("LL216", on(LLAMA, ("self_attn",)))
    assert "Name `q_proj`, `k_proj`, `v_proj` and `o_proj`" in found.message
    assert values(found.fix) == [("q_proj", "k_proj", "v_proj", "o_proj")]
    several = one("LL216", on(either(LLAMA, "mistralai/Mistral-7B-v0.1"), ("self_attn",)))
    assert "Name `q_proj`" in several.message
    assert several.fix is None
