"""What unsloth adapts where a program gives no targets."""

from __future__ import annotations

import re

import pytest

from lora_lint.knowledge.modules import Module, Parameter
from lora_lint.knowledge.resolve import resolve
from lora_lint.knowledge.unsloth import PARTS, chosen, expert_parameters, redirected
from lora_lint.run.values import Known, Unknown
from tests.support.reading import only, plain, read_python

LANGUAGE = [
    f"model.language_model.layers.{layer}.{name}"
    for layer in range(2)
    for name in ("self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.gate", "mlp.experts.0.up_proj")
]
VISION = [f"model.visual.blocks.{layer}.{name}" for layer in range(2) for name in ("attn.qkv", "mlp.fc1")]
OTHERS = ["model.visual.merger.mlp.0", "model.visual.merger.linear", "lm_head"]
LAYERS = tuple(Module(path, "Linear", 8, 8, 64, 0, 1) for path in (*VISION, *OTHERS, *LANGUAGE))


def adapted(*parts: str, modules: tuple[Module, ...] = LAYERS, kind: str = "qwen3_vl_moe") -> set[str]:
    regex = chosen(parts or PARTS, modules, kind)
    assert regex is not None
    return {module.path for module in modules if re.fullmatch(regex, module.path)}


def test_heads_mergers_and_routers_are_left_out() -> None:
    assert adapted() == {*VISION, *LANGUAGE} - {path for path in LANGUAGE if path.endswith(".gate")}


def test_parts() -> None:
    attention = {path for path in (*VISION, *LANGUAGE) if "attn" in path}
    assert adapted("language_layers", "vision_layers", "attention_modules") == attention
    assert adapted("language_layers", "attention_modules") == attention & set(LANGUAGE)
    assert adapted("vision_layers", "mlp_modules") == {path for path in VISION if "mlp" in path}
    assert chosen(("language_layers",), LAYERS, "qwen3_vl_moe") is None


def test_a_text_model_has_no_words_for_its_parts() -> None:
    paths = [f"model.layers.{layer}.{name}" for layer in range(2) for name in ("self_attn.q_proj", "mlp.up_proj")]
    modules = tuple(Module(path, "Linear", 8, 8, 64, 0, 1) for path in (*paths, "lm_head"))
    assert adapted(modules=modules, kind="lfm2") == set(paths)
    assert adapted("language_layers", "mlp_modules", modules=modules) == {path for path in paths if "mlp" in path}


def test_where_nothing_has_such_words_the_region_does_not_count() -> None:
    paths = [f"model.encoder.layers.{layer}.self_attn.q_proj" for layer in range(2)]
    modules = tuple(Module(path, "Linear", 8, 8, 64, 0, 1) for path in (*paths, "proj_out"))
    assert adapted(modules=modules, kind="whisper") == set(paths)


@pytest.mark.parametrize("kind", ["falcon_h1", "qwen2_5_omni_thinker"])
def test_models_that_it_has_further_rules_for(kind: str) -> None:
    assert chosen(PARTS, LAYERS, kind) is None


LOAD = """\
from unsloth import FastLanguageModel, FastModel, FastVisionModel
model, tokenizer = FastVisionModel.from_pretrained("unsloth/Qwen2.5-VL-7B-Instruct")
"""


def test_the_program() -> None:
    run = only(read_python(LOAD + "model = FastVisionModel.get_peft_model(model, finetune_vision_layers=False, r=8)\n"))
    assert run.adapter.target_modules == Known(None, None, "framework-default")
    assert plain(run.adapter.parts) == PARTS[1:]
    (case, *_) = resolve(run).cases
    assert {module.path.split(".")[-1] for module in case.match.modules} == {
        *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    }
    assert not any("visual" in module.path for module in case.match.modules)


def test_what_a_program_does_not_tell() -> None:
    text = "import sys\nmodel = FastVisionModel.get_peft_model(model, finetune_vision_layers=sys.argv[1], r=8)\n"
    assert isinstance(only(read_python(LOAD + text)).adapter.target_modules, Unknown)
    last = "model = FastVisionModel.get_peft_model(model, finetune_last_n_layers=4, r=8)\n"
    assert isinstance(only(read_python(LOAD + last)).adapter.target_modules, Unknown)


def test_audio_layers_are_shown_and_not_judged() -> None:
    text = "model = FastVisionModel.get_peft_model(model, finetune_vision_layers=False, finetune_audio_layers=AUDIO, r=8)\n"
    run = only(read_python(LOAD + text.replace("AUDIO", "True")))
    assert plain(run.adapter.target_modules) == (*PARTS[1:], "audio_layers")
    assert isinstance(run.judged().adapter.target_modules, Unknown)
    off = only(read_python(LOAD + text.replace("AUDIO", "False")))
    assert (plain(off.adapter.parts), off.own_names) == (PARTS[1:], False)
    unknown = only(read_python(LOAD + text.replace("AUDIO", "audio")))
    assert isinstance(unknown.adapter.target_modules, Unknown)


def test_fast_language_model_has_a_list() -> None:
    text = (
        'm, t = FastLanguageModel.from_pretrained("unsloth/llama-3-8b")\nm = FastLanguageModel.get_peft_model(m, r=8)\n'
    )
    assert len(plain(only(read_python(LOAD + text)).adapter.target_modules)) == 7


def test_sentence_transformers() -> None:
    text = """\
        from unsloth import FastSentenceTransformer
        model = FastSentenceTransformer.from_pretrained("BAAI/bge-m3")
        model = FastSentenceTransformer.get_peft_model(model, r=8)
        """
    run = only(read_python(text))
    assert (plain(run.model.name), plain(run.model.quantization)) == ("BAAI/bge-m3", None)
    assert plain(run.adapter.target_modules) == ("query", "key", "value", "dense")
    assert plain(run.adapter.task_type) == "FEATURE_EXTRACTION"


TIED = """\
from unsloth import FastLanguageModel
model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Llama-3.2-1B-Instruct")
model = FastLanguageModel.get_peft_model(model, r=8, target_modules=["q_proj", {0}])
"""


@pytest.mark.parametrize("ends", ['"embed_tokens"', '"lm_head"', '"model.embed_tokens", "lm_head"'])
def test_both_ends_are_trained_whole(ends: str) -> None:
    """They are moved to `modules_to_save`: 128,256 rows of 2,048 numbers, not a LoRA of rank 8."""
    case, *_ = resolve(only(read_python(TIED.format(ends)))).cases
    plain_one, *_ = resolve(only(read_python(TIED.format("")))).cases
    assert {module.path.rpartition(".")[2] for module in case.match.modules} == {"q_proj"}
    assert case.parameters is not None
    assert plain_one.parameters is not None
    assert case.parameters - plain_one.parameters == len(ends.split(",")) * 128256 * 2048


@pytest.mark.parametrize(
    ("part", "word"),
    [
        *(("vision_layers", word) for word in ("vision", "image", "visual", "patch")),
        *(("language_layers", word) for word in ("language", "text")),
        *(("attention_modules", word) for word in ("self_attn", "attention", "attn", "mixer")),
        *(("mlp_modules", word) for word in ("mlp", "feed_forward", "ffn", "dense", "mixer")),
    ],
)
def test_words_for_parts(part: str, word: str) -> None:
    """A layer is in a part if one of the part's words is in its path."""
    region = part in ("vision_layers", "language_layers")
    path = f"{word}.{{0}}.attn.proj" if region else f"text.{{0}}.{word}.proj"
    other = "other.{0}.attn.proj" if region else "text.{0}.other.proj"
    paths = [each.format(number) for each in (path, other) for number in range(2)]
    modules = tuple(Module(each, "Linear", 8, 8, 64, 0, 1) for each in paths)
    asked = (part, "attention_modules") if region else ("language_layers", part)
    assert adapted(*asked, modules=modules) == {path.format(number) for number in range(2)}


@pytest.mark.parametrize("codec", ["codec_model", "audio_tokenizer", "acoustic_tokenizer", "semantic_tokenizer"])
def test_codecs_are_left_out(codec: str) -> None:
    paths = [f"{where}.{layer}.mlp.up" for where in (f"model.{codec}", "model.own") for layer in range(2)]
    modules = tuple(Module(path, "Linear", 8, 8, 64, 0, 1) for path in paths)
    assert adapted(modules=modules, kind="csm") == set(paths[2:])


@pytest.mark.parametrize("kind", ["mamba2", "falcon_h1", "nemotron_h", "qwen3_omni_moe", "zamba2", "bamba"])
def test_each_kind_with_further_rules(kind: str) -> None:
    assert chosen(PARTS, LAYERS, kind) is None


@pytest.mark.parametrize(
    "path",
    ["embed_vision.embedding_projection", "vision_embedder.patch_dense", "vision_tower.patch_embedder.input_proj"],
)
@pytest.mark.parametrize("end", ["", ".linear"])
def test_flat_layers_of_gemmas_towers(path: str, end: str) -> None:
    layer = Module(f"model.{path}{end}", "Linear", 8, 8, 64, 0, 1)
    assert layer.path in adapted(modules=(*LAYERS, layer), kind="gemma4")
    assert layer.path in adapted("vision_layers", "mlp_modules", modules=(*LAYERS, layer), kind="gemma3n")
    assert layer.path not in adapted("vision_layers", "attention_modules", modules=(*LAYERS, layer), kind="gemma4")
    assert layer.path not in adapted("language_layers", "mlp_modules", modules=(*LAYERS, layer), kind="gemma4")
    named = "dense" in path and bool(end)  # as layers of MLPs are
    assert (layer.path in adapted(modules=(*LAYERS, layer), kind="qwen3_vl")) is named


@pytest.mark.parametrize("name", ["embed_tokens", "lm_head"])
def test_embeddings_are_trained_whole(name: str) -> None:
    assert redirected(("q_proj", f"model.{name}", name), ("norm",)) == (("q_proj",), ("norm", f"model.{name}", name))
    assert redirected(("q_proj",), ("norm",)) == (("q_proj",), ("norm",))


@pytest.mark.parametrize(
    ("entry", "parameters", "reached"),
    [
        ("gate_proj", ("gate_up_proj", "down_proj"), "gate_up_proj"),
        ("gate_proj", ("gate_proj", "up_proj"), "gate_proj"),
        ("up_proj", ("gate_up_proj", "down_proj"), "gate_up_proj"),
        ("up_proj", ("gate_proj", "up_proj"), "up_proj"),
        ("gate_up_proj", ("gate_up_proj", "down_proj"), "gate_up_proj"),
        ("gate_up_proj", ("gate_proj", "up_proj"), None),
        ("down_proj", ("gate_up_proj", "down_proj"), "down_proj"),
        ("q_proj", ("gate_up_proj", "down_proj"), None),
    ],
)
@pytest.mark.parametrize("owner", ["mlp.experts", "block.experts"])
def test_targets_that_reach_experts(entry: str, parameters: tuple[str, ...], reached: str | None, owner: str) -> None:
    records = [Parameter(f"model.layers.0.{owner}", name, (2, 4, 4)) for name in parameters]
    where = "mlp.experts" if owner.startswith("mlp") else "experts"
    assert expert_parameters([entry], records) == ({} if reached is None else {entry: f"{where}.{reached}"})
    assert expert_parameters([entry], [Parameter("model.router", name, (2, 4)) for name in parameters]) == {}
