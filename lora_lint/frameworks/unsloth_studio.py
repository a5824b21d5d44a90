"""Unsloth's command line and studio: `training` and `lora` with `lora_r`.

Source: unsloth 2026.10.9, unsloth_cli/config.py, studio/backend/core/training/trainer.py and
studio/backend/utils/models/model_config.py.
"""

from __future__ import annotations

import os.path

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.readers.nodes import Mapping
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run
from lora_lint.run.values import Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="unsloth_studio",
    title="Unsloth",
    source="unsloth",
    version=(2026, 10, 9),
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
    },
    kinds=("yaml", "json"),
    sections={"lora": "lora"},
    marks=((b"training", b"lora"),),
    whole_alpha=True,
    unknown_keys="stops Unsloth with an error",
    synonyms={
        "r": "lora_r",
        "lora_rank": "lora_r",
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "rslora": "use_rslora",
    },
    other_keys={
        "optimizer": "optim",
        "learning_rate": "learning_rate",
        "epochs": "num_epochs",
        "max_steps": "max_steps",
        "batch_size": "batch_size",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "rank": 64,
        "alpha": 16,
        "dropout": 0.0,
        "use_rslora": False,
        "use_dora": False,
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw_8bit",
        "learning_rate": 2e-4,
        "epochs": 3.0,
        "max_steps": 0,
        "batch_size": 2,
        "accumulation": 4,
    },
)
_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_PARTS = ("vision_layers", "language_layers", "attention_modules", "mlp_modules")
_DEFAULTS = "model_defaults"
"""The folder with settings for each model, in files named after the model with `_` for `/`."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is such a file."""
    lora, training = document.get("lora"), document.get("training")
    if not isinstance(training, Mapping) or not isinstance(lora, Mapping) or isinstance(document.get("model"), Mapping):
        return False  # Unsloth's `model` is a name; a project's own file often has a section
    return lora.entry("lora_r") is not None or training.entry("training_type") is not None


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, unless it says that all of the model is trained."""
    whole = Fields(document)
    lora, training = whole.section("lora"), whole.section("training")
    if lora is None or training is None or str(known(training.text("training_type", usual("lora")))).lower() != "lora":
        return Reading()
    span = whole.span("lora")
    model = _model(whole, training)
    problems = tables.problems(FRAMEWORK, lora.mapping, "lora")
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, lora, span, target_modules=_targets(lora), init_lora_weights=_start(lora)),
        model,
        _dataset(whole, document.span.path, project),
        # Steps count if they are above 0, epochs otherwise.
        tables.training(FRAMEWORK, training, "supervised", trainer="unsloth"),
        (Load(whole.span("model")), Wrap(span), Train(span)),
        problems,
        trained=True,
    )
    return Reading((run,))


def _targets(lora: Fields) -> Value[Any]:
    """Names in a list or comma-separated; all linear layers of a vision model, from which parts may be left out."""
    found = lora.commas("target_modules", usual(_TARGETS))
    if not isinstance(found, Known):
        return found
    names = tuple(name for name in found.value if name)
    if known(lora.flag("vision_all_linear", usual(False))) is not False or not names:
        parts = [known(lora.flag(f"finetune_{part}", usual(True))) for part in _PARTS]
        if all(part is True for part in parts) and not names:
            return Known("all-linear", found.span, found.origin)
        return Unknown("it depends on whether the model has vision", found.span)
    if names == ("all-linear",):
        return Known("all-linear", found.span)
    return Known(tuple(name for name in names if name != "all-linear"), found.span, found.origin)


def _start(lora: Fields) -> Value[bool | str]:
    loftq = lora.flag("use_loftq", usual(False))
    return Known("loftq" if loftq.value else True, loftq.span, loftq.origin) if isinstance(loftq, Known) else loftq


def _model(whole: Fields, training: Fields) -> BaseModel:
    """The model that is named, or that the file is named after."""
    name: Value[str] = whole.text("model")
    path = whole.mapping.span.path
    owner, mark, rest = os.path.splitext(os.path.basename(path))[0].partition("_")
    if not whole.has("model") and f"/{_DEFAULTS}/" in f"/{path}" and mark:
        name = Known(f"{owner}/{rest}", None, "derived")
    quantized = training.flag("load_in_4bit", usual(True))
    kind: Value[str | None] = quantized if isinstance(quantized, Unknown) else usual(None)
    if isinstance(quantized, Known):
        kind = Known("4bit" if quantized.value else None, quantized.span, quantized.origin)
    return BaseModel(name, "FastLanguageModel", kind, loader_adapts=True)


def _dataset(whole: Fields, near: str, project: Project) -> Dataset:
    from lora_lint.knowledge.sizes import one_set

    data = whole.section("data")
    if data is None:
        return Dataset()
    local = data.names("local_dataset")
    if isinstance(local, Known) and len(local.value) == 1 and not data.has("dataset"):
        return one_set(Known(local.value[0], local.span), "train", None, near, project)
    if data.has("local_dataset"):
        return Dataset(Unknown("there are several datasets", data.span("local_dataset")))
    return one_set(data.text("dataset"), "train", None, near, project)
