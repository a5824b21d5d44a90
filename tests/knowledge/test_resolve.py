"""What of a run's model and modules is known, and why the rest is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.knowledge.resolve import resolve
from lora_lint.records import replace
from lora_lint.run.run import OwnModels
from lora_lint.run.values import Known, Unknown
from tests.rules.test_targets import LLAMA, SEVEN, on
from tests.support.runs import either, run

if TYPE_CHECKING:
    from lora_lint.run.run import Run


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (run(), "the model is not known: it is not given"),
        (on(Unknown("the program decides"), SEVEN), "the model is not known: the program decides"),
        (on("someone/unheard-of", SEVEN), "the model someone/unheard-of is not known"),
        (on(either(LLAMA, "someone/unheard-of"), SEVEN), "the model someone/unheard-of is not known"),
        (on(LLAMA, Unknown("it is computed")), "the targets are not known: it is computed"),
        (on(LLAMA, r"(\w+\.?)+!"), r"matching '(\\w+\\.?)+!' takes too long"),
    ],
)
def test_nothing_is_known_without_a_reason(given: Run, why: str) -> None:
    found = resolve(given)
    assert (found.cases, found.why) == ((), why)


@pytest.mark.parametrize(
    ("given", "models"),
    [(on(LLAMA, SEVEN), {"llama"}), (on(LLAMA, "all-linear"), {"llama"}), (on(either("gpt2", LLAMA), SEVEN), {"gpt2", "llama"})],
)  # fmt: skip
def test_what_is_known_needs_none(given: Run, models: set[str]) -> None:
    found = resolve(given)
    assert found.why == ""
    assert {case.model.model_type for case in found.cases} == models


FLUX = "black-forest-labs/FLUX.1-dev"
ATTENTION = ("to_k", "to_q", "to_v", "to_out.0")


def loaded(name: object, loader: str | None) -> Run:
    given = on(name, ATTENTION)
    return replace(given, model=replace(given.model, loader=loader))


@pytest.mark.parametrize("loader", [None, "FluxTransformer2DModel", "FluxPipeline", "DiffusionPipeline"])
def test_a_pipeline_is_known_by_the_model_that_denoises(loader: str | None) -> None:
    (case,) = resolve(loaded(FLUX, loader)).cases
    assert (case.model.model_type, case.parameters) == ("FluxTransformer2DModel", 9_338_880)


def test_the_other_parts_of_a_pipeline_are_not_taken_for_it() -> None:
    found = resolve(loaded(FLUX, "CLIPTextModel"))
    assert found.cases == ()
    assert found.why == f"CLIPTextModel loads another part of {FLUX} than FluxTransformer2DModel"


@pytest.mark.parametrize(
    ("folder", "models"), [("text_encoder_2", 0), ("image_encoder", 0), ("vae", 0), ("transformer", 1), ("", 1)]
)
def test_the_folder_says_which_part_it_is(folder: str, models: int) -> None:
    given = loaded(FLUX, None)
    found = resolve(replace(given, model=replace(given.model, subfolder=Known(folder))))
    assert len(found.cases) == models
    assert found.why == ("" if models else f"the program loads another part of {FLUX} than FluxTransformer2DModel")


@pytest.mark.parametrize("name", [Unknown("the command line gives it"), "someone/unheard-of"])
def test_a_class_of_diffusers_says_which_modules_there_are(name: object) -> None:
    (case,) = resolve(loaded(name, "FluxTransformer2DModel")).cases
    assert len(case.match.modules) > 0
    assert case.match.unmatched == ()
    assert case.parameters is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (Unknown("the command line gives it"), "the model is not known: the command line gives it"),
        ("someone/unheard-of", "the UNet2DConditionModel of someone/unheard-of is not known"),
    ],
)
def test_a_class_whose_config_decides_its_blocks_says_nothing(name: object, why: str) -> None:
    """DeepFloyd's UNet has layers that Stable Diffusion's has not."""
    found = resolve(loaded(name, "UNet2DConditionModel"))
    assert (found.cases, found.why) == ((), why)


def test_a_project_that_comes_back_to_many_models_builds_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [64 * number for number in range(1, 81)]

    def of_size(size: int) -> object:
        own = OwnModels(models={"mine": {"model_type": "gpt2", "n_embd": size, "n_layer": 1, "vocab_size": 100}})
        given = on("mine", ("c_attn",))
        return resolve(replace(given, model=replace(given.model, own=own))).cases[0].built

    assert list(map(of_size, sizes)) == list(map(of_size, sizes))  # which compares their identities
    monkeypatch.setattr("lora_lint.knowledge.resolve._KEPT_MODULES", 0)
    first = of_size(64 * 100)
    of_size(64 * 101)
    assert of_size(64 * 100) is not first
