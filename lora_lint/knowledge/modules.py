"""The modules of a model, as PEFT would meet them."""

from __future__ import annotations

from typing import NamedTuple


class Module(NamedTuple):
    """One module of an instantiated model: its full path (`model.layers.0.self_attn.q_proj`), its class name as PEFT
    decides by it (`Linear`, `Conv1D`, `Conv2d`, `Embedding`, `LayerNorm`, `ModuleList`, a container class …) and, where
    it has a weight, its input and output size (0 where it has none or the size is not known)."""

    path: str
    kind: str
    inputs: int = 0
    outputs: int = 0
