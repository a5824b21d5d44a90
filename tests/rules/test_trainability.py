"""LL4xx."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.records import replace
from lora_lint.run.events import Event
from lora_lint.run.run import BaseModel, Run, Training
from lora_lint.run.values import Known, Unknown
from lora_lint.source import Span
from tests.support.runs import at, check, cli, either, events, lit, one, run

LOOP = Span("train.py", 900, 2000)


def with_events(*kinds: Any, **fields: Any) -> Run:
    return run(of={"events": events(*kinds), "trained": True}, **fields)


def unfreeze(*names: str, all_of_them: bool = False, flag: str | None = None, start: int = 700) -> Event:
    return Event("unfreeze", at(start), None if all_of_them else names, flag=flag)


def freeze(*names: str, all_of_them: bool = False) -> Event:
    return Event("freeze", at(750), None if all_of_them else names)


EVERYTHING = unfreeze(all_of_them=True)
LOADED = Event("load-adapter", at(650), trainable=Known(False))
BESIDE = Event("load-beside", at(660), trainable=Known(False), adapters=("two",))
ACTIVATED = Event("set-adapter", at(670), trainable=Known(True), adapters=("two",))
OPTIMIZER = Event("optimizer", at(690))


class TestBaseParamsTrainable:
    def test_everything(self) -> None:
        found = one("LL401", with_events("load", "wrap", EVERYTHING, "train"))
        assert found.level is None
        assert found.confidence == "certain"
        assert "sets all parameters trainable" in found.message
        assert found.span == at(700)
        assert found.related[0].span == at(1010)

    def test_named_parts(self) -> None:
        found = one("LL401", with_events("wrap", unfreeze("lm_head", "embed"), "train"))
        assert "`lm_head` and `embed`" in found.message
        assert "`modules_to_save`" in found.message
        assert found.level is None

    def test_flags(self) -> None:
        named = one("LL401", with_events("wrap", unfreeze("projector", flag="args.tune"), "train"))
        assert (named.level, named.confidence) == ("warning", "likely")
        assert "(if `args.tune`)" in named.message
        everything = one("LL401", with_events("wrap", unfreeze(all_of_them=True, flag="args.full"), "train"))
        assert (everything.level, everything.confidence) == (None, "likely")

    def test_beside_what_the_adapter_owns(self) -> None:
        message = one("LL401", with_events("wrap", unfreeze("lora_A", "norm"))).message
        assert "`norm`" in message
        assert "lora_A" not in message

    @pytest.mark.parametrize(
        "given",
        [
            with_events("load", EVERYTHING, "wrap", "train"),
            with_events("load", EVERYTHING, "train"),
            with_events("wrap", unfreeze("lora_", "magnitude_vector"), "train"),
            with_events("wrap", unfreeze(), "train"),
            with_events("wrap", EVERYTHING, freeze(all_of_them=True), "train"),
            with_events("wrap", EVERYTHING, freeze(), "train"),
            with_events("wrap", unfreeze("head"), freeze("head", "norm"), "train"),
            with_events("wrap", EVERYTHING, "unwrap", "train"),
            with_events("wrap", EVERYTHING, "prepare-kbit", "train"),
            with_events("wrap", unfreeze("score"), "train", modules_to_save=("score",)),
            with_events("wrap", unfreeze("model.score.weight"), "train", modules_to_save=("score",)),
            run(of={"events": events("wrap", EVERYTHING), "trained": False}),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL401", given) == []

    def test_a_part_frozen_again_leaves_the_rest(self) -> None:
        assert check("LL401", with_events("wrap", EVERYTHING, freeze("vision_tower"), "train"))

    def test_frozen_after_the_training(self) -> None:
        assert check("LL401", with_events("wrap", EVERYTHING, "train", freeze(all_of_them=True)))

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
            with_events("wrap", OPTIMIZER, EVERYTHING, "train"),
            with_events("wrap", OPTIMIZER, replace(EVERYTHING, flag="args.late"), "train"),
            with_events("wrap", replace(OPTIMIZER, flag="x"), replace(EVERYTHING, flag="x"), "train"),
            with_events("wrap", replace(OPTIMIZER, flag="x"), replace(OPTIMIZER, flag="not (x)"), EVERYTHING, "train"),
        ],
    )
    def test_too_late_for_the_optimizer(self, given: Run) -> None:
        assert check("LL401", given) == []

    @pytest.mark.parametrize(
        "given",
        [
            with_events("wrap", EVERYTHING, OPTIMIZER, "train"),
            with_events("wrap", OPTIMIZER, EVERYTHING, OPTIMIZER, "train"),
            with_events("wrap", replace(OPTIMIZER, flag="x"), EVERYTHING, "train"),
            with_events("wrap", replace(OPTIMIZER, flag="x"), replace(EVERYTHING, flag="not (x)"), "train"),
            with_events("wrap", replace(OPTIMIZER, loop=Span("train.py", 600, 900)), EVERYTHING, "train"),
        ],
        ids=["before", "made anew", "perhaps", "the other branch", "in the next turn"],
    )
    def test_in_time_for_an_optimizer(self, given: Run) -> None:
        assert check("LL401", given)


class TestAdapterLoadedFrozen:
    def test_loaded_and_trained(self) -> None:
        found = one("LL402", with_events("load", LOADED, "train"))
        assert found.span == at(650)
        assert found.confidence == "certain"
        assert "is_trainable=True" in found.message

    def test_behind_a_flag(self) -> None:
        assert one("LL402", with_events(replace(LOADED, flag="args.resume"), "train")).confidence == "likely"

    @pytest.mark.parametrize(
        "given",
        [
            with_events("load", LOADED),
            with_events("load", "train", LOADED),
            with_events(LOADED, "unwrap", "train"),
            with_events(LOADED, "wrap", "train"),
            with_events(LOADED, unfreeze("lora"), "train"),
            with_events(Event("load-adapter", at(1), trainable=Known(True)), "train"),
            with_events(Event("load-adapter", at(1), trainable=either(True, False)), "train"),
            with_events(Event("load-adapter", at(1), trainable=Unknown("…")), "train"),
            with_events("load-adapter", "train"),
            with_events(LOADED, "load", "train"),
            with_events(LOADED, replace(BESIDE, trainable=Known(True)), "train"),
            with_events(LOADED, replace(BESIDE, kind="add-beside"), ACTIVATED, "train"),
            with_events(LOADED, BESIDE, ACTIVATED, "train"),
            with_events(LOADED, BESIDE, replace(ACTIVATED, adapters=None), "train"),
            with_events("wrap", replace(BESIDE, adapters=("default",)), "train"),
            with_events(LOADED, Event("delete-adapter", at(1)), "train"),
            with_events(LOADED, Event("enable-adapters", at(1)), "train"),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL402", given) == []

    def test_of_several_the_active_one(self) -> None:
        assert one("LL402", with_events(LOADED, BESIDE, "train")).span == LOADED.span
        frozen = replace(ACTIVATED, trainable=Known(False))
        assert one("LL402", with_events(LOADED, BESIDE, frozen, "train")).span == BESIDE.span

    def test_activated_after_the_training(self) -> None:
        assert check("LL402", with_events(LOADED, "train", BESIDE, ACTIVATED, "train"))

    def test_frozen_again(self) -> None:
        thawed = replace(ACTIVATED, adapters=("default",))
        assert check("LL402", with_events(LOADED, thawed, "prepare-kbit", "train"))
        switched_off = Event("set-requires-grad", at(1), trainable=Known(False))
        assert check("LL402", with_events(LOADED, thawed, switched_off, "train"))


class TestInferenceModeTraining:
    def test_trained(self) -> None:
        found = one("LL403", with_events("wrap", "train", inference_mode=True))
        assert "`inference_mode=True`" in found.message
        assert found.related[0].span == at(1010)

    @pytest.mark.parametrize(
        "given",
        [
            run(inference_mode=True),
            run(inference_mode=True, of={"trained": False}),
            with_events("wrap", "train", inference_mode=False),
            with_events("wrap", "train", inference_mode=Unknown("…")),
            with_events("wrap", "train", inference_mode=either(True, False)),
            with_events("wrap", unfreeze("lora"), "train", inference_mode=True),
            with_events("wrap", replace(ACTIVATED, adapters=("default",)), "train", inference_mode=True),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL403", given) == []

    def test_set_active_and_frozen(self) -> None:
        activated = replace(ACTIVATED, adapters=("default",), trainable=Known(False))
        assert check("LL403", with_events("wrap", activated, "train", inference_mode=True))
        assert check("LL404", with_events("wrap", "prepare-kbit", activated, "train"))


class TestKbitPrepareAfterWrap:
    def test_after_the_wrap(self) -> None:
        found = one("LL404", with_events("load", "wrap", "prepare-kbit", "train"))
        assert found.span == at(1020)
        assert found.related[0].span == at(1010)
        assert found.confidence == "certain"

    def test_without_training_in_the_file(self) -> None:
        assert check("LL404", run(of={"events": events("wrap", "prepare-kbit")}))

    def test_after_a_trainable_load(self) -> None:
        assert check("LL404", with_events(Event("load-adapter", at(1), trainable=Known(True)), "prepare-kbit"))

    def test_behind_a_flag(self) -> None:
        flagged = Event("prepare-kbit", at(1), flag="args.bits == 4")
        assert one("LL404", with_events("wrap", flagged, "train")).confidence == "likely"

    @pytest.mark.parametrize(
        "given",
        [
            with_events("load", "prepare-kbit", "wrap", "train"),
            with_events("wrap", "prepare-kbit", unfreeze("lora"), "train"),
            with_events("wrap", "prepare-kbit", replace(ACTIVATED, adapters=("default",)), "train"),
            with_events("wrap", "unwrap", "prepare-kbit", "train"),
            with_events("wrap", "prepare-kbit", "wrap", "train"),
            with_events("wrap", "load", "prepare-kbit"),
            with_events(LOADED, "prepare-kbit"),
            run(of={"events": events("wrap", "prepare-kbit"), "trained": False}),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL404", given) == []


class TestSweepReusesBaseModel:
    WRAP = Event("wrap", Span("train.py", 1000, 1010), loop=LOOP)

    def test_in_a_loop(self) -> None:
        found = one("LL408", with_events(Event("load", at(5)), self.WRAP, "train"))
        assert found.span == self.WRAP.span
        assert found.related[0].span == LOOP

    def test_once_for_each_loop(self) -> None:
        assert len(check("LL408", with_events(self.WRAP, self.WRAP))) == 1

    @pytest.mark.parametrize("kind", ["unwrap", "load", "delete-adapter"])
    def test_cleaned_up(self, kind: Any) -> None:
        assert check("LL408", with_events(self.WRAP, Event(kind, at(5), loop=LOOP))) == []
        assert check("LL408", with_events(self.WRAP, Event(kind, Span("train.py", 1500, 1510)))) == []
        assert check("LL408", with_events(Event(kind, at(5)), self.WRAP))

    def test_not_in_a_loop(self) -> None:
        assert check("LL408", with_events("load", "wrap", "wrap")) == []


class TestUnfrozenNotSaved:
    SAVE = Event("save", at(900), ("adapter",))

    def given(self, flag: str | None = None, save_flag: str | None = None) -> Run:
        saved = replace(self.SAVE, flag=save_flag)
        subject = with_events("wrap", unfreeze("projector", flag=flag), "train", saved, modules_to_save=None)
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
