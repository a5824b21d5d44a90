"""Ludwig: `adapter.type: lora` of a language model."""

from __future__ import annotations

import pytest

from lora_lint.fixes import configs
from lora_lint.linting import engine
from lora_lint.run.events import Freeze, Load, LoadAdapter, Train, Wrap
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from lora_lint.source import SourceFile
from tests.support.programs import found_in
from tests.support.reading import config, edited, only, plain, realistic, written

FINETUNE = realistic("ludwig", "finetune.yaml")
DPO = realistic("ludwig", "dpo.yaml")


def test_settings() -> None:
    run = only(config(FINETUNE))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 32, 0.1)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert (plain(run.model.name), plain(run.model.quantization)) == ("meta-llama/Llama-2-7b-hf", "4bit")
    assert (run.training.method, plain(run.training.learning_rate), plain(run.training.epochs)) == (
        "supervised",
        3e-4,
        3,
    )
    assert (plain(run.training.batch_size), plain(run.training.accumulation)) == (2, 8)
    assert run.problems == ()


def test_defaults() -> None:
    run = only(config(DPO))
    assert run.adapter.rank == Known(8, None, "framework-default")
    assert (plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 0.05)
    assert plain(run.adapter.target_modules) is None
    assert plain(run.model.quantization) is None
    assert run.training.method == "preference"
    assert not isinstance(run.training.learning_rate, Known)
    rate = only(config(edited(FINETUNE, ("  learning_rate: 0.0003\n", ""))))
    assert plain(rate.training.learning_rate) == 1e-3


def test_no_setting_is_written_beside_the_short_form() -> None:
    """It would be a setting of the file, not of the adapter; and Ludwig's targets are a list, without a shorthand."""
    short = edited(FINETUNE, (FINETUNE[FINETUNE.index("adapter:") : FINETUNE.index("prompt:")], "adapter: lora\n"))
    findings = {finding.code: finding for finding in engine.lint_text(short.encode(), "a.yaml", Settings()).findings}
    told = findings["LL213"]
    assert "all-linear" not in told.message
    assert told.fix is not None
    assert [configs.edits(SourceFile("a.yaml", "yaml", short.encode()), change) for change in told.fix.changes] == [()]


def test_the_start() -> None:
    start = edited(FINETUNE, ("  dropout: 0.1", "  init_lora_weights: pissa"))
    assert plain(only(config(start)).adapter.init_lora_weights) == "pissa"
    assert plain(only(config(edited(start, ("pissa", "default")))).adapter.init_lora_weights) is True


def test_an_adapter_that_is_loaded() -> None:
    run = only(config(edited(FINETUNE, ("  dropout: 0.1", "  pretrained_adapter_weights: out/adapter"))))
    assert [type(event) for event in run.events] == [Load, LoadAdapter, Train]
    assert not isinstance(run.adapter.rank, Known)


def test_what_is_searched_is_not_known() -> None:
    search = "hyperopt:\n  parameters:\n    adapter.r:\n      space: choice\n      categories: [8, 16]\n"
    run = only(config(FINETUNE + search))
    assert isinstance(run.adapter.rank, Unknown)
    assert run.adapter.rank.why == "`hyperopt` searches it"
    assert written(FINETUNE + search, run.adapter.rank).startswith("adapter.r:")
    assert isinstance(run.adapter.alpha, Unknown)
    assert plain(run.adapter.dropout) == 0.1


@pytest.mark.parametrize(
    "text",
    [
        edited(FINETUNE, ("type: lora", "type: adalora")),
        edited(FINETUNE, ("  type: finetune\n", "")),
        edited(FINETUNE, ("type: finetune", "type: none")),
        edited(FINETUNE, ("model_type: llm", "model_type: ecd")),
    ],
)
def test_no_lora_run(text: str) -> None:
    assert config(text).runs == ()


@pytest.mark.parametrize(
    ("change", "key", "suggestion"),
    [
        (("  r: 16", "  rank: 16"), "rank", "r"),
        (("  dropout: 0.1", "  lora_dropout: 0.1"), "lora_dropout", "dropout"),
        (("target_modules:", "target_module:"), "target_module", "target_modules"),
        (("  epochs: 3", "  num_epochs: 3"), "num_epochs", "epochs"),
    ],
)
def test_unknown_keys(change: tuple[str, str], key: str, suggestion: str) -> None:
    (problem,) = only(config(edited(FINETUNE, change))).problems
    assert isinstance(problem, UnknownKey)
    assert (problem.key, problem.suggestions[0]) == (key, suggestion)


@pytest.mark.parametrize(
    "change",
    [
        ("  r: 16", "  r: 0"),
        ("  r: 16", "  alpha: 12.5"),
        ("[q_proj, v_proj]", "q_proj"),
    ],
)
def test_wrong_values(change: tuple[str, str]) -> None:
    (problem,) = only(config(edited(FINETUNE, change))).problems
    assert isinstance(problem, InvalidValue)


ENCODER = """\
model_type: ecd
input_features:
  - name: title
    type: text
    encoder:
      type: bert
      trainable: true
      adapter:
        type: lora
        r: 16
        target_modules: [query, value]
  - name: price
    type: number
output_features:
  - name: label
    type: category
trainer:
  learning_rate: 0.0001
"""


def test_an_encoder() -> None:
    run = only(config(ENCODER))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("ludwig", 16, 32)
    assert (plain(run.model.name), plain(run.adapter.target_modules)) == ("bert-base-uncased", ("query", "value"))
    assert (plain(run.training.learning_rate), run.trained, run.problems) == (1e-4, True, ())
    assert [type(event) for event in run.events] == [Load, Wrap, Train]


def test_encoders_in_other_ways() -> None:
    named = edited(
        ENCODER, ("type: bert", "type: auto_transformer\n      pretrained_model_name_or_path: FacebookAI/roberta-large")
    )
    assert plain(only(config(named)).model.name) == "FacebookAI/roberta-large"
    short = edited(
        ENCODER, (ENCODER[ENCODER.index("      adapter:") : ENCODER.index("  - name: price")], "      adapter: lora\n")
    )
    assert plain(only(config(short)).adapter.rank) == 8
    dropout = only(config(edited(short, ("type: bert", "type: distilbert\n      dropout: 0.3"))))
    assert plain(dropout.adapter.dropout) == 0.05  # the other is the encoder's
    frozen = only(config(edited(ENCODER, ("      trainable: true\n", ""))))
    assert frozen.trained is False  # with its adapter
    assert [type(event) for event in frozen.events] == [Load, Wrap, Freeze]
    assert config(edited(ENCODER, ("type: lora", "type: ia3"))).runs == ()
    without = edited(ENCODER, ("model_type: ecd\n", ""), ("learning_rate", "learning_rat"))
    (problem,) = only(config(without)).problems
    assert isinstance(problem, UnknownKey)
    both = edited(
        ENCODER,
        (
            "  - name: price\n    type: number",
            "  - name: text\n    type: text\n    encoder: {type: gpt2, adapter: lora}",
        ),
    )
    assert [plain(run.model.name) for run in config(both).runs] == ["bert-base-uncased", "gpt2"]


WITH_ADAPTER = """\
input_features:
  - name: text
    type: text
    encoder:
      type: {}
      adapter:
        type: lora
        r: 8
{}output_features:
  - name: label
    type: category
"""


@pytest.mark.parametrize(
    ("kind", "rest", "frozen"),
    [
        ("bert", "", True),
        ("bert", "      trainable: false\n", True),
        ("bert", "      trainable: true\n", False),
        ("llm\n      base_model: meta-llama/Llama-2-7b-hf", "", False),
    ],
)
def test_an_encoder_is_frozen_with_its_adapter(kind: str, rest: str, frozen: bool) -> None:
    assert ("LL416" in found_in(WITH_ADAPTER.format(kind, rest), "config.yaml")) is frozen
