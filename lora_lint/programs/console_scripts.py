"""Console scripts: the commands that a project's own package installs, and the modules that they start.

Source: the entry points specification of packaging.python.org, in `[project.scripts]` (pyproject.toml), in
`console_scripts` (setup.py, setup.cfg) and in `[tool.poetry.scripts]`.
"""

from __future__ import annotations

import re

from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project

_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_LARGEST = 100_000
_SECTION = rb"(?ms)^\[(?:project\.scripts|tool\.poetry\.scripts|options\.entry_points)\][^\n]*\n(.*?)(?=^\[|\Z)"
_CALLED = rb"(?s)console_scripts.*"
_ENTRY = rb"(?m)(?:^|[\"'\[,])[ \t]*[\"']?([A-Za-z][\w.-]*)[\"']?[ \t]*=[ \t]*[\"']?([A-Za-z_][\w.]*):[A-Za-z_]\w*"
"""`tune = "package.cli:main"`, with or without quotes around either side or all."""


def scripts_around(folder: str, project: Project) -> dict[str, str]:
    """The commands that packages in a folder and in those above it install, with the modules that they start; the
    nearest package counts."""
    found: dict[str, str] = {}
    for above in project.upwards(folder):
        for name in _FILES:
            for command, module in _scripts_in(f"{above}/{name}" if above else name, project).items():
                found.setdefault(command, module)
    return found


def _scripts_in(path: str, project: Project) -> dict[str, str]:
    """The commands in a package's settings."""
    if not project.exists(path):
        return {}
    try:
        data = disk.read(path, _LARGEST) or b""
    except OSError:
        return {}
    parts = re.findall(_CALLED if path.endswith(".py") else _SECTION, data)
    return {name.decode(): module.decode() for part in parts for name, module in re.findall(_ENTRY, part)}
