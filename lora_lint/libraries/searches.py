"""Search spaces: Optuna, Ray Tune, W&B sweeps."""

from __future__ import annotations

from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING

from lora_lint.interpreter import standard
from lora_lint.interpreter.definitions import Function, Instance
from lora_lint.interpreter.values import (
    NO_ARGUMENTS,
    Arguments,
    Const,
    DictVal,
    ListVal,
    Native,
    Object,
    Opaque,
    Space,
    Val,
    either,
)
from lora_lint.libraries.convert import text_of
from lora_lint.run.run import SweepKind

if TYPE_CHECKING:
    from lora_lint.libraries.context import Context
    from lora_lint.source import Span

TRIAL = "optuna.trial"
MAX_GRID = 64


def _space(options: Val | None, kind: SweepKind, span: Span) -> Val:
    items = options.items if isinstance(options, ListVal) and not options.open else []
    constants = tuple(item for item in items if isinstance(item, Const))
    if not constants or len(constants) != len(items):
        return Opaque(f"the options of the {kind.phrase} are not known", span)
    if len(constants) == 1:
        return constants[0]
    return Space(constants, object(), kind, span)


def _ends(low: Val | None, high: Val | None, kind: SweepKind, span: Span) -> Val:
    """A range, represented by its ends."""
    if isinstance(low, Const) and isinstance(high, Const) and isinstance(low.value, int | float):
        return Space((low, high), object(), kind, span) if low.value != high.value else low
    return Opaque(f"the range of the {kind.phrase} is not known", span)


def suggest(name: str, arguments: Arguments, span: Span) -> Val | None:
    """`trial.suggest_categorical("r", [8, 16])` and its siblings."""
    if name == "suggest_categorical":
        return _space(arguments.get("choices", 1), SweepKind.OPTUNA, span)
    if name in ("suggest_int", "suggest_float", "suggest_loguniform", "suggest_uniform"):
        return _ends(arguments.get("low", 1), arguments.get("high", 2), SweepKind.OPTUNA, span)
    return None


def parametrized(function: Function, name: str) -> Val | None:
    """A parameter of a test that pytest calls with several values (`@pytest.mark.parametrize("r, alpha", […])`)."""
    for decorator in function.decorators:
        if not isinstance(decorator, Object) or decorator.callee != "pytest.mark.parametrize":
            continue
        listed, values = decorator.arguments.get("argnames", 0), decorator.arguments.get("argvalues", 1)
        texts = listed.items if isinstance(listed, ListVal) else [listed]
        names = [part.strip() for text in texts for part in (text_of(text) or "").split(",")]
        if name not in names or "indirect" in decorator.arguments.keywords:
            continue
        if not isinstance(values, ListVal) or values.open:
            return None
        return either(_of_case(case, names.index(name), len(names)) for case in values.items)
    return None


def _of_case(case: Val, at: int, count: int) -> Val:
    """One parameter of a case: `(8, 16)`, `pytest.param(8, 16, id="…")`, or the case itself."""
    parts = case.items if isinstance(case, ListVal) and count > 1 else None
    if isinstance(case, Object) and case.callee == "pytest.param":
        parts = case.arguments.positional
    elif count == 1:
        return case
    return parts[at] if parts is not None and at < len(parts) else Opaque("the case of the test is not known")


def trial() -> Object:
    """The trial that a study gives to its objective, which may also stand in another file than the study."""
    return Object(TRIAL, NO_ARGUMENTS, None, TRIAL)


def ray(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`tune.choice([...])`, `tune.grid_search([...])`, ranges; `tune.run` and `Tuner` start the function."""
    short = name.rpartition(".")[2]
    if short in ("choice", "grid_search"):
        return _space(arguments.get("categories", 0) or arguments.get("values", 0), SweepKind.RAY, span)
    if short in ("randint", "uniform", "loguniform", "lograndint", "qrandint", "quniform"):
        return _ends(arguments.get("lower", 0), arguments.get("upper", 1), SweepKind.RAY, span)
    if short == "sample_from":
        return Opaque("a function of the search gives it", span)
    if short == "with_resources":
        return arguments.get("trainable", 0)
    if short == "with_parameters" and arguments.positional:
        return standard.partial(context.machine, Arguments(arguments.positional[:1], arguments.keywords, {}), span)
    if short in ("run", "Tuner"):
        function = arguments.get("run_or_experiment", 0) or arguments.get("trainable", 0)
        config = arguments.get("config") or arguments.get("param_space") or Opaque("no search space is given", span)
        if isinstance(function, Object) and function.callee.endswith("Trainer"):
            function, config = _of_ray_trainer(function, config)
        if function is not None and _is_callable(function):
            context.machine.call(function, Arguments([config], {}, {}), span)
        return Object(name, arguments, span)
    return None


def _of_ray_trainer(trainer: Object, space: Val) -> tuple[Val | None, Val]:
    """The loop of a Ray trainer and its config, in which the search space replaces what it names
    (ray 2, train/base_trainer.py: `train_loop_config`)."""
    given = trainer.arguments
    config = given.get("train_loop_config")
    searched = space.items.get("train_loop_config") if isinstance(space, DictVal) else None
    if isinstance(config, DictVal) and isinstance(searched, DictVal):
        config = DictVal({**config.items, **searched.items}, config.span, config.open or searched.open)
    return given.get("train_loop_per_worker", 0), config or searched or Opaque("no config is given")


def _is_callable(value: Val) -> bool:
    return isinstance(value, Function | Native | Instance)


def parameter_grid(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """scikit-learn's `ParameterGrid({"r": [8, 16], "lr": [1e-4, 2e-4]})`: a dict for each combination."""
    grids = arguments.get("param_grid", 0)
    listed = grids.items if isinstance(grids, ListVal) and not grids.open else [grids]
    rows: list[Val] = []
    for grid in listed:
        if not isinstance(grid, DictVal) or grid.open:
            return Opaque("the grid is not known", span)
        columns = [column.items for column in grid.items.values() if isinstance(column, ListVal) and not column.open]
        if len(columns) < len(grid.items):
            return Opaque("the grid is not known", span)
        total = prod(map(len, columns))
        if total > MAX_GRID:
            detail = f"a grid has {total:,} combinations, of which {MAX_GRID} are followed"
            context.records.leave_unread("variants", detail)
        combinations = islice(product(*columns), MAX_GRID)
        rows += [DictVal(dict(zip(grid.items, combination, strict=True)), span) for combination in combinations]
    return ListVal(rows, span)


def wandb_sweep(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`wandb.sweep({...})`: its parameters are what `wandb.config` gives from then on."""
    sweep = arguments.get("sweep", 0)
    parameters = sweep.items.get("parameters") if isinstance(sweep, DictVal) else None
    if isinstance(parameters, DictVal):
        context.records.search({str(key): _parameter(value, span) for key, value in parameters.items.items()})
    return Object(name, arguments, span)


def _parameter(value: Val, span: Span) -> Val:
    if isinstance(value, DictVal):
        if "values" in value.items:
            return _space(value.items["values"], SweepKind.WANDB, value.span or span)
        if "value" in value.items:
            return value.items["value"]
        if "min" in value.items:
            return _ends(value.items.get("min"), value.items.get("max"), SweepKind.WANDB, value.span or span)
    return Opaque("the W&B sweep sets it", span)


def wandb_config(context: Context, span: Span) -> Val:
    """`wandb.config` (and `wandb.init().config`); in a program that a sweep starts, what that gives."""
    return Instance(None, dict(context.records.wandb_space or context.records.given or {}), open_=True)


def wandb_init(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    config = arguments.get("config")
    attributes: dict[str, Val] = {}
    if context.records.wandb_space or (context.records.given and not isinstance(config, DictVal | Instance)):
        attributes["config"] = wandb_config(context, span)
    elif isinstance(config, DictVal):
        attributes["config"] = Instance(None, dict(config.items), open_=config.open)
    elif isinstance(config, Instance):
        attributes["config"] = config
    return Object("wandb.init", arguments, span, None, attributes)


def agent(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`wandb.agent(sweep_id, function=train)` and `study.optimize(objective)` call a function."""
    optuna = name == "optimize"
    function = arguments.get("func", 0) if optuna else arguments.get("function", 1)
    if function is not None and _is_callable(function):
        context.machine.call(function, Arguments([trial()] if optuna else [], {}, {}), span)
    return Const(None, span)
