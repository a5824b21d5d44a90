"""What handlers of library calls work with: the machine, and the records they write to."""

from __future__ import annotations

import ast
import re

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.values import Arguments, Const, DictVal, Object, Opaque, Val, either
from lora_lint.knowledge.peft_facts import PREPARED_BY, PROMPT_LEARNING
from lora_lint.libraries.convert import as_list, is_flag, is_none, text_of, to_value
from lora_lint.libraries.effects import ConfigRecord, Fact, Happening, ModelRecord, ModelView, Records, RunRecord
from lora_lint.libraries.making import made_with
from lora_lint.libraries.parameters import split_conditions
from lora_lint.libraries.tokens import besides_size
from lora_lint.records import dataclass, replace
from lora_lint.run.events import DEFAULT_ADAPTER, Freeze, Load, Resize, Unfreeze, Wrap
from lora_lint.run.values import ABSENT, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias, TypeVar

    from lora_lint.interpreter.definitions import Class
    from lora_lint.interpreter.machine import Machine
    from lora_lint.interpreter.state import Step
    from lora_lint.libraries.effects import TrainingRecord
    from lora_lint.run.events import Event
    from lora_lint.run.values import Value
    from lora_lint.source import Span

    T = TypeVar("T")


_PEFT_MODELS = r"\bPeft\w*Model|peft_config\b|\bis_peft|has_adapter|has_lora"
_MODULES = frozenset({"torch.nn.Module", "torch.nn.modules.module.Module", "torch.nn.Sequential"})
MAX_CONFIGS = 500
"""The most configs, and runs, that are followed in one file. Of 3,480 programs in 38 repositories 1% make more than 11,
and one, a test of PEFT, makes 204."""


@dataclass(frozen=True)
class Manner:
    """How a call puts an adapter on a model: the framework that does it, the adapter's name and PEFT's
    `autocast_adapter_dtype` if they are given. `integrated`: transformers does it (see events.Wrap)."""

    dialect: str = "peft"
    name: Val | None = None
    autocast: Val | None = None
    integrated: bool = False


class Context:
    """A plain class, because one is created for each call that a library may know. `own` is the program's class that
    inherits from the library's class that is called."""

    __slots__ = ("machine", "own", "records")

    def __init__(self, machine: Machine, records: Records, own: Class | None = None) -> None:
        self.machine = machine
        self.records = records
        self.own = own

    def happen(
        self,
        record: ModelRecord,
        event: Event,
        folder: tuple[Val, ...] = (),
    ) -> None:
        """Records an event on a model, with the conditions it is under."""
        machine = self.machine
        conditions = tuple(machine.conditions)
        if isinstance(event, Freeze | Unfreeze):
            _, conditions = split_conditions(machine, conditions)
        elif isinstance(event, Resize):
            conditions = besides_size(conditions)
        happening = Happening(event, conditions, self._loop_around(record), folder)
        machine.journal.change_list(record.events).append(happening)

    def trains(self, record: ModelRecord, training: TrainingRecord) -> None:
        """Records a trainer or a training loop of a model."""
        self.machine.journal.change_list(record.trainings).append(training)

    def _loop_around(self, record: ModelRecord) -> Step | None:
        """The loop iteration that the model object is older than."""
        outside = {(step.span, step.turn) for step in record.trail}
        for step in reversed(self.machine.trail):
            if step.kind == "once":
                return None
            if step.kind in ("loop", "vague", "comprehension") and (step.span, step.turn) not in outside:
                return step
        return None

    def once(self, record: ModelRecord) -> bool:
        """Whether what happens here happens once to the model: no loop is around it, and nobody else can repeat the
        call that it is in without loading another model."""
        trail = self.machine.trail
        return tuple(trail[:1]) == record.trail[:1] and all(step.kind == "call" for step in trail)

    def model(self, span: Span, callee: str, arguments: Arguments, loaded: ModelRecord) -> Object:
        """A freshly loaded model. `loaded` is what the library knows of it; the arguments that all loaders share are
        read here."""
        trusted = arguments.keywords.get("trust_remote_code")
        record = replace(
            loaded,
            trail=tuple(self.machine.trail),
            labels=_labels(arguments, span),
            remote_code=trusted is not None and not (isinstance(trusted, Const) and not trusted.value),
            loading=arguments,
        )
        self.records.add_model(record)
        self.happen(record, Load(span))
        return Object(callee, arguments, span, ModelView(record))

    def unknown_model(self, value: Val | None, span: Span) -> Object:
        """A model that comes from somewhere that was not followed."""
        own_class = _module_class(value)
        if own_class is not None:
            name = Opaque(f"it is a `{own_class}` that the program builds", span)
        elif isinstance(value, Opaque):
            name = value.at(span)
        else:
            name = Opaque("the model comes from a call that is not followed", span)
        record = ModelRecord(name, trail=tuple(self.machine.trail), own_class=own_class)
        self.records.add_model(record)
        return Object("model", Arguments([], {}, {}), span, ModelView(record))

    def config(self, kind: str, arguments: Arguments, span: Span, dialect: str = "peft", made_by: str = "") -> Object:
        """An adapter config."""
        machine = self.machine
        record = ConfigRecord(kind, span, tuple(machine.trail), tuple(machine.conditions), dialect, made_by)
        made = Object(kind, arguments, span, record)
        if self.own is not None or machine.attempted(kind):
            self.records.note(record, Fact.HANDED)  # a class of the program's own may set more, an attempt may fail
        if len(self.records.configs) < MAX_CONFIGS:
            self.records.add_config(made)
        else:
            self._too_many()
        return made

    def _too_many(self) -> None:
        self.records.leave_unread("runs", f"it makes more than {MAX_CONFIGS} adapters, and the others are not judged")

    def wrap(self, model: Val | None, config: Val | None, span: Span, manner: Manner | None = None) -> Val:
        """Puts an adapter on a model: an event on the model, and a run. Returns the wrapped model."""
        manner = manner or Manner()
        configs = (None,) if config is None else config.alternatives()
        models = (None,) if model is None else model.alternatives()
        wrapped = [
            either(self._wrapped(each, _config_in(option), span, manner) for each in models) for option in configs
        ]
        return wrapped[0]

    def _wrapped(self, model: Val | None, config: Val | None, span: Span, manner: Manner) -> Val:
        """One model with one config, out of the possible ones."""
        view: ModelView = view_of(model) or self.unknown_model(model, span).data
        record = view.record
        inference = None
        if isinstance(config, Object):
            inference = config.attributes.get("inference_mode") or config.arguments.get("inference_mode")
        event = Wrap(
            span,
            adapters=adapter_names(manner.name),
            trainable=flag_of(negated(inference), span),
            wrapped=view.wrapped,
            integrated=manner.integrated,
            compiled=view.compiled,
            autocast=flag_of(manner.autocast, span),
            made=made_with(config, span),
            guarded=any(_asks_for_adapter(condition.test) for condition in self.machine.conditions),
            prompts=isinstance(config, Object) and config.callee.rpartition(".")[2] in PROMPT_LEARNING,
        )
        event = replace(event, unprepared=self._is_unprepared(event))
        self.happen(record, event)
        if isinstance(config, Object) and isinstance(config.data, ConfigRecord):
            self.records.note(config.data, Fact.USED)
            if self.machine.attempted("get_peft_model"):
                self.records.note(config.data, Fact.HANDED)
            machine = self.machine
            if len(self.records.runs) < MAX_CONFIGS:
                case = tuple(choice for frame in machine.frames for choice in frame.case)
                conditions = tuple(machine.conditions)
                self.records.add_run(
                    RunRecord(config, record, span, tuple(machine.trail), conditions, manner.dialect, case)
                )
            else:
                self._too_many()
        return Object("peft.PeftModel", Arguments([], {}, {}), span, ModelView(record, wrapped=True))

    def _is_unprepared(self, wrap: Wrap) -> bool:
        """Whether the function that fills in an adapter's first weights from data is never called."""
        start = known(wrap.made.init)
        needed = PREPARED_BY.get(start) if isinstance(start, str) else None
        project = self.records.project
        if needed is None or project is None or needed.encode() in self.records.text:
            return False
        return not project.programs_name(needed, wrap.span.path)


def _config_in(value: Val | None) -> Val | None:
    """The first adapter config in a dict of configs by adapter name; anything else unchanged."""
    held = value.content() if isinstance(value, DictVal) else ()
    return next((each for each in held if config_of(each) is not None), value)


def _asks_for_adapter(test: ast.expr) -> bool:
    """Whether a condition asks if a model is a PeftModel: by its class, or by attributes that only those have."""
    return re.search(_PEFT_MODELS, ast.unparse(test)) is not None


def adapter_names(given: Val | None) -> tuple[str, ...] | None:
    """The names of adapters in an argument, as one string or as a list; None if they are not known."""
    if given is None or is_none(given):
        return DEFAULT_ADAPTER
    items = as_list(given)
    names = tuple(text for item in items if (text := text_of(item)) is not None)
    return names if len(names) == len(items) else None


def flag_of(given: Val | None, span: Span) -> Value[bool]:
    """The run's form of a boolean argument; ABSENT if it is not given."""
    return to_value(given, span, ABSENT, is_flag)


def negated(flag: Val | None) -> Val | None:
    """The value of `not flag`; None if it is not given."""
    return Const(not flag.value, flag.span, flag.origin) if isinstance(flag, Const) else flag


def _labels(arguments: Arguments, span: Span) -> Val:
    """The number of labels that a model is loaded for; None if the call leaves that to the model's config."""
    given = arguments.get("num_labels") or arguments.get("num_classes")
    if given is not None:
        return given
    if arguments.open or not {"config", "id2label", "label2id"}.isdisjoint(arguments.keywords):
        return Opaque("it comes from a config", span)
    return Const(None, span, "framework-default")


def _module_class(value: Val | None) -> str | None:
    """The class name of a module that the program builds: its own, or torch's."""
    if isinstance(value, Instance) and value.class_ is not None:
        bases = (base.name for base in value.class_.external_bases())
        return value.class_.node.name if any(name in _MODULES for name in bases) else None
    if isinstance(value, Object) and value.callee.startswith("torch.nn.") and "()" not in value.callee:
        return value.callee.rpartition(".")[2]
    return None


Handler: TypeAlias = "Callable[[Context, str, Arguments, Span], Val | None]"


def record_of(value: Val | None, kind: type[T]) -> T | None:
    """The record of a given kind for a value, if there is one."""
    return value.data if isinstance(value, Object) and isinstance(value.data, kind) else None


def view_of(value: Val | None) -> ModelView | None:
    """The model behind a value, if it is one."""
    return record_of(value, ModelView)


def views_of(value: Val | None) -> list[ModelView]:
    """The models that a value may be."""
    options = value.alternatives() if value is not None else ()
    return [view for option in options if (view := view_of(option)) is not None]


def config_of(value: Val | None) -> ConfigRecord | None:
    """The adapter config behind a value, if it is one."""
    return record_of(value, ConfigRecord)


def nothing(span: Span) -> Val:
    """The result of a call made for its effect."""
    return Const(None, span, "derived")
