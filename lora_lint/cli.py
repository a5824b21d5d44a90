"""The commands and their options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from lora_lint import __version__, marks
from lora_lint.commands import requests
from lora_lint.knowledge import edition
from lora_lint.options import CHECK, LISTS, PREFLIGHT, SHARED, words_of
from lora_lint.settings import TASKS, did_you_mean
from lora_lint.terminal import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    from lora_lint.options import Option

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_PROGRAM = "lora-lint"
_VERSION = f"%(prog)s %(version)s\n{edition.current()}"


def run(arguments: list[str]) -> int:
    """Parses the arguments, runs the command and gives the exit status.

    Raises OSError where the text that click writes itself cannot be written; click's own `main` would exit with the
    status for findings.
    """
    if requests.completing():
        main.main(arguments, prog_name=_PROGRAM)
    try:
        with main.make_context(_PROGRAM, list(arguments)) as context:
            status = main.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        raise requests.UsageError(_in_our_words(error)) from None
    return int(status or 0)


def _in_our_words(error: click.ClickException) -> str:
    """The message of click in the style of the others: where, what is wrong, the next step."""
    if isinstance(error, click.NoSuchOption):
        close = error.possibilities or ()
        hint = did_you_mean(error.option_name, close) or "".join(f", did you mean {each!r}?" for each in close[:1])
        command = error.ctx.command_path if error.ctx is not None else _PROGRAM
        return f"no such option {error.option_name!r}{hint or f'; `{command} --help` lists them'}"
    text = " ".join(error.format_message().split()).removesuffix(".")
    text = re.sub(r"^Invalid value for '([^']+)': ", r"\1: ", text)
    return text[:1].lower() + text[1:]


class _DefaultGroup(click.Group):
    """A group whose default command is `check`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        alone = {*requests.COMMANDS, "-h", "--help", "-V", "--version"}
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
        words = words_of(str(value))
        if not words:
            self.fail("give at least one", param, ctx)
        return words


class _Count(click.IntRange):
    """A whole number."""

    name = "number"


class _Number(click.FloatRange):
    """Any number."""

    name = "number"


class _Rules(_Words):
    """Codes, names or prefixes of codes, separated by commas."""

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


def _type(option: Option) -> Any:
    """The click type for the values of an option."""
    kinds: dict[str, Any] = {
        "text": str,
        "file": click.Path(dir_okay=False),
        "folder": click.Path(file_okay=False),
        "choice": click.Choice(option.choices),
        "count": _Count(min=option.least),
        "number": _Number(min=option.least),
        "words": _Words(),
        "rules": _Rules(),
    }
    return kinds[option.kind]


def _reading_files(options: tuple[Option, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The parameters of a command that reads files."""
    taking = _taking(options)
    return lambda command: click.argument("paths", nargs=-1, type=click.Path())(taking(command))


def _taking(options: tuple[Option, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of a command."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            if option.kind == "flag":
                command = click.option(option.flag, is_flag=True, help=option.help)(command)
            elif option.kind in LISTS:
                read = click.option(option.flag, type=_type(option), multiple=True, callback=_flat, help=option.help)
                command = read(command)
            else:
                command = click.option(
                    option.flag,
                    type=_type(option),
                    default=option.default,
                    show_default=option.default is not None,
                    metavar=option.metavar,
                    help=option.help,
                )(command)
        return command

    return decorated


@click.group(cls=_DefaultGroup, context_settings=_CONTEXT, invoke_without_command=True)
@click.version_option(__version__, "-V", "--version", prog_name=_PROGRAM, message=_VERSION)
@click.pass_context
def main(ctx: click.Context) -> int | None:
    """The linter for LoRA fine-tuning: what will break, train the wrong thing or waste the run.

    `lora-lint PATHS` is short for `lora-lint check PATHS`; without a path the current folder is linted.
    """
    if ctx.invoked_subcommand is not None:
        return None
    from lora_lint.commands import check as command

    return command.check(requests.Check())


@main.command(context_settings=_CONTEXT)
@_reading_files(CHECK)
def check(**options: Any) -> int:
    """Lint files and folders (the default command).

    A fix is applied only if its finding then disappears and no new one appears. Advice is fixed where its rule is
    selected by code, name or prefix (not by ALL).

    Exit status: 0 nothing at or above --fail-on, 1 findings, 2 usage or internal error, or a file or the output could
    not be read or written, 130 interrupted, 143 terminated.
    """
    from lora_lint.commands import check as command

    return command.check(requests.request_of(options))


@main.command(context_settings=_CONTEXT)
@click.argument("rules", nargs=-1, type=_Rules())
@click.option("--level", type=click.Choice(["error", "warning", "advice"]), help="Only the rules with this level.")
@click.option("--fix", type=click.Choice(["safe", "unsafe", "none"]), help="Only the rules with this kind of fix.")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def rules(rules: tuple[tuple[str, ...], ...], level: str | None, fix: str | None, output_format: str) -> int:
    """List the rules, or some by code, name or prefix (LL2)."""
    from lora_lint.commands import about as command

    return command.rules([word for words in rules for word in words], level, fix, output_format)


@main.command(context_settings=_CONTEXT)
@click.argument("rules", nargs=-1, required=True, type=_Rules())
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(rules: tuple[tuple[str, ...], ...], output_format: str) -> int:
    """Explain rules, by code, name or prefix (LL2)."""
    from lora_lint.commands import about as command

    return command.explain([word for words in rules for word in words], output_format)


@main.command(context_settings=_CONTEXT)
@_reading_files(SHARED)
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def inspect(output_format: str, **options: Any) -> int:
    """Show what was read: model, modules, parameters, memory, data."""
    from lora_lint.commands import inspect as command

    return command.inspect(requests.input_of(options), output_format)


@main.command(context_settings=_CONTEXT)
@click.option("--model", required=True, help="A hub id, or a folder with a config.json.")
@click.option("--dataset-size", "size", type=_Count(min=1), help="The number of training examples.")
@click.option("--task", type=click.Choice(TASKS), default="chat", show_default=True, help="The task of the adapter.")
@click.option(
    "--framework",
    type=click.Choice(marks.RECOMMENDED),
    default="peft",
    show_default=True,
    help="The framework to print settings for.",
)
@click.option(
    "--scaling",
    type=click.Choice(["ratio", "step"]),
    default="ratio",
    show_default=True,
    help="How alpha follows the rank: at a constant ratio, or the same at all ranks.",
)
@click.option(
    "--layers",
    type=click.Choice(["all", "attention", "query-value"]),
    default="all",
    show_default=True,
    help="The linear layers to adapt.",
)
@click.option("--online", is_flag=True, help="Fetch the model's config.json from the hub (needs the extra `online`).")
def recommend(**options: Any) -> int:
    """Print settings for a model, each with its reason."""
    from lora_lint.commands import recommend as command

    return command.recommend(**options)


@main.command(context_settings=_CONTEXT)
@click.argument("model")
@click.option("--import", "modules", multiple=True, metavar="MODULE", help="A module that registers the type.")
@click.option("--out", type=click.Path(file_okay=False), help="The folder to write; by default below lora-lint-models.")
def learn(model: str, modules: tuple[str, ...], out: str | None) -> int:
    """Describe a model that lora-lint does not know.

    Writes the modules of a model type, or of a folder with a config.json, as your transformers builds them. Commit the
    folder that is written, and name it for the model in the `models` setting: its names, sizes and parameter
    counts are then exact, without transformers or a network.
    """
    from lora_lint.commands import learn as command

    return command.learn(model, modules, out)


@main.command(context_settings=_CONTEXT)
@click.argument("name")
def schema(name: str) -> int:
    """Print a JSON Schema: a framework's LoRA keys, or the settings.

    NAME is `settings` or a framework, such as axolotl; a wrong name lists all.
    """
    from lora_lint.commands import about as command

    return command.schema(name)


@main.command(context_settings=_CONTEXT)
@click.option("--stdio", is_flag=True, hidden=True, expose_value=False, help="Editors add it; there is no other way.")
def server() -> None:
    """Run the language server for editors (needs the extra `lsp`)."""
    from lora_lint.commands import server as command

    command.server()


@main.command(context_settings=_CONTEXT)
@click.argument("path", type=click.Path())
@click.option(
    "--vary",
    multiple=True,
    metavar="NAME=VALUES",
    help="What to vary: rank, alpha, targets, rslora, dora, init, lora+, learning-rate. Values multiply "
    "(rank=8,16 targets=attention,all); names alone (rslora,dora) are tried one at a time.  [default: the program's "
    "sweep, or the usual study]",
)
@click.option(
    "--fair",
    type=click.Choice(["step", "ratio", "as-written"]),
    help="How alpha gives the arms equal chances: equal first steps (measured), equal alpha/r, or not at all.  "
    "[default: step]",
)
@click.option("--tune-lr", is_flag=True, default=None, help="Let each arm choose among three learning rates first.")
@click.option("--steps", type=_Count(min=1), help="The steps of each training.  [default: 150]")
@click.option("--examples", type=_Count(min=1), help="The examples to use.  [default: 800]")
@click.option("--seeds", type=_Count(min=3), help="Seeds for each arm.  [default: 3, and 6 where arms are close]")
@click.option("--time-budget", type=_Number(min=1), metavar="SECONDS", help="[default: 3600]")
@click.option("--device", type=click.Choice(["auto", "cuda", "cpu"]), help="Where to train.  [default: auto]")
@click.option("--threads", type=_Count(min=1), help="Threads of a training on the CPU.  [default: up to 4]")
@click.option(
    "--ray",
    is_flag=False,
    flag_value="local",
    metavar="[ADDRESS]",
    help="Train on Ray: on all processors and GPUs of this machine, or on the cluster at the address.",
)
@click.option("--gpus", type=_Number(min=0), help="GPUs of one training on Ray, e.g. 0.5.  [default: 1]")
@click.option("--model", help="The model instead of the run's own: a hub id in the cache, or a folder.")
@click.option("--data", type=click.Path(), help="The examples instead of the run's own: a file or a folder.")
@click.option(
    "--output",
    type=click.Path(file_okay=False),
    help="The folder of the results and of the journal, from which a "
    "study goes on that was stopped.  [default: ablation]",
)
@click.option("--config", type=click.Path(dir_okay=False), help="A settings file instead of the nearest one.")
@click.option("--isolated", is_flag=True, help="Read no settings file.")
def ablate(path: str, config: str | None, isolated: bool, **options: Any) -> int:
    """Train LoRA settings and say which differences are real.

    PATH is the program or the configuration of a run, or a YAML file that describes the study. Needs the extra
    `ablate`.
    """
    from lora_lint.commands import ablate as command

    source = requests.Input(config=config, isolated=isolated)
    return command.ablate(requests.Ablation(path, source, options))


@main.command(context_settings=_CONTEXT)
@_taking(PREFLIGHT)
@click.argument("program", type=click.Path())
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def preflight(program: str, arguments: tuple[str, ...], launch: str | None, **options: Any) -> int:
    """Run PROGRAM to its first training step and check what it made.

    This runs your code, with the ARGUMENTS after `--`, and ends it before the step: nothing is trained, and nothing of
    the program runs any more. Its output goes to stderr; what Trainer would write goes to a temporary folder.

    Exit status: 0 nothing at or above --fail-on, 1 findings, 2 the program did not come to a training step.
    """
    from lora_lint.commands import preflight as command

    return command.preflight(requests.preflight_of(options), program, arguments, launch)


@main.command(context_settings=_CONTEXT)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the shell's completion script, to be sourced."""
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    write(complete(main, {}, _PROGRAM, "_LORA_LINT_COMPLETE").source())
    return 0
