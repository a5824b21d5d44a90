"""The settings that a framework receives, under its own names.

The other records of a run use one vocabulary for all frameworks. What a framework refuses depends on more settings than
those, each under its own name.
"""

from __future__ import annotations

from lora_lint.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lora_lint.run.values import Value
    from lora_lint.run.versions import Pin
    from lora_lint.source import Span


@dataclass(frozen=True)
class Made:
    """A value that is an object from a library; only its class is known."""

    kind: str


@dataclass(frozen=True)
class Given:
    """The settings in one configuration file, or in one object of a program. `framework` is the name of its record,
    `owner` the class that takes the settings ("" for a file). `values` holds what is written, with sections both whole
    and by dotted names. `open`: there may be more settings that are not known."""

    framework: str
    span: Span
    values: Mapping[str, Value[Any]] = field(default_factory=dict)
    owner: str = ""
    open: bool = False
    beside: frozenset[str] | None = None
    """The settings that a command gives beside a file, from which the others are: without one of them a refusal is that
    file's alone."""
    pin: Pin | None = None
    """The newest version of the framework that the project allows; None: the newest that there is."""
