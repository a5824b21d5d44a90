"""What the callers of a program always set: the defaults of these options are placeholders that no run uses.

A command on a page of the project, or in the head of the program, is an example, for options without a default."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from itertools import chain

from lora_lint import discovery
from lora_lint.records import replace
from lora_lint.run.launch import Launch
from lora_lint.run.values import ABSENT, known
from lora_lint.source import SCRIPTS
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node
    from lora_lint.source import SourceFile

MAX_SCRIPTS = 200
"""The most shell scripts of a project that are searched for one program."""
MAX_PAGES = 20
"""The most pages that are searched for one program."""
_PAGE = ".md"
_DOCS = ("docs", "doc", "docs/guides", "documentation")
"""Where the pages of a project are that explain it at length."""
_HEAD = 4_000
"""Bytes of a program in which its name has to be for its head to be read."""
_FOLDERS = (
    *("", "scripts", "script", "examples", "experiments", "bash", "shell", "run", "runs", "bin"),
    *("jobs", "slurm", "sbatch", "launch"),
)
"""Where shell scripts are, relative to a program's folder and those above it."""
_STARTS = rb"!(?!\s*pip\b).{0,80}?(?:python|torchrun|accelerate|deepspeed)|%%(?:bash|sh)"
"""In a notebook that may start a program."""


def always_given(program: str, project: Project) -> dict[str, tuple[Node, ...]]:
    """The options, without dashes, that every file of the project that calls a program gives it, with the values in
    each call; none if no file is found that calls it."""
    return _callers_of(project).always_given(program)


def given_on_pages(program: SourceFile, project: Project) -> dict[str, tuple[Node, ...]]:
    """The options, without dashes, that every command for a program gives it on the pages of the project, such as its
    README, and in its own head, with the values in each command."""
    return _callers_of(project).given_on_pages(program)


def started_with(program: str, project: Project) -> Launch:
    """How the files that call a program lay it out: the most processes that one starts, with the GPUs that this one
    shows them, and of the rest what those agree on which start several."""
    from lora_lint.programs.accelerated import launch_of_call

    calls = _callers_of(project).calls_of(program)
    launches = [launch_of_call(call, call.span.path, project) for call, _ in calls]
    several = [launch for launch in launches if known(launch.processes)]
    most = max(several, key=lambda launch: known(launch.processes) or 0, default=Launch())
    alike = several or launches
    ways = {
        (known(each.sharding), known(each.gathers), known(each.whole), each.fixed, known(each.wraps)) for each in alike
    }
    shared = alike[0] if len(ways) == 1 else Launch()
    precision = alike[0].precision if len({known(each.precision) for each in alike}) == 1 else ABSENT
    return replace(shared, processes=most.processes, visible=most.visible, precision=precision)


def scripts_left(program: str, project: Project) -> int:
    """How many shell scripts around a program are not searched because there are more than MAX_SCRIPTS."""
    return max(len(_callers_of(project).near(program)) - MAX_SCRIPTS, 0)


def scripts_around(path: str, project: Project) -> list[str]:
    """The scripts around a file, the nearest first."""
    return _callers_of(project).near(path)


def as_module(call: Call, near: str, project: Project) -> Call:
    """A call of a command that the project's package installs, as one of the module that it starts; any other call
    as it is."""
    module = _callers_of(project).installed(near).get(call.name) if call.kind == "command" else None
    return call if module is None else replace(call, kind="module", name=module)


def program_path(call: Call, near: str, project: Project) -> str | None:
    """The file of the program that a call in the script `near` starts, relative to the script or to a folder above it,
    from which it is run, or of an absolute path the end, with its folder; None if the project does not have it. A
    module may be in the folder `src` of one of these."""
    if call.kind == "script":
        return project.by_end(near, call.name, least=2)
    name = call.name.replace(".", "/")
    ends = (f"{name}.py", f"{name}/__main__.py", f"{name}/__init__.py")
    return project.nearest(near, *ends, *(f"src/{end}" for end in ends))  # where the package is installed from


@lru_cache(maxsize=2)
def _callers_of(project: Project) -> _Callers:
    return _Callers(project)


class _Callers:
    """The calls in the scripts of a project, and in its job files and notebooks; each is read once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._scripts: disk.Remembered[str, list[str]] = disk.Remembered()
        self._others: disk.Remembered[str, list[str]] = disk.Remembered()
        self._texts: disk.Remembered[str, bytes] = disk.Remembered()
        self._calls: disk.Remembered[str, list[tuple[Call, dict[str, Node]]]] = disk.Remembered()
        self._installed: disk.Remembered[str, dict[str, str]] = disk.Remembered()

    def installed(self, near: str) -> dict[str, str]:
        """The commands that the packages around a file install, with their modules."""
        return self._installed.get(os.path.dirname(near), self._scripts_around)

    def _scripts_around(self, folder: str) -> dict[str, str]:
        from lora_lint.programs.console_scripts import scripts_around

        return scripts_around(folder, self._project)

    def always_given(self, program: str) -> dict[str, tuple[Node, ...]]:
        return _in_each([given for _, given in self.calls_of(program)])

    def given_on_pages(self, program: SourceFile) -> dict[str, tuple[Node, ...]]:
        """The pages beside a program and above it come first, and those in the folders for them only where none of
        these has a command."""
        folders = list(self._project.upwards(os.path.dirname(program.path)))
        calls = [*self._calls_from(_pages_in(folders), program.path), *self._calls_in_head(program)]
        if not calls:
            apart = [os.path.join(folder, below) for folder in folders for below in _DOCS]
            calls = list(self._calls_from(_pages_in(apart), program.path))
        return _in_each([given for _, given in calls])

    def calls_of(self, program: str) -> Iterator[tuple[Call, dict[str, Node]]]:
        """The calls of a program, each with its options."""
        if not program.endswith(".py"):
            return iter(())  # no call of a script starts a notebook
        scripts = self.near(program)[:MAX_SCRIPTS], self._around(program, self._others, _others_in)
        return self._calls_from(chain(*scripts), program)

    def _calls_from(self, scripts: Iterable[str], program: str) -> Iterator[tuple[Call, dict[str, Node]]]:
        commands = [os.fsencode(name) for name, module in self.installed(program).items() if _ends(program, module)]
        for script in scripts:
            text = self._texts.get(script, self._text_for_shell)
            if _may_call(program, text) or any(name in text for name in commands):
                yield from self._of(program, script, self._calls.get(script, self._calls_in))

    def _of(
        self, program: str, script: str, calls: list[tuple[Call, dict[str, Node]]]
    ) -> Iterator[tuple[Call, dict[str, Node]]]:
        """Those of a script's calls that start a program."""
        file = os.path.basename(program)
        for call, given in calls:
            ends = call.name.endswith(file) if call.kind == "script" else _ends(program, call.name)
            if not ends:
                continue
            place = program_path(call, script, self._project)
            if place == program or (place is None and call.name == file and self._takes(program, given)):
                yield call, given

    def _takes(self, program: str, given: dict[str, Node]) -> bool:
        """Whether a program names each of some options: a script may go to its folder before it starts it, and a page
        leave that out."""
        source = self._project.load(program)
        return bool(given) and source is not None and all(_names(source.utf8, option) for option in given)

    def _calls_in_head(self, program: SourceFile) -> Iterator[tuple[Call, dict[str, Node]]]:
        """The calls of a program that its own head shows."""
        if program.kind != "python" or not _may_call(program.path, program.utf8[:_HEAD]):
            return iter(())
        from lora_lint.readers.usage import usage_of

        return self._of(program.path, program.path, self._calls_of(usage_of(program)))

    def near(self, program: str) -> list[str]:
        """The scripts around a program, the nearest first."""
        return self._around(program, self._scripts, _scripts_in)

    def _around(
        self, program: str, kept: disk.Remembered[str, list[str]], listed: Callable[[str], list[str]]
    ) -> list[str]:
        found: list[str] = []
        for folder in self._project.upwards(os.path.dirname(program)):
            for below in _FOLDERS:
                found += kept.get(os.path.join(folder, below).rstrip("/"), listed)
        return list(dict.fromkeys(found))

    def _text_for_shell(self, script: str) -> bytes:
        """The part of a file in which a program that it starts is named. It is kept for each file of a folder, of which
        there may be hundreds of notebooks, while a project keeps few whole texts."""
        source = self._load(script)
        if source is None:
            return b""
        return b"\n".join(text for _, text in source.commands) if source.kind == "notebook" else source.utf8

    def _calls_in(self, script: str) -> list[tuple[Call, dict[str, Node]]]:
        """The calls of programs in a script, each with its options."""
        source = self._load(script)
        return self._calls_of(source) if source is not None else []

    def _calls_of(self, source: SourceFile) -> list[tuple[Call, dict[str, Node]]]:
        """The calls of programs in the text of a script, each with its options."""
        from lora_lint.interpreter.shell import read_shell
        from lora_lint.programs.launchers import launched
        from lora_lint.readers.arguments import options

        found = []
        for command in read_shell(source):
            call = launched(command)
            call = call and as_module(call, source.path, self._project)
            if call is not None and call.kind != "command":
                entries = options(call.arguments, command.span).mapping.entries
                found.append((call, {str(entry.key.value): entry.value for entry in entries}))
        return found

    def _load(self, script: str) -> SourceFile | None:
        """A script, or the commands of a page or a notebook."""
        if discovery.kind_of(script) == "notebook":
            return self._project.load_cells(script)
        if not script.lower().endswith(_PAGE):
            return self._project.load(script)
        from lora_lint.readers.markdown import shell_of

        page = self._project.load(script, "shell")
        return shell_of(page) if page is not None else None


def _may_call(program: str, text: bytes) -> bool:
    """Whether a text may start a program, by its path or as a module."""
    file = os.path.basename(program)
    if os.fsencode(file) in text:
        return True
    return b" -m " in text and os.fsencode(file.removesuffix(".py")) in text


def _names(text: bytes, option: str) -> bool:
    """Whether a program has the name of an option, which its parser may write with dashes."""
    name = os.fsencode(option)
    return name in text or name.replace(b"_", b"-") in text or name.replace(b"-", b"_") in text


def _ends(program: str, module: str) -> bool:
    """Whether a program may be a module, by its name: a package is started by one of two files."""
    path = program.removesuffix(".py").removesuffix("/__main__").removesuffix("/__init__")
    return f"/{path}".endswith("/" + module.replace(".", "/"))


def _in_each(calls: list[dict[str, Node]]) -> dict[str, tuple[Node, ...]]:
    """The options that all of some calls give, with the values in each."""
    names = [name for name in calls[0] if all(name in given for given in calls)] if calls else []
    return {name: tuple(given[name] for given in calls) for name in names}


def _pages_in(folders: Iterable[str]) -> list[str]:
    return [path for folder in folders for path in _files_in(folder) if path.lower().endswith(_PAGE)][:MAX_PAGES]


def _scripts_in(folder: str) -> list[str]:
    return [path for path in _files_in(folder) if discovery.kind_of(path) in SCRIPTS]


def _others_in(folder: str) -> list[str]:
    """The files in a folder that may give commands to a shell among other things: job files and notebooks."""
    found = []
    for path in _files_in(folder):
        kind = discovery.kind_of(path)
        if kind not in ("yaml", "notebook"):
            continue
        try:
            data = disk.read(path, discovery.limit_of(kind)) or b""
        except OSError:
            continue
        if _gives_commands(data) if kind == "yaml" else re.search(_STARTS, data) is not None:
            found.append(path)
    return found


def _gives_commands(data: bytes) -> bool:
    from lora_lint.readers.commands import yaml_gives_commands

    return yaml_gives_commands(data)


def _files_in(folder: str) -> list[str]:
    return [os.path.join(folder, name).replace(os.sep, "/") for name in disk.names(folder) or ()]
