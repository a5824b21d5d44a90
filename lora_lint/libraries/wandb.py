"""Weights & Biases: sweeps, and the config of a run in one."""

from __future__ import annotations

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.values import NO_ARGUMENTS, Arguments, Const, DictVal, Object, Opaque, Val
from lora_lint.libraries.spaces import ends_of, is_callable, space_of
from lora_lint.run.run import SweepKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def sweep(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`wandb.sweep({...})`: from then on its parameters are the content of `wandb.config`."""
    given = arguments.get("sweep", 0)
    parameters = given.items.get("parameters") if isinstance(given, DictVal) else None
    if isinstance(parameters, DictVal):
        context.records.search({str(key): _parameter(value, span) for key, value in parameters.items.items()})
    return Object(name, arguments, span)


def _parameter(value: Val, span: Span) -> Val:
    if isinstance(value, DictVal):
        if "values" in value.items:
            return space_of(value.items["values"], SweepKind.WANDB, value.span or span)
        if "value" in value.items:
            return value.items["value"]
        if "min" in value.items:
            return ends_of(value.items.get("min"), value.items.get("max"), SweepKind.WANDB, value.span or span)
    return Opaque("the W&B sweep sets it", span)


def swept_config(context: Context, span: Span) -> Val:
    """`wandb.config` (and `wandb.init().config`); in a program that a sweep starts, the sweep's values."""
    settings = context.records.wandb_space or context.records.given
    if not settings and context.records.wandb_config is not None:
        return context.records.wandb_config
    return Instance(None, dict(settings or {}), open_=True)


def init(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`wandb.init(config=…)`: a run, with its config."""
    config = arguments.get("config")
    attributes: dict[str, Val] = {}
    if context.records.wandb_space or (context.records.given and not isinstance(config, DictVal | Instance)):
        attributes["config"] = swept_config(context, span)
    elif isinstance(config, DictVal):
        items = {key: _overridden(value) for key, value in config.items.items()}
        attributes["config"] = Instance(None, items, open_=config.open)
    elif isinstance(config, Instance):
        attributes["config"] = config
    used = attributes.get("config")
    if isinstance(used, Instance):
        context.records.configure(used)
    return Object("wandb.init", arguments, span, None, attributes)


def _overridden(value: Val) -> Val:
    """A number of the config, which is a default where an agent starts the program. What a sweep does not vary, words
    and switches, keeps the branches that it chooses."""
    number = isinstance(value, Const) and type(value.value) in (int, float)
    return value.overridable() if number else value


def agent(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`wandb.agent(sweep_id, function=train)` calls a function."""
    function = arguments.get("function", 1)
    if function is not None and is_callable(function):
        context.machine.call(function, NO_ARGUMENTS, span)
    return Const(None, span)


CALLS: dict[str, Handler] = {"sweep": sweep, "init": init, "agent": agent}
