"""The settings of an adapter's config in a program, and what is wrong with them."""

from __future__ import annotations

from functools import cache

from lora_lint.frameworks import registry
from lora_lint.interpreter.values import Const, Effect, ListVal, Object, Val
from lora_lint.knowledge import methods, signatures
from lora_lint.libraries import convert
from lora_lint.libraries.convert import argument_of, to_value
from lora_lint.records import dataclass
from lora_lint.run.problems import InvalidValue, NoResult, Number, UnknownKey
from lora_lint.run.run import Adapter
from lora_lint.run.values import ABSENT, Known, Unknown, Value, is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from lora_lint.libraries.effects import ConfigRecord
    from lora_lint.run.framework import Framework
    from lora_lint.run.problems import Problem
    from lora_lint.source import Span

_SAVED = (
    "a list of module names. A string counts as a list of its letters, and each module whose name ends in one is "
    "copied and trained"
)


@dataclass(frozen=True)
class _Setting:
    """A keyword of a config: the test of a well-typed value, what is expected in words, and the number that it is."""

    keyword: str
    accept: Callable[[Any], bool]
    expected: str = ""
    takes: Number | None = None


_FIELDS = {
    "rank": _Setting("r", convert.is_whole, "a whole number of at least 1", Number(whole=True, least=1)),
    "alpha": _Setting("lora_alpha", is_number, "a number above 0", Number()),
    "dropout": _Setting("lora_dropout", is_number, "a number from 0 to below 1", Number()),
    "target_modules": _Setting("target_modules", convert.is_names, "a list of module names, or one regex string"),
    "exclude_modules": _Setting("exclude_modules", convert.is_names, "a list of module names, or one regex string"),
    "target_parameters": _Setting("target_parameters", convert.is_listing, "a list of parameter names"),
    "layers_to_transform": _Setting("layers_to_transform", convert.is_layers, "a layer index or a list of them"),
    "layers_pattern": _Setting("layers_pattern", convert.is_names, "a name or a list of names"),
    "rank_pattern": _Setting("rank_pattern", convert.is_pattern, "a dict from module name to rank"),
    "alpha_pattern": _Setting("alpha_pattern", convert.is_pattern, "a dict from module name to alpha"),
    "use_rslora": _Setting("use_rslora", convert.is_flag, "True or False"),
    "use_dora": _Setting("use_dora", convert.is_flag, "True or False"),
    "bias": _Setting("bias", convert.is_text, "`none`, `all` or the method's own word, such as `lora_only`"),
    "lora_bias": _Setting("lora_bias", convert.is_flag, "True or False"),
    "modules_to_save": _Setting("modules_to_save", convert.is_listing, _SAVED),
    "trainable_token_indices": _Setting("trainable_token_indices", convert.anything),
    "init_lora_weights": _Setting("init_lora_weights", convert.anything),
    "inference_mode": _Setting("inference_mode", convert.is_flag, "True or False"),
    "task_type": _Setting("task_type", convert.is_optional_text, "a task type"),
}
_SCALING = frozenset({"rank", "alpha", "use_rslora", "rank_pattern", "alpha_pattern", "dropout"})
_SYNONYMS = {
    "lora_r": "r",
    "lora_rank": "r",
    "rank": "r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "lora_target_modules": "target_modules",
    "rslora": "use_rslora",
    "use_rs_lora": "use_rslora",
    "dora": "use_dora",
}
"""What other frameworks call PEFT's settings."""
_PUT_ON = "Give the config to the trainer as `peft_config`, or wrap the model: `get_peft_model(model, config)`"


def adapter_of(config: Object, run: Span) -> tuple[Adapter, tuple[Problem, ...]]:
    """The settings of a config, and what is wrong with those that are written in the file of the run."""
    data: ConfigRecord = config.data
    arguments = config.arguments
    framework = registry.framework(data.dialect)
    problems: list[Problem] = []
    path = run.path
    here = data.span if data.span.path == path else run
    fields: dict[str, Any] = {}
    for field, setting in _FIELDS.items():
        keyword = setting.keyword
        if data.kind != "LoraConfig" and field in _SCALING:
            fields[field] = Unknown(f"{data.kind} sets it another way")
            continue
        default = _default(field, keyword, config, here)
        given = argument_of(config, keyword)
        if field in framework.defaults and isinstance(given, Const) and given.value is None:
            given = None  # the same as absent
        if given is None:  # as most are
            fields[field] = default
            continue
        span = arguments.span(keyword) or here
        span = span if span.path == path else here
        if isinstance(given, Effect):
            made = given.span if given.span is not None and given.span.path == path else None
            problems.append(NoResult(keyword, given.method, span, data.kind, made))
        value = to_value(given, span, default, convert.anything)
        fields[field] = _checked(value, setting, data.kind, span, problems)
    if not methods.adapts_layers(data.kind):
        fields["target_modules"] = Unknown(f"{data.kind} does not adapt the layers that it names")
    problems += _unknown_keywords(config)
    problems += [
        UnknownKey("peft_config", place, "`from_pretrained` of transformers", (), "raises a TypeError", _PUT_ON)
        for place in sorted(data.refused, key=lambda place: place.start)
    ]
    fill = registry.own(data.dialect, "filled")
    if fill is not None:
        fields |= fill(config, here)
    targets = argument_of(config, "target_modules")
    return (
        Adapter(span=here, **fields, target_spans=_entries(targets, path), of_saved=data.of_saved),
        tuple(problem for problem in problems if problem.span.path == path),
    )


def settings_of_method(config: Object, run: Span) -> dict[str, Value[Any]]:
    """The settings of a method other than LoRA that its config is given."""
    kind, arguments = config.data.kind, config.arguments
    names = signatures.keywords(kind) if kind != "LoraConfig" else frozenset()
    found: dict[str, Value[Any]] = {}
    for name in sorted(names):
        given = argument_of(config, name)
        if given is not None:
            found[name] = to_value(given, run, ABSENT, convert.anything)
        elif arguments.open:
            found[name] = Unknown("`**` arguments may set it", run)
    return found


def _default(field: str, keyword: str, config: Object, here: Span) -> Value[Any]:
    """The value of a setting that a config leaves out."""
    framework = registry.framework(config.data.dialect)
    defaults = _defaults(framework, config.data.kind)
    if config.data.of_saved:
        return Unknown("the adapter's own config sets it", here)
    if config.arguments.open:
        return Unknown("`**` arguments may set it", here)
    if keyword in defaults:
        return defaults[keyword]
    if field in framework.defaults:
        return Known(framework.defaults[field], None, "framework-default")
    if keyword == "target_modules":
        return Unknown("they are not given, and the framework chooses them after loading the model")
    absent: Value[Any] = getattr(Adapter, field, ABSENT)  # the method has no such setting
    return absent


@cache
def _defaults(framework: Framework, kind: str) -> Mapping[str, Known[Any]]:
    """The framework's settings for what an adapter config leaves out, created once for all."""
    own = framework.signature
    found = signatures.defaults(kind) if framework.direct else signatures.defaults_without_targets(own)
    return {keyword: Known(value, None, "framework-default") for keyword, value in found.items()}


def _checked(
    value: Value[Any], setting: _Setting, owner: str, span: Span | None, problems: list[Problem]
) -> Value[Any]:
    """The value if it is of the right type; otherwise a problem is noted and the value is unknown."""
    accept = setting.accept
    if not isinstance(value, Known):
        options = getattr(value, "options", ())
        return value if all(accept(option.value) for option in options) else Unknown("it has a wrong type", span)
    if accept(value.value):
        return value
    if value.value is None:
        return Unknown("it is None", span)
    place = value.span or span
    if value.origin in ("literal", "derived") and place is not None:
        problems.append(InvalidValue(setting.keyword, value.value, place, owner, setting.expected, setting.takes))
    return Unknown("it has a wrong type", place)


def _unknown_keywords(config: Object) -> list[UnknownKey]:
    """Keyword arguments that the class of an adapter's config does not accept."""
    arguments, data = config.arguments, config.data
    if not registry.framework(data.dialect).direct:
        return []
    names = signatures.keywords(data.kind)
    if not names:
        return []
    found = []
    for keyword in arguments.keywords:
        # The program's own subclass adds keywords, and passes them on as attributes.
        if keyword not in names and keyword not in config.attributes:
            from lora_lint.knowledge import installed

            if keyword in installed.keywords(data.kind):
                continue
            span = arguments.span(keyword) or data.span
            meant = _SYNONYMS.get(keyword)
            close = (meant,) if meant is not None else signatures.closest(keyword, names)
            left = tuple(name for name in close if name in names and name not in arguments.keywords)
            found.append(UnknownKey(keyword, span, data.kind, left, "raises a TypeError"))
    return found


def _entries(targets: Val | None, path: str) -> tuple[tuple[str, Span], ...]:
    """The names in a list of targets that are written in the file at `path`, with their places."""
    if not isinstance(targets, ListVal):
        return ()
    return tuple(
        (item.value, item.span)
        for item in targets.items
        if isinstance(item, Const) and isinstance(item.value, str) and item.span is not None and item.span.path == path
    )
