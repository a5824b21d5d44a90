"""What PEFT adapts, copies and leaves alone on the meta device, against what the rules on targets claim."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from lora_lint.rules.coverage import VOCABULARY, tower_of
from lora_lint.rules.words import listed, names, number, plural
from lora_lint.run.values import alternatives
from lora_lint.verify.experiment import Skip
from lora_lint.verify.structure.skeleton import PREFIX, adapted, by_leaf, rank_known
from lora_lint.verify.weights import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lora_lint.run.run import Run

    Claim = Callable[[Run, Any], tuple[bool, str, dict[str, Any]]]
    """From a run and the model that PEFT wrapped: whether the finding holds, in words and in figures."""

_LAYER = re.compile(r"(.*?)\.(\d+)\.")


def scales(_: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL106: layers with different scales."""
    counts = Counter(float(layer.scaling["default"]) for layer in adapted(model).values())
    reason = listed(f"{number(scale)} in {plural(count, 'layer')}" for scale, count in sorted(counts.items()))
    return len(counts) > 1, f"the scale is {reason}", {"scales": {str(scale): count for scale, count in counts.items()}}


def experts(_: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL206: experts that are parameters, none of them adapted."""
    layers = adapted(model)
    every = sum(each.numel() for each in model.get_base_model().parameters())
    fused = {
        name: each.numel()
        for name, each in model.get_base_model().named_parameters()
        if each.dim() == 3 and "expert" in name and "lora_" not in name
    }
    share = sum(fused.values()) / every
    reached = [path for path in layers if path.endswith("experts")]
    held = f"the experts hold {share:.0%} of the model, of which {_number(reached)} adapted"
    reason = f"{held}: PEFT adapts {by_leaf(layers)}"
    return bool(fused) and not reached, reason, {"share": share, "adapted": len(layers), "experts": len(reached)}


def tower(run: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL208: adapted layers in the vision tower beside others."""
    layers = adapted(model)
    inside = [path for path in layers if tower_of(path)]
    own = {path: sum(p.numel() for n, p in layer.named_parameters() if "lora_" in n) for path, layer in layers.items()}
    measured = {"tower": len(inside), "elsewhere": len(layers) - len(inside), "parameters": sum(own[p] for p in inside)}
    if not inside:
        return False, f"PEFT adapts nothing in a vision tower, only {by_leaf(layers)}", measured
    at = "" if rank_known(run) else " at r=8"
    there = f"{by_leaf(inside)} in the tower ({measured['parameters']:,} parameters{at})"
    reason = f"PEFT adapts {there}, and {by_leaf(set(layers) - set(inside))} elsewhere"
    return len(inside) < len(layers), reason, measured


def saved_along(_: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL209: weights of the base model that PEFT would save with the adapter."""
    from peft import get_peft_model_state_dict

    with quiet():
        state = get_peft_model_state_dict(model)
    along = {name: each.numel() for name, each in state.items() if ".base_layer." in name}
    own = sum(each.numel() for name, each in state.items() if name not in along)
    reason = f"PEFT adapts {by_leaf(adapted(model))}"
    if along:
        reason += f", and saves {sum(along.values()):,} values of the base model along with the adapter's {own:,}"
    found = [path for path in adapted(model) if path.rpartition(".")[2] in VOCABULARY]
    return bool(found), reason, {"base_values": sum(along.values()), "adapter_values": own, "adapted": found}


def layer_numbers(run: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL210: requested layers without an adapter, or adapted layers that were not requested."""
    given = alternatives(run.adapter.layers_to_transform)[0].value
    asked = {given} if isinstance(given, int) else set(given or ())
    there = {int(found[2]) for path in adapted(model) if (found := _LAYER.match(path))}
    lacking, beside = sorted(asked - there), sorted(there - asked)
    reason = f"PEFT adapts layers {listed(map(str, sorted(there)))}"
    if lacking:
        reason += f", but not {listed(map(str, lacking))}"
    return bool(lacking or beside), reason, {"lacking": lacking, "beside": beside}


def saved_modules(run: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL211: names that match no copied module."""
    copied = _copied(model)
    wanted = alternatives(run.adapter.modules_to_save)[0].value or ()
    missing = [name for name in wanted if not any(path.endswith(name) for path in copied)]
    reason = _full_copies(copied)
    return bool(missing), f"{reason}; nothing matches {names(missing)}" if missing else reason, {"missing": missing}


def saved_targets(run: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL212: entries whose modules are copied and get no LoRA."""
    copied, layers = _copied(model), adapted(model)
    wanted = alternatives(run.adapter.target_modules)[0].value
    entries = wanted if isinstance(wanted, tuple) else ()

    def among(entry: str, paths: Iterable[str]) -> bool:
        return any(path == entry or path.endswith(f".{entry}") or entry.startswith(f"{path}.") for path in paths)

    twice = [entry for entry in entries if among(entry, copied) and not among(entry, layers)]
    reason = f"{_full_copies(copied)} and adapts {by_leaf(layers)}"
    return bool(twice), reason, {"without_lora": twice}


def uneven(_: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL214: layers of one stack with more adapted blocks than others."""
    kinds: dict[str, dict[int, set[str]]] = {}
    for path, _ in model.get_base_model().named_modules():
        found = _LAYER.match(f"{path}.")
        if found:
            kinds.setdefault(found[1], {}).setdefault(int(found[2]), set())
    layers = adapted(model)
    for path in layers:
        found = _LAYER.match(f"{path}.")
        if found:
            kinds[found[1]][int(found[2])].add(path[found.end() :].partition(".")[0])
    mixed = {stack: where for stack, where in kinds.items() if len(set(map(len, where.values()))) > 1}
    if not mixed:
        return False, f"PEFT adapts the same blocks in every layer: {by_leaf(layers)}", {}
    stack, where = max(mixed.items(), key=lambda item: len(item[1]))
    counts = Counter(", ".join(sorted(blocks)) or "nothing" for blocks in where.values())
    reason = listed(f"{blocks} in {plural(count, 'layer')}" for blocks, count in counts.most_common())
    return True, f"in `{stack}` PEFT adapts {reason}", {"layers": dict(counts)}


def routers(_: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL215: routers with an adapter."""
    found = [path for path in adapted(model) if path.rpartition(".")[2] in ("gate", "router") or ".router." in path]
    reason = f"PEFT adapts {plural(len(found), 'router')}" + (f", such as `{found[0]}`" if found else "")
    return bool(found), reason, {"routers": len(found)}


def ranks(run: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL302: layers with a rank above their smaller dimension."""
    if not rank_known(run):
        raise Skip("the rank has more than one value or is not known")
    over = {
        path: min(layer.in_features, layer.out_features)
        for path, layer in adapted(model).items()
        if layer.r["default"] > min(layer.in_features, layer.out_features)
    }
    reason = f"{plural(len(over), 'layer')} of {len(adapted(model))} have a rank above their smaller dimension"
    if over:
        reason += f": {by_leaf(over)}; the smallest dimension is {min(over.values())}"
    return bool(over), reason, {"layers": len(over), "smallest": min(over.values(), default=None)}


def _copied(model: Any) -> list[str]:
    from peft.utils.other import ModulesToSaveWrapper

    return [p.removeprefix(PREFIX) for p, each in model.named_modules() if isinstance(each, ModulesToSaveWrapper)]


def _full_copies(paths: list[str]) -> str:
    return f"PEFT trains a full copy of {names(paths)}" if paths else "PEFT trains no full copy of a module"


def _number(paths: list[str]) -> str:
    return f"{plural(len(paths), 'layer')} {'is' if len(paths) == 1 else 'are'}" if paths else "none is"


def tied(_: Run, model: Any) -> tuple[bool, str, dict[str, Any]]:
    """LL603: whether the input embedding and the head share one tensor that has LoRA on it."""
    from peft.utils.other import ModulesToSaveWrapper

    base = model.get_base_model()
    ends = [base.get_input_embeddings(), base.get_output_embeddings()]
    if any(isinstance(end, ModulesToSaveWrapper) for end in ends):
        raise Skip("what a merge makes of the copies depends on the pinned versions, not on the installed ones")
    plain = [getattr(end, "base_layer", end) for end in ends]
    one = plain[1] is not None and plain[0].weight is plain[1].weight
    found = [path for path, layer in adapted(model).items() if any(layer is end for end in ends)]
    on = f"PEFT adapts {names(found)}" if found else "PEFT adapts neither"
    reason = f"the input embedding and the head {'share one tensor' if one else 'have separate tensors'}; {on}"
    return one and bool(found), reason, {"tied": one, "adapted": found}


CLAIMS: dict[str, Claim] = {
    "LL106": scales,
    "LL206": experts,
    "LL208": tower,
    "LL209": saved_along,
    "LL210": layer_numbers,
    "LL211": saved_modules,
    "LL212": saved_targets,
    "LL214": uneven,
    "LL215": routers,
    "LL302": ranks,
    "LL603": tied,
}
