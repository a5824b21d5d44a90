"""Base weights in 4 and 8 bits: what a merge into them loses, and which initialisations they rule out."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest
import torch

from lora_lint.run.launch import Launch, Quantizer
from lora_lint.run.run import BaseModel
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import bench, merging
from lora_lint.verify.structure import packed
from lora_lint.verify.structure import table as exact
from tests.support import small_model
from tests.support.measured import alone, case, of, settled  # noqa: F401
from tests.support.runs import lit

if TYPE_CHECKING:
    from lora_lint.finding import Verdict
    from lora_lint.run.run import Run

pytestmark = pytest.mark.usefixtures("alone")
WEIGHTS = [0.9, -0.31, 0.02, 0.5, -0.7, 0.15, 0.0, -0.05]


def loaded_in(bits: str | None, init: Any = True, **more: Any) -> Run:
    """A run on the small model, loaded in some bits, at a usual rate."""
    model = BaseModel(
        name=lit(str(small_model.folder())),
        loader="AutoModelForCausalLM",
        quantization=lit(bits) if bits else lit(None),
    )
    targets = ("q_proj", "v_proj")
    return of(8, 16, adapter={"target_modules": targets, "init_lora_weights": init}, run={"model": model, **more})


# --- merging ----------------------------------------------------------------------------------------------------------


def test_weights_are_rounded_as_bitsandbytes_stores_them() -> None:
    """What bitsandbytes 0.50.2 gives back of these weights on the CPU (`quantize_4bit` in NF4, `int8_vectorwise_quant`)."""
    four = merging.rounded_to_nf4(torch.tensor(WEIGHTS))
    assert four.tolist() == pytest.approx(
        [0.9, -0.35542571544647, 0.0, 0.5063552856445, -0.6265735030175, 0.1448371708393, 0.0, -0.0819450318813],
        abs=1e-6,
    )
    eight = merging.rounded_to_int8(torch.tensor([WEIGHTS]))
    assert eight[0].tolist() == pytest.approx([0.9, -0.3118, 0.02126, 0.5032, -0.7016, 0.1488, 0.0, -0.0496], abs=2e-4)
    once = merging.rounded_to_nf4(torch.randn(48, 70))
    assert torch.equal(merging.rounded_to_nf4(once), once) and once.shape == (48, 70)


def test_a_merge_into_4_bits_changes_the_answers_and_one_into_whole_weights_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(bench._LENGTH, "cpu", 32)
    confirmed, refuted = settled("LL601", loaded_in("4bit")), settled("LL601", loaded_in(None))
    assert (confirmed.status, refuted.status) == ("confirmed", "refuted"), (confirmed.reason, refuted.reason)
    assert "stored in NF4" in confirmed.reason and not confirmed.proxy
    assert confirmed.measurements["share"][1] > 0.1 and refuted.measurements["share"][2] < 1e-3
    [at] = bench._open.values()
    # The bench has the weights of the file again.
    fresh = bench.load_anew(case("LL601", [loaded_in(None)]), 8, exact=True).model.state_dict()
    assert all(torch.equal(each, fresh[name]) for name, each in at.model.state_dict().items())


def test_what_is_not_rounded_here_is_skipped() -> None:
    gptq = Launch(quantizer=lit(Quantizer.GPTQ))
    with pytest.raises(Skip, match="only weights that bitsandbytes packs"):
        settled("LL601", loaded_in(None, launch=gptq))
    with pytest.raises(Skip, match="in how many bits"):
        settled("LL601", loaded_in("3bit"))
    assert settled("LL601", loaded_in("4bit"), time_budget=0.0).status == "inconclusive"


# --- initialisations --------------------------------------------------------------------------------------------------


def initialised(bits: str | None, init: Any) -> Verdict:
    return exact.EXPERIMENTS["LL805"](case("LL805", [loaded_in(bits, init)]))


@pytest.fixture
def integers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linear weights as integers, which is all that PEFT's checks look at, without bitsandbytes."""
    make = packed._packed

    def packs(run: Run, bits: str | None) -> Any:
        model = make(run, None)
        for module in model.model.layers.modules() if bits else ():
            if isinstance(module, torch.nn.Linear):
                module.weight = torch.nn.Parameter(module.weight.to(torch.uint8), requires_grad=False)
        return model

    monkeypatch.setattr(packed, "_packed", packs)


@pytest.mark.usefixtures("integers")
@pytest.mark.parametrize(
    ("bits", "init", "status", "words"),
    [
        ("4bit", "pissa_niter_4", "confirmed", "raises TypeError: Please initialize PiSSA under float32"),
        ("8bit", "orthogonal", "confirmed", "raises RuntimeError: Only Tensors of floating point"),
        ("4bit", True, "refuted", "PEFT initialises the adapter"),
        (None, "pissa_niter_4", "refuted", "PEFT initialises the adapter"),
    ],
)
def test_initialisations_of_packed_weights(bits: str | None, init: Any, status: str, words: str) -> None:
    verdict = initialised(bits, init)
    assert verdict.status == status, verdict.reason
    assert words in verdict.reason and not verdict.proxy


@pytest.mark.usefixtures("integers")
def test_what_fails_without_packed_weights_too_is_skipped() -> None:
    with pytest.raises(Skip, match="PEFT refuses the adapter: ValueError: `eigens`"):
        initialised("4bit", "corda")


def test_bitsandbytes_itself() -> None:
    if importlib.util.find_spec("bitsandbytes") is None:
        with pytest.raises(Skip, match=r"bitsandbytes, which packs the weights, is not installed"):
            initialised("4bit", "pissa")
        return
    assert initialised("4bit", "pissa").status == "confirmed"
    assert initialised("8bit", "pissa").status == "confirmed"
    assert initialised("4bit", "olora").status == "refuted"
