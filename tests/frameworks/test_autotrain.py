"""AutoTrain: `params` with `peft: true`, by task."""

from __future__ import annotations

import pytest

from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import Known
from tests.support.reading import config, edited, only, plain, realistic

DPO = realistic("autotrain", "dpo.yml")


def test_settings() -> None:
    run = only(config(DPO))
    assert run.adapter.rank == Known(16, None, "framework-default")
    assert (plain(run.adapter.alpha), plain(run.adapter.dropout)) == (32, 0.05)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert [name for name, _ in run.adapter.target_spans] == ["q_proj", "v_proj"]
    assert (plain(run.model.name), run.model.loader) == ("meta-llama/Meta-Llama-3-8B-Instruct", "AutoModelForCausalLM")
    assert plain(run.model.quantization) == "4bit"
    assert (run.training.method, plain(run.training.learning_rate), plain(run.training.epochs)) == (
        "preference",
        3e-5,
        3,
    )
    assert plain(run.training.accumulation) == 4
    assert run.problems == ()


def test_tasks() -> None:
    sft = only(config(edited(DPO, ("llm-dpo", "llm-sft"))))
    assert sft.training.method == "supervised"
    reward = only(config(edited(DPO, ("llm-dpo", "llm-reward"))))
    assert (reward.model.loader, plain(reward.adapter.task_type)) == ("AutoModelForSequenceClassification", "SEQ_CLS")
    several = only(config(edited(DPO, ("llm-dpo", "seq2seq"), ("  lr: 3e-5\n", ""))))
    assert (several.model.loader, plain(several.training.learning_rate)) == ("AutoModelForSeq2SeqLM", 5e-5)


def test_targets() -> None:
    assert (
        plain(only(config(edited(DPO, ("  target_modules: q_proj,v_proj\n", "")))).adapter.target_modules)
        == "all-linear"
    )
    assert plain(only(config(edited(DPO, ("q_proj,v_proj", "all-linear")))).adapter.target_modules) == "all-linear"
    assert plain(only(config(edited(DPO, ("q_proj,v_proj", "")))).adapter.target_modules) is None
    spaced = only(config(edited(DPO, ("q_proj,v_proj", "q_proj, v_proj"))))
    assert plain(spaced.adapter.target_modules) == ("q_proj", " v_proj")  # it is not stripped


def test_quantization() -> None:
    assert plain(only(config(edited(DPO, ("int4", "int8")))).model.quantization) == "8bit"
    assert plain(only(config(edited(DPO, ("quantization: int4", "quantization: null")))).model.quantization) is None
    assert plain(only(config(edited(DPO, ("  quantization: int4\n", "")))).model.quantization) == "4bit"


def test_data() -> None:
    one = only(config(edited(DPO, ("mlabonne/orpo-dpo-mix-40k", "tatsu-lab/alpaca"))))
    assert plain(one.dataset.size) == 52_002
    subset = edited(DPO, ("mlabonne/orpo-dpo-mix-40k", "glue"), ("train_split: train", "train_split: mrpc:train"))
    assert plain(only(config(subset)).dataset.size) == 3668


@pytest.mark.parametrize(
    "text",
    [
        edited(DPO, ("peft: true", "peft: false")),
        edited(DPO, ("  peft: true\n", "")),
        edited(DPO, ("llm-dpo", "text-classification")),
        edited(DPO, ("project_name", "name")),
    ],
)
def test_no_lora_run(text: str) -> None:
    assert config(text).runs == ()


@pytest.mark.parametrize(
    ("change", "key", "suggestion"),
    [
        (("  lr: 3e-5", "  learning_rate: 3e-5"), "learning_rate", "lr"),
        (("  epochs: 3", "  num_epochs: 3"), "num_epochs", "epochs"),
        (("  peft: true", "  peft: true\n  lora_rank: 8"), "lora_rank", "lora_r"),
        (("  peft: true", "  peft: true\n  lora_alfa: 8"), "lora_alfa", "lora_alpha"),
    ],
)
def test_unknown_keys(change: tuple[str, str], key: str, suggestion: str) -> None:
    (problem,) = only(config(edited(DPO, change))).problems
    assert isinstance(problem, UnknownKey)
    assert (problem.key, problem.suggestions[0]) == (key, suggestion)


@pytest.mark.parametrize(
    "change", [("peft: true", "peft: true\n  lora_r: 0"), ("peft: true", "peft: true\n  lora_alpha: 1.5")]
)
def test_wrong_values(change: tuple[str, str]) -> None:
    assert len(only(config(edited(DPO, change))).problems) == 1
