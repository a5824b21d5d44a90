"""LL2xx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from transformers import HfArgumentParser
from trl import ModelConfig, get_peft_config

from lora_lint.finding import Write
from lora_lint.frameworks import registry
from lora_lint.linting import engine
from lora_lint.records import replace
from lora_lint.rules.projections import OF_ATTENTION, OF_MLPS, ROLES, own_names
from lora_lint.rules.reached import cases_of
from lora_lint.run.run import BaseModel, OwnModels, Run
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from lora_lint.source import Span
from tests.support.programs import found_in
from tests.support.runs import at, check, cli, either, lit, one, run

if TYPE_CHECKING:
    from pathlib import Path

TRL_PROGRAM = """\
from transformers import AutoModelForCausalLM
from trl import GRPOConfig, GRPOTrainer, ModelConfig, TrlParser, get_peft_config

training, options = TrlParser((GRPOConfig, ModelConfig)).parse_args_and_config()
trainer = GRPOTrainer("Qwen/Qwen2.5-7B", reward, args=training, peft_config=get_peft_config(options))
trainer.train()
"""
SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PHI3 = "microsoft/Phi-3-mini-4k-instruct"
LLAMA = "meta-llama/Llama-2-7b-hf"
CAUSAL = "AutoModelForCausalLM"


def on(model: Any, targets: Any, rank: Any = 8, loader: str | None = CAUSAL, **fields: Any) -> Run:
    """A run on a model; `base` in the fields are those of BaseModel."""
    name = lit(model, 400) if isinstance(model, str) else model
    base = BaseModel(name=name, loader=loader, **fields.pop("base", {}))
    return run(rank, fields.pop("alpha", 16), of={"model": base}, target_modules=targets, **fields)


def codes(given: Run) -> set[str]:
    return {code for code in ("LL201", "LL202", "LL203", "LL204") if check(code, given)}


class TestNoTargetMatch:
    def test_message_names_what_is_there(self) -> None:
        found = one("LL201", on("gpt2", ("q_proj", "v_proj")))
        assert "`q_proj` and `v_proj` are not in gpt2" in found.message
        assert "PEFT raises a ValueError" in found.message
        assert "`c_attn`, `c_proj` and `c_fc`" in found.message
        assert found.confidence == "certain"
        assert found.related[0].span == at(400)

    def test_a_string_becomes_a_list_only_of_names_that_the_model_is_known_to_have(self) -> None:
        fix = one("LL201", on(LLAMA, "q_proj,v_proj")).fix
        assert fix is not None
        assert [change.value for change in fix.changes if isinstance(change, Write)] == [("q_proj", "v_proj")]
        assert one("LL201", on(LLAMA, "q_proj,wv")).fix is None

    def test_a_string_is_a_regex_for_the_whole_path(self) -> None:
        message = one("LL201", on(LLAMA, "q_proj")).message
        assert '`target_modules="q_proj"`' in message
        assert '`["q_proj"]`' in message
        assert '["' not in one("LL201", on(LLAMA, r".*\.wq")).message

    @pytest.mark.parametrize(
        "targets", [("q_proj",), ("self_attn.q_proj",), r".*\.q_proj", "all-linear", r".*(q|v)_proj", ("x", "q_proj")]
    )
    def test_something_matches(self, targets: Any) -> None:
        assert check("LL201", on(LLAMA, targets)) == []

    def test_layers_that_are_not_there(self) -> None:
        message = one("LL201", on(LLAMA, ("q_proj",), layers_to_transform=(99,))).message
        assert "`layers_to_transform` leaves none of `q_proj`" in message

    def test_everything_excluded(self) -> None:
        assert "excluded again" in one("LL201", on(LLAMA, ("q_proj",), exclude_modules=("q_proj",))).message

    def test_a_fork_may_have_wrapped_the_layers(self) -> None:
        wrapped = on(LLAMA, ("q_proj.module", "v_proj.module"))
        of_a_fork = replace(wrapped, newer=frozenset({"peft"}))
        assert (len(check("LL201", wrapped)), check("LL201", of_a_fork)) == (1, [])
        assert check("LL201", replace(on(LLAMA, ("c_attn",)), newer=frozenset({"peft"})))

    @pytest.mark.parametrize("field", ["exclude_modules", "layers_to_transform", "target_parameters"])
    def test_an_unknown_filter_is_silent(self, field: str) -> None:
        assert check("LL201", on("gpt2", ("q_proj",), **{field: Unknown("…")})) == []

    @pytest.mark.parametrize(
        "given",
        [
            on("gpt2", None),
            on("gpt2", Unknown("…")),
            on(Unknown("…"), ("q_proj",)),
            on("someone/unheard-of", ("q_proj",)),
            on(either("gpt2", "someone/unheard-of"), ("q_proj",)),
            on(either("gpt2", LLAMA), either(("q_proj",), ("c_attn",))),
            on("gpt2", either(("q_proj",), ("c_attn",))),
            on("gpt2", ()),
        ],
        ids=["default", "unknown targets", "no model", "unknown model", "half known", "both", "targets", "empty"],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL201", given) == []

    def test_one_of_the_models_that_it_may_load(self) -> None:
        found = one("LL201", on(either("gpt2", LLAMA), ("q_proj",)))
        assert found.confidence == "likely"
        assert "not in gpt2 (one of the models that this run may load), so nothing is adapted: PEFT" in found.message

    def test_every_branch_has_to_fail(self) -> None:
        assert check("LL201", on(either("gpt2", "openai-community/gpt2-xl"), either(("q_proj",), ("wq",))))

    @pytest.mark.parametrize(
        ("given", "confidence"),
        [
            (on("gpt2", ("q_proj",)), "certain"),
            (on(cli("bigscience/bloom-560m"), ("q_proj",)), "likely"),
            (on(cli("bigscience/bloom-560m"), cli(("q_proj",))), "possible"),
            (on(cli("gpt2"), ("q_proj",)), "possible"),
            (on("gpt2", cli(("q_proj",))), "likely"),
            (on("gpt2", ("q_proj",), base={"edited": True}), "possible"),
            (on("/models/gpt2", ("q_proj",)), "likely"),
            (on("gpt2", ("q_proj",), loader=None), "likely"),
            (on(Known("gpt2", None, "setting"), ("q_proj",)), "certain"),
        ],
    )
    def test_confidence(self, given: Run, confidence: str) -> None:
        assert one("LL201", given).confidence == confidence

    def test_a_regex_is_not_judged_without_the_class_that_loads(self) -> None:
        assert check("LL201", on(LLAMA, r"model\.layers\.\d+\.q", loader="MyLoader")) == []

    def test_models_from_the_hub_with_code_of_their_own(self) -> None:
        found = one("LL201", on("allenai/Molmo-7B-D-0924", ("q_proj", "v_proj")))
        assert found.confidence == "likely"
        assert "`att_proj`" in found.message
        assert check("LL201", on("allenai/Molmo-7B-D-0924", ("att_proj",))) == []
        assert check("LL201", on("allenai/Molmo-7B-D-0924", ".*q_proj")) == []

    def test_code_of_their_own_that_is_written_down(self) -> None:
        found = one("LL201", on("THUDM/chatglm3-6b", ("q_proj", "v_proj"), loader="AutoModel"))
        assert found.confidence == "certain"
        assert "`query_key_value`" in found.message
        assert check("LL201", on("THUDM/chatglm3-6b", ("query_key_value",), loader="AutoModel")) == []
        assert check("LL201", on("Qwen/Qwen-VL-Chat", ("attn_pool",))) == [], "another model of that type"

    def test_an_architecture_that_the_dialect_names(self) -> None:
        given = on(Unknown("…"), ("c_attn",), base={"architecture": "llama"})
        assert "not in llama, so nothing" in one("LL201", given).message
        assert check("LL201", on(Unknown("…"), ("q_proj",), base={"architecture": "llama"})) == []

    def test_the_users_own_entry(self) -> None:
        own = OwnModels({"house/model": {"model_type": "gpt2"}})
        assert check("LL201", on("house/model", ("q_proj",), base={"own": own}))
        assert check("LL201", on("house/model", ("c_attn",), base={"own": own})) == []


class TestUnmatchedTargetModule:
    def test_phi3(self) -> None:
        found = one("LL202", on(PHI3, SEVEN))
        assert found.message == (
            "`q_proj`, `k_proj`, `v_proj`, `gate_proj` and `up_proj` are not in microsoft/Phi-3-mini-4k-instruct "
            "(phi3): PEFT adapts only `o_proj` and `down_proj` (4,456,448 parameters) and does not warn. The "
            "model's other linear layers are `qkv_proj` and `gate_up_proj`"
        )
        assert found.confidence == "certain"
        assert found.level is None

    @pytest.mark.parametrize(
        ("kind", "targets"),
        [
            ("vit", ("query", "value", "wrong")),
            ("deit", ("query", "value", "wrong")),
            ("beit", ("query", "value", "wrong")),
            ("dinov2", ("query", "value", "wrong")),
            ("swin", ("query", "value", "wrong")),
        ],
    )
    def test_one_version_matches_nothing_at_all(self, kind: str, targets: tuple[str, ...]) -> None:
        base = {"architecture": kind}
        found = one("LL202", on(kind, targets, loader="AutoModelForImageClassification", base=base))
        assert found.message.startswith(f"`wrong` is not in {kind}")
        assert "PEFT adapts only `query` and `value`" in found.message
        assert found.message.endswith("matches nothing at all") is ("With transformers 5" in found.message)

    def test_the_version_without_a_match_is_named(self) -> None:
        loader = "AutoModelForImageClassification"
        found = one("LL202", on("google/vit-base-patch16-224", ("query", "value", "wrong"), loader=loader))
        assert "PEFT adapts only `query` and `value`" in found.message
        assert found.message.endswith("With transformers 5 the list matches nothing at all")
        assert found.level is None

    def test_experts_that_are_adapted_in_part(self) -> None:
        found = one(
            "LL202", on("Qwen/Qwen3-30B-A3B", ("q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"))
        )
        assert found.level is None
        assert "`target_parameters` reaches: `mlp.experts.gate_up_proj` (with" in found.message
        block = replace(
            on("Qwen/Qwen3-30B-A3B", ("q_proj", "gate_up_proj", "down_proj")),
            framework=registry.framework("lora_block"),
        )
        assert one("LL202", block).confidence == "possible"

    def test_a_saved_set_of_targets_is_told_in_the_models_order(self) -> None:
        lists = (("k_proj", "v_proj", "o_proj", "q_proj"), ("o_proj", "q_proj", "k_proj", "v_proj"))
        told = {one("LL202", on("LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", targets)).message for targets in lists}
        assert len(told) == 1
        assert "PEFT adapts only `k_proj`, `v_proj` and `q_proj`" in told.pop()

    def test_without_the_rank_there_is_no_count(self) -> None:
        message = one("LL202", on(PHI3, SEVEN, rank=Unknown("…"))).message
        assert "parameters)" not in message

    def test_one_entry_is_shown_where_it_is_written(self) -> None:
        spans = (("q_proj", at(600)), ("w", at(610)))
        assert one("LL202", on(LLAMA, ("q_proj", "w"), target_spans=spans)).span == at(610)
        assert one("LL202", on(LLAMA, ("q_proj", "w", "x"), target_spans=spans)).span == at(40)

    def test_harmless_extras_are_advice(self) -> None:
        found = one("LL202", on(LLAMA, (*SEVEN, "query_key_value", "c_attn")))
        assert found.level == "advice"
        assert "so nothing is lost" in found.message
        assert found.fix is not None
        assert found.fix.applicability == "safe"
        assert [change.value for change in found.fix.changes if isinstance(change, Write)] == [SEVEN]
        assert one("LL202", on(LLAMA, (*SEVEN[:-1], "c_attn"))).level is None

    @pytest.mark.parametrize(
        "given",
        [
            on(LLAMA, SEVEN),
            on(LLAMA, (*SEVEN, "lm_head", "embed_tokens")),
            on("gpt2", SEVEN),
            on(PHI3, "all-linear"),
            on(PHI3, ".*(q_proj|o_proj)"),
            on(PHI3, None),
            on(either(PHI3, LLAMA), SEVEN),
            on(PHI3, either(SEVEN, ("qkv_proj",))),
            on("mistralai/Mixtral-8x7B-v0.1", ("q_proj", "w1", "w2", "w3")),
            on(LLAMA, ("q_proj", "lm_head"), loader="SentenceTransformer"),
            on("unsloth/Phi-3-mini-4k-instruct", SEVEN, loader="FastLanguageModel", base={"loader_adapts": True}),
            on(PHI3, SEVEN, loader="FastLanguageModel", base={"loader_adapts": True}),
        ],
        ids=[
            "all match", "head and embeddings", "none match", "shorthand", "regex", "default", "a branch", "targets",
            "names of transformers 4", "head not known", "unsloth's own", "unsloth's own by the other id",
        ],
    )  # fmt: skip
    def test_silent(self, given: Run) -> None:
        assert check("LL202", given) == []

    def test_layers_left_out_are_not_unmatched(self) -> None:
        assert check("LL202", on(LLAMA, ("q_proj", "v_proj"), layers_to_transform=(0,))) == []

    def test_under_one_version(self) -> None:
        names = ("q_proj", "w1", "w2", "w3")
        assert check("LL202", on("mistralai/Mixtral-8x7B-v0.1", names, base={"transformers": "4.57"})) == []

    def test_models_from_the_hub_with_code_of_their_own(self) -> None:
        found = one("LL202", on("allenai/Molmo-7B-D-0924", ("att_proj", "q_proj")))
        assert found.confidence == "likely"
        assert "adapts only `att_proj`" in found.message


class TestRegexInTargetList:
    @pytest.mark.parametrize("entry", [".*q_proj", "q_proj$", "(q|v)_proj", r"layers\.0", "layers.[0-9].q", "*.q_proj"])
    def test_regex(self, entry: str) -> None:
        assert one("LL203", run(target_modules=(entry, "v_proj"))).confidence == "certain"

    @pytest.mark.parametrize("entry", ["q_proj", "layers.0.self_attn.q_proj", "to_out.0", "W-pack", "all-linear"])
    def test_names(self, entry: str) -> None:
        assert check("LL203", run(target_modules=(entry,))) == []

    def test_a_string_is_right(self) -> None:
        assert check("LL203", run(target_modules=".*q_proj")) == []

    def test_places_and_what_to_write(self) -> None:
        spans = ((".*q_proj", at(600)), (".*v_proj", at(610)))
        found = check("LL203", run(target_modules=(".*q_proj", ".*v_proj", "o_proj"), target_spans=spans))
        assert [finding.span for finding in found] == [at(600), at(610)]
        assert r'`target_modules="(.*q_proj)|(.*v_proj)|(.*\.o_proj)"`' in found[0].message
        together = one("LL203", run(target_modules=(".*q_proj", ".*v_proj")))
        assert "are regular expressions" in together.message
        assert "raises a ValueError" in together.message

    def test_one_branch_is_enough(self) -> None:
        assert one("LL203", run(target_modules=either(("q_proj",), (".*q",)))).confidence == "likely"

    def test_not_reported_twice(self) -> None:
        assert codes(on(LLAMA, (".*q_proj",))) == {"LL203"}
        assert codes(on(LLAMA, (".*q_proj", "v_proj"))) == {"LL203"}
        assert codes(on(LLAMA, (".*q_proj", "wv"))) == {"LL201", "LL203"}


class TestAllLinearInList:
    def test_alone_and_beside_others(self) -> None:
        assert "PEFT raises a ValueError" in one("LL204", run(target_modules=("all-linear",))).message
        assert "only the other entries count" in one("LL204", run(target_modules=("All-Linear", "lm_head"))).message

    def test_a_string_is_right(self) -> None:
        assert check("LL204", run(target_modules="all-linear")) == []

    def test_not_reported_twice(self) -> None:
        assert codes(on(LLAMA, ("all-linear",))) == {"LL204"}

    def test_place(self) -> None:
        span = Span("train.py", 600, 612)
        assert one("LL204", run(target_modules=("all-linear",), target_spans=(("all-linear", span),))).span == span


def test_peft_alone_is_followed_and_only_on_code_that_is_known() -> None:
    subject = on(LLAMA, SEVEN)
    assert cases_of(subject)[1]
    assert cases_of(replace(subject, framework=registry.framework("litgpt")))[1] == ()
    assert cases_of(on(either(LLAMA, "allenai/Molmo-7B-D-0924"), SEVEN))[1] == ()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (("q_proj", "o_proj"), ("qkv_proj", "o_proj")),
        (("o_proj", "q_proj", "k_proj", "v_proj", "lm_head"), ("o_proj", "qkv_proj", "lm_head")),
        (("model.q_proj", "up_proj"), ("qkv_proj", "gate_up_proj")),
        (("o_proj", "q_proj", "nonsense"), ()),
    ],
)
def test_names_of_a_model_take_the_place_of_others(entries: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Those that it has stay where they are, and one that has no like leaves all as they were."""
    leaves = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj", "lm_head")
    assert own_names(entries, set(entries) - set(leaves), leaves) == expected


SEPARATE = {
    "llama": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    "bert": ("query", "key", "value", "o", "gate_proj", "fc1", "fc2"),
    "t5": ("q", "k", "v", "o", "w1", "w3", "w2"),
    "distilbert": ("q_lin", "k_lin", "v_lin", "out_lin", "w1", "lin1", "lin2"),
    "mistral": ("wq", "wk", "wv", "wo", "w1", "fc_in", "fc_out"),
    "deberta": ("query_proj", "key_proj", "value_proj", "out_proj", "gate_proj", "c_fc", "dense_4h_to_h"),
    "esm": ("q_linear", "k_linear", "v_linear", "out_proj", "gate_proj", "dense_h_to_4h", "down_proj"),
}
"""A family, and what it calls queries, keys, values, the output, the gate, and what goes up and down."""


@pytest.mark.parametrize("family", SEPARATE)
@pytest.mark.parametrize("other", SEPARATE)
def test_names_of_one_family_for_those_of_another(family: str, other: str) -> None:
    for mine, theirs in zip(SEPARATE[family], SEPARATE[other], strict=True):
        assert own_names([mine], [mine], SEPARATE[other]) == (theirs,)
        assert own_names([f"layers.0.{mine}"], [f"layers.0.{mine}"], SEPARATE[other]) == (theirs,)


@pytest.mark.parametrize("fused", ["qkv_proj", "query_key_value", "c_attn", "Wqkv", "qkv", "attn_qkv"])
def test_one_projection_for_three(fused: str) -> None:
    llama = SEPARATE["llama"]
    assert own_names([fused], [fused], llama) == ("q_proj", "k_proj", "v_proj")
    for name in ("q_proj", "k_proj", "v_proj"):
        assert own_names([name], [name], [fused]) == (fused,)
    assert own_names(["q_proj", "k_proj"], ["q_proj", "k_proj"], [fused]) == (fused,)
    assert own_names(["gate_up_proj"], ["gate_up_proj"], llama) == ("gate_proj", "up_proj")
    for name in ("gate_proj", "up_proj"):
        assert own_names([name], [name], ["gate_up_proj"]) == ("gate_up_proj",)


def test_names_without_a_like() -> None:
    assert own_names(["q_proj", "mixer"], ["mixer"], ["q_proj"]) == ()
    assert own_names(["q_proj", "o_proj"], ["o_proj"], ["q_proj", "k_proj"]) == ()
    assert own_names(["q_proj", "own"], [], ["x"]) == ("q_proj", "own")
    assert own_names(["qkv"], ["qkv"], ["q_proj", "k_proj"]) == ()


def test_parts_of_attention_and_of_mlps() -> None:
    for names in SEPARATE.values():
        assert [ROLES[name] in OF_ATTENTION for name in names] == [True] * 4 + [False] * 3
        assert [ROLES[name] in OF_MLPS for name in names] == [False] * 4 + [True] * 3
    assert (ROLES["c_attn"] in OF_ATTENTION, ROLES["gate_up_proj"] in OF_MLPS) == (True, True)


@pytest.mark.parametrize(("entries", "how"), [((".*q_proj",), "safe"), ((".*q_proj", "v_proj"), "unsafe")])
def test_a_regex_that_is_written_as_a_text(entries: tuple[str, ...], how: str) -> None:
    fix = one("LL203", run(target_modules=lit(entries, 120))).fix
    assert fix is not None
    (change,) = fix.changes
    assert isinstance(change, Write)
    assert (fix.applicability, change.span, isinstance(change.value, str)) == (how, at(120), True)
    for found in check("LL203", run(target_modules=either((".*q_proj",), (".*v_proj",)))):
        assert found.fix is not None
        assert found.fix.changes == ()


def test_names_that_the_model_has_instead() -> None:
    given = on(LLAMA, ("query", "value"))
    fix = one("LL201", given).fix
    assert fix is not None
    assert [change.value for change in fix.changes if isinstance(change, Write)] == [("q_proj", "v_proj")]
    several = one("LL201", on(either(LLAMA, "mistralai/Mistral-7B-v0.1"), ("query", "value"))).fix
    assert several is None or several.changes == ()


ON_IMAGES = """\
import open_clip
import timm
import torch
from peft import LoraConfig, get_peft_model

{}
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules={}, modules_to_save=["head"]))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for batch in loader:
    model(batch).sum().backward()
    optimizer.step()
"""
TIMM = "model = timm.create_model('vit_small_patch16_224.augreg_in21k', pretrained=True, num_classes=5)"
CLIP = "model, _, preprocess = open_clip.create_model_and_transforms('ViT-B-32', pretrained='openai')"


@pytest.mark.parametrize(
    ("model", "targets", "code"),
    [
        (TIMM, ["query", "value"], "LL201"),
        (TIMM, ["qkv", "out_proj"], "LL202"),
        (TIMM, ["qkv", "proj", "fc1", "fc2"], None),
        (TIMM.replace("vit_small_patch16_224.augreg_in21k", "efficientnet_b0"), ["query"], None),
        (CLIP, ["q_proj", "v_proj"], "LL201"),
        (CLIP, ["in_proj_weight"], "LL201"),
        (CLIP, ["c_fc", "text_projection"], "LL202"),
        (CLIP, ["c_fc", "c_proj", "out_proj"], None),
        (CLIP.replace("ViT-B-32", "ViT-B-16-SigLIP"), ["q_proj"], None),
        ("model = open_clip.create_model('ViT-L-14-336')", ["q_proj"], "LL201"),
        ("model, preprocess = open_clip.create_model_from_pretrained(NAME)", ["q_proj"], None),
    ],
)
def test_models_of_image_libraries(model: str, targets: list[str], code: str | None) -> None:
    assert found_in(ON_IMAGES.format(model, targets)) & {"LL201", "LL202"} == ({code} if code else set())


@pytest.mark.parametrize(("version", "codes"), [("4.49.0", set()), ("4.57.1", {"LL201"}), ("", {"LL201"})])
def test_a_regex_for_paths_of_an_older_transformers(
    version: str, codes: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text(f"transformers=={version}\n" if version else "transformers\n")
    (tmp_path / "train.py").write_text(
        "from peft import LoraConfig, get_peft_model\nfrom transformers import Qwen2VLForConditionalGeneration, Trainer\n"
        "model = Qwen2VLForConditionalGeneration.from_pretrained('Qwen/Qwen2-VL-2B-Instruct')\n"
        "config = LoraConfig(r=8, lora_alpha=16, target_modules=r'visual\\.blocks\\.\\d+\\.attn\\.(qkv|proj)')\n"
        "Trainer(model=get_peft_model(model, config)).train()\n"
    )
    found = engine.lint(["train.py"], Settings(), jobs=1).findings
    assert {each.code for each in found} & {"LL201", "LL202"} == codes


@pytest.mark.parametrize(
    ("words", "taken", "found"),
    [
        (["q_proj,v_proj"], "q_proj,v_proj", True),
        (["q_proj", "v_proj"], ["q_proj", "v_proj"], False),
        (["all-linear"], "all-linear", False),
    ],
)
@pytest.mark.parametrize("splits", [False, True])
def test_one_word_of_trls_options_is_a_regex(
    tmp_path: Path, words: list[str], taken: Any, found: bool, splits: bool
) -> None:
    (options,) = HfArgumentParser(ModelConfig).parse_args_into_dataclasses(
        ["--use_peft", "true", "--lora_target_modules", *words]
    )
    config = get_peft_config(options)
    assert config is not None
    assert sorted(config.target_modules) == sorted(taken)  # type: ignore[arg-type]
    own = "options.lora_target_modules = options.lora_target_modules.split(',')\n"
    (tmp_path / "grpo.py").write_text(TRL_PROGRAM.replace("trainer =", f"{own}trainer =") if splits else TRL_PROGRAM)
    (tmp_path / "run.sh").write_text(
        "python grpo.py --model_name_or_path Qwen/Qwen2.5-VL-3B-Instruct --use_peft true --lora_r 8 --lora_alpha 16 "
        f"--lora_target_modules {' '.join(words)}\n"
    )
    result = engine.lint([tmp_path.as_posix()], Settings(select=("LL201",)), jobs=1)
    assert [each.code for each in result.findings] == ["LL201"] * (found and not splits)
