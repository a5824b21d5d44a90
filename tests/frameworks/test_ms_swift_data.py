"""What ms-swift expects of the data files that a training names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lora_lint

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = """\
swift {task} \\
    --model Qwen/Qwen2.5-7B-Instruct \\
    --tuner_type lora \\
    --dataset {path} \\
    {more} \\
    --learning_rate 1e-4
"""
CHAT = [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}]
SHARED = [{"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]}]
PAIRED = [{"conversation": [{"human": "hi", "assistant": "ho"}]}]
ALPACA = [{"instruction": "a", "input": "", "output": "b"}]
PREFERRED = [{"instruction": "a", "input": "", "chosen": "b", "rejected": "c"}]
SOLVED = [{"problem": "1+1", "solution": "2"}]
LONG = "--max_length 2048"


def found(folder: Path, rows: Any, task: str = "sft", more: str = LONG, path: str = "data/train.jsonl") -> list[str]:
    (folder / "data").mkdir()
    (folder / "data/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "train.sh").write_text(COMMAND.format(task=task, path=path, more=more))
    return [each.message for each in lora_lint.lint(folder).findings if each.code == "LL902"]


@pytest.mark.parametrize(
    ("rows", "task", "more", "told"),
    [
        (PREFERRED, "rlhf", "--rlhf_type dpo", "`rejected_response` or `rejected_messages` for `dpo`"),
        (PREFERRED, "rlhf", LONG, "`rejected_response` or `rejected_messages` for `dpo`"),  # the default of rlhf
        (CHAT, "rlhf", "--rlhf_type orpo", "for `orpo`, and stops without: the file has `messages`"),
        (CHAT, "rlhf", "--rlhf_type kto", "the column `label`, true or false"),
        (ALPACA, "rlhf", "--rlhf_type grpo --reward_funcs accuracy format", "the column `solution`"),
        (PREFERRED, "sft", LONG, "without any trains on no answer: the file has `instruction`, `input`, `chosen`"),
        ([{"question": "a", "reply": "b"}], "sft", LONG, "or a column of answers such as `response`"),
        ([{"query": "a", "answer": "b", "solution": "c"}], "sft", LONG, "`answer` and `solution` would both be"),
        ([{"messages": [{"speaker": "user", "text": "hi"}]}], "sft", LONG, "the messages have `speaker`, `text`"),
        ([{"messages": [{"role": "user", "text": "hi"}]}], "sft", LONG, "`content` or `value` in each message"),
        ([{"messages": [{"role": "model", "content": "hi"}]}], "sft", LONG, "the messages have `model`"),
    ],
)
def test_data_that_it_cannot_read(tmp_path: Path, rows: Any, task: str, more: str, told: str) -> None:
    (message,) = found(tmp_path, rows, task, more)
    assert "ms-swift expects" in message
    assert told in message


@pytest.mark.parametrize(
    ("rows", "task", "more"),
    [
        (CHAT, "sft", LONG),
        (SHARED, "sft", LONG),
        (PAIRED, "sft", LONG),
        (ALPACA, "sft", LONG),
        ([{"Instruction": "a", "Response": "b", "answer": "c"}], "sft", LONG),
        ([{"text": "a"}], "pt", LONG),
        ([{"query": "a", "history": [["b", "c"]]}], "sft", LONG),
        ([{**CHAT[0], "rejected_response": "no"}], "rlhf", "--rlhf_type dpo"),
        ([{**CHAT[0], "rejected_messages": CHAT[0]["messages"]}], "rlhf", "--rlhf_type dpo"),
        ([{**ALPACA[0], "label": True}], "rlhf", "--rlhf_type kto"),
        (SOLVED, "rlhf", "--rlhf_type grpo --reward_funcs accuracy format"),
        ([{"problem": "1+1"}], "rlhf", "--rlhf_type grpo --reward_funcs my_reward"),
        (PREFERRED, "sft", """--columns '{"chosen": "response"}'"""),
        (PREFERRED, "rlhf", "--rlhf_type dpo --custom_register_path dataset.py"),
        ([{"sentence": "a", "label": 1}], "sft", "--task_type seq_cls"),
        ([{"messages": "[{'role': 'user', 'content': 'hi'}]"}], "sft", LONG),
    ],
)
def test_data_that_it_reads(tmp_path: Path, rows: Any, task: str, more: str) -> None:
    assert found(tmp_path, rows, task, more) == []


def test_some_rows_of_a_file(tmp_path: Path) -> None:
    (message,) = found(tmp_path, PREFERRED, path="data/train.jsonl#500")
    assert '`dataset="data/train.jsonl#500"`' in message


@pytest.mark.parametrize(
    ("model", "options", "told"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "--model_type qwen2_5", "which is a `qwen2_5_vl`"),
        ("/models/Qwen2.5-VL-7B-Instruct", "--model_type qwen2_vl", "which is a `qwen2_5_vl`"),
        ("Qwen/Qwen2.5-7B-Instruct", "--model_type qwen2_5_vl", "which is a `qwen2`"),
        ("Qwen/Qwen2-VL-7B-Instruct", "--model_type qwen2-vl-7b-instruct", "small letters, digits and underscores"),
        ("Qwen/Qwen2.5-7B-Instruct", "--template qwen2.5", "small letters, digits and underscores"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "--model_type qwen2_5_vl", ""),
        ("Qwen/Qwen2.5-7B-Instruct", "--model_type qwen2_5 --template qwen2_5", ""),
        ("Qwen/QVQ-72B-Preview", "--model_type qvq", ""),
        ("Qwen/Qwen2.5-7B-Instruct", "--model_type my-model --custom_register_path r.py", ""),
    ],
)
def test_types_of_models(tmp_path: Path, model: str, options: str, told: str) -> None:
    (tmp_path / "train.sh").write_text(f"swift sft --model {model} --tuner_type lora --dataset a/b {options}\n")
    messages = [each.message for each in lora_lint.lint(tmp_path).findings if each.code == "LL902"]
    assert len(messages) == bool(told)
    assert all(told in message for message in messages)
