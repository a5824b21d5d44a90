"""LL205, LL210-LL212, and LL106, LL302, LL303 on runs made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.finding import Add, Write
from lora_lint.run.run import Dataset, Run, Training
from lora_lint.run.values import Unknown
from tests.rules.test_targets import CAUSAL, LLAMA, SEVEN, on
from tests.support.runs import at, check, cli, default, either, lit, one, run

OLMO = "allenai/OLMo-2-1124-7B"
QWEN = "Qwen/Qwen2.5-0.5B"
PYTHIA = "EleutherAI/pythia-1b"
DEFAULT = default(None)


class TestNoDefaultTargets:
    def test_message_and_fix(self) -> None:
        found = one("LL205", on(OLMO, DEFAULT))
        assert "PEFT has no default for olmo2" in found.message
        assert found.confidence == "certain"
        assert found.fix is not None
        assert isinstance(found.fix.changes[0], Add)
        assert found.fix.changes[0].value == "all-linear"

    @pytest.mark.parametrize(
        "given",
        [
            on(LLAMA, DEFAULT),
            on(OLMO, SEVEN),
            on(OLMO, Unknown("…")),
            on("someone/unheard-of", DEFAULT),
            on(either(OLMO, LLAMA), DEFAULT),
            on(OLMO, DEFAULT, target_parameters=("mlp.up_proj.weight",)),
            on(OLMO, DEFAULT, parts=lit(("language_layers",))),
        ],
        ids=["known type", "given", "not known", "no model", "a branch", "parameters", "unsloth chooses"],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL205", given) == []

    def test_other_methods_have_other_tables(self) -> None:
        given = run(of={"method": "IA3Config", "model": on(OLMO, DEFAULT).model}, target_modules=DEFAULT)
        assert check("LL205", given) == []


class TestLayersOutOfRange:
    def test_partly(self) -> None:
        found = one("LL210", on(LLAMA, ("q_proj",), layers_to_transform=(0, 31, 32, 33)))
        assert "`layers_to_transform` names layers 32, 33" in found.message
        assert "are 0 to 31" in found.message
        assert found.fix is not None
        assert found.fix.applicability == "safe"
        assert isinstance(found.fix.changes[0], Write)
        assert found.fix.changes[0].value == (0, 31)

    def test_negative(self) -> None:
        message = one("LL210", on(LLAMA, ("q_proj",), layers_to_transform=(0, -1))).message
        assert "does not count from the end" in message

    def test_whole_paths(self) -> None:
        targets = ("model.layers.3.self_attn.q_proj", "v_proj")
        found = one("LL210", on(LLAMA, targets, layers_to_transform=(0,)))
        assert "is a whole path" in found.message
        assert found.fix is None
        assert check("LL210", on(LLAMA, targets, layers_to_transform=(0, 3))) == []

    @pytest.mark.parametrize(
        "given",
        [
            on(LLAMA, ("q_proj",), layers_to_transform=(0, 31)),
            on(LLAMA, ("q_proj",), layers_to_transform=31),
            on(LLAMA, ("q_proj",), layers_to_transform=(40,)),
            on(LLAMA, ("q_proj",)),
            on(LLAMA, ("q_proj",), layers_to_transform=Unknown("…")),
            on("someone/llama-2-new", ("q_proj",), layers_to_transform=(0, 99)),
            on(either(LLAMA, "meta-llama/Llama-2-13b-hf"), ("q_proj",), layers_to_transform=(0, 39)),
            on(LLAMA, ("wq",), layers_to_transform=(0, 99)),
        ],
        ids=["in range", "one", "nothing is left: LL201", "all", "not known", "by family", "one fits", "no match"],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL210", given) == []


class TestModulesToSaveUnmatched:
    def test_the_models_own_name(self) -> None:
        found = one("LL211", on(PYTHIA, ("query_key_value",), modules_to_save=lit(("embed_tokens",), 120)))
        assert "The model's own name is `embed_in`" in found.message
        assert found.fix is not None
        assert found.fix.changes == (Write(at(120), ("embed_in",)),)

    def test_a_name_without_a_like(self) -> None:
        found = one("LL211", on(LLAMA, ("q_proj",), modules_to_save=("embed_token",)))
        assert found.fix is None
        assert found.confidence == "certain"

    def test_a_list_for_several_families_is_advice(self) -> None:
        given = on(
            LLAMA, ("q_proj",), loader="AutoModelForSequenceClassification", modules_to_save=("classifier", "score")
        )
        found = one("LL211", given)
        assert found.level == "advice"
        assert "`score` is saved" in found.message

    @pytest.mark.parametrize(
        "given",
        [
            on(LLAMA, ("q_proj",), modules_to_save=("embed_tokens", "lm_head")),
            on(LLAMA, ("q_proj",), modules_to_save=None),
            on(LLAMA, ("q_proj",), modules_to_save=Unknown("…")),
            on("someone/unheard-of", ("q_proj",), modules_to_save=("nothing",)),
            on(either(LLAMA, "gpt2"), either(("q_proj",), ("c_attn",)), modules_to_save=("wte",)),
            on(LLAMA, ("q_proj",), loader="OwnModel", modules_to_save=("score",)),
            on(PYTHIA, ("query_key_value",), modules_to_save=("embed_out",)),
            on("FacebookAI/roberta-base", ("query",), loader="AutoModelForSequenceClassification",
               modules_to_save=("classifier", "out_proj")),
        ],
        ids=["there", "none", "not known", "no model", "one has it", "own class", "its name in version 4", "inside"],
    )  # fmt: skip
    def test_silent(self, given: Run) -> None:
        assert check("LL211", given) == []


class TestTargetAndSaveOverlap:
    def test_fix_keeps_what_is_trained(self) -> None:
        found = one("LL212", run(target_modules=lit(("q_proj", "lm_head"), 120), modules_to_save=("lm_head",)))
        assert found.confidence == "certain"
        assert found.fix is not None
        assert found.fix.applicability == "safe"
        assert [change.value for change in found.fix.changes if isinstance(change, Write)] == [("q_proj",)]

    def test_by_the_task_type(self) -> None:
        found = one("LL212", run(target_modules=("q_proj", "score"), task_type="SEQ_CLS"))
        assert "by the task type SEQ_CLS" in found.message

    def test_a_part_of_a_path(self) -> None:
        assert check("LL212", run(target_modules=("classifier.dense",), modules_to_save=("classifier",)))

    def test_nothing_is_left_to_write(self) -> None:
        found = one("LL212", run(target_modules=("lm_head",), modules_to_save=("lm_head",)))
        assert found.fix is not None
        assert found.fix.changes == ()
        assert found.level == "error"
        assert "with nothing else to adapt, raises a ValueError" in found.message
        assert one(
            "LL212", run(target_modules=("lm_head",), modules_to_save=("lm_head",), target_parameters=lit(None, 9))
        )
        only = on("meta-llama/Llama-2-7b-hf", ("lm_head",), modules_to_save=("lm_head",))
        assert check("LL201", only) == []

    @pytest.mark.parametrize(
        "fields",
        [
            {"target_modules": ("q_proj",), "modules_to_save": ("lm_head",)},
            {"target_modules": "all-linear", "modules_to_save": ("lm_head",)},
            {"target_modules": ("lm_head",), "modules_to_save": Unknown("…")},
            {"target_modules": Unknown("…"), "modules_to_save": ("lm_head",)},
            {"target_modules": ("dense",), "task_type": "SEQ_CLS"},
            {"target_modules": ("score",), "task_type": "TOKEN_CLS"},
        ],
    )
    def test_silent(self, fields: dict[str, Any]) -> None:
        assert check("LL212", run(**fields)) == []


class TestRankPatternWithoutAlpha:
    def test_scales_and_fix(self) -> None:
        found = one("LL106", run(8, 16, rank_pattern={"q_proj": 32, "v_proj": 8}, alpha_pattern=default({})))
        assert "the scale is 2 at r=8 but 0.5 where it matches `q_proj` (r=32)" in found.message
        assert "One school" in found.message
        assert found.fix is not None
        assert found.fix.applicability == "unsafe"
        assert isinstance(found.fix.changes[0], Add)
        assert found.fix.changes[0].value == {"q_proj": 64}

    def test_patterns_that_leave_no_layer_at_the_rank(self) -> None:
        fields: dict[str, Any] = {"rank_pattern": {"q_proj": 32, "v_proj": 4}, "target_modules": ("q_proj", "v_proj")}
        message = one("LL106", run(8, 16, **fields)).message
        assert "so the scale is 0.5 where it matches `q_proj` (r=32) and 4 where it matches `v_proj` (r=4)." in message
        fields["rank_pattern"] = {"^q_proj": 32}
        assert "2 at r=8 but 0.5" in one("LL106", run(8, 16, **fields)).message

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"rank_pattern": {"q_proj": 8}},
            {"rank_pattern": {"q_proj": 32}, "alpha_pattern": {"q_proj": 64}},
            {"rank_pattern": {"q_proj": 32}, "alpha_pattern": {".*q_proj": 64}},
            {"rank_pattern": {"q_proj": 32}, "use_rslora": True},
            {"rank_pattern": {"q_proj": 32}, "use_rslora": Unknown("…")},
            {"rank_pattern": {"q_proj": 32}, "init_lora_weights": "eva"},
            {"rank_pattern": Unknown("…")},
            {"rank_pattern": {"q_proj": 32}, "alpha": Unknown("…")},
            {"rank_pattern": {"q_proj": 32}, "target_modules": ("v_proj",)},
            {"rank_pattern": {"q_proj": 32}, "target_modules": ("self_attn.q_proj",)},
        ],
    )
    def test_silent(self, fields: dict[str, Any]) -> None:
        assert check("LL106", run(8, **{"alpha": 16, **fields})) == []


class TestRankExceedsDimension:
    def test_message_and_fix(self) -> None:
        found = one("LL302", on(QWEN, ("k_proj", "v_proj"), lit(256, 120), alpha=lit(512, 130)))
        assert "`k_proj` (896→128) and `v_proj` (896→128)" in found.message
        assert "50% of the adapter's parameters" in found.message
        assert found.fix is not None
        assert [change.value for change in found.fix.changes if isinstance(change, Write)] == [128, 256]

    def test_a_rank_far_above_is_not_lowered_for_all(self) -> None:
        found = one("LL302", on("Qwen/Qwen1.5-MoE-A2.7B", ("q_proj", "shared_expert_gate"), 64))
        assert found.fix is None
        assert "Give these layers their own rank" in found.message

    def test_what_is_in_vain_has_to_matter(self) -> None:
        given = on(QWEN, SEVEN, 256)
        assert check("LL302", given) == []
        assert check("LL302", given, **{"min-share": 0.01})

    @pytest.mark.parametrize(
        "given",
        [
            on(QWEN, ("k_proj",), 128),
            on(QWEN, ("k_proj",), Unknown("…")),
            on("someone/unheard-of", ("k_proj",), 4096),
            on(either(QWEN, LLAMA), ("k_proj",), 256),
            on(QWEN, ("k_proj",), 256, rank_pattern={"k_proj": 64}),
            on(QWEN, ("k_proj",), 0),
        ],
        ids=["equal", "not known", "no model", "one fits", "pattern", "no rank"],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL302", given) == []


class TestRankTooLowForTask:
    def given(self, task: str | None, rank: Any = 8, size: int | None = None, **training: Any) -> Run:
        data = Dataset(size=lit(size)) if size else Dataset()
        return run(rank, lit(16, 130), of={"task": task, "dataset": data, "training": Training(**training)})

    def test_message_and_fix(self) -> None:
        found = one("LL303", self.given("complex-domain", lit(8, 120)))
        assert "`r=8` is low for the task complex-domain: the rule of thumb starts at 32" in found.message
        assert found.fix is not None
        assert [change.value for change in found.fix.changes if isinstance(change, Write)] == [32, 64]

    def test_not_above_what_the_data_allows(self) -> None:
        assert check("LL303", self.given("complex-domain", size=900)) == []
        assert "Try `r=16`" in one("LL303", self.given("complex-domain", size=5000)).message

    def test_the_lowest_rank_of_all_is_low(self) -> None:
        assert "`r=1` is low" in one("LL303", self.given("code", rank=1)).message

    def test_a_flag_is_likely(self) -> None:
        assert one("LL303", self.given("code", rank=cli(8))).confidence == "likely"

    @pytest.mark.parametrize(
        ("task", "rank"),
        [(None, 1), ("code", 16), ("format", 4), ("code", Unknown("…")), ("code", either(8, 16)), ("code", 0)],
    )
    def test_silent(self, task: str | None, rank: Any) -> None:
        assert check("LL303", self.given(task, rank)) == []

    def test_other_methods_of_training_are_not_judged(self) -> None:
        assert check("LL303", self.given("code", method="preference")) == []

    def test_other_bounds(self) -> None:
        assert check("LL303", self.given("code"), **{"min-rank": {"code": 8}}) == []


def test_a_model_that_the_dialect_names_has_no_sure_sizes() -> None:
    base = {"architecture": "llama"}
    given = on(Unknown("…"), ("q_proj",), layers_to_transform=(0, 99), base=base, loader=CAUSAL)
    assert check("LL210", given) == []


ENDS = {
    PYTHIA: ("embed_in", "embed_out"),
    "openai-community/gpt2": ("wte", "lm_head"),
    LLAMA: ("embed_tokens", "lm_head"),
}
"""Models, and what they call the embeddings and the head."""
FUSED = {PYTHIA: "query_key_value", "openai-community/gpt2": "c_attn", LLAMA: "q_proj"}


@pytest.mark.parametrize("model", ENDS)
@pytest.mark.parametrize(
    ("name", "end"),
    [
        *((name, 0) for name in ("embed_tokens", "wte", "word_embeddings", "embed_in", "shared", "embeddings")),
        ("tok_embeddings", 0),
        *((name, 1) for name in ("lm_head", "embed_out", "output", "output_layer", "proj_out")),
    ],
)
def test_names_of_embeddings_and_heads_elsewhere(model: str, name: str, end: int) -> None:
    """PEFT takes embed_out for lm_head too, which GPT-NeoX calls so in transformers 5."""
    own = ENDS[model][end].replace("embed_out", "lm_head")
    found = check("LL211", on(model, (FUSED[model],), modules_to_save=lit((name,), 120)))
    if name in (own, ENDS[model][end]):
        assert found == []
    else:
        assert [f"The model's own name is `{own}`" in each.message for each in found] == [True]


@pytest.mark.parametrize("name", ["classifier", "classification_head", "qa_outputs", "pre_classifier", "head"])
def test_names_of_classifiers_elsewhere(name: str) -> None:
    given = on(LLAMA, ("q_proj",), loader="AutoModelForSequenceClassification", modules_to_save=(name,))
    assert "`score` is saved" in one("LL211", given).message or "own name is `score`" in one("LL211", given).message


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (
            (0, 32),
            "names layer 32, but the layers of meta-llama/Llama-2-7b-hf (llama) are 0 to 31: PEFT adapts layer 0",
        ),
        ((31, 32, 33, 34), "names layers 32 to 34,"),
        ((0, 33, 35), "names layers 33, 35,"),
        ((0, 2, *range(33, 60, 3)), "names layers 33, 36, 39, 42, 45, 48, 51, 54 …,"),
        ((0, *range(33, 57, 3)), "names layers 33, 36, 39, 42, 45, 48, 51, 54,"),
        ((0, -1), "names layer -1, but"),
    ],
)
def test_layers_that_are_named(layers: tuple[int, ...], told: str) -> None:
    message = one("LL210", on(LLAMA, ("q_proj",), layers_to_transform=layers)).message
    assert told in message
    assert ("does not count from the end" in message) is (-1 in layers)


@pytest.mark.parametrize(
    ("task", "targets", "told"),
    [
        ("SEQ_CLS", ("classifier",), True),
        ("SEQ_CLS", ("score",), True),
        ("TOKEN_CLS", ("classifier",), False),
        (None, ("score",), False),
    ],
)
def test_heads_that_a_task_saves(task: str | None, targets: tuple[str, ...], told: bool) -> None:
    assert bool(check("LL212", run(target_modules=("query", *targets), task_type=task))) is told
