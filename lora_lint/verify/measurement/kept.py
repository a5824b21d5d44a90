"""The memory of activations: what a forward pass keeps for the backward pass."""

from __future__ import annotations

from typing import Any


class KeptTensors:
    """Counts the bytes of the tensors that are kept for the backward pass while it is entered, each storage once; the
    model's own parameters take none."""

    def __init__(self, model: Any) -> None:
        from torch.autograd.graph import saved_tensors_hooks

        self._own = {each.untyped_storage()._cdata for each in model.parameters()}
        self._sizes: dict[int, int] = {}
        self._hooks = saved_tensors_hooks(self._note, lambda tensor: tensor)

    @property
    def bytes(self) -> int:
        return sum(self._sizes.values())

    def _note(self, tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._own:
            self._sizes[storage._cdata] = storage.nbytes()
        return tensor

    def __enter__(self) -> KeptTensors:
        self._hooks.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._hooks.__exit__(*error)
