"""What to choose, why, and how sure that is.

The tables by task and by data are rules of thumb; what a model's layers are called and how many parameters an adapter
has are facts.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Literal, TypeAlias

from lora_lint import catalogue
from lora_lint.records import dataclass
from lora_lint.rules.capacity import bound_of
from lora_lint.rules.projections import ROLES
from lora_lint.run import Adapter, BaseModel, Known, Run
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.knowledge.resolve import Case, TargetList

Scaling: TypeAlias = Literal["ratio", "step"]
SCALINGS: tuple[Scaling, ...] = ("ratio", "step")
"""ratio: alpha/r stays the same at every rank. step: alpha stays the same, so that under Adam the first step does."""
RATIO = 2.0
STEP_ALPHA = 16

_BY_TASK: dict[str, tuple[int, str]] = {
    "format": (4, "query-value"),
    "instruction": (8, "attention"),
    "chat": (16, "attention"),
    "domain": (16, "all"),
    "code": (16, "all"),
    "complex-domain": (32, "all"),
    "multi-task": (64, "all"),
}
"""Task -> rank and layers."""
_PARTS = {
    "query-value": ("q", "v", "qkv"),
    "attention": ("q", "k", "v", "qkv", "o"),
    "all": ("q", "k", "v", "qkv", "o", "gate", "up", "gate_up", "down"),
}
_SMALL, _LARGE = 1_000, 10_000
_CAP_SMALL, _CAP = 8, 64
_LOADERS = {
    "image-text-to-text": "AutoModelForImageTextToText",
    "seq2seq-lm": "AutoModelForSeq2SeqLM",
    "speech-seq2seq": "AutoModelForSpeechSeq2Seq",
    "masked-lm": "AutoModelForMaskedLM",
}
_HEADS = ("lm_head", "score", "classifier", "embed_out", "router", "gate")


@dataclass(frozen=True)
class Choice:
    """A setting, the reason for it, and how sure that is."""

    value: object
    why: str


@dataclass(frozen=True)
class Recommendation:
    """The settings for one run. `parameters` are exact, or None where a size of the model is not known; `targets` is a
    list of names, or a regex where names alone would reach another part of the model too."""

    model: str
    model_type: str
    loader: str
    rank: Choice
    alpha: Choice
    rslora: bool
    targets: Choice
    learning_rate: Choice
    epochs: Choice
    parameters: int | None
    total: int | None


class NotKnown(Exception):
    """Nothing can be recommended; the message says why."""


def recommend(
    model: str, size: int | None, task: str, scaling: Scaling = "ratio", can_rslora: bool = True
) -> Recommendation:
    """The settings for a model (a hub id or a path). `size` is the number of training examples, None if not known.

    Raises NotKnown for a model whose modules are not known.
    """
    case = _case(model)
    rank, layers = _BY_TASK[task]
    chosen = _rank(rank, size, task)
    number = int(str(chosen.value))
    targets = _targets(case, layers, task)
    alpha, rslora = _alpha(number, scaling, can_rslora)
    made = _resolved(model, number, targets.value)  # type: ignore[arg-type]
    if made is None or not made.match.modules or made.match.unmatched:
        raise NotKnown(f"no target modules can be told for {model} ({case.model.model_type})")
    return Recommendation(
        model,
        case.model.model_type,
        _LOADERS.get(case.head, "AutoModelForCausalLM"),
        chosen,
        alpha,
        rslora,
        targets,
        Choice(
            2e-4, "about ten times a rate for full fine-tuning; 2e-4 stands in 4 of 10 public LoRA configs (likely)"
        ),
        _epochs(size),
        made.parameters,
        made.total,
    )


def _rank(rank: int, size: int | None, task: str) -> Choice:
    """By task, then by data: few examples cap it, many allow twice as much."""
    if size is None:
        return Choice(rank, f"for the task {task}; the number of examples is not given (rule of thumb)")
    options = {name: option["default"] for name, option in catalogue.rules()["LL301"].options.items()}
    bound, words = bound_of(size, options)
    wanted = min(rank, _CAP_SMALL) if size < _SMALL else min(2 * rank, _CAP) if size >= _LARGE else rank
    if wanted > bound:
        return Choice(bound, f"the highest {words}, where the task {task} would take {rank} (rule of thumb)")
    more = ", doubled for so many examples" if wanted > rank else ""
    less = ", lowered for so few examples" if wanted < rank else ""
    return Choice(wanted, f"for the task {task}{more}{less} (rule of thumb)")


def _alpha(rank: int, scaling: Scaling, can_rslora: bool) -> tuple[Choice, bool]:
    """Alpha by the school, and whether rsLoRA is on: from rank 16 it keeps lora_B's gradients from shrinking."""
    if scaling == "step":
        why = "the same at every rank: under Adam the first step then hardly depends on the rank (measured)"
        return Choice(STEP_ALPHA, why), False
    if rank < 16 or not can_rslora:
        return Choice(int(RATIO * rank), "twice the rank: the ratio that is most common (one school of two)"), False
    alpha = round(RATIO * sqrt(rank))
    scale = alpha / sqrt(rank)
    return Choice(alpha, f"with rsLoRA the scale is alpha/sqrt(r) = {scale:.3g}, as twice the rank is without"), True


def _epochs(size: int | None) -> Choice:
    if size is not None and size < _SMALL:
        return Choice(3, "over-training harms small data more than any rank: watch the eval loss and stop early")
    if size is not None and size >= 10 * _LARGE:
        return Choice(1, "so many examples need no second look")
    return Choice(2, "watch the eval loss: over-training harms more than rank")


def _targets(case: Case, layers: str, task: str) -> Choice:
    """The model's own names for the layers that a task wants."""
    wanted = _PARTS[layers]
    linears = [
        module.path
        for module in case.modules
        if module.kind in ("Linear", "Conv1D") and module.path.rpartition(".")[2] not in _HEADS
    ]
    named = [path for path in linears if ROLES.get(path.rpartition(".")[2]) in wanted]
    if not named:  # names of its own: all its layers
        return Choice("all-linear", f"the layers of {case.model.model_type} have names of their own (certain)")
    why = {
        "query-value": f"query and value do for the task {task} (rule of thumb)",
        "attention": f"attention changes behaviour, which the task {task} is about (rule of thumb)",
        "all": f"the task {task} is about knowledge, for which the MLP layers count most (likely)",
    }[layers]
    language = [path for path in named if "language_model" in path or path.startswith("model.text")]
    names = tuple(dict.fromkeys(path.rpartition(".")[2] for path in named))
    if language and len(language) < len(named):
        part = "language_model" if "language_model" in language[0] else r"model\.text\w*"
        names = tuple(dict.fromkeys(path.rpartition(".")[2] for path in language))
        return Choice(rf".*{part}.*\.({'|'.join(names)})", f"{why}; of the language model alone, not of the tower")
    return Choice(names, why)


def _case(model: str) -> Case:
    found = _resolved(model, 8, None)
    if found is None:
        raise NotKnown(f"nothing is known of the model {model}; give a hub id, or a folder with a config.json")
    return found


def _resolved(model: str, rank: int, targets: TargetList) -> Case | None:
    """The model with an adapter on it, as the rules see it."""
    from lora_lint.knowledge.resolve import resolve

    here = Span("", 0, 0)
    adapter = Adapter(here, Known(rank), Known(rank), Known(0.0), Known("all-linear" if targets is None else targets))
    run = Run("peft", here, adapter, BaseModel(Known(model, here), "AutoModelForCausalLM"))
    cases: Sequence[Case] = resolve(run).cases
    return cases[0] if cases else None
