"""Programs and scripts that start one another, followed in both directions.

The readers of Python and of shell know nothing of each other: what either starts is handed to the other one here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.programs import python
from lora_lint.programs.called import Follower
from lora_lint.records import replace

if TYPE_CHECKING:
    from lora_lint.programs.called import Invocation
    from lora_lint.project import Project
    from lora_lint.run.run import Reading
    from lora_lint.source import SourceFile


def read_program(source: SourceFile, project: Project, *, every_line: bool = False) -> Reading:
    """The runs of a script or notebook, and those of the programs that it starts.

    Without `every_line` a script is parsed without the definitions that nothing in it asks for.

    Raises readers.errors.Unreadable for what Python itself cannot parse.
    """
    program = python.read(source, project, every_line=every_line)
    reading = program.reading
    if not program.launches:
        return reading
    from lora_lint.programs import launches, shell

    commands = launches.commands(program.launches, source)
    started = shell.read_commands(commands, source.path, project, follower(project))
    return replace(
        reading,
        runs=reading.runs + started.runs,
        sweeps=reading.sweeps + started.sweeps,
        unread=reading.unread + started.unread,
    )


def read_script(source: SourceFile, project: Project) -> Reading:
    """The runs of a shell script and of the programs that it calls, and the sweeps that its loops make.

    Raises readers.errors.Unreadable.
    """
    from lora_lint.programs import shell

    return shell.read(source, project, follower(project))


def follower(project: Project) -> Follower:
    """Follows the Python programs of a project for the calls of one file."""

    def read(program: SourceFile, invocation: Invocation) -> Reading:
        return python.read(program, project, invocation).reading

    return Follower(read)
