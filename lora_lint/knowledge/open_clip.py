"""Models of OpenCLIP, by the name that `create_model` takes: how their layers are called. Their sizes are not known.

Source: open_clip 3.3.0, model_configs/ and transformer.py. Attention is one module of torch, whose projections of
queries, keys and values are parameters: no name of a module reaches them.
"""

from __future__ import annotations

import re

from lora_lint.knowledge.models import Clue, Model

LOADER = "open_clip.create_model"
_OWN = r"ViT-(?:S|M|B|L|H|g|bigG)-\d+(?:-(?:\d+|quickgelu|alt|plus))*"
"""Models both of whose transformers are OpenCLIP's own."""
_LEAVES = ("attn", "out_proj", "c_fc", "c_proj", "conv1", "token_embedding")
"""The last parts of the paths of their layers."""


def identify(name: str) -> Model | None:
    """The model of a name; None if its layers are not known."""
    if re.fullmatch(_OWN, name.replace("/", "-")) is None:
        return None
    return Model(name, "open_clip", how=Clue.CLASS, module_names=_LEAVES)
