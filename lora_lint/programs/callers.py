"""What the callers of a program always set: the defaults of these options are placeholders that no run uses."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from lora_lint.run.launch import Launch
from lora_lint.run.values import ABSENT, known
from lora_lint.system import disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node

MAX_SCRIPTS = 200
"""The most shell scripts of a project that are searched for one program."""
_FOLDERS = ("", "scripts", "script", "examples", "experiments", "bash", "shell", "run", "runs", "bin")
"""Where shell scripts are, relative to a program's folder and those above it."""
SUFFIXES = (".sh", ".bash")


def always_given(program: str, project: Project) -> dict[str, tuple[Node, ...]]:
    """The options, without dashes, that every shell script of the project gives when it calls a program, with the
    values in each call; none if no script is found that calls it."""
    return _callers_of(project).always_given(program)


def started_with(program: str, project: Project) -> Launch:
    """How the shell scripts of a project lay a program out: the most processes that one starts, and the sharding that
    those agree on which start several."""
    from lora_lint.programs.accelerated import launch_of_call

    calls = _callers_of(project).calls_of(program)
    launches = [launch_of_call(call, call.span.path, project) for call, _ in calls]
    several = [launch for launch in launches if known(launch.processes)]
    most = max(several, key=lambda launch: known(launch.processes) or 0, default=Launch())
    ways = {known(launch.sharding) for launch in several or launches}
    shared = launches[0].sharding if len(ways) == 1 else ABSENT
    return Launch(processes=most.processes, sharding=shared)


def scripts_left(program: str, project: Project) -> int:
    """How many shell scripts around a program are not searched because there are more than MAX_SCRIPTS."""
    return max(len(_callers_of(project).near(program)) - MAX_SCRIPTS, 0)


def program_path(call: Call, near: str, project: Project) -> str | None:
    """The file of the program that a call in the script `near` starts, relative to the script or to a folder above it,
    from which it is run; None if the project does not have it."""
    name = call.name if call.kind == "script" else call.name.replace(".", "/") + ".py"
    return project.nearest(near, name.lstrip("/"))


@lru_cache(maxsize=2)
def _callers_of(project: Project) -> _Callers:
    return _Callers(project)


class _Callers:
    """The calls in the shell scripts of a project; each script is read once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._scripts: disk.Remembered[str, list[str]] = disk.Remembered()
        self._calls: disk.Remembered[str, list[tuple[Call, dict[str, Node]]]] = disk.Remembered()

    def always_given(self, program: str) -> dict[str, tuple[Node, ...]]:
        found = [given for _, given in self.calls_of(program)]
        names = [name for name in found[0] if all(name in given for given in found)] if found else []
        return {name: tuple(given[name] for given in found) for name in names}

    def calls_of(self, program: str) -> Iterator[tuple[Call, dict[str, Node]]]:
        """The calls of a program, each with its options."""
        name = os.fsencode(os.path.basename(program))
        for script in self.near(program)[:MAX_SCRIPTS]:
            source = self._project.load(script)
            if source is None or name not in source.utf8:
                continue
            for call, given in self._calls.get(script, self._calls_in):
                if call.name.endswith(os.path.basename(program)) and (
                    program_path(call, script, self._project) == program
                ):
                    yield call, given

    def near(self, program: str) -> list[str]:
        """The shell scripts around a program, the nearest first."""
        scripts: list[str] = []
        for folder in self._project.upwards(os.path.dirname(program)):
            for below in _FOLDERS:
                scripts += self._scripts.get(os.path.join(folder, below).rstrip("/"), _scripts_in)
        return list(dict.fromkeys(scripts))

    def _calls_in(self, script: str) -> list[tuple[Call, dict[str, Node]]]:
        """The calls of programs in a script, each with its options."""
        from lora_lint.interpreter.shell import read_shell
        from lora_lint.programs.launchers import launched
        from lora_lint.readers.arguments import options

        source = self._project.load(script)
        found = []
        for command in read_shell(source) if source is not None and source.kind == "shell" else ():
            call = launched(command)
            if call is not None and call.kind == "script":
                entries = options(call.arguments, command.span).mapping.entries
                found.append((call, {str(entry.key.value): entry.value for entry in entries}))
        return found


def _scripts_in(folder: str) -> list[str]:
    names = disk.names(folder) or ()
    return [os.path.join(folder, name).replace(os.sep, "/") for name in names if name.endswith(SUFFIXES)]
