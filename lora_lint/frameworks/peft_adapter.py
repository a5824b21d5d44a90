"""PEFT's own `adapter_config.json`: `"peft_type": "LORA"`. Source: PEFT 0.21.2, tuners/lora/config.py."""

from __future__ import annotations

from lora_lint import discovery
from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields
from lora_lint.frameworks.peft import KEYS as PEFT_KEYS
from lora_lint.knowledge import methods, schemas
from lora_lint.knowledge.methods import LORA
from lora_lint.records import replace
from lora_lint.run.events import Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import Adapter, BaseModel, Damage, Reading, Run, Weights
from lora_lint.run.values import Known, Unknown, known
from lora_lint.system import disk
from lora_lint.unread import Unread, clause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping, Node
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="peft_adapter",
    title="PEFT",
    source="PEFT",
    version=(0, 21, 2),
    keys=PEFT_KEYS,
    kinds=("json",),
    marks=((b'"peft_type"',),),
    regex_targets=True,
    passes_on=True,
    defaults={"rank": 8, "alpha": 8, "dropout": 0.0, "target_modules": None},
)
_SECOND = ".lora_B"
"""In the names of the matrices that start at zero."""
_LOOKED_AT = 20
_LOADERS = {
    "CAUSAL_LM": "AutoModelForCausalLM",
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "FEATURE_EXTRACTION": "AutoModel",
}


_OF_A_TRAINER = "training_method"
"""A key of trainers that have a `peft_type`, too."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is the config of an adapter."""
    return document.entry("peft_type") is not None and document.entry(_OF_A_TRAINER) is None


def read(document: Mapping, project: Project) -> Reading:
    """The adapter of a file, as the one run that made or will make it."""
    fields = Fields(document)
    kind = known(fields.text("peft_type"))
    method = LORA if kind == "LORA" else methods.class_of(kind) if kind else None
    if method is None:
        return Reading()
    adapter = replace(tables.adapter(FRAMEWORK, fields, fields.span("peft_type")), keys={})
    tokens = document.entry("trainable_token_indices")
    if tokens is not None:
        adapter = replace(adapter, trainable_token_indices=_setting(tokens.value))
    if method != LORA:
        adapter = _of_method(adapter, method)
    task = known(adapter.task_type)
    mapping = fields.section("auto_mapping")
    loader: str | None = known(mapping.text("base_model_class")) if mapping is not None else None
    model = BaseModel(
        fields.text("base_model_name_or_path"), loader or _LOADERS.get(task or ""), revision=fields.text("revision")
    )
    # PEFT skips unknown keys with a warning: other versions write other keys.
    invalid = schemas.invalid_values(FRAMEWORK.name, document, "LoraConfig", unconverted=("r",), asks_for_truth=True)
    span = fields.span("peft_type")
    weights, unread = _weights(document.span.path, project)
    # PEFT writes it with every adapter that it saves: how that one was trained cannot be changed any more.
    finished = known(fields.flag("inference_mode")) is True or weights is not None
    trained = False if finished else None
    run = Run(
        *(FRAMEWORK, span, adapter, model),
        events=(Wrap(span),),
        problems=tuple(invalid) if method == LORA else (),
        trained=trained,
        weights=weights if method == LORA else None,
        method=method,
        settings={} if method == LORA else _settings(document),
    )
    return Reading((run,), unread=unread)


def _of_method(adapter: Adapter, method: str) -> Adapter:
    """The adapter of a method other than LoRA: what its keys share with LoRA's is about layers alone."""
    other: Any = Unknown(f"{method} sets it another way")
    own = dict.fromkeys(("rank", "alpha", "dropout", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern"), other)
    if not methods.adapts_layers(method):
        own["target_modules"] = Unknown(f"{method} does not adapt the layers that it names")
    return replace(adapter, **own)


def _settings(document: Mapping) -> dict[str, Value[Any]]:
    """The settings of a saved config, which holds all of them."""
    return {str(entry.key.value): _setting(entry.value) for entry in document.entries}


def _setting(node: Node) -> Value[Any]:
    """A value with lists as tuples, as configs of programs have them."""
    try:
        value = schemas.plain(node)
    except schemas.FilledIn:
        return Unknown("it is filled in when the run starts", node.span)
    return Known(tuple(value) if isinstance(value, list) else value, node.span)


def _weights(config: str, project: Project) -> tuple[Weights | None, tuple[Unread, ...]]:
    """The weights next to an adapter's config, if there are any that can be read, and why they cannot be."""
    import os

    from lora_lint.readers.errors import Unreadable
    from lora_lint.readers.safetensors import CutOff, Pointer, all_zero, read_header

    folder = os.path.dirname(config)
    path = os.path.join(folder, "adapter_model.safetensors").replace(os.sep, "/")
    if os.path.basename(config) != "adapter_config.json" or not project.exists(path):
        return None, ()
    disk.look(path)
    try:
        tensors = read_header(path)
        seconds = [tensor for tensor in tensors if _SECOND in tensor.name and tensor.size]
        untrained = bool(seconds) and all_zero(path, seconds)
    except (Unreadable, OSError) as error:
        why = error.message if isinstance(error, Unreadable) else discovery.cannot_be_read(error)
        damage = Damage.POINTER if isinstance(error, Pointer) else Damage.CUT_OFF
        damaged = Weights(path, {}, {}, damage=damage) if isinstance(error, (Pointer, CutOff)) else None
        return damaged, (Unread(path, "weights", clause(why)),)
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    sizes = {tensor.name: tensor.size for tensor in tensors}
    return Weights(path, shapes, sizes, untrained, tuple(_checkpoints(folder, project))), ()


def _checkpoints(folder: str, project: Project) -> Iterator[tuple[str, float]]:
    """The scales in the configs of a training's checkpoints, which are in the adapter's folder."""
    import json
    import os
    from math import sqrt

    names = [name for name in disk.names(folder) or () if name.startswith("checkpoint-")]
    for name in names[:_LOOKED_AT]:
        path = os.path.join(folder, name, "adapter_config.json").replace(os.sep, "/")
        source = project.load(path) if project.exists(path) else None
        try:
            content = json.loads(source.utf8) if source is not None else None
        except (ValueError, RecursionError):
            continue
        if not isinstance(content, dict):
            continue
        rank, alpha = content.get("r"), content.get("lora_alpha")
        if type(rank) is int and rank > 0 and isinstance(alpha, (int, float)):
            yield path, alpha / (sqrt(rank) if content.get("use_rslora") is True else rank)
