"""Firefly: a flat JSON file with `"train_mode": "lora"` or `"qlora"`, also in projects derived from it.

Source: yangjianxin1/Firefly at e22b406, component/argument.py and train.py; the training arguments are those of
transformers (5.23).
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.run.events import Event, Load, PrepareKbit, Train, Wrap
from lora_lint.run.framework import TRAINER_KEYS, Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Method

FRAMEWORK = Framework(
    name="firefly",
    title="Firefly",
    source="Firefly at e22b406",
    keys={
        "rank": "lora_rank",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
    },
    kinds=("json",),
    marks=((b"model_name_or_path", b"train_file"), (b"model_name_or_path", b"train_mode")),
    unknown_keys="stops Firefly with a ValueError",
    synonyms={
        "lora_r": "lora_rank",
        "lr": "learning_rate",
    },
    other_keys={
        "model": "model_name_or_path",
        **TRAINER_KEYS,
    },
    defaults={
        "rank": 64,
        "alpha": 16,
        "dropout": 0.05,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw_torch_fused",
        "learning_rate": 5e-5,
        "epochs": 3.0,
        "max_steps": -1,
        "batch_size": 8,
        "accumulation": 1,
    },  # of targets: every linear layer but `lm_head` (train.py, find_all_linear_names)
)
_OF_LORA = frozenset({*FRAMEWORK.keys.values(), "train_mode", "learning_rate", "model_name_or_path"})
"""Keys whose misspellings are reported: derived projects add their own settings."""
_MODES = ("full", "lora", "qlora")
_OTHERS = ("finetuning_type", "tuner_type", "train_type", "sft_type", "use_lora", "use_peft")
"""Keys that show, in other frameworks, that LoRA is trained."""
_METHODS: dict[str, Method] = {"pretrain": "supervised", "sft": "supervised", "dpo": "preference"}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a Firefly file: before there was `train_mode`, there was only QLoRA."""
    if document.entry("model_name_or_path") is None or any(document.entry(key) for key in _OTHERS):
        return False
    mode = document.get("train_mode")
    if mode is not None:
        return getattr(mode, "value", None) in _MODES
    return document.entry("train_file") is not None and document.entry("template_name") is not None


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA."""
    fields = Fields(document)
    mode = fields.text("train_mode", usual("qlora"))
    if known(mode) not in _MODES[1:] or not any(fields.has(key) for key in ("train_mode", "lora_rank")):
        return Reading()
    span = fields.span("train_mode" if fields.has("train_mode") else "lora_rank")
    method = _METHODS.get(known(fields.text("task_type", usual("sft"))) or "", "unknown")
    quantized = known(mode) == "qlora"
    events: list[Event] = [Load(fields.span("model_name_or_path"))]
    if quantized and method == "supervised":
        events.append(PrepareKbit(span))
    events += [Wrap(span), Train(span)]
    unsloth = known(fields.flag("use_unsloth")) is True
    loader = "FastLanguageModel" if unsloth else "AutoModelForCausalLM"
    bits: Known[str | None] = Known("4bit" if quantized else None, span, "derived")
    problems = tables.problems(FRAMEWORK, document, near=_OF_LORA, unconverted=("lora_rank",))
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, fields, fields.span("train_mode")),
        BaseModel(fields.text("model_name_or_path"), loader, bits, loader_adapts=unsloth),
        _dataset(fields, document.span.path, project),
        tables.training(FRAMEWORK, fields, method),
        tuple(events),
        problems,
        trained=True,
    )
    return Reading((run,))


def _dataset(fields: Fields, near: str, project: Project) -> Dataset:
    """A JSON lines file; for pretraining a folder of them."""
    from lora_lint.knowledge.sizes import one_set

    return one_set(fields.text("train_file"), "train", None, near, project)
