"""The commands and their options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lora_lint import __version__, commands
from lora_lint.settings import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_PROGRAM = "lora-lint"


def run(arguments: list[str]) -> int:
    """Parses the arguments, runs the command and gives the exit status. Raises OSError where what click writes itself
    cannot be written; its `main` would exit with the status of findings there."""
    if commands.completing():
        main.main(arguments, prog_name=_PROGRAM)
    try:
        with main.make_context(_PROGRAM, list(arguments)) as context:
            status = main.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        from lora_lint.report.visible import visible

        # It repeats arguments, which may be names of files that the shell has filled in.
        error.message = visible(error.message)  # type: ignore[misc]
        error.show()
        return error.exit_code
    return int(status or 0)


class _DefaultGroup(click.Group):
    """A group in which `check` need not be said."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        alone = {*commands.COMMANDS, "-h", "--help", "-V", "--version"}
        if args and args[0] not in alone:
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*super().shell_complete(ctx, incomplete), *check.shell_complete(ctx, incomplete)]


class _Words(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.4
    """A comma-separated list."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        words = tuple(word.strip() for word in str(value).split(",") if word.strip())
        if not words:
            self.fail("give at least one", param, ctx)
        return words


class _Rules(_Words):
    """Codes, names or prefixes of codes, with commas between them."""

    name = "rules"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        from click.shell_completion import CompletionItem

        from lora_lint import catalogue

        before, _, last = incomplete.rpartition(",")
        start = f"{before}," if before else ""
        return [
            CompletionItem(start + word, help=rule.summary)
            for rule in catalogue.rules().values()
            for word in (rule.code, rule.name)
            if word.startswith(last)
        ]


def _flat(_ctx: click.Context, _param: click.Parameter, value: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(word for words in value for word in words)


def _words(flag: str, kind: _Words, help: str) -> Callable[[Any], Any]:
    return click.option(flag, type=kind, multiple=True, callback=_flat, help=help)


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that reads files."""
    for option in reversed(
        (
            click.argument("paths", nargs=-1, type=click.Path()),
            _words("--exclude", _Words(), "Globs of files and folders to pass over, beside the usual ones."),
            click.option(
                "--config", type=click.Path(dir_okay=False), help="A settings file in the place of the nearest one."
            ),
            click.option("--isolated", is_flag=True, help="Read no settings file."),
            click.option("--stdin-filename", metavar="PATH", help="The name of the text on standard input (`-`)."),
            click.option("--dataset-size", type=click.IntRange(min=0), help="Training examples, for all runs."),
            click.option("--task", type=click.Choice(TASKS), help="What all runs are for."),
        )
    ):
        command = option(command)
    return command


@click.group(cls=_DefaultGroup, context_settings=_CONTEXT, invoke_without_command=True)
@click.version_option(__version__, "-V", "--version", prog_name=_PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> int | None:
    """The linter for LoRA fine-tuning: what will break, train the wrong thing or waste the run.

    `lora-lint PATHS` is short for `lora-lint check PATHS`; without a path the current folder is linted.
    """
    return commands.check() if ctx.invoked_subcommand is None else None


@main.command(context_settings=_CONTEXT)
@_shared
@_words("--select", _Rules(), "Rules to run: codes, names, prefixes (LL2) or ALL.")
@_words("--extend-select", _Rules(), "Rules to run beside the selected ones.")
@_words("--ignore", _Rules(), "Rules not to run.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "advice", "never"]),
    help="The level from which findings make the exit status 1.  [default: warning]",
)
@click.option(
    "--confidence",
    type=click.Choice(["certain", "likely", "possible"]),
    help="The least confidence of the findings to show.  [default: likely]",
)
@click.option("--output-format", type=click.Choice(commands.FORMATS), default="full", show_default=True)
@click.option("--output-file", type=click.Path(dir_okay=False), help="Write the report there.")
@click.option("--statistics", is_flag=True, help="Count the findings of each rule.")
@click.option("--baseline", type=click.Path(dir_okay=False), help="Hide the findings that this file holds.")
@click.option("--write-baseline", type=click.Path(dir_okay=False), help="Write all findings to this file.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: as many as pay]")
@click.option(
    "--cache-dir",
    type=click.Path(file_okay=False),
    help="Keep results in .lora-lint-cache below this folder.  [default: that of the settings, or the current one]",
)
@click.option("--no-cache", is_flag=True, help="Take no result of an earlier lint, and keep none.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@click.option("--fix", is_flag=True, help="Make the safe fixes: those that keep the function that is trained.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="Let --fix and --diff change what is trained, too; alone it changes nothing."
)
@click.option("--diff", is_flag=True, help="Show what --fix (with --unsafe-fixes) would change, and change nothing.")
@click.option("--verify", is_flag=True, help="Load the model and settle the findings on it (needs the extra `verify`).")
@click.option(
    "--device",
    type=click.Choice(["auto", "cuda", "cpu", "meta"]),
    default="auto",
    show_default=True,
    help="Where --verify measures; meta: names and shapes alone, no weights.",
)
@click.option(
    "--time-budget",
    type=click.FloatRange(min=1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="For all experiments of --verify together.",
)
@click.option("--seeds", type=click.IntRange(min=3), help="Of each measurement.  [default: 3, of a stand-in model 6]")
@click.option("--verify-report", type=click.Path(dir_okay=False), help="Verify, and write a page with all figures.")
def check(
    jobs: int | None,
    verify: bool,
    device: str,
    time_budget: float,
    seeds: int | None,
    verify_report: str | None,
    **options: Any,
) -> int:
    """Lint files and folders (the default command).

    A fix is made only if its finding is gone afterwards and no other came. Advice is fixed where its rule is selected
    by code, name or prefix (not by ALL).

    Exit status: 0 nothing at or above --fail-on, 1 findings, 2 usage or internal error, or a file or the output could
    not be read or written, 130 interrupted, 143 terminated.
    """
    verification = None
    if verify or verify_report is not None:
        verification = commands.Verification(device, time_budget, seeds, verify_report)
    return commands.check(jobs=jobs or 0, verify=verification, **options)


@main.command(context_settings=_CONTEXT)
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def rules(output_format: str) -> int:
    """List the rules."""
    return commands.rules(output_format)


@main.command(context_settings=_CONTEXT)
@click.argument("rules", nargs=-1, required=True, type=_Rules())
def explain(rules: tuple[tuple[str, ...], ...]) -> int:
    """Explain rules, by code or name."""
    return commands.explain(word for words in rules for word in words)


@main.command(context_settings=_CONTEXT)
@_shared
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def inspect(**options: Any) -> int:
    """Show what was read: model, matched modules, trainable parameters, scale, memory, data."""
    return commands.inspect(**options)


@main.command(context_settings=_CONTEXT)
@click.option("--model", required=True, help="A hub id, or a folder with a config.json.")
@click.option("--dataset-size", "size", type=click.IntRange(min=1), help="The number of training examples.")
@click.option("--task", type=click.Choice(TASKS), default="chat", show_default=True, help="What the adapter is for.")
@click.option(
    "--framework",
    type=click.Choice(["peft", "axolotl", "llamafactory", "trl", "torchtune"]),
    default="peft",
    show_default=True,
    help="Whose spelling to print.",
)
@click.option(
    "--scaling",
    type=click.Choice(["ratio", "step"]),
    default="ratio",
    show_default=True,
    help="The school: one ratio of alpha to the rank, or one alpha at all ranks.",
)
def recommend(**options: Any) -> int:
    """Print settings for a model, each with its reason and how sure that is."""
    return commands.recommend(**options)


@main.command(context_settings=_CONTEXT)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the shell's completion script, to be sourced."""
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    commands.write(complete(main, {}, _PROGRAM, "_LORA_LINT_COMPLETE").source())
    return 0
