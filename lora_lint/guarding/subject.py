"""The objects of a training: what a user hands over, without the wrappers that launchers put around it."""

from __future__ import annotations

from typing import Any

from lora_lint.records import dataclass, replace

_WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DistributedDataParallel": "module",
    "DataParallel": "module",
    "FullyShardedDataParallel": "module",
    "DeepSpeedEngine": "module",
    "PipelineEngine": "module",
}
"""The classes that launchers put around a model, and where they keep it (torch 2.13, accelerate 1.15,
utils/other.py)."""


@dataclass(frozen=True)
class Subject:
    """A training that is to be judged. `model` carries the adapters; `arguments` are transformers' or TRL's,
    `trainer` the name of the class that trains, None for a loop of the program's own."""

    model: Any
    optimizers: tuple[Any, ...] = ()
    trainer: str | None = None
    arguments: Any = None
    tokenizer: Any = None
    dataset: Any = None


class NoAdapterError(TypeError):
    """What was handed over holds no model with an adapter of PEFT."""


def subject_of(target: Any, optimizer: Any = None) -> Subject:
    """What is to be judged of a model, a trainer, or a tuple of a model and its optimizer. Raises NoAdapterError."""
    if isinstance(target, tuple) and len(target) == 2:
        target, optimizer = target
    if _is_lightning(target):
        return _of_model(target.lightning_module, tuple(target.optimizers), "Lightning's Trainer")
    if _is_trainer(target):
        found = _of_model(target.model, _as_tuple(optimizer or target.optimizer), None)
        return replace(
            found,
            trainer=trainer_name(type(target)),
            arguments=target.args,
            tokenizer=getattr(target, "processing_class", None) or getattr(target, "tokenizer", None),
            dataset=getattr(target, "train_dataset", None),
        )
    return _of_model(target, _as_tuple(optimizer), None)


def trainer_name(kind: type) -> str:
    """The name of a trainer's class as its library has it: that of the nearest parent that a user did not write."""
    for parent in kind.__mro__:
        if parent.__module__.partition(".")[0] in ("transformers", "trl"):
            return parent.__name__
    return kind.__name__


def trainer_of_arguments(kind: type) -> str:
    """The trainer that takes arguments of a class: SFTTrainer for TRL's SFTConfig."""
    name = trainer_name(kind)
    return {"TrainingArguments": "Trainer", "Seq2SeqTrainingArguments": "Seq2SeqTrainer"}.get(
        name, name.replace("Config", "Trainer")
    )


def bare(model: Any) -> Any:
    """A model without the wrappers of accelerate, DDP, FSDP, DeepSpeed and `torch.compile`."""
    while (inside := _inside(model)) is not None:
        model = inside
    return model


def bare_optimizer(optimizer: Any) -> Any:
    """An optimizer without the wrappers of accelerate and DeepSpeed."""
    while not hasattr(type(optimizer), "add_param_group") and hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    while type(optimizer).__name__ == "AcceleratedOptimizer":
        optimizer = optimizer.optimizer
    return optimizer


def _inside(model: Any) -> Any:
    for kind in type(model).__mro__:
        attribute = _WRAPPERS.get(kind.__name__)
        if attribute is not None and hasattr(model, attribute):
            return getattr(model, attribute)
    return None


def _of_model(model: Any, optimizers: tuple[Any, ...], trainer: str | None) -> Subject:
    model = bare(model)
    carrier = _carrier(model)
    if carrier is None:
        raise NoAdapterError(
            f"{type(model).__name__} has no adapter of PEFT: give the model after `get_peft_model` (or `add_adapter`, "
            "`inject_adapter_in_model`), a trainer, or a tuple of the model and its optimizer"
        )
    return Subject(carrier, tuple(map(bare_optimizer, optimizers)), trainer)


def _carrier(model: Any) -> Any:
    """The model with the adapters: the object itself, or a part of a LightningModule or of a trainer's model (a value
    head); None if there is none."""
    if isinstance(getattr(model, "peft_config", None), dict):
        return model
    for _, module in getattr(model, "named_modules", dict)():
        if isinstance(module.__dict__.get("peft_config"), dict):
            return module
    return None


def _as_tuple(optimizer: Any) -> tuple[Any, ...]:
    if optimizer is None:
        return ()
    return tuple(optimizer) if isinstance(optimizer, (list, tuple)) else (optimizer,)


def _is_trainer(target: Any) -> bool:
    """Whether an object is transformers' Trainer or one that looks like it."""
    return hasattr(target, "args") and hasattr(target, "model") and hasattr(target, "train")


def _is_lightning(target: Any) -> bool:
    """Whether an object is Lightning's Trainer."""
    return hasattr(target, "lightning_module") and hasattr(target, "optimizers")
