"""open-instruct: settings, defaults, mixtures, and what is no LoRA run."""

from __future__ import annotations

import pytest

from lora_lint.run.events import Load, PrepareKbit, Train, Wrap
from lora_lint.run.values import Known, Unknown
from tests.support.reading import config, edited, only, plain, realistic

SFT, DPO = realistic("open_instruct", "sft.yaml"), realistic("open_instruct", "dpo.yaml")


def test_settings() -> None:
    run = only(config(SFT))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (32, 16, 0.1)
    assert set(plain(run.adapter.target_modules)) == {
        *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    }
    assert plain(run.model.quantization) == "4bit"
    assert [type(event) for event in run.events] == [Load, PrepareKbit, Wrap, Train]
    assert (run.training.method, plain(run.training.learning_rate), plain(run.training.epochs)) == (
        "supervised",
        1e-4,
        3,
    )
    assert run.problems == ()


def test_defaults() -> None:
    run = only(config(DPO))
    assert run.adapter.rank == Known(64, None, "framework-default")
    assert (plain(run.adapter.alpha), plain(run.model.quantization)) == (16, None)
    assert run.training.method == "preference"
    assert [type(event) for event in run.events] == [Load, Wrap, Train]


def test_a_mixture_takes_shares_and_numbers() -> None:
    assert plain(only(config(SFT)).dataset.size) == 52_002 // 2 + 1000
    assert plain(only(config(edited(SFT, ("tatsu-lab/alpaca", "some/unknown")))).dataset.size) is Unknown
    listed = edited(DPO, ("allenai/olmo-2-preferences", "tatsu-lab/alpaca"))
    assert plain(only(config(listed)).dataset.size) == 52_002
    assert plain(only(config(edited(listed, ('"1.0"', "500")))).dataset.size) == 500


@pytest.mark.parametrize(
    "text",
    [
        edited(DPO, ("use_lora: true", "use_lora: false")),
        edited(DPO, ("use_lora: true\n", "")),
        edited(DPO, ("model_name_or_path: allenai/OLMo-2-1124-7B-SFT", "reward_model_path: m")),
    ],
)
def test_no_lora_run(text: str) -> None:
    assert config(text).runs == ()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("lora_alpha:", "lora_aplha:"), "lora_aplha"),
        (("lora_rank: 32", "lora_r: 32"), "lora_r"),
        (("lora_rank: 32", "lora_rank: 0"), "lora_rank"),
        (("lora_dropout: 0.1", "lora_dropout: high"), "lora_dropout"),
    ],
)
def test_broken_files(change: tuple[str, str], key: str) -> None:
    (problem,) = only(config(edited(SFT, change))).problems
    assert problem.key == key
