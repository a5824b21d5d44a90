"""What the files of a project require of the frameworks: requirements, project files, locks, pip's own arguments.

Markers are evaluated for the machines that models are trained on: Linux on x86_64 with CPython, any of PYTHONS. A
requirement whose marker is true under none of them, such as one for Windows or for an extra of another package, is
dropped.
"""

from __future__ import annotations

import os
import re

from lora_lint.linting.version_bounds import after_image_tag, after_release, after_tag, least, upper
from lora_lint.records import NamedTuple
from lora_lint.run.versions import PACKAGES, PINNED, Pin, framework_of
from lora_lint.system import toml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from lora_lint.run.versions import Version

    Include: TypeAlias = Callable[[str], str]
    """The text of a file by its path relative to the file that includes it; empty where there is none."""

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""The Python versions that releases of transformers 4 and 5 run on."""
_LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
    "extra": "",
}
_INCLUDES = 50
"""The most files that a requirements file may include, directly and through others."""
_NAME = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
_NUMBERS = r"[0-9]{1,9}(?:\.[0-9]{1,9})*"
_RELEASED = rf"[ \t]*(?:[<>]=?[ \t]*{_NUMBERS}|[=!]=[ \t]*{_NUMBERS}(?:\.\*)?|~=[ \t]*{_NUMBERS}\.[0-9]{{1,9}})"
_PLAIN = re.compile(rf"\s*[A-Za-z0-9][\w.-]*({_RELEASED}(?:[ \t]*,{_RELEASED})*)?\s*")
"""A name, and bounds that are released versions. Nearly all requirements are that simple, and importing `packaging` for
them takes a third of the time of linting a script."""
_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(\S+)")
_IMAGE = re.compile(r"(?i)\s*FROM\s+(?:--\S+\s+)?(?:[\w.:-]+/)*([\w.-]+):([\w.-]+)")
_TAG_PART = re.compile(r"([A-Za-z_]+)(\d+(?:\.\d+)+\w*)")
"""One of what an image has, as its tag lists them: `torch2.6.0-vllm0.8.5.post1`."""
_PIP_INSTALL = re.compile(r"\bpip3?\s+install\s+([^;&|]*)")
_GIT = re.compile(r"git\+[^\s\"']*/([\w.-]+?)(?:\.git)?(?:@([^\s\"'#;\]]+))?(?:#\S*)?")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_CONDA = re.compile(r"(?:[\w.-]+::)?([\w.-]+?)\s*(?:\[[^\]]*\])?\s*([=<>!~\d].*)?")


class Demand(NamedTuple):
    """One requirement of a framework: the resulting pin (None without an upper bound), the Python versions that it
    applies to, and the oldest version that it allows (None without a lower bound). `commit`: it is a commit of some
    repository, of any version."""

    framework: str
    pin: Pin | None
    pythons: frozenset[str] = frozenset(PYTHONS)
    least: Version | None = None
    commit: bool = False
    unread: bool = False
    """Its versions are written in a way that is not understood, such as a variable."""

    @property
    def everywhere(self) -> bool:
        """Whether it applies to every Python."""
        return len(self.pythons) == len(PYTHONS)


Group: TypeAlias = "Sequence[Demand]"
"""Requirements that are installed together."""


def groups(text: str, file: str, include: Include) -> Sequence[Group]:
    """The requirements in a file, recognised by its name: alternatives, of which one is installed. Files that do not
    match their name require nothing."""
    name = os.path.basename(file)
    try:
        if name == "Pipfile.lock":
            return [list(_pipfile_lock(text, file))]
        if name.endswith(".lock") or name.startswith("pylock"):
            return [[each] for each in _lock(toml.loads(text.encode()), file)]
        if name == "pyproject.toml":
            return _pyproject(toml.loads(text.encode()), file, include)
        if name == "Pipfile":
            return _pipfile(toml.loads(text.encode()), file)
        if name == "setup.cfg":
            return _setup_cfg(text, file)
        if name == "setup.py":
            return _setup_py(text, file)
        if name.startswith("Dockerfile"):
            return [[each for each in _dockerfile(text, file, include) if each.framework not in PINNED]]
        if name.endswith((".yml", ".yaml")):
            return [list(_environment(text, file, include))]
        return [list(_requirements(text, file, include))]
    except (ValueError, RecursionError):
        return ()


def of_script(text: str, file: str) -> Group:
    """The requirements in the inline metadata of a script (PEP 723), given without its comment signs."""
    try:
        return list(_each(_list(toml.loads(text.encode()), "dependencies"), file))
    except (ValueError, RecursionError):
        return ()


def installed(words: Sequence[str], file: str, include: Include) -> Group:
    """The requirements in the arguments of `pip install`."""
    found: list[Demand] = []
    for place, word in enumerate(words):
        if place and words[place - 1] in ("-r", "--requirement", "-c", "--constraint"):
            found += _requirements(include(word), word, include, folder=os.path.dirname(word))
        else:
            found += _each([word], file)
    return found


# requirements as pip reads them


def _requirements(
    text: str, file: str, include: Include, seen: set[str] | None = None, folder: str | None = None
) -> Iterator[Demand]:
    """The requirements in a requirements file and in those that it includes. `folder` is where its own includes are
    looked up, relative to the folder of `include`."""
    seen = set() if seen is None else seen
    folder = os.path.dirname(file) if folder is None else folder
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if included := _INCLUDE.fullmatch(line):
            path = os.path.normpath(os.path.join(folder, included[2]))
            if path not in seen and len(seen) < _INCLUDES and "://" not in included[2]:
                seen.add(path)
                yield from _requirements(include(path), path.replace("\\", "/"), include, seen)
        elif line:
            yield from _each([re.sub(r"^(?:-e|--editable)[ =]\s*|\s--?\w.*", "", line)], file)


def _dockerfile(text: str, file: str, include: Include) -> Iterator[Demand]:
    """The framework whose image a Dockerfile builds on, and what its pip commands install. It may be the image of a
    server, so that its PEFT, transformers and TRL need not be those of the training."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if image := _IMAGE.match(line):
            text, framework = f"{image[1]}:{image[2]}", framework_of(image[1])
            if framework is not None:
                yield _demand(framework, after_image_tag(image[2]), text, file)
            for part in image[2].split("-"):
                named = _TAG_PART.fullmatch(part)
                framework = framework_of(_package(named[1])) if named else None
                if named is not None and framework is not None:
                    yield _demand(framework, after_image_tag(named[2]), text, file)
        elif re.match(r"(?i)\s*RUN\s", line):
            for found in _PIP_INSTALL.finditer(line):
                yield from installed(found[1].replace('"', "").replace("'", "").split(), file, include)


def _package(word: str) -> str:
    """The package that a part of an image's tag names, by its whole name or the last word of it."""
    return next((name for name in PACKAGES if len(word) > 3 and name.endswith(f"-{word.lower()}")), word)


def _each(texts: Iterable[object], file: str) -> Iterator[Demand]:
    """The frameworks that requirements name (PEP 508, and git addresses as pip takes them)."""
    for text in texts:
        if not isinstance(text, str):
            continue
        if address := _GIT.fullmatch(text.strip()):
            if framework := framework_of(address[1]):
                yield _from_git(framework, address[2], text, file)
            continue
        name = _NAME.match(text)
        if name is not None and (framework := framework_of(name[1])):
            yield _requirement(framework, text, file)


def _requirement(framework: str, text: str, file: str) -> Demand:
    if plain := _PLAIN.fullmatch(text):
        return _demand(framework, upper(plain[1] or ""), text, file)
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:  # such as a version in a variable
        return Demand(framework, None, unread=True)
    written, pythons = text.partition(";")[0], _pythons(requirement.marker)
    if requirement.url is None:
        return _demand(framework, upper(str(requirement.specifier)), written, file, pythons)
    address = _GIT.fullmatch(requirement.url)
    if address is None:
        return _demand(framework, None, written, file, pythons)
    return _from_git(framework, address[2], written, file, pythons)


def _from_git(
    framework: str, ref: str | None, text: str, file: str, pythons: frozenset[str] = frozenset(PYTHONS)
) -> Demand:
    """A repository at a tag, at a commit, or at its newest."""
    demand = _demand(framework, after_tag(ref), text, file, pythons)
    return demand._replace(commit=_COMMIT.fullmatch(ref or "") is not None)


def _demand(
    framework: str, below: Version | None, text: str, file: str, pythons: frozenset[str] = frozenset(PYTHONS)
) -> Demand:
    written = re.sub(r"\s+", " ", text).strip()
    return Demand(framework, None if below is None else Pin(below, written, file), pythons, least(written))


def _pythons(marker: Any) -> frozenset[str]:
    """The Python versions under which a marker of `packaging` is true; all if that is undecided."""
    if marker is None:
        return frozenset(PYTHONS)
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

    try:
        return frozenset(python for python in PYTHONS if marker.evaluate(_environment_of(python)))
    except (UndefinedComparison, UndefinedEnvironmentName):
        return frozenset(PYTHONS)


def _environment_of(python: str) -> dict[str, str]:
    whole = f"{python}.0"
    return {**_LINUX, "python_version": python, "python_full_version": whole, "implementation_version": whole}


def _marked(marker: object) -> frozenset[str]:
    """The Python versions for a marker that is written apart from its requirement."""
    from packaging.markers import InvalidMarker, Marker

    if not isinstance(marker, str) or not marker:
        return frozenset(PYTHONS)
    try:
        return _pythons(Marker(marker))
    except InvalidMarker:
        return frozenset(PYTHONS)


# project files


def _table(document: object, *keys: str) -> Mapping[str, Any]:
    """A table inside tables; empty if it is not one."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _list(document: object, *keys: str) -> Sequence[object]:
    found = _table(document, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, list) else ()


def _pyproject(document: Mapping[str, Any], file: str, include: Include) -> Sequence[Group]:
    """The dependencies of a project, alone and with each extra and group."""
    tool = _table(document, "tool")
    main = [
        *_itself(document, file, include),
        *_each(_list(document, "project", "dependencies"), file),
        *_tables(_table(tool, "poetry", "dependencies"), file),
        *_conda_table(_table(tool, "pixi", "dependencies"), file),
        *_tables(_table(tool, "pixi", "pypi-dependencies"), file),
    ]
    dynamic = _table(tool, "setuptools", "dynamic", "dependencies").get("file")
    for path in [dynamic] if isinstance(dynamic, str) else dynamic if isinstance(dynamic, list) else ():
        if isinstance(path, str):
            main += _requirements(include(path), path, include)
    optional: list[list[Demand]] = [
        *(
            list(_each(wanted, file))
            for table in (("project", "optional-dependencies"), ("tool", "pdm", "dev-dependencies"))
            for wanted in _table(document, *table).values()
            if isinstance(wanted, list)
        ),
        *(list(_dependency_group(document, name, file, set())) for name in _table(document, "dependency-groups")),
        list(_each(_list(tool, "uv", "dev-dependencies"), file)),
        list(_tables(_table(tool, "poetry", "dev-dependencies"), file)),
        *(list(_tables(_table(group, "dependencies"), file)) for group in _table(tool, "poetry", "group").values()),
        *(
            list(_each([*_list(each, "dependencies"), *_list(each, "extra-dependencies")], file))
            for each in _table(tool, "hatch", "envs").values()
        ),
    ]
    found = [main, *([*main, *more] for more in optional)]
    narrowing = list(_each(_list(tool, "uv", "constraint-dependencies"), file))
    replacing = [
        *_each(_list(tool, "uv", "override-dependencies"), file),
        *_tables(_sources(_table(tool, "uv", "sources")), file),
    ]
    replaced = {each.framework for each in replacing}
    return [
        [
            *(each for each in group if each.framework not in replaced),
            *(each for each in (*replacing, *narrowing) if each.framework not in replaced or each in replacing),
        ]
        for group in found
        if group or replacing or narrowing
    ]


def _itself(document: Mapping[str, Any], file: str, include: Include) -> Iterator[Demand]:
    """The version of a framework in its own repository, whose examples are for that one."""
    name, version = (_table(document, "project").get(key) for key in ("name", "version"))
    framework = framework_of(name) if isinstance(name, str) else None
    if framework is None:
        return
    path = _table(document, "tool", "setuptools", "dynamic", "version").get("file")
    if version is None and isinstance(path, str):
        version = include(path).strip()
    if isinstance(version, str) and version:
        yield _requirement(framework, f"{name}=={version}", file)


def _sources(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """The versions that uv's `sources` set; other indexes do not count, because they have the usual versions."""
    return {
        name: source
        for name, source in table.items()
        if isinstance(source, dict) and {"git", "url", "path", "workspace"} & source.keys()
    }


def _dependency_group(document: Mapping[str, Any], name: str, file: str, seen: set[str]) -> Iterator[Demand]:
    """A group of PEP 735 with those that it includes."""
    if name in seen:
        return
    seen.add(name)
    for entry in _list(document, "dependency-groups", name):
        yield from _each([entry], file)
        included = entry.get("include-group") if isinstance(entry, dict) else None
        if isinstance(included, str):
            yield from _dependency_group(document, included, file, seen)


def _tables(table: Mapping[str, Any], file: str) -> Iterator[Demand]:
    """Dependencies as Poetry, PDM, pixi and Pipenv write them: a version, a table with one, or a list of these for
    several environments."""
    for name, wanted in table.items():
        framework = framework_of(name)
        if framework is None:
            continue
        for each in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(each, str):
                yield _demand(framework, upper(each), f'{name} = "{each}"', file)
            elif isinstance(each, dict):
                yield _of_table(framework, name, each, file)


def _of_table(framework: str, name: str, table: Mapping[str, Any], file: str) -> Demand:
    version, ref = table.get("version"), table.get("tag", table.get("rev", table.get("ref")))
    pythons = _marked(table.get("markers", table.get("marker"))) & _allowed(table.get("python"))
    if table.get("platform", "linux") != "linux":
        pythons = frozenset()
    if isinstance(version, str):
        return _demand(framework, upper(version), f'{name} = "{version}"', file, pythons)
    git = isinstance(ref, str) and "git" in table
    return _from_git(framework, ref if git else None, f"{name} at {ref}", file, pythons)


def _allowed(constraint: object) -> frozenset[str]:
    """The Python versions that a Poetry constraint allows; all where it is not a PEP 440 one."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if not isinstance(constraint, str):
        return frozenset(PYTHONS)
    try:
        allowed = SpecifierSet(constraint)
    except InvalidSpecifier:
        return frozenset(PYTHONS)
    return frozenset(python for python in PYTHONS if f"{python}.0" in allowed)


def _pipfile(document: Mapping[str, Any], file: str) -> Sequence[Group]:
    main = list(_tables(_table(document, "packages"), file))
    return [main, [*main, *_tables(_table(document, "dev-packages"), file)]]


def _setup_cfg(text: str, file: str) -> Sequence[Group]:
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return ()
    main = list(_each(parser.get("options", "install_requires", fallback="").splitlines(), file))
    extras = parser["options.extras_require"].values() if parser.has_section("options.extras_require") else ()
    return [main, *([*main, *_each(extra.splitlines(), file)] for extra in extras)]


def _setup_py(text: str, file: str) -> Sequence[Group]:
    """The requirements in the call of `setup`, as far as lists are written there or in a name of the module."""
    from lora_lint.linting.setup_scripts import calls_of_setup

    found: list[Group] = []
    for given in calls_of_setup(text, file):
        main = list(_each(_listed(given.get("install_requires")), file))
        extras = given.get("extras_require")
        more = extras.values() if isinstance(extras, dict) else ()
        found += [main, *([*main, *_each(_listed(extra), file)] for extra in more)]
    return found


def _listed(wanted: object) -> Sequence[object]:
    """Requirements, which setuptools accepts as a list or as a text."""
    if isinstance(wanted, str):
        return wanted.splitlines()
    return wanted if isinstance(wanted, list) else ()


# conda


def _environment(text: str, file: str, include: Include) -> Iterator[Demand]:
    """The dependencies of a conda environment, including those that it leaves to pip."""
    from lora_lint.readers.errors import Unreadable
    from lora_lint.readers.nodes import Mapping as Node
    from lora_lint.readers.nodes import Scalar
    from lora_lint.readers.nodes import Sequence as Nodes
    from lora_lint.readers.yaml import read_yaml
    from lora_lint.source import SourceFile

    try:
        documents = read_yaml(SourceFile(file, "yaml", text.encode("utf-8", "replace")))
    except Unreadable:
        return
    for document in documents:
        listed = document.get("dependencies") if isinstance(document, Node) else None
        for item in listed.items if isinstance(listed, Nodes) else ():
            if isinstance(item, Scalar):
                yield from _conda(item.raw, file)
            pip = item.get("pip") if isinstance(item, Node) else None
            lines = [each.raw for each in pip.items if isinstance(each, Scalar)] if isinstance(pip, Nodes) else ()
            yield from _requirements("\n".join(lines), file, include)


def _conda(text: str, file: str) -> Iterator[Demand]:
    """A match specification: `conda-forge::peft=0.7`, where a single `=` stands for every version that starts so."""
    found = _CONDA.fullmatch(text.strip())
    if found is not None and (framework := framework_of(found[1])):
        yield _demand(framework, upper(found[2] or ""), text, file)


def _conda_table(table: Mapping[str, Any], file: str) -> Iterator[Demand]:
    for name, version in table.items():
        version = version.get("version") if isinstance(version, dict) else version
        if isinstance(version, str):
            yield from _conda(f"{name} {version}", file)


# locks


def _lock(document: Mapping[str, Any], file: str) -> Iterator[Demand]:
    """The versions that uv, Poetry, PDM or a PEP 751 lock chose."""
    for package in (*_list(document, "package"), *_list(document, "packages")):
        if not isinstance(package, dict) or not isinstance(package.get("version"), str):
            continue
        name, framework = str(package.get("name", "")).lower(), framework_of(str(package.get("name", "")))
        below = after_release(package["version"])
        if framework is not None and below is not None:
            marker = package.get("marker", package.get("markers"))
            # uv and PDM lock several versions for several environments.
            marked = package.get("resolution-markers")
            pythons = _marked(" or ".join(f"({each})" for each in marked) if isinstance(marked, list) else marker)
            if pythons:
                yield _demand(framework, below, f"{name} {package['version']}", file)


def _pipfile_lock(text: str, file: str) -> Iterator[Demand]:
    import json

    document = json.loads(text)
    for section in ("default", "develop"):
        yield from _tables(_table(document, section), file)
