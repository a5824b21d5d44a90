"""diffusion-pipe: TOML with `[adapter] type = "lora"`, whose alpha is always the rank.

Source: tdrussell/diffusion-pipe at 8f83dbf, train.py (`set_config_defaults`) and models/base.py (`configure_adapter`).
"""

from __future__ import annotations

from lora_lint.frameworks import diffusion_pipe_data, tables
from lora_lint.frameworks.fields import Fields, multiple
from lora_lint.readers.nodes import Mapping
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import Adapter, BaseModel, Reading, Run
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project

FRAMEWORK = Framework(
    name="diffusion_pipe",
    title="diffusion-pipe",
    source="diffusion-pipe at 8f83dbf",
    keys={"rank": "rank", "dropout": "dropout", "exclude_modules": "exclude_modules", "dtype": "dtype"},
    other_keys={
        "epochs": "epochs",
        "max_steps": "max_steps",
        "batch_size": "micro_batch_size_per_gpu",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={"dropout": 0.0, "accumulation": 1},
    kinds=("toml",),
    sections=None,
    marks=((b"[adapter]", b"[model]"), (b"[[directory]]",)),
    tells=(b"[[directory]]",),
    script=("train.py", "models", b"Model type {model_type} is not implemented"),
    every_layer=None,
)
_MODEL_PATHS = ("diffusers_path", "ckpt_path", "transformer_path", "checkpoint_path", "single_file_path")


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a training file of diffusion-pipe, or says where data is."""
    if diffusion_pipe_data.recognises(document):
        return True
    sections = (document.get("adapter"), document.get("model"), document.get("optimizer"))
    return all(isinstance(section, Mapping) for section in sections) and document.entry("dataset") is not None


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """Those of a training; none of the data."""
    return () if diffusion_pipe_data.recognises(document) else (document,)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA."""
    del project
    if diffusion_pipe_data.recognises(document):
        wrong = tuple(diffusion_pipe_data.problems(document, FRAMEWORK.title))
        run = Run(FRAMEWORK, document.span, Adapter(document.span), trained=False, problems=wrong)
        return Reading((run,) if wrong else ())
    fields = Fields(document)
    adapter, model, optimizer = fields.section("adapter"), fields.section("model"), fields.section("optimizer")
    if adapter is None or model is None or optimizer is None or known(adapter.text("type")) != "lora":
        return Reading()
    span = adapter.span("rank" if adapter.has("rank") else "type")
    rank = adapter.whole("rank")
    path = next((key for key in _MODEL_PATHS if model.has(key)), "type")
    training = tables.training(
        FRAMEWORK,
        fields,
        "unknown",
        optimizer=optimizer.text("type"),
        learning_rate=optimizer.number("lr"),
        span=optimizer.span("lr"),
    )
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, adapter, span, rank=rank, alpha=multiple(rank), dtype=adapter.text("dtype")),
        BaseModel(model.text(path)),
        training=training,
        events=(Load(fields.span("model")), Wrap(span), Train(fields.span("optimizer"))),
        trained=True,
    )
    return Reading((run,))
