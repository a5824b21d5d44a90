"""LL423: what transformers' collator masks, and which programs it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments

NAME = "meta-llama/Llama-2-7b-hf"
"""
PAD = "tokenizer.pad_token = tokenizer.eos_token\n"
TEXTS = "data = load_dataset('gsm8k', 'main', split='train').map(lambda row: tokenizer(row['answer'] + {}))\n"
TRAIN = """
model = get_peft_model(AutoModelForCausalLM.from_pretrained(NAME), LoraConfig(r=8, lora_alpha=16))
Trainer(model=model, args=TrainingArguments("out"), train_dataset=data, data_collator={}).train()
"""
COLLATOR = "DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm=False)"


def found(
    tmp_path: Path,
    *,
    tokenizer: str = "tokenizer = AutoTokenizer.from_pretrained(NAME)\n",
    pad: str = PAD,
    texts: str = TEXTS.format("tokenizer.eos_token"),
    collator: str = COLLATOR,
) -> bool:
    program = tmp_path / "train.py"
    program.write_text(HEAD + tokenizer + pad + texts + TRAIN.format(collator))
    return is_found(program, tmp_path)


def is_found(program: Path, root: Path) -> bool:
    outcome = engine.lint([str(program)], Settings(root=str(root), select=frozenset({"LL423"})), jobs=1)
    return [finding.code for finding in outcome.findings] == ["LL423"]


@pytest.mark.torch
def test_the_collator_masks_the_end_with_the_padding() -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

    words = Tokenizer(WordLevel({"<end>": 0, "<unk>": 1, "yes": 2, "no": 3}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    for padding, kept in (("<end>", False), ("<unk>", True)):
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>", pad_token=padding)
        batch = [tokenizer("yes no <end>"), tokenizer("no <end>")]
        labels = DataCollatorForLanguageModeling(tokenizer, mlm=False)(batch)["labels"].tolist()
        assert (0 in labels[0] and 0 in labels[1]) is kept


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"pad": "tokenizer.pad_token_id = tokenizer.eos_token_id\n"},
        {"pad": "if tokenizer.pad_token is None:\n    tokenizer.pad_token = tokenizer.eos_token\n"},
        {"texts": "END = tokenizer.eos_token\n" + TEXTS.format("END")},
        {"texts": "data = [tokenizer(f'{text}{tokenizer.eos_token}') for text in texts]\n"},
        {
            "tokenizer": "tokenizer = AutoTokenizer.from_pretrained(NAME, add_eos_token=True)\n",
            "texts": TEXTS.format("'.'"),
        },
        {"collator": "DataCollatorForLanguageModeling(tokenizer, False)"},
    ],
)
def test_an_end_that_is_padding_is_found(tmp_path: Path, changed: dict[str, str]) -> None:
    assert found(tmp_path, **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"pad": "tokenizer.pad_token = tokenizer.unk_token\n"},
        {"pad": PAD + "tokenizer.pad_token = '<pad>'\n"},
        {"pad": ""},
        {"texts": TEXTS.format("'.'")},
        {"texts": TEXTS.format("row['question']") + "print('end: ' * (tokenizer.eos_token is None))\n"},
        {
            "tokenizer": "tokenizer = AutoTokenizer.from_pretrained('meta-llama/Llama-3.1-8B', add_eos_token=True)\n",
            "texts": TEXTS.format("'.'"),
        },
        {"collator": "DataCollatorForLanguageModeling(tokenizer)"},
        {"collator": "None"},
        {
            "tokenizer": "tokenizer = AutoTokenizer.from_pretrained('Qwen/Qwen2.5-7B')\n",
            "pad": "if tokenizer.pad_token is None:\n    tokenizer.pad_token = tokenizer.eos_token\n",
        },
    ],
)
def test_an_end_that_is_trained_or_not_there_is_not(tmp_path: Path, changed: dict[str, str]) -> None:
    assert not found(tmp_path, **changed)


@pytest.mark.parametrize(("requirement", "masked"), [("trl==0.15.2", True), ("trl==0.16.0", False), ("trl", False)])
def test_the_collator_of_trl_depends_on_its_version(tmp_path: Path, requirement: str, masked: bool) -> None:
    (tmp_path / "requirements.txt").write_text(requirement + "\n")
    program = tmp_path / "train.py"
    program.write_text(
        "from peft import LoraConfig\nfrom transformers import AutoTokenizer\nfrom trl import SFTConfig, SFTTrainer\n"
        "tokenizer = AutoTokenizer.from_pretrained('tiiuae/falcon-7b')\n"
        + PAD
        + "SFTTrainer(model='tiiuae/falcon-7b', processing_class=tokenizer, args=SFTConfig('out'),\n"
        "           train_dataset=[{'text': each + tokenizer.eos_token} for each in texts],\n"
        "           peft_config=LoraConfig(r=8, lora_alpha=16)).train()\n"
    )
    assert is_found(program, tmp_path) is masked
