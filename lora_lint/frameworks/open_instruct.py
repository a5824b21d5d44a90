"""open-instruct: `use_lora: true`.

Source: allenai/open-instruct at e6c3044, open_instruct/{finetune,dpo_utils,dpo_tune_cache,dataset_transformation}.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.readers.nodes import Mapping, Sequence
from lora_lint.run.events import Event, Load, PrepareKbit, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import Known, Unknown, is_number, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

_TARGETS = ("q_proj", "o_proj", "v_proj", "k_proj", "gate_proj", "up_proj", "down_proj")
FRAMEWORK = Framework(
    name="open_instruct",
    title="open-instruct",
    source="open-instruct at e6c3044",
    keys={
        "rank": "lora_rank",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
    },
    kinds=("yaml",),
    marks=((b"use_lora", b"model_name_or_path"),),
    unknown_keys="stops open-instruct with a ValueError",
    synonyms={
        "lora_r": "lora_rank",
        "lr": "learning_rate",
    },
    commands=(CommandLine("script", r"open_instruct/(?:finetune|dpo_tune|dpo_tune_cache)\w*\.py"),),
    other_keys={
        "model": "model_name_or_path",
        "learning_rate": "learning_rate",
        "max_steps": "max_train_steps",
        "batch_size": "per_device_train_batch_size",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "rank": 64,
        "alpha": 16,
        "dropout": 0.1,
        "target_modules": _TARGETS,
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw",
        "learning_rate": 2e-5,
        "batch_size": 8,
        "accumulation": 1,
    },  # its programs fix the targets
)
_OF_LORA = frozenset({*FRAMEWORK.keys.values(), "use_lora", "use_qlora", "learning_rate"})
"""Keys whose misspellings are reported: its scripts take different settings, and older ones took others."""
_PREFERENCE = ("beta", "loss_type", "dpo_beta", "dpo_loss_type", "gamma_beta_ratio", "concatenated_forward")


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an open-instruct file."""
    return document.entry("use_lora") is not None and document.entry("model_name_or_path") is not None


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA."""
    fields = Fields(document)
    if known(fields.flag("use_lora")) is not True or not fields.has("model_name_or_path"):
        return Reading()
    span = fields.span("use_lora")
    quantized = fields.flag("use_qlora", usual(False))
    events: list[Event] = [Load(fields.span("model_name_or_path")), Wrap(span), Train(span)]
    if known(quantized):
        events.insert(1, PrepareKbit(fields.span("use_qlora")))
    quantization: Value[str | None] = quantized if isinstance(quantized, Unknown) else usual(None)
    if isinstance(quantized, Known) and quantized.value:
        quantization = Known("4bit", quantized.span, "derived")
    problems = tables.problems(FRAMEWORK, document, near=_OF_LORA)
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, fields, span),
        BaseModel(fields.text("model_name_or_path"), "AutoModelForCausalLM", quantization),
        _dataset(fields, document.span.path, project),
        _training(fields),
        tuple(events),
        problems,
        trained=True,
    )
    return Reading((run,))


def _dataset(fields: Fields, near: str, project: Project) -> Dataset:
    """One data set by name, or a mixture: a mapping, or a list in which names and amounts alternate. An amount with a
    decimal point is a share, otherwise a number of examples."""
    from lora_lint.knowledge.sizes import one_set, rows_of

    cap = known(fields.whole("max_train_samples"))
    mixer = fields.node("dataset_mixer") or fields.node("dataset_mixer_list")
    if mixer is None:
        files = fields.text("train_file")
        return one_set(fields.text("dataset_name", files), "train", None, near, project, cap)
    parts = _parts(mixer)
    unknown = Unknown("the size of a part of the mixture is not known", mixer.span)
    name: Value[Any] = Known(parts[0][0], mixer.span) if len(parts) == 1 else Unknown("it is a mixture", mixer.span)
    splits = known(fields.names("dataset_mixer_list_splits", Known(("train",))))
    total = 0
    for part, amount in parts:
        rows = rows_of(part, "train", None, near, project) if isinstance(amount, float) else amount
        if rows is None or splits not in ("train", ("train",)):
            return Dataset(name, unknown)
        total += int(amount * rows) if isinstance(amount, float) else rows
    if not parts:
        return Dataset(name, unknown)
    total = total if cap is None else min(total, cap)
    return Dataset(name, Known(total, mixer.span, "derived"), f"a mixture of {len(parts)}")


def _parts(mixer: Any) -> list[tuple[str, float | int | None]]:
    """Each data set in a mixture with its amount, None if that is not a number."""
    if isinstance(mixer, Mapping):
        return [(str(entry.key.value), _amount(entry.value)) for entry in mixer.entries]
    items = mixer.items if isinstance(mixer, Sequence) else ()
    pairs = zip(items[::2], items[1::2], strict=False)
    return [(str(getattr(name, "value", "")), _amount(amount)) for name, amount in pairs]


def _amount(node: Any) -> float | int | None:
    value = str(getattr(node, "value", None))
    try:
        amount = float(value) if "." in value else int(value)
    except ValueError:
        return None
    return amount if is_number(amount) else None


def _training(fields: Fields) -> Training:
    method: Method = "preference" if any(fields.has(key) for key in _PREFERENCE) else "supervised"
    epochs = fields.number("num_train_epochs", fields.number("num_epochs", usual(2.0)))
    return tables.training(FRAMEWORK, fields, method, epochs=epochs)
