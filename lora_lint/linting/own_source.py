"""The frameworks whose own source a folder holds: their repository, a fork, or a copy in a project."""

from __future__ import annotations

import os
import re

from lora_lint.marks import SCRIPTS
from lora_lint.run.versions import PACKAGES, Pin, framework_of
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_MODULES = {name.replace("-", "_"): framework for name, framework in PACKAGES.items()}
"""The frameworks by the names that programs import."""
_ALONE = ("VERSION", "version/version")
"""Files that hold the version and nothing else."""
_IN_PACKAGE = ("__init__.py", "version.py", "extras/env.py", "version/version")
_BESIDE = ("setup.py", "pyproject.toml", "VERSION")
_NAME = rb"(?m)^name[ \t]*=[ \t]*[\"']([\w.-]+)[\"']"
_NUMBER = rb"\A\s*(\d+(?:\.\d+)+)([.\w]*)\s*\Z"
_VERSION = rb"(?m)^[ \t]*(?:__version__|VERSION|version)[ \t]*=[ \t]*[\"'](\d+(?:\.\d+)+)([.\w]*)[\"']"


def frameworks_in(
    folder: str, names: Collection[str], read: Callable[[str], bytes]
) -> Iterator[tuple[str, Pin | None]]:
    """The frameworks whose package is in a folder or in its `src`, or whose scripts are if the project has the
    framework's name, with the version of the source if it states one. `names` is what the folder contains, and `read`
    gives the content of a file, empty if there is none."""
    below = (disk.names(os.path.join(folder, "src")) or ()) if "src" in names else ()
    for package in (*names, *(f"src/{name}" for name in below)):
        framework = _MODULES.get(os.path.basename(package).removesuffix(".py"))
        if framework is not None and package.endswith(".py"):
            yield framework, None
        elif framework is not None and disk.is_file(os.path.join(folder, package, "__init__.py")):
            files = (*(f"{package}/{name}" for name in _IN_PACKAGE), *_BESIDE)
            pins = (_pin(read(os.path.join(folder, name)), name) for name in files)
            yield framework, next((pin for pin in pins if pin is not None), None)
    project = read(os.path.join(folder, "pyproject.toml")) if "pyproject.toml" in names else b""
    named = re.search(_NAME, project) if project else None
    framework = framework_of(named[1].decode()) if named else None
    if framework is not None:
        yield framework, _pin(project, "pyproject.toml")
    for framework, script, beside, text in SCRIPTS:
        if script in names and beside in names and text in read(os.path.join(folder, script)):
            yield framework, None


def _pin(text: bytes, file: str) -> Pin | None:
    """The version that a file states; what is in development comes before its release."""
    found = re.search(_NUMBER if file.endswith(_ALONE) else _VERSION, text)
    if found is None:
        return None
    from lora_lint.linting.version_bounds import after_release, upper

    number = found[1].decode()
    below = upper(f"<{number}") if found[2] else after_release(number)
    return Pin(below, found[0].decode("utf-8", "replace").strip(), file) if below is not None else None
