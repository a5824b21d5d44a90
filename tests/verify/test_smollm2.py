"""Verdicts on the real weights of a causal language model, SmolLM2-135M: what scaling theory says holds there too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.verify.measurement import bench
from tests.support import smollm2
from tests.support.measured import of, settled
from tests.support.runs import lit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.run.run import Run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def on_short_texts() -> Iterator[None]:
    """Sequences of 32 tokens instead of 128: a step takes a second. The model is loaded once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(bench._LENGTH, "cpu", 32)
        yield
    bench.release_all()


def on_smollm2(rank: int, alpha: float, **more: Any) -> Run:
    return of(rank, alpha, model=str(smollm2.folder()), batch_size=lit(2), learning_rate=lit(1e-4), **more)


def test_a_fixed_alpha_under_adam_does_no_harm() -> None:
    verdict = settled("LL101", *[on_smollm2(rank, 16) for rank in (8, 64)], seeds=3)
    assert verdict.status == "refuted", verdict.reason
    assert not verdict.proxy
    assert verdict.measurements["exponents"]["step"][0] == pytest.approx(0.0, abs=0.1)
    assert verdict.measurements["exponents"]["gradient"][0] == pytest.approx(-0.5, abs=0.1)


def test_a_fixed_alpha_under_sgd_shrinks_the_step() -> None:
    verdict = settled("LL101", *[on_smollm2(rank, 16, optimizer=lit("sgd")) for rank in (8, 64)], seeds=3)
    assert verdict.status == "confirmed", verdict.reason
    assert verdict.measurements["exponents"]["step"][0] == pytest.approx(-1.0, abs=0.15)


def test_rslora_keeps_the_gradient_and_not_the_step_under_adam() -> None:
    verdict = settled("LL102", on_smollm2(64, 16), seeds=3)
    assert verdict.status == "refuted", verdict.reason
    assert verdict.measurements["exponents"]["gradient"][0] == pytest.approx(-0.5, abs=0.1)
    stable = verdict.measurements["rslora"]["exponents"]
    assert stable["gradient"][0] == pytest.approx(0.0, abs=0.1)
    assert stable["step"][0] == pytest.approx(0.5, abs=0.1)
