"""What to choose, why, and how sure that is.

The tables by task and by data are rules of thumb; the names of a model's layers and an adapter's number of parameters
are facts.
"""

from __future__ import annotations

import re
from math import sqrt
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from lora_lint import catalogue
from lora_lint.finding import Add, Write, automatic
from lora_lint.frameworks import registry
from lora_lint.knowledge.architectures import heads, heads_of_loaders
from lora_lint.knowledge.models import identify
from lora_lint.knowledge.modules import LINEAR_KINDS
from lora_lint.records import dataclass, field, replace
from lora_lint.rules import RUN_CHECKS
from lora_lint.rules.capacity import bound_of
from lora_lint.rules.coverage import tower_of
from lora_lint.rules.experts import target_parameters
from lora_lint.rules.projections import ROLES
from lora_lint.run.run import Adapter, BaseModel, Run
from lora_lint.run.values import Known
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lora_lint.finding import Finding
    from lora_lint.knowledge.resolve import Case

T_co = TypeVar("T_co", covariant=True)

Targets: TypeAlias = "tuple[str, ...] | str"
Scaling: TypeAlias = Literal["ratio", "step"]
Layers: TypeAlias = Literal["all", "attention", "query-value", "mlp"]
"""ratio: alpha/r stays the same at every rank. step: alpha stays the same, so that under Adam the first step does."""
RATIO = 2.0
STEP_ALPHA = 16

_BY_TASK = {
    "format": 4,
    "instruction": 8,
    "chat": 16,
    "domain": 16,
    "code": 16,
    "complex-domain": 32,
    "multi-task": 64,
}
"""Task -> rank."""
_PARTS: dict[Layers, tuple[str, ...]] = {
    "query-value": ("q", "v", "qkv"),
    "attention": ("q", "k", "v", "qkv", "o"),
    "mlp": ("gate", "up", "gate_up", "down"),
    "all": ("q", "k", "v", "qkv", "o", "gate", "up", "gate_up", "down"),
}
_WHY: dict[Layers, str] = {
    "all": "every linear layer, which QLoRA and LoRA Without Regret find best; `--layers attention` trains fewer "
    "parameters, which is said to suffice for style and format (likely)",
    "attention": "requested: fewer parameters than with the MLP layers, which hold most of what a model knows (likely)",
    "mlp": "requested: the MLP layers, which hold most of what a model knows (likely)",
    "query-value": "requested, as in the first LoRA paper: the fewest parameters of the three (likely)",
}
_SMALL, _LARGE = 1_000, 10_000
_CAP_SMALL, _CAP = 8, 64
_WHOLE = ("seq2seq-lm", "speech-seq2seq")
"""Heads of models that transformers can also load as a decoder alone."""
_TASK_TYPES = {"causal-lm": "CAUSAL_LM", "image-text-to-text": "CAUSAL_LM", "seq2seq-lm": "SEQ_2_SEQ_LM"}
_EARS = re.compile(r"(?:^|\.)(?:audio_tower|audio_model|audio_encoder|speech_encoder)(?=\.)")
_TARGETS = Span("targets", 0, 1)
"""The place where the targets of a hypothetical run are written."""
_HEADS = ("lm_head", "score", "classifier", "embed_out", "router", "gate")


@dataclass(frozen=True)
class Choice(Generic[T_co]):
    """A setting and its reason, which ends with how sure it is."""

    value: T_co
    why: str


@dataclass(frozen=True)
class Recommendation:
    """The settings for one run. `loader` is the transformers class that loads the model, `task_type` PEFT's for it, if
    there is one.

    `parameters` are exact, or None where a size of the model is not known; `targets` is a list of names, or a regex
    where names alone would reach another part of the model too; `experts` are experts that are parameters rather than
    layers.
    """

    model: str
    model_type: str
    loader: str
    task_type: str | None
    rank: Choice[int]
    alpha: Choice[int]
    rslora: bool
    targets: Choice[Targets]
    experts: Choice[tuple[str, ...]] | None
    learning_rate: Choice[float]
    epochs: Choice[int]
    parameters: int | None
    total: int | None
    others: Mapping[str, Choice[Any]] = field(default_factory=dict)
    """Further settings of the adapter by their names in `run.Adapter`: `use_dora`, `init_lora_weights`."""


class NotKnown(Exception):
    """Nothing can be recommended; the message says why."""


def recommend(
    model: str,
    size: int | None,
    task: str,
    scaling: Scaling = "ratio",
    can_rslora: bool = True,
    layers: Layers = "all",
) -> Recommendation:
    """The settings for a model (a hub id or a path). `size` is the number of training examples, None if not known.
    Raises NotKnown for a model whose modules are not known."""
    case = _case(model)
    rank = _rank(_BY_TASK[task], size, task)
    loader = heads_of_loaders()[case.head][0]
    asked = _Asked(model, loader, rank.value)
    targets, experts = _followed(asked, *_targets(case, layers))
    alpha, rslora = _alpha(rank.value, scaling, can_rslora)
    run = asked.run(targets.value, experts.value if experts else None)
    made = _first(run)
    if made is None or not made.match.modules or made.match.unmatched or _objections(run):
        raise NotKnown(f"no target modules are known for {model} ({case.model.model_type})")
    return Recommendation(
        model,
        case.model.model_type,
        loader,
        _TASK_TYPES.get(case.head),
        rank,
        alpha,
        rslora,
        targets,
        experts,
        Choice(2e-4, "about ten times a rate for full fine-tuning; 4 of 10 public LoRA configs use 2e-4 (likely)"),
        _epochs(size),
        made.parameters,
        made.total,
    )


def targets_of(model: str, layers: Layers) -> Targets:
    """What a model (a hub id or a path) calls some of its layers: names, or a regex where names alone would reach
    another part of it too. Raises NotKnown."""
    return _targets(_case(model), layers)[0].value


def _rank(rank: int, size: int | None, task: str) -> Choice[int]:
    """By task, then by data: few examples cap it, many allow twice as much."""
    if size is None:
        return Choice(rank, f"for the task {task}; the number of examples is not given (rule of thumb)")
    options = {name: option["default"] for name, option in catalogue.rules()["LL301"].options.items()}
    bound, words = bound_of(size, options)
    wanted = min(rank, _CAP_SMALL) if size < _SMALL else min(2 * rank, _CAP) if size >= _LARGE else rank
    if wanted > bound:
        return Choice(bound, f"the highest {words}; the task {task} alone would suggest {rank} (rule of thumb)")
    more = ", doubled for so many examples" if wanted > rank else ""
    less = ", lowered for so few examples" if wanted < rank else ""
    return Choice(wanted, f"for the task {task}{more}{less} (rule of thumb)")


def _alpha(rank: int, scaling: Scaling, can_rslora: bool) -> tuple[Choice[int], bool]:
    """Alpha by the chosen school, and whether rsLoRA is on: from rank 16 it keeps lora_B's gradients from shrinking."""
    if scaling == "step":
        why = "the same at every rank: under Adam the first step then hardly depends on the rank (measured)"
        return Choice(STEP_ALPHA, why), False
    if rank < 16 or not can_rslora:
        return Choice(int(RATIO * rank), "twice the rank: the most common ratio (one school of two)"), False
    alpha = round(RATIO * sqrt(rank))
    scale = alpha / sqrt(rank)
    return Choice(
        alpha, f"with rsLoRA the scale is alpha/sqrt(r) = {scale:.3g}, the same as twice the rank without it (likely)"
    ), True


def _epochs(size: int | None) -> Choice[int]:
    if size is not None and size < _SMALL:
        return Choice(
            3, "over-training harms small data more than any rank: watch the eval loss and stop early (likely)"
        )
    if size is not None and size >= 10 * _LARGE:
        return Choice(1, "with so many examples one epoch is enough (rule of thumb)")
    return Choice(2, "watch the eval loss: over-training harms more than rank (likely)")


def _targets(case: Case, layers: Layers) -> tuple[Choice[Targets], bool]:
    """The model's own names for the requested layers, and whether these include layers of the MLPs."""
    wanted = _PARTS[layers]
    linears = [
        module.path for module in case.modules if module.kind in LINEAR_KINDS and _leaf(module.path) not in _HEADS
    ]
    named = [path for path in linears if _role(path) in wanted]
    if not named:  # names of its own: all its layers
        return Choice("all-linear", f"{case.model.model_type} has its own layer names (certain)"), True
    why = _WHY[layers]
    language = [path for path in named if "language_model" in path or path.startswith("model.text")]
    language = language or [path for path in named if not _elsewhere(path)] or named
    names = _leaves(language)
    if any(_elsewhere(module.path) and _leaf(module.path) in names for module in case.modules):
        start = language[0].partition(".layers.")[0]
        return Choice(rf"{re.escape(start)}\..*\.({'|'.join(names)})", f"{why}; in the language model alone"), True
    return Choice(names, why), layers == "all"


def _role(path: str) -> str | None:
    """What a layer does; T5 calls the second layer of its MLPs what other models call attention's output."""
    return "down" if ".DenseReluDense." in path else ROLES.get(_leaf(path))


def _elsewhere(path: str) -> bool:
    """Whether a layer is in a tower that reads images or audio."""
    return bool(tower_of(path) or _EARS.search(path))


def _leaf(path: str) -> str:
    return path.rpartition(".")[2]


def _leaves(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_leaf, paths)))


def _followed(
    asked: _Asked, targets: Choice[Targets], mlp: bool
) -> tuple[Choice[Targets], Choice[tuple[str, ...]] | None]:
    """Targets and experts that the rules have no objection to: what a rule would change is changed. Where that is not
    enough, a regex selects the layers."""
    experts: Choice[tuple[str, ...]] | None = None
    for _ in range(4):
        said = _objections(asked.run(targets.value, experts.value if experts else None))
        if not said:
            break
        changes = next((fix.changes for each in said if (fix := automatic(each))), ())
        for change in changes:
            if isinstance(change, Write) and change.span == _TARGETS:
                targets = replace(targets, value=change.value)
            elif isinstance(change, Add) and change.key == "target_parameters":
                experts = Choice(change.value, "the experts are parameters, which names do not reach (certain)")
        if not changes and isinstance(targets.value, tuple):
            targets = replace(targets, value=rf".*\.({'|'.join(targets.value)})")
            case = _first(asked.run(targets.value, None))
            left = target_parameters(case) if case is not None and mlp else ()
            experts = Choice(left, "the experts are parameters, which names do not reach (certain)") if left else None
        elif not changes:
            break
    return targets, experts


def _objections(run: Run) -> list[Finding]:
    """What the rules on targets report about a run."""
    rules = catalogue.rules()
    found: list[Finding] = []
    for code, check in RUN_CHECKS.items():
        if code.startswith("LL2"):
            options = {name: option["default"] for name, option in rules[code].options.items()}
            found += check(run, options)
    return found


def _case(model: str) -> Case:
    """The model with all its layers adapted, under the head that it is made for. Raises NotKnown."""
    found = _first(_Asked(model, heads_of_loaders()["causal-lm"][0], 8).run("all-linear", None))
    if found is None:
        known_as = identify(model)
        if known_as is not None:
            raise NotKnown(
                f"{model} is a {known_as.model_type}, and settings are recommended for models of transformers"
            )
        raise NotKnown(f"the model {model} is not known; --online fetches its config.json, or give a folder with one")
    whole = next((head for head in _WHOLE if head in heads(found.model.model_type, found.version)), None)
    if whole is None:
        return found
    return _first(_Asked(model, heads_of_loaders()[whole][0], 8).run("all-linear", None)) or found


@dataclass(frozen=True)
class _Asked:
    """The request: a model, the class that loads it, and the rank."""

    model: str
    loader: str
    rank: int

    def run(self, targets: Targets, experts: tuple[str, ...] | None) -> Run:
        """The model with an adapter on it, as the rules see it."""
        here = Span("", 0, 0)
        adapter = Adapter(
            here,
            Known(self.rank),
            Known(self.rank),
            Known(0.0),
            Known(targets, _TARGETS),
            target_parameters=Known(experts or None),
        )
        return Run(registry.framework("peft"), here, adapter, BaseModel(Known(self.model, here), self.loader))


def _first(run: Run) -> Case | None:
    from lora_lint.knowledge.resolve import resolve

    cases: Sequence[Case] = resolve(run).cases
    return cases[0] if cases else None
