"""Accelerate: the config file of its launcher, which sets up processes and precision for any program.

Nothing in it is about LoRA; what Accelerate refuses is in `refused_by`, and how it lays out a program in
`programs.accelerated`. Source: accelerate 1.15.0, commands/config/config_args.py.
"""

from __future__ import annotations

from lora_lint.run.framework import Framework
from lora_lint.run.run import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping

FRAMEWORK = Framework(
    name="accelerate",
    title="Accelerate",
    source="accelerate",
    version=(1, 15, 0),
    keys={},
    kinds=("yaml", "json"),
    marks=((b"compute_environment", b"distributed_type"),),
    tells=(b"compute_environment",),
    packages=("accelerate",),
)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a config file of the launcher."""
    return document.entry("compute_environment") is not None and document.entry("distributed_type") is not None


def read(document: Mapping, project: Project) -> Reading:
    """No run: the program that is launched has it."""
    del document, project
    return Reading()
