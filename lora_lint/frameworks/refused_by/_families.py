"""Families of image and video models, as the names of their weights show them."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTS = {
    "SD1": ("stable-diffusion-v1", "v1-5-pruned"),
    "SDXL": ("stable-diffusion-xl", "sd_xl_", "sdxl"),
    "SD3": ("stable-diffusion-3", "sd3.5_"),
    "FLUX.1": ("flux.1", "flux1"),
    "FLUX.2": ("flux.2", "flux2", "flux-2"),
    "Qwen-Image": ("qwen-image", "qwen_image"),
    "Z-Image": ("z-image", "z_image", "zimage"),
    "Wan": ("wan2.1-", "wan2.2-", "wan2.1_", "wan2.2_"),
    "HiDream": ("hidream-",),
    "HunyuanVideo": ("hunyuanvideo", "hunyuan_video"),
}
"""Parts of names by which weights are published, or files of them are handed on, in lower case."""


def weights_of_another(key: str, kind: str, own: Mapping[str, str], source: str) -> tuple[Refusal, ...]:
    """The rows on a setting that names weights, where they seem to be another family's than the setting `kind` says.
    `own`: by family, the condition under which that says so."""
    return tuple(
        Refusal(
            key,
            f"({when}) and ({_named(key, family, others=True)}) and not ({_named(key, family)})",
            f"`{kind}` says {family}, and these seem to be the weights of another model, whose shapes do not fit",
            f"Name those of {family}, or set `{kind}` to the model that is meant",
            source,
            (kind,),
            likely=True,
            late=True,
            cause="weights of another model",
        )
        for family, when in own.items()
    )


def _named(key: str, family: str, others: bool = False) -> str:
    """Whether the name has a part of a family, or of one of the others."""
    parts = [part for name, each in _PARTS.items() for part in each if (name == family) is not others]
    return " or ".join(f"holds(last({key}), '{part}')" for part in parts)
