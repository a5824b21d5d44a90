"""Python programs and notebooks: the calls of PEFT, transformers, TRL, Unsloth, xtuner … to Runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.dialects.python.files import ProjectLoader, worth_following
from lora_lint.dialects.python.finish import finish, with_printed_sizes
from lora_lint.dialects.python.launches import read as read_launches
from lora_lint.dialects.python.launches import starts_programs
from lora_lint.dialects.python.library import Knowledge
from lora_lint.dialects.python.xtuner import attach
from lora_lint.interpreter.machine import Machine
from lora_lint.interpreter.scope import Module
from lora_lint.interpreter.values import Opaque
from lora_lint.readers.python import parse
from lora_lint.run import Reading

if TYPE_CHECKING:
    from lora_lint.interpreter.values import Val
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.source import SourceFile

NAME = "python"


def read(
    source: SourceFile,
    project: Project,
    given: dict[str, Val] | None = None,
    called: tuple[Mapping, bool] | None = None,
    *,
    whole: bool = False,
) -> Reading:
    """The runs of a script or notebook; `given` are the options that it is called with, where the call is known, and
    `whole` says that there are no others. `called` are settings as Hydra takes them, and whether it is a multirun.

    Raises readers.errors.Unreadable for what Python itself cannot parse.
    """
    loader = ProjectLoader(project)
    starting = given is None and starts_programs(source.utf8)
    if not starting and not worth_following(source, loader):
        return Reading()
    tree = parse(source)
    library = Knowledge(project)
    library.records.given, library.records.given_all = _always_given(source, project) if given is None else given, whole
    library.records.called = called
    machine = Machine(library, loader)
    module = Module(source, is_main=True)
    machine.run(module, tree)
    attach(library.records, module.scope)
    reading = with_printed_sizes(finish(library.records, source.path), source.trained_on)
    if library.records.launches and starting:
        started = read_launches(library.records.launches, source, project)
        reading = Reading(reading.runs + started.runs, reading.sweeps + started.sweeps)
    machine.forget()
    return reading


_TAKES_OPTIONS = (b"ArgumentParser", b"fire.Fire", b"import Fire", b"TrlParser")


def _always_given(source: SourceFile, project: Project) -> dict[str, Val]:
    """The options that every shell script of the project that calls a program gives, so that their defaults count for
    nothing: the run is found where it is started."""
    if source.kind != "python" or not any(word in source.utf8 for word in _TAKES_OPTIONS):
        return {}
    from lora_lint.dialects.callers import always_given

    return {name: Opaque("each script that calls the program gives it") for name in always_given(source.path, project)}
