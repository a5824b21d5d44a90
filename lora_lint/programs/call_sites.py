"""A run of another file, a program or a configuration, as seen from the command that starts it with its own settings.

A finding belongs to the command if one of its settings takes part; what the other file alone decides is reported there.
"""

from __future__ import annotations

import re

from lora_lint.records import replace
from lora_lint.run.events import EnableCheckpointing, EnableInputGrads, Load, PrepareKbit, Resize, Train, Wrap
from lora_lint.run.values import ABSENT, Choices, Known, Unknown, alternatives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.programs.launchers import Call
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.run.events import Event
    from lora_lint.run.given import Given
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_FEEDBACK = re.compile(r"(?i)dpo|kto|orpo|simpo|cpo|ppo|grpo|rlhf|reward|(?:^|_)rm(?:_|\.)")
"""Words in the names of programs that train on preferences or rewards, perhaps with their own trainer."""
_ABOUT_BITS = re.compile(r"(?i)(?:^|_)(?:bits|quant|quantize|quantization|qlora)(?:_|$)|[48]_?bit")
"""In the names of options that choose how the base model is quantized."""


class CallSite:
    """Shows the runs of the file that a call starts. `alone`: the file has one run; `bits`: the call chooses the
    quantization."""

    def __init__(self, call: Call, span: Span, arguments: CommandOptions, alone: bool) -> None:
        self.call = call
        self.span = span
        self.alone = alone
        self.feedback = _FEEDBACK.search(call.name.rpartition("/")[2]) is not None
        self.flags: dict[Span | None, list[str]] = {}
        for entry in arguments.mapping.entries:
            self.flags.setdefault(entry.value.span, []).append(str(entry.key.value))
        self.bits = any(_ABOUT_BITS.search(name) for names in self.flags.values() for name in names)

    def run(self, run: Run) -> Run | None:
        """The run as part of the call; None if nothing that the call gives takes part in it."""
        adapter = self.record(run.adapter)
        model, training, dataset = map(self.record, (run.model, run.training, run.dataset))
        scale = any(map(self.is_given, (adapter.rank, adapter.alpha, adapter.use_rslora)))
        # A program with several runs chooses the targets by the model in ways that may not have been followed.
        targets = self.is_given(adapter.target_modules) or (self.alone and self.is_given(model.name))
        if not scale and not targets and not self.is_given(training.learning_rate):
            return None
        elsewhere = ["model.quantization"]
        launch = self.record(run.launch)
        if self.bits:
            launch = replace(launch, bits=model.quantization)
        else:
            elsewhere.append("launch.quantizer")
        if not scale:
            elsewhere.append("adapter.use_rslora")
        if not targets:
            elsewhere.append("adapter.target_modules")
        if not any(map(self.is_given, (adapter.rank, dataset.name, dataset.size))):
            elsewhere.append("dataset.size")
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
            model=model,
            dataset=dataset,
            launch=launch,
            training=replace(training, span=own, unknown_keywords=()),
            events=(Load(own), *_grown(run, own), *_prepared(run, own), Wrap(own), Train(own)),
            problems=tuple(problem for problem in run.problems if problem.span.path == self.span.path),
            elsewhere=tuple(elsewhere),
        )

    def settings(self, given: Given) -> Given:
        """What a framework is given, at the places where the call gives it, else at the program's name in it."""
        beside = frozenset(name for names in self.flags.values() for name in names)
        values = {name: self.value(value) for name, value in given.values.items()}
        return replace(given, span=self.call.span, values=values, beside=beside)

    def is_given(self, value: Value[Any]) -> bool:
        return any(each.span is not None and each.span != self.call.span for each in alternatives(value))

    def record(self, record: Any) -> Any:
        """The settings of a record, at the places where the call gives them or else at the program's name in it."""
        values = {name: getattr(record, name) for name in type(record).__match_args__}
        changed = {
            name: self.value(value) for name, value in values.items() if isinstance(value, Known | Choices | Unknown)
        }
        return replace(record, **changed)

    def value(self, value: Value[Any]) -> Value[Any]:
        """A setting where the call gives it, else at the program's name in it."""
        if isinstance(value, Known):
            return self.known(value)
        if isinstance(value, Choices):
            return Choices(tuple(map(self.known, value.options)))
        return value if value is ABSENT else replace(value, span=None)

    def known(self, value: Known[Any]) -> Known[Any]:
        path = self.span.path
        for place in (value.written, value.span):
            if place is not None and place.path == path:
                return replace(value, span=place, written=None)
        written = value.written or value.span
        return replace(value, span=None if written is None else self.call.span, written=written)


def _prepared(run: Run, place: Span) -> Iterator[Event]:
    """What the program does so that gradients reach its adapter, which silences a finding about a call that turns
    checkpointing on."""
    for event in run.events:
        if isinstance(event, PrepareKbit | EnableInputGrads | EnableCheckpointing):
            yield replace(event, span=place)


def _grown(run: Run, place: Span) -> tuple[Resize, ...]:
    """The events that show that the vocabulary grows, wherever in the program they happen."""
    return (Resize(place),) if any(isinstance(event, Resize) for event in run.events) else ()
