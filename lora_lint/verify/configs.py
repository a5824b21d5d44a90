"""The config of a run's model: from a folder or the hub's cache, otherwise built from the linter's own table."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lora_lint.verify.experiment import Skip
from lora_lint.verify.weights import folder_of, in_one_line, load_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.run.run import Run

_MOST = {
    re.compile("layers?$|depths?$"): 512,
    re.compile("experts$"): 2**12,
    re.compile("size$|dim$|heads$|d_model|d_ff|n_embd|n_inner|n_head"): 2**24,
}
"""The largest sizes that are built. The deepest published models have about 130 layers."""


@dataclass(frozen=True)
class ModelConfig:
    """A transformers config, and where it comes from in words: "config.json", "the hub's cache", "lora-lint's table of
    models".
    `made`: the linter built it from its table, and some sizes may be the class's defaults."""

    config: Any
    source: str
    made: bool = False


def config_of(run: Run, name: str) -> ModelConfig:
    """The config of the model `name` of a run, without running code from the model's repository. Raises Skip, also for
    sizes that no model has."""
    found = _config_of(run, name)
    _refuse_giants(found.config.to_dict())
    return found


def _refuse_giants(fields: Mapping[str, Any]) -> None:
    """Raises Skip for a config whose model would take minutes to build, even without weights."""
    for name, value in fields.items():
        if isinstance(value, dict):
            _refuse_giants(value)
        elif isinstance(value, int):
            most = next((most for part, most in _MOST.items() if part.search(name)), None)
            if most is not None and value > most:
                raise Skip(f"the config has {name} = {value:,}; models with more than {most:,} are not built")


def _config_of(run: Run, name: str) -> ModelConfig:
    folder = folder_of(run, name)
    if folder is not None:
        snapshot = "snapshots" in folder.parts
        return ModelConfig(load_config(folder), "the hub's cache" if snapshot else f"{folder.name}/config.json")
    return _from_table(run, name)


def _from_table(run: Run, name: str) -> ModelConfig:
    from transformers import AutoConfig

    from lora_lint.knowledge.models import identify

    model = identify(name, near=os.path.dirname(run.path) or None, own=run.model.own)
    if model is not None and model.module_names is not None:
        raise Skip(f"{name} needs code from its repository, which lora-lint never runs")
    model_type = run.model.architecture or (model.model_type if model is not None else None)
    if model_type is None:
        raise Skip(f"the config of {name} is not available")
    fields = dict(model.config) if model is not None and model.model_type == model_type else {}
    fields.pop("model_type", None)
    try:
        config = AutoConfig.for_model(model_type, **fields)
    except Exception as error:  # each family validates its fields in its own way
        raise Skip(f"this version of transformers makes no config for {model_type}: {in_one_line(error)}") from error
    whole = model is not None and model.complete
    if not whole:
        _with_towers(config)
    sizes = "" if whole else f", with the default sizes of {model_type}"
    return ModelConfig(config, f"lora-lint's table of models{sizes}", made=True)


def _with_towers(config: Any) -> None:
    """Adds the towers that a default config leaves out although its class has them (Gemma 4): published models of the
    type have them, and so does the linter's own table of modules."""
    for part in ("vision_config", "audio_config"):
        kind = config.sub_configs.get(part)
        if getattr(kind, "model_type", None) and getattr(config, part) is None:
            setattr(config, part, kind())
