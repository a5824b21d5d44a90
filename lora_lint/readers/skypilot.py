"""SkyPilot's task files: `setup:` and `run:` are shell scripts, `envs:` their variables.

Source: skypilot 0.10, sky/task.py (`Task.from_yaml_config`; `--env` overrides `envs`) and sky/skylet/constants.py (the
variables that a task finds).
"""

from __future__ import annotations

import re

from lora_lint.readers.fragments import VARIABLE, Writer, inert
from lora_lint.readers.nodes import Mapping, Placeholder, Scalar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.readers.fragments import Fragment
    from lora_lint.readers.nodes import Node
    from lora_lint.source import SourceFile

_MARK = re.compile(rb"(?m)^(?:run|setup)[ \t]*:")
_SCRIPTS = ("setup", "run")
_BESIDE = ("resources", "num_nodes", "workdir", "envs", "file_mounts")
_COUNT = re.compile(r"[\w.-]+:(\d+)")


def is_task(utf8: bytes) -> bool:
    """Whether a YAML file may be a task, by its bytes."""
    return _MARK.search(utf8) is not None


def fragments(documents: tuple[Node, ...], source: SourceFile) -> tuple[Fragment, ...]:
    """The scripts of a task; none if the file is something else."""
    return tuple(found for document in documents if isinstance(document, Mapping) for found in _of(document, source))


def _of(task: Mapping, source: SourceFile) -> Iterator[Fragment]:
    if not any(task.entry(key) is not None for key in _BESIDE):
        return
    for key in _SCRIPTS:
        script = task.get(key)
        if isinstance(script, Scalar) and isinstance(script.value, str | Placeholder):
            writer = Writer(source.utf8)
            for name, value in _variables(task):
                writer.write(f'{name}=${{{name}:-"'.encode(), value.span.start, value.span.start)
                writer.copy_value(inert(value.raw), value.span.start, value.span.end)
                writer.write(b'"}\n', value.span.end, value.span.end)
            writer.copy_value(script.raw, script.span.start, script.span.end)
            yield writer.fragment()


def _variables(task: Mapping) -> Iterator[tuple[str, Scalar]]:
    given = task.get("envs")
    for entry in given.entries if isinstance(given, Mapping) else ():
        if isinstance(entry.value, Scalar) and VARIABLE.fullmatch(str(entry.key.value)):
            yield str(entry.key.value), entry.value
    nodes = task.get("num_nodes")
    if isinstance(nodes, Scalar):
        yield "SKYPILOT_NUM_NODES", nodes
    resources = task.get("resources")
    count = _accelerators(resources.get("accelerators")) if isinstance(resources, Mapping) else None
    if count is not None:
        yield "SKYPILOT_NUM_GPUS_PER_NODE", count


def _accelerators(node: Node | None) -> Scalar | None:
    """The number of GPUs of `A100:8` or `{A100: 8}`."""
    if isinstance(node, Mapping) and len(node.entries) == 1 and isinstance(node.entries[0].value, Scalar):
        return node.entries[0].value
    match = _COUNT.fullmatch(node.value) if isinstance(node, Scalar) and isinstance(node.value, str) else None
    return Scalar(int(match[1]), match[1], node.span) if match is not None and isinstance(node, Scalar) else None
