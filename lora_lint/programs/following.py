"""Programs and scripts that start one another, followed in both directions.

The readers of Python and of shell do not know each other: what either starts is passed to the other one here.
"""

from __future__ import annotations

from lora_lint.programs import python
from lora_lint.programs.lives import files_naming, is_of, joined
from lora_lint.records import replace
from lora_lint.run.run import Reading, Sweep, names_folder
from lora_lint.run.values import ABSENT, Known, known
from lora_lint.source import SCRIPTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.programs.called import Follower, Invocation
    from lora_lint.project import Project
    from lora_lint.run.run import Run, Started
    from lora_lint.run.values import Value
    from lora_lint.source import SourceFile


def read_program(source: SourceFile, project: Project, *, every_line: bool = False) -> Reading:
    """The runs of a script or notebook, and those of the programs that it starts.

    Without `every_line` a script is parsed without the definitions that nothing in it uses. Raises
    readers.errors.Unreadable if Python itself cannot parse it.
    """
    program = python.read(source, project, every_line=every_line)
    reading = joined(program.reading, source.path, project, lambda other: python.read(other, project).reading)
    if program.served:
        from lora_lint.programs import serving

        served = serving.adapters(
            program.served, source.path, project, lambda folder: _trained_in(folder, source.path, project)
        )
        reading = replace(reading, runs=reading.runs + tuple(served))
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

    return with_trained_bases(shell.read(source, project, follower(project)), source, project)


def read_modelfile(source: SourceFile, project: Project) -> Reading:
    """The adapters that a Modelfile gives to Ollama, each with the base model that it is put on, and parameters that it
    does not take."""
    from lora_lint.knowledge.servers import OLLAMA
    from lora_lint.programs import serving
    from lora_lint.readers.modelfile import instructions, model_name, unnamed_values, weights_folder
    from lora_lint.run.problems import InvalidValue

    base, given = instructions(source)
    name = model_name(base.text) if base is not None else None
    model: Value[str] = Known(name, base.span) if base is not None and name is not None else ABSENT
    served = []
    for each in given:
        folder = weights_folder(each.text)
        served.append(serving.Served(OLLAMA, folder or each.text, each.span, base=model, as_file=folder is not None))
    found = serving.adapters(served, source.path, project, lambda folder: _trained_in(folder, source.path, project))
    for each in unnamed_values(source):
        expected = (
            "the name of a parameter before its value, and stops (unexpected EOF). Write `PARAMETER stop` for a stop"
        )
        wrong = InvalidValue("PARAMETER", each.text, each.span, OLLAMA.title, expected)
        found.append(serving.with_problem(wrong))
    return Reading(tuple(found))


def with_bases(reading: Reading, source: SourceFile, project: Project) -> Reading:
    """The runs of a configuration that merges adapters which the project trains elsewhere, with the base models that
    these were trained on."""
    from lora_lint.programs import serving

    return serving.on_known_bases(reading, lambda folder: _trained_in(folder, source.path, project))


def with_trained_bases(reading: Reading, source: SourceFile, project: Project) -> Reading:
    """The runs of a file with what the project trains into the folders that they name as their base models."""

    def complete(run: Run) -> Run:
        name = known(run.model.name)
        if not names_folder(run) or name is None:
            return run
        here = (each for each in reading.runs if each is not run and each.trained and is_of(name, each.saves))
        found = next(here, None) or _trained_in(name, source.path, project)
        return run if found is None else replace(run, base_saved_by=found.span)

    return reading.mapped(complete)


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

    return Follower(_program_reader(project), lambda folder, near: _trained_in(folder, near, project))


def _program_reader(project: Project) -> Callable[[SourceFile, Invocation], Reading]:
    """Reads a program of the project as a call starts it."""
    return lambda program, invocation: python.read(program, project, invocation).reading


def _trained_in(folder: str, near: str, project: Project) -> Run | None:
    """The run that saves its adapter in a folder, in another file around the file `near`; None if there is none, or
    several."""
    from lora_lint.frameworks.configs import read_config
    from lora_lint.programs import shell
    from lora_lint.programs.called import Follower
    from lora_lint.readers import configs
    from lora_lint.readers.errors import Unreadable

    found: list[Run] = []
    for source in files_naming(folder, near, project):
        try:
            if source.kind in configs.KINDS:
                reading = read_config(source, project)
            elif source.kind in SCRIPTS:
                reading = shell.read(source, project, Follower(_program_reader(project)))  # which looks no further
            else:
                reading = python.read(source, project).reading
        except (Unreadable, RecursionError):
            continue
        found += [run for run in reading.runs if run.trained and is_of(folder, run.saves)]
    # The default of an option counts only if nothing calls the program.
    set_ = [run for run in found if not (isinstance(rank := run.adapter.rank, Known) and rank.origin == "cli-default")]
    found = set_ or found
    return found[0] if found and len({known(run.adapter.rank) for run in found}) == 1 else None
