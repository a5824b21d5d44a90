"""Sizes of public data sets: the facts, the ways to name one, and names that mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.knowledge import datasets
from lora_lint.knowledge.datasets import is_stand_in, size_of, source_of

PATH = Path(datasets.__file__).parent / "data" / "datasets.tsv"
LINES = [line.split("\t") for line in PATH.read_text(encoding="ascii").splitlines()]
SOURCES = {line[0].removeprefix("#"): line[1] for line in LINES if line[0].startswith("#")}
SETS = {line[0]: line[1:] for line in LINES if not line[0].startswith("#") and line[1] != "="}
ALIASES = {line[0]: line[2] for line in LINES if line[1] == "="}


@pytest.mark.parametrize(
    ("name", "split", "config", "size"),
    [
        ("tatsu-lab/alpaca", "train", None, 52_002),
        ("yahma/alpaca-cleaned", None, None, 51_760),
        ("databricks/databricks-dolly-15k", None, None, 15_011),
        ("timdettmers/openassistant-guanaco", "train", None, 9_846),
        ("imdb", None, None, 25_000),
        ("stanfordnlp/imdb", "test", None, 25_000),
        ("glue", "train", "mrpc", 3_668),
        ("nyu-mll/glue", "train", "sst2", 67_349),
        ("glue", "validation_matched", "mnli", 9_815),
        ("squad", "train", None, 87_599),
        ("rajpurkar/squad_v2", None, None, 130_319),
        ("openai/gsm8k", "train", "main", 7_473),
        ("gsm8k", None, None, 7_473),
        ("HuggingFaceH4/ultrachat_200k", "train_sft", None, 207_865),
        ("HuggingFaceH4/ultrafeedback_binarized", "train_prefs", None, 61_135),
        ("samsum", None, None, 14_732),
        ("Samsung/samsum", "test", None, 819),
        ("squad", "train", "plain_text", 87_599),
        ("SQuAD", "train", None, 87_599),
    ],
)
def test_known_sizes(name: str, split: str | None, config: str | None, size: int) -> None:
    assert size_of(name, split, config) == size


@pytest.mark.parametrize(
    ("name", "split", "config"),
    [
        ("glue", "train", None),  # the subsets differ
        ("glue", "train", "no-such-task"),
        ("squad", "dev", None),
        ("me/my-own-set", None, None),
        ("someone-else/imdb", None, None),  # a copy may be cut
        ("HuggingFaceH4/ultrachat_200k", None, None),  # several splits, none of them "train"
        ("", None, None),
    ],
)
def test_unknown_is_none(name: str, split: str | None, config: str | None) -> None:
    assert size_of(name, split, config) is None


def test_every_set_has_a_stated_source_and_sane_numbers() -> None:
    assert len(SETS) >= 120
    for name, (mark, sizes) in SETS.items():
        assert name == name.lower()
        assert source_of(name) == SOURCES[mark]
        for splits in json.loads(sizes).values():
            assert splits
            assert all(isinstance(size, int) and size > 0 for size in splits.values()), name


def test_other_names_lead_to_sets() -> None:
    for alias, name in ALIASES.items():
        assert alias == alias.lower()
        assert alias not in SETS
        assert name in SETS


def test_source_of_an_unknown_set() -> None:
    assert source_of("me/my-own-set") is None


@given(st.text(max_size=80), st.none() | st.text(max_size=20), st.none() | st.text(max_size=20))
def test_never_raises(name: str, split: str | None, config: str | None) -> None:
    size = size_of(name, split, config)
    assert size is None or size > 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mhenrichsen/alpaca_2k_test", True),
        ("./data/dummy_data.jsonl", True),
        ("a/my-test, b/dummy", True),
        ("a/my-test, tatsu-lab/alpaca", False),
        ("tatsu-lab/alpaca", False),
        ("latest/contest-data", False),
    ],
)
def test_stand_ins(name: str, expected: bool) -> None:
    assert is_stand_in(name) is expected
