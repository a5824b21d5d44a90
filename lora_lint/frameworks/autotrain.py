"""AutoTrain: a file with `task`, `base_model` and `params`, with `peft: true` among these.

Source: autotrain-advanced 0.8.36, parser.py, trainers/{clm,vlm,seq2seq}/{params,utils,__main__}.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.commands import entry
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.readers.nodes import Entry, Mapping, Scalar
from lora_lint.records import replace
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.frameworks.commands import Start
    from lora_lint.project import Project
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="autotrain",
    title="AutoTrain",
    source="autotrain-advanced",
    version=(0, 8, 36),
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
    },
    kinds=("yaml",),
    sections={"params": "clm"},  # those of the other trainers are the same for LoRA
    marks=((b"base_model", b"project_name", b"params"),),
    whole_alpha=True,
    synonyms={
        "learning_rate": "lr",
        "num_epochs": "epochs",
        "num_train_epochs": "epochs",
        "gradient_accumulation_steps": "gradient_accumulation",
        "lora_rank": "lora_r",
    },
    commands=(CommandLine("command", "autotrain", ("llm", "vlm", "seq2seq")),),
    other_keys={
        "model": "base_model",
        "optimizer": "optimizer",
        "learning_rate": "lr",
        "epochs": "epochs",
        "batch_size": "batch_size",
        "accumulation": "gradient_accumulation",
    },
    defaults={
        "rank": 16,
        "alpha": 32,
        "dropout": 0.05,
        "optimizer": "adamw_torch",
        "max_steps": -1,
        "batch_size": 2,
        "learning_rate": 3e-5,
        "epochs": 1.0,
        "accumulation": 4,
    },
    commas=True,
)
_METHODS: dict[str, Method] = {"dpo": "preference", "orpo": "preference", "reward": "preference"}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an AutoTrain file."""
    return isinstance(document.get("params"), Mapping) and all(
        document.entry(key) is not None for key in ("task", "base_model", "project_name")
    )


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA: only tasks on language models have `peft`."""
    fields = Fields(document)
    params = fields.section("params")
    task = str(known(fields.text("task")))
    kind, _, trainer = task.replace(":", "-").partition("-")
    if params is None or known(params.flag("peft")) is not True or kind not in ("llm", "lm_training", "vlm", "seq2seq"):
        return Reading()
    span = params.span("peft")
    problems = tables.problems(FRAMEWORK, params.mapping, _family(kind))
    run = Run(
        FRAMEWORK,
        span,
        _adapter(params, kind, trainer),
        _model(fields, params, kind, trainer),
        _dataset(fields, document.span.path, project),
        _training(params, kind, trainer),
        (Load(fields.span("base_model")), Wrap(span), Train(span)),
        problems,
        trained=True,
    )
    return Reading((run,))


def read_command(start: Start, arguments: CommandOptions, project: Project) -> Reading:
    """The run of `autotrain llm --train --peft …`, which takes as options what the file has in sections; some have
    other names than in the file."""
    given = arguments.mapping
    trainer = given.entry("trainer")
    kind = f"{start.task}-{getattr(trainer.value, 'value', '')}" if trainer is not None else start.task
    model, project_name = given.entry("model"), given.entry("project_name")
    if given.entry("train") is None or model is None or project_name is None:
        return Reading()
    base = Entry(Scalar("base_model", "base_model", model.key.span), model.value)
    params = Entry(Scalar("params", "params", start.span), given)
    document = Mapping((entry("task", kind, start.span), base, project_name, params), given.span)
    return read(document, project).mapped(lambda run: replace(run, problems=()))


def _family(kind: str) -> str:
    """The name of a task's parameters in the schema."""
    return {"vlm": "vlm", "seq2seq": "seq2seq"}.get(kind, "clm")


def _adapter(params: Fields, kind: str, trainer: str) -> Adapter:
    task = "SEQ_CLS" if trainer == "reward" else "SEQ_2_SEQ_LM" if kind == "seq2seq" else "CAUSAL_LM"
    targets = _targets(params)
    return tables.adapter(FRAMEWORK, params, params.span("peft"), target_modules=targets, task_type=usual(task))


def _targets(params: Fields) -> Value[Any]:
    """The shorthand, comma-separated names, or PEFT's own choice if the string is empty."""
    found = params.text("target_modules", usual("all-linear"))
    if params.mapping.entry("target_modules") is not None and not params.has("target_modules"):
        return Known(None, params.span("target_modules"))
    if not isinstance(found, Known):
        return found
    text = str(found.value)
    if not text.strip():
        return Known(None, found.span)
    if text.strip().lower() == "all-linear":
        return Known("all-linear", found.span, found.origin)
    return Known(tuple(text.split(",")), found.span)  # not stripped there either


def _model(fields: Fields, params: Fields, kind: str, trainer: str) -> BaseModel:
    loaders = {"vlm": None, "seq2seq": "AutoModelForSeq2SeqLM"}
    loader = "AutoModelForSequenceClassification" if trainer == "reward" else loaders.get(kind, "AutoModelForCausalLM")
    unsloth = known(params.flag("unsloth")) is True
    if unsloth:
        loader = "FastLanguageModel"
    quantization = params.text("quantization", usual("int8" if kind == "seq2seq" else "int4"))
    bits = {"int4": "4bit", "int8": "8bit"}
    found: Value[str | None] = quantization
    if params.mapping.entry("quantization") is not None and not params.has("quantization"):
        found = Known(None, params.span("quantization"))
    elif isinstance(quantization, Known):
        found = Known(bits.get(quantization.value), quantization.span, quantization.origin)
    return BaseModel(fields.text("base_model"), loader, found, loader_adapts=unsloth)


def _dataset(fields: Fields, near: str, project: Project) -> Dataset:
    from lora_lint.knowledge.sizes import one_set

    data = fields.section("data")
    if data is None:
        return Dataset()
    split: str | None = known(data.text("train_split", usual("train")))
    path = data.text("path")
    if isinstance(path, Known) and split is not None and ":" in split:  # a subset and its split
        config, _, split = split.partition(":")
        return one_set(path, split, config, near, project)
    return one_set(path, split, None, near, project)


def _training(params: Fields, kind: str, trainer: str) -> Training:
    """Sequence-to-sequence tasks have their own defaults."""
    own = {}
    if kind == "seq2seq":
        own = {
            "learning_rate": params.number("lr", usual(5e-5)),
            "epochs": params.number("epochs", usual(3.0)),
            "accumulation": params.whole("gradient_accumulation", usual(1)),
        }
    return tables.training(FRAMEWORK, params, _METHODS.get(trainer, "supervised"), **own)
