"""Looks at a model without leaving a trace: modes, gradients and random states are as before."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def in_evaluation(model: Any) -> Iterator[None]:
    """The model in evaluation mode without gradients; then each module in its own mode again."""
    import torch

    modes = {module: module.training for module in model.modules()}
    try:
        with torch.no_grad(), same_randomness():
            model.eval()
            yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def same_randomness() -> Iterator[None]:
    """Restores the random states of Python, NumPy and torch, on all devices that are in use."""
    import torch

    numpy = sys.modules.get("numpy")
    own, array = random.getstate(), numpy.random.get_state() if numpy is not None else None
    cuda = torch.cuda.is_available() and torch.cuda.is_initialized()
    state, devices = torch.get_rng_state(), torch.cuda.get_rng_state_all() if cuda else []
    try:
        yield
    finally:
        random.setstate(own)
        if numpy is not None:
            numpy.random.set_state(array)
        torch.set_rng_state(state)
        if cuda:
            torch.cuda.set_rng_state_all(devices)
