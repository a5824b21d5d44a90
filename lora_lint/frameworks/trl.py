"""TRL's command line and the alignment handbook: `use_peft: true`.

Source: TRL 1.16.0, trainer/model_config.py, scripts/utils.py and trainer/utils.py (get_peft_config).
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import TRAINER_KEYS, CommandLine, Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run
from lora_lint.run.values import Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

_COMMANDS: dict[str, Method] = {
    **dict.fromkeys(("dpo", "kto", "reward"), "preference"),
    **dict.fromkeys(("grpo", "rloo"), "rl"),
    "sft": "supervised",
}
FRAMEWORK = Framework(
    name="trl",
    title="TRL",
    source="TRL",
    version=(1, 16, 0),
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_target_modules",
        "target_parameters": "lora_target_parameters",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
        "modules_to_save": "lora_modules_to_save",
        "task_type": "lora_task_type",
    },
    kinds=("yaml",),
    marks=((b"use_peft",),),
    passes_on=True,
    unknown_keys="stops TRL with a ValueError",
    synonyms={
        "lr": "learning_rate",
    },
    commands=(
        CommandLine("command", "trl", tuple(_COMMANDS), _COMMANDS, config="option"),
        CommandLine(
            *("script", r"(?:trl/scripts|examples/scripts)/(?P<task>\w+?)(?:_\w+)?\.py"),
            methods=_COMMANDS,
            config="option",
        ),
    ),
    one_is_regex=True,
    lists=("lora_target_modules", "lora_target_parameters", "lora_modules_to_save"),
    other_keys={
        "model": "model_name_or_path",
        "output": "output_dir",
        **TRAINER_KEYS,
        "half": "fp16",
    },
    says_lora={"use_peft": True},
    recommended=(
        *("rank", "alpha", "use_rslora", "target_modules", "target_parameters", "dropout"),
        *("learning_rate", "epochs"),
    ),
    defaults={
        "rank": 16,
        "alpha": 32,
        "dropout": 0.05,
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw_torch_fused",
        "epochs": 3.0,
        "max_steps": -1,
        "batch_size": 8,
        "accumulation": 1,
    },  # the learning rate's default differs between trainers, and the file does not say which one is called
)
_OF_LORA = frozenset({*FRAMEWORK.keys.values(), "load_in_4bit", "load_in_8bit", "learning_rate"})
"""Keys whose misspellings are reported. Scripts other than TRL's own (the alignment handbook's) add keys."""
_RL = ("num_generations", "reward_funcs", "reward_weights", "reward_model_path", "use_vllm", "vllm_mode", "epsilon")
_PREFERENCE = ("beta", "max_prompt_length", "desirable_weight", "reference_free", "center_rewards_coefficient")
_SUPERVISED = ("packing", "assistant_only_loss", "completion_only_loss", "dataset_text_field", "max_seq_length")
_TELLING: tuple[tuple[tuple[str, ...], Method], ...] = (
    (_RL, "rl"),
    (_PREFERENCE, "preference"),
    (_SUPERVISED, "supervised"),
)
"""Settings that reveal the trainer, checked in this order: others share some of the last one's settings."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a file for TRL's command line, or for a script that takes TRL's settings."""
    return document.entry("use_peft") is not None and document.entry("lora_rank") is None


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA."""
    fields = Fields(document)
    if known(fields.flag("use_peft")) is not True or not fields.has("model_name_or_path"):
        return Reading()
    span = fields.span("use_peft")
    events = (Load(fields.span("model_name_or_path")), Wrap(span), Train(span))
    problems = tables.problems(FRAMEWORK, document, near=_OF_LORA, unconverted=("lora_r",))
    adapter = tables.adapter(FRAMEWORK, fields, fields.span("lora_r"), target_modules=_targets(fields))
    model, data = _model(fields), _dataset(fields, document.span.path, project)
    telling: list[Method] = [method for keys, method in _TELLING if any(fields.has(key) for key in keys)]
    training = tables.training(FRAMEWORK, fields, telling[0] if telling else "unknown")
    return Reading((Run(FRAMEWORK, span, adapter, model, data, training, events, problems, trained=True),))


def _targets(fields: Fields) -> Value[Any]:
    """A list with one element is passed to PEFT as a string, which it reads as a regex for whole paths: `["q_proj"]`
    matches nothing, and `["all-linear"]` works only because of that (ModelConfig.__post_init__)."""
    found = fields.names("lora_target_modules", Known(None, None, "framework-default"))
    if isinstance(found, Known) and isinstance(found.value, tuple) and len(found.value) == 1:
        return Known(found.value[0], found.span)
    return found


def _model(fields: Fields) -> BaseModel:
    task = known(fields.text("lora_task_type"))
    loader = "AutoModelForSequenceClassification" if task == "SEQ_CLS" else "AutoModelForCausalLM"
    dtype = fields.text("dtype") if fields.has("dtype") else fields.text("torch_dtype")
    revision = fields.text("model_revision")
    return BaseModel(fields.text("model_name_or_path"), loader, tables.quantization(fields), dtype, revision=revision)


def _dataset(fields: Fields, near: str, project: Project) -> Dataset:
    """One data set by name, or a mixture: `datasets` of TRL, `dataset_mixture` of the alignment handbook."""
    from lora_lint.knowledge.sizes import one_set, without_held_out

    mixture = fields.section("dataset_mixture") or (fields if fields.has("datasets") else None)
    if mixture is None:
        split: str | None = known(fields.text("dataset_train_split", Known("train")))
        return one_set(fields.text("dataset_name"), split, known(fields.text("dataset_config")), near, project)
    span = mixture.span("datasets")
    unknown = Unknown("the size of a part of the mixture is not known", span)
    held = known(mixture.number("test_split_size", Known(0.0)))
    node = mixture.node("datasets")
    parts = [Fields(item) for item in getattr(node, "items", ()) if hasattr(item, "entries")]
    total = 0
    for part in parts:
        rows = _part(part, near, project)
        if rows is None:
            return Dataset(Unknown("it is a mixture", span), unknown)
        total += rows
    if not parts or held is None:
        return Dataset(Unknown("it is a mixture", span), unknown)
    first = parts[0].text("path") if parts[0].has("path") else parts[0].text("id")
    name = first if len(parts) == 1 else Unknown("it is a mixture", span)
    return Dataset(name, Known(without_held_out(total, held), span, "derived"), f"a mixture of {len(parts)}")


def _part(part: Fields, near: str, project: Project) -> int | None:
    """The rows of one data set of a mixture."""
    from lora_lint.knowledge.sizes import rows_of

    name: str | None = known(part.text("path")) or known(part.text("id"))
    split: str | None = known(part.text("split", Known("train")))
    if name is None or split is None or any(part.has(key) for key in ("data_files", "data_dir", "fraction")):
        return None
    config: str | None = known(part.text("name")) or known(part.text("config"))
    rows = rows_of(name, split, config, near, project)
    if rows is None and config == "default":
        rows = rows_of(name, split, None, near, project)
    weight = known(part.number("weight", Known(1.0)))
    return None if rows is None or weight is None else int(rows * weight)
