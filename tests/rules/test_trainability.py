"""LL4xx."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.frameworks import registry
from lora_lint.records import replace
from lora_lint.run.events import (
    AddBeside,
    DeleteAdapter,
    EnableAdapters,
    EnableCheckpointing,
    EnableInputGrads,
    Fragments,
    Freeze,
    Load,
    LoadAdapter,
    LoadBeside,
    MakeOptimizer,
    PrepareKbit,
    Resize,
    Save,
    Selected,
    Selection,
    SetAdapter,
    SetRequiresGrad,
    Train,
    Unfreeze,
    Unwrap,
    Wrap,
)
from lora_lint.run.run import BaseModel, Run, Training
from lora_lint.run.values import Known, Unknown
from lora_lint.run.versions import Pin
from lora_lint.source import Span
from tests.support.runs import at, check, cli, either, events, lit, one, run

LOOP = Span("train.py", 900, 2000)


def with_events(*kinds: Any, **fields: Any) -> Run:
    return run(of={"events": events(*kinds), "trained": True}, **fields)


def _selection(names: tuple[str, ...], all_of_them: bool) -> Selection:
    if all_of_them:
        return Selected.ALL
    return Fragments(names) if names else Selected.UNREADABLE


def unfreeze(*names: str, all_of_them: bool = False, flag: str | None = None, start: int = 700) -> Unfreeze:
    return Unfreeze(at(start), flag, selection=_selection(names, all_of_them))


def freeze(*names: str, all_of_them: bool = False) -> Freeze:
    return Freeze(at(750), selection=_selection(names, all_of_them))


EVERYTHING = unfreeze(all_of_them=True)
LOADED = LoadAdapter(at(650), trainable=Known(False))
BESIDE = LoadBeside(at(660), trainable=Known(False), adapters=("two",))
ACTIVATED = SetAdapter(at(670), trainable=Known(True), adapters=("two",))
OPTIMIZER = MakeOptimizer(at(690))


class TestBaseParamsTrainable:
    def test_everything(self) -> None:
        found = one("LL401", with_events(Load, Wrap, EVERYTHING, Train))
        assert found.level is None
        assert found.confidence == "certain"
        assert "makes all parameters trainable" in found.message
        assert found.span == at(700)
        assert found.related[0].span == at(1010)

    def test_named_parts(self) -> None:
        found = one("LL401", with_events(Wrap, unfreeze("lm_head", "embed"), Train))
        assert "`lm_head` and `embed`" in found.message
        assert "`modules_to_save`" in found.message
        assert found.level is None

    def test_flags(self) -> None:
        named = one("LL401", with_events(Wrap, unfreeze("projector", flag="args.tune"), Train))
        assert (named.level, named.confidence) == ("warning", "likely")
        assert "(if `args.tune`)" in named.message
        everything = one("LL401", with_events(Wrap, unfreeze(all_of_them=True, flag="args.full"), Train))
        assert (everything.level, everything.confidence) == (None, "likely")

    def test_parts_that_the_program_saves_itself(self) -> None:
        """`torch.save(non_lora_state_dict, …)` next to `save_pretrained`, as LLaVA's scripts do."""
        more = Save(at(900), adapter_alone=False)
        assert check("LL401", with_events(Wrap, unfreeze("projector", flag="args.tune"), Train, more)) == []
        assert check("LL401", with_events(Wrap, EVERYTHING, Train, more))

    def test_beside_what_the_adapter_owns(self) -> None:
        message = one("LL401", with_events(Wrap, unfreeze("lora_A", "norm"), Train)).message
        assert "`norm`" in message
        assert "lora_A" not in message

    @pytest.mark.parametrize(
        "given",
        [
            with_events(Load, EVERYTHING, Wrap, Train),
            with_events(Load, EVERYTHING, Train),
            with_events(Wrap, unfreeze("lm_head")),  # part of a model that may be saved whole
            with_events(Wrap, unfreeze("lora_", "magnitude_vector"), Train),
            with_events(Wrap, unfreeze(), Train),
            with_events(Wrap, EVERYTHING, freeze(all_of_them=True), Train),
            with_events(Wrap, EVERYTHING, freeze(), Train),
            with_events(Wrap, unfreeze("head"), freeze("head", "norm"), Train),
            with_events(Wrap, EVERYTHING, Unwrap, Train),
            with_events(Wrap, EVERYTHING, PrepareKbit, Train),
            with_events(Wrap, unfreeze("score"), Train, modules_to_save=("score",)),
            with_events(Wrap, unfreeze("model.score.weight"), Train, modules_to_save=("score",)),
            run(of={"events": events(Wrap, EVERYTHING), "trained": False}),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL401", given) == []

    def test_a_part_frozen_again_leaves_the_rest(self) -> None:
        assert check("LL401", with_events(Wrap, EVERYTHING, freeze("vision_tower"), Train))

    def test_frozen_after_the_training(self) -> None:
        assert check("LL401", with_events(Wrap, EVERYTHING, Train, freeze(all_of_them=True)))

    def test_configured_patterns(self) -> None:
        found = one("LL401", run(of={"unfrozen_patterns": lit(("^lm_head.weight$",), 300)}))
        assert "`^lm_head.weight$`" in found.message
        assert found.span == at(300)
        assert "Nothing is trained" in found.message
        assert "Nothing is trained" in one("LL401", run(of={"unfrozen_patterns": lit(("lora_.*",))})).message
        found = one("LL401", run(of={"unfrozen_patterns": lit((".+lora_", "base_model.model.lm_head"))}))
        assert "makes `base_model.model.lm_head` of the base model trainable" in found.message
        assert check("LL401", run(of={"unfrozen_patterns": lit((".+lora_",))})) == []
        assert check("LL401", run(of={"unfrozen_patterns": lit(())})) == []

    @pytest.mark.parametrize(("bias", "count"), [("none", 0), ("all", 1), ("lora_only", 0), ("some", 0)])
    def test_bias(self, bias: str, count: int) -> None:
        found = check("LL401", run(bias=bias))
        assert [finding.level for finding in found] == ["warning"] * count

    @pytest.mark.parametrize(("task", "level"), [("SEQ_CLS", "advice"), ("CAUSAL_LM", "warning")])
    def test_bias_of_a_classifier(self, task: str, level: str) -> None:
        assert one("LL401", run(bias="all", task_type=task)).level == level

    def test_bias_in_branches(self) -> None:
        assert check("LL401", run(bias=either("all", "none"))) == []
        assert check("LL401", run(bias=either("all", "lora_only")))
        assert check("LL401", run(bias=Unknown("…"))) == []
        bert = BaseModel(name=lit("bert-base-uncased"), loader="AutoModel")
        given = run(bias=cli("all"), target_modules=("query",), of={"model": bert})
        assert one("LL401", given).confidence == "likely"

    def test_bias_of_a_model_without_any(self) -> None:
        def of(name: str, bias: str = "all", target: str = "q_proj") -> Run:
            base = BaseModel(name=lit(name), loader="AutoModelForCausalLM")
            return run(bias=bias, target_modules=(target,), of={"model": base})

        assert check("LL401", of("meta-llama/Llama-2-7b-hf")) == []
        assert "base model with the adapter" in one("LL401", of("Qwen/Qwen2.5-7B")).message
        unknown = one("LL401", of("someone/unheard-of"))
        assert ("if there are any" in unknown.message, unknown.confidence) == (True, "possible")
        preference = Training(method="preference")
        assert check("LL401", replace(of("Qwen/Qwen2.5-7B", "lora_only"), training=preference))
        assert check("LL401", replace(of("Qwen/Qwen2.5-7B", "lora_only", "o_proj"), training=preference)) == []

    @pytest.mark.parametrize(
        "given",
        [
            with_events(Wrap, OPTIMIZER, EVERYTHING, Train),
            with_events(Wrap, OPTIMIZER, replace(EVERYTHING, flag="args.late"), Train),
            with_events(Wrap, replace(OPTIMIZER, flag="x"), replace(EVERYTHING, flag="x"), Train),
            with_events(Wrap, replace(OPTIMIZER, flag="x"), replace(OPTIMIZER, flag="not (x)"), EVERYTHING, Train),
        ],
    )
    def test_too_late_for_the_optimizer(self, given: Run) -> None:
        assert check("LL401", given) == []

    @pytest.mark.parametrize(
        "given",
        [
            with_events(Wrap, EVERYTHING, OPTIMIZER, Train),
            with_events(Wrap, OPTIMIZER, EVERYTHING, OPTIMIZER, Train),
            with_events(Wrap, replace(OPTIMIZER, flag="x"), EVERYTHING, Train),
            with_events(Wrap, replace(OPTIMIZER, flag="x"), replace(EVERYTHING, flag="not (x)"), Train),
            with_events(Wrap, replace(OPTIMIZER, loop=Span("train.py", 600, 900)), EVERYTHING, Train),
        ],
        ids=["before", "made anew", "perhaps", "the other branch", "in the next turn"],
    )
    def test_in_time_for_an_optimizer(self, given: Run) -> None:
        assert check("LL401", given)


class TestAdapterLoadedFrozen:
    def test_loaded_and_trained(self) -> None:
        found = one("LL402", with_events(Load, LOADED, Train))
        assert found.span == at(650)
        assert found.confidence == "certain"
        assert "is_trainable=True" in found.message

    def test_behind_a_flag(self) -> None:
        assert one("LL402", with_events(replace(LOADED, flag="args.resume"), Train)).confidence == "likely"

    @pytest.mark.parametrize(
        "given",
        [
            with_events(Load, LOADED),
            with_events(Load, Train, LOADED),
            with_events(LOADED, Unwrap, Train),
            with_events(LOADED, Wrap, Train),
            with_events(LOADED, unfreeze("lora"), Train),
            with_events(LoadAdapter(at(1), trainable=Known(True)), Train),
            with_events(LoadAdapter(at(1), trainable=either(True, False)), Train),
            with_events(LoadAdapter(at(1), trainable=Unknown("…")), Train),
            with_events(LoadAdapter, Train),
            with_events(LOADED, Load, Train),
            with_events(LOADED, replace(BESIDE, trainable=Known(True)), Train),
            with_events(LOADED, AddBeside(at(660), adapters=("two",)), ACTIVATED, Train),
            with_events(LOADED, BESIDE, ACTIVATED, Train),
            with_events(LOADED, BESIDE, replace(ACTIVATED, adapters=None), Train),
            with_events(Wrap, replace(BESIDE, adapters=("default",)), Train),
            with_events(LOADED, DeleteAdapter(at(1)), Train),
            with_events(LOADED, EnableAdapters(at(1)), Train),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL402", given) == []

    def test_of_several_the_active_one(self) -> None:
        assert one("LL402", with_events(LOADED, BESIDE, Train)).span == LOADED.span
        frozen = replace(ACTIVATED, trainable=Known(False))
        assert one("LL402", with_events(LOADED, BESIDE, frozen, Train)).span == BESIDE.span

    def test_activated_after_the_training(self) -> None:
        assert check("LL402", with_events(LOADED, Train, BESIDE, ACTIVATED, Train))

    def test_frozen_again(self) -> None:
        thawed = replace(ACTIVATED, adapters=("default",))
        assert check("LL402", with_events(LOADED, thawed, PrepareKbit, Train))
        switched_off = SetRequiresGrad(at(1), trainable=Known(False))
        assert check("LL402", with_events(LOADED, thawed, switched_off, Train))


class TestInferenceModeTraining:
    def test_trained(self) -> None:
        found = one("LL403", with_events(Wrap, Train, inference_mode=True))
        assert "`inference_mode=True`" in found.message
        assert found.related[0].span == at(1010)

    @pytest.mark.parametrize(
        "given",
        [
            run(inference_mode=True),
            run(inference_mode=True, of={"trained": False}),
            with_events(Wrap, Train, inference_mode=False),
            with_events(Wrap, Train, inference_mode=Unknown("…")),
            with_events(Wrap, Train, inference_mode=either(True, False)),
            with_events(Wrap, unfreeze("lora"), Train, inference_mode=True),
            with_events(Wrap, replace(ACTIVATED, adapters=("default",)), Train, inference_mode=True),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL403", given) == []

    def test_set_active_and_frozen(self) -> None:
        activated = replace(ACTIVATED, adapters=("default",), trainable=Known(False))
        assert check("LL403", with_events(Wrap, activated, Train, inference_mode=True))
        assert check("LL404", with_events(Wrap, PrepareKbit, activated, Train))


class TestKbitPrepareAfterWrap:
    def test_after_the_wrap(self) -> None:
        found = one("LL404", with_events(Load, Wrap, PrepareKbit, Train))
        assert found.span == at(1020)
        assert found.related[0].span == at(1010)
        assert found.confidence == "certain"

    def test_without_training_in_the_file(self) -> None:
        assert check("LL404", run(of={"events": events(Wrap, PrepareKbit)}))

    def test_after_a_trainable_load(self) -> None:
        assert check("LL404", with_events(LoadAdapter(at(1), trainable=Known(True)), PrepareKbit))

    def test_behind_a_flag(self) -> None:
        flagged = PrepareKbit(at(1), flag="args.bits == 4")
        assert one("LL404", with_events(Wrap, flagged, Train)).confidence == "likely"

    @pytest.mark.parametrize(
        "given",
        [
            with_events(Load, PrepareKbit, Wrap, Train),
            with_events(Wrap, PrepareKbit, unfreeze("lora"), Train),
            with_events(Wrap, PrepareKbit, replace(ACTIVATED, adapters=("default",)), Train),
            with_events(Wrap, Unwrap, PrepareKbit, Train),
            with_events(Wrap, PrepareKbit, Wrap, Train),
            with_events(Wrap, Load, PrepareKbit),
            with_events(LOADED, PrepareKbit),
            run(of={"events": events(Wrap, PrepareKbit), "trained": False}),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL404", given) == []


class TestSweepReusesBaseModel:
    WRAP = Wrap(Span("train.py", 1000, 1010), loop=LOOP)

    def test_in_a_loop(self) -> None:
        found = one("LL408", with_events(Load(at(5)), self.WRAP, Train))
        assert found.span == self.WRAP.span
        assert found.related[0].span == LOOP

    def test_once_for_each_loop(self) -> None:
        assert len(check("LL408", with_events(self.WRAP, self.WRAP))) == 1

    @pytest.mark.parametrize("kind", [Unwrap, Load, DeleteAdapter])
    def test_cleaned_up(self, kind: Any) -> None:
        assert check("LL408", with_events(self.WRAP, kind(at(5), loop=LOOP))) == []
        assert check("LL408", with_events(self.WRAP, kind(Span("train.py", 1500, 1510)))) == []
        assert check("LL408", with_events(kind(at(5)), self.WRAP))

    def test_not_in_a_loop(self) -> None:
        assert check("LL408", with_events(Load, Wrap, Wrap)) == []


class TestUnfrozenNotSaved:
    SAVE = Save(at(900), adapter_alone=True)

    def given(self, flag: str | None = None, save_flag: str | None = None) -> Run:
        saved = replace(self.SAVE, flag=save_flag)
        subject = with_events(Wrap, unfreeze("projector", flag=flag), Train, saved, modules_to_save=None)
        return replace(subject, training=Training("Trainer"))

    def test_always(self) -> None:
        found = one("LL410", self.given())
        assert found.confidence == "certain"
        assert "named `projector` trainable by hand, but" in found.message
        assert [related.span for related in found.related] == [at(900), at(1000)]

    def test_behind_a_flag(self) -> None:
        found = one("LL410", self.given("args.tune"))
        assert found.confidence == "likely"
        assert "trainable by hand (if `args.tune`), but" in found.message
        assert one("LL410", self.given(save_flag="args.save")).confidence == "likely"


@pytest.mark.parametrize(
    "fragment",
    [
        *("lora_A", "my_adapter", "modules_to_save", "lora_magnitude_vector", "trainable_tokens", "token_adapter"),
        *("vera_lambda_d", "hada_w1_a", "ia3_l", "lokr_w1", "loha", "oft_R", "boft_s", "vblora_logits", "randlora_A"),
        "prompt_encoder",
    ],
)
def test_what_adapters_own(fragment: str) -> None:
    assert check("LL401", with_events(Wrap, unfreeze(fragment), Train)) == []
    assert check("LL401", with_events(Wrap, unfreeze(fragment, "head"), Train))


@pytest.mark.parametrize("name", ["embed_tokens", "lm_head", "wte", "embed_in", "embed_out", "word_embeddings"])
def test_embeddings_that_have_grown_are_saved(name: str) -> None:
    part = unfreeze(f"model.{name}.weight")
    assert check("LL401", with_events(Resize, Wrap, part, Train)) == []
    assert check("LL401", with_events(Wrap, part, Train))
    assert check("LL401", with_events(Resize, Wrap, unfreeze(f"model.{name}.weight", "norm"), Train))
    flagged = Resize(at(600), flag="args.grow")
    assert check("LL401", with_events(flagged, Wrap, part, Train))


SAVED = Save(at(1500), adapter_alone=True)


@pytest.mark.parametrize(
    ("trainer", "saves"),
    [
        *((trainer, "LL410") for trainer in (None, "a training loop", "Trainer", "Seq2SeqTrainer", "SFTTrainer")),
        *((trainer, "LL410") for trainer in ("DPOTrainer", "KTOTrainer", "ORPOTrainer", "GRPOTrainer")),
        ("RewardTrainer", "LL410"),
        ("OwnTrainer", "LL401"),
    ],
)
def test_trainers_that_save_the_adapter_alone(trainer: str | None, saves: str) -> None:
    told = {"events": events(Wrap, unfreeze("head"), Train, SAVED), "trained": True}
    given = run(of={**told, "training": Training(trainer=trainer, by_hand=trainer == "a training loop")})
    assert [code for code in ("LL401", "LL410") if check(code, given)] == [saves]


@pytest.mark.parametrize("bias", ["all", "lora_only"])
def test_each_kind_of_bias(bias: str) -> None:
    given = replace(with_events(Wrap, Train, bias=bias), training=Training(method="rl"))
    found = one("LL401", given)
    assert f'"{bias}"' in found.message
    which = "every bias of the base model" if bias == "all" else "the biases of the adapted layers"
    assert which in found.message


@pytest.mark.parametrize("kind", [Load, Unwrap, DeleteAdapter])
def test_what_takes_an_adapter_off(kind: Any) -> None:
    assert check("LL404", with_events(Wrap, PrepareKbit, Train))
    assert check("LL404", with_events(Wrap, kind, PrepareKbit, Train)) == []


@pytest.mark.parametrize("kind", [Unfreeze, SetAdapter, SetRequiresGrad, EnableAdapters])
def test_what_makes_an_adapter_trainable_again(kind: Any) -> None:
    assert check("LL403", with_events(Wrap, kind, Train, inference_mode=True)) == []
    assert check("LL404", with_events(Wrap, PrepareKbit, kind, Train)) == []
    assert check("LL404", with_events(Wrap, PrepareKbit, Train, kind))


@pytest.mark.parametrize("kind", [SetAdapter, SetRequiresGrad])
def test_what_freezes_an_adapter(kind: Any) -> None:
    frozen = kind(at(1100), trainable=Known(False))
    assert check("LL403", with_events(Wrap, frozen, Train, inference_mode=True))
    assert check("LL404", with_events(Wrap, PrepareKbit, frozen, Train))


@pytest.mark.parametrize("kind", [Wrap, Unwrap, LoadAdapter, LoadBeside])
def test_what_puts_another_adapter_on(kind: Any) -> None:
    assert check("LL404", with_events(Wrap, PrepareKbit, kind, Train)) == []


WRAP = Wrap(at(1010))
QUANTIZED = BaseModel(quantization=lit("4bit", 40))


def loop(*kinds: Any, trainer: str | None = "a training loop", model: BaseModel = QUANTIZED, **of: Any) -> Run:
    """A run of a trainer, and what happens to its model."""
    training = Training(trainer=trainer, by_hand=trainer == "a training loop")
    told = {"events": events(*kinds), "trained": True, "model": model, "training": training}
    return run(of={**told, **of})


class TestKbitPrepareMissing:
    @pytest.mark.parametrize("trainer", ["Trainer", "Seq2SeqTrainer", "a training loop"])
    @pytest.mark.parametrize("bits", ["4", "8"])
    def test_not_prepared(self, trainer: str, bits: str) -> None:
        given = loop(Load, WRAP, Train, trainer=trainer, model=BaseModel(quantization=lit(f"{bits}bit", 40)))
        found = one("LL405", given)
        assert f"loaded in {bits} bits and wrapped" in found.message
        assert (found.span, found.confidence, found.related[0].span) == (at(1010), "likely", at(40))
        assert f"in {bits} bits" in found.related[0].message

    def test_behind_a_flag(self) -> None:
        assert one("LL405", loop(replace(WRAP, flag="args.lora"), Train)).confidence == "possible"

    @pytest.mark.parametrize(
        "given",
        [
            loop(WRAP, Train, trainer="DPOTrainer"),
            loop(WRAP, Train, trainer=None),
            loop(WRAP, Train, model=BaseModel()),
            loop(WRAP, Train, model=BaseModel(quantization=lit("2bit"))),
            loop(WRAP, Train, model=replace(QUANTIZED, edited=True)),
            loop(WRAP, Train, framework=registry.framework("unsloth")),
            loop(WRAP, Train, trained=None),
            loop(WRAP, Freeze, Train),
            loop(LoadAdapter, WRAP, Train),
            loop(Train),
            *(loop(kind, WRAP, Train) for kind in (PrepareKbit, EnableInputGrads, EnableCheckpointing)),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL405", given) == []


class TestClassifierHeadFrozen:
    @pytest.mark.parametrize(
        ("loader", "task"),
        [
            ("AutoModelForSequenceClassification", "SEQ_CLS"),
            ("AutoModelForTokenClassification", "TOKEN_CLS"),
            ("AutoModelForCausalLM", None),
            (None, None),
        ],
    )
    def test_loaders(self, loader: str | None, task: str | None) -> None:
        found = check("LL406", loop(WRAP, Train, model=BaseModel(loader=loader)))
        assert [f'`task_type="{task}"` trains' in each.message for each in found] == [True] * bool(task)

    @pytest.mark.parametrize("head", ["score", "classifier", "classification_head", "cls"])
    def test_a_head_that_is_named(self, head: str) -> None:
        model = BaseModel(loader="AutoModelForSequenceClassification")
        given = loop(WRAP, Train, model=model)
        saved = replace(given.adapter, modules_to_save=Known(("query", f"model.{head}")))
        assert check("LL406", replace(given, adapter=saved)) == []
        adapted = replace(given.adapter, target_modules=Known(("query", f"model.{head}")))
        found = one("LL406", replace(given, adapter=adapted))
        assert (found.confidence, f"`model.{head}`" in found.message) == ("likely", True)
        regex = replace(loop(model=model).adapter, target_modules=Known(f".*{head}"))
        assert check("LL406", replace(loop(WRAP, Train, model=model), adapter=regex)) == []

    def test_silent(self) -> None:
        given = loop(WRAP, Train, model=BaseModel(loader="AutoModelForSequenceClassification"))
        assert check("LL406", given)
        for field, value in (
            ("task_type", Known("SEQ_CLS")),
            ("task_type", Unknown("…")),
            ("modules_to_save", Unknown("…")),
        ):
            assert check("LL406", replace(given, adapter=replace(given.adapter, **{field: value}))) == []
        assert check("LL406", replace(given, trained=None)) == []
        assert check("LL406", replace(given, framework=registry.framework("axolotl"))) == []
        assert check("LL406", replace(given, events=events(WRAP, unfreeze("score"), Train))) == []


LOAD = LoadAdapter(at(1200), trainable=Known(True), wrapped=True)


class TestWrapThenLoad:
    def test_loaded_onto_a_wrapped_model(self) -> None:
        found = one("LL409", loop(WRAP, LOAD, Train))
        assert (found.span, found.confidence, found.related[0].span) == (at(1200), "certain", at(1010))
        assert one("LL409", loop(LOAD, replace(LOAD, span=at(1300)))).span == at(1300)

    @pytest.mark.parametrize(
        ("first", "second", "confidence"),
        [(replace(WRAP, flag="a"), LOAD, "possible"), (WRAP, replace(LOAD, flag="args.resume"), "likely")],
    )
    def test_behind_a_flag(self, first: Any, second: Any, confidence: str) -> None:
        assert one("LL409", loop(first, second)).confidence == confidence

    @pytest.mark.parametrize("kind", [Unwrap, DeleteAdapter, Load])
    def test_taken_off_before(self, kind: Any) -> None:
        assert check("LL409", loop(WRAP, kind, LOAD)) == []

    def test_silent(self) -> None:
        assert check("LL409", loop(LOAD, Train)) == []
        assert check("LL409", loop(WRAP, replace(LOAD, wrapped=False))) == []
        assert check("LL409", loop(LOAD, replace(WRAP, wrapped=True))) == []


TRL = ("SFTTrainer", "DPOTrainer", "KTOTrainer", "GRPOTrainer", "RLOOTrainer", "RewardTrainer", "ORPOTrainer")


class TestAdapterConfigTwice:
    @pytest.mark.parametrize("trainer", [*TRL, "CPOTrainer"])
    def test_of_each_trainer(self, trainer: str) -> None:
        here = Training(trainer=trainer, span=at(1400))
        again = Wrap(at(1400), wrapped=True)
        found = one("LL412", loop(WRAP, again, training=here))
        assert f"`{trainer}` gets `peft_config` and a model" in found.message
        assert (found.confidence, found.level, found.related[0].span) == ("likely", None, at(1010))
        assert check("LL412", loop(WRAP, Unwrap, again, training=here)) == []
        assert check("LL412", loop(WRAP, replace(again, span=at(1300)), training=here)) == []
        assert check("LL412", loop(WRAP, replace(again, wrapped=False), training=here)) == []
        assert check("LL412", loop(again, training=here)) == []
        assert check("LL412", loop(WRAP, again, training=replace(here, trainer="OwnTrainer"))) == []
        assert check("LL412", loop(WRAP, again, training=replace(here, span=None))) == []


class TestIdentityInitOff:
    def test_random_start(self) -> None:
        assert one("LL413", with_events(Wrap, Train, init_lora_weights=False)).confidence == "certain"

    def test_silent(self) -> None:
        assert check("LL413", with_events(Wrap, Train, init_lora_weights=True)) == []
        assert check("LL413", with_events(Wrap, Train, init_lora_weights=either(True, False))) == []
        assert check("LL413", with_events(LoadAdapter, Train, init_lora_weights=False)) == []
        assert check("LL413", run(init_lora_weights=False)) == []


def of_trl(trainer: str, trl: tuple[int, ...] | None, first: Any = WRAP, **pins: Any) -> Run:
    """A run in which a trainer of a TRL older than a version is given a config with a model that has an adapter."""
    told = {} if trl is None else {"trl": Pin(trl, "trl<x", "requirements.txt")}
    here = Training(trainer=trainer, span=at(1400))
    return loop(first, Wrap(at(1400), wrapped=True), training=here, pins={**told, **pins})


OLD_LOAD = LoadAdapter(at(1010))


@pytest.mark.parametrize(
    ("trainer", "below", "told", "fresh", "resumed"),
    [
        ("SFTTrainer", None, "TRL raises a ValueError", None, None),
        ("SFTTrainer", (0, 28), "TRL raises a ValueError", None, None),
        ("SFTTrainer", (0, 27), "merges the model's adapter", "advice", "warning"),
        ("SFTTrainer", (0, 23), "merges the model's adapter", "advice", "warning"),
        ("SFTTrainer", (0, 22), "wraps the model again", "advice", "warning"),
        ("SFTTrainer", (0, 21), "wraps the model again", "advice", "warning"),
        ("SFTTrainer", (0, 20), "ignores the config", "advice", "advice"),
        ("RewardTrainer", (0, 22), "ignores the config", "advice", "advice"),
        ("RewardTrainer", (0, 27), "merges the model's adapter", "advice", "warning"),
        ("GRPOTrainer", (0, 20), "wraps the model again", "advice", "warning"),
        *(
            (trainer, (0, 20), "merges the model's adapter", "advice", "warning")
            for trainer in ("DPOTrainer", "KTOTrainer", "ORPOTrainer", "CPOTrainer")
        ),
    ],
)
def test_what_trl_makes_of_two_adapters(
    trainer: str, below: tuple[int, ...] | None, told: str, fresh: str | None, resumed: str | None
) -> None:
    found = one("LL412", of_trl(trainer, below))
    assert told in found.message
    assert found.level == fresh
    again = one("LL412", of_trl(trainer, below, OLD_LOAD))
    assert again.level == resumed
    if "merges" in told:
        assert "has no effect yet" in found.message
        assert "part of the base model, which is not saved" in again.message


@pytest.mark.parametrize(("below", "told"), [(None, True), ((1, 7), True), ((1, 6), False), ((0, 20), False)])
def test_an_adapter_on_the_head_that_sfttrainer_refuses(below: tuple[int, ...] | None, told: bool) -> None:
    given = loop(WRAP, training=Training(trainer="SFTTrainer", span=at(1400)))
    pins = {} if below is None else {"trl": Pin(below, "trl<x", "requirements.txt")}
    head = replace(given, adapter=replace(given.adapter, target_modules=lit(("q_proj", "lm_head"), 70)), pins=pins)
    assert [(each.span, each.confidence) for each in check("LL412", head)] == [(at(70), "likely")] * told
    assert check("LL412", replace(head, trained=None)) == []
    assert check("LL412", replace(head, training=replace(head.training, trainer="DPOTrainer"))) == []
    assert check("LL412", replace(head, adapter=replace(head.adapter, target_modules=lit(("q_proj",))))) == []


CHECKPOINT = EnableCheckpointing(at(1200), reentrant=True)


class TestInputGradsMissing:
    def given(self, *kinds: Any, **of: Any) -> Run:
        pins = {"transformers": Pin((5,), "transformers<5", "requirements.txt")}
        of = {"training": Training(trainer="a training loop", by_hand=True), "pins": pins, **of}
        made = loop(*kinds, model=BaseModel(), **of)
        return replace(made, adapter=replace(made.adapter, target_modules=lit(("q_proj",))))

    def test_checkpointing_after_the_wrap(self) -> None:
        found = one("LL411", self.given(Load, WRAP, CHECKPOINT, Train))
        assert (found.span, found.confidence, found.related[0].span) == (at(1200), "likely", at(1010))
        assert "requirements.txt has `transformers<5`" in found.message
        for flagged in ((replace(WRAP, flag="a"), CHECKPOINT), (WRAP, replace(CHECKPOINT, flag="a"))):
            assert one("LL411", self.given(*flagged)).confidence == "possible"

    def test_silent(self) -> None:
        after = (WRAP, CHECKPOINT, Train)
        assert check("LL411", self.given(*after))
        assert check("LL411", self.given(*after, pins={})) == []
        newer = {"transformers": Pin((5, 1), "transformers<5.1", "requirements.txt")}
        assert check("LL411", self.given(*after, pins=newer)) == []
        assert check("LL411", self.given(*after, trained=None)) == []
        assert check("LL411", self.given(*after, training=Training(trainer="Trainer"))) == []
        assert check("LL411", self.given(WRAP, replace(CHECKPOINT, reentrant=False))) == []
        assert check("LL411", self.given(CHECKPOINT, WRAP)) == []
        assert check("LL411", self.given(WRAP, Load, CHECKPOINT)) == []
        for kind in (PrepareKbit, EnableInputGrads, Unfreeze):
            assert check("LL411", self.given(WRAP, CHECKPOINT, kind)) == []


def test_a_config_in_inference_mode_is_blamed_for_the_adapter_that_it_makes() -> None:
    """A trainer that gets the config of a saved adapter puts another one on the model, and that does not train."""
    frozen = replace(LOADED, adapters=("default",))
    unfrozen = Unfreeze(at(660), selection=Fragments(("lora",)))
    wrapped = replace(WRAP, adapters=("default",), trainable=Known(False), wrapped=True)
    given = with_events(frozen, unfrozen, wrapped, Train, inference_mode=True)
    assert check("LL402", given) == []
