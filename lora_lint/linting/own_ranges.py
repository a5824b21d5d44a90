"""Libraries in releases that the project asks for and the framework of a run does not."""

from __future__ import annotations

from importlib import import_module

from lora_lint.knowledge.own_ranges import ranges
from lora_lint.run.problems import OutOfRange
from lora_lint.run.versions import Pin, padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from lora_lint.knowledge.own_ranges import Range
    from lora_lint.linting.requirements import Allowed
    from lora_lint.run.run import Run

_DEVELOPED = ("dev", "rc")
"""What the text of a pin says that came before a release."""


def out_of_range(run: Run, allowed: Mapping[str, Allowed], text: bytes) -> Iterator[OutOfRange]:
    """The first library that the project asks for, in none of the releases that the framework of a run allows; `text`
    is that of the file with the run."""
    switch: str = _module(run.framework.name).CHECKED
    if switch and switch.encode() in text:
        return
    pin = allowed[run.framework.name].pin if run.framework.name in allowed else None
    for package, wanted in _allowed_ranges(run.framework.name, allowed).items():
        asked = allowed.get(package)
        if pin is None or asked is None or asked.own or asked.pin is None:
            continue
        older = wanted.least is not None and padded(asked.pin.below) <= padded(wanted.least)
        newer = wanted.below is not None and asked.oldest is not None and padded(asked.oldest) >= padded(wanted.below)
        if older or newer:
            yield OutOfRange(wanted.text, run.span, pin, asked.pin, checked=bool(switch))
            return


def transformers_of(framework: str, allowed: Mapping[str, Allowed]) -> Pin | None:
    """The newest transformers that a framework's run may have: by what the project pins, or by what its release of the
    framework allows."""
    asked = allowed.get("transformers")
    if asked is not None:
        return None if asked.own else asked.pin
    wanted, mine = _allowed_ranges(framework, allowed).get("transformers"), allowed.get(framework)
    pin = mine.pin if mine is not None else None
    return None if wanted is None or wanted.below is None or pin is None else Pin(wanted.below, pin.text, pin.file)


def _allowed_ranges(framework: str, allowed: Mapping[str, Allowed]) -> Mapping[str, Range]:
    """What all releases of a framework that a project allows ask for; empty if those are not known."""
    mine = allowed.get(framework)
    if mine is None or mine.own or mine.pin is None or mine.oldest is None:
        return {}
    last = mine.pin.below
    developed = any(word in mine.pin.text for word in _DEVELOPED)
    # An exact pin ends before the next number of the last place.
    exact = padded(last)[:3] == (*padded(mine.oldest)[:2], padded(mine.oldest)[2] + 1)
    return ranges(_module(framework).REQUIRES, mine.oldest, mine.oldest if exact else last, developed=developed)


def _module(framework: str) -> Any:
    return import_module(f"lora_lint.frameworks.{framework}_requires")
