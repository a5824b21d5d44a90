"""Search spaces: Optuna, Ray Tune, W&B sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter import calls
from lora_lint.interpreter.values import (
    Arguments,
    Const,
    DictVal,
    Function,
    Instance,
    ListVal,
    Object,
    Opaque,
    Space,
    Val,
)

if TYPE_CHECKING:
    from lora_lint.dialects.python.context import Context
    from lora_lint.source import Span


def _space(options: Val | None, kind: str, span: Span) -> Val:
    items = options.items if isinstance(options, ListVal) and not options.open else []
    constants = tuple(item for item in items if isinstance(item, Const))
    if not constants or len(constants) != len(items):
        return Opaque(f"the options of the {kind} are not known", span)
    if len(constants) == 1:
        return constants[0]
    return Space(constants, object(), kind, span)


def _ends(low: Val | None, high: Val | None, kind: str, span: Span) -> Val:
    """A range, represented by its ends."""
    if isinstance(low, Const) and isinstance(high, Const) and isinstance(low.value, int | float):
        return Space((low, high), object(), kind, span) if low.value != high.value else low
    return Opaque(f"the range of the {kind} is not known", span)


def suggest(name: str, arguments: Arguments, span: Span) -> Val | None:
    """`trial.suggest_categorical("r", [8, 16])` and its siblings."""
    if name == "suggest_categorical":
        return _space(arguments.get("choices", 1), "Optuna study", span)
    if name in ("suggest_int", "suggest_float", "suggest_loguniform", "suggest_uniform"):
        return _ends(arguments.get("low", 1), arguments.get("high", 2), "Optuna study", span)
    return None


def ray(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`tune.choice([...])`, `tune.grid_search([...])`, ranges; `tune.run` and `Tuner` start the function."""
    short = name.rpartition(".")[2]
    if short in ("choice", "grid_search"):
        return _space(arguments.get("categories", 0) or arguments.get("values", 0), "Ray Tune search", span)
    if short in ("randint", "uniform", "loguniform", "lograndint", "qrandint", "quniform"):
        return _ends(arguments.get("lower", 0), arguments.get("upper", 1), "Ray Tune search", span)
    if short in ("run", "Tuner"):
        function = arguments.get("run_or_experiment", 0) or arguments.get("trainable", 0)
        config = arguments.get("config") or arguments.get("param_space") or Opaque("no search space is given", span)
        if isinstance(function, Object) and function.arguments.positional:
            function = function.arguments.positional[0]
        if isinstance(function, Function):
            calls.call_function(context.machine, function, Arguments([config], {}, {}), span)
        return Object(name, arguments, span)
    return None


def wandb_sweep(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`wandb.sweep({...})`: its parameters are what `wandb.config` gives from then on."""
    sweep = arguments.get("sweep", 0)
    parameters = sweep.items.get("parameters") if isinstance(sweep, DictVal) else None
    if isinstance(parameters, DictVal):
        context.records.wandb_space = {str(key): _parameter(value, span) for key, value in parameters.items.items()}
    return Object(name, arguments, span)


def _parameter(value: Val, span: Span) -> Val:
    if isinstance(value, DictVal):
        if "values" in value.items:
            return _space(value.items["values"], "W&B sweep", value.span or span)
        if "value" in value.items:
            return value.items["value"]
        if "min" in value.items:
            return _ends(value.items.get("min"), value.items.get("max"), "W&B sweep", value.span or span)
    return Opaque("the W&B sweep sets it", span)


def wandb_config(context: Context, span: Span) -> Val:
    """`wandb.config` (and `wandb.init().config`)."""
    return Instance(None, dict(context.records.wandb_space), open_=True)


def wandb_init(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    made = Object("wandb.init", arguments, span)
    config = arguments.get("config")
    if context.records.wandb_space:
        made.attributes["config"] = wandb_config(context, span)
    elif isinstance(config, DictVal):
        made.attributes["config"] = Instance(None, dict(config.items), open_=config.open)
    elif isinstance(config, Instance):
        made.attributes["config"] = config
    return made


def agent(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`wandb.agent(sweep_id, function=train)` and `study.optimize(objective)` call a function."""
    function = arguments.get("function", 1) or arguments.get("func", 0)
    if isinstance(function, Function):
        trial = Object("optuna.trial", Arguments([], {}, {}), span)
        given = [trial] if name == "optimize" else []
        calls.call_function(context.machine, function, Arguments([*given], {}, {}), span)
    return Const(None, span)
