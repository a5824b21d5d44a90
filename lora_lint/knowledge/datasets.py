"""The number of examples in public data sets.

The facts are in `data/datasets.tsv`, one line per data set: name, mark of its source, sizes by subset and split; or
another name, `=`, and the name it stands for. The `#` lines at the head explain the marks.
"""

from __future__ import annotations

import json

from lora_lint.knowledge import tables


def size_of(name: str, split: str | None = None, config: str | None = None) -> int | None:
    """The number of examples in a split of a public data set; None if that is not known.

    `split` defaults to "train", or to the only split there is. `config` is the name of a subset ("mrpc" of "glue");
    without it, sets whose subsets differ in size give None. Names are hub ids, in any case, or usual short names.
    """
    entry = _entry(name)
    if entry is None:
        return None
    configs: dict[str, dict[str, int]] = json.loads(entry[1])
    if config is None:
        found = {_split(sizes, split) for sizes in configs.values()}
        return found.pop() if len(found) == 1 else None
    sizes = configs.get(config) or configs.get(config.lower())
    if sizes is None and set(configs) == {""}:  # the one configuration has no name of its own here
        sizes = configs[""]
    return _split(sizes, split) if sizes else None


def columns_of(name: str) -> frozenset[str] | None:
    """The columns of a public data set that many programs name; None if they are not known."""
    found = _COLUMNS.get(name.strip().rstrip("/").lower())
    return frozenset(found.split()) if found is not None else None


_COLUMNS = {
    "abirate/english_quotes": "quote author tags",
    "anthropic/hh-rlhf": "chosen rejected",
    "databricks/databricks-dolly-15k": "instruction context response category",
    "gsm8k": "question answer",
    "imdb": "text label",
    "medalpaca/medical_meadow_medical_flashcards": "input output instruction",
    "openai/gsm8k": "question answer",
    "stanfordnlp/imdb": "text label",
    "tatsu-lab/alpaca": "instruction input output text",
    "timdettmers/openassistant-guanaco": "text",
    "trl-lib/capybara": "source messages num_turns",
    "trl-lib/tldr": "prompt completion",
    "trl-lib/ultrafeedback_binarized": "chosen rejected score_chosen score_rejected",
    "yahma/alpaca-cleaned": "output input instruction",
}
"""As their pages on the hub state them, of sets with one form."""


def _split(sizes: dict[str, int], split: str | None) -> int | None:
    if split is not None:
        return sizes.get(split)
    return sizes.get("train", next(iter(sizes.values())) if len(sizes) == 1 else None)


def is_stand_in(name: str) -> bool:
    """Whether recipes use a data set only as an example, for users to replace: `alpaca_2k_test`,
    `./data/dummy_data.jsonl`."""
    parts = name.lower().split(",")
    if not all("test" in part or "dummy" in part for part in parts):
        return False
    import re

    return all(re.search(r"(?<![a-z])(?:test|dummy)(?![a-z])", part) for part in parts)


def source_of(name: str) -> str | None:
    """Where the sizes of a data set are stated."""
    entry = _entry(name)
    return _fields(f"#{entry[0]}")[0] if entry else None


def _entry(name: str) -> list[str] | None:
    """Mark of the source and sizes as JSON."""
    key = name.strip().rstrip("/").lower()
    if not key or "\t" in key or key.startswith("#"):
        return None
    fields = _fields(key)
    return _fields(fields[1]) if fields and fields[0] == "=" else fields or None


def _fields(key: str) -> list[str]:
    """The text after the first column of the line that begins with `key`; empty if there is none."""
    text = tables.part("datasets.tsv", key[:1])
    position = text.find(f"\n{key}\t")
    return text[position + len(key) + 2 : text.index("\n", position + 1)].split("\t") if position >= 0 else []
