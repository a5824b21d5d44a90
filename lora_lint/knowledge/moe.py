"""How PEFT rewrites targets for mixture-of-experts models whose experts transformers 5 fused into 3-D parameters.

With transformers 5 the experts of some model types are no longer modules, so PEFT turns names of the version 4 layout
(`gate_proj`, `w1`, the router `gate`) into `target_parameters` (`gate_up_proj`, `gate.weight`) before it matches.
"""

from __future__ import annotations

from lora_lint.knowledge.peft_facts import facts
from lora_lint.knowledge.versions import MOE_CONVERTED
from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lora_lint.knowledge.modules import Parameter
    from lora_lint.run.versions import Version


@dataclass(frozen=True)
class Converted:
    """Targets after the rewriting: `modules` are entries left for modules, `parameters` the parameter names to adapt,
    each with the user's entries that became it; `doubled` the parameters that take a multiple of the rank and of alpha
    because they fuse that many projections; `partial` pairs of (present, missing) names that PEFT refuses."""

    modules: tuple[str, ...]
    parameters: Mapping[str, tuple[str, ...]]
    doubled: Mapping[str, int]
    partial: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


def family(model_type: str | None, version: int, below: Version | None = None) -> str | None:
    """The table that PEFT (one before `below`, if that is given) converts a model type by under a major version of
    transformers; None where it converts nothing."""
    if model_type is None or version < 5 or (below is not None and below <= MOE_CONVERTED):
        return None
    base: str | None = facts()["moe"]["model_types"].get(model_type)
    return base


def old_names(base: str) -> Mapping[str, str]:
    """Names of transformers 4 to the parameters of transformers 5."""
    names: dict[str, str] = facts()["moe"]["names"][base]
    return names


def resolve_regex(
    base: str, matches: Callable[[str], bool], paths: Iterable[str], parameters: Sequence[Parameter]
) -> tuple[str, ...]:
    """The last parts of all names that a regex reaches, those of version 4 experts included, as PEFT resolves a
    string before it converts. `matches` is PEFT's whole test (excluded and saved modules never match)."""
    found = {path.rpartition(".")[2] for path in paths if matches(path)}
    found |= {record.name for record in parameters if matches(f"{record.owner}.{record.name}")}
    containers: dict[str, list[str]] = {}
    for record in parameters:
        containers.setdefault(record.name, []).append(record.owner)
    for old, new in old_names(base).items():
        if old not in found and any(matches(f"{owner}.{old}") for owner in containers.get(new, ())):
            found.add(old)
    return tuple(sorted(found))


def convert(base: str, entries: Iterable[str]) -> Converted:
    """Rewrite a list of target modules by the table `base`."""
    names = old_names(base)
    remaining: list[str] = []
    parameters: dict[str, list[str]] = {}
    present: dict[str, set[str]] = {}
    for entry in entries:
        old = next((old for old in names if entry == old or entry.endswith(f".{old}")), None)
        if old is None:
            remaining.append(entry)
            continue
        parameters.setdefault(names[old], []).append(entry)
        present.setdefault(names[old], set()).add(old)
    doubled: dict[str, int] = {}
    partial = []
    for new, required in facts()["moe"]["fused"][base].items():
        given = present.get(new, set())
        if given and len(given) < len(required):
            partial.append((tuple(sorted(given)), tuple(sorted(set(required) - given))))
        elif given and len(required) > 1:
            doubled[new] = len(required)
    return Converted(
        tuple(remaining), {name: tuple(sources) for name, sources in parameters.items()}, doubled, tuple(partial)
    )
