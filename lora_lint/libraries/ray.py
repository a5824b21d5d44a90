"""Ray: search spaces of Tune, and what starts the function that trains or is searched with."""

from __future__ import annotations

from lora_lint.interpreter import standard
from lora_lint.interpreter.values import Arguments, Const, DictVal, Object, Opaque, Val
from lora_lint.libraries.spaces import ends_of, is_callable, space_of
from lora_lint.run.run import SweepKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def choice(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`tune.choice([...])`, `tune.grid_search([...])`"""
    return space_of(arguments.get("categories", 0) or arguments.get("values", 0), SweepKind.RAY, span)


def between(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`tune.uniform(low, high)` and other ranges."""
    return ends_of(arguments.get("lower", 0), arguments.get("upper", 1), SweepKind.RAY, span)


def below(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`tune.randint(low, high)`, which never gives `high` itself (ray 2, tune/search/sample.py)."""
    upper = arguments.get("upper", 1)
    if isinstance(upper, Const) and type(upper.value) is int:
        upper = Const(upper.value - 1, upper.span, "derived")
    return ends_of(arguments.get("lower", 0), upper, SweepKind.RAY, span)


def sample_from(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    return Opaque("a function of the search sets it", span)


def with_resources(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    return arguments.get("trainable", 0)


def with_parameters(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`tune.with_parameters(train, data=…)`: the function with some arguments already given."""
    function = arguments.positional[:1]
    return standard.partial(context.machine, Arguments(function, arguments.keywords, {}), span) if function else None


def run(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`tune.run(train, config=…)`, `Tuner(train, param_space=…)`: starts the function."""
    function = arguments.get("run_or_experiment", 0) or arguments.get("trainable", 0)
    config = arguments.get("config") or arguments.get("param_space") or Opaque("no search space is given", span)
    if isinstance(function, Object) and function.callee.endswith("Trainer"):
        function, config = _of_trainer(function, config)
    if function is not None and is_callable(function):
        context.machine.call(function, Arguments([config], {}, {}), span)
    return Object(name, arguments, span)


def trainer(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`TorchTrainer(loop, train_loop_config={…})`, which `fit` or a search starts; it holds no model."""
    return Object(name, arguments, span)


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`TorchTrainer(loop, train_loop_config={…}).fit()`: each worker runs the loop."""
    loop, config = owner.arguments.get("train_loop_per_worker", 0), owner.arguments.get("train_loop_config")
    if name != "fit" or loop is None or not is_callable(loop):
        return None
    context.machine.call(loop, Arguments([config] if config is not None else [], {}, {}), span)
    return Object("ray.train.Result", arguments, span)


def _of_trainer(trainer: Object, space: Val) -> tuple[Val | None, Val]:
    """A Ray trainer's loop and config; the search space replaces the settings that it names (ray 2,
    train/base_trainer.py: `train_loop_config`)."""
    given = trainer.arguments
    config = given.get("train_loop_config")
    searched = space.items.get("train_loop_config") if isinstance(space, DictVal) else None
    if isinstance(config, DictVal) and isinstance(searched, DictVal):
        config = DictVal({**config.items, **searched.items}, config.span, config.open or searched.open)
    return given.get("train_loop_per_worker", 0), config or searched or Opaque("no config is given")


CALLS: dict[str, Handler] = {
    **dict.fromkeys(("choice", "grid_search"), choice),
    **dict.fromkeys(("uniform", "loguniform", "qrandint", "quniform"), between),
    **dict.fromkeys(("randint", "lograndint"), below),
    "sample_from": sample_from,
    "with_resources": with_resources,
    "with_parameters": with_parameters,
    **dict.fromkeys(("run", "Tuner"), run),
    "TorchTrainer": trainer,
}
