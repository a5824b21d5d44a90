"""Whether anything that a project writes down asks for an older release of a package."""

from __future__ import annotations

import os
import re

from lora_lint.knowledge import versions
from lora_lint.run.versions import padded
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.project import Project
    from lora_lint.run.versions import Version
    from lora_lint.source import SourceFile

_NAMED = (
    r"(?i).*(?:require|constraint|environment|conda|install|setup|readme|docker).*|.*[.-]lock(?:\.\w+)?|pylock.*"
    r"|pipfile|pyproject\.toml"
)
"""Files in which people state versions: for pip or others, for people, or to make an image of."""
_LIMIT = 4_000_000
_BOUND = rb"(?i)(?<![\w-])%s(?:\[[\w, -]*\])?[\"']?[ \t]*(?:[=~]=|<=?|=)[ \t]*[\"']?v?(\d+(?:\.\d+)*)"
_LOCKED = rb"(?i)name = \"%s\"\s*\nversion = \"(\d+(?:\.\d+)*)"


def asks_for_older(package: str, release: Version, source: SourceFile, project: Project) -> bool:
    """Whether a file of the project or the program itself has a version of a package below `release`: one alternative
    of several, a note for people, a constraint."""
    name = package.encode()
    patterns = (_BOUND % name, _LOCKED % name)
    for text in (source.utf8, *_statements(project, os.path.dirname(source.path))):
        for pattern in patterns if name in text else ():
            if any(padded(versions.number(found.decode())) < padded(release) for found in re.findall(pattern, text)):
                return True
    return False


def _statements(project: Project, folder: str) -> Iterator[bytes]:
    """The files above a folder that may state versions."""
    for above in project.upwards(folder, beyond=True):
        for name in disk.names(above) or ():
            path = os.path.join(above, name)
            if re.fullmatch(_NAMED, name) and project.exists(path):
                try:
                    yield disk.read(path, _LIMIT) or b""
                except (OSError, ValueError):
                    continue
