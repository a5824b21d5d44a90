"""Write lora_lint/marks.py from the records of the frameworks, or check with --check that it is current.

    python scripts/generate_marks.py [--check]

The marks decide which files are read and which framework is imported for one, so that they are needed before any of
the frameworks' modules, of which most lints import none.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lora_lint.frameworks import registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.run.framework import CommandLine, Framework

PLACE = Path(__file__).parent.parent / "lora_lint" / "marks.py"
LINE = 120
HEAD = '''\
"""What tells a framework's files and commands before its module is imported.

Written by scripts/generate_marks.py from the records of the frameworks.
"""

from __future__ import annotations

'''


def text(frameworks: Iterable[Framework]) -> str:
    """The module's text for some frameworks, in the order in which they are asked."""
    records = list(frameworks)
    lines = ["CONFIGS: tuple[tuple[str, tuple[str, ...], tuple[tuple[bytes, ...], ...]], ...] = ("]
    for record in records:
        if record.marks:
            kinds, groups = (_tuple(map(_quoted, record.kinds)), _tuple(_tuple(map(_quoted, g)) for g in record.marks))
            lines.append(_entry(_quoted(record.name), kinds, groups))
    lines += [
        ")",
        '"""Framework, kinds of its files, and groups of words: each file holds all of one."""',
        "WORDS = (",
        *(f"    {_quoted(word)}," for record in records for word in record.tells),
        ")",
        '"""Words of files that are worth reading although nothing in them says lora."""',
        f"RECOMMENDED = {_tuple(_quoted(record.name) for record in records if record.recommended)}",
        '"""Those that a recommendation can be written for."""',
        "COMMANDS = {",
        *dict.fromkeys(
            f"    {_quoted(command.name)}: {_quoted(record.name)}," for command, record in _of_kind(records, "command")
        ),
        "}",
        '"""Names of commands, and whose they are."""',
        "PACKAGES = {",
        *(f"    {_quoted(package)}: {_quoted(record.name)}," for record in records for package in record.packages),
        "}",
        '"""What requirements call a framework."""',
        f"SCRIPTS = {_tuple(_tuple(map(_quoted, (each.name, *each.script))) for each in records if each.script)}",
        '"""Frameworks that are no package: a script of theirs, a folder beside it, and what stands in the script."""',
        "PROGRAMS = (",
        *(
            _entry(_quoted(kind), f"r{_quoted(command.name)}", _quoted(record.name))
            for kind in ("module", "script")
            for command, record in _of_kind(records, kind)
        ),
        ")",
        '"""Kinds of programs, expressions for their names, and whose they are."""',
        "IN_COMMANDS = (",
        *(f"    r{_quoted(each)}," for record in records for each in record.tells_in_commands),
        ")",
        '"""Expressions for commands that train LoRA unless they, or a configuration file, say otherwise."""',
    ]
    return HEAD + "\n".join(lines) + "\n"


def _of_kind(records: Iterable[Framework], kind: str) -> list[tuple[CommandLine, Framework]]:
    return [(command, record) for record in records for command in record.commands if command.kind == kind]


def _quoted(value: str | bytes) -> str:
    mark = "b" if isinstance(value, bytes) else ""
    plain = value.decode() if isinstance(value, bytes) else value
    quote = "'" if '"' in plain else '"'
    return f"{mark}{quote}{plain}{quote}"


def _tuple(items: Iterable[str]) -> str:
    found = list(items)
    return f"({', '.join(found)}{',' if len(found) == 1 else ''})"


def _entry(*items: str) -> str:
    line = f"    ({', '.join(items)}),"
    return line if len(line) <= LINE else "\n".join(["    (", *(f"        {each}," for each in items), "    ),"])


def main() -> int:
    written = text(registry.every())
    if "--check" in sys.argv[1:]:
        return int(PLACE.read_text(encoding="utf-8") != written)
    PLACE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
