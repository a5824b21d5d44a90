"""How many examples a public data set has.

The facts are in `data/datasets.json`, each with the place that states it.
"""

from __future__ import annotations

import json
import os.path
from functools import cache
from typing import Any

_DATA = os.path.join(os.path.dirname(__file__), "data", "datasets.json")  # noqa: PTH118, PTH120 (start-up time)


@cache
def _sets() -> dict[str, Any]:
    with open(_DATA, "rb") as file:
        document: dict[str, Any] = json.load(file)
    return document


def size_of(name: str, split: str | None = None, config: str | None = None) -> int | None:
    """The number of examples in a split of a public data set; None if that is not known.

    `split` defaults to "train", or to the only split there is. `config` is the name of a subset ("mrpc" of "glue");
    without it, sets that have several give None. Names are hub ids, in any case, or short names where one set owns it.
    """
    entry = _entry(name)
    if entry is None:
        return None
    configs: dict[str, dict[str, int]] = entry["splits"]
    if config is None:
        sizes = configs.get("") or (next(iter(configs.values())) if len(configs) == 1 else None)
    else:
        sizes = configs.get(config) or configs.get(config.lower())
        if sizes is None and set(configs) == {""} and config in ("default", "plain_text", "all"):
            sizes = configs[""]
    if not sizes:
        return None
    if split is None:
        return sizes.get("train", next(iter(sizes.values())) if len(sizes) == 1 else None)
    return sizes.get(split)


def source_of(name: str) -> str | None:
    """Where the sizes of a data set are stated."""
    entry = _entry(name)
    return entry["source"] if entry else None


def _entry(name: str) -> dict[str, Any] | None:
    sets = _sets()
    key = name.strip().rstrip("/").lower()
    key = sets["aliases"].get(key, key)
    entry: dict[str, Any] | None = sets["sets"].get(key)
    return entry
