"""Keys at the top of a file that a framework knows in one of its sections only."""

from __future__ import annotations

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

TORCHTUNE = """\
model:
  _component_: torchtune.models.llama3_1.lora_llama3_1_8b
  lora_attn_modules: [q_proj, v_proj]
{inside}
tokenizer: {{_component_: torchtune.models.llama3.llama3_tokenizer, path: t}}
optimizer: {{_component_: torch.optim.AdamW, lr: 3e-4}}
{above}
"""
MLX = """\
model: mlx-community/Qwen2.5-7B-Instruct-4bit
train: true
fine_tune_type: lora
data: d
learning_rate: 1e-5
{above}
"""
LITGPT = """\
checkpoint_dir: checkpoints/mistralai/Mistral-7B-v0.1
lora_r: 8
lora_query: true
data: {{class_path: litgpt.data.Alpaca}}
{above}
"""


def unknown(text: str) -> list[str]:
    report = engine.lint_text(text.encode(), "config.yaml", Settings())
    return [finding.message for finding in report.findings if finding.code == "LL901"]


@pytest.mark.parametrize(
    ("text", "key", "section"),
    [
        (TORCHTUNE.format(inside="", above="lora_rank: 64"), "lora_rank", "model"),
        (MLX.format(above="rank: 16"), "rank", "lora_parameters"),
        (MLX.format(above="lora_parameters: {rank: 8, dropout: 0.0}\nscale: 10.0"), "scale", "lora_parameters"),
        (LITGPT.format(above="epochs: 3"), "epochs", "train"),
    ],
)
def test_a_key_belongs_in_a_section(text: str, key: str, section: str) -> None:
    (message,) = unknown(text)
    assert message.startswith(f"`{key}` is not known to ")
    assert message.endswith(f"Write it in `{section}`")


@pytest.mark.parametrize(
    "text",
    [
        TORCHTUNE.format(inside="  lora_rank: ${lora_rank}\n  lora_alpha: 16", above="lora_rank: 8"),
        TORCHTUNE.format(inside="  lora_rank: 8", above="my_note: about the rank\noutput_dir: out"),
        MLX.format(above="lora_parameters: {rank: 8, dropout: 0.0, scale: 20.0}\nnum_layers: 8"),
        LITGPT.format(above="train: {epochs: 3}\nlora_alpha: 16"),
    ],
)
def test_keys_in_their_place_are_known(text: str) -> None:
    assert unknown(text) == []
