"""What `--verify` must never do: run past its budget, confirm what is not shown, open a gate, or lose an answer."""

from __future__ import annotations

import gc
import random
import time
import weakref
from typing import TYPE_CHECKING, Any

import peft
import pytest
import torch

from lora_lint.__main__ import main
from lora_lint.finding import Basis, Finding, Verdict
from lora_lint.linting.outcome import Outcome
from lora_lint.rules.scale import Arm
from lora_lint.verify import session, weights
from lora_lint.verify.experiment import Effort, OutOfTime, Skip
from lora_lint.verify.measurement import bench, proxy, training
from lora_lint.verify.measurement import table as measured
from lora_lint.verify.measurement.statistics import FIRST_LOOK, SECOND_LOOK, Interval, interval, judge
from lora_lint.verify.structure import skeleton, trainability
from lora_lint.verify.structure import table as exact
from tests.support import small_model
from tests.support.measured import alone, case, of, settled  # noqa: F401
from tests.support.runs import HERE, lit
from tests.verify.test_structure import WRAP, saved, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lora_lint.verify.experiment import FindingCase

pytestmark = pytest.mark.usefixtures("alone")
TINY = str(small_model.tiny())


def outcome_of(*levels: tuple[str, str]) -> Outcome:
    """Findings of some rules, in a run on the tiny model, by code and level."""
    basis = Basis(of(8, 16, model=TINY), None, ())
    return Outcome(tuple(Finding(code, "claimed", HERE, level=level, basis=basis) for code, level in levels))  # type: ignore[arg-type]


def settle(outcome: Outcome, **options: Any) -> list[Verdict]:
    found, interrupt = session.settle(outcome, Effort(**{"device": "cpu", **options}), lambda _: None)
    assert interrupt is None
    return [each.verdict for each in found.findings if each.verdict is not None]


def answering(status: str, proxied: bool = False) -> Callable[[FindingCase], Verdict]:
    return lambda _: Verdict(status, "measured", proxy=proxied)  # type: ignore[arg-type]


def endless(_: FindingCase) -> Verdict:
    """Looks at no clock, and takes every exception for a failure of the model."""
    while True:
        try:
            torch.ones(64, 64).sum()
        except Exception:  # noqa: PERF203
            continue


# --- the budget -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tier", "code"), [(exact, "LL202"), (measured, "LL104")])
def test_an_experiment_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, tier: Any, code: str) -> None:
    """In either tier; what was settled before it stays, and what comes after it is not begun."""
    monkeypatch.setitem(exact.EXPERIMENTS, "LL105", answering("confirmed"))
    monkeypatch.setitem(tier.EXPERIMENTS, code, endless)
    monkeypatch.setitem(measured.EXPERIMENTS, "LL301", answering("confirmed"))
    found = settle(outcome_of(("LL105", "error"), (code, "error"), ("LL301", "advice")), time_budget=1.0)
    assert sum(each.seconds for each in found) < 1.2 + 10
    statuses = {each.reason: each.status for each in found}
    assert statuses["time ran out before there was a result"] == "skipped"
    assert statuses["the time budget was used up before its turn"] == "skipped"
    assert [each.status for each in found].count("confirmed") == 1


def test_importance_and_cost_decide_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def noting(case: FindingCase) -> Verdict:
        begun.append(case.finding.code)
        return Verdict("confirmed", "")

    codes = ("LL301", "LL104", "LL102", "LL401", "LL106", "LL202")
    for code in codes:
        tier = exact if code in exact.EXPERIMENTS else measured
        monkeypatch.setitem(tier.EXPERIMENTS, code, noting)
    levels = ("warning", "warning", "advice", "error", "warning", "error")
    settle(outcome_of(*zip(codes, levels, strict=True)))
    assert begun == ["LL202", "LL106", "LL401", "LL104", "LL102", "LL301"]


def test_the_end_is_estimated_from_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    schedule = session._Schedule(600.0, [1.0, 1.0, 4.0])
    schedule.start(0)
    assert schedule.seconds_left() == 6.0  # not the 600 s of the budget
    now = 102.0
    schedule.start(1)
    assert schedule.seconds_left() == 10.0  # twice as slow as usual
    schedule = session._Schedule(5.0, [1.0, 100.0])
    assert schedule.seconds_left() == 5.0


def test_a_step_that_runs_out_of_time_leaves_the_exact_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any) -> Any:
        raise OutOfTime

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trainability, "one_step", late)
    saved(tmp_path, "llama")
    after = "for parameter in model.parameters():\n    parameter.requires_grad = True"
    verdict = verdicts(tmp_path, WRAP.format(settings='target_modules=["q_proj"]', after=after), device="cpu")["LL401"]
    assert verdict.status == "confirmed"
    assert verdict.measurements["one_step"] == "skipped: time ran out"


def test_one_stand_in_serves_all_models_of_a_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was measured at the same ranks is not measured again."""
    made, stepped = [], []
    build, sample = proxy.build, bench._sample
    monkeypatch.setattr(proxy, "build", lambda *given: made.append(given) or build(*given))
    monkeypatch.setattr(bench, "_sample", lambda *given: stepped.append(given) or sample(*given))
    for model in ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B"):
        verdict = settled("LL101", *[of(rank, 16, model=model) for rank in (4, 8)])
        assert verdict.proxy and f"the weights of {model} are not" in verdict.reason
    assert len(made) == 1
    assert len(stepped) <= 2 * 12  # two ranks, six seeds, twice as many in a second look


# --- skeletons --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "value"), [("num_hidden_layers", 10**6), ("hidden_size", 10**9)])
def test_giants_are_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str, value: int) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path, "llama")
    file = tmp_path / "model" / "config.json"
    text = file.read_text()
    lines = [f'  "{size}": {value},' if f'"{size}"' in line else line for line in text.splitlines()]
    file.write_text("\n".join(lines))
    begun = time.process_time()
    verdict = verdicts(tmp_path, WRAP.format(settings='target_modules=["no_such_layer"]', after=""))["LL201"]
    assert verdict.status == "skipped"
    assert f"{size} = {value:,}" in verdict.reason
    assert time.process_time() - begun < 10


def test_adapters_of_a_skeleton_are_made_on_the_meta_device(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    real = torch.nn.init.kaiming_uniform_

    def noting(tensor: Any, *given: Any, **named: Any) -> Any:
        seen.add(tensor.device.type)
        return real(tensor, *given, **named)

    monkeypatch.setattr(torch.nn.init, "kaiming_uniform_", noting)
    made = skeleton.skeleton_of(of(8, 16, model=TINY))
    skeleton.wrap(made.model, skeleton.peft_config(of(8, 16).adapter))
    assert seen == {"meta"}


# --- what confirms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (MemoryError(), "skipped", "memory ran out"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "skipped", "memory ran out"),
        (ImportError("cannot import name 'x'"), "skipped", "the installed PEFT and transformers fail"),
        (AttributeError("no attribute"), "skipped", "the installed PEFT and transformers fail"),
        (ValueError("not PEFT's own"), "skipped", "the installed PEFT and transformers fail"),
        (None, "confirmed", "PEFT raises NoMatchingPeftModuleError"),
    ],
)
def test_only_the_refusal_of_peft_confirms_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | None, status: str, words: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        assert error is not None
        raise error

    monkeypatch.chdir(tmp_path)
    saved(tmp_path, "llama")
    if error is not None:
        monkeypatch.setattr(peft, "get_peft_model", fail)
    verdict = verdicts(tmp_path, WRAP.format(settings='target_modules=["no_such_layer"]', after=""))["LL201"]
    assert verdict.status == status
    assert words in verdict.reason


def test_a_stand_in_opens_no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(measured.EXPERIMENTS, "LL104", answering("refuted", proxied=True))
    [verdict] = settle(outcome_of(("LL104", "warning")))
    assert verdict.status == "inconclusive"
    assert "--accept-proxy" in verdict.reason
    [verdict] = settle(outcome_of(("LL104", "warning")), accept_proxy=True)
    assert verdict.status == "refuted"
    monkeypatch.setitem(measured.EXPERIMENTS, "LL104", answering("confirmed", proxied=True))
    [verdict] = settle(outcome_of(("LL104", "warning")))
    assert verdict.status == "confirmed"


def test_confirmed_takes_an_interval_beyond_the_tolerance() -> None:
    assert training.status_of(Interval(0.02, 0.001, 0.039)) == "inconclusive"
    assert training.status_of(Interval(0.02, 0.011, 0.029)) == "confirmed"
    assert training.status_of(Interval(0.0, -0.009, 0.009)) == "refuted"


def test_a_second_look_is_paid_for() -> None:
    """An effect of just the tolerance is confirmed, or refuted, at most once in forty, whichever look does it."""
    chance, wrong, times = random.Random(1), {"confirmed": 0, "refuted": 0}, 3000
    for _ in range(times):
        values = [chance.gauss(0.01, 0.02) for _ in range(6)]
        found = judge(interval(values[:3], FIRST_LOOK), 0.01)
        if found == "inconclusive":
            found = judge(interval(values, SECOND_LOOK), 0.01)
        if found != "inconclusive":
            wrong[found] += 1
    assert max(wrong.values()) / times < 0.028


def test_each_seed_holds_out_other_examples() -> None:
    examples = [tuple(range(start, start + 4)) for start in range(30)] + [tuple(range(4))]  # one of them twice
    plan = training.Plan(tuple(examples), 8, 4, 10, 10, None)  # type: ignore[arg-type]
    splits = [plan.split(seed) for seed in range(3)]
    assert len({tuple(held) for _, held in splits}) == 3
    for train, held in splits:
        assert len(held) == 8 and not set(train) & set(held)
        assert set(train) | set(held) == set(examples)
    assert plan.split(0) == splits[0]


def test_over_training_is_not_divergence() -> None:
    """Held-out losses end above where they began; what is trained on does not."""
    assert not training.Curve((3.0, 2.5, 3.4), ended=1.0).diverged
    assert training.Curve((3.0, 4.0, 5.0), ended=5.2).diverged
    assert training.Curve((3.0, 4.0, 5.0), ended=float("nan")).diverged
    assert not training.Curve((3.0, 2.5, 2.9), ended=1.0).diverged


# --- adapters on embeddings -------------------------------------------------------------------------------------------

EMBEDDED = {"target_modules": lit(("embed_tokens", "q_proj", "v_proj"))}


def test_an_adapter_on_the_embeddings_is_reset() -> None:
    at = bench._real(case("LL101", [of(8, 16, model=TINY)]), 8)
    adapter, arm = of(8, 16, adapter=EMBEDDED).adapter, Arm(8, 16.0)
    drawn = []
    with bench.wrapped(at, adapter, arm) as model:
        others: dict[str, Any] = {}
        for seed in (0, 1, 0):
            bench.reset(model, bench.lora_config(adapter, arm, at), seed, others)
            drawn.append(model.base_model.model.model.embed_tokens.lora_embedding_B["default"].detach().clone())
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])
    assert not others


def test_an_adapter_on_the_embeddings_is_not_blamed_on_the_scale() -> None:
    """PEFT draws its B from N(0, 1): that the step falls with the rank is not the doing of alpha / r."""
    told = {"model": TINY, "batch_size": lit(2), "learning_rate": lit(1e-4)}
    verdict = settled("LL101", *[of(rank, 16, adapter=EMBEDDED, **told) for rank in (8, 64)], seeds=12)
    assert verdict.status == "refuted", verdict.reason
    assert abs(verdict.measurements["exponents"]["step"][0]) < 0.12
    with pytest.raises(Skip, match="on the embeddings alone"):
        settled("LL104", of(8, 64, adapter={"target_modules": lit(("embed_tokens",))}, **told))


def test_the_step_of_an_adapter_on_the_embeddings_starts_at_its_a() -> None:
    found = case("LL401", [of(8, 16, model=TINY, adapter=EMBEDDED)], device="cpu")
    verdict = exact.EXPERIMENTS["LL401"](found)
    assert verdict.measurements["one_step"]["lora_B_without_gradient"] == 0


# --- weights ----------------------------------------------------------------------------------------------------------


def test_a_model_is_gone_before_the_next_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """After memory ran out, nothing holds on to the weights: neither an exception nor its frames."""
    alive: list[Any] = []
    build = proxy.build

    def measure(at: bench.Bench) -> Verdict:
        if not at.proxy:
            alive.append(weakref.ref(at.model))
            held = at.model
            try:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            except RuntimeError as error:
                at.micro = 1
                at.halve(error)
            assert held
        return Verdict("confirmed", "")

    def building(*given: Any) -> Any:
        alive.append(alive[0]())
        return build(*given)

    monkeypatch.setattr(proxy, "build", building)
    gc.disable()  # not by luck
    try:
        bench.on_bench(case("LL104", [of(8, 16, model=TINY)]), measure, 8)
    finally:
        gc.enable()
    assert alive[1:] == [None]


def test_the_step_is_made_on_the_real_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    found = case("LL401", [of(8, 16, model=TINY)], device="cpu")
    step = exact.EXPERIMENTS["LL401"](found).measurements["one_step"]
    assert "tiny-model" in step["model"] and "sized down" not in step["model"]
    assert (step["adapter_changed"], step["foreign_changed"]) == (14, 0)
    monkeypatch.setattr(weights, "free_memory", lambda _: 1000)
    monkeypatch.setattr(trainability, "free_memory", lambda _: 1 << 40)
    step = exact.EXPERIMENTS["LL401"](found).measurements["one_step"]
    assert "sized down" in step["model"] and "are free on cpu" in step["stand_in"]
    assert not bench._open


def test_a_report_that_cannot_be_written_is_known_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("work was done")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "settle", never)
    (tmp_path / "train.py").write_text(WRAP.format(settings='target_modules=["q_proj"]', after=""))
    (tmp_path / "folder").mkdir()
    for page, why in (("no/such/page.html", "cannot be written"), ("folder", "is a directory")):
        assert main(["--verify", "--verify-report", page, "train.py"]) == 2
        assert why in capsys.readouterr().err
