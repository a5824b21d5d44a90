"""What can be written at a place, by what stands before it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint.server.answers import Analysis, Name
from lora_lint.server.completion import completions, word_before

if TYPE_CHECKING:
    from lora_lint.source import FileKind

READ = Analysis(targets=(Name("q_proj", "×32"),))
AXOLOTL = "base_model: gpt2\nadapter: lora\n"


def labels(before: str, kind: FileKind = "python", dialect: str | None = None) -> list[str]:
    found = completions(before, kind, Analysis(targets=READ.targets, dialects=(dialect,) if dialect else ()))
    return [name.text for name in found]


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ('config = LoraConfig(r=8, target_modules=["', "python"),
        ("LoraConfig(target_modules=[\n    'k_proj',\n    'q", "python"),
        ('config["target_modules"] = ["k", "', "python"),
        (f"{AXOLOTL}lora_target_modules:\n  - k_proj\n  - q", "yaml"),
        (f"{AXOLOTL}lora_target_modules: [k_proj, ", "yaml"),
        ('{"peft_type": "LORA", "target_modules": ["k_proj", "', "json"),
        ("llamafactory-cli train --lora_target q_proj,", "shell"),
    ],
)
def test_names_of_modules(before: str, kind: FileKind) -> None:
    assert labels(before, kind) == ["q_proj", "all-linear"]


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ('LoraConfig(target_modules=["q"], task_type="', "python"),
        ('print("', "python"),
        (f"{AXOLOTL}lora_target_modules: [q]\ndatasets:\n  - path: ", "yaml"),
        ("--lora_target q_proj --output_dir ", "shell"),
    ],
)
def test_other_places_have_none(before: str, kind: FileKind) -> None:
    assert "q_proj" not in labels(before, kind)


def test_keys_of_a_framework() -> None:
    at_top = labels(f"{AXOLOTL}lo", "yaml")
    assert at_top[:23].count("lora_r") == 1  # those of the adapter come first
    assert "sequence_len" in at_top
    assert labels(f"{AXOLOTL}datasets:\n  - ", "yaml") == []
    assert "rank" in labels("model_id_or_path: x\nlora:\n  ra", "yaml", "mistral_finetune")
    assert "rank" not in labels("model_id_or_path: x\nra", "yaml", "mistral_finetune")
    assert "lora_alpha" in labels('{"peft_type": "LORA", "', "json", "peft_adapter")
    assert "network_dim" in labels('network_module = "x"\nnet', "toml", "kohya")
    assert labels("import os\nlo", "python") == []


def test_values_of_a_key() -> None:
    assert labels(f"{AXOLOTL}peft_use_rslora: ", "yaml") == ["true", "false"]
    assert labels(f"{AXOLOTL}num_epochs: ", "yaml") == ["1.0"]
    assert set(labels('{"peft_type": "LORA", "bias": "', "json", "peft_adapter")) >= {"none", "all", "lora_only"}


def test_the_word_before() -> None:
    assert word_before("a: [mlp.down_pr") == "mlp.down_pr"
    assert word_before("a: ") == ""


@pytest.mark.parametrize("kind", ["yaml", "json", "toml", "python", "shell"])
def test_anything_before_is_taken(kind: FileKind) -> None:
    for before in ("", "\n", "{", "[[[[", '"', "a: b: c:", "\ud83d", json.dumps({"peft_type": "LORA"})[:-1], "}]" * 50):
        completions(before, kind, READ)
