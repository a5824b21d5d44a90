"""Optuna: what a trial suggests, and the objective that a study calls."""

from __future__ import annotations

from lora_lint.interpreter.values import NO_ARGUMENTS, Arguments, Object, Opaque, Val
from lora_lint.libraries.context import Context, nothing
from lora_lint.libraries.spaces import ends_of, is_callable, space_of
from lora_lint.run.run import SweepKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import Span


TRIAL = "optuna.trial"


def suggest(name: str, arguments: Arguments, span: Span) -> Val | None:
    """`trial.suggest_categorical("r", [8, 16])` and its siblings."""
    if name == "suggest_categorical":
        return space_of(arguments.get("choices", 1), SweepKind.OPTUNA, span)
    if name in ("suggest_int", "suggest_float", "suggest_loguniform", "suggest_uniform"):
        return ends_of(arguments.get("low", 1), arguments.get("high", 2), SweepKind.OPTUNA, span)
    return None


def trial() -> Object:
    """The trial that a study passes to its objective, which may be in another file than the study."""
    return Object(TRIAL, NO_ARGUMENTS, None, TRIAL)


def subscript(owner: Object, span: Span) -> Val | None:
    """`trial.params["r"]`, and any other item of a trial."""
    return Opaque("the trial sets it", span) if owner.callee == TRIAL else None


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a trial, or of a study."""
    if name.startswith("suggest_"):
        return suggest(name, arguments, span)
    if name == "optimize" and owner.callee.startswith("optuna"):
        objective = arguments.get("func", 0)
        if objective is not None and is_callable(objective):
            context.machine.call(objective, Arguments([trial()], {}, {}), span)
        return nothing(span)
    return None
