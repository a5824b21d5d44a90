"""Methods of the program's own trainers, callbacks and rewards, which a library's trainer calls with its arguments.

Source: transformers 4.45.2 to 5.23.0, trainer.py (training_step, _maybe_log_save_evaluate, _get_dataloader) and
trainer_callback.py (CallbackHandler.call_event); TRL 0.14.0 to 1.16.0, trainer/grpo_trainer.py and rloo_trainer.py
(_calculate_rewards).
"""

from __future__ import annotations

import ast

from lora_lint.interpreter.definitions import Class, Function, Instance
from lora_lint.interpreter.values import ListVal
from lora_lint.readers.python import own_nodes
from lora_lint.run.flaws import ClosedCallback, ClosedLoss, ClosedReward, OldMethod, SingleReward, UnfedReward
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.interpreter.values import Val
    from lora_lint.run.flaws import Flaw
    from lora_lint.run.versions import Version

_LATER: dict[str, tuple[str, int, Version]] = {
    "compute_loss": ("num_items_in_batch", 0, (4, 46, 0)),
    "training_step": ("num_items_in_batch", 3, (4, 46, 0)),
    "log": ("start_time", 2, (4, 47, 0)),
}
"""What newer releases give to methods of a Trainer: the parameter, its place after `self` (0: by its name) and the
first release that does."""
_EVENTS = frozenset(
    "on_train_begin on_train_end on_epoch_begin on_epoch_end on_step_begin on_step_end on_substep_end on_log on_save "
    "on_evaluate on_optimizer_step on_pre_optimizer_step".split()
)
_TO_CALLBACKS = frozenset({"model", "optimizer", "lr_scheduler", "train_dataloader", "eval_dataloader"})
"""The keywords that each event of a callback gets, in all releases."""
_REWARDING = ("GRPOTrainer", "RLOOTrainer")
_TO_REWARDS: dict[str, Version | None] = {"prompts": None, "completions": None, "completion_ids": (0, 18, 0)}
"""The keywords that each reward function gets, and the first release that gives them, if not all do."""
_FURTHER = frozenset({"trainer_state", "log_extra", "log_metric", "environments"})
"""Those that only some releases give."""
_NUMBERS = frozenset({"float", "int", "len", "sum", "min", "max", "abs"})
"""Functions that return one number."""


def old_methods(own: Class, call: Span) -> Iterator[OldMethod]:
    """The methods of a trainer of the program that newer releases call with more than they take."""
    if not any(base.name.startswith(("transformers.", "trl.")) for base in own.external_bases()):
        return
    for name, (lacks, place, since) in _LATER.items():
        method = own.lookup(name)
        if isinstance(method, Function) and not _takes(method, lacks, place) and _is_called(own, name):
            yield OldMethod(f"{own.node.name}.{name}", lacks, since, _head(method, call))


def _is_called(own: Class, name: str) -> bool:
    """Whether the library calls a method: not where a step of the program's own does."""
    step = own.lookup("training_step")
    return name != "compute_loss" or not isinstance(step, Function) or b"super()" in step.text()


def _takes(method: Function, parameter: str, place: int) -> bool:
    """Whether a method takes one more argument, by name or by place."""
    node, given = method.node, method.node.args
    if getattr(node, "decorator_list", None):
        return True
    if place:
        return given.vararg is not None or len(given.posonlyargs) + len(given.args) > place
    return given.kwarg is not None or parameter in {each.arg for each in (*given.args, *given.kwonlyargs)}


def closed_callbacks(callbacks: Val | None, call: Span) -> Iterator[ClosedCallback]:
    """The methods of a trainer's callbacks that do not take all that each event gets."""
    for each in callbacks.items if isinstance(callbacks, ListVal) else ():
        own = each if isinstance(each, Class) else getattr(each, "class_", None) if isinstance(each, Instance) else None
        if not isinstance(own, Class) or not any(_is_callback(base.name) for base in own.external_bases()):
            continue
        for name in sorted(_EVENTS):
            method = own.lookup(name)
            if isinstance(method, Function) and not _takes_all(method, _TO_CALLBACKS):
                yield ClosedCallback(f"{own.node.name}.{name}", _head(method, call))


def _is_callback(base: str) -> bool:
    return base.startswith("transformers.") and base.endswith("TrainerCallback")


def _takes_all(function: Function, keywords: frozenset[str]) -> bool:
    given = function.node.args
    if given.kwarg is not None or getattr(function.node, "decorator_list", None):
        return True
    return keywords <= {each.arg for each in (*given.args, *given.kwonlyargs)}


def closed_loss(given: Val | None, call: Span) -> Iterator[ClosedLoss]:
    """`compute_loss_func` without the keyword that Trainer gives it with the outputs and the labels."""
    if isinstance(given, Function) and given.owner is None and not _takes_all(given, frozenset({"num_items_in_batch"})):
        yield ClosedLoss(given.name, call)


def reward_flaws(trainer: str, given: Val | None, columns: frozenset[str] | None, call: Span) -> Iterator[Flaw]:
    """The reward functions of a trainer that do not take what it gives them, or need what it does not."""
    if trainer not in _REWARDING or given is None:
        return
    for each in given.items if isinstance(given, ListVal) else [given]:
        if not isinstance(each, Function) or each.owner is not None or getattr(each.node, "decorator_list", None):
            continue
        names = [each.arg for each in (*each.node.args.args, *each.node.args.kwonlyargs)]
        if each.node.args.posonlyargs or each.node.args.vararg is not None:
            continue
        lacks = next((name for name in _TO_REWARDS if name not in names), None)
        if lacks is not None and each.node.args.kwarg is None:
            yield ClosedReward(each.name, lacks, call, _TO_REWARDS[lacks])
            continue
        fed = None if columns is None else columns | _TO_REWARDS.keys() | _FURTHER
        unfed = tuple(name for name in _required(each.node.args) if fed is not None and name not in fed)
        if unfed and columns is not None:
            yield UnfedReward(each.name, unfed, tuple(sorted(columns - {"prompt", "completion"})), call)
        elif _returns_number(each.node):
            yield SingleReward(each.name, call)


def returned_keys(given: Val) -> tuple[str, ...] | None:
    """The keys of the dict that a function of the program returns, if each `return` writes one out."""
    if not isinstance(given, Function) or isinstance(given.node, ast.Lambda) or given.node.decorator_list:
        return None
    keys: dict[str, None] = {}
    for node in own_nodes(given.node):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return None
        if isinstance(node, ast.Return):
            written = _written_keys(node.value)
            if written is None:
                return None
            keys |= dict.fromkeys(written)
    return tuple(keys) or None


def _written_keys(value: ast.expr | None) -> list[str] | None:
    """The keys of `{"a": …}` or `dict(a=…)`, if all are written out."""
    if isinstance(value, ast.Dict):
        keys = [each.value for each in value.keys if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        return keys if len(keys) == len(value.keys) else None
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict" and not value.args:
        names = [each.arg for each in value.keywords if each.arg is not None]
        return names if len(names) == len(value.keywords) else None
    return None


def _required(given: ast.arguments) -> Iterator[str]:
    """The parameters without a default."""
    last = len(given.args) - len(given.defaults)
    yield from (each.arg for each in given.args[:last])
    yield from (each.arg for each, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value is None)


def _returns_number(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    """Whether a function returns nothing but single numbers, as far as that shows where it returns."""
    if isinstance(function, ast.Lambda):
        return _is_number(function.body)
    nodes = list(ast.walk(function))
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Yield, ast.YieldFrom)
    if any(isinstance(node, inner) for node in nodes[1:]):
        return False
    returned = [node.value for node in nodes if isinstance(node, ast.Return)]
    return bool(returned) and all(value is not None and _is_number(value) for value in returned)


def _is_number(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return type(value.value) in (int, float)
    if isinstance(value, ast.UnaryOp):
        return _is_number(value.operand)
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _NUMBERS


def _head(method: Function, call: Span) -> Span:
    """The first line of a method, or the call that uses it from another file."""
    source = method.scope.module.source
    if source.path != call.path:
        return call
    span = source.span_of(method.node)
    end = source.utf8.find(b"\n", span.start, span.end)
    return Span(span.path, span.start, end if end > 0 else span.end)
