"""The oldest release of a package that anything which a project writes down asks for."""

from __future__ import annotations

import os
import re
from functools import lru_cache, partial

from lora_lint.knowledge import versions
from lora_lint.linting.requirements import content
from lora_lint.run.versions import padded
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.project import Project
    from lora_lint.run.versions import Version
    from lora_lint.source import SourceFile

_NAMED = (
    r"(?i).*(?:require|constraint|environment|conda|install|setup|readme|docker).*|.*[.-]lock(?:\.\w+)?|pylock.*"
    r"|pipfile|pyproject\.toml"
)
"""Files in which people state versions: for pip or others, for people, or to make an image of."""
_BOUND = rb"(?i)(?<![\w-])%s(?:\[[\w, -]*\])?[\"']?[ \t]*(?:[=~]=|<=?|=)[ \t]*[\"']?v?(\d{1,9}(?:\.\d{1,9})*)"
_LOCKED = rb"(?i)name = \"%s\"\s*\nversion = \"(\d{1,9}(?:\.\d{1,9})*)"


_IMAGE = rb"vllm/vllm-openai(?:-cpu)?:v(\d{1,9}(?:\.\d{1,9})+)"
"""An image that holds a release of a server."""


def lowest_asked(package: str, source: SourceFile, project: Project) -> Version | None:
    """The oldest version of a package that a program itself or a file of its project states: one alternative of
    several, a note for people, a constraint. None if none does."""
    kept = _found_in(project)
    places = ((folder, package) for folder in project.upwards(os.path.dirname(source.path), beyond=True))
    return _lowest(
        (_in_text(source.utf8, package), *(kept.get(place, partial(_in_folder, project)) for place in places))
    )


@lru_cache(maxsize=1)
def _found_in(_: Project) -> disk.Remembered[tuple[str, str], Version | None]:
    """What the files in a folder of a project ask for, by folder and package, for all of its programs."""
    return disk.Remembered()


def _in_folder(project: Project, place: tuple[str, str]) -> Version | None:
    folder, package = place
    stating = (name for name in disk.names(folder) or () if re.fullmatch(_NAMED, name))
    return _lowest(_in_text(content(project, os.path.join(folder, name)), package) for name in stating)


def _in_text(text: bytes, package: str) -> Version | None:
    name = package.encode()
    patterns = (_BOUND % name, _LOCKED % name, *((_IMAGE,) if package == "vllm" else ())) if name in text else ()
    return _lowest(versions.number(found.decode()) for pattern in patterns for found in re.findall(pattern, text))


def _lowest(found: Iterable[Version | None]) -> Version | None:
    return min((each for each in found if each is not None), key=padded, default=None)
