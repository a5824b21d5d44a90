"""One file to the runs in it: decoded, read by the reader for its kind, and completed by the passes."""

from __future__ import annotations

from functools import partial

from lora_lint.linting.comments import comments_of
from lora_lint.readers.files import decode
from lora_lint.records import dataclass, field
from lora_lint.run.run import names_folder
from lora_lint.source import SCRIPTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from lora_lint.discovery import Found
    from lora_lint.linting.suppression import Comments
    from lora_lint.project import Project
    from lora_lint.run.run import Reading, Started
    from lora_lint.settings import Settings
    from lora_lint.source import SourceFile


@dataclass(frozen=True)
class Text:
    """The text of one file, its comments that address the linter, and its surroundings. Passes add to `notes` what the
    user should know."""

    source: SourceFile
    comments: Comments | None
    settings: Settings
    project: Project
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FileReading:
    """One file as it was read."""

    source: SourceFile
    comments: Comments | None
    reading: Reading
    notes: tuple[str, ...] = ()


def read_file(found: Found, settings: Settings, project: Project) -> FileReading:
    """The text and the runs of a file whose bytes are known. Raises readers.errors.Unreadable."""
    assert found.data is not None
    source = decode(found.path, found.kind, found.data)
    project.admit(found.path)
    reading = read(source, project, every_line=found.explicit)
    text = Text(source, comments_of(source), settings, project)
    for complete in PASSES:
        reading = complete(reading, text)
    return FileReading(source, text.comments, reading, tuple(text.notes))


def read(source: SourceFile, project: Project, *, every_line: bool = False) -> Reading:
    """The runs and sweeps that a text contains by itself. Raises readers.errors.Unreadable; with `every_line` also for
    errors in unrelated parts of a program."""
    if source.kind in ("python", "notebook"):
        from lora_lint.programs.following import read_program

        return read_program(source, project, every_line=every_line)
    if source.kind in SCRIPTS:
        from lora_lint.programs.following import read_script

        return read_script(source, project)
    if source.kind == "modelfile":
        from lora_lint.programs.following import read_modelfile

        return read_modelfile(source, project)
    from lora_lint.frameworks.configs import read_config

    reading = read_config(source, project, partial(_followed, project))
    if any(run.loads is not None for run in reading.runs):
        from lora_lint.programs.following import with_bases

        return with_bases(reading, source, project)
    if any(map(names_folder, reading.runs)):
        from lora_lint.programs.following import with_trained_bases

        return with_trained_bases(reading, source, project)
    if not reading.recognised:
        from lora_lint.readers.commands import gives_commands

        if gives_commands(source):
            from lora_lint.programs.following import read_script

            return read_script(source, project)
    return reading


def _followed(project: Project, started: Started) -> Reading | None:
    from lora_lint.programs.following import read_started

    return read_started(started, project)


def _pinned(reading: Reading, text: Text) -> Reading:
    """The versions that the project pins."""
    if not (reading.runs or reading.sweeps or reading.given):
        return reading
    from lora_lint.linting.pins import with_pins

    return with_pins(reading, text.source, text.project)


def _with_own_models(reading: Reading, text: Text) -> Reading:
    """The models, their types, and the version of transformers, that the settings describe."""
    if not (text.settings.models or text.settings.types or text.settings.transformers):
        return reading
    from lora_lint.linting.hints import with_own_models

    return with_own_models(reading, text.settings)


def _hinted(reading: Reading, text: Text) -> Reading:
    """What settings state about all runs, and comments about those around them."""
    settings, hints = text.settings, text.comments.hints if text.comments is not None else ()
    stated = (settings.dataset_size, settings.gpu_memory, settings.model, settings.task, settings.sweep_keeps)
    if not hints and all(each is None for each in stated):
        return reading
    from lora_lint.linting.hints import with_hints

    return with_hints(reading, text)


Pass: TypeAlias = "Callable[[Reading, Text], Reading]"
PASSES: tuple[Pass, ...] = (_pinned, _with_own_models, _hinted)
"""The passes that complete the runs that a file contains by itself, in this order. Each checks whether it has anything
to add before it imports what adds it."""
