"""From an architecture to what `matching.match` needs to know about a model."""

from __future__ import annotations

from lora_lint.knowledge import architectures
from lora_lint.knowledge.modules import Beside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lora_lint.knowledge.modules import Module


def adaptable(architecture: architectures.Architecture, config: Mapping[str, Any]) -> tuple[tuple[Module, ...], Beside]:
    """The modules of a model, and what else `match` needs to know about it.

    Raises architectures.UnusableConfig. Keep the modules: `match` is fast for modules that it has seen before.
    """
    tied = (
        _tied(architecture, architectures.parameter_shapes(architecture, config))
        if architectures.ties(architecture, config)
        else ()
    )
    beside = Beside(
        architectures.loose_parameters(architecture, config),
        architecture.output_embeddings,
        architecture.input_embeddings,
        tied,
        _seems_tied(architecture, config),
    )
    return architectures.modules(architecture, config), beside


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
    shared = {shape for _, shape, counted in shapes if not counted}
    alike = [each for each in shapes if each.shape in shared]
    first: dict[tuple[str, tuple[int, ...]], str] = {}
    embedding = f"{architecture.input_embeddings}.weight"
    for path, shape, counted in alike:
        if counted and (path == embedding or (path.rpartition(".")[2], shape) not in first):
            first[path.rpartition(".")[2], shape] = path
    groups: dict[str, list[str]] = {}
    for path, shape, counted in alike:
        owner = first.get((path.rpartition(".")[2], shape))
        if not counted and owner is not None:
            groups.setdefault(owner, [owner]).append(path)
    return tuple(tuple(group) for group in groups.values())
