"""One reader for each way to write LoRA settings down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.run.run import Reading
    from lora_lint.source import SourceFile


def read(source: SourceFile, project: Project, *, every_line: bool = False) -> Reading:
    """The runs and sweeps that a file holds. Raises readers.errors.Unreadable; with `every_line` also for what is wrong
    in the parts of a program that have nothing to do with them."""
    if source.kind in ("python", "notebook"):
        from lora_lint.programs.following import read_program

        return read_program(source, project, every_line=every_line)
    if source.kind == "shell":
        from lora_lint.programs.following import read_script

        return read_script(source, project)
    from lora_lint.frameworks.configs import read_config

    return read_config(source, project)
