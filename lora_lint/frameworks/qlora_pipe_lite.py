"""qlora-pipe-lite: flat TOML with `model_dir` and `lora_rank`, whose alpha is always the rank.

Source: jukofyork/qlora-pipe-lite at e8e5092, training/model_factory.py (`create_lora_config`), training/engine.py. The
targets are all linear layers where none are given; `full_fine_tune` and `use_control_adapters` train no LoRA.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, multiple, usual
from lora_lint.frameworks.qlora_pipe import layers
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project

FRAMEWORK = Framework(
    name="qlora_pipe_lite",
    title="qlora-pipe-lite",
    source="qlora-pipe-lite at e8e5092",
    keys={
        "rank": "lora_rank",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "dtype": "lora_weight_dtype",
    },
    other_keys={
        "model": "model_dir",
        "learning_rate": "lr",
        "epochs": "epochs",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "dropout": 0.0,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
        "optimizer": "adam",
        "epochs": 1,
        "batch_size": 1,
        "accumulation": 1,
    },
    kinds=("toml",),
    marks=((b"lora_rank", b"model_dir"),),
    sections=None,
)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a training file of qlora-pipe-lite that trains an adapter."""
    named = all(isinstance(document.get(key), Scalar) for key in ("model_dir", "lora_rank", "sequence_len"))
    return named and isinstance(document.get("datasets"), Sequence)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA."""
    del project
    fields = Fields(document)
    if any(known(fields.flag(key, usual(False))) is not False for key in ("full_fine_tune", "use_control_adapters")):
        return Reading()
    span, rank = fields.span("lora_rank"), fields.whole("lora_rank")
    adapter = tables.adapter(
        FRAMEWORK,
        fields,
        span,
        rank=rank,
        alpha=multiple(rank),
        layers_to_transform=layers(fields),
        dtype=fields.text("lora_weight_dtype", usual("float32")),
    )
    run = Run(
        FRAMEWORK,
        span,
        adapter,
        BaseModel(fields.text("model_dir"), "AutoModelForCausalLM", tables.quantization(fields), usual("bfloat16")),
        training=tables.training(FRAMEWORK, fields, "supervised"),
        events=(Load(fields.span("model_dir")), Wrap(span), Train(fields.span("lr"))),
        trained=True,
    )
    return Reading((run,))
