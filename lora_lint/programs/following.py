"""Programs and scripts that start one another, followed in both directions.

The readers of Python and of shell do not know each other: what either starts is passed to the other one here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.programs import python
from lora_lint.programs.lives import joined
from lora_lint.records import replace
from lora_lint.run.run import Reading, Sweep
from lora_lint.run.values import Known

if TYPE_CHECKING:
    from lora_lint.programs.called import Follower, Invocation
    from lora_lint.project import Project
    from lora_lint.run.run import Started
    from lora_lint.source import SourceFile


def read_program(source: SourceFile, project: Project, *, every_line: bool = False) -> Reading:
    """The runs of a script or notebook, and those of the programs that it starts.

    Without `every_line` a script is parsed without the definitions that nothing in it uses. Raises
    readers.errors.Unreadable if Python itself cannot parse it.
    """
    program = python.read(source, project, every_line=every_line)
    reading = joined(program.reading, source.path, project, lambda other: python.read(other, project).reading)
    if not program.launches and not source.commands:
        return reading
    from lora_lint.interpreter.shell import read_shell
    from lora_lint.programs import launches, shell

    commands = launches.commands(program.launches, source) + (read_shell(source) if source.commands else ())
    started = shell.read_commands(commands, source.path, project, follower(project))
    return replace(
        reading,
        runs=reading.runs + started.runs,
        sweeps=reading.sweeps + started.sweeps,
        unread=reading.unread + started.unread,
    )


def read_script(source: SourceFile, project: Project) -> Reading:
    """The runs of a shell script and of the programs that it calls, and the sweeps of its loops.

    Raises readers.errors.Unreadable.
    """
    from lora_lint.programs import shell

    return shell.read(source, project, follower(project))


def read_started(started: Started, project: Project) -> Reading | None:
    """The runs of a program that a configuration file starts, one per call; None if it is not understood as one run
    that takes the rank."""
    from lora_lint.programs.called import MAX_FOLLOWED
    from lora_lint.programs.launchers import Call

    if len(started.calls) > MAX_FOLLOWED:
        return None

    following, runs = follower(project), []
    for words in started.calls:
        call = Call("script", started.program.path, words, started.span)
        made = following.runs_of(call, started.span, started.program)
        if len(made) != 1 or not isinstance(made[0].adapter.rank, Known) or made[0].adapter.rank.span == started.span:
            return None
        runs += made
    sweeps = (Sweep(started.sweep, started.sweep_span, tuple(runs)),) if len(runs) > 1 else ()
    return Reading(tuple(runs), sweeps, unread=tuple(following.unread))


def follower(project: Project) -> Follower:
    """Follows the Python programs of a project for the calls in one file."""
    from lora_lint.programs.called import Follower

    def read(program: SourceFile, invocation: Invocation) -> Reading:
        return python.read(program, project, invocation).reading

    return Follower(read)
