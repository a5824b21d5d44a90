"""Recipes of SageMaker HyperPod for Amazon Nova: YAML with `peft_scheme: lora`. The service chooses the rank.

Source: sagemaker-hyperpod-recipes at 2631995 of 2026-06-23, recipes_collection/recipes/fine-tuning/nova.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual, with_dotted_keys
from lora_lint.readers.nodes import Mapping
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import ABSENT, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.run.run import Method

FRAMEWORK = Framework(
    name="nova",
    title="Amazon Nova's recipes",
    source="sagemaker-hyperpod-recipes at 2631995",
    keys={"alpha": "alpha", "dropout": "adapter_dropout"},
    other_keys={"model": "run.model_type"},
    kinds=("yaml",),
    marks=((b"peft_scheme", b"training_config", b"model_type"),),
    sections=None,
    adapts="Amazon Nova",
    every_layer=None,
    whole_alpha=True,
)
_PLACES = ("training_config", "training_config.model", "training_config.trainer")
"""Where recipes have the sections of the adapter and the optimizer."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a recipe for a model of Nova."""
    fields = Fields(with_dotted_keys(document))
    model = known(fields.text("run.model_type"))
    return isinstance(model, str) and model.startswith("amazon.nova") and fields.has("training_config")


def read(document: Mapping, project: Project) -> Reading:
    """The run of a recipe that trains LoRA."""
    del project
    fields = Fields(with_dotted_keys(document))
    place = next((place for place in _PLACES if known(fields.text(f"{place}.peft.peft_scheme")) == "lora"), None)
    if place is None:
        return Reading()
    span = fields.span(f"{place}.peft.peft_scheme")
    tuning = fields.section(f"{place}.peft.lora_tuning") or Fields(Mapping((), span))
    rate = next((key for key in (f"{place}.optim.lr", f"{place}.optim_config.lr") if fields.has(key)), "")
    method: Method = "supervised"
    if fields.has(f"{place}.dpo_cfg"):
        method = "preference"
    elif fields.has("training_config.rollout"):
        method = "rl"
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, tuning, span),
        BaseModel(fields.text("run.model_type")),
        training=tables.training(
            FRAMEWORK,
            fields,
            method,
            learning_rate=fields.number(rate) if rate else ABSENT,
            epochs=fields.number("training_config.trainer.max_epochs"),
            max_steps=fields.whole("training_config.max_steps", fields.whole("training_config.trainer.max_steps")),
            batch_size=fields.whole("training_config.global_batch_size"),
            accumulation=usual(1),
            span=fields.span(rate) if rate else span,
        ),
        events=(Load(fields.span("run.model_type")), Wrap(span), Train(span)),
        trained=True,
    )
    return Reading((run,))
