"""Programs of the project that are called with options: they are followed with the values that the call gives.

What is found belongs to the call where one of its options takes part; what the program alone decides is found there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lora_lint.dialects.shell.arguments import options
from lora_lint.interpreter.values import Const, ListVal, Opaque
from lora_lint.readers.nodes import Placeholder, Scalar, Sequence
from lora_lint.records import replace
from lora_lint.run import Choices, Event, Known, Run, Unknown, alternatives

if TYPE_CHECKING:
    from lora_lint.dialects.shell.arguments import Arguments
    from lora_lint.dialects.shell.launchers import Call
    from lora_lint.interpreter.values import Val
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node
    from lora_lint.run import Reading, Value
    from lora_lint.source import SourceFile, Span

_FEEDBACK = re.compile(r"(?i)dpo|kto|orpo|simpo|cpo|ppo|grpo|rlhf|reward|(?:^|_)rm(?:_|\.)")
"""In the names of programs that train on preferences or rewards, with a trainer of their own perhaps."""
MAX_FOLLOWED = 24
"""Calls of one script for which programs are followed."""


class Follower:
    """Follows programs for the calls of one shell script."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._left = MAX_FOLLOWED

    def runs_of(self, call: Call, span: Span, program: SourceFile) -> list[Run]:
        """The runs of a program in which an option of the call takes part; none if it is not understood."""
        from lora_lint.dialects.python import read
        from lora_lint.readers.errors import Unreadable

        if self._left <= 0 or program.kind != "python":
            return []
        self._left -= 1
        arguments = options(call.arguments, span)
        try:
            reading: Reading = read(program, self._project, _given(arguments), whole=not arguments.open)
        except (Unreadable, RecursionError):
            return []
        seen = _Seen(call, span, arguments, alone=len(reading.runs) == 1)
        found = map(seen.run, reading.runs)
        return [run for run in found if run is not None]


def _given(arguments: Arguments) -> dict[str, Val]:
    """The options as values of the program."""
    return {str(entry.key.value): _value(entry.value, arguments) for entry in arguments.mapping.entries}


def _value(node: Node, arguments: Arguments) -> Val:
    if isinstance(node, Sequence):
        return ListVal([_value(item, arguments) for item in node.items], node.span)
    if not isinstance(node, Scalar) or isinstance(node.value, Placeholder):
        return Opaque("the call gives it, and it is not known there", node.span)
    default = arguments.open or node.span in arguments.defaults
    return Const(node.value, node.span, "cli-default" if default else "literal")


class _Seen:
    """A run of a program as seen from a call."""

    def __init__(self, call: Call, span: Span, arguments: Arguments, alone: bool) -> None:
        self.call = call
        self.span = span
        self.alone = alone
        self.feedback = _FEEDBACK.search(call.name.rpartition("/")[2]) is not None
        self.flags: dict[Span | None, list[str]] = {}
        for entry in arguments.mapping.entries:
            self.flags.setdefault(entry.value.span, []).append(str(entry.key.value))

    def run(self, run: Run) -> Run | None:
        adapter = self.record(run.adapter)
        model, training, dataset = map(self.record, (run.model, run.training, run.dataset))
        scale = any(map(self.is_given, (adapter.rank, adapter.alpha, adapter.use_rslora)))
        # A program with several runs chooses the targets by the model in ways that may not have been followed.
        targets = self.is_given(adapter.target_modules) or (self.alone and self.is_given(model.name))
        if not scale and not targets and not self.is_given(training.learning_rate):
            return None
        judged = Unknown("the program decides it alone, and it is judged there")
        if not scale:
            adapter = replace(adapter, use_rslora=judged)
        if not targets:
            adapter = replace(adapter, target_modules=judged)
        keys = dict(adapter.keys)
        for name in ("rank", "alpha", "dropout", "use_rslora", "target_modules"):
            for value in alternatives(getattr(adapter, name)):
                flags = self.flags.get(value.span, [])
                # One variable may give both the rank and alpha.
                flag = next((flag for flag in flags if ("alpha" in flag) is (name == "alpha")), None)
                if flag is not None:
                    keys[name] = flag
        own = self.call.span
        if self.feedback and training.method == "supervised":
            training = replace(training, method="unknown")
        return replace(
            run,
            span=own,
            adapter=replace(adapter, span=own, target_spans=(), keys=keys),
            model=replace(model, quantization=judged),
            dataset=dataset,
            training=replace(training, span=own, unknown_keywords=()),
            events=tuple(Event(kind, own) for kind in ("load", "wrap", "train")),
            problems=(),
        )

    def is_given(self, value: Value[Any]) -> bool:
        return any(each.span is not None and each.span != self.call.span for each in alternatives(value))

    def record(self, record: Any) -> Any:
        """The settings of a record at the places where the call gives them, else at the program's name in it."""
        changed: dict[str, Any] = {}
        for name in type(record).__match_args__:
            value = getattr(record, name)
            if isinstance(value, Known):
                changed[name] = self.known(value)
            elif isinstance(value, Choices):
                changed[name] = Choices(tuple(map(self.known, value.options)))
            elif isinstance(value, Unknown):
                changed[name] = Unknown(value.why)
        return replace(record, **changed)

    def known(self, value: Known[Any]) -> Known[Any]:
        path = self.span.path
        for place in (value.written, value.span):
            if place is not None and place.path == path:
                return Known(value.value, place, value.origin)
        written = value.written or value.span
        return Known(value.value, None if written is None else self.call.span, value.origin, written)
