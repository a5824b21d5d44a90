"""The settings of adapters on models: from a config in the program, or from one saved in the project."""

from __future__ import annotations

import json

from lora_lint.interpreter.values import Object
from lora_lint.knowledge.saved_adapters import saved_config
from lora_lint.libraries import convert
from lora_lint.libraries.convert import argument_of, text_of, to_value
from lora_lint.libraries.effects import ConfigRecord
from lora_lint.run.events import Making, Save
from lora_lint.run.values import ABSENT, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.effects import Records
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_SETTINGS: dict[str, tuple[str, Any, Callable[[Any], bool]]] = {
    "init": ("init_lora_weights", True, lambda value: isinstance(value, bool | str)),
    "rslora": ("use_rslora", False, convert.is_flag),
    "lora_bias": ("lora_bias", False, convert.is_flag),
    "rank": ("r", 8, convert.is_whole),
}
"""The settings of LoraConfig with their defaults (PEFT 0.21.2)."""


def made_with(config: Val | None, span: Span) -> Making:
    """The settings of a config that the program creates with the call at `span`."""
    if not isinstance(config, Object) or not isinstance(config.data, ConfigRecord) or config.data.kind != "LoraConfig":
        return Making()
    found: dict[str, Value[Any]] = {}
    for field, (keyword, default, accept) in _SETTINGS.items():
        usual: Value[Any] = Known(default, None, "framework-default")
        if config.arguments.open:
            usual = Unknown("`**` arguments may set it", span)
        found[field] = to_value(argument_of(config, keyword), span, usual, accept)
    return Making(**found)


def saved_with(folder: Val | None, span: Span, records: Records) -> Making:
    """The settings of a saved adapter, if its folder is in the project, or if the program itself fills it."""
    path, project = text_of(folder), records.project
    for run in records.runs if path else ():
        saves = [each for each in run.model.events if isinstance(each.event, Save) and each.folder]
        if any(text_of(each.folder[0]) == path for each in saves):
            converted = any(isinstance(each.event, Save) and each.event.converted for each in saves)
            return Making() if converted else made_with(run.config, span)
    source = saved_config(path, span.path, project) if path and project is not None else None
    try:
        settings = json.loads(source.utf8) if source is not None else None
    except (ValueError, RecursionError):
        return Making()
    if source is None or not isinstance(settings, dict) or settings.get("peft_type") != "LORA":
        return Making()
    found: dict[str, Value[Any]] = {}
    for field, (keyword, default, accept) in _SETTINGS.items():
        value = settings.get(keyword, default)
        found[field] = Known(value, span) if accept(value) else ABSENT
    return Making(**found)
