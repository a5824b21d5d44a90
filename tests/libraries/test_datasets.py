"""Data that a program reads from files of its project."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import Choices, Known, Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = """
model = AutoModelForCausalLM.from_pretrained("gpt2")
trainer = SFTTrainer(model, train_dataset=data, peft_config=LoraConfig(r=8))
trainer.train()
"""
HEAD = IMPORTS + "import pandas as pd\nfrom datasets import Dataset, load_dataset\nfrom trl import SFTTrainer\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.jsonl").write_text('{"a": 1}\n' * 5)
    (tmp_path / "data" / "rows.json").write_text('[{"a": 1}, {"a": 2}, {"a": 3}]')
    (tmp_path / "data" / "rows.csv").write_text("a,b\n" + "1,2\n" * 4)
    (tmp_path / "data" / "head.csv").write_text("a,b\n")
    (tmp_path / "data" / "none.tsv").write_text("")
    (tmp_path / "data" / "gaps.txt").write_text("one\n\ntwo\n")
    (tmp_path / "scripts").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ('data = load_dataset("json", data_files="data/rows.jsonl", split="train")', 5),
        ('data = load_dataset("json", data_files={"train": "data/rows.jsonl", "test": "none.jsonl"})["train"]', 5),
        ('data = load_dataset("json", data_files=["data/rows.jsonl", "data/rows.json"], split="train")', 8),
        ('data = load_dataset("csv", data_files="data/rows.csv", split="train[:2]")', 2),
        ('data = load_dataset("csv", data_files="data/head.csv", split="train")', 0),
        ('data = load_dataset("csv", data_files="data/none.tsv", split="train")', 0),
        ('data = load_dataset("text", data_files="data/gaps.txt", split="train")', 2),
        ('data = load_dataset("json", data_files="none.jsonl", split="train")', Unknown),
        ('data = Dataset.from_json("./data/rows.jsonl")', 5),
        ('data = Dataset.from_pandas(pd.read_json("data/rows.json"))', 3),
        ('df = pd.read_csv("data/rows.csv")\ndata = Dataset.from_pandas(df).map(f, remove_columns=["a"])', 4),
        ('df = pd.read_csv("data/rows.csv").rename(columns={"a": "x"})\ndata = Dataset.from_pandas(df)', 4),
        ('df = pd.read_csv("data/rows.csv", nrows=2)\ndata = Dataset.from_pandas(df)', Unknown),
        ('df = pd.read_csv("data/rows.csv")\ndf = df.dropna()\ndata = Dataset.from_pandas(df)', 4),
        ('df = pd.read_csv("data/rows.csv")\ndf.dropna(inplace=True)\ndata = Dataset.from_pandas(df)', Unknown),
        ('df = pd.read_csv("data/rows.csv")\ndf.rename(columns={}, inplace=True)\ndata = Dataset.from_pandas(df)', 4),
        ('df = pd.read_csv("data/rows.csv")\ndf = df[df.a > 0]\ndata = Dataset.from_pandas(df)', 4),
    ],
)
def test_files(text: str, size: object, folder: Path) -> None:
    assert plain(only(read_python(HEAD + text + TRAIN, folder, "scripts/train.py")).dataset.size) == size


@pytest.mark.parametrize(
    "test",
    [
        "args.most",
        "args.most is not None",
        "args.most is not None and args.most < len(data)",
        "args.limit > 0",
        "args.limit and args.most",
    ],
)
def test_an_option_that_cuts_the_data_is_not_given_by_default(test: str) -> None:
    program = f"""
        import argparse
        from datasets import load_dataset
        parser = argparse.ArgumentParser()
        parser.add_argument("--most", type=int)
        parser.add_argument("--limit", type=int, default=0)
        args = parser.parse_args()
        data = load_dataset("tatsu-lab/alpaca", split="train")
        if {test}:
            data = data.select(range(min(args.most, len(data))))
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        model = get_peft_model(model, LoraConfig(r=8))
        Trainer(model=model, train_dataset=data).train()
        """
    size = only(read_python(IMPORTS + textwrap.dedent(program))).dataset.size
    assert isinstance(size, Known)
    assert (size.value, size.origin) == (52_002, "cli-default")


SPLIT = 'rows = load_dataset("json", data_files="data/rows.jsonl", split="train")\nparts = rows.train_test_split(0.2)\n'


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ('data = parts["train"]', 4),
        ('parts = parts.map(f, batched=True)\ndata = parts["train"]', 4),
        ('data = parts.shuffle(seed=1).rename_column("a", "b")["train"]', 4),
        ('data = DatasetDict({"train": parts["train"], "test": parts["test"]}).map(f)["train"]', 4),
        ('data = DatasetDict(train=parts["train"])["train"]', 4),
        ('parts = DatasetDict()\nparts["train"] = rows\ndata = parts["train"].map(f)', 5),
        ('data = {name: part.map(f) for name, part in DatasetDict(parts).items()}["train"]', 4),
        ('parts = parts.copy()\nparts["validation"] = parts["test"]\ndata = parts["train"]', 4),
        ('data = rows.train_test_split(test_size=4)["train"]', 1),
        ('data = rows.train_test_split(test_size=5)["train"]', Unknown),
        ('data = rows.train_test_split(test_size=1000)["train"]', Unknown),
        ('data = DatasetDict(unknown)["train"]', Unknown),
        ('data = DatasetDict({"train": unknown}).map(f)["train"]', Unknown),
        ("data = rows.select(range(3)) if len(rows) > 4 else rows", 3),
        ("data = rows.select(range(3)) if len(rows) > 5 else rows", 5),
        ("data = rows.select(range(int(0.8 * len(rows))))", 4),
        ("data = rows.select(range(rows.num_rows - 2))", 3),
        ("data = rows.select(range(min(len(rows), 2)))", 2),
        ("data = rows.filter(f)\ndata = data.select(range(len(data)))", 5),
        ("data = rows.filter(f)\ndata = data.select(range(3)) if len(data) > 4 else data", Unknown),
    ],
)
def test_splits_and_lengths(text: str, size: object, folder: Path) -> None:
    """A size that a filter decides is no size that a program can be followed by."""
    program = f"from datasets import DatasetDict\n{SPLIT}{text}"
    found = only(read_python(HEAD + program + TRAIN, folder)).dataset.size
    assert (Unknown if isinstance(found, Choices) else plain(found)) == size


def test_a_long_function_of_the_project_that_prepares_the_data(folder: Path) -> None:
    program = "def prepare(rows):\n" + "    text = 'a long template'\n" * 15 + "    return rows.map(lambda row: row)\n"
    program += 'data = prepare(load_dataset("json", data_files="data/rows.jsonl", split="train"))\n'
    assert plain(only(read_python(HEAD + program + TRAIN, folder)).dataset.size) == 5


LOOP = """
import torch
from torch.utils.data import DataLoader, RandomSampler
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
rows = load_dataset("json", data_files="data/rows.jsonl", split="train")
parts = rows.train_test_split(test_size=2)
{}
for batch in loader:
    model(**batch).loss.backward()
    optimizer.step()
"""
BEFORE = "optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)\n"


@pytest.mark.parametrize(
    ("lines", "size"),
    [
        (f'{BEFORE}loader = DataLoader(parts["train"], shuffle=True)', 3),
        (f'loader = DataLoader(parts["train"], 8, True)\n{BEFORE}', 3),
        (f'{BEFORE}loader = DataLoader(parts["train"], sampler=RandomSampler(parts["train"]))', 3),
        (f'{BEFORE}loader = DataLoader(rows, shuffle=True)\nother = DataLoader(parts["test"], shuffle=False)', 5),
        (f"{BEFORE}loader = DataLoader(rows, shuffle=True)\nother = DataLoader(rows, shuffle=True)", 5),
        (f'{BEFORE}loader = DataLoader(rows, shuffle=True)\nother = DataLoader(parts["train"], shuffle=True)', Unknown),
        (f"{BEFORE}loader = DataLoader(rows)", Unknown),
        (f"{BEFORE}loader = DataLoader(rows, shuffle=args.shuffle)", Unknown),
        (f"{BEFORE}loader = DataLoader(Own(rows), shuffle=True)", Unknown),
    ],
)
def test_the_data_of_a_training_loop(lines: str, size: object, folder: Path) -> None:
    """What is shuffled is trained on."""
    found = only(read_python(HEAD + LOOP.format(lines), folder)).dataset
    assert plain(found.size) == size
    assert found.how.endswith("shuffled for a training loop") is (size is not Unknown)


def test_a_trainer_has_its_own_data(folder: Path) -> None:
    program = 'data = load_dataset("json", data_files="data/rows.jsonl", split="train")\n'
    program += "from torch.utils.data import DataLoader\nDataLoader(data.select(range(2)), shuffle=True)\n"
    assert plain(only(read_python(HEAD + program + TRAIN, folder)).dataset.size) == 5
