"""Reading the user's texts, the optimizer and the tokens that experiments take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.run.run import BaseModel, Dataset, Training
from lora_lint.run.values import ABSENT
from lora_lint.verify.measurement import probe
from lora_lint.verify.measurement.data import NoTexts, text_of, texts_of
from lora_lint.verify.measurement.optimizers import optimizer_of
from tests.support.runs import lit, run

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Run


def on(name: Any) -> Run:
    return run(of={"dataset": Dataset(name=lit(str(name)))})


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("a line", "a line"),
        ({"text": "all of it", "label": 1}, "all of it"),
        ({"instruction": "Add.", "input": "", "output": "3"}, "Add.\n3"),
        ({"instruction": "Add.", "input": "1 2", "output": "3", "id": "x7"}, "Add.\n1 2\n3"),
        ({"prompt": "Say a", "completion": "a"}, "Say a\na"),
        ({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}, "hi\nho"),
        ({"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": None}]}, "hi\n"),
        ({"sms": "free money", "label": "spam"}, "free money\nspam"),
        ({"number": 3}, ""),
        (3, ""),
    ],
)
def test_text_of_a_row(row: Any, text: str) -> None:
    assert text_of(row)[0] == text


ROWS = [{"text": f"row {number}"} for number in range(5)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.jsonl", "\n".join(json.dumps(row) for row in ROWS) + "\n\n"),
        ("data.json", json.dumps(ROWS)),
        ("data.json", json.dumps({"version": 1, "data": ROWS})),
        ("data.json", "\n".join(json.dumps(row) for row in ROWS)),
        ("data.csv", "text,label\n" + "\n".join(f"{row['text']},1" for row in ROWS)),
        ("data.tsv", "id\ttext\n" + "\n".join(f"1\t{row['text']}" for row in ROWS)),
        ("data.txt", "\ufeffrow 0\n\nrow 1\r\nrow 2\nrow 3\nrow 4\n"),
    ],
)
def test_files(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    found = texts_of(on(tmp_path / name), 4)
    assert found.texts == ("row 0", "row 1", "row 2", "row 3")
    assert found.source.startswith(name)
    assert len(texts_of(on(tmp_path / name)).texts) == 5


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "train.parquet")
    assert texts_of(on(tmp_path)).texts[-1] == "row 4"


def test_training_file_of_a_folder(tmp_path: Path) -> None:
    for name in ("README.md", "test.jsonl", "train-00000.jsonl", "a.jsonl"):
        (tmp_path / name).write_text(json.dumps({"text": name}), encoding="utf-8")
    assert texts_of(on(tmp_path)).texts == ("train-00000.jsonl",)


@pytest.mark.torch
def test_relative_to_the_file_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.txt").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    subject = on("mine.txt")
    with pytest.raises(NoTexts, match="neither a local file nor in the hub's cache"):
        texts_of(subject)
    span = type(subject.span)("configs/train.py", 0, 1)
    moved = type(subject)(framework=subject.framework, span=span, adapter=subject.adapter, dataset=subject.dataset)
    assert texts_of(moved).texts == ("mine",)


def test_the_home_of_nobody() -> None:
    with pytest.raises(NoTexts, match="neither a local file nor in the hub's cache"):
        texts_of(on("~nobody-of-that-name/data.jsonl"))


@pytest.mark.torch
def test_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    folder = tmp_path / "datasets--someone--poems" / "snapshots" / "0123"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text("text\nroses\n", encoding="utf-8")
    (folder / "poems.py").write_text("raise SystemExit('run')", encoding="utf-8")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert texts_of(on("someone/poems")).texts == ("roses",)


@pytest.mark.parametrize(
    ("content", "why"),
    [("{broken", "cannot be read"), ('[{"n": 1}]', "has no text"), ("[" * 100_000, "cannot be read")],
)
def test_unreadable(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "data.json").write_text(content, encoding="utf-8")
    with pytest.raises(NoTexts, match=why):
        texts_of(on(tmp_path / "data.json"))


def test_unknown_data_set() -> None:
    with pytest.raises(NoTexts, match="it is not given"):
        texts_of(run())


def trained(**training: Any) -> Run:
    return run(of={"training": Training(**training), "model": BaseModel()})


@pytest.mark.parametrize(
    ("name", "family", "label"),
    [
        ("adamw_torch", "adam", "AdamW"),
        ("torch.optim.AdamW", "adam", "AdamW"),
        ("torch.optim.SGD", "sgd", "SGD"),
        ("sgd", "sgd", "SGD"),
        ("adafactor", "adafactor", "Adafactor"),
        ("paged_lion_32bit", "sign", "Lion"),
        ("rmsprop", "rmsprop", "RMSprop"),
        ("adagrad", "adagrad", "Adagrad"),
    ],
)
def test_optimizers(name: str, family: str, label: str) -> None:
    found = optimizer_of(trained(optimizer=lit(name), learning_rate=lit(1e-3)))
    assert (found.family, found.label, found.rate, found.notes) == (family, label, 1e-3, ())


def test_what_is_assumed_is_noted() -> None:
    unknown = optimizer_of(trained(optimizer=ABSENT))
    assert (unknown.family, unknown.rate, len(unknown.notes)) == ("adam", 2e-4, 2)
    assert "without its quantized states" in optimizer_of(trained(optimizer=lit("paged_adamw_8bit"))).notes[-1]
    assert optimizer_of(trained(optimizer=lit("apollo"))).notes[-1] == "apollo is measured as AdamW"


@pytest.mark.torch
@pytest.mark.parametrize("family", ["adam", "sgd", "sign", "adafactor", "rmsprop", "adagrad"])
def test_first_step_goes_against_the_gradient(family: Any) -> None:
    import torch

    from lora_lint.verify.measurement.optimizers import Optimizer

    parameter = torch.nn.Parameter(torch.zeros(3, 4))
    parameter.grad = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    Optimizer(family, family, 1e-2).make([parameter]).step()
    assert torch.equal(parameter.detach().sign(), -parameter.grad.sign())
    if family in ("adam", "sign"):
        assert torch.allclose(parameter.detach().abs(), torch.full((3, 4), 1e-2), rtol=1e-4)


@pytest.mark.torch
def test_own_text_ships_and_repeats() -> None:
    text = probe.own_text()
    assert 3_000 < sum(map(len, text)) < 8_000
    tokens = probe.stream(text, probe.encoder(None, 256), 20_000)
    assert len(tokens) >= 20_000
    assert max(tokens) < 256
    windows = probe.windows(tokens, 4, 128, 7)
    assert windows.shape == (4, 128)
    assert windows.tolist() == probe.windows(tokens, 4, 128, 7).tolist()
    assert windows.tolist() != probe.windows(tokens, 4, 128, 8).tolist()


@pytest.mark.torch
def test_bytes_stand_for_tokens_without_a_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    assert probe.encoder(str(tmp_path), 256)("ä!") == [195, 164, 33]
    assert probe.encoder(str(tmp_path), 100)("ä!") == [95, 64, 33]
