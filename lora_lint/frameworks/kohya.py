"""kohya's sd-scripts and its GUI: LoRA for Stable Diffusion, SDXL, FLUX and similar models, in a TOML file, in the
GUI's JSON or on the command line.

Source: kohya-ss/sd-scripts at 48d368f and bmaltais/kohya_ss at 45088f0 (kohya_gui/lora_gui.py).
"""

from __future__ import annotations

from lora_lint.frameworks import networks, networks_data, networks_schema
from lora_lint.run.framework import CommandLine, Framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Reading

FRAMEWORK = Framework(
    name="kohya",
    title="sd-scripts",
    source="sd-scripts at 48d368f",
    keys={**networks.KEYS, "dtype": "full_fp16"},
    other_keys={**networks.OTHER_KEYS, "batch_size": "train_batch_size"},
    defaults={**networks.DEFAULTS, "batch_size": 1},
    kinds=("toml", "json"),
    marks=((b"network_module",), (b"LoRA_type", b"network_dim"), (b"[[datasets.subsets]]",)),
    tells=(b"[[datasets.subsets]]",),
    tells_in_commands=(rb"train_network\.py",),
    commands=tuple(
        CommandLine(
            "script",
            rf"{model}train_network\.py",
            config="option",
            option="config_file",
            suffix=".toml",
            says={"script_of": model.rstrip("_") or "sd"},
        )
        for model in ("", "sdxl_", "flux_", "sd3_", "lumina_", "anima_", "hunyuan_image_")
    ),
    adapts="sd-scripts",
    every_layer=None,
    lists=networks.LISTS,
)


_FIXED = ("networks.lora", "networks.lora_flux", "networks.lora_sd3", "networks.lora_hunyuan_image")
"""The modules of the scripts that ask for it (at 48d368fa, assert_extra_args)."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a file of sd-scripts, of its data or of its GUI."""
    if networks_schema.is_of_subsets(document):
        return True
    flat = networks.flattened(document)
    of_the_gui = flat.entry("LoRA_type") is not None and flat.entry("network_dim") is not None
    return of_the_gui or (flat.entry("network_module") is not None and flat.entry("dit") is None)


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings of a file or of a command; none of the data."""
    return () if networks_schema.is_of_subsets(document) else (networks.flattened(document),)


def owner(document: Mapping) -> str:
    """What takes the settings of a file: the scripts, or the GUI, which rewrites them for these."""
    return "gui" if document.entry("LoRA_type") is not None else ""


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA."""
    if networks_schema.is_of_subsets(document):
        return networks_data.reading(FRAMEWORK, document, in_subsets=True)
    return networks.reading(FRAMEWORK, document, project, "mixed_precision", _FIXED)
