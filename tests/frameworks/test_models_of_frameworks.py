"""What frameworks know of single models: their towers, the models behind their builders and encoders, their data."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.frameworks import registry
from lora_lint.frameworks.torchtune import builder_of
from lora_lint.knowledge import schemas
from lora_lint.knowledge.models import identify
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import Known, Unknown
from tests.support.reading import config, only, plain

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Adapter

KEPT = "model.layers.0.self_attn.q_proj"
TOWERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("gemma3", "internvl", "mistral3", "paligemma", "llava", "llava_next", "llava_next_video"),
        ("vision_tower.layers.0.q_proj", "multi_modal_projector.linear"),
    ),
    **dict.fromkeys(("mllama", "llama4"), ("vision_model.layers.0.q_proj", "multi_modal_projector.linear")),
    **dict.fromkeys(
        ("qwen2_vl", "qwen2_5_vl", "glm4v", "glm4v_moe", "qwen3_5", "qwen3_5_moe", "qwen3_vl", "qwen3_vl_moe"),
        ("visual.blocks.0.attn.qkv", "visual.patch_embed.proj", "visual.merger.mlp.0"),
    ),
    "qwen2_audio": ("audio_tower.layers.0.q_proj", "multi_modal_projector.linear"),
}
"""Model type -> modules that both frameworks leave out of all linear layers."""
OF_FACTORY: dict[str, tuple[str, ...]] = {
    "video_llava": ("vision_tower.layers.0.q_proj", "multi_modal_projector.linear"),
    "glm_ocr": ("visual.blocks.0.attn.qkv", "visual.patch_embed.proj", "visual.merger.mlp.0"),
    **dict.fromkeys(("qwen3_5", "qwen3_5_moe"), ("visual.pos_embed",)),
    **dict.fromkeys(
        ("qwen3_vl", "qwen3_vl_moe", "qwen3_omni_moe_thinker"), ("visual.pos_embed", "visual.deepstack_merger_list.0")
    ),
    "qwen2_5_omni_thinker": ("visual.blocks.0.attn.qkv", "patch_embed.proj", "audio_tower.layers.0.q_proj"),
    "gemma4": (
        *("vision_tower.q_proj", "audio_tower.q_proj", "model.embed_vision.proj", "model.embed_audio.proj"),
        "per_layer_projection_norm",
    ),
}
OF_SWIFT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("qwen3_vl", "qwen3_vl_moe"), ("visual.deepstack_merger_list.0.linear",)),
    "idefics3": ("vision_model.layers.0.q_proj", "connector.proj"),
    **dict.fromkeys(
        ("falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"), ("layers.0.out_proj", "layers.0.conv1d")
    ),
}


def adapter(folder: Path, kind: str, document: dict[str, Any]) -> Adapter:
    """The adapter of a file beside a model of some type."""
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
    return only(config(json.dumps(document), folder=folder)).adapter


def assert_left_out(left: Any, kind: str, names: tuple[str, ...]) -> None:
    """`left` is a regex for those modules of a model, and not for the layers of its language model."""
    assert isinstance(left, Known), left
    assert isinstance(left.value, str)
    for name in names:
        assert re.fullmatch(left.value, f"model.{name.removeprefix('model.')}"), (kind, name)
    assert not re.fullmatch(left.value, KEPT)


@pytest.mark.parametrize(
    ("kind", "names"), [pytest.param(*pair, id=pair[0]) for pair in [*TOWERS.items(), *OF_FACTORY.items()]]
)
def test_what_llamafactory_leaves_out(kind: str, names: tuple[str, ...], tmp_path: Path) -> None:
    document = {"model_name_or_path": "./model", "finetuning_type": "lora", "do_train": True}
    assert_left_out(adapter(tmp_path, kind, document).exclude_modules, kind, names)


@pytest.mark.parametrize("key", ["freeze_vision_tower", "freeze_multi_modal_projector", "freeze_language_model"])
def test_what_llamafactory_freezes_decides(key: str, tmp_path: Path) -> None:
    document = {"model_name_or_path": "./model", "finetuning_type": "lora", "do_train": True}
    usual = key != "freeze_language_model"
    assert isinstance(adapter(tmp_path, "llava", document | {key: not usual}).exclude_modules, Unknown)


@pytest.mark.parametrize(
    ("kind", "names"), [pytest.param(*pair, id=pair[0]) for pair in [*TOWERS.items(), *OF_SWIFT.items()]]
)
def test_what_ms_swift_leaves_out(kind: str, names: tuple[str, ...], tmp_path: Path) -> None:
    document = {"model": "./model", "dataset": "d", "tuner_type": "lora"}
    assert_left_out(adapter(tmp_path, kind, document).exclude_modules, kind, names)


@pytest.mark.parametrize("kind", TOWERS)
@pytest.mark.parametrize("part", ["vit", "aligner", "llm"])
def test_what_ms_swift_freezes(kind: str, part: str, tmp_path: Path) -> None:
    document = {"model": "./model", "dataset": "d", "tuner_type": "lora"}
    frozen = {f"freeze_{each}": each == part for each in ("vit", "aligner", "llm")}
    left = plain(adapter(tmp_path, kind, document | frozen).exclude_modules)
    *tower, between = (f"model.{name}" for name in TOWERS[kind])
    text = "model.language_model.layers.0.self_attn.q_proj"
    out = {"vit": tower, "aligner": [between], "llm": [text]}[part]
    assert [name for name in (*tower, between, text) if re.fullmatch(left, name)] == out


@pytest.mark.parametrize("group", ["all-embedding", "all-norm", "embedding", "ln", "all", "ALL"])
def test_groups_of_modules_that_ms_swift_saves(group: str) -> None:
    document = {"model": "m", "dataset": "d", "tuner_type": "lora", "modules_to_save": [group]}
    assert plain(only(config(json.dumps(document))).adapter.modules_to_save) is Unknown


@pytest.mark.parametrize("group", ["all-linear", "all-embedding", "all-router"])
def test_groups_of_modules_that_ms_swift_adapts(group: str) -> None:
    document = {"model": "m", "dataset": "d", "tuner_type": "lora", "target_modules": [group, "lm_head"]}
    assert only(config(json.dumps(document))).own_names


@pytest.mark.parametrize("key", ["swift_version", "global_world_size"])
def test_arguments_that_a_training_of_ms_swift_left(key: str) -> None:
    document = {"model": "m", "dataset": "d", "tuner_type": "lora", "lora_rnk": 8}
    assert only(config(json.dumps(document))).problems
    assert not only(config(json.dumps(document | {key: "4"}))).problems


BUILDERS = sorted(name for name in schemas.load("torchtune")["$defs"] if ".lora_" in name)
QWEN3 = [f"qwen3.lora_qwen3_{size}b_{kind}" for size in ("0_6", "1_7", "4", "8", "14") for kind in ("base", "instruct")]


@pytest.mark.parametrize("name", [*BUILDERS, *QWEN3, "llama3_3.lora_llama3_3_70b", "qwen3.lora_qwen3_32b"])
def test_the_model_behind_a_builder_of_torchtune(name: str) -> None:
    family, _, builder = name.partition(".")
    run = only(config(f"model: {{_component_: torchtune.models.{name}, lora_attn_modules: [q_proj]}}\noptimizer: {{}}"))
    if "_reward_" in builder:
        assert run.model.loader == "AutoModelForSequenceClassification"
        return
    model = identify(str(plain(run.model.name)))
    assert model is not None
    size = re.findall(r"\d+(?:_\d+)?b|mini", builder.removeprefix(f"lora_{family}_"))[0]
    assert size.replace("_", ".") in model.name.lower().replace("-", ".") or model.name == "microsoft/phi-4"
    vision = "vision" in builder
    assert run.model.loader == ("AutoModelForImageTextToText" if vision else "AutoModelForCausalLM")
    assert run.own_names == (family in ("phi3", "phi4", "llama3_2_vision"))
    if not run.own_names:
        again = builder_of(model.name)
        assert again is not None
        assert again.startswith(f"torchtune.models.{family}.lora_")


def test_scout_is_a_model_of_its_own() -> None:
    run = only(config("model: {_component_: torchtune.models.llama4.lora_llama4_scout_17b_16e}\noptimizer: {}"))
    assert (plain(run.model.name), run.model.loader) == (
        "meta-llama/Llama-4-Scout-17B-16E-Instruct",
        "AutoModelForImageTextToText",
    )
    assert builder_of("own/model") is None


@pytest.mark.parametrize(
    ("builder", "name"),
    [
        ("alpaca_dataset", "tatsu-lab/alpaca"),
        ("alpaca_cleaned_dataset", "yahma/alpaca-cleaned"),
        ("slimorca_dataset", "Open-Orca/SlimOrca-Dedup"),
        ("grammar_dataset", "liweili/c4_200m"),
        ("samsum_dataset", "Samsung/samsum"),
        ("stack_exchange_paired_dataset", "lvwerra/stack-exchange-paired"),
        ("hh_rlhf_helpful_dataset", "RLHFlow/HH-RLHF-Helpful-standard"),
    ],
)
def test_the_data_behind_a_builder_of_torchtune(builder: str, name: str) -> None:
    model = "model: {_component_: torchtune.models.llama3.lora_llama3_8b}\noptimizer: {}\n"
    run = only(config(f"{model}dataset: {{_component_: torchtune.datasets.{builder}}}"))
    assert plain(run.dataset.name) == name
    other = only(config(f"{model}dataset: {{_component_: torchtune.datasets.{builder}, source: own/set}}"))
    assert plain(other.dataset.name) == "own/set"


@pytest.mark.parametrize(
    ("encoder", "kind"),
    [
        ("albert", "albert"),
        ("bert", "bert"),
        ("camembert", "camembert"),
        ("distilbert", "distilbert"),
        ("electra", "electra"),
        ("gpt", "openai-gpt"),
        ("gpt2", "gpt2"),
        ("longformer", "longformer"),
        ("modernbert", "modernbert"),
        ("roberta", "roberta"),
        ("t5", "t5"),
        ("xlmroberta", "xlm-roberta"),
        ("xlnet", "xlnet"),
    ],
)
def test_the_model_behind_an_encoder_of_ludwig(encoder: str, kind: str) -> None:
    feature = {"name": "a", "type": "text", "encoder": {"type": encoder, "adapter": "lora"}}
    run = only(config(json.dumps({"input_features": [feature], "output_features": []})))
    model = identify(str(plain(run.model.name)))
    assert model is not None
    assert model.model_type == kind


@pytest.mark.parametrize(("data", "size"), [("Alpaca", 49_759), ("Alpaca2k", 1_900), ("AlpacaGPT4", 50_001)])
def test_the_data_of_litgpt(data: str, size: int) -> None:
    run = only(config(f"checkpoint_dir: checkpoints/a/b\nlora_r: 8\ndata: {data}\n"))
    assert plain(run.dataset.size) == size


@pytest.mark.parametrize(("name", "rate"), [("Adam", 1e-3), ("AdamW", 1e-3), ("SGD", 1e-3), ("Lion", Unknown)])
def test_the_rate_of_an_optimizer_of_litgpt(name: str, rate: Any) -> None:
    own = f"optimizer: {{class_path: torch.optim.{name}, init_args: {{weight_decay: 0.1}}}}"
    for optimizer in (f"optimizer: {name}", own):
        run = only(config(f"checkpoint_dir: checkpoints/a/b\nlora_r: 8\n{optimizer}\n"))
        assert plain(run.training.learning_rate) == rate
        assert plain(run.training.optimizer) == name.lower()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *((name, "self_attn") for name in ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj")),
        *((name, "mlp") for name in ("gate_proj", "up_proj", "down_proj", "gate_up_proj")),
    ],
)
def test_keys_of_mlx_lm_are_whole_paths(name: str, part: str) -> None:
    document: dict[str, Any] = {"model": "Qwen/Qwen3-0.6B", "fine_tune_type": "lora"}
    lora = {"rank": 8, "scale": 2.0, "dropout": 0.0}
    short = only(config(json.dumps(document | {"lora_parameters": lora | {"keys": [name]}})))
    (problem,) = short.problems
    assert isinstance(problem, InvalidValue)
    assert f"{part}.{name}" in problem.expected
    long = only(config(json.dumps(document | {"lora_parameters": lora | {"keys": [f"{part}.{name}"]}})))
    assert (long.problems, plain(long.adapter.target_modules)) == ((), (f"{part}.{name}",))


@pytest.mark.parametrize("key", ["num_experts", "num_local_experts", "n_routed_experts"])
def test_experts_that_mlx_lm_adapts(key: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for count, expected in ((8, Unknown), (0, "all-linear")):
        text = json.dumps({"model_type": "qwen3", "num_hidden_layers": 2, key: count})
        (tmp_path / "model" / "config.json").write_text(text, encoding="utf-8")
        run = only(config('{"model": "./model", "fine_tune_type": "lora"}', folder=tmp_path))
        assert plain(run.adapter.target_modules) == expected


@pytest.mark.parametrize("missing", ["rank", "scale", "dropout"])
def test_what_mlx_lm_needs(missing: str) -> None:
    lora = {key: 1.0 for key in ("rank", "scale", "dropout") if key != missing}
    text = json.dumps({"fine_tune_type": "lora", "lora_parameters": lora | ({"rank": 8} if "rank" in lora else {})})
    assert [problem.key for problem in only(config(text)).problems] == ["lora_parameters"]


@pytest.mark.parametrize("part", ["vision_layers", "language_layers", "attention_modules", "mlp_modules"])
def test_parts_that_unsloth_leaves_out(part: str) -> None:
    lora = {"lora_r": 8, "target_modules": [], "vision_all_linear": True}
    document = {"model": "m", "training": {"training_type": "lora"}, "lora": lora}
    assert plain(only(config(json.dumps(document))).adapter.target_modules) == "all-linear"
    document["lora"] = lora | {f"finetune_{part}": False}
    assert plain(only(config(json.dumps(document))).adapter.target_modules) is Unknown


def test_targets_that_are_written_into_programs() -> None:
    seven = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    for document in (
        {"model_id_or_path": "m", "run_dir": "out"},
        {"model_name_or_path": "m", "use_lora": True},
        {"model": "m", "training": {"training_type": "lora"}, "lora": {"lora_r": 8}},
    ):
        assert set(plain(only(config(json.dumps(document))).adapter.target_modules)) == seven


FRAMEWORKS = {
    "axolotl": ("PEFT", True, "all-linear", 1.0, False),
    "llamafactory": ("PEFT", True, "all", 1.0, True),
    "h2o_llmstudio": ("PEFT", True, "", 1.0, True),
    "ludwig": ("PEFT", True, None, 1.0, False),
    "autotrain": ("PEFT", False, "all-linear", 1.0, False),
    "unsloth_studio": ("PEFT", True, "all-linear", 1.0, False),
    "litgpt": ("LitGPT", False, "all-linear", 1.0, False),
    "torchtune": ("torchtune", False, "all-linear", 1.0, True),
    "mlx_lm": ("mlx-lm", False, "all-linear", 20.0, True),
    "mistral_finetune": ("mistral-finetune", False, "all-linear", 2.0, True),
    "firefly": ("PEFT", False, "all-linear", 1.0, True),
    "open_instruct": ("PEFT", False, "all-linear", 1.0, True),
    "verl": ("PEFT", False, "all-linear", 1.0, True),
    "peft": ("PEFT", True, "all-linear", 1.0, True),
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_frameworks_cannot_set(name: str) -> None:
    adapts, rslora, every, scale, fraction = FRAMEWORKS[name]
    framework = registry.framework(name)
    assert framework.adapts == adapts
    assert framework.can("use_rslora") is rslora
    assert framework.every_layer == every
    assert framework.usual_scale == scale
    assert framework.takes_alpha(1.5) is fraction
    assert framework.takes_alpha(2.0)
