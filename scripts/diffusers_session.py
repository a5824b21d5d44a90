"""diffusers' UNets and transformers, for the scripts that build transformers' models (generate_architectures.py).

A model type of diffusers is the class itself, `FluxTransformer2DModel`: that is what its config.json names as
`_class_name`. Its config is the arguments of the class, and it has one head, "base".
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from generate_architectures import HEADS, Session  # noqa: E402

from lora_lint.knowledge import architectures  # noqa: E402

WRAPPED = ["PixArtTransformer2DModel"]
"""What users hand to `get_peft_model`: the class has no `add_adapter`."""
VARIED = re.compile(
    r"_(dim|dim2|dims?_2|channels|layers|heads|embeds|embed_\d_dim)$|^(n_(heads|kv_heads|layers|refiner_layers)|dim|"
    r"hidden_size|guidance_embeds|zero_cond_t|qk_norm|use_additional_t_cond|use_linear_projection|attention_bias)$"
)
"""Fields that models differ in. The others are fixed: with another value nothing is certain."""
NEUTRAL = re.compile(
    r"rope|axes_|sample_|interpolation|freq_shift|flip_sin|dropout|eps$|scale|theta|max_|act_fn|activation|upcast|"
    r"padding|groups|_seq_len|sampling_rate|hop_length|causal|window|base_(height|width)|precision|compression|"
    r"num_embeds_ada_norm|zero_cond_t|elementwise|center_input|norm_num|skip_time_act|freq_dim|pos_embed_max|size_index"
)
"""Fields that decide no module and no size of a layer."""
OF_UNETS = {"cross_attention_dim", "in_channels", "out_channels", "use_linear_projection"}
"""The only fields in which the releases of one UNet differ."""
LARGE = "UNet2DConditionModel-XL"
"""SDXL's UNet: the class of Stable Diffusion's, with other blocks."""
SDXL = {
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "attention_head_dim": [5, 10, 20],
    "block_out_channels": [320, 640, 1280],
    "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "projection_class_embeddings_input_dim": 2816,
    "transformer_layers_per_block": [1, 2, 10],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}
"""What differs from the class's defaults in stabilityai/stable-diffusion-xl-base-1.0."""


class Arguments:
    """The arguments of a class of diffusers, in the form of a config of transformers."""

    defaults: ClassVar[dict[str, Any]] = {}
    fixed: ClassVar[frozenset[str]] = frozenset()
    model_type = ""
    closed = True
    """The class takes no other names: none are to be looked for in its source."""

    def __init__(self, **given: Any) -> None:
        if unknown := given.keys() - self.defaults:
            raise TypeError(f"no arguments of {self.model_type}: {sorted(unknown)}")
        self.asked: dict[str, Any] = {}
        self.values = self.defaults | given

    def to_dict(self) -> dict[str, Any]:
        """The arguments, as config.json has them."""
        return dict(self.values)


class DiffusersSession(Session):
    """diffusers, prepared to build models that hold nothing."""

    def __init__(self) -> None:
        super().__init__()
        import diffusers
        from diffusers.loaders import PeftAdapterMixin

        diffusers.utils.logging.set_verbosity_error()
        self.library = diffusers
        self.version = diffusers.__version__
        self.name = architectures.DIFFUSERS
        exported = diffusers._import_structure["models"]
        classes = {name: getattr(diffusers, name) for name in exported}
        names = [name for name, cls in classes.items() if inspect.isclass(cls) and issubclass(cls, PeftAdapterMixin)]
        names += WRAPPED
        self.configs = {name: config_class(classes[name]) for name in names}
        self.configs[LARGE] = config_class(classes["UNet2DConditionModel"], LARGE, SDXL)
        owners = {name: name for name in names} | {LARGE: "UNet2DConditionModel"}
        self.classes = {head: {} for head in HEADS} | {"base": owners}
        self.heads_by_class = {}

    def model_class(self, name: str) -> Any:
        """A class that takes its arguments as one object."""
        cls = getattr(self.library, name)
        return lambda config: cls(**config.to_dict())


def config_class(cls: Any, name: str = "", release: dict[str, Any] | None = None) -> type[Arguments]:
    """The config of a class of diffusers, under another name with the values of a release."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    given = {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}
    defaults = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    defaults |= release or {}
    fixed = frozenset(key for key in defaults if not VARIED.search(key) and not NEUTRAL.search(key))
    fixed |= {key for key, value in defaults.items() if isinstance(value, list) and not NEUTRAL.search(key)}
    if cls.__name__.startswith("UNet"):
        fixed |= defaults.keys() - OF_UNETS
    fields = {
        "defaults": defaults,
        "fixed": fixed - {"dual_attention_layers"},
        "model_type": name or cls.__name__,
        "__annotations__": {each.name: each.annotation for each in parameters},
    }
    return type(name or cls.__name__, (Arguments,), fields)
