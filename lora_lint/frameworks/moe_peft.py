"""MoE-PEFT, which trains several adapters on one model: `"lora": [{"r": 16, "target_modules": {"q_proj": true}}]`.

Source: TUDB-Labs/MoE-PEFT at 40f8cb7, moe_peft.py and moe_peft/{common/config,trainer,adapters}. The model is named on
the command line.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.knowledge import schemas
from lora_lint.knowledge.signatures import closest
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.problems import UnknownKey
from lora_lint.run.run import BaseModel, Dataset, Reading, Run
from lora_lint.run.values import Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.problems import Problem
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="moe_peft",
    title="MoE-PEFT",
    source="MoE-PEFT at 40f8cb7",
    keys={
        "rank": "r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
        "init_lora_weights": "lora_init",
    },
    other_keys={
        "model": "base_model",
        "optimizer": "optim",
        "learning_rate": "lr",
        "epochs": "num_epochs",
        "batch_size": "batch_size",
    },
    defaults={"task_type": "CAUSAL_LM", "optimizer": "adamw"},
    kinds=("json",),
    sections=None,
    marks=((b'"lora"', b"target_modules", b"cutoff_len"),),
    commands=(CommandLine("script", r"moe_peft\.py", config="option", suffix=".json"),),
    adapts="MoE-PEFT",
    whole_alpha=True,
    every_layer=None,
    unknown_keys="is ignored",
    synonyms={"alpha": "lora_alpha", "lora_r": "r", "rank": "r", "learning_rate": "lr"},
)
_OWN = ("train_strategy", "train_lora_candidate_num", "save_step", "cutoff_len")
_ADAPTER = "adapter"
_OTHER_LOSS = "loss_type"
"""A key of forks that also train on preferences."""
_TARGETS = (
    *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "down_proj", "up_proj", "dense", "fc1", "fc2"),
    *("qkv_proj", "gate_up_proj", "dense_h_to_4h", "dense_4h_to_h"),
)
"""The names that it adapts; it passes over all others (`lora_target_modules` of common/config.py)."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a file of MoE-PEFT."""
    return any(document.entry(key) for key in _OWN) and any(_adapters(document))


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """The settings of each adapter, and of its training."""
    return _adapters(document)


def read(document: Mapping, project: Project) -> Reading:
    """A run for each adapter."""
    del project
    whole = Fields(document)
    return Reading(tuple(_run(whole, Fields(each)) for each in _adapters(document)))


def _adapters(document: Mapping) -> tuple[Mapping, ...]:
    listed = document.get("lora")
    items = listed.items if isinstance(listed, Sequence) else ()
    return tuple(each for each in items if isinstance(each, Mapping) and each.entry("r") is not None)


def _run(whole: Fields, fields: Fields) -> Run:
    span = fields.span("r")
    adapter = tables.adapter(FRAMEWORK, fields, span, target_modules=_targets(fields), init_lora_weights=_start(fields))
    task = fields.text("data", fields.text("task_name"))
    return Run(
        FRAMEWORK,
        span,
        adapter,
        BaseModel(whole.text("base_model"), "AutoModelForCausalLM", _bits(whole)),
        Dataset(task, Unknown("the size of the dataset is not known")),
        tables.training(FRAMEWORK, fields, "unknown" if fields.has(_OTHER_LOSS) else "supervised"),
        (Load(whole.span("base_model")), Wrap(span), Train(span)),
        _problems(fields),
        trained=True,
        method="MixLoraConfig" if fields.has("routing_strategy") else "LoraConfig",
    )


def _bits(whole: Fields) -> Value[str | None]:
    """The flags `--load_4bit` and `--load_8bit` of the command (moe_peft.py)."""
    on = (bits for bits in ("4bit", "8bit") if known(whole.flag(f"load_{bits}")) is True)
    bits = next(on, None)
    return usual(None) if bits is None else Known(bits, whole.span(f"load_{bits}"))


def _named(fields: Fields) -> dict[str, Any]:
    """The names of the targets, each with its node: those that are true of a mapping, or all of a list."""
    node = fields.node("target_modules")
    if isinstance(node, Mapping):
        on = (each for each in node.entries if isinstance(each.value, Scalar) and each.value.value is True)
        return {str(each.key.value): each.key for each in on}
    items = node.items if isinstance(node, Sequence) else ()
    return {each.value: each for each in items if isinstance(each, Scalar) and isinstance(each.value, str)}


def _targets(fields: Fields) -> Value[tuple[str, ...]]:
    span = fields.span("target_modules")
    if not isinstance(fields.node("target_modules"), (Mapping, Sequence)):
        return Unknown("`target_modules` is neither a list nor a mapping of names", span)
    return Known(tuple(name for name in _named(fields) if name in _TARGETS), span)


def _start(fields: Fields) -> Value[bool | str]:
    """`original` is PEFT's own initialisation."""
    way = fields.text("lora_init", usual("original"))
    return Known(True, way.span, way.origin) if isinstance(way, Known) and way.value == "original" else way


def _problems(fields: Fields) -> tuple[Problem, ...]:
    """The keys and values of an adapter that are wrong, and the targets that are passed over."""
    unlisted = schemas.Unlisted(
        *(FRAMEWORK.title, FRAMEWORK.unknown_keys),
        synonyms=FRAMEWORK.synonyms,
        only_near=schemas.keys(FRAMEWORK.name, _ADAPTER),
    )
    return (
        *schemas.unknown_keys(FRAMEWORK.name, fields.mapping, unlisted, _ADAPTER),
        *schemas.invalid_values(FRAMEWORK.name, fields.mapping, FRAMEWORK.title, _ADAPTER, unconverted=("r",)),
        *(
            UnknownKey(name, node.span, "MoE-PEFT's `target_modules`", closest(name, _TARGETS))
            for name, node in _named(fields).items()
            if name not in _TARGETS
        ),
    )
