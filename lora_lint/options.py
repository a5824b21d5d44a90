"""The options of the commands that read files, as one table, from which both the quick parser for ordinary calls and
the full parser are built.

Importing click and building its commands costs a third of linting one script. What `quickly` cannot parse with
certainty (a misspelt option, a value out of range, `--help`) it leaves to click, which reports what is wrong.
"""

from __future__ import annotations

from lora_lint.records import NamedTuple
from lora_lint.report import FORMATS
from lora_lint.settings import TASKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    Kind = Literal["flag", "text", "file", "folder", "choice", "count", "number", "words", "rules"]
    """`count` is a whole number; `words` and `rules` are comma-separated lists, which add up if an option is
    repeated."""


LISTS = ("words", "rules")


class Option(NamedTuple):
    """An option of a command; `least` is the smallest number it accepts."""

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
        """The value if the option is not given."""
        if self.kind in LISTS:
            return ()
        return False if self.kind == "flag" else self.default


SHARED = (
    Option("--exclude", "words", "Globs of files and folders to skip, in addition to the usual ones."),
    Option("--config", "file", "A settings file instead of the nearest one."),
    Option("--isolated", "flag", "Read no settings file."),
    Option("--stdin-filename", "text", "The name of the text on standard input (`-`).", metavar="PATH"),
    Option("--dataset-size", "count", "The number of training examples in every run."),
    Option(
        "--model",
        "text",
        "The model for runs whose own cannot be read: a hub id, or a folder with a config.json.",
        metavar="MODEL",
    ),
    Option("--gpu-memory", "number", "The memory of all GPUs of a run together, in GiB.", least=1, metavar="GIB"),
    Option("--task", "choice", "The task of all runs.", choices=TASKS),
    Option(
        "--online",
        "flag",
        "Fetch the config.json of models whose sizes are not known, and adapters named hf://user/adapter, from the hub "
        "(needs the extra `online`); without it nothing is fetched.",
    ),
)
"""The options of every command that reads files."""

CHECK = (
    *SHARED,
    Option("--select", "rules", "Rules to run: codes, names, prefixes (LL2) or ALL."),
    Option("--extend-select", "rules", "Rules to run in addition to the selected ones."),
    Option("--ignore", "rules", "Rules not to run."),
    Option(
        "--fail-on",
        "choice",
        "The lowest level of findings that makes the exit status 1.  [default: warning]",
        choices=("error", "warning", "advice", "never"),
    ),
    Option(
        "--level",
        "choice",
        "The lowest level of findings to show.  [default: advice]",
        choices=("error", "warning", "advice"),
    ),
    Option(
        "--confidence",
        "choice",
        "The lowest confidence of findings to show.  [default: likely]",
        choices=("certain", "likely", "possible"),
    ),
    Option("--output-format", "choice", "The format of the report.", choices=tuple(FORMATS), default="full"),
    Option("--output-file", "file", "Write the report to this file."),
    Option("--statistics", "flag", "Count the findings of each rule."),
    Option("--baseline", "file", "Hide the findings listed in this file."),
    Option("--write-baseline", "file", "Write all findings to this file."),
    Option("--jobs", "count", "The number of processes.  [default: as many as are worth starting]", least=1),
    Option(
        "--cache-dir",
        "folder",
        "Keep results in .lora-lint-cache in this folder.  [default: the one in the settings, or the current folder]",
    ),
    Option("--no-cache", "flag", "Neither use nor keep cached results."),
    Option("--color", "choice", "Whether the report has colors.", choices=("auto", "always", "never"), default="auto"),
    Option("--fix", "flag", "Make safe fixes, which do not change what is trained."),
    Option(
        "--unsafe-fixes",
        "flag",
        "Let --fix and --diff also change what is trained; has no effect alone.",
    ),
    Option("--diff", "flag", "Show what --fix (with --unsafe-fixes) would change, without changing it."),
    Option(
        "--add-ignore",
        "text",
        "Write a comment that suppresses it above each finding, with this reason.",
        metavar="REASON",
    ),
    Option("--verify", "flag", "Test the findings on the model (needs the extra `verify`)."),
    Option(
        "--device",
        "choice",
        "The device for --verify; meta: only names and shapes, no weights.",
        choices=("auto", "cuda", "cpu", "meta"),
        default="auto",
    ),
    Option(
        "--time-budget",
        "number",
        "The time limit for all experiments of --verify together.",
        default=600,
        least=1,
        metavar="SECONDS",
    ),
    Option("--seeds", "count", "Seeds for each measurement.  [default: 3, or 6 with a proxy model]", least=3),
    Option(
        "--accept-proxy", "flag", "Accept what --verify refutes on a stand-in: without it such findings still count."
    ),
    Option("--verify-report", "file", "Verify, and write a page with all results."),
)


_OF_PREFLIGHT = (
    *("config", "isolated", "dataset_size", "gpu_memory", "task", "select", "extend_select", "ignore"),
    *("fail_on", "level", "confidence", "output_format", "output_file", "color"),
)
PREFLIGHT = (
    Option(
        "--launch",
        "text",
        'The launcher that starts the processes: "torchrun --nproc_per_node 2", "accelerate launch".',
        metavar="COMMAND",
    ),
    *(option for option in CHECK if option.name in _OF_PREFLIGHT),
)
"""The options of `preflight`."""


def quickly(arguments: Sequence[str], options: tuple[Option, ...] = CHECK) -> dict[str, Any] | None:
    """The keyword arguments of a command, `paths` among them, as click would give them; None where click has to parse
    the call."""
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
    """The value of an option; None where click has to report what is wrong with the text, or that it is missing."""
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

    # click refuses a folder instead of a file, a file instead of a folder, and unreadable paths.
    wrong = os.path.isdir(text) if option.kind == "file" else os.path.isfile(text)
    return None if wrong or (os.path.exists(text) and not os.access(text, os.R_OK)) else text
