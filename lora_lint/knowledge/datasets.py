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
    without it, sets whose subsets differ in size give None. Names are hub ids, in any case, or usual short names.
    """
    entry = _entry(name)
    if entry is None:
        return None
    configs: dict[str, dict[str, int]] = entry["splits"]
    if config is None:
        found = {_split(sizes, split) for sizes in configs.values()}
        return found.pop() if len(found) == 1 else None
    sizes = configs.get(config) or configs.get(config.lower())
    if sizes is None and set(configs) == {""}:  # the one configuration has no name of its own here
        sizes = configs[""]
    return _split(sizes, split) if sizes else None


def _split(sizes: dict[str, int], split: str | None) -> int | None:
    if split is not None:
        return sizes.get(split)
    return sizes.get("train", next(iter(sizes.values())) if len(sizes) == 1 else None)


def source_of(name: str) -> str | None:
    """Where the sizes of a data set are stated."""
    entry = _entry(name)
    return _sets()["sources"][entry["source"]] if entry else None


def _entry(name: str) -> dict[str, Any] | None:
    sets = _sets()
    key = name.strip().rstrip("/").lower()
    key = sets["aliases"].get(key, key)
    entry: dict[str, Any] | None = sets["sets"].get(key)
    return entry
