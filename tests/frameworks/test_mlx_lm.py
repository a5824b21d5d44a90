"""mlx-lm: a scale in place of alpha, the last layers, and keys that are whole paths."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import ABSENT, Unknown
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, realistic

if TYPE_CHECKING:
    from pathlib import Path

LORA, DORA, SAVED = (realistic("mlx_lm", name) for name in ("lora.yaml", "dora.yaml", "adapter_config.json"))


def test_settings() -> None:
    run = only(config(LORA))
    assert (plain(run.adapter.rank), plain(run.adapter.scale), plain(run.adapter.dropout)) == (8, 20.0, 0.0)
    assert run.adapter.alpha is ABSENT
    assert plain(run.adapter.target_modules) == ("self_attn.q_proj", "self_attn.v_proj")
    assert plain(run.adapter.layers_to_transform) == (12, 13, 14, 15)
    assert plain(run.adapter.use_dora) is False
    assert (plain(run.training.max_steps), plain(run.training.learning_rate)) == (1000, 1e-5)
    assert (plain(run.dataset.size), run.trained) == (52_002, True)
    assert run.problems == ()


def test_defaults() -> None:
    run = only(config(DORA))
    assert (plain(run.adapter.rank), plain(run.adapter.scale)) == (8, 20.0)
    assert plain(run.adapter.target_modules) == "all-linear"
    assert plain(run.adapter.use_dora) is True
    assert plain(run.adapter.layers_to_transform) == tuple(range(12, 28))
    assert plain(run.dataset.size) == 1000


def test_what_is_saved_with_an_adapter() -> None:
    run = only(config(SAVED, "adapter_config.json"))
    assert (plain(run.adapter.rank), plain(run.adapter.scale)) == (16, 10.0)
    assert plain(run.adapter.layers_to_transform) is None  # all of them


def test_what_another_program_saves_for_mlx() -> None:
    """Its rate and its model are not those that mlx-lm takes where none is given."""
    content = (
        '{"fine_tune_type": "lora", "num_layers": 28, "lora_parameters": {"rank": 16, "scale": 1.0, "dropout": 0}}'
    )
    run = only(config(content, "adapters/adapter_config.json"))
    assert (plain(run.adapter.rank), plain(run.adapter.scale)) == (16, 1.0)
    assert run.training.learning_rate is run.training.max_steps is run.model.name is run.dataset.name is ABSENT


def test_a_mixture_of_experts_is_adapted_whole() -> None:
    run = only(config(edited(DORA, ("mlx-community/Qwen2.5-7B-Instruct-4bit", "mistralai/Mixtral-8x7B-v0.1"))))
    assert plain(run.adapter.target_modules) is Unknown


def test_names_that_only_mlx_has() -> None:
    run = only(config(edited(LORA, ('"self_attn.q_proj"', '"mlp.switch_mlp.gate_proj"'))))
    assert plain(run.adapter.target_modules) is Unknown
    assert run.problems == ()


def test_local_data(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n')
    run = only(config(edited(LORA, ("tatsu-lab/alpaca", "mine")), folder=tmp_path))
    assert plain(run.dataset.size) == 2


def test_a_schedule_sets_the_rate() -> None:
    text = LORA + "lr_schedule:\n  name: cosine_decay\n  arguments: [1e-5, 1000, 1e-7]\n"
    assert plain(only(config(text)).training.learning_rate) is Unknown


@pytest.mark.parametrize(
    "text",
    [
        edited(LORA, ("fine_tune_type: lora", "fine_tune_type: full")),
        edited(LORA, ("train: true", "train: false\ntest: true")),
        "lora_parameters: 8\n",
    ],
)
def test_no_lora_run(text: str) -> None:
    assert config(text).runs == ()


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (("fine_tune_type", "finetune_type"), ["finetune_type"]),
        (("num_layers", "lora_layers"), ["lora_layers"]),
        (("  scale: 20.0", "  scale: 20.0\n  alpha: 16"), ["alpha"]),
        (("  rank: 8", "  rank: 0"), ["rank"]),
        (("  scale: 20.0\n", ""), ["lora_parameters"]),  # a KeyError
        (('"self_attn.q_proj"', '"q_proj"'), ["keys"]),  # compared whole
        (("num_layers: 4", "num_layers: 17"), ["num_layers"]),  # of 16
    ],
)
def test_broken_files(change: tuple[str, str], keys: list[str]) -> None:
    assert [problem.key for problem in only(config(edited(LORA, change))).problems] == keys


OLD = edited(LORA, ("num_layers", "lora_layers"), ("  scale: 20.0", "  scale: 20.0\n  alpha: 16"))


def test_keys_of_older_releases(tmp_path: Path) -> None:
    """tuner/utils.py of 0.14.1 reads `alpha` and that of 0.14.2 does not; lora.py of 0.19.0 has `num_layers`."""
    (tmp_path / "lora.yaml").write_text(OLD)
    settings = Settings(root=str(tmp_path), select=frozenset({"LL901"}))

    def messages() -> list[str]:
        return [each.message for each in engine.lint([str(tmp_path / "lora.yaml")], settings, jobs=1).findings]

    layers, alpha = sorted(messages(), key=lambda text: "alpha" in text)
    assert "`lora_layers` is not known to mlx-lm 0.19.0 and newer" in layers and "`num_layers`" in layers
    assert "`alpha` is not known to the `lora_parameters` of mlx-lm 0.14.2 and newer" in alpha
    (tmp_path / "requirements.txt").write_text("mlx-lm==0.16.1\n")
    assert ["lora_layers" in text or "alpha" in text for text in messages()].count(True) == 1
    (tmp_path / "requirements.txt").write_text("mlx-lm==0.12.1\n")
    assert not any("lora_layers" in text or "alpha" in text for text in messages())


def test_a_saved_adapter_has_the_keys_of_its_release() -> None:
    saved = {
        "fine_tune_type": "lora",
        "lora_layers": 8,
        "lora_parameters": {"rank": 8, "scale": 2.0, "dropout": 0.0, "alpha": 16},
    }
    outcome = engine.lint_text(json.dumps(saved).encode(), "adapter_config.json", Settings())
    assert [each.code for each in outcome.findings if each.code == "LL901"] == []


@pytest.mark.parametrize(
    ("scale", "code"),
    [("20.0", None), ("2.0", None), ("10", None), ("128", "LL104"), ("0.01", "LL104"), ("0", "LL105")],
)
def test_the_scale_is_judged_as_what_it_is(scale: str, code: str | None) -> None:
    text = edited(LORA, ("scale: 20.0", f"scale: {scale}"))
    found = engine.lint_text(text.encode(), "lora.yaml", Settings()).findings
    assert [finding.code for finding in found if finding.code.startswith("LL1")] == ([code] if code else [])


def test_names_of_another_model_are_told_in_its_own_words() -> None:
    text = edited(LORA, ("meta-llama/Llama-3.2-1B-Instruct", "microsoft/Phi-3-mini-4k-instruct"))
    both = edited(text, ("self_attn.v_proj", "self_attn.o_proj"))
    for changed, code, told in (
        (text, "LL201", "mlx-lm does not warn"),
        (both, "LL202", "mlx-lm adapts only `o_proj`"),
    ):
        findings = engine.lint_text(changed.encode(), "lora.yaml", Settings()).findings
        (finding,) = [each for each in findings if each.code.startswith("LL2")]
        assert finding.code == code
        assert told in finding.message
        assert "PEFT" not in finding.message
