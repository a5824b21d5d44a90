"""Commands of a project that train all weights of a model, so that their folders hold no adapter."""

from __future__ import annotations

from lora_lint.frameworks import registry
from lora_lint.frameworks.commands import arguments_of, start_of
from lora_lint.frameworks.fields import Fields
from lora_lint.interpreter.shell import read_shell
from lora_lint.programs.launchers import launched
from lora_lint.programs.lives import files_naming, is_of
from lora_lint.readers.errors import Unreadable
from lora_lint.run.run import plain_folder
from lora_lint.run.values import known
from lora_lint.source import SCRIPTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.frameworks.commands import Start
    from lora_lint.project import Project


def holds_model(folder: str, path: str, project: Project) -> bool:
    """Whether commands of the file at `path`, or of scripts around it, save a whole model in a folder, and none may
    save something else there."""
    whole = [_is_whole(start, folder) for start in _starts(folder, path, project)]
    return True in whole and None not in whole


def _starts(folder: str, path: str, project: Project) -> Iterator[Start]:
    here = project.load(path)
    for source in (*([here] if here is not None else []), *files_naming(folder, path, project)):
        try:
            commands = read_shell(source) if source.kind in SCRIPTS else ()
        except (Unreadable, RecursionError):
            continue
        calls = (launched(command) for command in commands)
        starts = (start_of(call) for call in calls if call is not None and call.arguments)
        yield from (start for start in starts if start is not None)


def _is_whole(start: Start, folder: str) -> bool | None:
    """Whether a command saves a whole model in a folder; None if it may save something else there."""
    key = start.framework.other_keys.get("output")
    if key is None:
        return False
    given = arguments_of(start.words, start.span, start.command.alone or "flags")
    fields = Fields(given.mapping)
    output = known(fields.text(key))
    if given.open or given.positional or (fields.has(key) and output is None):
        return None
    if output is None or not is_of(folder, (plain_folder(output),)):
        return False
    trains_all = registry.own(start.framework.name, "trains_all")
    settled = not any(entry.value.span in given.defaults for entry in given.mapping.entries)
    return True if settled and trains_all is not None and trains_all(given.mapping) else None
