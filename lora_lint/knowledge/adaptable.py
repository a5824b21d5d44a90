"""From an architecture to what `matching.match` needs to know about a model."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from lora_lint.knowledge import architectures
from lora_lint.knowledge.modules import PEFT_KINDS, Beside, Module, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping


_NORMED = ".parametrizations.weight"


def adaptable(architecture: architectures.Architecture, config: Mapping[str, Any]) -> tuple[tuple[Module, ...], Beside]:
    """The modules of a model with the sizes that exact counts need, and what else `match` needs to know about it.

    Raises architectures.UnusableConfig. Keep the modules: `match` is fast for modules that it has seen before.
    """
    plain = architectures.modules(architecture, config)
    shapes = architectures.parameter_shapes(architecture, config)
    unsized = architectures.unsized(architecture, config)
    kinds = {module.path: module.kind for module in plain}
    bias: dict[str, int] = {}
    weights: dict[str, tuple[int, ...]] = {}
    records = []
    for path, shape, _ in shapes:
        owner, _, name = path.rpartition(".")
        if name == "bias":
            bias[owner] = prod(shape)
        elif name == "weight":
            weights[owner] = shape
        elif name == "original1" and owner.endswith(_NORMED):  # of weight normalization: the direction
            weights[owner.removesuffix(_NORMED)] = shape
        kind = kinds.get(owner, "")
        if kind not in PEFT_KINDS and "Norm" not in kind:
            records.append(Parameter(owner, name, (0,) * len(shape) if owner in unsized else shape))
    modules = []
    for module in plain:
        path, kind = module.path, module.kind
        groups = 1
        if kind in ("Conv1d", "Conv2d", "Conv3d") and path in weights and weights[path][1]:
            groups = max(module.inputs // weights[path][1], 1)
        own_bias = bias.get(path, 0)
        modules.append(module._replace(bias=own_bias, groups=groups) if own_bias or groups > 1 else module)
    beside = Beside(
        *(tuple(records), architecture.output_embeddings, architecture.input_embeddings),
        *(_tied(architecture, shapes), _seems_tied(architecture, config)),
    )
    return tuple(modules), beside


def _seems_tied(architecture: architectures.Architecture, config: Mapping[str, Any]) -> bool:
    """Whether the config of a model with a text part ties the head, which the part's own config decides.

    transformers 4.57.6 (configuration_utils.py): `tie_word_embeddings` is true unless it is given.
    """
    return (
        architecture.version < 5
        and architecture.has_part("text_config")
        and config.get("tie_word_embeddings", True) is not False
    )


def _tied(
    architecture: architectures.Architecture, shapes: tuple[architectures.BaseParameter, ...]
) -> tuple[tuple[str, ...], ...]:
    """Groups of names that are one tensor: a name that is not counted goes with the input embedding if the shapes
    agree, else with the first parameter of its shape and last name."""
    first: dict[tuple[str, tuple[int, ...]], str] = {}
    embedding = f"{architecture.input_embeddings}.weight"
    for path, shape, counted in shapes:
        if counted and (path == embedding or (path.rpartition(".")[2], shape) not in first):
            first[path.rpartition(".")[2], shape] = path
    groups: dict[str, list[str]] = {}
    for path, shape, counted in shapes:
        owner = first.get((path.rpartition(".")[2], shape))
        if not counted and owner is not None:
            groups.setdefault(owner, [owner]).append(path)
    return tuple(tuple(group) for group in groups.values())
