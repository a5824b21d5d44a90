"""LL3xx."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.linting import engine
from lora_lint.records import replace
from lora_lint.rules.capacity import bound_of
from lora_lint.run.run import BaseModel, Dataset, Run, Training
from lora_lint.run.values import Unknown
from lora_lint.settings import Settings
from tests.support.runs import at, check, cli, either, lit, one, options, run


def data(rank: Any, size: Any, *, method: str = "supervised", model: str | None = None, **training: Any) -> Run:
    known = lit(size, 500) if isinstance(size, int) else size
    base = BaseModel(name=lit(model), loader="AutoModelForCausalLM") if model else BaseModel()
    of = {
        "dataset": Dataset(size=known, how="`select(range(…))`"),
        "training": Training(method=method, **training),  # type: ignore[arg-type]
        "model": base,
    }
    return run(rank, 16, of=of, target_modules=("q_proj", "v_proj"))


class TestRankTooHighForData:
    @pytest.mark.parametrize(
        ("rank", "size", "count"),
        [
            (8, 999, 0),
            (9, 999, 1),
            (16, 1000, 0),
            (17, 1000, 1),
            (16, 9999, 0),
            (32, 10_000, 0),
            (33, 99_999, 1),
            (64, 100_000, 0),
            (65, 100_000_000, 1),
            (8, 1, 0),
            (64, 0, 0),
        ],
    )
    def test_bounds(self, rank: int, size: int, count: int) -> None:
        assert len(check("LL301", data(rank, size))) == count

    def test_message(self) -> None:
        found = one("LL301", data(64, 500, epochs=lit(3)))
        assert "`r=64`" in found.message
        assert "on 500 examples (`select(range(…))`) for 3 epochs" in found.message
        assert "r <= 8 under 1,000 examples" in found.message
        assert "Over-training does more harm" in found.message
        assert found.related[0].span == at(500)

    def test_steps_come_before_epochs(self) -> None:
        message = one("LL301", data(64, 500, epochs=lit(3), max_steps=lit(60))).message
        assert "for 60 steps" in message
        assert "epochs;" not in message
        assert "for 3 epochs" in one("LL301", data(64, 500, epochs=lit(3), max_steps=lit(-1))).message

    @pytest.mark.parametrize(
        ("size", "rank", "training", "level"),
        [
            (500, 64, {"epochs": lit(1)}, "advice"),
            (500, 64, {"epochs": lit(2)}, "warning"),
            (500, 64, {}, "warning"),
            (500, 16, {"epochs": lit(5)}, "advice"),
            (500, 32, {"epochs": lit(1.5)}, "warning"),
            (2000, 64, {"epochs": lit(2)}, "advice"),
            (2000, 64, {"epochs": lit(3)}, "warning"),
            (2000, 32, {"epochs": lit(10)}, "advice"),
            (2000, 64, {}, "advice"),
            (500, 64, {"max_steps": lit(60), "batch_size": lit(2), "accumulation": lit(4)}, "advice"),
            (500, 64, {"max_steps": lit(63), "batch_size": lit(2), "accumulation": lit(4)}, "warning"),
            (2000, 64, {"max_steps": lit(750), "batch_size": lit(2), "accumulation": lit(4)}, "warning"),
            (
                2000,
                64,
                {"epochs": lit(3), "max_steps": lit(749), "batch_size": lit(2), "accumulation": lit(4)},
                "advice",
            ),
            (500, 64, {"epochs": lit(1), "max_steps": lit(60)}, "warning"),
        ],
    )
    def test_a_warning_needs_a_rank_far_above_and_passes_or_few_examples(
        self, size: int, rank: int, training: dict[str, Any], level: str
    ) -> None:
        assert one("LL301", data(rank, size, **training)).level == level

    @pytest.mark.parametrize(
        ("size", "training", "speaks"),
        [(12, {}, False), (13, {}, True), (500, {"max_steps": lit(20)}, False), (500, {"max_steps": lit(21)}, True)],
    )
    def test_smoke_tests(self, size: int, training: dict[str, Any], *, speaks: bool) -> None:
        assert bool(check("LL301", data(64, size, **training))) is speaks
        assert bool(check("LL102", data(64, size, **training))) is speaks
        slow = data(64, size, learning_rate=lit(1e-5), **training)
        assert bool(check("LL501", slow)) is speaks

    def test_exact_parameters(self) -> None:
        message = one("LL301", data(64, 500, model="meta-llama/Meta-Llama-3-8B")).message
        assert "27,262,976 parameters" in message  # 32 layers x 64 x (4096 + 4096 + 4096 + 1024)

    def test_options(self) -> None:
        assert check("LL301", data(64, 500), bounds=[[100, 8]]) == []
        assert check("LL301", data(64, 500), bounds=[], **{"max-rank": 32})
        assert bound_of(5, options("LL301", bounds=[[10, 4], [1, 2]])) == (4, "under 10 examples")
        assert bound_of(5, options("LL301", bounds=[])) == (64, "for any data set")
        assert bound_of(1_000_000, options("LL301")) == (64, "for 100,000 examples and more")

    @pytest.mark.parametrize("method", ["preference", "rl"])
    def test_other_training_is_silent(self, method: str) -> None:
        assert check("LL301", data(64, 500, method=method)) == []

    def test_unknown(self) -> None:
        assert check("LL301", data(64, Unknown("…"))) == []
        assert check("LL301", data(Unknown("…"), 500)) == []
        assert check("LL301", run(64, 16)) == []

    @pytest.mark.parametrize("name", ["alpha", "use_rslora", "rank_pattern", "alpha_pattern"])
    def test_a_scale_that_is_not_known_cannot_be_kept(self, name: str) -> None:
        given = data(64, 500)
        found = one("LL301", replace(given, adapter=replace(given.adapter, **{name: Unknown("…")})))
        assert found.fix is not None
        assert found.fix.changes == ()

    def test_every_case_has_to_be_too_high(self) -> None:
        assert check("LL301", data(either(4, 64), 500)) == []
        assert check("LL301", data(64, either(500, 1_000_000))) == []
        assert "on 800 examples" in one("LL301", data(64, either(16, 800))).message  # a dry run, and a real one
        message = one("LL301", data(either(64, 128), either(500, 5000))).message
        assert "`r=64`" in message
        assert "5,000 examples" in message

    def test_confidence(self) -> None:
        assert one("LL301", data(64, 500)).confidence == "certain"
        assert one("LL301", data(cli(64), 500)).confidence == "likely"
        assert one("LL301", data(64, 500, method="unknown")).confidence == "likely"
        assert one("LL301", data(64, 500, method="classification")).confidence == "certain"


@pytest.mark.parametrize(("ranks", "speaks"), [("(8, 64)", False), ("(32, 64)", True), ("(64,)", True)])
def test_a_sweep_that_tries_a_rank_within_the_bound_too(ranks: str, *, speaks: bool) -> None:
    program = f"""\
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

data = load_dataset("tatsu-lab/alpaca", split="train[:500]")
for rank in {ranks}:
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
    SFTTrainer(model=model, args=SFTConfig("out"), train_dataset=data, peft_config=config).train()
"""
    codes = [finding.code for finding in engine.lint_text(program, "train.py", Settings()).findings]
    assert ("LL301" in codes) is speaks
