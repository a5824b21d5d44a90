"""What is seen of a training before its first step: its adapters, what trains, what the optimizer holds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lora_lint.guarding.adapters import adapters_of
from lora_lint.guarding.shards import sharding_of_model
from lora_lint.guarding.subject import bare
from lora_lint.records import dataclass
from lora_lint.run.events import Fragments, Selected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lora_lint.guarding.adapters import LiveAdapter
    from lora_lint.guarding.subject import Subject
    from lora_lint.run.events import Selection

_REFERENCES = ("ref", "reference")
"""What TRL and programs call an adapter that is only a copy to compare with (TRL 1.16, trainer/dpo_trainer.py)."""


@dataclass(frozen=True, eq=False)
class Held:
    """What the optimizers hold. `missing` are the adapter's trainable parameters that none of them has, `twice` those
    that are in them more than once; `groups` are the rate and the number of parameters of each group.

    `before_the_wrap`: they hold parameters of the base model alone. `has_copies`: none of what they hold is a parameter
    of the model, as in flat shards and with DeepSpeed, which takes the gradients, too; then nothing else is known.
    """

    missing: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    groups: tuple[tuple[float, int], ...] = ()
    before_the_wrap: bool = False
    has_copies: bool = False


@dataclass(frozen=True, eq=False)
class State:
    """The state of a training. `idle` are the adapters that were added to be trained and are not active. `unfrozen` are
    the parameters of the base model that train: fragments of their names, or all; `foreign` are their names.

    `half`: adapters in float16, `base_half`: a base model in float16. `compiled`: the adapters are on the result of
    `torch.compile`. `sharded`: this process has a part of the parameters.
    """

    adapters: tuple[LiveAdapter, ...]
    idle: tuple[LiveAdapter, ...]
    foreign: tuple[str, ...]
    unfrozen: Selection | None
    optimizer: Held
    half: bool
    base_half: bool
    integrated: bool
    compiled: bool
    sharded: bool

    @property
    def trainees(self) -> tuple[LiveAdapter, ...]:
        """The LoRA adapters that train or are meant to."""
        chosen = [each for each in self.adapters if each.active or each in self.idle] or self.adapters
        return tuple(each for each in chosen if hasattr(each.config, "target_modules"))

    @property
    def own_ids(self) -> frozenset[int]:
        """The identities of the parameters that the adapters own."""
        return frozenset(id(each) for adapter in self.adapters for each in adapter.parameters.values())


def state_of(subject: Subject) -> State:
    """The state of a training."""
    model = subject.model
    adapters = adapters_of(model)
    own = {id(each): name for adapter in adapters for name, each in adapter.parameters.items()}
    named = {id(each): name for name, each in model.named_parameters()}
    others = {key: name for key, name in named.items() if key not in own}
    by_id = {id(each): each for each in model.parameters()}
    held = _contents_of(subject.optimizers, own, others, by_id)
    in_optimizer = {id(each) for optimizer in subject.optimizers for each in _parameters(optimizer)}
    counted = bool(in_optimizer & named.keys())
    foreign = tuple(
        name
        for key, name in others.items()
        if by_id[key].requires_grad and (not counted or key in in_optimizer) and not _by_setting(name, adapters)
    )
    return State(
        adapters=adapters,
        idle=tuple(each for number, each in enumerate(adapters) if _is_idle(number, adapters)),
        foreign=foreign,
        unfrozen=_selection(foreign, [name for key, name in others.items() if by_id[key].is_floating_point()]),
        optimizer=held,
        half=_is_half(by_id[key] for key in own if by_id[key].requires_grad),
        base_half=_is_half(by_id[key] for key in others if by_id[key].is_floating_point()),
        integrated=not hasattr(model, "get_base_model") and getattr(model, "_hf_peft_config_loaded", False),
        compiled=hasattr(model, "get_base_model") and bare(model.get_base_model()) is not model.get_base_model(),
        sharded=sharding_of_model(model) is not None,
    )


def _contents_of(
    optimizers: Sequence[Any], own: Mapping[int, str], others: Mapping[int, str], by_id: Mapping[int, Any]
) -> Held:
    counts = Counter(id(each) for optimizer in optimizers for each in _parameters(optimizer))
    groups = tuple(
        (float(group.get("lr", 0.0)), sum(each.numel() for each in group["params"]))
        for optimizer in optimizers
        for group in optimizer.param_groups
    )
    if not counts.keys() & (own.keys() | others.keys()):
        return Held(groups=groups, has_copies=bool(counts))
    trainable = {key: name for key, name in own.items() if by_id[key].requires_grad}
    missing = tuple(name for key, name in trainable.items() if key not in counts)
    twice = tuple(name for key, name in trainable.items() if counts[key] > 1)
    early = bool(trainable) and not counts.keys() & own.keys()
    return Held(missing, twice, groups, early)


def _parameters(optimizer: Any) -> list[Any]:
    return [each for group in optimizer.param_groups for each in group["params"]]


def _is_idle(number: int, adapters: Sequence[LiveAdapter]) -> bool:
    """Whether an adapter was added, after the active one, to be trained, and is not active."""
    adapter = adapters[number]
    if adapter.active or adapter.config.inference_mode or adapter.name.lower() in _REFERENCES:
        return False
    return any(each.active for each in adapters[:number])


def _by_setting(name: str, adapters: Sequence[LiveAdapter]) -> bool:
    """Whether a setting of an adapter makes a parameter of the base model train: its `bias`."""
    return name.rpartition(".")[2] == "bias" and any(
        getattr(each.config, "bias", "none") != "none" for each in adapters
    )


def _selection(foreign: Sequence[str], others: Sequence[str]) -> Selection | None:
    """The fragments of names that select some parameters: the names of their modules."""
    if not foreign:
        return None
    if len(foreign) >= len(others):
        return Selected.ALL
    owners = (name.replace(".base_layer", "").rpartition(".")[0].rpartition(".")[2] for name in foreign)
    return Fragments(tuple(dict.fromkeys(owner for owner in owners if owner)))


def _is_half(parameters: Any) -> bool:
    """Whether most of some parameters are float16."""
    kinds = Counter(str(each.dtype) for each in parameters)
    return bool(kinds) and kinds.most_common(1)[0][0] == "torch.float16"
