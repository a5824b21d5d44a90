"""The settings that a framework is given, by the names that it has for them itself.

The other records of a run are in one vocabulary for all frameworks. What a framework refuses depends on more settings
than those, each under its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.run.values import Value
    from lora_lint.source import Span


@dataclass(frozen=True)
class Made:
    """A value that is an object of a library, of which only the class is known."""

    kind: str


@dataclass(frozen=True)
class Given:
    """What one configuration file, or one object of a program, is given.

    `framework` is the name of its record, `owner` the class that takes the settings ("" for a file). `values` holds
    what is written, with sections both whole and by dotted names. `open`: more may be given that is not known.
    """

    framework: str
    span: Span
    values: Mapping[str, Value[Any]] = field(default_factory=dict)
    owner: str = ""
    open: bool = False
