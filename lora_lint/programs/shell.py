"""Shell scripts: commands that train, through a framework's command line or a program with LoRA options."""

from __future__ import annotations

from lora_lint.frameworks import commands as frameworks
from lora_lint.frameworks.commands import start_of
from lora_lint.interpreter.shell import read_script
from lora_lint.programs import overrides as configured
from lora_lint.programs import scripts, serving
from lora_lint.programs.accelerated import given_to_launcher, launch_of_call, launched_by
from lora_lint.programs.called import MAX_FOLLOWED
from lora_lint.programs.callers import as_module, program_path
from lora_lint.programs.continued import whole
from lora_lint.programs.launchers import launched
from lora_lint.programs.written import filled_in
from lora_lint.readers.shell import Template
from lora_lint.records import replace
from lora_lint.run.run import Adapter, Reading, Run, Sweep, SweepKind
from lora_lint.run.values import known
from lora_lint.unread import Unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.shell import Cut
    from lora_lint.programs.called import Follower
    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.shell import Command, Turn
    from lora_lint.run.given import Given
    from lora_lint.run.problems import EscapedBlank, LostLine
    from lora_lint.source import SourceFile, Span

MAX_RUNS = 500


def read(source: SourceFile, project: Project, follower: Follower) -> Reading:
    """The runs of a script, and the sweeps of its loops; `follower` follows the programs that it calls.

    Raises readers.errors.Unreadable.
    """
    script = read_script(source)
    reading = read_commands(script.commands, source.path, project, follower, script.cut)
    return replace(reading, unread=script.unread + reading.unread)


def read_commands(
    commands: tuple[Command, ...], path: str, project: Project, follower: Follower, cut: tuple[Cut, ...] = ()
) -> Reading:
    """The runs of the commands that the file at `path` starts, and the sweeps among them; `cut` are its loops that are
    not followed completely. Never raises."""
    made: list[tuple[Command, Run]] = []
    given: list[Given] = []
    trained = serving.TrainedRuns(lambda folder: follower.trained_elsewhere(folder, path))
    left = 0
    for command, cut_off in whole(commands):
        call = launched(command)
        if call is None or not call.arguments:
            continue
        if any(isinstance(file, Template) for file in call.files.values()):
            call = filled_in(call, path, project)
        if len(made) < MAX_RUNS:
            found = _reading(call, command.span, path, project, follower, trained)
            if cut_off:
                found = _with_lost(found, call, cut_off)
            trained.note(found.runs)
            made += [(command, run) for run in found.runs]
            given += found.given
            if found.runs or found.given:
                given += given_to_launcher(call)
        else:
            left += 1
    distinct: dict[str, Run] = {}
    for _, run in made:
        distinct.setdefault(repr(run), run)
    unread: list[Unread] = []
    training = {id(command) for command, _ in made}  # an extra iteration does not matter if nothing is trained
    for loop in cut:
        if any(id(command) in training for command in commands[loop.commands]):
            unread.append(Unread(path, "turns", loop.lost))
            break
    if left:
        unread.append(Unread(path, "runs", f"it starts more than {MAX_RUNS} runs, so {left:,} commands are not judged"))
    if follower.left_out:
        lost = f"programs are followed for {MAX_FOLLOWED} of its commands, but not for {follower.left_out:,} more"
        unread.append(Unread(path, "launches", lost))
    unread += follower.unread
    sweeps = (*_sweeps(made), *follower.sweeps)
    return Reading(tuple(distinct.values()), sweeps, unread=tuple(unread), given=tuple(given))


def _with_lost(reading: Reading, call: Call, cut_off: tuple[LostLine | EscapedBlank, ...]) -> Reading:
    """The runs of a command with the options that are cut off from it; a framework's command that has no run, as one
    that merges an adapter, gets one for them."""
    start = start_of(call)
    if not reading.runs and start is not None:
        reading = Reading((Run(start.framework, call.span, Adapter(call.span), trained=False),), given=reading.given)
    return reading.mapped(lambda run: replace(run, problems=(*run.problems, *cut_off)))


def _reading(
    call: Call, span: Span, path: str, project: Project, follower: Follower, trained: serving.TrainedRuns
) -> Reading:
    """The runs of one command, and what a framework is given that is in none of them."""
    served, options = serving.runs_of(call, span, path, project, trained), serving.given_to_server(call, path, project)
    if served or options:
        return Reading(tuple(served), given=options)
    found = _trained(call, span, path, project, follower, trained)
    if not call.launcher or not found.runs:
        return found
    launch = launch_of_call(call, path, project)
    return found.mapped(lambda run: launched_by(run, launch))


def _trained(
    call: Call, span: Span, path: str, project: Project, follower: Follower, trained: serving.TrainedRuns
) -> Reading:
    """The runs that a command trains."""
    start = start_of(call)
    found: list[Run] | None = None
    if start is not None:
        start = trained.after_others(start)
        trained.note_config(start, path, project)
        misnamed = configured.misnamed(start, path, project)
        if misnamed is not None:
            return Reading((misnamed,))
        beside = configured.reading_of(start, call, span, path, project)
        if beside is not None:
            return serving.on_known_bases(beside, trained.by)
        if not start.command.followed:
            found = frameworks.runs_of(start, span, project)
    if start is None:
        call = as_module(call, path, project)
    if found is not None or call.kind == "command":
        return serving.on_known_bases(Reading(tuple(found or ())), trained.by)
    place = program_path(call, path, project)
    program = project.load(place) if place is not None else None
    if program is None and start is not None and start.command.followed:
        return Reading(tuple(frameworks.runs_of(start, span, project) or ()))
    followed = follower.runs_of(call, span, program) if program is not None else []
    if followed:
        return Reading(tuple(followed))
    run = scripts.run_of(call, span, program)
    return Reading((run,)) if run is not None else Reading()


def _sweeps(made: list[tuple[Command, Run]]) -> list[Sweep]:
    """The runs that one command makes in the iterations of a loop."""
    by_command: dict[Span, list[tuple[Command, Run]]] = {}
    for command, run in made:
        if command.turns:
            by_command.setdefault(command.span, []).append((command, run))
    sweeps = []
    for members in by_command.values():
        distinct = {repr((run.adapter, run.model.name)): run for _, run in members}
        if len({repr(run.adapter) for run in distinct.values()}) > 1:
            turn = _loop(members)
            kind = SweepKind.ARRAY if turn.array else SweepKind.LOOP
            sweeps.append(Sweep(kind, turn.loop, tuple(distinct.values())))
    return sweeps


def _loop(members: list[tuple[Command, Run]]) -> Turn:
    """The loop over the ranks: the outermost whose iterations have one rank each, with several ranks in all."""
    for place, turn in enumerate(members[0][0].turns):
        ranks: dict[int, set[int | None]] = {}
        for command, run in members:
            if len(command.turns) > place:
                ranks.setdefault(command.turns[place].number, set()).add(known(run.adapter.rank))
        if all(len(each) == 1 for each in ranks.values()) and len(set().union(*ranks.values())) > 1:
            return turn
    return members[0][0].turns[0]
