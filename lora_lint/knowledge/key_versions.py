"""Which releases of a framework know the keys of its files: data/key_versions.json, written by
scripts/generate_key_versions.py."""

from __future__ import annotations

import json
from functools import cache

from lora_lint.knowledge.edition import bundled
from lora_lint.knowledge.versions import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lora_lint.run.framework import Framework
    from lora_lint.run.versions import Pin, Version


def since(framework: str, key: str) -> Version | None:
    """The first release that knows a key; None if the oldest one that was read does, or none."""
    return _releases(framework, "since").get(key)


def until(framework: str, key: str) -> Version | None:
    """The first release that no longer knows a key; None if the newest does, or none."""
    return _releases(framework, "until").get(key)


def oldest(framework: str) -> Version | None:
    """The oldest release that was read; None where none was."""
    history = _histories().get(framework)
    return None if history is None else number(history["oldest"])


def may_lack(framework: Framework, key: str, pin: Pin) -> bool:
    """Whether all versions that a project allows may be without a key of the release that was read: it came later, or
    they are older than the oldest that was read. Of frameworks whose releases were not read none is taken to."""
    if not pin.lacks(framework.version):
        return False
    first = since(framework.name, key) or oldest(framework.name)
    return first is not None and pin.lacks(first)


@cache
def _releases(framework: str, side: str) -> Mapping[str, Version]:
    by_version = _histories().get(framework, {}).get(side, {})
    return {key: number(version) for version, keys in by_version.items() for key in keys.split()}


@cache
def _histories() -> Mapping[str, Any]:
    document: dict[str, Any] = json.loads(bundled("key_versions.json"))
    return document
