"""The frameworks by name. A framework is one module of this folder with a record `FRAMEWORK`.
`tables.TableReader` reads its files by that alone. What the record does not describe is read by functions that the
module may have:

    recognises     (document) -> whether a mapping is a file of that framework, whatever it trains
    read           (document, project) -> the runs, none where it is not about LoRA
    read_command   (start, arguments, project) -> the runs of a command line whose options are not the keys of a file;
                   None if it is another program's of the same name
    settings       (document) -> the mappings of settings that it checks, where the document itself is not the one
    owner          (document) -> what takes its settings, by its name in `refused_by`; None where no such is read
    start_problems (start, document) -> what is wrong with how a command starts a training of these settings
    trains_all     (document) -> whether the settings of a command train all weights of a model
    filled         (config, place) -> the settings of a program's adapter that do not follow from its keywords alone
    spelt          (settings) -> a recommendation as its file has it, None where it has nothing for the model

What has to be known before any of these modules is imported is in `lora_lint.marks`, which scripts/generate_marks.py
writes from the records.
"""

from __future__ import annotations

from importlib import import_module

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.framework import Framework
    from lora_lint.run.run import Reading


@dataclass(frozen=True)
class Reader:
    """What reads the files of a framework."""

    recognises: Callable[[Mapping], bool]
    read: Callable[[Mapping, Project], Reading]


def reader(name: str) -> Reader:
    """What reads the files of a framework: the functions of its module, and its record for those that it lacks."""
    recognises, read = own(name, "recognises"), own(name, "read")
    if recognises is None or read is None:
        from lora_lint.frameworks.tables import TableReader

        table = TableReader(framework(name))
        recognises, read = recognises or table.recognises, read or table.read
    return Reader(recognises, read)


def own(name: str, function: str) -> Callable[..., Any] | None:
    """A function that a framework's module may have."""
    return getattr(import_module(f"lora_lint.frameworks.{name}"), function, None)


def framework(name: str) -> Framework:
    """The record of a framework. Raises ImportError if there is none of this name."""
    record: Framework = import_module(f"lora_lint.frameworks.{name}").FRAMEWORK
    return record


def every() -> list[Framework]:
    """All records, by name; those that read only what no other recognises come last."""
    from lora_lint import frameworks
    from lora_lint.system.modules import modules_in

    modules = (import_module(f"{frameworks.__name__}.{name}") for name in modules_in(frameworks.__path__))
    found: list[Framework] = [module.FRAMEWORK for module in modules if hasattr(module, "FRAMEWORK")]
    return sorted(found, key=lambda each: (each.last_resort, each.name))
