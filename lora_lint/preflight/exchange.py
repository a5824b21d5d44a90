"""What the command and the processes that it starts tell each other: files in one temporary folder."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Literal

from lora_lint.finding import Finding, Related
from lora_lint.records import dataclass, field
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lora_lint.api import Options

VARIABLE = "LORA_LINT_PREFLIGHT"
"""The environment variable that names the folder."""
FILES = "files"
"""The folder in it that the program's own output goes to."""

End = Literal["step", "no-adapter", "over", "raised", "not-judged"]
"""How a program ended: at its first training step; at one although no model has an adapter; before it trained, by
itself; by an exception; by an exception of ours, when it was judged."""


@dataclass(frozen=True)
class Result:
    """What one process of a program gave. `error` is the exception in one line, `missing` what it could not have from
    the hub, `written` the files that it wrote where they are not temporary."""

    end: End
    findings: tuple[Finding, ...] = ()
    runs: int = 0
    path: str = ""
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    missing: str = ""
    written: tuple[str, ...] = ()


def ask(folder: str, options: Mapping[str, Any]) -> None:
    """Leaves the options, those of `lora_lint.lint`, for the processes."""
    with open(os.path.join(folder, "request.json"), "w", encoding="utf-8") as file:
        json.dump(dict(options), file)


def options_in(folder: str) -> Options:
    """The options that the command has left."""
    with open(os.path.join(folder, "request.json"), encoding="utf-8") as file:
        options: Options = json.load(file)
    return options


def answer(folder: str, name: str, result: Result) -> None:
    """Leaves the result of a process for the command. The name says which it is: `rank-0`, `child-1234`."""
    content = {
        "end": result.end,
        "findings": [_plain(finding) for finding in result.findings],
        "runs": result.runs,
        "path": result.path,
        "notes": result.notes,
        "facts": result.facts,
        "error": result.error,
        "missing": result.missing,
        "written": result.written,
    }
    draft = os.path.join(folder, f"{name}.draft")
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(content, file, default=str)
    os.replace(draft, os.path.join(folder, f"{name}.json"))


def results_in(folder: str) -> tuple[Result, ...]:
    """The results of all processes, by their rank. Where processes that the program started came to a step, theirs:
    the program itself only shows that they ended."""
    names = sorted(os.listdir(folder))
    found = {name: _result(os.path.join(folder, name)) for name in names if name.startswith(("child-", "rank-"))}
    return tuple(each for name, each in found.items() if name.startswith("child-")) or tuple(found.values())


def _result(path: str) -> Result:
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    return Result(
        content["end"],
        tuple(map(_finding, content["findings"])),
        *(content["runs"], content["path"], tuple(content["notes"]), content["facts"]),
        *(content["error"], content["missing"], tuple(content["written"])),
    )


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "message": finding.message,
        "span": finding.span,
        "confidence": finding.confidence,
        "level": finding.level,
        "related": [(each.span, each.message) for each in finding.related],
    }


def _finding(plain: Mapping[str, Any]) -> Finding:
    related: Iterable[Any] = plain["related"]
    return Finding(
        *(plain["code"], plain["message"], Span(*plain["span"]), plain["confidence"], plain["level"]),
        tuple(Related(Span(*span), message) for span, message in related),
    )
