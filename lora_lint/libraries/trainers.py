"""Trainers, their argument classes, optimizers and training loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.values import Arguments, Const, DictVal, Either, ListVal, Member, Object, Opaque, Val, either
from lora_lint.libraries.context import Context, config_of, nothing, view_of
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import ModelView, Part, TrainingRecord
from lora_lint.libraries.peft import saved
from lora_lint.libraries.transformers import trained_by
from lora_lint.run.events import MakeOptimizer, MakeOtherOptimizer, Train

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.run.run import Method
    from lora_lint.source import Span

METHODS: dict[str, Method] = {
    "SFTTrainer": "supervised",
    "Seq2SeqTrainer": "supervised",
    "Trainer": "supervised",
    **dict.fromkeys(
        ("DPOTrainer", "KTOTrainer", "ORPOTrainer", "CPOTrainer", "IPOTrainer", "BCOTrainer"), "preference"
    ),
    **dict.fromkeys(("RewardTrainer", "PRMTrainer", "XPOTrainer", "NashMDTrainer", "OnlineDPOTrainer"), "preference"),
    **dict.fromkeys(
        ("PPOTrainer", "PPOv2Trainer", "GRPOTrainer", "RLOOTrainer", "DDPOTrainer", "AlignPropTrainer"), "rl"
    ),
}

_LOADERS = {"RewardTrainer": "AutoModelForSequenceClassification"}
"""What loads a model that a trainer is given by its name, where it is another head (TRL 1.16, reward_trainer.py)."""


def method_of(trainer: str) -> Method:
    """What kind of training a trainer class does, from its name."""
    name = trainer.rpartition(".")[2]
    if name in METHODS:
        return METHODS[name]
    upper = name.upper()
    if any(word in upper for word in ("PPO", "GRPO", "RLOO", "DAPO", "REINFORCE")):
        return "rl"
    if any(word in upper for word in ("DPO", "KTO", "ORPO", "SIMPO", "CPO", "REWARD", "PREFERENCE")):
        return "preference"
    return "supervised" if "SFT" in upper else "unknown"


def trainer(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`…Trainer(model=…, args=…, train_dataset=…, peft_config=…)`."""
    short = name.rpartition(".")[2]
    model = arguments.get("model", 0)
    config = arguments.get("peft_config") or arguments.get("lora_config")
    if config is None:
        config = next((value for value in arguments.positional[1:] if config_of(value) is not None), None)
    given = arguments.get("args") or arguments.get("training_args") or arguments.get("config")
    if not isinstance(given, Object):
        given = next((v for v in arguments.positional[1:] if isinstance(v, Object) and is_arguments(v.callee)), None)
    dataset = arguments.get("train_dataset") or arguments.get("dataset")
    if dataset is None and isinstance(arguments.keywords.get("train_dataset"), type(None)):
        dataset = next((v for v in arguments.positional[2:] if isinstance(v, Object) and v.data is not None), None)
    record = TrainingRecord(
        *(short, method_of(short), span, given if isinstance(given, Object) else None, dataset),
        values=_own_optimizer(arguments.get("optimizers"), span),
        conditions=tuple(context.machine.conditions),
    )
    name_ = text_of(model)
    if name_ is not None and isinstance(model, Const):
        model = context.model(span, short, arguments, model, _LOADERS.get(short, "AutoModelForCausalLM"))
    if isinstance(config, Either | Object) and (config_of(config) is not None or isinstance(config, Either)):
        model = context.wrap(model, config, span)
    trained_by(context, model, record)
    return Object(name, arguments, span, record, {} if model is None else {"model": model})


def _own_optimizer(given: Val | None, span: Span) -> dict[str, Val]:
    """The optimizer and the rate of `optimizers=(optimizer, scheduler)`: the trainer's arguments do not count then."""
    first = given.items[0] if isinstance(given, ListVal) and given.items else given
    if first is None or (isinstance(first, Const) and first.value is None):
        return {}
    why = Opaque("the trainer is given an optimizer", span)
    made = first.data.values if isinstance(first, Object) and isinstance(first.data, TrainingRecord) else {}
    return {"optimizer": made.get("optimizer", why), "learning_rate": made.get("learning_rate", why)}


def trainer_method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`.train()` starts training on the trainer's model."""
    if name in ("train", "step", "fit", "finetune"):
        model = owner.attributes.get("model")
        for option in model.options if isinstance(model, Either) else (model,):
            view = view_of(option)
            if view is not None:
                context.happen(view.record, Train(span))
        return Object("training output", arguments, span)
    if name == "save_model" and isinstance(owner.data, TrainingRecord) and owner.data.trainer in METHODS:
        view = view_of(owner.attributes.get("model"))
        if view is not None:
            saved(context, view, Arguments([], {}, {}), span)
        return nothing(span)
    if name in ("save_model", "save_state", "evaluate", "add_callback", "log_metrics", "push_to_hub"):
        return nothing(span)
    return None


def is_arguments(name: str) -> bool:
    """Whether a class holds training arguments, by its name."""
    short = name.rpartition(".")[2]
    return short.endswith("TrainingArguments") or short in (
        *("SFTConfig", "DPOConfig", "KTOConfig", "ORPOConfig", "CPOConfig", "BCOConfig", "RewardConfig", "PPOConfig"),
        *("PPOv2Config", "GRPOConfig", "RLOOConfig", "OnlineDPOConfig", "NashMDConfig", "XPOConfig", "PRMConfig"),
        *("UnslothTrainingArguments", "DDPOConfig", "AlignPropConfig", "GKDConfig", "IterativeSFTConfig"),
    )


def optimizer(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """An optimizer made by hand on a model's parameters: the start of a training loop."""
    views = _models_behind(arguments.get("params", 0) or arguments.get("model", 0))
    values: dict[str, Val] = {"optimizer": Const(name.rpartition(".")[2].lower(), span)}
    rate = arguments.get("lr", 1)
    if rate is not None:
        values["learning_rate"] = rate
    conditions = tuple(context.machine.conditions)
    training = TrainingRecord("a training loop", "unknown", span, values=values, conditions=conditions, by_hand=True)
    if views is None:  # it may be of any model
        for record in {id(each): each for each in context.records.all_models()}.values():
            context.happen(record, MakeOptimizer(span))
        return Object(name, arguments, span, training)
    own = {id(view.record): view.record for view in views}
    for record in own.values():
        context.happen(record, MakeOptimizer(span))
        context.trains(record, training)
    for record in {id(each): each for each in context.records.all_models() if own and id(each) not in own}.values():
        context.happen(record, MakeOtherOptimizer(span))
    models = (Object("model", Arguments([], {}, {}), span, view) for view in views)
    return Object(name, arguments, span, training, {"model": either(models)} if views else {})


def _models_behind(value: Val | None) -> list[ModelView] | None:
    """The models whose parameters an optimizer gets: directly, filtered, chained, or in parameter groups. None where
    nothing tells whose they are."""
    view = view_of(value)
    if view is not None:
        return [view]
    if isinstance(value, Member):
        return _models_behind(value.path()[0])
    if isinstance(value, DictVal):
        return _models_behind(value.items.get("params"))
    parts: Iterable[Val]
    if isinstance(value, Either):
        parts = value.options
    elif isinstance(value, ListVal):
        parts = value.items
    elif isinstance(value, Object) and isinstance(value.data, Part):
        return [ModelView(value.data.record, wrapped=True)]
    elif isinstance(value, Object) and isinstance(value.data, Instance):
        return [view for each in value.data.attributes.values() if (view := view_of(each)) is not None]
    elif isinstance(value, Object) and value.callee.startswith("torch.nn."):
        return []
    elif isinstance(value, Object):
        parts = value.arguments.positional
    else:
        return None
    found = [_models_behind(each) for each in parts]
    if not any(found) and (None in found or not found):
        return None
    return [view for views in found for view in views or ()]


def accelerate_method(name: str, arguments: Arguments, span: Span) -> Val | None:
    """`accelerator.prepare(model, optimizer, …)` returns what it is given."""
    if name == "prepare" and arguments.positional:
        if len(arguments.positional) == 1:
            return arguments.positional[0]
        return ListVal(list(arguments.positional), span, "tuple", arguments.open)
    if name in ("unwrap_model", "prepare_model") and arguments.positional:
        return arguments.positional[0]
    return None


def deepspeed(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`deepspeed.initialize(model=…)`: the engine stands for the model."""
    model = arguments.get("model", 1) or Opaque("the model is not given", span)
    rest: list[Val] = [Opaque("deepspeed makes it", span) for _ in range(3)]
    return ListVal([model, *rest], span, "tuple")
