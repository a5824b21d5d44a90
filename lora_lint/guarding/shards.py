"""How the parameters of a live model are spread over processes.

Source: the marks that torch 2.13 (distributed/fsdp/_common_utils.py, distributed/tensor) and DeepSpeed 0.18
(runtime/zero/partition_parameters.py) leave on parameters.
"""

from __future__ import annotations

from typing import Any

from lora_lint.run.launch import Sharding


def sharding_of(parameter: Any) -> Sharding | None:
    """What splits a parameter, so that a process holds a part of it or nothing; None if it is whole."""
    if hasattr(parameter, "ds_id"):
        return Sharding.ZERO3
    if hasattr(parameter, "to_local"):
        return Sharding.FSDP2
    # a flat parameter, or with `use_orig_params` a view of the part that this process holds
    return Sharding.FSDP1 if hasattr(parameter, "_fsdp_flattened") else None


def sharding_of_model(model: Any) -> Sharding | None:
    """What splits some parameter of a model; None if this process holds all of them."""
    return next(filter(None, map(sharding_of, model.parameters())), None)


def size_of(parameter: Any) -> int:
    """The elements of a parameter, also where ZeRO-3 has left an empty tensor in its place."""
    return int(getattr(parameter, "ds_numel", parameter.numel()))


def local_part(parameter: Any) -> Any:
    """What this process holds of a parameter: ZeRO-3 keeps it beside the parameter, which is empty between uses."""
    return getattr(parameter, "ds_tensor", parameter)
