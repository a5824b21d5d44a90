"""Commands that serve or convert adapters: the adapters that they name, according to their folders or trainings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lora_lint.frameworks import registry
from lora_lint.frameworks.configs import read_config
from lora_lint.frameworks.fields import Fields
from lora_lint.knowledge.saved_adapters import saved_config
from lora_lint.knowledge.servers import LLAMA_CPP, VLLM
from lora_lint.programs.overrides import named_document
from lora_lint.readers.arguments import options
from lora_lint.readers.nodes import Scalar, Sequence
from lora_lint.records import replace
from lora_lint.run.run import Serving
from lora_lint.run.values import Known, known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.frameworks.commands import Start
    from lora_lint.knowledge.servers import Server
    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_VLLM_MODULES = ("vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server")
_CONVERTERS = ("convert_lora_to_gguf.py", "convert-lora-to-gguf.py")


class Trained:
    """The runs that a script's commands train, by the folder that each writes its adapter to."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def note(self, start: Start, path: str, project: Project) -> None:
        """Remembers what a command trains, by the configuration file that it names."""
        key = start.framework.other_keys.get("output")
        document = named_document(start, path, project) if key is not None else None
        if key is None or document is None:
            return
        reader = registry.reader(start.framework.name)
        output = known(Fields(document).text(key)) if reader.recognises(document) else None
        runs = reader.read(document, project).runs if output is not None else ()
        if output is not None and len(runs) == 1:
            self._runs[os.path.normpath(output)] = runs[0]

    def by(self, folder: str) -> Run | None:
        """The run that writes its adapter to a folder."""
        return self._runs.get(os.path.normpath(folder))


def runs_of(call: Call, span: Span, path: str, project: Project, trained: Trained) -> list[Run]:
    """The adapters that a command serves or converts, if the project or the script shows what is in them."""
    found = []
    for server, folder, place, max_rank in _served(call, span):
        run = _saved(folder, path, project) or trained.by(folder)
        if run is not None:
            serving = Serving(server, place, max_rank)
            found.append(replace(run, span=place, serving=serving, trained=False, problems=(), weights=None))
    return found


def _served(call: Call, span: Span) -> Iterator[tuple[Server, str, Span, Value[int]]]:
    """The folders of adapters that a command names, where it names them, and the highest rank that it accepts."""
    words = call.arguments
    serves = call.kind == "command" and call.name == "vllm" and bool(words) and words[0].text == "serve"
    if serves or (call.kind == "module" and call.name in _VLLM_MODULES):
        given = Fields(options(words, span).mapping)
        usual: Value[int] = Known(VLLM.usual_rank or 0, None, "framework-default")
        max_rank = given.whole("max_lora_rank", usual)
        modules = given.node("lora_modules")
        for item in modules.items if isinstance(modules, Sequence) else (modules,):
            if isinstance(item, Scalar):
                name, _, folder = str(item.value).partition("=")
                if name and folder:
                    yield VLLM, folder, item.span, max_rank
    elif call.kind == "script" and call.name.rpartition("/")[2] in _CONVERTERS:
        arguments = options(words, span)
        # The last value of an option may be the folder: the converter's options take one value each.
        rest = [word for word in words if not (word.text or "-").startswith("-")]
        if rest and not arguments.open:
            yield LLAMA_CPP, rest[-1].text or "", rest[-1].span, Known(0, None, "framework-default")


def _saved(folder: str, near: str, project: Project) -> Run | None:
    """The run of the adapter in a folder of the project, relative to the script `near`."""
    from lora_lint.readers.errors import Unreadable

    source = saved_config(folder, near, project)
    try:
        runs = read_config(source, project).runs if source is not None else ()
    except (Unreadable, RecursionError):
        return None
    return runs[0] if runs else None
