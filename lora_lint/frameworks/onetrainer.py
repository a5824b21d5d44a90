"""OneTrainer: a JSON file with `"training_method": "LORA"`.

Source: Nerogar/OneTrainer at 23df383, modules/util/config/TrainConfig.py and modules/module/LoRAModule.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.records import replace
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Training
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="onetrainer",
    title="OneTrainer",
    source="OneTrainer at 23df383",
    keys={"rank": "lora_rank", "alpha": "lora_alpha", "use_dora": "lora_decompose", "dtype": "lora_weight_dtype"},
    other_keys={
        "model": "base_model_name",
        "learning_rate": "learning_rate",
        "epochs": "epochs",
        "batch_size": "batch_size",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "rank": 16,
        "alpha": 1.0,
        "use_dora": False,
        "learning_rate": 3e-6,
        "epochs": 100,
        "batch_size": 1,
        "accumulation": 1,
    },
    kinds=("json",),
    marks=((b'"training_method"',),),
    adapts="OneTrainer",
    every_layer=None,
)
_PARTS = ("transformer", "unet", "prior")


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a configuration of OneTrainer."""
    return document.entry("training_method") is not None and document.entry("base_model_name") is not None


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA; LoHa, LoKr and OFT have their own scales."""
    del project
    fields = Fields(document)
    if known(fields.text("training_method")) != "LORA" or known(fields.text("peft_type", usual("LORA"))) != "LORA":
        return Reading()
    span = fields.span("lora_rank" if fields.has("lora_rank") else "training_method")
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, fields, span, dtype=_dtype(fields)),
        BaseModel(fields.text("base_model_name")),
        training=_training(fields),
        events=(Load(fields.span("base_model_name")), Wrap(span), Train(span)),
        trained=True,
    )
    return Reading((run,))


def _dtype(fields: Fields) -> Value[str]:
    """That of the adapter's weights, under the names of modules/util/enum/DataType.py."""
    dtype = fields.text("lora_weight_dtype", usual("FLOAT_32"))
    known_as = {"FLOAT_16": "float16", "BFLOAT_16": "bfloat16", "FLOAT_32": "float32"}
    return replace(dtype, value=known_as.get(dtype.value, dtype.value)) if isinstance(dtype, Known) else dtype


def _training(fields: Fields) -> Training:
    """The rate of the image model, if it has its own."""
    optimizer = fields.section("optimizer")
    name = optimizer.text("optimizer", usual("ADAMW")) if optimizer is not None else usual("ADAMW")
    parts = [part for key in _PARTS if (part := fields.section(key)) is not None and part.has("learning_rate")]
    own = {"learning_rate": parts[0].number("learning_rate")} if len(parts) == 1 else {}
    return tables.training(FRAMEWORK, fields, "unknown", optimizer=name, **own)
