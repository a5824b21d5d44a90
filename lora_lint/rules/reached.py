"""What a run's targets match in its model: shared by the rules that depend on the model's modules."""

from __future__ import annotations

from lora_lint.finding import Related
from lora_lint.knowledge import versions
from lora_lint.knowledge.modules import LINEAR_KINDS
from lora_lint.rules.words import least, place, surety
from lora_lint.run.values import alternatives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from lora_lint.finding import Confidence
    from lora_lint.knowledge.matching import RefusalKind
    from lora_lint.knowledge.models import Model
    from lora_lint.knowledge.resolve import Case, Resolved
    from lora_lint.run.run import Run
    from lora_lint.run.values import Known
    from lora_lint.source import Span

ALL_LINEAR = "all-linear"
OUTSIDE = frozenset(
    {"lm_head", "embed_out", "score", "classifier", "qa_outputs", "output", "proj_out", "output_layer", "embed_tokens"}
)
"""Heads and embeddings, which do not count when a target list is checked."""
ROUTERS = frozenset({"gate", "router", "shared_expert_gate"})
_OWN_CODE = frozenset({"deepseek_v2", "deepseek_v3", "ernie4_5_moe", "phimoe"})
"""Types with experts whose repositories on the hub contain their own code."""
_STAND_INS = frozenset({"facebook/opt-125m", "gpt2"})
"""Models that scripts name as a placeholder default, as in Alpaca's `ModelArguments`, TRL's first examples, and their
descendants."""


def resolved_of(run: Run) -> Resolved:
    """The model and what is adapted of it; imports the knowledge only when a rule asks."""
    from lora_lint.knowledge.resolve import resolve

    return resolve(run)


def linears(case: Case) -> list[str]:
    """The names of the model's linear layers in order, its heads left out."""
    found = leaves(module.path for module in case.modules if module.kind in LINEAR_KINDS)
    return [leaf for leaf in found if leaf not in OUTSIDE]


def leaves(paths: Iterable[str]) -> list[str]:
    """Last parts of paths, without those that are only numbers (`mlp.0` stays `mlp.0`)."""
    found: dict[str, None] = {}
    for path in paths:
        head, _, leaf = path.rpartition(".")
        if leaf.isdecimal():
            leaf = f"{head.rpartition('.')[2]}.{leaf}"
        found[leaf] = None
    return list(found)


def model_label(name: Known[str], model: Model) -> str:
    """microsoft/Phi-3-mini-4k-instruct (phi3)."""
    return model.model_type if name.value == model.model_type else f"{name.value} ({model.model_type})"


def sureness(run: Run, resolved: Resolved) -> Confidence:
    """The confidence of a finding that depends on the model's modules."""
    adapter, base = run.adapter, run.model
    every: list[Confidence] = [surety(adapter.target_modules)]
    if surety(base.name) != "certain":
        # A caller that passes another model also passes the targets, if they can be passed too.
        replaceable = surety(adapter.target_modules) != "certain" or any(
            value.value in _STAND_INS for value in alternatives(base.name)
        )
        every.append("possible" if replaceable else "likely")
    models = [case.model for case in resolved.cases] + [model for _, model in resolved.remote]
    for model in models:
        every.append(model.confidence)
        if not model.stock:
            every.append("likely" if model.module_names is not None else "possible")
    if base.edited:
        every.append("possible")
    if any(not case.sure_head for case in resolved.cases):
        # A default that its own class cannot load is only a placeholder.
        every.append("likely" if surety(base.name) == "certain" else "possible")
    return least(*every)


def model_place(run: Run, name: Known[str], model: Model) -> tuple[Related, ...]:
    """Where the model is named, if that is a different place from the adapter's."""
    where = name.written or name.span
    if where is None or where == run.adapter.span:
        return ()
    from lora_lint.knowledge.models import Clue

    how = {
        Clue.FAMILY: ", going by its name",
        Clue.BASENAME: ", going by the last part of its path",
        Clue.UNSLOTH: " as unsloth publishes it",
    }.get(model.how, "")
    kind = f": {model.model_type}{how}" if name.value != model.model_type else ""
    return (Related(where, f"the model is {name.value}{kind}"),)


def cases_of(run: Run) -> tuple[Resolved, tuple[Case, ...]]:
    """What PEFT is known to do with the run's model; no cases if another framework creates the adapter, or part of the
    model is code outside transformers."""
    resolved = resolved_of(run)
    return resolved, () if resolved.remote or run.framework.adapts != "PEFT" else resolved.cases


def refused(case: Case, kind: RefusalKind) -> bool:
    """Whether PEFT rejects a case for that reason."""
    return any(error.kind == kind for error in case.match.errors)


def shorthand_of(run: Run) -> str | None:
    """The value for the targets that adapts all linear layers; None if each has to be named."""
    short = run.framework.every_layer
    return None if short == ALL_LINEAR and run.before("peft", versions.ALL_LINEAR) is not None else short


def names_or_shorthand(run: Run) -> bool:
    """Whether the targets are lists of names, or an "all-linear" that PEFT itself expands."""
    values = [each.value for each in alternatives(run.adapter.target_modules)]
    return bool(values) and all(
        isinstance(value, tuple) or (is_shorthand(value) and run.framework.passes_on) for value in values
    )


def shorthand_alone(run: Run) -> bool:
    """Whether the targets are "all-linear", whatever else is unknown."""
    values = [each.value for each in alternatives(run.adapter.target_modules)]
    return bool(values) and all(map(is_shorthand, values))


def is_shorthand(value: Any) -> bool:
    return isinstance(value, str) and value.lower() == ALL_LINEAR


def code_known(run: Run, resolved: Resolved) -> Confidence:
    """The confidence that the model's layers are those of transformers 5: an older version may be in use, and where
    code from the hub is allowed, experts may look different."""
    if run.model.remote_code and any(case.model.model_type in _OWN_CODE for case in resolved.cases):
        return "possible"
    return "certain" if run.model.transformers else "likely"


def place_of_targets(run: Run) -> Span:
    """Where the targets are written, or else the adapter."""
    return place(run.adapter.target_modules, otherwise=run.adapter.span)
