"""ROLL: `actor_train.model_args.lora_target` in its YAML file.

Source: ROLL at 8eb27cc of 2026-08-19, roll/configs/model_args.py (`LoraArguments`) and roll/models/model_providers.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, multiple, unfolded, usual, with_dotted_keys
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.values import Value

_ARGUMENTS = "actor_train.model_args"
_TRAINING = "actor_train.training_args"
FRAMEWORK = Framework(
    name="roll",
    title="ROLL",
    source="ROLL at 8eb27cc",
    keys={
        "rank": f"{_ARGUMENTS}.lora_rank",
        "alpha": f"{_ARGUMENTS}.lora_alpha",
        "dropout": f"{_ARGUMENTS}.lora_dropout",
        "target_modules": f"{_ARGUMENTS}.lora_target",
        "modules_to_save": f"{_ARGUMENTS}.additional_target",
    },
    other_keys={
        "model": "pretrain",
        "learning_rate": f"{_TRAINING}.learning_rate",
        "epochs": f"{_TRAINING}.num_train_epochs",
        "max_steps": "max_steps",
        "batch_size": f"{_TRAINING}.per_device_train_batch_size",
        "accumulation": f"{_TRAINING}.gradient_accumulation_steps",
    },
    defaults={"rank": 8, "dropout": 0.0, "task_type": "CAUSAL_LM", "optimizer": "adamw"},
    kinds=("yaml",),
    marks=((b"actor_train", b"lora_target"),),
    sections=None,
    commas=True,
    whole_alpha=True,
)
_REGEX = "*$|("
"""A target with one of these is one regex (model_args.py, `__post_init__`)."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a pipeline of ROLL whose actor may have an adapter."""
    return with_dotted_keys(unfolded(document)).entry(FRAMEWORK.keys["target_modules"]) is not None


def read(document: Mapping, project: Project) -> Reading:
    """The run of a pipeline. Megatron fuses projections, so its targets have no names in transformers."""
    del project
    sections = unfolded(document)
    fields = Fields(with_dotted_keys(sections), sections)
    key = FRAMEWORK.keys["target_modules"]
    if not fields.has(key):
        return Reading()
    span = fields.span(key)
    rank = fields.whole(FRAMEWORK.keys["rank"], usual(FRAMEWORK.defaults["rank"]))
    alpha = fields.number(FRAMEWORK.keys["alpha"], multiple(rank, 2))
    if known(alpha) == 0:
        alpha = multiple(rank, 2)
    model = f"{_ARGUMENTS}.model_name_or_path" if fields.has(f"{_ARGUMENTS}.model_name_or_path") else "pretrain"
    strategy = known(fields.text("actor_train.strategy_args.strategy_name"))
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(
            FRAMEWORK,
            fields,
            span,
            rank=rank,
            alpha=alpha,
            target_modules=_targets(fields, key),
            modules_to_save=fields.commas(FRAMEWORK.keys["modules_to_save"], usual(None)),
        ),
        BaseModel(fields.text(model), "AutoModelForCausalLM"),
        training=tables.training(FRAMEWORK, fields, "rl"),
        events=(Load(fields.span(model)), Wrap(span), Train(span)),
        own_names=str(strategy).startswith("megatron"),
        trained=True,
    )
    return Reading((run,))


def _targets(fields: Fields, key: str) -> Value[Any]:
    """A regex, or names with commas; "all-linear" among them stands for all linear layers."""
    text = fields.text(key)
    if isinstance(text, Known) and any(character in text.value for character in _REGEX):
        return text
    names = fields.commas(key)
    everything = isinstance(names, Known) and FRAMEWORK.every_layer in names.value
    return Known(FRAMEWORK.every_layer, names.span) if everything and isinstance(names, Known) else names
