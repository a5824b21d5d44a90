"""What a command reads besides files: standard input, and with consent the hub."""

from __future__ import annotations

import os
import sys

from lora_lint.commands.requests import Input, InputText, UsageError
from lora_lint.records import replace
from lora_lint.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.inspection.runs import Inspection
    from lora_lint.settings import Settings


def read(request: Input, settings: Settings) -> Input:
    """The input with its text, if it is one, after what the user allows was fetched. Raises UsageError."""
    if request.online:
        refuse_offline()
    if request.is_adapter():
        request = replace(request, text=_adapter(request.paths[0]))
    elif request.is_stdin():
        request = replace(request, text=_stdin(request.stdin_filename))
    if request.online:
        fetch_configs(inspected(request, settings).inexact())
    return request


def say_which_facts_are_left_out() -> None:
    """Says why an installed data package is not used."""
    from lora_lint.knowledge import edition

    for problem in edition.problems():
        complain(problem)


def refuse_offline() -> None:
    """Raises UsageError where the package that --online needs is missing."""
    from lora_lint.system.modules import not_installed

    if not_installed(("huggingface_hub",)):
        raise UsageError('--online needs huggingface_hub: pip install "lora-lint[online]"')


def _adapter(address: str) -> InputText:
    """The config of an adapter on the hub; from now on the header of its weights lies beside it. Raises UsageError."""
    from lora_lint.system import disk, hub

    try:
        files = hub.adapter(address)
    except hub.NotFetched as error:
        raise UsageError(str(error)) from None
    disk.hold({os.path.realpath(path): data for path, data in files.items()})
    path, data = next(iter(files.items()))
    return InputText(path, "json", data)


def fetch_configs(names: Iterable[str]) -> None:
    """Puts the config.json of models into the hub's cache, where reading finds it."""
    from lora_lint.knowledge.models import is_hub_id
    from lora_lint.system import hub

    for name in names:
        if is_hub_id(name) and not os.path.exists(name):
            try:
                hub.fetch_config(name)
            except hub.NotFetched as error:
                complain(str(error))


def inspected(request: Input, settings: Settings) -> Inspection:
    """The runs of the input."""
    from lora_lint.inspection import runs

    text = request.text
    if text is not None:
        return runs.inspect_text(text.data, text.path, settings, text.kind)
    return runs.inspect(request.paths or ["."], settings)


def _stdin(stdin_filename: str | None) -> InputText:
    """The text on standard input. Raises UsageError."""
    from lora_lint import discovery

    if sys.stdin is None:
        raise UsageError("standard input is closed")
    path = discovery.display(stdin_filename) if stdin_filename else "<stdin>"
    named = discovery.kind_of(path) if stdin_filename else None
    if stdin_filename and named is None:
        raise UsageError(f"--stdin-filename {path}: lora-lint reads {discovery.NAMED} files")
    try:
        data = sys.stdin.buffer.read(discovery.limit_of(named or "notebook") + 1)
    except OSError as error:
        raise UsageError(f"standard input cannot be read ({error.strerror or error})") from None
    kind = named or discovery.kind_of_text(data)
    if kind is None:
        raise UsageError("the kind of text on standard input cannot be recognised: give --stdin-filename NAME.py")
    return InputText(path, kind, data)
