"""Which versions of the frameworks a project allows.

The nearest place decides: the program itself (the pip commands of a notebook, or of a shell script for the programs
that it starts; inline metadata), then the folders from its own up to the top of the project, in each of which a lock
file takes precedence, and the framework's own source over both. Requirements that are installed together narrow each
other, under every Python; of alternatives (files, extras, groups, Pythons) the one that allows the newest version
counts. A lower bound pins nothing (the newest version is assumed), but one above the version that the facts are from
says that they may be out of date.
"""

from __future__ import annotations

import codecs
import os
import re
from functools import lru_cache, partial

from lora_lint.linting.own_source import frameworks_in
from lora_lint.records import dataclass
from lora_lint.run.versions import PACKAGES, Pin, padded
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from lora_lint.linting.required import Group
    from lora_lint.project import Project
    from lora_lint.run.versions import Version
    from lora_lint.source import SourceFile

    Pins: TypeAlias = "Mapping[str, Allowed]"
    """What is allowed of each framework that is named."""

LIMIT = 4_000_000
"""The largest file that is read, in bytes."""
_LOCKS = r"(?:uv|poetry|pdm)\.lock|Pipfile\.lock|pylock(?:\.[\w-]+)?\.toml"
_REQUIREMENTS = r"[\w.-]*requirements?[\w.-]*\.txt"
_OTHERS = r"pyproject\.toml|setup\.cfg|setup\.py|Pipfile|(?:conda|environment)[\w.-]*\.ya?ml|Dockerfile[\w.-]*"
_ENDINGS = (".lock", ".toml", ".txt", ".cfg", "setup.py", "Pipfile", ".yaml", ".yml")
"""How the names of all of these end, but for Dockerfiles."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NAMES = tuple(package.encode() for package in PACKAGES)
_INCLUDED = rb"(?m)^[ \t]*(?:-[rc]|--(?:requirement|constraint))[ \t=\w.]"
_PIP = r"(?:.*/)?pip[\d.]*"
_METADATA = rb"(?ms)^# /// script\s*$(.*?)^# ///\s*$"


@dataclass(frozen=True)
class Allowed:
    """The versions of a framework that may be installed: the pin (None: up to the newest), and the oldest one (None:
    any); of several alternatives, `least` is the oldest one that the newest of them allows, and `oldest` the oldest of
    all. `own`: the project holds its source, or installs a commit of it, which may take keys that no release has."""

    pin: Pin | None
    least: Version | None
    oldest: Version | None
    own: bool = False


@dataclass(frozen=True)
class Together:
    """Requirements that are installed together, and the text that they are from."""

    demands: Group
    text: bytes
    whole: bool = False
    """It is a lock, which names all that is installed."""


def installed_together(project: Project, source: SourceFile, package: str) -> list[Together]:
    """The ways to install a package for a program: those that the nearest place states which names it."""
    name, folder = os.path.basename(source.path), os.path.dirname(source.path)
    given = source.kind in ("python", "notebook")
    installs = list(map(_split, source.installs)) if given else []
    if any(map(_may_pin, installs)):
        from lora_lint.linting.required import installed

        include = _includes(project, folder)
        demands = [each for words in installs for each in installed(words, name, include)]
        if any(each.framework == package for each in demands):
            return [Together(demands, "\n".join(map(" ".join, installs)).encode("utf-8", "replace"))]
    if block := _metadata(source):
        from lora_lint.linting.required import of_script

        demands = list(of_script(block, name))
        if any(each.framework == package for each in demands):
            return [Together(demands, block.encode())]
    for above in project.upwards(folder, beyond=True):
        found = [each for each in _in_files(project, above) if any(one.framework == package for one in each.demands)]
        if found:
            return found
    return []


def _in_files(project: Project, folder: str) -> Iterator[Together]:
    """The requirements in the files of a folder: a lock alone, if there is one."""
    names = disk.names(folder) or ()
    locks = [name for name in names if re.fullmatch(_LOCKS, name)]
    if locks:
        for name in locks:
            groups = _groups(project, folder, name)
            yield Together([each for group in groups for each in group], b"", whole=True)
        return
    for name in (*names, *_listed(folder, names)):
        base = os.path.basename(name)
        if re.fullmatch(_REQUIREMENTS, base) or re.fullmatch(_OTHERS, base):
            text = content(project, os.path.join(folder, name))
            for group in _groups(project, folder, name):
                yield Together(group, text)


def allowed_by(project: Project, source: SourceFile) -> dict[str, Allowed]:
    """What a program can be run with, of the frameworks that its project names."""
    pins = dict(_in_program(project, source))
    found = _found_in(project)
    for folder in project.upwards(os.path.dirname(source.path), beyond=True):
        pins = {**found.get(folder, partial(_in_folder, project)), **pins}
    return pins


@lru_cache(maxsize=1)
def _found_in(_: Project) -> disk.Remembered[str, Pins]:
    """The pins in the folders of a project, for all of its files."""
    return disk.Remembered()


def _in_program(project: Project, source: SourceFile) -> Pins:
    """The pins that a program states itself."""
    name, folder = os.path.basename(source.path), os.path.dirname(source.path)
    given = source.kind in ("python", "notebook")
    installs = list(map(_split, source.installs) if given else _of_script(source))
    if any(map(_may_pin, installs)):
        from lora_lint.linting.required import installed

        include = _includes(project, folder)
        pins = _settled(installed(words, name, include) for words in installs)
        if pins:
            return pins
    if block := _metadata(source):
        from lora_lint.linting.required import of_script

        return _settled([of_script(block, name)])
    return {}


def _metadata(source: SourceFile) -> str:
    """The inline metadata of a script that names a framework, without comment signs; empty if there is none."""
    block = re.search(_METADATA, source.utf8) if b"# /// script" in source.utf8 else None
    return re.sub(r"(?m)^# ?", "", block[1].decode()) if block and _mentions_framework(block[1]) else ""


def _mentions_framework(text: bytes) -> bool:
    low = text.lower().replace(b"_", b"-")
    return any(name in low for name in _NAMES)


def _may_pin(words: Sequence[str]) -> bool:
    """Whether the arguments of a pip command name a framework or a file."""
    return any(_mentions_framework(word.encode("utf-8", "replace")) or word in ("-r", "-c") for word in words)


def _of_script(source: SourceFile) -> Iterator[list[str]]:
    """What each pip command of a shell script installs, as far as its arguments are known."""
    if b"pip" not in source.utf8:
        return
    from lora_lint.interpreter.shell import read_shell

    for command in read_shell(source):
        words = [word.beginning for word in command.words]
        pip = next((place for place, word in enumerate(words) if re.fullmatch(_PIP, word)), None)
        if pip is not None and "install" in words[pip:] and not {"echo", "printf"} & set(words[:pip]):
            yield words[words.index("install", pip) + 1 :]


@lru_cache(maxsize=1024)
def _split(command: str) -> Sequence[str]:
    """The words of a command. It is cached because the notebooks of a project install the same."""
    import shlex

    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return command.split()


def _in_folder(project: Project, folder: str) -> Pins:
    """The requirements in the files of a folder, locks before all others."""
    names = disk.names(folder) or ()
    locked: list[Group] = []
    asked: list[Group] = []
    for name in (*names, *_listed(folder, names)):
        base = os.path.basename(name)
        if not base.endswith(_ENDINGS) and not base.startswith("Dockerfile"):
            continue
        if re.fullmatch(_LOCKS, base):
            locked += _groups(project, folder, name)
        elif re.fullmatch(_REQUIREMENTS, base) or re.fullmatch(_OTHERS, base):
            asked += _groups(project, folder, name)
    settled = {**_settled(asked), **_settled(locked)}
    for framework, pin in frameworks_in(folder, names, partial(content, project)):
        stated = settled[framework].pin if framework in settled else None
        settled[framework] = Allowed(pin or stated, None, None, own=True)
    return settled


def _listed(folder: str, names: Iterable[str]) -> list[str]:
    """The files of a folder for requirements."""
    if "requirements" not in names:
        return []
    below = disk.names(os.path.join(folder, "requirements")) or ()
    return [f"requirements/{name}" for name in below if re.fullmatch(_REQUIREMENTS, name)]


def _groups(project: Project, folder: str, name: str) -> Sequence[Group]:
    """The requirements in a file: alternatives, of which one is installed."""
    data = content(project, os.path.join(folder, name))
    includes = re.fullmatch(_REQUIREMENTS, os.path.basename(name)) and re.search(_INCLUDED, data)
    if not includes and not _mentions_framework(data):
        return ()
    from lora_lint.linting.required import groups

    return groups(data.decode("utf-8", "replace"), name, _includes(project, folder))


def _includes(project: Project, folder: str) -> Callable[[str], str]:
    """A function for the text of an included file, by its path relative to the including one's folder; empty where
    there is none, and for anything outside the project."""

    def text(path: str) -> str:
        return content(project, os.path.normpath(os.path.join(folder, path))).decode("utf-8", "replace")

    return text


def content(project: Project, path: str) -> bytes:
    """The content of a file of the project as UTF-8; empty if it cannot be read. `pip freeze > requirements.txt` in
    Windows' PowerShell writes UTF-16, which pip reads by its mark (pip 25.3, _internal/req/req_file.py)."""
    try:
        data = (disk.read(path, LIMIT) if project.exists(path) else None) or b""
        return data.decode("utf-16").encode() if data.startswith(_UTF16) else data.removeprefix(codecs.BOM_UTF8)
    except (OSError, ValueError):
        return b""


def _settled(groups: Iterable[Group]) -> Pins:
    """For each framework that is named, the alternative that allows the newest version."""
    pins: dict[str, Allowed] = {}
    for group in groups:
        from lora_lint.linting.required import PYTHONS

        for framework in dict.fromkeys(each.framework for each in group if each.pythons):
            own = [each for each in group if each.framework == framework]
            # Most requirements apply to every Python, so that one of them stands for all.
            for python in {tuple(python in each.pythons for each in own): python for python in PYTHONS}.values():
                together = [each for each in own if python in each.pythons]
                bounds = [each.pin for each in together if each.pin is not None]
                pin = min(bounds, key=lambda each: padded(each.below), default=None)
                least = _newest(each.least for each in together)
                allowed = Allowed(pin, least, least, any(each.commit for each in together))
                pins[framework] = _wider(pins[framework], allowed) if framework in pins else allowed
    return pins


def _wider(first: Allowed, second: Allowed) -> Allowed:
    """What two alternatives allow: the pin that allows the newer version, and the newer and the older of the oldest
    ones."""
    pins = [each.pin for each in (first, second) if each.pin is not None]
    pin = max(pins, key=lambda each: padded(each.below)) if len(pins) == 2 else None
    ends = [each for each in (first.oldest, second.oldest) if each is not None]
    oldest = min(ends, key=padded) if len(ends) == 2 else None
    return Allowed(pin, _newest((first.least, second.least)), oldest, first.own or second.own)


def _newest(versions: Iterable[Version | None]) -> Version | None:
    return max((each for each in versions if each is not None), key=padded, default=None)
