"""What the classes of a library are given in a program, by their own keywords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.frameworks import refusals
from lora_lint.interpreter.values import Object
from lora_lint.libraries import convert
from lora_lint.libraries.convert import is_none, to_value
from lora_lint.run.given import Given, Made
from lora_lint.run.values import ABSENT, Known, Unknown

if TYPE_CHECKING:
    from lora_lint.interpreter.values import Val
    from lora_lint.run.values import Value
    from lora_lint.source import Span


def of_call(made: Object, framework: str, owner: str, run: Span) -> Given | None:
    """The settings that an object is made with, shown in the file of the run; None where nothing is known of what the
    framework refuses.

    What is set once it is made is not known: it is seldom looked at again.
    """
    if framework not in refusals.tables():
        return None
    arguments = made.arguments
    place = made.span if made.span is not None and made.span.path == run.path else run
    values: dict[str, Value[Any]] = {}
    for name, value in arguments.keywords.items():
        span = arguments.span(name) or place
        span = span if span.path == run.path else place
        values[name] = Unknown("it is set later", span) if name in made.attributes else _value(value, span)
    return Given(framework, place, values, owner, open=arguments.open or bool(arguments.positional))


def _value(value: Val, span: Span) -> Value[Any]:
    """A setting; of an object of a library its class. A None from somewhere else stands for what is decided on the
    way."""
    if any(is_none(option) and getattr(option, "span", span) != span for option in value.alternatives()):
        return Unknown("it may be None", span)
    if isinstance(value, Object) and (kind := value.callee.rpartition(".")[2])[:1].isupper():
        return Known(Made(kind), span)
    return to_value(value, span, ABSENT, convert.anything)
