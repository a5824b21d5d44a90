"""Image models of timm, by the name that `create_model` takes: how their layers are called. Their sizes are not known.

Source: timm 1.0.31, models/{vision_transformer,deit,beit,swin_transformer,swin_transformer_v2,convnext,resnet}.py and
layers/{attention,mlp}.py.
"""

from __future__ import annotations

import re

from lora_lint.knowledge.models import Clue, Model

LOADER = "timm.create_model"
_TRANSFORMER = ("qkv", "proj", "fc1", "fc2", "head")
_NAMES = {
    r"vit_(?:tiny|small|medium|base|large|huge|giant)_(?:patch|r)\d.*": _TRANSFORMER,
    r"beit(?:v2)?_.*": _TRANSFORMER,
    r"deit3?_.*": (*_TRANSFORMER, "head_dist"),
    r"swin(?:v2)?_.*": ("qkv", "proj", "fc1", "fc2", "reduction", "fc"),
    r"convnext(?:v2)?_.*": ("conv_dw", "fc1", "fc2", "fc"),
    r"resnet\d+(?:[td]|c)?": ("conv1", "conv2", "conv3", "fc"),
}
"""Expressions for the names of models, and the last parts of the paths of their layers."""
_OTHERS = r"siglip|dinov3|rope|relpos|parallel|_xp|_cr_"
"""Parts of names of models that are built otherwise."""


def identify(name: str) -> Model | None:
    """The model of a name, with the tag of its weights or without; None if its layers are not known."""
    base = name.rpartition("/")[2].partition(".")[0]
    found = next((leaves for pattern, leaves in _NAMES.items() if re.fullmatch(pattern, base)), None)
    if found is None or re.search(_OTHERS, base):
        return None
    return Model(name, "timm", how=Clue.CLASS, module_names=found)
