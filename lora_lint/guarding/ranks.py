"""Trainings in several processes: each looks at its own shard, one reports."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def is_main() -> bool:
    """Whether this process is the one that reports."""
    distributed = _distributed()
    return distributed is None or distributed.get_rank() == 0


def of_all(mine: T) -> list[T]:
    """What each process has, in their order. All of them have to call it."""
    distributed = _distributed()
    if distributed is None:
        return [mine]
    every: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(every, mine)
    return every


def _distributed() -> Any:
    """torch.distributed, if there is more than one process."""
    import torch

    distributed = torch.distributed
    started = distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
    return distributed if started else None
