"""H2O LLM Studio: `training.lora: true` beside `llm_backbone`.

Source: h2o-llmstudio at a4971c11 (1.14.9), python_configs/{base,text_causal_language_modeling_config,
text_causal_classification_modeling_config,text_causal_regression_modeling_config,text_dpo_modeling_config,
text_sequence_to_sequence_modeling_config}.py, src/utils/modeling_utils.py and src/models/*.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.run.events import Fragments, Load, Train, Unfreeze, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="h2o_llmstudio",
    title="H2O LLM Studio",
    source="h2o-llmstudio",
    version=(1, 14, 9),
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_target_modules",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
    },
    kinds=("yaml",),
    sections={"training": "training"},
    marks=((b"llm_backbone", b"training"),),
    every_layer="",
    unknown_keys="is ignored with a warning",
    synonyms={
        "lora_rank": "lora_r",
        "target_modules": "lora_target_modules",
        "lr": "learning_rate",
    },
    other_keys={
        "model": "llm_backbone",
        "optimizer": "optimizer",
        "learning_rate": "learning_rate",
        "epochs": "epochs",
        "batch_size": "batch_size",
        "accumulation": "grad_accumulation",
    },
    defaults={
        "rank": 4,
        "alpha": 16,
        "dropout": 0.05,
        "use_rslora": False,
        "use_dora": False,
        "task_type": "CAUSAL_LM",
        "optimizer": "AdamW",
        "learning_rate": 1e-4,
        "epochs": 1.0,
        "max_steps": -1,
        "batch_size": 2,
        "accumulation": 1,
    },
    commas=True,
)
_OF_LORA = frozenset({*FRAMEWORK.keys.values(), "lora", "lora_unfreeze_layers", "learning_rate"})
"""Keys whose misspellings are reported: files of older versions have keys that no longer exist."""
_METHODS: dict[str, Method] = {
    "text_causal_language_modeling": "supervised",
    "text_sequence_to_sequence_modeling": "supervised",
    "text_causal_classification_modeling": "classification",
    "text_causal_regression_modeling": "classification",
    "text_dpo_modeling": "preference",
}
_BITS = {"int4": "4bit", "int8": "8bit"}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an H2O LLM Studio experiment."""
    return all(document.entry(key) is not None for key in ("llm_backbone", "training"))


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA."""
    whole = Fields(document)
    training = whole.section("training")
    if training is None or known(training.flag("lora", usual(True))) is not True:
        return Reading()
    span = training.span("lora" if training.has("lora") else "lora_r")
    problem = str(known(whole.text("problem_type")))
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, training, training.span("lora"), target_modules=_targets(training)),
        _model(whole, problem),
        _dataset(whole, document.span.path, project),
        tables.training(FRAMEWORK, training, _METHODS.get(problem, "unknown")),
        (Load(whole.span("llm_backbone")), Wrap(span), *_unfrozen(training), Train(span)),
        tables.problems(FRAMEWORK, training.mapping, "training", near=_OF_LORA),
        trained=True,
    )
    return Reading((run,))


def _unfrozen(training: Fields) -> Iterator[Unfreeze]:
    """The layers of the model that are trained too."""
    names = known(training.names("lora_unfreeze_layers", usual(())))
    if names:
        span = training.span("lora_unfreeze_layers")
        yield Unfreeze(span, selection=Fragments((names,) if isinstance(names, str) else names))


def _targets(training: Fields) -> Value[Any]:
    """Comma-separated names; all linear layers but the heads if there are none."""
    found = training.text("lora_target_modules", usual(""))
    if not isinstance(found, Known):
        return found
    if not found.value:
        return Known("all-linear", found.span, found.origin)
    return Known(tuple(part.strip() for part in found.value.split(",")), found.span)


def _model(whole: Fields, problem: str) -> BaseModel:
    architecture = whole.section("architecture")
    dtype = architecture.text("backbone_dtype", usual("int4")) if architecture is not None else usual("int4")
    bits: Value[str | None] = ABSENT
    if isinstance(dtype, Known):
        bits = Known(_BITS.get(dtype.value), dtype.span, dtype.origin)
    loader = "AutoModelForSeq2SeqLM" if problem == "text_sequence_to_sequence_modeling" else "AutoModelForCausalLM"
    return BaseModel(whole.text("llm_backbone"), loader, bits)


def _dataset(whole: Fields, near: str, project: Project) -> Dataset:
    """A table on disk; a share of it may be used, and a share held out."""
    from lora_lint.knowledge.sizes import rows_of_file, without_held_out

    data = whole.section("dataset")
    if data is None:
        return Dataset()
    name = data.text("train_dataframe")
    rows = rows_of_file(name.value, near, project) if isinstance(name, Known) else None
    share, held = known(data.number("data_sample", usual(1.0))), known(data.number("validation_size", usual(0.01)))
    split = known(data.text("validation_strategy", usual("automatic"))) == "automatic"
    chained = known(data.text("parent_id_column", usual("parent_id"))) != "None"
    if rows is None or share is None or held is None or chained or not 0 < share <= 1:
        return Dataset(name, Unknown("the size of the dataset is not known", getattr(name, "span", None)))
    if split:
        rows = without_held_out(rows, held)
    if share < 1 and "Train" in (known(data.names("data_sample_choice", usual(("Train", "Validation")))) or ()):
        rows = max(10, int(rows * share))
    return Dataset(name, Known(rows, getattr(name, "span", None), "derived"), str(known(name)))
