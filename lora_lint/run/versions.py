"""The versions of frameworks that a project allows."""

from __future__ import annotations

from lora_lint.records import dataclass

Version = tuple[int, ...]


PINNED = ("peft", "transformers", "trl")
"""The frameworks whose version decides what a run's settings mean."""


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
