"""Programs that resume from their own checkpoint: the adapter that they load has the settings that they gave it."""

from __future__ import annotations

from lora_lint.interpreter.values import Const, Either, Member, Object, Opaque, Val, left_open
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.shapes import LAST_CHECKPOINT
from lora_lint.run.run import plain_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.libraries.effects import Happening, ModelRecord

_CHECKPOINT = "checkpoint"
"""The beginnings of the names of folders that a trainer saves in, and of programs that do so themselves."""


def resumes(load: Happening, model: ModelRecord, others: Iterable[Happening]) -> bool:
    """Whether an adapter is loaded from what the program itself saved in an earlier run, which did not begin with one
    of `others`, the adapters that it loads in other branches.

    A branch that loads the folder in an option is not taken unless the option is given.
    """
    outputs = [found for training in model.trainings if (found := output_of(training.arguments)) is not None]
    return _is_saved_here(load, outputs) and all(
        any(map(left_open, other.folder)) or _is_saved_here(other, outputs) for other in others
    )


def _is_saved_here(load: Happening, outputs: list[Val]) -> bool:
    return bool(load.folder) and is_below(load.folder[0], outputs)


def output_of(arguments: Object | None) -> Val | None:
    """The folder that a trainer saves in. If it is not known, neither is anything computed from it."""
    if arguments is None:
        return None
    given = arguments.attributes.get("output_dir") or arguments.arguments.get("output_dir", 0)
    if isinstance(given, Opaque):
        return None
    return Member(arguments, "output_dir") if given is None else given


def is_below(folder: Val, outputs: list[Val]) -> bool:
    """Whether a folder is one that a trainer saves in, a checkpoint in it, or below that."""
    if any(folder.same(output) for output in outputs):
        return True
    if isinstance(folder, Either):
        given = [option for option in folder.options if not (isinstance(option, Const) and option.value is None)]
        return all(is_below(option, outputs) for option in given)
    if isinstance(folder, Object):
        above, *names = folder.arguments.positional or [folder]
        if folder.callee == LAST_CHECKPOINT:
            return is_below(above, outputs)
        if folder.callee != "os.path.join" or not is_below(above, outputs):
            return False
        name = text_of(names[0]) if names else None
        return name is None or name.startswith(_CHECKPOINT) or not any(above.same(output) for output in outputs)
    text = plain_folder(text_of(folder) or "")
    known = [plain_folder(name) for output in outputs if (name := text_of(output))]
    return any(text == name or text.startswith(f"{name}/{_CHECKPOINT}") for name in known)
