"""What a program gives a trainer that the trainer's own code cannot work with, one record for each kind.

`span` is the place that a finding points at.
"""

from __future__ import annotations

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from lora_lint.run.versions import Version
    from lora_lint.source import Span


@dataclass(frozen=True)
class OldMethod:
    """A method of the program's own trainer that does not take what releases `since` one give it. `certain`: the
    project allows none before, else nothing asks for an older one."""

    name: str
    lacks: str
    since: Version
    span: Span
    certain: bool = False


@dataclass(frozen=True)
class ClosedCallback:
    """A method of the program's own callback that takes no further keywords."""

    name: str
    span: Span


@dataclass(frozen=True)
class ClosedReward:
    """A reward function that does not take a keyword which the trainer gives it `since` a release, if not always."""

    name: str
    lacks: str
    span: Span
    since: Version | None = None


@dataclass(frozen=True)
class UnfedReward:
    """A reward function that needs arguments which no column of the data gives."""

    name: str
    needs: tuple[str, ...]
    columns: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class SingleReward:
    """A reward function that returns one number, where the trainer wants a list of them."""

    name: str
    span: Span


@dataclass(frozen=True)
class MissingColumns:
    """Data without the columns that a trainer reads: `needs` in words, and all columns that there are."""

    trainer: str
    needs: tuple[str, ...]
    columns: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class NoLabels:
    """Tokens without labels, and a collator that makes none."""

    columns: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class UnpaddedLabels:
    """Labels of different lengths, which the collator does not pad; it pads the tokens if it is `named`."""

    span: Span
    named: bool


@dataclass(frozen=True)
class MaskedModelling:
    """A collator that masks tokens, for a model whose tokenizer has no token for that."""

    model: str
    span: Span


@dataclass(frozen=True)
class NoPadding:
    """Texts that are padded by a tokenizer without a token for that."""

    model: str
    span: Span


@dataclass(frozen=True)
class NoPaddingId:
    """A classifier whose config names no token for padding; up to a release where the trainer has the tokenizer."""

    model: str
    span: Span
    until: Version | None = None


@dataclass(frozen=True)
class ClosedLoss:
    """A function for the loss that does not take the number of items in a batch."""

    name: str
    span: Span


@dataclass(frozen=True)
class OtherArguments:
    """Training arguments of another class than the trainer reads `since` a release, if not always."""

    trainer: str
    takes: str
    span: Span
    since: Version | None = None


@dataclass(frozen=True)
class SameReference:
    """The model that is trained, given as the reference too."""

    span: Span


@dataclass(frozen=True)
class UnusedLoading:
    """Arguments for loading a model that is loaded already."""

    owner: str
    span: Span


@dataclass(frozen=True)
class UnusedGeneration:
    """`predict_with_generate` for a trainer that does not generate."""

    span: Span


@dataclass(frozen=True)
class NoEvaluationData:
    """An evaluation without data for it."""

    setting: str
    span: Span


@dataclass(frozen=True)
class TextForNumber:
    """A text where a number belongs: `written` in a YAML file, which PyYAML does not read as a number, if not in the
    program."""

    setting: str
    text: str
    span: Span
    written: Span | None = None


@dataclass(frozen=True)
class UnmeasuredBest:
    """A best checkpoint by a metric that no evaluation measures: all that the program's own function returns, or None
    if there is none."""

    metric: str
    measured: tuple[str, ...] | None
    span: Span


@dataclass(frozen=True)
class EndlessData:
    """Streamed data, whose number of rows nothing says, without a number of steps."""

    span: Span


@dataclass(frozen=True)
class FormattedCompletions:
    """A function that makes one text of prompt and completion, where only completions are to be trained."""

    span: Span
    asked: Span


@dataclass(frozen=True)
class PlainAnswers:
    """Answers alone are to be trained, of data that is no conversation."""

    columns: tuple[str, ...]
    span: Span


Flaw: TypeAlias = (
    OldMethod
    | ClosedCallback
    | ClosedReward
    | UnfedReward
    | SingleReward
    | MissingColumns
    | NoLabels
    | UnpaddedLabels
    | MaskedModelling
    | NoPadding
    | NoPaddingId
    | ClosedLoss
    | OtherArguments
    | SameReference
    | UnusedLoading
    | UnusedGeneration
    | NoEvaluationData
    | TextForNumber
    | UnmeasuredBest
    | EndlessData
    | FormattedCompletions
    | PlainAnswers
)
