"""qlora-pipe: flat TOML with `lora_rank` and `pipeline_stages`, whose adapter is PEFT's.

Source: tdrussell/qlora-pipe at 90b8e7d, train.py (`load_pipeline_model_with_lora`, `initialize`). The targets are all
linear layers where none are given; `full_fine_tune` trains no adapter.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.readers.nodes import Mapping, Scalar
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="qlora_pipe",
    title="qlora-pipe",
    source="qlora-pipe at 90b8e7d",
    keys={
        "rank": "lora_rank",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "modules_to_save": "modules_to_save",
        "use_dora": "use_dora",
    },
    other_keys={
        "model": "model",
        "epochs": "epochs",
        "batch_size": "micro_batch_size_per_gpu",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "dropout": 0.0,
        "target_modules": "all-linear",
        "use_dora": False,
        "task_type": "CAUSAL_LM",
        "batch_size": 1,
        "accumulation": 1,
    },
    kinds=("toml",),
    marks=((b"lora_rank", b"pipeline_stages"),),
    sections=None,
)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a training file of qlora-pipe."""
    named = all(isinstance(document.get(key), Scalar) for key in ("model", "lora_rank", "pipeline_stages"))
    return named and isinstance(document.get("optimizer"), Mapping)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA."""
    del project
    fields = Fields(document)
    optimizer = fields.section("optimizer")
    if optimizer is None or known(fields.flag("full_fine_tune", usual(False))) is not False:
        return Reading()
    span = fields.span("lora_rank")
    training = tables.training(
        FRAMEWORK,
        fields,
        "unknown" if fields.has("rl") else "supervised",
        optimizer=optimizer.text("type"),
        learning_rate=optimizer.number("lr"),
        span=optimizer.span("lr"),
    )
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, fields, span),
        BaseModel(fields.text("model"), "AutoModelForCausalLM", _quantization(fields)),
        training=training,
        events=(Load(fields.span("model")), Wrap(span), Train(fields.span("optimizer"))),
        trained=True,
    )
    return Reading((run,))


def _quantization(fields: Fields) -> Value[str | None]:
    """The bits of a base model that bitsandbytes packs."""
    section = fields.section("quantization")
    packed = section.section("bnb") if section is not None else None
    if packed is not None and known(packed.flag("load_in_4bit", usual(False))):
        return Known("4bit", packed.span("load_in_4bit"))
    return usual(None)
