"""What was seen of a training, as plain numbers and names for a report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lora_lint.guarding.adapters import layer_path
from lora_lint.guarding.modules import base_of, is_checkpointing
from lora_lint.guarding.shards import size_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.guarding.adapters import LiveAdapter
    from lora_lint.guarding.state import State
    from lora_lint.guarding.subject import Subject


def facts_of(subject: Subject, state: State) -> dict[str, Any]:
    """Adapters with the layers that each entry of their targets matches, scales and dtypes; what else trains; the
    optimizer's groups; how the base model is loaded."""
    base = base_of(subject.model)
    return {
        "adapters": {each.name: _adapter(each) for each in state.adapters},
        "trains_beside_adapters": list(state.foreign),
        "optimizer": {
            "groups": [{"learning_rate": rate, "parameters": count} for rate, count in state.optimizer.groups],
            "missing": list(state.optimizer.missing),
            "twice": list(state.optimizer.twice),
        },
        "quantization": _quantization(base),
        "gradient_checkpointing": is_checkpointing(base),
        "device_map": {str(key): str(value) for key, value in (getattr(base, "hf_device_map", None) or {}).items()},
    }


def _adapter(adapter: LiveAdapter) -> dict[str, Any]:
    layers = list(dict.fromkeys(layer_path(name.rpartition(".lora_")[0]) for name in adapter.matrices))
    return {
        "active": adapter.active,
        "trains": adapter.trains,
        "parameters": sum(map(size_of, adapter.parameters.values())),
        "layers": len(layers),
        "targets": _by_entry(adapter.config, layers),
        "scales": {f"{scale:g}": count for scale, count in sorted(Counter(adapter.scales.values()).items())},
        "dtypes": dict(Counter(str(each.dtype).removeprefix("torch.") for each in adapter.parameters.values())),
    }


def _by_entry(config: Any, layers: Iterable[str]) -> dict[str, list[str]]:
    """The adapted layers by the entry of the targets that names them; those without any are there too."""
    targets = getattr(config, "target_modules", None)
    if isinstance(targets, str) or not targets:
        return {str(targets): list(layers)}
    return {
        entry: [path for path in layers if path == entry or path.endswith(f".{entry}")] for entry in sorted(targets)
    }


def _quantization(base: Any) -> str | None:
    method = getattr(base, "quantization_method", None)
    return str(getattr(method, "value", method)) if method is not None else None
