"""LL4xx."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.records import replace
from lora_lint.run.events import (
    AddBeside,
    DeleteAdapter,
    EnableAdapters,
    Fragments,
    Freeze,
    Load,
    LoadAdapter,
    LoadBeside,
    MakeOptimizer,
    PrepareKbit,
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
        assert "sets all parameters trainable" in found.message
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

    def test_beside_what_the_adapter_owns(self) -> None:
        message = one("LL401", with_events(Wrap, unfreeze("lora_A", "norm"))).message
        assert "`norm`" in message
        assert "lora_A" not in message

    @pytest.mark.parametrize(
        "given",
        [
            with_events(Load, EVERYTHING, Wrap, Train),
            with_events(Load, EVERYTHING, Train),
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
        assert "sets `base_model.model.lm_head` of the base model trainable" in found.message
        assert check("LL401", run(of={"unfrozen_patterns": lit((".+lora_",))})) == []
        assert check("LL401", run(of={"unfrozen_patterns": lit(())})) == []

    @pytest.mark.parametrize(("bias", "count"), [("none", 0), ("all", 1), ("lora_only", 1), ("some", 0)])
    def test_bias(self, bias: str, count: int) -> None:
        found = check("LL401", run(bias=bias))
        assert [finding.level for finding in found] == ["warning"] * count

    def test_bias_in_branches(self) -> None:
        assert check("LL401", run(bias=either("all", "none"))) == []
        assert check("LL401", run(bias=either("all", "lora_only")))
        assert check("LL401", run(bias=Unknown("…"))) == []
        assert one("LL401", run(bias=cli("all"))).confidence == "likely"

    def test_bias_of_a_model_without_any(self) -> None:
        def of(name: str, bias: str = "all", target: str = "q_proj") -> Run:
            base = BaseModel(name=lit(name), loader="AutoModelForCausalLM")
            return run(bias=bias, target_modules=(target,), of={"model": base})

        assert check("LL401", of("meta-llama/Llama-2-7b-hf")) == []
        assert "base model beside the adapter" in one("LL401", of("Qwen/Qwen2.5-7B")).message
        assert "where there are any" in one("LL401", of("someone/unheard-of")).message
        assert check("LL401", of("Qwen/Qwen2.5-7B", "lora_only"))
        assert check("LL401", of("Qwen/Qwen2.5-7B", "lora_only", "o_proj")) == []

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
        assert "named `projector` trainable by hand, and" in found.message
        assert [related.span for related in found.related] == [at(900), at(1000)]

    def test_behind_a_flag(self) -> None:
        found = one("LL410", self.given("args.tune"))
        assert found.confidence == "likely"
        assert "trainable by hand (if `args.tune`), and" in found.message
        assert one("LL410", self.given(save_flag="args.save")).confidence == "likely"
