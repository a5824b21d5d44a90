"""What a program wanted from the hub and could not have.

Source: huggingface_hub 2.4 (file_download.py, hf_api.py), datasets 5.2 (load.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_NAMES = {"huggingface_hub": "repo_id", "datasets": "path"}
"""The parameter that names a model or a data set in the functions of two packages."""


def missing_from_hub(error: BaseException) -> str | None:
    """The name of the model or data set that a failed call wanted from the hub; None if the call was about something
    else."""
    return next((name for each in _causes(error) for frame in _frames(each) if (name := _name_in(frame))), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _name_in(frame: FrameType) -> str | None:
    module = str(frame.f_globals.get("__name__"))
    package = module.partition(".")[0]
    if package == "datasets" and frame.f_code.co_name != "dataset_module_factory":
        return None  # other functions have paths of files
    name = frame.f_locals.get(_NAMES.get(package, ""))
    return name if isinstance(name, str) else None
