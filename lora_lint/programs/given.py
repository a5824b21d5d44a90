"""The settings that a library's classes receive in a program, by their own keywords."""

from __future__ import annotations

from lora_lint.frameworks import refusals
from lora_lint.interpreter.values import Object
from lora_lint.knowledge import signatures
from lora_lint.libraries import convert
from lora_lint.libraries.convert import is_none, to_value
from lora_lint.records import replace
from lora_lint.run.given import Given, Made
from lora_lint.run.values import ABSENT, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.effects import ModelRecord
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_WRAPS = ".get_peft_model"
"""Its first argument is the model, which has no default."""


def of_call(made: Object, framework: str, owner: str, run: Span) -> Given | None:
    """The settings that an object is created with, shown in the file of the run; None if no refusals of the framework
    are known. Attributes that are set later are not known: the framework rarely checks them again."""
    place = made.span if made.span is not None and made.span.path == run.path else run
    given = of_arguments(made.arguments, framework, owner, place)
    if given is None or not made.attributes:
        return given
    names = made.attributes.keys() & (given.values.keys() | set(signatures.signature(owner)))
    later = {name: Unknown("it is set later", place) for name in names}
    return replace(given, values={**given.values, **later})


def of_arguments(arguments: Arguments, framework: str, owner: str, place: Span) -> Given | None:
    """The settings in the arguments of a call, at `place` if they are written in another file; None if no refusals of
    the framework are known."""
    if framework not in refusals.tables():
        return None
    names = ("model", *signatures.signature(owner)) if owner.endswith(_WRAPS) else tuple(signatures.signature(owner))
    places = {name: index for index, name in enumerate(names[: len(arguments.positional)])}
    values: dict[str, Value[Any]] = {}
    for name in (*places, *arguments.keywords):
        value = arguments.get(name, places.get(name))
        assert value is not None
        span = arguments.span(name, places.get(name)) or place
        values[name] = _value(value, span if span.path == place.path else place)
    is_open = arguments.open or len(arguments.positional) > len(names)
    return Given(framework, place, values, owner, open=is_open)


def of_loading(model: ModelRecord, framework: str, run: Span) -> Iterator[Given]:
    """The settings in the call that loads a model, as far as `framework` loads it itself, and its quantization."""
    if model.loading is None:
        return
    own = (
        of_arguments(model.loading, framework, f"{model.loader}.from_pretrained", run) if model.loader_adapts else None
    )
    if own is not None:
        yield own
    quantizer = model.loading.keywords.get("quantization_config")
    if isinstance(quantizer, Object):
        made = of_call(quantizer, "transformers", quantizer.callee.rpartition(".")[2], run)
        if made is not None:
            yield made


def _value(value: Val, span: Span) -> Value[Any]:
    """A setting; for a library's object its class. A None from elsewhere stands for something decided on the way."""
    if any(is_none(option) and getattr(option, "span", span) != span for option in value.alternatives()):
        return Unknown("it may be None", span)
    if isinstance(value, Object) and (kind := value.callee.rpartition(".")[2])[:1].isupper():
        return Known(Made(kind), span)
    return to_value(value, span, ABSENT, convert.anything)
