"""LL904, LL905: what a program gives a trainer that the trainer's own code cannot work with."""

from __future__ import annotations

from lora_lint.finding import Finding, Related
from lora_lint.knowledge.versions import named
from lora_lint.rules.words import listed, names
from lora_lint.run.flaws import (
    ClosedCallback,
    ClosedLoss,
    ClosedReward,
    EndlessData,
    FormattedCompletions,
    MaskedModelling,
    MissingColumns,
    NoEvaluationData,
    NoLabels,
    NoPadding,
    NoPaddingId,
    OldMethod,
    OtherArguments,
    PlainAnswers,
    SameReference,
    SingleReward,
    TextForNumber,
    UnfedReward,
    UnmeasuredBest,
    UnpaddedLabels,
    UnusedGeneration,
    UnusedLoading,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.finding import Confidence, Level
    from lora_lint.run.flaws import Flaw
    from lora_lint.run.run import Run

_MOST_COLUMNS = 6


def refused_by_trainer(run: Run) -> Iterator[Finding]:
    """LL904 of what a trainer stops at."""
    told = set()
    for flaw in run.training.setup.flaws:
        if isinstance(flaw, UnusedGeneration | UnusedLoading) or (flaw.span, type(flaw)) in told:
            continue
        if (
            isinstance(flaw, ClosedReward | OtherArguments)
            and flaw.since is not None
            and run.kept_before("trl", flaw.since) is not None
        ):
            continue
        if isinstance(flaw, OldMethod) and run.kept_before("transformers", flaw.since) is not None:
            continue
        if isinstance(flaw, NoPaddingId) and flaw.until is not None and run.before("transformers", flaw.until) is None:
            continue
        told.add((flaw.span, type(flaw)))
        level: Level | None = "advice" if isinstance(flaw, OldMethod) and not flaw.certain else None
        yield Finding("LL904", _says(flaw), flaw.span, _confidence(flaw), level=level, related=_related(flaw))


def unused_by_trainer(run: Run) -> Iterator[Finding]:
    """LL905 of what a trainer leaves aside."""
    for flaw in run.training.setup.flaws:
        if isinstance(flaw, UnusedGeneration | UnusedLoading):
            yield Finding("LL905", _says(flaw), flaw.span)


def _confidence(flaw: Flaw) -> Confidence:
    """How sure a flaw is: what rests on columns, or on something that is not there, may have more in another place."""
    sure = isinstance(flaw, OldMethod | ClosedCallback | ClosedReward | MaskedModelling | FormattedCompletions)
    return "certain" if sure else "likely"


def _related(flaw: Flaw) -> tuple[Related, ...]:
    if isinstance(flaw, FormattedCompletions):
        return (Related(flaw.asked, "completions alone are asked for here"),)
    if isinstance(flaw, TextForNumber) and flaw.written is not None:
        return (Related(flaw.written, "it is written here"),)
    return ()


def _says(flaw: Flaw) -> str:
    """What is wrong, why it matters and what to do."""
    if isinstance(flaw, OldMethod | ClosedCallback | ClosedReward | UnfedReward | SingleReward):
        return _of_function(flaw)
    if isinstance(flaw, ClosedLoss | OtherArguments | SameReference | UnusedLoading):
        return _of_argument(flaw)
    if isinstance(flaw, MaskedModelling | NoPadding | NoPaddingId | UnpaddedLabels | NoLabels):
        return _of_collator(flaw)
    return _of_data(flaw)


def _of_function(flaw: OldMethod | ClosedCallback | ClosedReward | UnfedReward | SingleReward) -> str:
    """A function of the program that the trainer calls."""
    if isinstance(flaw, OldMethod):
        nothing = "" if flaw.certain else ", and nothing here asks for an older release"
        keyword = "" if flaw.name.endswith("compute_loss") else " by its place"
        return (
            f"transformers since {named(flaw.since)} calls `{flaw.name}` with `{flaw.lacks}`{keyword}, which it does "
            f"not take{nothing}: the first step raises a TypeError. Add the parameter `{flaw.lacks}=None`, or **kwargs"
        )
    if isinstance(flaw, ClosedCallback):
        return (
            f"Trainer calls `{flaw.name}` with the model, the optimizer, the data loaders and more by keyword, which "
            "it does not take: the event raises a TypeError. Add **kwargs to its parameters"
        )
    if isinstance(flaw, ClosedReward):
        since = f" since {named(flaw.since)}" if flaw.since is not None else ""
        return (
            f"The trainer calls `{flaw.name}` with the keyword `{flaw.lacks}`{since}, which it does not take: the "
            "first rewards raise a TypeError. Add **kwargs to its parameters"
        )
    if isinstance(flaw, UnfedReward):
        one = len(flaw.needs) == 1
        return (
            f"`{flaw.name}` needs {names(flaw.needs)}, which the trainer takes from {'a column' if one else 'columns'} "
            f"of that name: the data has {_columns(flaw.columns)} beside the prompt, so the first rewards raise a "
            "TypeError. Name the parameter as the column, or keep the column in the data"
        )
    return (
        f"`{flaw.name}` returns one number, and the trainer wants a list with one for each completion: the first "
        "rewards raise a TypeError. Return a list that is as long as `completions`"
    )


def _of_argument(flaw: ClosedLoss | OtherArguments | SameReference | UnusedLoading) -> str:
    """An argument of the trainer."""
    if isinstance(flaw, ClosedLoss):
        return (
            f"Trainer calls `{flaw.name}` with the keyword `num_items_in_batch` beside the outputs and the labels, "
            "which it does not take: the first step raises a TypeError. Add the parameter `num_items_in_batch=None`"
        )
    if isinstance(flaw, OtherArguments):
        return (
            f"{flaw.trainer} reads settings that TrainingArguments lacks, and raises an error before the first step "
            f"(no attribute `model_init_kwargs`, for one). Pass `{flaw.takes}`, which has all of these and its own"
        )
    if isinstance(flaw, SameReference):
        return (
            "The model is its own reference here, which the trainer refuses with a ValueError. Leave `ref_model` out: "
            "the base model without the adapter is the reference"
        )
    return (
        f"`model_init_kwargs` of {flaw.owner} has no effect: the model is loaded already, and releases before 0.16 "
        "raise a ValueError. Give these arguments where the model is loaded, or pass its name to the trainer"
    )


def _of_collator(flaw: MaskedModelling | NoPadding | NoPaddingId | UnpaddedLabels | NoLabels) -> str:
    """Batches that cannot be made, or have no loss."""
    if isinstance(flaw, NoLabels):
        return (
            f"The data has {_columns(flaw.columns)} and no labels, and the collator makes none, so the model returns "
            "no loss: the first step raises a ValueError. Pass "
            "`data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False)`, or add `labels`"
        )
    if isinstance(flaw, UnpaddedLabels):
        who = "The collator pads the tokens and leaves" if flaw.named else "Without a collator nothing pads"
        return (
            f"{who} these labels, which are as long as each text: the first batch raises a ValueError. Pass "
            "`DataCollatorForSeq2Seq(tokenizer)`, which pads labels with -100"
        )
    if isinstance(flaw, NoPaddingId):
        return (
            f"The config of {flaw.model} names no token for padding, without which its classifier finds no text's end: "
            "a batch of several texts raises a ValueError. Set `model.config.pad_token_id = tokenizer.pad_token_id`"
        )
    if isinstance(flaw, MaskedModelling):
        return (
            f"DataCollatorForLanguageModeling masks tokens unless `mlm=False` is given, and the tokenizer of "
            f"{flaw.model} has no token for that: it raises a ValueError. Pass `mlm=False`"
        )
    return (
        f"The collator pads, and the tokenizer of {flaw.model} has no token for padding: the first batch raises a "
        "ValueError. Set `tokenizer.pad_token`, to a reserved token or to one that no text ends with"
    )


def _of_data(
    flaw: MissingColumns
    | UnusedGeneration
    | NoEvaluationData
    | TextForNumber
    | UnmeasuredBest
    | EndlessData
    | FormattedCompletions
    | PlainAnswers,
) -> str:
    """Data that a trainer does not find, and settings that do not go with it."""
    if isinstance(flaw, MissingColumns):
        lacking = tuple(name for name in flaw.needs if name not in flaw.columns)
        return (
            f"{flaw.trainer} reads {names(lacking)} of each row, and this data has {_columns(flaw.columns)} alone: it "
            "raises a KeyError before the first step. Rename the columns, or make the rows with `map`"
        )
    if isinstance(flaw, UnusedGeneration):
        return (
            "`predict_with_generate` has no effect: Trainer evaluates by the logits of one forward pass, and only "
            "Seq2SeqTrainer generates. Use that, or leave the setting out"
        )
    if isinstance(flaw, NoEvaluationData):
        return (
            f"`{flaw.setting}` asks for evaluations, and the trainer is given no `eval_dataset`: it raises a "
            f"ValueError. Pass one, or leave `{flaw.setting}` out"
        )
    if isinstance(flaw, TextForNumber):
        quoted = flaw.written is None
        cause = (
            "it is in quotes"
            if quoted
            else "PyYAML takes a number without a point, or without a sign in its exponent, for a text"
        )
        remedy = "Leave these out" if quoted else f"Write `{float(flaw.text):.1e}` in the file"
        return (
            f"`{flaw.setting}` is a text here, not the number {flaw.text}: {cause}, and the optimizer raises a "
            f"TypeError before the first step. {remedy}, or pass it through `float`"
        )
    if isinstance(flaw, UnmeasuredBest):
        has = (
            "the trainer has no `compute_metrics`"
            if flaw.measured is None
            else f"`compute_metrics` returns {_columns(flaw.measured)}"
        )
        return (
            f"`metric_for_best_model` is `{flaw.metric}`, which nothing measures: {has}, so the first evaluation "
            f"raises a KeyError and the steps before it are lost. Return `{flaw.metric}` from `compute_metrics`, or "
            "leave the setting out to go by the loss"
        )
    if isinstance(flaw, EndlessData):
        return (
            "Nothing says how many rows streamed data has, and `max_steps` is not set: the trainer raises a "
            "ValueError. Set `max_steps`, which counts steps of all rows together"
        )
    if isinstance(flaw, FormattedCompletions):
        return (
            "SFTTrainer refuses `formatting_func` with `completion_only_loss=True` (ValueError): the function makes "
            "one text of prompt and completion, in which nothing tells them apart. Leave it out, and give the columns "
            "`prompt` and `completion`"
        )
    return (
        f"`assistant_only_loss=True` is for conversations, and the data has {_columns(flaw.columns)}: the trainer "
        "raises a ValueError. Give a column `messages`, or `prompt` and `completion` with completion_only_loss"
    )


def _columns(found: tuple[str, ...]) -> str:
    """Columns in words."""
    shown = [f"`{name}`" for name in found[:_MOST_COLUMNS]]
    left = len(found) - len(shown)
    return listed([*shown, f"{left} more"] if left else shown) if found else "no column"
