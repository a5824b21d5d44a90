"""What the keys of a framework mean, as a JSON Schema for editors: its own keys, with words and defaults for those of
the adapter and the training."""

from __future__ import annotations

import copy

from lora_lint.frameworks import registry
from lora_lint.knowledge import schemas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.knowledge.schemas import Schema
    from lora_lint.run.framework import Framework

MEANINGS = {
    "rank": "The rank r of the adapter: each adapted layer gets r x (inputs + outputs) parameters.",
    "alpha": "The adapter's output is scaled by alpha / r, or by alpha / sqrt(r) with rsLoRA.",
    "scale": "The factor on the adapter's output, given directly instead of alpha.",
    "dropout": "The share of the adapter's inputs that is dropped in training.",
    "target_modules": "The modules to adapt, by the ends of their names.",
    "exclude_modules": "Modules to leave out although the targets name them.",
    "target_parameters": "Parameters to adapt that are no layer of their own, as those of fused experts.",
    "layers_to_transform": "The numbers of the layers to adapt; all others are left out.",
    "layers_pattern": "The name of the list of layers that `layers_to_transform` counts in.",
    "rank_pattern": "Different ranks for some modules, by their names.",
    "alpha_pattern": "Different alphas for some modules, by their names.",
    "use_rslora": "Scale by alpha / sqrt(r) instead of alpha / r (rank-stabilised LoRA).",
    "use_dora": "Split weights into magnitude and direction (DoRA): better at low ranks, slower in training.",
    "bias": "Which biases of the model are trained as well.",
    "lora_bias": "Whether lora_B has a bias.",
    "modules_to_save": "Modules that are trained whole and saved with the adapter, as a new head.",
    "trainable_token_indices": "Rows of the embedding that are trained, by token.",
    "init_lora_weights": "How the adapter is initialised; by default it changes nothing before the first step.",
    "inference_mode": "Whether the adapter is loaded for inference, so that nothing of it is trained.",
    "task_type": "What the model is for; it decides which class wraps the model and which head is trained.",
    "dtype": "The precision of the adapter's own weights.",
    "model": "The base model: a hub id or a folder.",
    "output": "The folder that the adapter is saved in.",
    "dataset": "What is trained on.",
    "optimizer": "The optimizer.",
    "learning_rate": "The learning rate; LoRA usually needs about ten times that of full fine-tuning.",
    "epochs": "How often the data is gone through.",
    "max_steps": "The number of optimizer steps; where it is given it decides instead of the epochs.",
    "batch_size": "Examples per device and step.",
    "accumulation": "Steps whose gradients are added up before the optimizer runs.",
    "warmup": "Steps in which the learning rate rises to its height.",
    "schedule": "How the learning rate changes.",
    "half": "Whether autocast computes in float16.",
    "trainable": "Whether the base model is trained.",
}
"""The settings of `run.Adapter` and `run.Training`, and of the model, in a sentence."""
_TYPES: dict[str, Schema] = {
    setting: {"type": kind}
    for kind, settings in {
        "integer": ("rank", "max_steps", "batch_size", "accumulation"),
        "number": ("alpha", "scale", "dropout", "learning_rate", "epochs"),
        "boolean": ("use_rslora", "use_dora", "inference_mode", "lora_bias", "half"),
        "string": ("model", "optimizer", "output"),
    }.items()
    for setting in settings
}


def schema_of(name: str) -> Schema | None:
    """The JSON Schema of a framework's files, sections included; None if it is not known where its keys belong. Raises
    ImportError if there is no such framework."""
    framework = registry.framework(name)
    if framework.sections is None:
        return None
    schema = copy.deepcopy(schemas.load(name)) if schemas.has(name) else _plain(framework)
    if not framework.refuses_unknown:
        schema.pop("additionalProperties", None)  # files may have keys of other versions, and of their users
    for path, definition in framework.sections.items():
        _at(schema, path)["$ref"] = f"#/$defs/{definition}"
    parts = (schema, *(schema["$defs"][definition] for definition in set(framework.sections.values())))
    for part in parts:
        part.setdefault("properties", {})
        if part is not schema and not framework.refuses_unknown:
            part.pop("additionalProperties", None)
    for setting, key in (*framework.keys.items(), *framework.other_keys.items()):
        having = [part for part in parts if key in part["properties"]] or [schema]
        for part in having:
            properties = part["properties"]
            properties[key] = _described(properties.get(key, _TYPES.get(setting, {})), setting, framework)
    return schema


def described_frameworks() -> list[str]:
    """The frameworks that have a schema."""
    return [each.name for each in registry.every() if schema_of(each.name) is not None]


def part_at(schema: Schema, path: tuple[str, ...]) -> Schema:
    """The part of a schema for the mapping below some keys; empty if it is not known."""
    for key in path:
        schema = followed(schema.get("properties", {}).get(key, {}), schema.get("$defs", {}))
    return schema


def followed(part: Schema, definitions: dict[str, Schema]) -> Schema:
    """A part of a schema without a reference at its top, and with the definitions that it may refer to."""
    while "$ref" in part:
        part = {**definitions.get(part["$ref"].rpartition("/")[2], {}), **_without_reference(part)}
    return {**part, "$defs": definitions}


def alternatives_of(part: Schema, definitions: dict[str, Schema]) -> Iterator[Schema]:
    """The schemas of which a value has to fit one."""
    whole = followed(part, definitions)
    for each in whole.get("anyOf", (whole,)):
        if each is whole:
            yield each
        else:
            yield from alternatives_of(each, definitions)


def _without_reference(part: Schema) -> Schema:
    return {key: value for key, value in part.items() if key != "$ref"}


def _plain(framework: Framework) -> Schema:
    """The schema of a framework of which no other is known: the keys in its record."""
    keys = (*framework.keys.items(), *framework.other_keys.items())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": framework.title,
        "$comment": framework.source,
        "type": "object",
        "properties": {key: dict(_TYPES.get(setting, {})) for setting, key in sorted(keys, key=lambda each: each[1])},
    }


def _at(schema: Schema, path: str) -> Schema:
    """The place of a section, made where it is missing."""
    for key in path.split("."):
        schema = schema.setdefault("properties", {}).setdefault(key, {})
    return schema


def _described(part: Schema, setting: str, framework: Framework) -> Schema:
    described: dict[str, Any] = {**part}
    if setting in MEANINGS:
        described["description"] = MEANINGS[setting]
    default = framework.defaults.get(setting)
    if default is not None and "default" not in part and isinstance(default, (bool, int, float, str)):
        described["default"] = default
    return described
