"""Programs of the project that are called with options: they are followed with the values of the call.

A finding belongs to the call if one of its options takes part; what the program alone decides is reported there.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Const, ListVal, Opaque
from lora_lint.programs.call_sites import CallSite
from lora_lint.programs.written import document_of
from lora_lint.readers.arguments import options, overrides
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Placeholder, Scalar, Sequence
from lora_lint.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.interpreter.values import Val
    from lora_lint.programs.launchers import Call
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.readers.nodes import Mapping, Node
    from lora_lint.run.run import Reading, Run, Sweep
    from lora_lint.source import SourceFile, Span
    from lora_lint.unread import Unread

MAX_FOLLOWED = 40
"""The most calls in one script for which programs are followed, at some 40 ms each. Of 612 scripts in 38 repositories
two have more, 74 and 126."""
_OF_PROGRAM = ("launch.placement",)
"""What the program decides. It is judged there, by what its callers launch."""


@dataclass(frozen=True)
class Invocation:
    """How a program is called: its options by name, whether these are all, and settings in Hydra's form, with whether
    the call is a multirun."""

    options: dict[str, Val]
    whole: bool = False
    hydra: tuple[Mapping, bool] | None = None
    written: dict[str, Mapping] = field(default_factory=dict)
    """The config files among the options that the caller has written, by name."""

    def about_lora(self) -> bool:
        """Whether an option is about LoRA by its name, so that the program makes an adapter, however many files it
        takes to get there."""
        return any("lora" in name.lower() for name in self.options)


class Follower:
    """Follows programs for the calls in one file; `read` gives the runs of a program that is called so, and
    `trained_elsewhere` the run that saves its adapter in a folder, in another file of the project than the given
    one."""

    def __init__(
        self,
        read: Callable[[SourceFile, Invocation], Reading],
        trained_elsewhere: Callable[[str, str], Run | None] = lambda folder, near: None,  # noqa: ARG005
    ) -> None:
        self._read = read
        self.trained_elsewhere = trained_elsewhere
        self._left = MAX_FOLLOWED
        self.left_out = 0
        """Calls whose program is not followed because there are too many."""
        self.sweeps: list[Sweep] = []
        """The sweeps of a single call."""
        self.unread: dict[Unread, None] = {}
        """What was left unread of the programs because of a limit."""

    def runs_of(self, call: Call, span: Span, program: SourceFile) -> list[Run]:
        """The runs of a program in which an option of the call takes part; none if the program is not understood."""
        if program.kind != "python":
            return []
        if self._left <= 0:
            self.left_out += 1
            return []
        self._left -= 1
        arguments = options(call.arguments, span)
        try:
            called = _as_hydra(call, span) if b"hydra" in program.utf8 else None
            given = _values(arguments)
            written = {text: file for text in _texts(given) if (file := document_of(call, text, span.path)) is not None}
            reading = self._read(program, Invocation(given, not arguments.open, called, written))
        except (Unreadable, RecursionError):
            return []
        self.unread |= dict.fromkeys(reading.unread)
        site = CallSite(call, span, arguments, alone=len(reading.runs) == 1)
        self.sweeps += [
            replace(sweep, runs=runs)
            for sweep in reading.sweeps
            if sweep.span.path == span.path
            and len(runs := tuple(run for each in sweep.runs if (run := site.run(each)) is not None)) > 1
        ]
        found = map(site.run, reading.runs)
        return [replace(run, elsewhere=run.elsewhere + _OF_PROGRAM) for run in found if run is not None]


def _as_hydra(call: Call, span: Span) -> tuple[Mapping, bool] | None:
    """The settings of a call in Hydra's form (`-m lora.r=4,8`), and whether it is a multirun; None without any."""
    given = overrides(call.arguments, span).mapping
    mode = given.get("hydra.mode")
    several = any(word.text in ("-m", "--multirun") for word in call.arguments)
    return (given, several or (isinstance(mode, Scalar) and mode.value == "MULTIRUN")) if given.entries else None


def _values(arguments: CommandOptions) -> dict[str, Val]:
    """The options as values of the program."""
    return {str(entry.key.value): _value(entry.value, arguments) for entry in arguments.mapping.entries}


def _texts(values: dict[str, Val]) -> list[str]:
    return [value.value for value in values.values() if isinstance(value, Const) and isinstance(value.value, str)]


def _value(node: Node, arguments: CommandOptions) -> Val:
    if isinstance(node, Sequence):
        return ListVal([_value(item, arguments) for item in node.items], node.span)
    if not isinstance(node, Scalar) or isinstance(node.value, Placeholder):
        return Opaque("the call sets it, to a value that is not known", node.span)
    default = arguments.open or node.span in arguments.defaults
    return Const(node.value, node.span, "cli-default" if default else "literal")
