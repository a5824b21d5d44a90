"""The examples of a study: the same for all arms, with another part held out for each seed."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lora_lint.ablate.errors import StudyError
from lora_lint.verify.measurement.batches import shuffled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.verify.measurement.probe import Encode

_HELD_OUT = 0.15  # share of the examples
_LEAST_HELD, _MOST_HELD = 8, {"cpu": 64, "cuda": 256}
_LEAST = 32  # examples
_ENOUGH_ANSWERS = 0.5  # share of the examples that must have one
_FINAL = re.compile(
    r"####[ \t]*(?P<marked>[^\n]+)|\\boxed\{(?P<boxed>[^{}\n]+)\}|(?:answer is|answer:)[ \t]*(?P<said>[^\n]+)",
    re.IGNORECASE,
)
"""How data sets mark the final answer: GSM8K, MATH, and in words."""


@dataclass(frozen=True)
class Example:
    """A text as tokens; `answer` is the slice of its final answer, if it has one."""

    tokens: tuple[int, ...]
    answer: tuple[int, int] | None = None


@dataclass(frozen=True)
class Split:
    """What one seed trains on, in which order is decided elsewhere, and what it is judged by."""

    train: tuple[Example, ...]
    held: tuple[Example, ...]


def encoded(texts: Sequence[str], encode: Encode, length: int) -> tuple[Example, ...]:
    """The texts as tokens, cut to `length`. Raises StudyError for too few."""
    found = [_example(text, encode, length) for text in dict.fromkeys(texts)]
    kept = tuple(each for each in found if len(each.tokens) > 1)
    if len(kept) < _LEAST:
        raise StudyError(f"{len(kept)} different examples are too few for a study: it needs {_LEAST}")
    return kept


def _example(text: str, encode: Encode, length: int) -> Example:
    place = final_answer(text)
    if place is None:
        return Example(tuple(encode(text)[:length]))
    # Tokenized in parts, so that the answer starts at a token's border.
    before, answer, after = (encode(part) for part in (text[: place[0]], text[slice(*place)], text[place[1] :]))
    ends = (len(before), len(before) + len(answer))
    whole = tuple([*before, *answer, *after][:length])
    inside = before and answer and ends[1] <= length
    return Example(whole, ends if inside else None)


def final_answer(text: str) -> tuple[int, int] | None:
    """Where the final answer of a text is, as marked by `####`, `\\boxed{…}` or "the answer is"; the last counts."""
    found = None
    for match in _FINAL.finditer(text):
        group = next(name for name, value in match.groupdict().items() if value is not None)
        start, end = match.span(group)
        stripped = text[start:end].rstrip(" .\t\r")
        if stripped:
            found = (start, start + len(stripped))
    return found


def have_answers(examples: Sequence[Example]) -> bool:
    """Whether enough examples have a final answer for its accuracy to be measured."""
    return sum(each.answer is not None for each in examples) >= _ENOUGH_ANSWERS * len(examples)


def held_out_size(count: int, device: str) -> int:
    """How many of some examples are held out."""
    return min(max(round(_HELD_OUT * count), _LEAST_HELD), _MOST_HELD[device])


def split(examples: Sequence[Example], held: int, seed: int) -> Split:
    """The part that a seed trains on, and the part that it holds out."""
    import torch

    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(_stream(seed, 0))).tolist()
    shuffled = [examples[place] for place in order]
    return Split(tuple(shuffled[held:]), tuple(shuffled[:held]))


def batches(count: int, size: int, steps: int, seed: int) -> list[list[int]]:
    """The places of the examples of each step, in an order of their own for each seed."""
    return list(itertools.islice(shuffled(count, size, _stream(seed, 1)), steps))


def _stream(seed: int, purpose: int) -> int:
    """A seed of its own for each purpose, so that they are independent of each other."""
    return 2 * seed + purpose + 1
