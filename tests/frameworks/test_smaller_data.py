"""What mlx-lm, LitGPT and torchtune expect of the data files that a training names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lora_lint

if TYPE_CHECKING:
    from pathlib import Path

MLX = "mlx_lm.lora --model Qwen/Qwen2.5-7B-Instruct --train --data ./data --iters 600 {more}\n"
TEXTS = [{"text": "a"}] * 4
CHATS = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}] * 4
ALPACA = [{"instruction": "a", "output": "b"}] * 4
ASKED = [{"prompt": "a", "completion": "b"}] * 4
SHARED = [{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}]
LITGPT = """\
checkpoint_dir: checkpoints/microsoft/phi-2
data:
  class_path: litgpt.data.JSON
  init_args:
    json_path: data/train.jsonl
lora_r: 8
lora_query: true
"""
TORCHTUNE = """\
model:
  _component_: torchtune.models.llama3_1.lora_llama3_1_8b
  lora_attn_modules: ['q_proj', 'v_proj']
  lora_rank: 8
  lora_alpha: 16
dataset:
  _component_: torchtune.datasets.{builder}
  source: json
  data_files: data/train.jsonl
{more}
optimizer:
  _component_: torch.optim.AdamW
  lr: 3e-4
"""


def found(folder: Path, name: str, text: str, **files: list[Any]) -> list[str]:
    """The messages of LL902 about a file beside data."""
    (folder / "data").mkdir()
    for part, rows in files.items():
        (folder / f"data/{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / name).write_text(text)
    return [each.message for each in lora_lint.lint(folder).findings if each.code == "LL902"]


@pytest.mark.parametrize(
    ("train", "valid", "more", "told"),
    [
        (ALPACA, ALPACA, "", "rows with `messages`, `text`, or `prompt` and `completion`, and raises a ValueError"),
        (TEXTS, ALPACA, "", "./data/valid.jsonl has `instruction`, `output`"),
        (TEXTS[:3], TEXTS, "", "at least one batch of 4 rows, and raises a ValueError: ./data/train.jsonl has 3 rows"),
        (TEXTS, TEXTS[:1], "", "./data/valid.jsonl has 1 row"),
        (TEXTS, TEXTS, "--mask-prompt", "rows with a prompt of their own for `mask_prompt`"),
        (TEXTS, TEXTS, "", ""),
        (CHATS, ASKED, "--mask-prompt", ""),
        (TEXTS[:2], TEXTS[:2], "--batch-size 2", ""),
    ],
)
def test_mlx_lm(tmp_path: Path, train: Any, valid: Any, more: str, told: str) -> None:
    messages = found(tmp_path, "run.sh", MLX.format(more=more), train=train, valid=valid)
    assert len(messages) == bool(told)
    assert all(told in message for message in messages)


@pytest.mark.parametrize(("rows", "told"), [(ASKED, "the key `instruction` in each row"), (ALPACA, "")])
def test_litgpt(tmp_path: Path, rows: Any, told: str) -> None:
    messages = found(tmp_path, "lora.yaml", LITGPT, train=rows)
    assert len(messages) == bool(told)
    assert all(told in message for message in messages)


@pytest.mark.parametrize(
    ("rows", "builder", "more", "told"),
    [
        (ASKED, "instruct_dataset", "", "the column `input`, and stops with a KeyError: the file has `prompt`"),
        (ASKED, "instruct_dataset", "  column_map: {input: prompt, output: completion}", ""),
        (ASKED, "alpaca_dataset", "", "the column `instruction`"),
        (ASKED, "text_completion_dataset", "", "the column `text`"),
        (ASKED, "text_completion_dataset", "  column: prompt", ""),
        (SHARED, "chat_dataset", "  conversation_column: messages", "the column `messages` (`conversation_column`)"),
        (
            CHATS,
            "chat_dataset",
            "  conversation_column: messages\n  conversation_style: sharegpt",
            "`from` in each message (`conversation_style: sharegpt`)",
        ),
        (CHATS, "chat_dataset", "  conversation_column: messages\n  conversation_style: openai", ""),
        (SHARED, "chat_dataset", "  conversation_column: conversations\n  conversation_style: sharegpt", ""),
    ],
)
def test_torchtune(tmp_path: Path, rows: Any, builder: str, more: str, told: str) -> None:
    messages = found(tmp_path, "lora.yaml", TORCHTUNE.format(builder=builder, more=more), train=rows)
    assert len(messages) == bool(told)
    assert all(told in message for message in messages)
