"""A reader and a rule so small that tests of the engine depend on nothing else.

`rank(64)` in a file is a run of rank 64; the toy LL102 finds fault with ranks of `min-rank` and more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.finding import Finding
from lora_lint.frameworks import registry
from lora_lint.readers.errors import Unreadable
from lora_lint.run.run import Adapter, Reading, Run
from lora_lint.run.values import Known, known
from lora_lint.source import SourceFile, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def read(source: SourceFile, _project: object, **_: object) -> Reading:
    """Runs where the text says `rank(N)`; the words crash, deep, large and broken do what they say."""
    text = source.utf8
    if b"crash" in text:
        raise KeyError("toy")
    if b"deep" in text:
        raise RecursionError
    if b"large" in text:
        raise MemoryError
    if b"broken" in text:
        raise Unreadable("This file is broken", Span(source.path, text.index(b"broken"), len(text)))
    runs = []
    for match in re.finditer(rb"rank\((\d+)\)", text):
        span = Span(source.path, match.start(1), match.end(1))
        rank = Known(int(match[1]), span)
        runs.append(
            Run(registry.framework("peft"), Span(source.path, match.start(), match.end()), Adapter(span, rank=rank))
        )
    return Reading(tuple(runs))


def too_high(run: Run, options: Mapping[str, Any]) -> Iterator[Finding]:
    rank = known(run.adapter.rank)
    assert rank is not None
    if rank >= options["min-rank"]:
        message = f"rank {rank}, {known(run.dataset.size)} examples, {run.task}, {known(run.model.name)}"
        yield Finding("LL102", message, run.adapter.span, "possible" if rank % 2 else "certain")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the toy reader and the toy rule in the place of all others."""
    monkeypatch.setattr("lora_lint.linting.reading.read", read)
    monkeypatch.setattr("lora_lint.rules.RUN_CHECKS", {"LL102": too_high})
    monkeypatch.setattr("lora_lint.rules.SWEEP_CHECKS", {})
