"""The entry point: handles the simplest calls without the option parser, whose import costs more than a lint."""

import sys

TYPE_CHECKING = False  # that of `typing`, which `--version` does not import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def program() -> "NoReturn":
    """The command as a process: runs it and ends with its exit status.

    Garbage collection during the imports finds nothing, and tearing the interpreter down frees only what the process
    gives back anyway; together they took an eighth of a lint of one script.
    """
    import gc
    import os

    gc.disable()  # until `pool.relax` sets the thresholds
    status = main()
    if "torch" in sys.modules:  # which has work of its own at the exit
        sys.exit(status)
    os._exit(status)  # all output has been flushed


def find_own_modules() -> None:
    """Lets this process find the modules of this package where their names say. The standard finders ask for each of
    them what else it could be: 3% of a lint of one script, which imports 190."""
    from importlib.machinery import ModuleSpec, SourceFileLoader
    from os.path import isfile, join

    class OwnModules:
        @staticmethod
        def find_spec(name: str, path: "Sequence[str] | None", _: object = None) -> ModuleSpec | None:
            file = join(path[0], name.rpartition(".")[2] + ".py") if path and name.startswith("lora_lint.") else ""
            if not isfile(file):  # no module of this package, a package below it, or one in an archive
                return None
            spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file)
            spec.has_location = True
            return spec

    sys.meta_path.insert(0, OwnModules)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and gives the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    if given in (["--version"], ["-V"]):
        from lora_lint import __version__
        from lora_lint.knowledge import edition

        try:
            print(f"lora-lint {__version__}\n{edition.current()}", *edition.problems(), sep="\n", flush=True)
            return 0
        except OSError:
            from lora_lint.commands.about import version
            from lora_lint.commands.ending import guarded

            return guarded(version)  # to say why it cannot be written
    try:
        if arguments is None:
            find_own_modules()
        from lora_lint.commands.check import check
        from lora_lint.commands.ending import guarded
        from lora_lint.commands.requests import COMMANDS, Check, Input, completing, request_of

        if completing() or (given and given[0] in COMMANDS):
            return _by_click(given)
        if any(argument.startswith("-") for argument in given):
            from lora_lint.options import quickly

            options = quickly(given)
            return _by_click(given) if options is None else guarded(lambda: check(request_of(options)))
        return guarded(lambda: check(Check(Input(given))))
    except KeyboardInterrupt:  # before there was anything to guard
        return 130


def _by_click(given: list[str]) -> int:
    """The exit status of a call that only the full parser understands."""
    from lora_lint.cli import run
    from lora_lint.commands.ending import guarded

    return guarded(lambda: run(given))


def _forget_the_current_folder() -> None:
    """`python -m` searches the current folder, which is the user's, for modules first; this makes sure that none of
    them is imported."""
    import os

    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if sys.path and os.path.abspath(sys.path[0]) == os.getcwd() != own:
        del sys.path[0]


if __name__ == "__main__":
    _forget_the_current_folder()
    program()
