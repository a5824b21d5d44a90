"""AutoTrain: a file with `task`, `base_model` and `params`, with `peft: true` among these.

Source: autotrain-advanced 0.8.36, parser.py, trainers/{clm,vlm,seq2seq}/{params,utils,__main__}.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.frameworks.fields import Fields, usual
from lora_lint.knowledge import schemas
from lora_lint.readers.nodes import Mapping
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import Known, known

if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.problems import InvalidValue, UnknownKey
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

NAME = "autotrain"
KEYS = {"rank": "lora_r", "alpha": "lora_alpha", "dropout": "lora_dropout", "target_modules": "target_modules"}
_SYNONYMS = {
    "learning_rate": "lr",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
    "gradient_accumulation_steps": "gradient_accumulation",
    "lora_rank": "lora_r",
}
_METHODS: dict[str, Method] = {"dpo": "preference", "orpo": "preference", "reward": "preference"}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an AutoTrain file."""
    return isinstance(document.get("params"), Mapping) and all(
        document.entry(key) is not None for key in ("task", "base_model", "project_name")
    )


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA: tasks on language models alone have `peft`."""
    fields = Fields(document)
    params = fields.section("params")
    task = str(known(fields.text("task")))
    kind, _, trainer = task.replace(":", "-").partition("-")
    if params is None or known(params.flag("peft")) is not True or kind not in ("llm", "lm_training", "vlm", "seq2seq"):
        return Reading()
    span = params.span("peft")
    problems: tuple[UnknownKey | InvalidValue, ...] = (
        *schemas.unknown_keys(
            NAME, params.mapping, "AutoTrain", "is ignored", definition=_family(kind), synonyms=_SYNONYMS
        ),
        *schemas.invalid_values(NAME, params.mapping, "AutoTrain", _family(kind)),
    )
    run = Run(
        NAME,
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


def _family(kind: str) -> str:
    """The name of a task's parameters in the schema."""
    return {"vlm": "vlm", "seq2seq": "seq2seq"}.get(kind, "clm")


def _adapter(params: Fields, kind: str, trainer: str) -> Adapter:
    tasks = {"seq2seq": "SEQ_2_SEQ_LM"}
    return Adapter(
        span=params.span("lora_r" if params.has("lora_r") else "peft"),
        rank=params.whole("lora_r", usual(16)),
        alpha=params.number("lora_alpha", usual(32)),
        dropout=params.number("lora_dropout", usual(0.05)),
        target_modules=_targets(params),
        task_type=usual("SEQ_CLS" if trainer == "reward" else tasks.get(kind, "CAUSAL_LM")),
        target_spans=params.places("target_modules"),
        keys=KEYS,
    )


def _targets(params: Fields) -> Value[Any]:
    """The shorthand, names with commas, or PEFT's own choice where the text is empty."""
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
    several = kind == "seq2seq"
    return Training(
        "AutoTrain",
        _METHODS.get(trainer, "supervised"),
        params.text("optimizer", usual("adamw_torch")),
        params.number("lr", usual(5e-5 if several else 3e-5)),
        params.number("epochs", usual(3.0 if several else 1.0)),
        usual(-1),
        params.whole("batch_size", usual(2)),
        params.whole("gradient_accumulation", usual(1 if several else 4)),
        params.span("lr"),
    )
