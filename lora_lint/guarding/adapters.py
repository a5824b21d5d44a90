"""The adapters on a model: their configs, their parameters, which are active and which train.

Source: PEFT 0.21.2, tuners/tuners_utils.py and utils/other.py.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from lora_lint.guarding.shards import sharding_of
from lora_lint.knowledge.patterns import pattern_key
from lora_lint.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, eq=False)
class LiveAdapter:
    """An adapter on a model. `parameters` are its own, by their names in the model; `matrices` are its `lora_B`.

    `scales` are the factors before BA by the path of the layer in the base model. `fresh`: all its `lora_B` are zero,
    as in a new adapter; None where that cannot be seen (no `lora_B`, weights on the meta device or in shards).
    """

    name: str
    config: Any
    active: bool
    parameters: Mapping[str, Any]
    matrices: Mapping[str, Any]
    scales: Mapping[str, float]
    fresh: bool | None

    @property
    def trains(self) -> bool:
        """Whether any of its parameters requires a gradient."""
        return any(each.requires_grad for each in self.parameters.values())


def adapters_of(model: Any) -> tuple[LiveAdapter, ...]:
    """The adapters on a model, in the order in which they were added."""
    found = {name: _Parts() for name in model.peft_config}
    active: set[str] = set()
    for path, module in model.named_modules():
        containers = getattr(module, "adapter_layer_names", None)
        if not isinstance(containers, tuple):
            continue
        if not module.disable_adapters:
            active.update(module.active_adapters)
        for container in containers:
            for place, parameter, name in _parameters_in(module, container):
                if name in found:
                    found[name].parameters[f"{path}.{place}"] = parameter
                    if container in ("lora_B", "lora_embedding_B"):
                        found[name].matrices[f"{path}.{place}"] = parameter
        for name, scale in getattr(module, "scaling", {}).items():
            if name in found and isinstance(scale, (int, float)):
                found[name].scales[layer_path(path)] = float(scale)
    return tuple(
        LiveAdapter(
            name, config, name in active, parts.parameters, parts.matrices, parts.scales, _all_zero(parts.matrices)
        )
        for (name, config), parts in zip(model.peft_config.items(), found.values(), strict=True)
    )


def layer_path(path: str) -> str:
    """The path of an adapted layer in the base model, from the one in the wrapped model."""
    path = path.removeprefix("base_model.model.")
    return path.replace(".base_layer", "")


def configured_scale(config: Any, path: str) -> float:
    """The scale that an adapter's config gives the layer at a path of the base model (PEFT 0.21.2,
    tuners/lora/model.py)."""
    rank = config.rank_pattern.get(pattern_key(config.rank_pattern, path), config.r)
    alpha = config.alpha_pattern.get(pattern_key(config.alpha_pattern, path), config.lora_alpha)
    return float(alpha / (sqrt(rank) if config.use_rslora else rank))


class _Parts:
    """What an adapter has in all layers."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.matrices: dict[str, Any] = {}
        self.scales: dict[str, float] = {}


def _parameters_in(module: Any, container: str) -> Iterator[tuple[str, Any, str]]:
    """The parameters in one container of a layer: path below the layer, parameter, and the adapter's name."""
    held = module
    for part in container.split("."):
        held = getattr(held, part, None)
    for adapter in () if held is None else held.keys():
        entry = held[adapter]
        if hasattr(entry, "requires_grad") and not hasattr(entry, "named_parameters"):
            yield f"{container}.{adapter}", entry, adapter
        else:
            for name, parameter in entry.named_parameters():
                yield f"{container}.{adapter}.{name}", parameter, adapter


def _all_zero(matrices: Mapping[str, Any]) -> bool | None:
    """Whether all of some parameters are zero; None where their values are not here."""
    import torch

    tensors = [each.detach() for each in matrices.values()]
    if not tensors or any(each.is_meta or not each.numel() or sharding_of(each) for each in tensors):
        return None
    with torch.no_grad():
        return not any(bool(each.any()) for each in tensors)
