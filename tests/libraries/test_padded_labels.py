"""LL424: which labels count in the loss, and which programs copy padding into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
from copy import deepcopy
import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
from transformers import DataCollatorForLanguageModeling, DataCollatorForSeq2Seq, default_data_collator
from ours import collate

tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")


def tokenized(row):
    found = tokenizer(row["text"], padding={padding}, max_length=256)
{body}


data = load_dataset("imdb", split="train").map({mapped})
model = get_peft_model(AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B"), LoraConfig(r=8, lora_alpha=16))
Trainer(model=model, args=TrainingArguments("out"), train_dataset=data, data_collator={collator}).train()
"""
COPY = 'found["labels"] = found["input_ids"].copy(); return found'


def found(
    tmp_path: Path,
    body: str = COPY,
    *,
    padding: str = '"max_length"',
    mapped: str = "tokenized",
    collator: str = "None",
) -> bool:
    program = tmp_path / "train.py"
    program.write_text(PROGRAM.format(padding=padding, body=f"    {body}", mapped=mapped, collator=collator))
    outcome = engine.lint([str(program)], Settings(root=str(tmp_path), select=frozenset({"LL424"})), jobs=1)
    return [finding.code for finding in outcome.findings] == ["LL424"]


@pytest.mark.torch
def test_only_a_label_of_minus_100_is_left_out_of_the_loss() -> None:
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import (
        DataCollatorForSeq2Seq,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
        default_data_collator,
    )

    config = LlamaConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        vocab_size=32,
    )
    model = LlamaForCausalLM(config).eval()
    ids, mask = [5, 6, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]
    row = {"input_ids": ids, "attention_mask": mask, "labels": list(ids)}
    batch = default_data_collator([row])
    assert batch["labels"].tolist() == [ids]
    words = Tokenizer(WordLevel({"<pad>": 0, "yes": 5, "no": 6}, unk_token="<pad>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>")
    assert DataCollatorForSeq2Seq(tokenizer)([dict(row)])["labels"].tolist() == [ids]
    with torch.no_grad():
        answer = model(**batch)
        each = torch.nn.functional.cross_entropy(answer.logits[0, :-1], torch.tensor(ids[1:]), reduction="none")
        assert torch.isclose(answer.loss, each.mean())
        batch["labels"] = torch.tensor([[5, 6, -100, -100, -100, -100]])
        assert torch.isclose(model(**batch).loss, each[0])


@pytest.mark.parametrize(
    "body",
    [
        COPY,
        'found["labels"] = found["input_ids"]; return found',
        'found["labels"] = found.input_ids[:]; return found',
        'found["labels"] = deepcopy(found["input_ids"]); return found',
        'ids = torch.tensor(found["input_ids"]).squeeze(0); return {"input_ids": ids, "labels": ids.clone()}',
        'return {**found, "labels": tokenizer(row["answer"], padding="max_length")["input_ids"]}',
    ],
)
def test_labels_with_padding_are_found(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, body)


@pytest.mark.parametrize("collator", ["default_data_collator", "DataCollatorForSeq2Seq(tokenizer, padding=True)"])
def test_collators_that_hand_labels_on(tmp_path: Path, collator: str) -> None:
    assert found(tmp_path, collator=collator)


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (COPY, {"padding": "True"}),
        (COPY, {"mapped": "other"}),
        (COPY, {"collator": "DataCollatorForLanguageModeling(tokenizer, mlm=False)"}),
        (COPY, {"collator": "collate"}),
        ('found["labels"] = [each if each else -100 for each in found["input_ids"]]; return found', {}),
        ('found["labels"] = found["input_ids"][1:]; return found', {}),
        ('found["labels"] = masked(found["input_ids"]); return found', {}),
        ('found["labels"] = row["label"]; return found', {}),
        ('found["labels"] = tokenizer(row["answer"])["input_ids"]; return found', {}),
    ],
)
def test_other_labels_are_not(tmp_path: Path, body: str, changed: dict[str, str]) -> None:
    assert not found(tmp_path, body, **changed)
