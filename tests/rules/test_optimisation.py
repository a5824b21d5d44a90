"""LL304 and LL5xx, and what they stay silent on."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.run.problems import UnknownKey
from lora_lint.run.run import BaseModel, Training
from lora_lint.run.values import Unknown
from tests.support.runs import HERE, check, cli, default, lit, one, run


def trained(rank: Any = 8, alpha: Any = 16, *, rslora: bool = False, of: Any = None, **training: Any) -> Any:
    told = {"trainer": "Trainer", "method": "supervised", "optimizer": lit("adamw_torch"), **training}
    return run(rank, alpha, use_rslora=rslora, of={"training": Training(**told), "trained": True, **(of or {})})


class TestLearningRates:
    def test_too_low(self) -> None:
        found = one("LL501", trained(learning_rate=lit(1e-5)))
        assert found.message.startswith("The learning rate is 1e-05")
        assert found.confidence == "likely"

    def test_a_default_is_told_as_one(self) -> None:
        found = one("LL501", trained(learning_rate=default(5e-5)))
        assert "No learning rate is given, so that Trainer takes its default 5e-05" in found.message

    def test_a_rate_that_may_be_chosen_is_possible(self) -> None:
        assert one("LL501", trained(learning_rate=lit(4e-5))).confidence == "possible"

    @pytest.mark.parametrize(
        "silent",
        [
            trained(learning_rate=lit(1e-4)),
            trained(learning_rate=lit(1e-5), method="preference"),
            trained(learning_rate=lit(1e-5), method="rl"),
            trained(learning_rate=lit(1e-5), method="unknown"),
            trained(8, 64, learning_rate=lit(1e-5)),
            trained(Unknown("x"), 64, learning_rate=lit(1e-5)),
            trained(learning_rate=Unknown("x")),
            trained(learning_rate=lit(1e-5), of={"trained": False}),
        ],
    )
    def test_silent(self, silent: Any) -> None:
        assert not check("LL501", silent)

    def test_too_high(self) -> None:
        found = one("LL502", trained(64, 128, learning_rate=lit(4e-3)))
        assert "0.004 * 2 * 64 = 0.512" in found.message
        assert not check("LL502", trained(64, 128, learning_rate=lit(4e-3), optimizer=lit("sgd")))
        assert not check("LL502", trained(64, 128, learning_rate=lit(4e-3), method="rl"))
        assert not check("LL502", trained(64, 128, learning_rate=lit(1e-3)))
        assert check("LL502", trained(64, 128, learning_rate=lit(2e-3)))

    @pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, 0.0])
    def test_rates_that_are_none(self, rate: float) -> None:
        assert not check("LL501", trained(learning_rate=lit(rate)))
        assert not check("LL502", trained(learning_rate=lit(rate)))

    def test_a_rate_of_the_command_line_is_likely(self) -> None:
        assert one("LL501", trained(learning_rate=cli(1e-5))).confidence == "likely"


def test_loraplus() -> None:
    keyword = UnknownKey("loraplus_lr_ratio", HERE, "SFTConfig")
    found = one("LL503", trained(unknown_keywords=(keyword,)))
    assert found.message.startswith("`loraplus_lr_ratio` is no argument of SFTConfig")
    assert not check("LL503", trained(unknown_keywords=(UnknownKey("learning_rat", HERE, "SFTConfig"),)))


def test_dora() -> None:
    assert one("LL504", run(use_dora=True)).message.startswith("`use_dora=True`")
    assert not check("LL504", run(use_dora=False))
    assert not check("LL504", run(use_dora=True, of={"trained": False}))


@pytest.mark.parametrize(("memory", "fits"), [(1.0, False), (12.5, False), (12.7, True), (80.0, True), (None, True)])
def test_memory(memory: float | None, fits: bool) -> None:
    """Llama-2-7b: 6,738,415,616 weights at 2 bytes are 12.55 GiB, and the adapter on q and v 0.06 more at rank 8."""
    model = BaseModel(name=lit("meta-llama/Llama-2-7b-hf"), loader="AutoModelForCausalLM")
    found = check("LL304", run(8, 16, target_modules=("q_proj", "v_proj"), of={"model": model, "gpu_memory": memory}))
    assert bool(found) is not fits
    assert all("12.6 for 6,738,415,616 weights at 2 bytes" in each.message for each in found)
