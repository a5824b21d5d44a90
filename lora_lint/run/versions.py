"""The versions of frameworks that a project allows."""

from __future__ import annotations

import re

from lora_lint import marks
from lora_lint.records import dataclass

Version = tuple[int, ...]


PINNED = ("peft", "transformers", "trl")
"""The frameworks whose version decides what a run's settings mean. That of any other decides what it refuses."""
_SERVERS = ("vllm", "sglang")
"""The servers whose version decides what they load."""
_BESIDE = {name: name.replace("-", "_") for name in ("diffusers", "huggingface-hub", "unsloth-zoo", "datasets")}
"""Libraries that run with certain releases of these alone, or frameworks that do with certain releases of them."""
PACKAGES = {**{name: name for name in (*PINNED, *_SERVERS)}, **_BESIDE, **marks.PACKAGES}
"""The frameworks and servers by the names of their packages and repositories, in lower case with single dashes."""


def framework_of(package: str) -> str | None:
    """The framework that a requirement names, in any spelling that pip takes; None if it is none."""
    return PACKAGES.get(re.sub(r"[-_.]+", "-", package).lower())


@dataclass(frozen=True)
class Pin:
    """The newest version of a framework that may be used: all allowed ones are older than `below`. `text` is how it is
    written in `file`."""

    below: Version
    text: str
    file: str

    def lacks(self, version: Version) -> bool:
        """Whether a feature that came with `version` is in none of the allowed versions."""
        return padded(version) >= padded(self.below)

    def __str__(self) -> str:
        return f"{self.file} has `{self.text}`"


def padded(numbers: Version) -> Version:
    """A version with four numbers at least, so that 5 and 5.0.0 are the same."""
    return (*numbers, *(0,) * (4 - len(numbers)))
