"""What `match` says, on small hand-made models, without torch."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.knowledge.index import Index
from lora_lint.knowledge.matching import Match, PeftRefusal, Targets, match
from lora_lint.knowledge.modules import Beside, Module, Parameter
from lora_lint.knowledge.versions import default_targets

LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def linear(path: str, inputs: int, outputs: int, *, bias: bool = False) -> Module:
    extra = outputs if bias else 0
    return Module(path, "Linear", inputs, outputs, inputs * outputs + extra, extra)


def llama(layers: int = 2) -> tuple[Module, ...]:
    """A Llama with the dimensions of Llama-3-8B."""
    modules = [
        Module("", "LlamaForCausalLM", own=0),
        Module("model", "LlamaModel", own=0),
        Module("model.embed_tokens", "Embedding", 128256, 4096, 128256 * 4096),
        Module("model.layers", "ModuleList", own=0),
    ]
    for number in range(layers):
        layer = f"model.layers.{number}"
        modules += [Module(layer, "LlamaDecoderLayer", own=0), Module(f"{layer}.self_attn", "LlamaAttention", own=0)]
        for name, outputs in (("q_proj", 4096), ("k_proj", 1024), ("v_proj", 1024), ("o_proj", 4096)):
            modules.append(linear(f"{layer}.self_attn.{name}", 4096, outputs))
        modules.append(Module(f"{layer}.mlp", "LlamaMLP", own=0))
        modules += [linear(f"{layer}.mlp.{name}", 4096, 14336) for name in ("gate_proj", "up_proj")]
        modules.append(linear(f"{layer}.mlp.down_proj", 14336, 4096))
        modules.append(Module(f"{layer}.input_layernorm", "LlamaRMSNorm", own=4096))
    return (*modules, Module("model.norm", "LlamaRMSNorm", own=4096), linear("lm_head", 4096, 128256))


def moe(layers: int = 2, *, experts: int = 4) -> tuple[tuple[Module, ...], tuple[Parameter, ...]]:
    """Attention, a router and fused experts, as transformers 5 builds qwen3_moe."""
    modules = [Module("", "Moe", own=0)]
    parameters = []
    for number in range(layers):
        layer = f"model.layers.{number}"
        modules += [
            Module(layer, "Layer", own=0),
            linear(f"{layer}.self_attn.q_proj", 8, 8),
            Module(f"{layer}.mlp", "MoeBlock", own=0),
            Module(f"{layer}.mlp.experts", "Experts", own=experts * 3 * 8 * 6),
            Module(f"{layer}.mlp.gate", "Router", own=8 * experts),
        ]
        parameters += [
            Parameter(f"{layer}.mlp.experts", "gate_up_proj", (experts, 12, 8)),
            Parameter(f"{layer}.mlp.experts", "down_proj", (experts, 8, 6)),
            Parameter(f"{layer}.mlp.gate", "weight", (experts, 8)),
        ]
    return (*modules, linear("lm_head", 8, 32)), tuple(parameters)


def kinds(found: Match) -> list[str]:
    return [refusal.kind for refusal in found.errors]


def only(found: Match) -> PeftRefusal:
    assert len(found.errors) == 1
    return found.errors[0]


def test_llama_3_8b_seven_projections_at_rank_16() -> None:
    found = match(llama(32), Targets(LLAMA, rank=16), model_type="llama")
    assert found.parameters == 41_943_040
    assert len(found.modules) == 7 * 32
    assert found.modules[0].path == "model.layers.0.self_attn.q_proj"
    assert found.modules[0].entry == "q_proj"
    assert found.errors == ()


def test_entries_that_match_nothing_are_told() -> None:
    found = match(llama(), Targets(("q_proj", "query_key_value", "all-linear", r".*\.v_proj")), model_type="llama")
    assert found.unmatched == ("query_key_value", "all-linear", r".*\.v_proj")
    assert {matched.entry for matched in found.modules} == {"q_proj"}


def test_nothing_matches() -> None:
    found = match(llama(), Targets(("c_attn",)), model_type="llama")
    refusal = only(found)
    assert (refusal.kind, refusal.exception) == ("no-match", "NoMatchingPeftModuleError")
    assert found.parameters is None
    assert found.unmatched == ("c_attn",)


def test_a_string_is_a_regex_for_the_whole_path() -> None:
    assert kinds(match(llama(), Targets("q_proj"), model_type="llama")) == ["no-match"]
    found = match(llama(), Targets(r".*\.(q|v)_proj"), model_type="llama")
    assert len(found.modules) == 4
    assert found.modules[0].entry == r".*\.(q|v)_proj"


def test_an_invalid_regex_is_what_peft_raises() -> None:
    assert only(match(llama(), Targets("*_proj"), model_type="llama")).exception == "re.error"


def test_defaults() -> None:
    found = match(llama(), Targets(), model_type="llama")
    assert found.used_defaults
    assert found.entries == ("q_proj", "v_proj")
    assert default_targets("gemma4") == r".*language_model\..*\.(q_proj|v_proj)"
    assert default_targets("phi3") is None
    assert kinds(match(llama(), Targets(), model_type="phi3")) == ["no-default-targets"]


def test_all_linear_leaves_the_output_embedding_out() -> None:
    found = match(llama(), Targets("all-linear"), model_type="llama")
    assert found.left_out == ("lm_head",)
    assert len(found.modules) == 14
    assert {matched.entry for matched in found.modules} == {"all-linear"}
    everything = match(llama(), Targets("all-linear"), model_type="llama", beside=Beside(output_embedding=None))
    assert everything.modules[-1].path == "lm_head"


def test_layers() -> None:
    targets = Targets(("q_proj", "model.layers.0.self_attn.k_proj", "lm_head"), layers_to_transform=(1,))
    found = match(llama(), targets, model_type="llama")
    assert [matched.path for matched in found.modules] == [
        "model.layers.0.self_attn.k_proj",
        "model.layers.1.self_attn.q_proj",
        "lm_head",
    ]
    assert found.bypassing == ("model.layers.0.self_attn.k_proj", "lm_head")
    beyond = match(llama(), Targets(("q_proj",), layers_to_transform=(2,)), model_type="llama")
    assert beyond.out_of_layers == ("q_proj",)
    assert beyond.unmatched == ()
    assert kinds(beyond) == ["no-match"]
    assert kinds(match(llama(), Targets(".*q_proj", layers_to_transform=1))) == ["string-with-layers"]
    assert kinds(match(llama(), Targets(("q_proj",), layers_pattern="layers"))) == ["pattern-without-layers"]


def test_excluded_and_saved() -> None:
    targets = Targets(("q_proj", "k_proj", "lm_head"), exclude_modules=("k_proj", "zz"), modules_to_save=("lm_head",))
    found = match(llama(), targets, model_type="llama")
    assert found.excluded == ("k_proj", "lm_head")
    assert found.overlapping == ("lm_head",)
    assert found.saved == ("lm_head",)
    assert found.parameters == 2 * 8 * (4096 + 4096) + 4096 * 128256
    missing = match(llama(), Targets(("q_proj",), modules_to_save=("score",)), model_type="llama")
    assert missing.unsaved == ("score",)


def test_saving_by_the_end_of_a_word_meets_adapted_modules() -> None:
    assert kinds(match(llama(), Targets(("q_proj",), modules_to_save=("proj",)), model_type="llama")) == [
        "saved-adapted",
        "saved-adapted",
    ]
    assert kinds(match(llama(), Targets(("q_proj",), modules_to_save=("layers",)))) == ["no-match", "saved-container"]


@pytest.mark.parametrize("head", ["score", "classifier"])
def test_classification_heads(head: str) -> None:
    modules = (*llama()[:-1], linear(head, 4096, 2))
    causal = match(modules, Targets("all-linear"), beside=Beside(output_embedding=None))
    classified = match(modules, Targets("all-linear", task_type="SEQ_CLS"), beside=Beside(output_embedding=None))
    assert causal.modules[-1].path == head
    assert classified.saved == classified.left_out == (head,)


@pytest.mark.parametrize(
    ("head", "task"), [("score", "TOKEN_CLS"), ("classifier", "TOKEN_CLS"), ("qa_outputs", "QUESTION_ANS")]
)
def test_heads_that_are_saved_only_after_lora_took_them(head: str, task: str) -> None:
    modules = (*llama()[:-1], linear(head, 4096, 2))
    assert kinds(match(modules, Targets("all-linear", task_type=task), beside=Beside(output_embedding=None))) == [
        "saved-adapted"
    ]
    assert (
        kinds(match(modules, Targets("all-linear", task_type="CAUSAL_LM"), beside=Beside(output_embedding=None))) == []
    )


def test_ranks_and_scales_differ_by_pattern() -> None:
    targets = Targets(("q_proj", "k_proj"), rank=8, alpha=16, rank_pattern={"q_proj": 32, "gone": 2})
    found = match(llama(1), targets, model_type="llama")
    assert [(m.rank, m.alpha, m.scale) for m in found.modules] == [(32, 16, 0.5), (8, 16, 2.0)]
    stable = match(llama(1), Targets(("q_proj",), rank=16, alpha=16, use_rslora=True), model_type="llama")
    assert stable.modules[0].scale == 4.0


def test_unknown_sizes_and_ranks_give_no_count() -> None:
    assert match((Module("a.q_proj", "Linear"),), Targets(("q_proj",))).parameters is None
    found = match(llama(), Targets(("q_proj",), rank=None), model_type="llama")
    assert found.parameters is None
    assert len(found.modules) == 2
    assert match((Module("a.q_proj", "Linear", 4, 4, 16),), Targets(("q_proj",))).parameters == 64
    assert match((Module("a.q_proj", "Linear", 4, 4),), Targets(("q_proj",), bias="none")).parameters is None


@pytest.mark.parametrize(
    ("module", "rank", "expected"),
    [
        (Module("x.conv", "Conv2d", 3, 16, 3 * 16 * 9 + 16, 16), 4, 4 * 3 * 9 + 4 * 16),
        (Module("x.conv", "Conv1d", 8, 16, 4 * 16 * 3, 0, 2), 4, 4 * 8 * 3 + 2 * 16),
        (Module("x.conv", "Embedding", 100, 16, 1600), 4, 4 * 116),
        (Module("x.conv", "Conv1D", 16, 48, 16 * 48 + 48, 48), 4, 4 * 64),
        (Module("x.conv", "MultiheadAttention", 16, 16, 0), 4, 4 * 64 + 4 * 32),
    ],
)
def test_counts_of_other_layers(module: Module, rank: int, expected: int) -> None:
    assert match((module,), Targets(("conv",), rank=rank)).parameters == expected


def test_dora_and_biases() -> None:
    modules = (
        linear("a.q", 4, 6, bias=True),
        linear("a.k", 4, 6, bias=True),
        Module("a.norm", "LayerNorm", own=8, bias=4),
    )
    one = 2 * (4 + 6)
    assert match(modules, Targets(("q",), rank=2, use_dora=True)).parameters == one + 6
    assert match(modules, Targets(("q",), rank=2, lora_bias=True)).parameters == one + 6
    assert match(modules, Targets(("q",), rank=2, bias="lora_only")).parameters == one + 6
    assert match(modules, Targets(("q",), rank=2, bias="all")).parameters == one + 16
    assert match(modules, Targets(("q",), rank=2, bias="all", modules_to_save=("k",))).parameters == one + 10 + 30
    assert only(match(modules, Targets(("q",), bias="some"))).exception == "NotImplementedError"


def test_what_lora_cannot_wrap() -> None:
    assert only(match(llama(), Targets(("self_attn",)))).names == (
        "model.layers.0.self_attn",
        "model.layers.1.self_attn",
    )
    assert kinds(match(llama(), Targets(("q_proj",), rank=0))) == ["invalid-rank"]
    assert kinds(match(llama(), Targets(("q_proj",), rank=1))) == []
    mamba = (linear("layers.0.out_proj", 4, 4), linear("layers.0.in_proj", 4, 4))
    assert kinds(match(mamba, Targets(("out_proj",)), model_type="mamba2")) == ["mamba-module"]
    assert kinds(match(mamba, Targets(("in_proj",)), model_type="mamba2")) == []
    assert kinds(match(mamba, Targets(("out_proj",)), model_type="bart")) == []


def test_expert_names_become_parameters_on_transformers_5() -> None:
    modules, parameters = moe()
    targets = Targets(("q_proj", "gate_proj", "up_proj", "down_proj"), rank=2)
    found = match(modules, targets, model_type="qwen3_moe", beside=Beside(parameters=parameters))
    assert found.converted == {"gate_proj": "gate_up_proj", "up_proj": "gate_up_proj", "down_proj": "down_proj"}
    assert found.unmatched == ()
    by_name = {(m.path, m.parameter): m for m in found.modules}
    fused = by_name["model.layers.1.mlp.experts", "gate_up_proj"]
    assert (fused.rank, fused.alpha, fused.trainable) == (4, 16, 4 * 4 * (12 + 8))
    assert found.parameters == 2 * (2 * 16 + 4 * 4 * 20 + 2 * 4 * 14)
    four = match(modules, targets, model_type="qwen3_moe", version=4, beside=Beside(parameters=parameters))
    assert four.unmatched == ("gate_proj", "up_proj", "down_proj")
    dropped = match(
        modules,
        Targets(targets.target_modules, dropout=0.1),
        model_type="qwen3_moe",
        beside=Beside(parameters=parameters),
    )
    assert kinds(dropped) == ["parameter-dropout"]
    half = match(modules, Targets(("gate_proj",)), model_type="qwen3_moe", beside=Beside(parameters=parameters))
    assert kinds(half) == ["fused-partly"]
    bare = match(modules, targets, model_type="qwen3_moe")
    assert bare.unmatched == ("gate_proj", "up_proj", "down_proj"), "what has become of them is not there either"


def test_default_targets_are_lost_where_names_are_converted() -> None:
    """PEFT turns "not given" into an empty list before it looks for its own default."""
    modules, parameters = moe()
    found = match(modules, Targets(), model_type="mixtral", beside=Beside(parameters=parameters))
    assert kinds(found) == ["no-match"]
    assert match(modules, Targets(), model_type="mixtral", version=4).used_defaults


def test_an_excluded_name_of_an_expert_is_not_converted() -> None:
    modules, parameters = moe()
    targets = Targets(r".*\.(q|gate|up|down)_proj", exclude_modules=("down_proj",))
    found = match(modules, targets, model_type="qwen3_moe", beside=Beside(parameters=parameters))
    assert found.converted == {"gate_proj": "gate_up_proj", "up_proj": "gate_up_proj"}


def test_an_invalid_regex_is_not_taken_for_default_targets_where_names_are_converted() -> None:
    modules, parameters = moe()
    found = match(modules, Targets("*_proj"), model_type="mixtral", beside=Beside(parameters=parameters))
    assert only(found).kind == "invalid-regex"
    assert found.modules == ()
    assert not found.used_defaults


@pytest.mark.parametrize(
    ("option", "kind"),
    [({"lora_bias": True}, "parameter-option"), ({"use_dora": True}, "parameter-option"),
     ({"dropout": 0.1}, "parameter-dropout")],
)  # fmt: skip
def test_options_that_parameters_do_not_take(option: dict[str, Any], kind: str) -> None:
    modules, parameters = moe()
    targets = Targets((), target_parameters=("experts.down_proj",), rank=2, **option)
    assert kinds(match(modules, targets, beside=Beside(parameters=parameters))) == [kind]


def test_target_parameters() -> None:
    modules, parameters = moe()
    targets = Targets((), target_parameters=("experts.down_proj", "nowhere"), rank=2)
    found = match(modules, targets, model_type="gpt_oss", beside=Beside(parameters=parameters))
    assert found.parameters == 2 * 2 * 4 * 14
    assert found.unmatched == ()
    both = Targets(("q_proj",), target_parameters=("q_proj.weight",))
    assert kinds(match(modules, both, beside=Beside(parameters=parameters))) == ["parameter-adapted"] * 2


def test_a_parameter_of_a_module_is_named_once() -> None:
    """A router's weight is a parameter beside the layers; that of a layer, a part of the layer."""
    modules, parameters = moe(layers=1)
    modules = (*modules, Module("weight", "Linear", 8, 8))
    named = {entry: list(Index(modules, parameters).parameters_named(entry)) for entry in ("gate.weight", "weight")}
    assert named["gate.weight"] == [("model.layers.0.mlp.gate", "weight", (4, 8))]
    owners = [owner for owner, *_ in named["weight"]]
    assert len(set(owners)) == len(owners)
    assert {"lm_head", "model.layers.0.mlp.gate", "model.layers.0.self_attn.q_proj", "weight"} <= {*owners}
    root = (Module("", "Linear", 8, 8), *modules[1:])
    assert "" not in [owner for owner, *_ in Index(root, parameters).parameters_named("weight")]


def test_trainable_tokens() -> None:
    targets = Targets(("q_proj",), trainable_tokens=(0, 1, 2, 3, 4))
    found = match(llama(1), targets, model_type="llama", beside=Beside(input_embedding="model.embed_tokens"))
    assert found.parameters == 8 * 8192 + 5 * 4096
    assert kinds(match(llama(1), Targets(("q_proj",), trainable_tokens={"gone": (1,)}))) == ["tokens"]
    assert kinds(match(llama(1), Targets(("q_proj",), trainable_tokens={"self_attn": (1,)}))) == ["tokens"]


@pytest.mark.parametrize(("version", "tied", "refusals"), [(4, True, ["tokens"]), (4, False, []), (5, True, [])])
def test_a_tied_head_is_not_adapted_beside_its_tokens(version: int, tied: bool, refusals: list[str]) -> None:
    """Under transformers 4 PEFT wraps the head itself for its tokens, and raises a TypeError if LoRA has it already."""
    targets = Targets(("q_proj", "lm_head"), trainable_tokens=(0, 1, 2))
    groups = (("model.embed_tokens.weight", "lm_head.weight"),) if tied else ()
    found = match(llama(1), targets, version=version, beside=Beside(input_embedding="model.embed_tokens", tied=groups))
    assert kinds(found) == refusals
    assert (found.parameters is None) is bool(refusals)


@pytest.mark.parametrize(("version", "known"), [(4, False), (5, True)])
def test_a_tied_head_below_the_top_leaves_the_count_open(version: int, known: bool) -> None:
    """Of such a head transformers 4 may name another layer as tied (MPNet), or none (InstructBLIP)."""
    inner = [module._replace(path=f"language_model.{module.path}".rstrip(".")) for module in llama(1)]
    groups = (("language_model.model.embed_tokens.weight", "language_model.lm_head.weight"),)
    beside = Beside(input_embedding="language_model.model.embed_tokens", tied=groups)
    targets = Targets(("q_proj", "lm_head"), trainable_tokens=(0, 1, 2))
    found = match(inner, targets, version=version, beside=beside)
    assert not found.errors
    assert (found.parameters is not None) is known


@pytest.mark.parametrize("names", [("q_proj", "lm_head"), ("q_proj",)])
@pytest.mark.parametrize(("kind", "version", "known"), [("marian", 4, False), ("marian", 5, True), ("zamba", 4, False)])
def test_tokens_of_types_that_tie_other_modules_leave_the_count_open(
    names: tuple[str, ...], kind: str, version: int, known: bool
) -> None:
    """Measured with transformers 4.57.6: PEFT takes a head of Marian beside its tokens, and no layer of Zamba."""
    groups = (("model.embed_tokens.weight", "lm_head.weight"),)
    beside = Beside(input_embedding="model.embed_tokens", tied=groups)
    targets = Targets(names, trainable_tokens=(0, 1, 2))
    found = match(llama(1), targets, model_type=kind, version=version, beside=beside)
    assert not found.errors
    assert (found.parameters is not None) is known


@pytest.mark.parametrize(("names", "known"), [(("q_proj", "lm_head"), False), (("q_proj",), True)])
def test_a_head_that_only_the_config_ties_leaves_the_count_open(names: tuple[str, ...], known: bool) -> None:
    """transformers 4: PEFT reads the tie off the config, and wraps for the tokens a head that shares nothing."""
    targets = Targets(names, trainable_tokens=(0, 1, 2))
    beside = Beside(input_embedding="model.embed_tokens", output_embedding="lm_head", seems_tied=True)
    found = match(llama(1), targets, version=4, beside=beside)
    assert not found.errors
    assert (found.parameters is not None) is known


def test_long_lists_of_paths_do_not_bypass_layers() -> None:
    """PEFT shortens lists of 20 and more to endings, for which it looks at the layers again."""
    paths = tuple(m.path for m in llama(4) if m.path.endswith(("q_proj", "k_proj", "v_proj", "o_proj", "up_proj")))
    assert len(paths) == 20
    short = match(llama(4), Targets(paths[:19], layers_to_transform=(1,)), model_type="llama")
    long = match(llama(4), Targets(paths, layers_to_transform=(1,)), model_type="llama")
    assert (len(short.modules), len(long.modules)) == (19, 5)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (Targets(("attention",), use_dora=True), {"attention-dora": ["a.attention", "b.attention"]}),
        (Targets(("attention",)), {}),
        (Targets(("embed",), lora_bias=True), {"embedding-bias": ["embed"]}),
        (Targets(("embed",)), {}),
        (Targets(("conv",), rank=6), {"conv-groups": ["conv"]}),
        (Targets(("conv",), rank=8), {}),
        (Targets(("linear",), rank=6, use_dora=True, lora_bias=True), {}),
        (Targets(("attention", "embed"), rank=0), {"invalid-rank": ["a.attention", "b.attention", "embed"]}),
    ],
)
def test_layers_that_refuse_a_setting(targets: Targets, expected: dict[str, list[str]]) -> None:
    """As the layers of peft.tuners.lora.layer do when they are made."""
    modules = (
        Module("", "Model", own=0),
        Module("a.attention", "MultiheadAttention", 8, 8, 256, 0),
        Module("b.attention", "MultiheadAttention", 8, 8, 256, 0),
        Module("embed", "Embedding", 32, 8, 256),
        Module("conv", "Conv2d", 8, 8, 144, 0, groups=4),
        linear("linear", 8, 8),
    )
    assert {refusal.kind: list(refusal.names) for refusal in match(modules, targets).errors} == expected


@pytest.mark.parametrize(
    ("task", "head", "twice"),
    [
        ("TOKEN_CLS", "classifier", True),
        ("TOKEN_CLS", "score", True),
        ("QUESTION_ANS", "qa_outputs", True),
        ("QUESTION_ANS", "score", False),
        ("CAUSAL_LM", "classifier", False),
    ],
)
def test_heads_that_a_task_saves_after_the_match(task: str, head: str, twice: bool) -> None:
    modules = (Module("", "Model", own=0), linear("layer.query", 8, 8), linear(head, 8, 2))
    found = match(modules, Targets(target_modules=("query", head), task_type=task))
    assert bool(found.errors) is twice


@pytest.mark.parametrize(
    "head", ["lm_head", "embed_out", "proj_out", "output_projection", "vocab_projector", "cls.predictions.decoder"]
)
def test_heads_that_all_linear_leaves_out_by_their_usual_names(head: str) -> None:
    inner = tuple(Module(path, "Container", own=0) for path in ("cls", "cls.predictions") if head.startswith("cls"))
    modules = (Module("", "Model", own=0), linear("layer.query", 8, 8), *inner, linear(head, 8, 8), linear("own", 8, 8))
    found = match(modules, Targets(target_modules="all-linear"))
    assert [module.path for module in found.modules] == ["layer.query", "own"]
