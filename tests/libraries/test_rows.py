"""The number of rows in lists that a program fills: from the lines of files, from tables, from other lists."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """import argparse, csv, itertools, json, os, random
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import Dataset, concatenate_datasets, load_dataset, load_from_disk
from peft import LoraConfig, get_peft_model
from sklearn.model_selection import train_test_split
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer

"""
TRAIN = """
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
Trainer(model=model, train_dataset=data_set).train()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """250 rows of JSON lines and a blank one, 300 in a list, 120 in a table, and folders with some more."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "data").mkdir()
    (folder / "data" / "train.jsonl").write_text("".join(f'{{"a": {n}}}\n' for n in range(250)) + "\n")
    (folder / "data" / "big.json").write_text(json.dumps([{"a": n} for n in range(300)]))
    for name, rows in {
        "parts/a.jsonl": 25,
        "parts/b.jsonl": 15,
        "splits/train.jsonl": 30,
        "splits/test.jsonl": 9,
    }.items():
        (folder / "data" / name).parent.mkdir(exist_ok=True)
        (folder / "data" / name).write_text('{"a": 1}\n' * rows)
    (folder / "data" / "held_out").mkdir()
    (folder / "data" / "held_out" / "test.jsonl").write_text('{"a": 1}\n' * 9)
    (folder / "data" / "t.csv").write_text("text,label\n" + "".join(f"x{n},1\n" for n in range(120)))
    return folder


CASES = {
    "load_jsonl loop": (
        """
        def load_jsonl(path):
            rows = []
            with open(path, encoding="utf-8") as f:
                for line in f:
                    line = line.strip()
                    if not line:
                        continue
                    rows.append(json.loads(line))
            return rows
        data_set = Dataset.from_list(load_jsonl("data/train.jsonl")).map(lambda x: x)
        """,
        250,
    ),
    "if strip": (
        """
        rows = []
        for line in open("data/train.jsonl"):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError:
                    continue
        data_set = Dataset.from_list(rows)
        """,
        250,
    ),
    "comp": (
        """
        data_set = Dataset.from_list([json.loads(l) for l in open("data/train.jsonl") if l.strip()])
        """,
        250,
    ),
    "comp path": (
        """
        data_set = Dataset.from_list([json.loads(l) for l in Path("data/train.jsonl").read_text().splitlines()])
        """,
        250,
    ),
    "comp readlines": (
        """
        with open("data/train.jsonl") as f:
            data = [json.loads(l) for l in f.readlines()]
        texts = [d["a"] for d in data]
        data_set = Dataset.from_dict({"text": texts})
        """,
        250,
    ),
    "json big": (
        """
        data = json.load(open("data/big.json"))
        random.shuffle(data)
        n = int(len(data) * 0.9)
        data_set = Dataset.from_list(data[:n])
        """,
        270,
    ),
    "json loop": (
        """
        with open("data/big.json") as f:
            data = json.load(f)
        rows = []
        for i, x in enumerate(tqdm(data)):
            rows.append({"text": x["a"]})
        data_set = Dataset.from_list(rows)
        """,
        300,
    ),
    "filter": (
        """
        with open("data/big.json") as f:
            data = json.load(f)
        rows = []
        for x in data:
            if x["a"] > 3:
                rows.append({"text": x["a"]})
        data_set = Dataset.from_list(rows)
        """,
        300,
    ),
    "two files": (
        """
        def load(p):
            return [json.loads(l) for l in open(p)]
        data = load("data/train.jsonl")
        data.extend(load("data/train.jsonl"))
        data += load("data/train.jsonl")
        data_set = Dataset.from_list(data)
        """,
        750,
    ),
    "files loop": (
        """
        data = []
        for p in ["data/train.jsonl", "data/train.jsonl"]:
            with open(p) as f:
                for line in f:
                    data.append(json.loads(line))
        data_set = Dataset.from_list(data)
        """,
        500,
    ),
    "pop": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        data.pop()
        data_set = Dataset.from_list(data)
        """,
        Unknown,
    ),
    "parts": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        data_set = Dataset.from_list([*data, *data] + data)
        """,
        750,
    ),
    **{
        f"unknown added by {how}": (
            f"""
            data = [json.loads(l) for l in open("data/train.jsonl")]
            data_set = Dataset.from_list({how})
            """,
            Unknown,
        )
        for how in ("data + load()", "[*data, *load()]", "list(itertools.chain(data, load()))", "data + [*load()]")
    },
    "numbered lines": (
        """
        data = []
        for number, line in enumerate(open("data/train.jsonl"), start=1):
            line = line.strip()
            if not line:
                continue
            data.append(json.loads(line))
        data_set = Dataset.from_list(data[: len(data) // 2])
        """,
        125,
    ),
    "unknown added": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        data.extend(load_more())
        data_set = Dataset.from_list(data)
        """,
        Unknown,
    ),
    "vague": (
        """
        data = []
        for p in find():
            for line in open("data/train.jsonl"):
                data.append(json.loads(line))
        data_set = Dataset.from_list(data)
        """,
        Unknown,
    ),
    "two appends": (
        """
        data = []
        for line in open("data/train.jsonl"):
            data.append(json.loads(line))
            data.append(json.loads(line))
        data_set = Dataset.from_list(data)
        """,
        Unknown,
    ),
    "break": (
        """
        data = []
        for line in open("data/train.jsonl"):
            data.append(json.loads(line))
            if len(data) > 10:
                break
        data_set = Dataset.from_list(data)
        """,
        11,
    ),
    "pandas": (
        """
        df = pd.read_csv("data/t.csv")
        train, val = train_test_split(df, test_size=0.2, random_state=42)
        data_set = Dataset.from_pandas(train.reset_index(drop=True))
        """,
        96,
    ),
    "pandas rows": (
        """
        df = pd.read_csv("data/t.csv")
        rows = []
        for _, row in df.iterrows():
            rows.append({"text": row["text"]})
        data_set = Dataset.from_list(rows)
        """,
        120,
    ),
    "pandas cols": (
        """
        df = pd.read_csv("data/t.csv")
        df["label"] = df["label"].map({1: 0})
        df = df[["text", "label"]].dropna()
        data_set = Dataset.from_dict({"text": df["text"].tolist(), "label": df["label"].tolist()})
        """,
        120,
    ),
    "pandas of list": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        data_set = Dataset.from_pandas(pd.DataFrame(data))
        """,
        250,
    ),
    "sample": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        data_set = Dataset.from_list(random.sample(data, 100))
        """,
        100,
    ),
    "select unknown": (
        """
        data_set = get_data()["train"].select(range(300))
        """,
        300,
    ),
    "select min": (
        """
        data_set = load_from_disk("somewhere")["train"]
        data_set = data_set.shuffle(seed=1).select(range(min(300, len(data_set))))
        """,
        300,
    ),
    "a folder with the name of a public set": (
        """
        data_set = load_from_disk("tatsu-lab/alpaca")["train"]
        """,
        Unknown,
    ),
    "disk split": (
        """
        data_set = load_from_disk("somewhere")["train"].train_test_split(train_size=200)["train"]
        """,
        200,
    ),
    "own class": (
        """
        class Rows(torch.utils.data.Dataset):
            def __init__(self, path):
                self.data = []
                with open(path) as f:
                    for line in f:
                        self.data.append(json.loads(line))
            def __len__(self):
                return len(self.data)
            def __getitem__(self, i):
                return self.data[i]
        data_set = Rows("data/train.jsonl")
        """,
        250,
    ),
    "list": (
        """
        raw = load_dataset("json", data_files="data/train.jsonl", split="train")
        data_set = [{"messages": x["a"]} for x in raw]
        """,
        250,
    ),
    "absolute": (
        """
        data_set = load_dataset("json", data_files="/content/drive/MyDrive/data/train.jsonl", split="train")
        """,
        250,
    ),
    "csv": (
        """
        rows = []
        with open("data/t.csv") as f:
            for row in csv.DictReader(f):
                rows.append(row)
        data_set = Dataset.from_list(rows)
        """,
        120,
    ),
    "range": (
        """
        data_set = Dataset.from_list([{"text": str(i)} for i in range(1000)])
        """,
        1000,
    ),
    "sets": (
        """
        data_set = Dataset.from_list(list(set(l for l in open("data/train.jsonl"))))
        """,
        250,
    ),
    "dedupe": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        seen = set()
        out = []
        for d in data:
            if d["a"] in seen:
                continue
            seen.add(d["a"])
            out.append(d)
        data_set = Dataset.from_list(out)
        """,
        250,
    ),
    "else": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        train, val = [], []
        for i, d in enumerate(data):
            if i % 10 == 0:
                val.append(d)
            else:
                train.append(d)
        data_set = Dataset.from_list(train)
        """,
        250,
    ),
    "zip": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        a = [d["a"] for d in data]
        b = [d["b"] for d in data]
        data_set = Dataset.from_list([{"x": x, "y": y} for x, y in zip(a, b)])
        """,
        250,
    ),
    "concat": (
        """
        a = load_dataset("json", data_files="data/train.jsonl", split="train")
        data_set = concatenate_datasets([a, a.select(range(20))])
        """,
        270,
    ),
    "slice at most": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        data_set = Dataset.from_list(data[:min(100, len(data))])
        """,
        100,
    ),
    "some of a few": (
        """
        missing = [name for name in ["a", "b"] if name not in unknown]
        if missing:
            raise ValueError(missing)
        data_set = load_dataset("json", data_files="data/train.jsonl", split="train")
        """,
        250,
    ),
    "the first of something": (
        """
        rows = json.load(open("gone.json"))
        data_set = Dataset.from_list([{"text": row} for row in rows[:1000]])
        """,
        1000,
    ),
    "the first of something, from a place on": (
        """
        rows = json.load(open("gone.json"))[200:1000]
        data_set = Dataset.from_list([row for row in rows if row])
        """,
        800,
    ),
    "the last of something": (
        """
        rows = json.load(open("gone.json"))[:-100]
        data_set = Dataset.from_list([{"text": row} for row in rows])
        """,
        Unknown,
    ),
    "three times a bound": (
        """
        rows = json.load(open("gone.json"))
        data_set = Dataset.from_list(rows).select(range(min(100, len(rows)) * 3))
        """,
        300,
    ),
    "a share of a bound": (
        """
        rows = json.load(open("gone.json"))
        data_set = Dataset.from_list(rows).select(range(int(0.9 * min(100, len(rows)))))
        """,
        90,
    ),
    "what a bound is subtracted from": (
        """
        rows = json.load(open("gone.json"))
        data_set = Dataset.from_list(rows).select(range(500 - min(100, len(rows))))
        """,
        Unknown,
    ),
    "the larger of two bounds": (
        """
        rows = json.load(open("gone.json"))
        n = min(100, len(rows)) if len(rows) % 2 else min(300, len(rows))
        data_set = Dataset.from_list(rows).select(range(n))
        """,
        300,
    ),
    "most of what a filter leaves": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        data = [d for d in data if d["a"] > 3]
        data_set = Dataset.from_list(data[: int(len(data) * 0.8)])
        """,
        200,
    ),
    "no more than a limit": (
        """
        data_set = load_dataset("me/mine", split="train")
        if len(data_set) > 1000:
            data_set = data_set.select(range(1000))
        """,
        1000,
    ),
    "no more than a limit in a helper": (
        """
        def subset(rows, n):
            if n and n > 0 and n < len(rows):
                return rows[:n]
            return rows

        data_set = Dataset.from_list(subset(json.load(open("gone.json")), 1000))
        """,
        1000,
    ),
    "more than a limit if an option says so": (
        """
        data_set = load_dataset("me/mine", split="train")
        if os.environ.get("LIMIT") and len(data_set) > 1000:
            data_set = data_set.select(range(1000))
        """,
        Unknown,
    ),
    "filled up": (
        """
        rows, seen = [], set()
        while len(rows) < 2000:
            row = sample()
            if row in seen:
                continue
            seen.add(row)
            rows.append({"text": row})
        data_set = Dataset.from_list(rows)
        """,
        2000,
    ),
    "filled up as far as it goes": (
        """
        rows, tries = [], 0
        while len(rows) < 2000 and tries < 10_000:
            tries += 1
            if sample() > 1:
                rows.append({"text": tries})
        data_set = Dataset.from_list(rows)
        """,
        2000,
    ),
    "filled up by two each turn": (
        """
        rows = []
        while len(rows) < 2000:
            rows.append({"text": 1})
            rows.append({"text": 2})
        data_set = Dataset.from_list(rows)
        """,
        Unknown,
    ),
    "a file of Windows": (
        r"""
        data_set = load_dataset("json", data_files=r"C:\Users\me\project\data\train.jsonl", split="train")
        """,
        250,
    ),
    "a path of Windows": (
        r"""
        data_set = load_dataset("json", data_files="data\\train.jsonl", split="train")
        """,
        250,
    ),
    "more rows by an option": (
        """
        parser = argparse.ArgumentParser()
        parser.add_argument("--extra", action="store_true")
        parser.add_argument("--source", default="file")
        args = parser.parse_args()
        rows = [json.loads(l) for l in open("data/train.jsonl")]
        if args.extra:
            rows = fetch(rows)
        if "web" in args.source:
            rows = fetch(rows)
        data_set = Dataset.from_list(rows)
        """,
        250,
    ),
    "the first of a stream": (
        """
        stream, rows = load_dataset("me/mine", split="train", streaming=True), []
        for number, row in enumerate(stream):
            if number >= 500:
                break
            rows.append(row)
        data_set = Dataset.from_list(rows)
        """,
        500,
    ),
    "one more of a stream": (
        """
        stream, rows = load_dataset("me/mine", split="train", streaming=True), []
        for number, row in enumerate(stream):
            rows.append(row)
            if number == 500:
                break
        data_set = Dataset.from_list(rows)
        """,
        501,
    ),
    "counted": (
        """
        rows, kept = [], 0
        for row in load_dataset("me/mine", split="train", streaming=True):
            if not row["text"]:
                continue
            if len(row["text"]) < 2000:
                rows.append(row)
                kept += 1
            if kept >= 80:
                break
        data_set = Dataset.from_pandas(pd.DataFrame(rows))
        """,
        80,
    ),
    "counted from elsewhere": (
        """
        rows, kept = [], start()
        for row in load_dataset("me/mine", split="train", streaming=True):
            rows.append(row)
            kept += 1
            if kept >= 80:
                break
        data_set = Dataset.from_list(rows)
        """,
        Unknown,
    ),
    "as long as another list": (
        """
        rows, others = [], []
        for row in load_dataset("me/mine", split="train", streaming=True):
            rows.append(row)
            if row["a"]:
                others.append(row)
            if len(others) >= 80:
                break
        data_set = Dataset.from_list(rows)
        """,
        Unknown,
    ),
    "a check that some turns skip": (
        """
        rows = []
        for row in load_dataset("me/mine", split="train", streaming=True):
            rows.append(row)
            if row["a"]:
                continue
            if len(rows) >= 80:
                break
        data_set = Dataset.from_list(rows)
        """,
        Unknown,
    ),
    "a check in another branch": (
        """
        rows = []
        for row in load_dataset("me/mine", split="train", streaming=True):
            if row["a"]:
                rows.append(row)
            else:
                if len(rows) >= 80:
                    break
        data_set = Dataset.from_list(rows)
        """,
        Unknown,
    ),
    "permuted": (
        """
        data = [json.loads(l) for l in open("data/train.jsonl")]
        data = [data[i] for i in np.random.permutation(len(data))]
        held_out = int(len(data) * 0.1)
        data_set = Dataset.from_list(data[: len(data) - held_out])
        """,
        225,
    ),
    "tokenized": (
        """
        tokenizer = AutoTokenizer.from_pretrained("gpt2")
        data = [json.loads(l) for l in open("data/train.jsonl")]
        encodings = tokenizer([row["a"] for row in data], truncation=True)
        data_set = Dataset.from_dict({"input_ids": encodings["input_ids"], "labels": encodings["input_ids"].copy()})
        """,
        250,
    ),
    "tokenized by a helper": (
        """
        def tokenize(examples, tokenizer):
            texts = []
            for example in examples:
                instruction = example["a"]
                question = f"Question: {instruction}"
                answer = f"Answer: {instruction}"
                text = question + answer
                text = text.strip()
                text = text + tokenizer.eos_token
                texts.append(text)
            tokenized = tokenizer(texts, padding=True, truncation=True)
            print("tokenized", len(texts))
            return {"input_ids": tokenized["input_ids"].tolist(), "texts": texts}

        data = [json.loads(l) for l in open("data/train.jsonl")]
        data_set = Dataset.from_dict(tokenize(data, AutoTokenizer.from_pretrained("gpt2")))
        """,
        250,
    ),
    "tokenized in parts": (
        """
        tokenizer = AutoTokenizer.from_pretrained("gpt2")
        data = [json.loads(l) for l in open("data/train.jsonl")]
        encodings = tokenizer([row["a"] for row in data], truncation=True, return_overflowing_tokens=True)
        data_set = Dataset.from_dict({"input_ids": encodings["input_ids"]})
        """,
        Unknown,
    ),
    "where lengths allow": (
        """
        data = load_dataset("json", data_files="data/train.jsonl", split="train")
        data_set = data.select(np.where(np.array(lengths(data)) <= 512)[0])
        """,
        250,
    ),
    "a part of a table": (
        """
        df = pd.read_csv("data/t.csv")
        data_set = Dataset.from_pandas(df.loc[df["label"] == 1].copy())
        """,
        120,
    ),
    "the first rows of a table": (
        """
        df = pd.read_csv("data/t.csv")
        data_set = Dataset.from_pandas(df.iloc[:50])
        """,
        50,
    ),
    "one file by two names": (
        """
        path = Path("data/train.jsonl")
        path = path if path.is_absolute() else Path(".") / "data" / "train.jsonl"
        data_set = load_dataset("json", data_files=str(path), split="train")
        """,
        250,
    ),
    "pattern": (
        """
        data_set = load_dataset("json", data_files="data/parts/*.jsonl", split="train")
        """,
        40,
    ),
    "folder": (
        """
        data_set = load_dataset("data/splits", split="train")
        """,
        30,
    ),
    "folder of files": (
        """
        data_set = load_dataset("json", data_dir="data/parts", split="train")
        """,
        40,
    ),
    "folder of a split alone": (
        """
        data_set = load_dataset("data/held_out", split="train")
        """,
        Unknown,
    ),
    "folder with folders": (
        """
        data_set = load_dataset("data", split="train")
        """,
        Unknown,
    ),
    "published file": (
        """
        data_set = load_dataset("json", data_files="./ft-training_set/commonsense_170k.json", split="train")
        """,
        170_420,
    ),
    "other file": (
        """
        data_set = load_dataset("json", data_files="./ft-training_set/alpaca_data.json", split="train")
        """,
        Unknown,
    ),
    "random split": (
        """
        from torch.utils.data import random_split
        whole = load_dataset("json", data_files="data/train.jsonl", split="train")
        kept = int(0.9 * len(whole))
        data_set, held_out = random_split(whole, [kept, len(whole) - kept])
        """,
        225,
    ),
    "random shares": (
        """
        from torch.utils.data import random_split
        data_set, held_out = random_split(load_dataset("json", data_files="data/train.jsonl")["train"], [0.333, 0.667])
        """,
        84,
    ),
    "subset": (
        """
        from torch.utils.data import Subset
        data_set = Subset(load_dataset("json", data_files="data/train.jsonl")["train"], range(70))
        """,
        70,
    ),
    "drawn": (
        """
        whole = load_dataset("imdb")["train"]
        drawn = np.random.randint(len(whole) - 1, size=1000)
        data_set = Dataset.from_dict({"text": [whole[int(n)]["text"] for n in drawn]})
        """,
        1000,
    ),
    "one number": (
        """
        drawn = np.random.randint(1000)
        data_set = Dataset.from_dict({"text": [str(n) for n in range(drawn)]})
        """,
        Unknown,
    ),
    "no limit by default": (
        """
        def load(limit=None):
            rows = load_dataset("json", data_files="data/train.jsonl", split="train")
            nothing = limit is not None and limit == 0
            if not nothing and limit is not None:
                rows = rows.select(range(min(limit, len(rows))))
            return rows
        from dataclasses import dataclass
        @dataclass
        class Settings:
            limit: int | None = None
        parser = argparse.ArgumentParser()
        parser.add_argument("--limit", type=int)
        args = parser.parse_args()
        settings = Settings()
        if args.limit is not None:
            settings.limit = args.limit
        data_set = load(settings.limit)
        """,
        250,
    ),
    "none may be left": (
        """
        broken = [row for row in json.load(open("data/big.json")) if "a" not in row]
        if broken:
            raise ValueError(broken)
        data_set = load_dataset("json", data_files="data/train.jsonl", split="train")
        """,
        250,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rows(name: str, folder: Path) -> None:
    text, size = CASES[name]
    run = only(read_python(HEAD + textwrap.dedent(text) + TRAIN, folder))
    assert plain(run.dataset.size) == size
    assert run.trained is True


LOOP = """
class Rows(torch.utils.data.Dataset):
    def __init__(self, path):
        with open(path) as file:
            self.rows = [json.loads(line) for line in file]

    def __len__(self):
        return len(self.rows)

model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
data_set = Rows("data/parts/a.jsonl")
loader = torch.utils.data.DataLoader(data_set, SHUFFLED)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
for batch in loader:
    model(**batch).loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize("shuffled", ["shuffle=True", "sampler=torch.utils.data.DistributedSampler(data_set)"])
def test_a_data_set_of_the_program_in_a_loop(shuffled: str, folder: Path) -> None:
    run = only(read_python(HEAD + LOOP.replace("SHUFFLED", shuffled), folder))
    assert plain(run.dataset.size) == 25
    run = only(read_python(HEAD + LOOP.replace("SHUFFLED", "shuffle=False"), folder))
    assert plain(run.dataset.size) is not int
