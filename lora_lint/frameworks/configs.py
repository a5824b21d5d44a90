"""YAML, JSON and TOML files: which framework's they are.

The frameworks' marks rule out most files without parsing them. The first framework that recognises a document reads it.
"""

from __future__ import annotations

from functools import partial

from lora_lint.frameworks import registry
from lora_lint.frameworks.settings import is_borrowed, with_document, with_given, with_misplaced
from lora_lint.prefilter import frameworks_of, short_strings
from lora_lint.records import replace
from lora_lint.run.run import Reading
from lora_lint.run.values import Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping, Node
    from lora_lint.run.run import Run, Started
    from lora_lint.source import SourceFile

LARGE = 500_000
"""Bytes; a larger file without a framework's marks is data and is not parsed at all."""


def read_config(
    source: SourceFile, project: Project, follow: Callable[[Started], Reading | None] | None = None
) -> Reading:
    """The runs and sweeps in a configuration file; `follow` gives those of a program that it starts, None if the
    program is not understood. Raises readers.errors.Unreadable."""
    text = source.utf8
    # Prose of millions of letters holds any word, so that only what is as short as a key counts there.
    large_json = len(text) > LARGE and source.kind == "json"
    candidates = frameworks_of(short_strings(text) if large_json else text, source.kind)
    if not candidates and (len(text) > LARGE or _is_other_json(source)):
        return Reading()
    runs: list[Any] = []
    sweeps: list[Any] = []
    unread: list[Any] = []
    given: list[Any] = []
    recognised: dict[str, None] = {}
    for document in documents(source):
        for name in candidates:
            reader = registry.reader(name)
            if reader.recognises(document):
                reading = reader.read(document, project)
                if reading.started is not None and follow is not None:
                    reading = follow(reading.started) or reading
                framework = registry.framework(name)
                if is_borrowed(framework, document):
                    reading = reading.mapped(of_another_program)
                else:
                    reading = with_given(reading, name, document)
                    for complete in (with_document, with_misplaced):
                        reading = reading.mapped(partial(complete, framework, document))
                runs += reading.runs
                sweeps += reading.sweeps
                unread += reading.unread
                given += reading.given
                recognised[name] = None
                break
    return Reading(tuple(runs), tuple(sweeps), tuple(recognised), tuple(unread), tuple(given))


def of_another_program(run: Run) -> Run:
    """The run of a file that another program reads: without problems, and without what the framework has where the
    file gives nothing, as the other program may ask for it by another key."""
    adapter = run.adapter
    others: dict[str, Any] = {
        name: Unknown("another program reads the file", value.span)
        for name in type(adapter).__match_args__
        if isinstance(value := getattr(adapter, name), Known) and value.origin == "framework-default"
    }
    return replace(run, adapter=replace(adapter, **others), problems=())


def _is_other_json(source: SourceFile) -> bool:
    """Whether a file that no framework claims is sound JSON, so that nothing needs the places in it."""
    if source.kind != "json":
        return False
    from lora_lint.readers.json import is_json

    return is_json(source.utf8)


def documents(source: SourceFile) -> list[Mapping]:
    """The mappings at the top of a file, or in a list at its top."""
    from lora_lint.readers.configs import roots
    from lora_lint.readers.nodes import Mapping, Sequence

    flat: list[Node] = []
    for root in roots(source):
        flat += root.items if isinstance(root, Sequence) else [root]
    return [node for node in flat if isinstance(node, Mapping)]
