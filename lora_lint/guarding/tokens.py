"""Rows that were added to a model's embeddings after it was loaded."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_MULTIPLE = 8
"""Vocabularies are padded to a multiple of it for the hardware, without a new token."""


def new_tokens(base: Any, tokenizer: Any) -> tuple[str, ...] | None:
    """The tokens that a model has beyond those of the config it was loaded with, () without a tokenizer that names
    them; None if there are none, or if the rows may be padding. Reads a folder or the hub's cache, never the
    network."""
    config: Any = getattr(base, "config", None)
    now = _vocabulary(config.to_dict()) if hasattr(config, "to_dict") else None
    stored = _stored(getattr(base, "name_or_path", "") or "")
    before = _vocabulary(stored) if stored is not None else None
    if now is None or before is None or now <= before:
        return None
    if hasattr(tokenizer, "get_added_vocab"):
        added = tokenizer.get_added_vocab()
        new = tuple(token for token, number in sorted(added.items(), key=lambda each: each[1]) if number >= before)
        return new or None
    padded = now % _MULTIPLE == 0 and before % _MULTIPLE != 0
    return None if padded else ()


def _vocabulary(config: dict[str, Any]) -> int | None:
    """The number of rows of the embeddings that a config names."""
    for part in (config, config.get("text_config") or {}):
        size = part.get("vocab_size") if isinstance(part, dict) else None
        if isinstance(size, int):
            return size
    return None


def _stored(name: str) -> dict[str, Any] | None:
    """The config.json that a model was loaded with."""
    path = os.path.join(name, "config.json")
    if not os.path.isfile(path):
        hub = sys.modules.get("huggingface_hub")
        try:
            cached = hub.try_to_load_from_cache(name, "config.json") if hub is not None and name else None
        except ValueError:  # not the name of a repository
            cached = None
        path = cached if isinstance(cached, str) else ""
    try:
        with open(path, encoding="utf-8") as file:
            stored = json.load(file)
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) else None
