"""musubi-tuner: LoRA for video and image transformers, in a TOML file or on the command line.

Source: musubi-tuner 0.3.4 at 30c658c, src/musubi_tuner/training/parser_common.py and networks/lora.py.
"""

from __future__ import annotations

from lora_lint.frameworks import networks
from lora_lint.run.framework import CommandLine, Framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Reading

FRAMEWORK = Framework(
    name="musubi_tuner",
    title="musubi-tuner",
    source="musubi-tuner",
    version=(0, 3, 4),
    keys=networks.KEYS,
    other_keys={**networks.OTHER_KEYS, "model": "dit"},
    defaults=networks.DEFAULTS,
    packages=("musubi-tuner",),
    kinds=("toml",),
    marks=((b"network_module", b"dit"),),
    commands=tuple(
        CommandLine(
            *("script", rf"{model}_train_network\.py"),
            config="option",
            option="config_file",
            suffix=".toml",
            implied={"script_of": model},
        )
        for model in (
            *("hv", "hv_1_5", "wan", "fpack", "zimage", "qwen_image", "flux_kontext", "flux_2", "hidream_o1"),
            *("ideogram4", "kandinsky5", "krea2"),
        )
    ),
    adapts="musubi-tuner",
    every_layer=None,
    lists=networks.LISTS,
)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a file of musubi-tuner."""
    flat = networks.flattened(document)
    return flat.entry("network_module") is not None and flat.entry("dit") is not None


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings of a file or of a command."""
    return (networks.flattened(document),)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA."""
    return networks.reading(FRAMEWORK, document, project)
