"""The options of the commands that read files, as one table: the quick reading of ordinary calls and the full parser
are both made from it.

Importing click and building its commands costs a third of linting one script. What `quickly` cannot read for certain
(a misspelt option, a value out of range, `--help`) it leaves to click, which says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lora_lint.report import FORMATS
from lora_lint.settings import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["flag", "text", "file", "folder", "choice", "count", "number", "words", "rules"]
"""`count` is a whole number; `words` and `rules` are comma-separated lists, which add up if an option is repeated."""

LISTS = ("words", "rules")


class Option(NamedTuple):
    """An option of a command; `least` is the smallest number that it takes."""

    flag: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    default: Any = None
    least: int = 0
    metavar: str | None = None

    @property
    def name(self) -> str:
        """The keyword argument of the command."""
        return self.flag[2:].replace("-", "_")

    @property
    def without(self) -> Any:
        """The value where the option is not given."""
        if self.kind in LISTS:
            return ()
        return False if self.kind == "flag" else self.default


SHARED = (
    Option("--exclude", "words", "Globs of files and folders to skip, in addition to the usual ones."),
    Option("--config", "file", "A settings file instead of the nearest one."),
    Option("--isolated", "flag", "Read no settings file."),
    Option("--stdin-filename", "text", "The name of the text on standard input (`-`).", metavar="PATH"),
    Option("--dataset-size", "count", "Training examples, for all runs."),
    Option(
        "--model",
        "text",
        "The model of the runs whose own cannot be read: a hub id, or a folder with a config.json.",
        metavar="MODEL",
    ),
    Option("--gpu-memory", "number", "GiB of all GPUs of a run together, for all runs.", least=1, metavar="GIB"),
    Option("--task", "choice", "What all runs are for.", choices=TASKS),
)
"""The options of every command that reads files."""

CHECK = (
    *SHARED,
    Option("--select", "rules", "Rules to run: codes, names, prefixes (LL2) or ALL."),
    Option("--extend-select", "rules", "Rules to run beside the selected ones."),
    Option("--ignore", "rules", "Rules not to run."),
    Option(
        "--fail-on",
        "choice",
        "The level from which findings make the exit status 1.  [default: warning]",
        choices=("error", "warning", "advice", "never"),
    ),
    Option(
        "--level",
        "choice",
        "The least level of the findings to show.  [default: advice]",
        choices=("error", "warning", "advice"),
    ),
    Option(
        "--confidence",
        "choice",
        "The least confidence of the findings to show.  [default: likely]",
        choices=("certain", "likely", "possible"),
    ),
    Option("--output-format", "choice", "The format of the report.", choices=tuple(FORMATS), default="full"),
    Option("--output-file", "file", "Write the report there."),
    Option("--statistics", "flag", "Count the findings of each rule."),
    Option("--baseline", "file", "Hide the findings that this file holds."),
    Option("--write-baseline", "file", "Write all findings to this file."),
    Option("--jobs", "count", "Processes.  [default: as many as pay]", least=1),
    Option(
        "--cache-dir",
        "folder",
        "Keep results in .lora-lint-cache below this folder.  [default: that of the settings, or the current one]",
    ),
    Option("--no-cache", "flag", "Take no result of an earlier lint, and keep none."),
    Option("--color", "choice", "Whether the report has colors.", choices=("auto", "always", "never"), default="auto"),
    Option("--fix", "flag", "Make the safe fixes: those that keep the function that is trained."),
    Option(
        "--unsafe-fixes",
        "flag",
        "Let --fix and --diff change what is trained, too; alone it changes nothing.",
    ),
    Option("--diff", "flag", "Show what --fix (with --unsafe-fixes) would change, and change nothing."),
    Option("--verify", "flag", "Load the model and settle the findings on it (needs the extra `verify`)."),
    Option(
        "--device",
        "choice",
        "Where --verify measures; meta: names and shapes alone, no weights.",
        choices=("auto", "cuda", "cpu", "meta"),
        default="auto",
    ),
    Option(
        "--time-budget",
        "number",
        "For all experiments of --verify together.",
        default=600,
        least=1,
        metavar="SECONDS",
    ),
    Option("--seeds", "count", "Of each measurement.  [default: 3, of a stand-in model 6]", least=3),
    Option("--verify-report", "file", "Verify, and write a page with all figures."),
)


def quickly(arguments: Sequence[str], options: tuple[Option, ...] = CHECK) -> dict[str, Any] | None:
    """The keyword arguments of a command, `paths` among them, as click would give them; None where it has to look."""
    by_flag = {option.flag: option for option in options}
    given: dict[str, Any] = {option.name: option.without for option in options}
    paths: list[str] = []
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word == "-":
            paths.append(word)
            continue
        flag, equals, text = word.partition("=")
        option = by_flag.get(flag)
        if option is None:
            return None
        value: Any
        if option.kind == "flag":
            if equals:
                return None
            value = True
        else:
            value = _value(option, text if equals else next(words, ""))
            if value is None:
                return None
        given[option.name] = (*given[option.name], *value) if option.kind in LISTS else value
    given["paths"] = tuple(paths)
    return given


def words_of(text: str) -> tuple[str, ...]:
    """The words of a comma-separated list."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _value(option: Option, text: str) -> Any:
    """The value of an option; None where click has to say what is wrong with the text, or whether there is one."""
    if not text or text.startswith("-"):
        return None
    if option.kind in LISTS:
        return words_of(text) or None
    if option.kind == "choice":
        return text if text in option.choices else None
    if option.kind == "count":
        return int(text) if text.isascii() and text.isdigit() and int(text) >= option.least else None
    if option.kind == "number":
        plain = text.isascii() and text.replace(".", "", 1).isdigit()
        return float(text) if plain and float(text) >= option.least else None
    if option.kind == "text":
        return text
    import os

    # Click refuses a folder instead of a file, a file instead of a folder, and what cannot be read.
    wrong = os.path.isdir(text) if option.kind == "file" else os.path.isfile(text)
    return None if wrong or (os.path.exists(text) and not os.access(text, os.R_OK)) else text
