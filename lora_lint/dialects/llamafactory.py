"""LLaMA-Factory: `finetuning_type: lora`.

Source: LLaMA-Factory 0.9.5, hparams/{finetuning_args,model_args,data_args}.py, model/adapter.py and
model/model_utils/{misc,visual}.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.dialects.fields import Fields, given
from lora_lint.knowledge import schemas
from lora_lint.run import (
    ABSENT,
    Adapter,
    BaseModel,
    Dataset,
    Event,
    Known,
    Reading,
    Run,
    Training,
    Unknown,
    known,
)

if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run import InvalidValue, Method, UnknownKey, Value

NAME = "llamafactory"
KEYS = {
    "rank": "lora_rank",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "target_modules": "lora_target",
    "modules_to_save": "additional_target",
    "use_rslora": "use_rslora",
    "use_dora": "use_dora",
    "init_lora_weights": "pissa_init",
}
_SYNONYMS = {"lora_r": "lora_rank", "lora_target_modules": "lora_target", "lr": "learning_rate"}
_STAGES: dict[str, Method] = {
    "pt": "supervised",
    "sft": "supervised",
    "rm": "preference",
    "dpo": "preference",
    "kto": "preference",
    "ppo": "rl",
}
_TOWERS = (
    r"(?:.*\.)?(?:vision\w*|visual|audio\w*|multi_modal_projector|mm_projector|connector|perceiver|resampler)(?:\..*)?"
)
"""What `lora_target: all` leaves out while the vision tower and the projector are frozen, as they are by default."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a LLaMA-Factory file."""
    return document.entry("finetuning_type") is not None


def read(document: Mapping, project: Project) -> Reading:  # noqa: ARG001
    """The run of a file, if it trains LoRA: not those that chat with an adapter, serve it or merge it."""
    fields = Fields(document)
    if known(fields.text("finetuning_type")) != "lora" or not fields.has("model_name_or_path"):
        return Reading()
    if not _trains(fields):
        return Reading()
    span = fields.span("finetuning_type")
    resumed = fields.has("adapter_name_or_path") and known(fields.flag("create_new_adapter")) is not True
    settings = _adapter(fields, resumed)
    start = Event("load", fields.span("model_name_or_path"))
    if resumed:
        put_on = Event("load-adapter", fields.span("adapter_name_or_path"), trainable=Known(True))
    else:
        put_on = Event("wrap", span)
    problems: tuple[UnknownKey | InvalidValue, ...] = (
        *schemas.unknown_keys(
            NAME,
            document,
            "LLaMA-Factory",
            "stops LLaMA-Factory with a ValueError",
            synonyms=_SYNONYMS,
            only_near=schemas.keys(NAME),
        ),
        *schemas.invalid_values(NAME, document, "LLaMA-Factory"),
    )
    run = Run(
        NAME,
        span,
        settings,
        _model(fields),
        _dataset(fields),
        _training(fields),
        (start, put_on, Event("train", span)),
        problems,
        trained=True,
    )
    return Reading((run,))


def _trains(fields: Fields) -> bool:
    if fields.has("do_train"):
        return known(fields.flag("do_train")) is not False
    idle = ("export_dir", "infer_backend", "do_predict", "do_eval", "eval_dataset")
    return fields.has("lora_rank") and not any(fields.has(key) for key in idle)


def _adapter(fields: Fields, resumed: bool) -> Adapter:
    rank = fields.whole("lora_rank", Known(8, None, "framework-default"))
    none: Value[Any] = Known(None, None, "framework-default")
    no: Value[bool] = Known(False, None, "framework-default")
    pissa = fields.flag("pissa_init", no)
    every: Value[Any] = Known("all", None, "framework-default")
    targets = fields.commas("lora_target", every)
    exclude: Value[Any] = none
    if isinstance(targets, Known) and targets.value in ("all", ("all",)):
        targets = Known("all-linear", targets.span, targets.origin)
        exclude = Known(_TOWERS, None, "framework-default")
        if any(known(fields.flag(key)) is False for key in ("freeze_vision_tower", "freeze_multi_modal_projector")):
            exclude = Unknown("it depends on what is frozen")
    values: dict[str, Value[Any]] = {
        "rank": rank,
        "alpha": _alpha(fields, rank),
        "dropout": fields.number("lora_dropout", Known(0.0, None, "framework-default")),
        "target_modules": targets,
        "exclude_modules": exclude,
        "use_rslora": fields.flag("use_rslora", no),
        "use_dora": fields.flag("use_dora", no),
        "modules_to_save": fields.commas("additional_target", none),
        "init_lora_weights": Known("pissa" if known(pissa) else True, None, "derived"),
        "task_type": Known("CAUSAL_LM", None, "framework-default"),
    }
    if known(fields.flag("use_llama_pro")):
        values["target_modules"] = Unknown("LLaMA Pro adapts its new blocks alone", fields.span("use_llama_pro"))
    if resumed:
        values = {name: given(value) for name, value in values.items()}
    return Adapter(span=fields.span("lora_rank"), **values, target_spans=fields.places("lora_target"), keys=KEYS)


def _alpha(fields: Fields, rank: Value[int]) -> Value[float]:
    """Twice the rank where it is not given."""
    alpha = fields.number("lora_alpha")
    if alpha is not ABSENT:
        return alpha
    return Known(2 * rank.value, None, "framework-default") if isinstance(rank, Known) else rank


def _model(fields: Fields) -> BaseModel:
    quantization: Value[str | None] = Known(None, None, "framework-default")
    bits = fields.whole("quantization_bit")
    if isinstance(bits, Known):
        quantization = Known(f"{bits.value}bit", bits.span)
    elif bits is not ABSENT:
        quantization = Unknown("it is filled in when the run starts", fields.span("quantization_bit"))
    loader = "FastLanguageModel" if known(fields.flag("use_unsloth")) else None
    return BaseModel(fields.text("model_name_or_path"), loader, quantization)


def _dataset(fields: Fields) -> Dataset:
    """The data is registered under names of the project's own: only a cap on each tells the size."""
    names = fields.commas("dataset")
    cap = fields.whole("max_samples")
    name: Value[str] = ABSENT
    if isinstance(names, Known):
        name = Known(", ".join(names.value), names.span)
    if not isinstance(names, Known) or not isinstance(cap, Known):
        return Dataset(name, Unknown("LLaMA-Factory's dataset names are not followed", getattr(names, "span", None)))
    number = len(names.value)
    how = "the cap max_samples" if number == 1 else f"the cap max_samples for each of {number} datasets"
    return Dataset(name, Known(cap.value * number, cap.span, "derived"), how)


def _training(fields: Fields) -> Training:
    """The defaults are those of transformers' Seq2SeqTrainingArguments (5.23)."""
    stage = known(fields.text("stage", Known("sft", None, "framework-default")))
    return Training(
        "LLaMA-Factory",
        _STAGES.get(stage or "", "unknown"),
        fields.text("optim", Known("adamw_torch_fused", None, "framework-default")),
        fields.number("learning_rate", Known(5e-5, None, "framework-default")),
        fields.number("num_train_epochs", Known(3.0, None, "framework-default")),
        fields.whole("max_steps", Known(-1, None, "framework-default")),
        fields.whole("per_device_train_batch_size", Known(8, None, "framework-default")),
        fields.whole("gradient_accumulation_steps", Known(1, None, "framework-default")),
        fields.span("learning_rate"),
    )
