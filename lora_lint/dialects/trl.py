"""TRL's command line and the alignment handbook: `use_peft: true`.

Source: TRL 1.16.0, trainer/model_config.py, scripts/utils.py and trainer/utils.py (get_peft_config).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.dialects.fields import Fields
from lora_lint.knowledge import schemas
from lora_lint.run import Adapter, BaseModel, Dataset, Event, Known, Reading, Run, Training, Unknown, known

if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run import InvalidValue, Method, UnknownKey, Value

NAME = "trl"
KEYS = {
    "rank": "lora_r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "target_modules": "lora_target_modules",
    "target_parameters": "lora_target_parameters",
    "modules_to_save": "lora_modules_to_save",
    "task_type": "lora_task_type",
}
_SYNONYMS = {"lora_rank": "lora_r", "lr": "learning_rate", "model_name": "model_name_or_path"}
_OF_LORA = frozenset({*KEYS.values(), "use_rslora", "use_dora", "load_in_4bit", "load_in_8bit", "learning_rate"})
"""Keys whose misspellings are told. Other scripts than TRL's own (the alignment handbook's) add keys."""
_RL = ("num_generations", "reward_funcs", "reward_model_path", "vllm_mode", "max_completion_length")
_PREFERENCE = ("beta", "loss_type", "max_prompt_length", "desirable_weight", "reference_free")
_SUPERVISED = ("packing", "assistant_only_loss", "completion_only_loss", "max_seq_length", "max_length")


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a file of TRL's command line."""
    return document.entry("use_peft") is not None


def read(document: Mapping, project: Project) -> Reading:  # noqa: ARG001
    """The run of a file, if it trains LoRA."""
    fields = Fields(document)
    if known(fields.flag("use_peft")) is not True or not fields.has("model_name_or_path"):
        return Reading()
    span = fields.span("use_peft")
    events = (Event("load", fields.span("model_name_or_path")), Event("wrap", span), Event("train", span))
    problems: tuple[UnknownKey | InvalidValue, ...] = (
        *schemas.unknown_keys(
            NAME, document, "TRL", "stops TRL with a ValueError", synonyms=_SYNONYMS, only_near=_OF_LORA
        ),
        *schemas.invalid_values(NAME, document, "TRL"),
    )
    adapter, model, data = _adapter(fields), _model(fields), _dataset(fields)
    return Reading((Run(NAME, span, adapter, model, data, _training(fields), events, problems, trained=True),))


def _adapter(fields: Fields) -> Adapter:
    none: Value[Any] = Known(None, None, "framework-default")
    no: Value[bool] = Known(False, None, "framework-default")
    return Adapter(
        span=fields.span("lora_r"),
        rank=fields.whole("lora_r", Known(16, None, "framework-default")),
        alpha=fields.number("lora_alpha", Known(32, None, "framework-default")),
        dropout=fields.number("lora_dropout", Known(0.05, None, "framework-default")),
        target_modules=_targets(fields),
        target_parameters=fields.names("lora_target_parameters", none),
        use_rslora=fields.flag("use_rslora", no),
        use_dora=fields.flag("use_dora", no),
        modules_to_save=fields.names("lora_modules_to_save", none),
        task_type=fields.text("lora_task_type", Known("CAUSAL_LM", None, "framework-default")),
        target_spans=fields.places("lora_target_modules"),
        keys=KEYS,
    )


def _targets(fields: Fields) -> Value[Any]:
    """A list of one is handed to PEFT as a string, which is a regex (ModelConfig.__post_init__)."""
    found = fields.names("lora_target_modules", Known(None, None, "framework-default"))
    if isinstance(found, Known) and isinstance(found.value, str):
        return Known(found.value, found.span)
    if isinstance(found, Known) and found.value is not None and len(found.value) == 1:
        return Known(found.value[0], found.span)
    return found


def _model(fields: Fields) -> BaseModel:
    quantization: Value[str | None] = Known(None, None, "framework-default")
    for key, kind in (("load_in_4bit", "4bit"), ("load_in_8bit", "8bit")):
        flag = fields.flag(key)
        if isinstance(flag, Known) and flag.value:
            quantization = Known(kind, flag.span)
    task = known(fields.text("lora_task_type"))
    loader = "AutoModelForSequenceClassification" if task == "SEQ_CLS" else "AutoModelForCausalLM"
    dtype = fields.text("dtype") if fields.has("dtype") else fields.text("torch_dtype")
    return BaseModel(fields.text("model_name_or_path"), loader, quantization, dtype)


def _dataset(fields: Fields) -> Dataset:
    from lora_lint.knowledge.datasets import size_of

    name = fields.text("dataset_name")
    if not isinstance(name, Known):
        where = fields.span("dataset_mixer") if fields.has("dataset_mixer") else None
        return Dataset(name, Unknown("the data is a mixture", where) if where else name)
    split = known(fields.text("dataset_train_split", Known("train"))) or ""
    config = known(fields.text("dataset_config"))
    size = size_of(name.value, split, config)
    if size is None:
        return Dataset(name, Unknown(f"the size of {name.value} is not known", name.span))
    return Dataset(name, Known(size, name.span, "derived"), f"the {split} split of {name.value}")


def _training(fields: Fields) -> Training:
    """The learning rate's default differs from trainer to trainer, and the file does not say which one is called."""
    method: Method = "unknown"
    for keys, kind in ((_RL, "rl"), (_PREFERENCE, "preference"), (_SUPERVISED, "supervised")):
        if any(fields.has(key) for key in keys):
            method = kind  # type: ignore[assignment]
            break
    return Training(
        "TRL",
        method,
        fields.text("optim", Known("adamw_torch_fused", None, "framework-default")),
        fields.number("learning_rate"),
        fields.number("num_train_epochs", Known(3.0, None, "framework-default")),
        fields.whole("max_steps", Known(-1, None, "framework-default")),
        fields.whole("per_device_train_batch_size", Known(8, None, "framework-default")),
        fields.whole("gradient_accumulation_steps", Known(1, None, "framework-default")),
        fields.span("learning_rate"),
    )
