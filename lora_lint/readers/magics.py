"""What only IPython or a shell understands in the code of a notebook: `%env`, `!pip install`, `help?`."""

from __future__ import annotations

import re

BLANKED_CELLS = re.compile(r"\s*%%(?!time\b|timeit\b|capture\b|prun\b|memit\b|skip_if\b|with_\w+)[a-zA-Z!]")
"""Cells in another language than Python."""
_SHELL = re.compile(r"^(\s*)([!%?]|[\w.]+\?{1,2}\s*$)")
_SHELL_RESULT = re.compile(r"^(\s*)([\w, ]+?)\s*=\s*[!%]")


def python_of(cell: str) -> str:
    """A cell as Python, if it is Python: what only IPython or a shell understands becomes a comment."""
    if not ("!" in cell or "%" in cell or "?" in cell or "\0" in cell):
        return cell  # most cells, at a tenth of the cost
    lines = cell.split("\n")
    if BLANKED_CELLS.match(cell) or "\0" in cell:
        return "\n".join(map(comment, lines))
    plain: list[str] = []
    continued = False
    for line in lines:
        if continued:
            plain.append(comment(line))
            continued = line.rstrip().endswith("\\")
            continue
        if not ("!" in line or "%" in line or "?" in line):
            plain.append(line)
            continue
        shell = _SHELL.match(line)
        result = _SHELL_RESULT.match(line)
        if shell:
            indent = shell[1]
            # A block must not become empty: `pass` if there is room for it.
            rest = line[len(indent) :]
            plain.append(indent + ("pass" + comment(rest[4:]) if rest[:4].isascii() and rest[4:] else comment(rest)))
            continued = line.rstrip().endswith("\\")
        elif result:
            head = line[: result.end() - 1].rstrip()
            plain.append((head + " ..." if len(head) + 4 <= len(line) else comment(line)).ljust(len(line)))
            continued = line.rstrip().endswith("\\")
        else:
            plain.append(line)
    return "\n".join(plain)


def comment(line: str) -> str:
    """A line as a comment with as many characters, and as many bytes."""
    if not line.strip():
        return line
    return "#" * len(line) if line.isascii() else "#" + "".join("#" if each.isascii() else each for each in line[1:])
