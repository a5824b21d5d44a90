"""What axolotl expects of the data files that a training names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lora_lint

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
base_model: Qwen/Qwen2.5-7B-Instruct
{more}
datasets:
  - path: {path}
{entry}
adapter: lora
lora_r: 8
lora_alpha: 16
lora_target_linear: true
sequence_len: 2048
micro_batch_size: 1
learning_rate: 2e-4
"""
CHAT = [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}]
SHARED = [{"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]}]
ALPACA = [{"instruction": "a", "input": "", "output": "b"}]
ASKED = [{"question": "a", "answer": "b"}]
PAIRS = [
    {**CHAT[0], "chosen": {"role": "assistant", "content": "a"}, "rejected": {"role": "assistant", "content": "b"}}
]
MAPPED = "    field_messages: conversations\n    message_property_mappings: {role: from, content: value}"


def found(folder: Path, rows: Any, entry: str, more: str = "", path: str = "data/train.jsonl") -> list[str]:
    (folder / "data").mkdir()
    (folder / "data/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = "\n".join(line if line.startswith(" ") else f"    {line}" for line in entry.splitlines())
    (folder / "lora.yaml").write_text(FILE.format(path=path, entry=lines, more=more))
    return [each.message for each in lora_lint.lint(folder).findings if each.code == "LL902"]


@pytest.mark.parametrize(
    ("rows", "entry", "more", "told"),
    [
        (SHARED, "type: alpaca", "", "the column `instruction`, and stops with a KeyError"),
        (ALPACA, "type: gpteacher", "", "the column `response`"),
        (ALPACA, "type: completion", "", "the column `text`"),
        (ALPACA, "type: completion\nfield: body", "", "the column `body`"),
        (SHARED, "type: chat_template", "", "the column `messages` (`field_messages`), and stops with a ValueError"),
        (SHARED, "type: chat_template\nfield_messages: conversations", "", "`role` as the role of a message"),
        (CHAT, "type: chat_template\nmessage_field_role: from", "", "`from` as the role"),
        (ASKED, "type:\n      field_instruction: prompt", "", "the column `prompt` (`field_instruction`)"),
        (
            ASKED,
            "type:\n      field_instruction: question",
            "",
            "`output` (`field_output`), and trains on empty answers",
        ),
        (CHAT, "type: chat_template.default", "rl: dpo", "the column `chosen` (`field_chosen`)"),
        (
            [{**PAIRS[0], "messages": SHARED[0]["conversations"]}],
            "type: chat_template.default",
            "rl: dpo",
            "`role` as the role",
        ),
    ],
)
def test_a_type_has_its_columns(tmp_path: Path, rows: Any, entry: str, more: str, told: str) -> None:
    (message,) = found(tmp_path, rows, entry, more)
    assert told in message


@pytest.mark.parametrize(
    ("rows", "entry", "more"),
    [
        (ALPACA, "type: alpaca", ""),
        (ALPACA, "type: alpaca:chat", ""),
        (CHAT, "type: chat_template", ""),
        (SHARED, f"type: chat_template\n{MAPPED}", ""),
        (SHARED, "type: chat_template\nfield_messages: ${FIELD}", ""),
        (SHARED, "type: my_project.prompts", ""),
        (SHARED, "type: alpaca", "rl: kto"),
        (SHARED, "type: chat_template", "skip_prepare_dataset: true"),
        ([{"input_ids": [1], "attention_mask": [1], "labels": [1]}], "type: alpaca", ""),
        (ASKED, "type:\n      field_instruction: question\n      field_output: answer", ""),
        (PAIRS, "type: chat_template.default", "rl: dpo"),
        ([], "type: alpaca", ""),
    ],
)
def test_nothing_is_said_of_others(tmp_path: Path, rows: Any, entry: str, more: str) -> None:
    assert found(tmp_path, rows, entry, more) == []


def test_files_of_the_json_reader_count_too(tmp_path: Path) -> None:
    (message,) = found(tmp_path, SHARED, "data_files: [data/train.jsonl]\ntype: alpaca", path="json")
    assert "the file has `conversations`" in message


def test_a_file_elsewhere_is_not_looked_for(tmp_path: Path) -> None:
    assert found(tmp_path, SHARED, "type: alpaca", path="mhenrichsen/alpaca_2k_test") == []


@pytest.mark.parametrize(("pin", "told"), [("0.6.0", 0), ("0.12.0", 1)])
def test_older_releases_had_other_usual_names(tmp_path: Path, pin: str, told: int) -> None:
    (tmp_path / "requirements.txt").write_text(f"axolotl=={pin}\n")
    assert len(found(tmp_path, SHARED, "type: chat_template")) == told
