"""Which facts are in use, and of which date: those in this package, or newer ones of the package `lora-lint-data`.

`--version` reads this and imports nothing else for it, so the statement of an edition is a file of plain lines:

    format 5
    date 2026-11-30
    source peft 0.21.2
    file models.tsv 151088

`format` is that of the data files, `file` a data file with its size in bytes, which a data package states for each.
"""

import os
import sys

TYPE_CHECKING = False  # that of `typing`, which `--version` does not import
if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = "5"
"""Of the data files that this code reads; a data package in another format is not used."""
BUNDLED = os.path.join(os.path.dirname(__file__), "data")
STATEMENT = "facts.txt"
ARCHITECTURES = "architectures.pack"
FILES = (
    *(ARCHITECTURES, "datasets.tsv", "families.json", "leaf_names.json", "models.tsv", "peft.json"),
    *("peft_versions.json", "shapes.tsv", "signatures.json"),
)
"""The files of a data package."""
PACKAGE = "lora_lint_data"
GROUP = "lora_lint.data"
"""The group of the entry point that names the module with the data files."""


class Edition:
    """Some facts: the folder of their files, their date (`2026-11-30`), what they were read from (`peft 0.21.2`)."""

    __slots__ = ("date", "folder", "sources")

    def __init__(self, folder: str, date: str, sources: tuple[str, ...]) -> None:
        self.folder = folder
        self.date = date
        self.sources = sources

    def __str__(self) -> str:
        return f"facts of {self.date} ({', '.join(self.sources)})"


class Unusable(ValueError):
    """A data package that cannot be used; the message says why."""


_chosen: list[Edition] = []
_problems: list[str] = []


def current() -> Edition:
    """The newest facts that there are, chosen once for a process."""
    if not _chosen:
        newest = _stated(BUNDLED)
        for folder in _installed():
            try:
                found = _stated(folder)
                _check_files(folder)
            except (OSError, Unusable) as error:
                why = error if isinstance(error, Unusable) else f"{error.filename}: {error.strerror}"
                _problems.append(f"lora-lint-data is not used: {why}; reinstall it, or upgrade lora-lint")
                continue
            newest = max(newest, found, key=lambda edition: edition.date)
        _chosen.append(newest)
    return _chosen[0]


def problems() -> tuple[str, ...]:
    """Why installed data packages are not used, for the user."""
    current()
    return tuple(_problems)


def place(name: str) -> str:
    """The path of a data file."""
    return os.path.join(current().folder, name)


def read(name: str) -> bytes:
    """The content of a data file; a wheel has some of them deflated, under their names with `.z`. Raises OSError."""
    return _content(place(name))


def bundled(name: str) -> bytes:
    """The content of a data file that belongs to the code, and is in no data package."""
    return _content(os.path.join(BUNDLED, name))


def _content(path: str) -> bytes:
    if os.path.isfile(path):
        with open(path, "rb") as file:
            return file.read()
    from lora_lint.knowledge.packed import inflated

    with open(f"{path}.z", "rb") as file:
        return inflated(file.read())


def _installed() -> "Iterator[str]":
    """The folders of data files of installed data packages, by their entry points.

    `importlib.metadata` is not asked: importing it takes longer than `--version` may.
    """
    for path in sys.path:
        if not os.path.isdir(os.path.join(path, PACKAGE)):
            continue
        for name in sorted(os.listdir(path)):
            if name.startswith(f"{PACKAGE}-") and name.endswith(".dist-info"):
                module = _entry_point(os.path.join(path, name, "entry_points.txt"))
                if module is not None:
                    yield os.path.join(path, *module.split("."))


def _entry_point(path: str) -> str | None:
    """The module that an entry point of the group names, in the `entry_points.txt` of a package."""
    group = ""
    for line in _lines(path) if os.path.isfile(path) else ():
        if line.startswith("["):
            group = line.strip("[] ")
        elif group == GROUP and "=" in line:
            return line.partition("=")[2].strip()
    return None


def _stated(folder: str) -> Edition:
    """The edition in a folder. Raises OSError, Unusable."""
    stated = [line.partition(" ") for line in _lines(os.path.join(folder, STATEMENT))]
    values = {key: value for key, _, value in stated}
    if values.get("format") != FORMAT:
        raise Unusable(f"its data has format {values.get('format')}, and this lora-lint reads {FORMAT}")
    date = values.get("date", "")
    if len(date) != 10 or not date.replace("-", "").isdigit():
        raise Unusable("it states no date")
    return Edition(folder, date, tuple(value for key, _, value in stated if key == "source"))


def _check_files(folder: str) -> None:
    """Raises Unusable if a data file is not there, or has another size than the package states."""
    stated = dict(line.split(" ")[1:] for line in _lines(os.path.join(folder, STATEMENT)) if line.count(" ") == 2)
    for name in FILES:
        path = os.path.join(folder, name)
        if not os.path.isfile(path) or stated.get(name) != str(os.path.getsize(path)):
            raise Unusable(f"its {name} is missing or damaged")


def _lines(path: str) -> list[str]:
    """The lines of a small file. Raises OSError, Unusable."""
    with open(path, "rb") as file:
        data = file.read(10_000)
    try:
        return [line.strip() for line in data.decode("ascii").splitlines()]
    except UnicodeDecodeError:
        raise Unusable(f"its {os.path.basename(path)} is damaged") from None
