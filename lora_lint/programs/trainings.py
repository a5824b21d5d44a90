"""What trains a model in a program: the settings of its trainers and loops, and their data."""

from __future__ import annotations

from lora_lint.interpreter.values import Const, Either, Object, Opaque, Val, either
from lora_lint.knowledge import signatures, training_arguments
from lora_lint.libraries import convert
from lora_lint.libraries.convert import argument_of, is_reentrant, to_value
from lora_lint.libraries.effects import DatasetRecord, ModelRecord, TrainingRecord
from lora_lint.libraries.trainers import no_longer_taken
from lora_lint.programs.events import exclude
from lora_lint.records import replace
from lora_lint.run.framework import TRAINER_KEYS
from lora_lint.run.problems import UnknownKey
from lora_lint.run.run import Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, Value, is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.interpreter.definitions import Condition
    from lora_lint.run.run import TrainerSetup
    from lora_lint.source import Span

_OTHER_ARGUMENTS = ("setfit.",)
"""Packages whose TrainingArguments are no subclass of transformers' (SetFit 1.2.0, training_args.py)."""
_REPLACED = frozenset({"learning_rate", "per_device_train_batch_size", "gradient_accumulation_steps", "optim"})
"""Defaults that unsloth changes in TRL's configs (unsloth 2026.10.9, models/rl.py)."""
_ACCEPTED = {
    "optimizer": convert.is_text,
    "learning_rate": is_number,
    "epochs": is_number,
    "max_steps": convert.is_whole,
    "batch_size": convert.is_whole,
    "accumulation": convert.is_whole,
    "warmup": is_number,
    "schedule": convert.is_text,
}
_TRAINING = {field: (keyword, _ACCEPTED[field]) for field, keyword in TRAINER_KEYS.items()} | {
    "checkpointing": ("gradient_checkpointing", convert.is_flag),
    "half": ("fp16", convert.is_flag),
    "loads_best": ("load_best_model_at_end", convert.is_flag),
}


def trainings_of(model: ModelRecord, common: tuple[Condition, ...]) -> list[TrainingRecord]:
    """The trainers and loops of a run that is created under the conditions `common`, without those of other
    branches."""
    return [training for training in model.trainings if not exclude(training.conditions, common)]


def training_of(trainings: list[TrainingRecord], here: Span, model: ModelRecord) -> Training:
    """The settings of the last of a run's trainings."""
    if not trainings:
        return _with_unknown(Training(), model.gone, here.path)
    last = trainings[-1]
    arguments = last.arguments if last.arguments is not None and of_transformers(last.arguments) else None
    methods = {training.method for training in trainings}
    method = last.method if len(methods) == 1 else "unknown"
    result = Training(
        last.trainer,
        method,
        span=last.span,
        by_hand=last.by_hand,
        setup=_setup_in(last, here.path),
    )
    if last.alone:
        result = replace(result, bare_reference=Known(True, last.span))
    values: dict[str, Any] = {}
    defaults = signatures.defaults(arguments.callee) if arguments is not None else {}
    owner = arguments.callee.rpartition(".")[2] if arguments is not None else ""
    for field, (keyword, accept) in _TRAINING.items():
        given: Val | None = last.values.get(field)
        default: Value[Any] = ABSENT
        if arguments is not None and given is None:
            given = arguments.attributes.get(keyword) or arguments.arguments.keywords.get(keyword)
            if arguments.arguments.open:
                default = Unknown("the command line gives it")
            elif last.setup.replaced and keyword in _REPLACED and training_arguments.is_of_trl(owner):
                default = Unknown("another library replaces the default")
            elif keyword in defaults:
                default = Known(defaults[keyword], None, "framework-default")
        values[field] = to_value(given, here, default, accept)
    reentrant = arguments is not None and is_reentrant(argument_of(arguments, "gradient_checkpointing_kwargs"))
    unknown = (*_unknown_arguments(arguments), *last.gone, *model.gone)
    if last.setup.replaced:
        unknown = tuple(each for each in unknown if not training_arguments.is_of_trl(each.owner))
    return _with_unknown(replace(result, **values, reentrant=reentrant), unknown, here.path)


def _with_unknown(training: Training, keywords: tuple[UnknownKey, ...], path: str) -> Training:
    """A training with the keywords that are not accepted: those in the program's own file, and all that newer releases
    no longer accept."""
    here = tuple(each for each in keywords if each.span.path == path)
    return replace(training, unknown_keywords=here, outdated=tuple(each for each in keywords if each.until is not None))


def _setup_in(training: TrainingRecord, path: str) -> TrainerSetup:
    """What a trainer is given, with what is wrong about that in the file at `path`."""
    setup = training.setup
    flaws = tuple(each for each in setup.flaws if each.span.path == path)
    return setup if flaws == setup.flaws else replace(setup, flaws=flaws)


def of_transformers(arguments: Object) -> bool:
    """Whether an object holds arguments as transformers spells them: not those of a library with a class of the same
    name."""
    return not arguments.callee.startswith(_OTHER_ARGUMENTS)


def _unknown_arguments(arguments: Object | None) -> tuple[UnknownKey, ...]:
    """Keyword arguments that a class of training arguments does not accept."""
    if arguments is None or not arguments.arguments.keywords:
        return ()
    owner = arguments.callee.rpartition(".")[2]
    names = signatures.keywords(owner)
    if not names:
        return ()
    found = []
    for keyword in arguments.arguments.keywords:
        span = arguments.arguments.span(keyword) or arguments.span
        gone = training_arguments.gone(owner, keyword)
        # The program's own subclass adds attributes.
        if keyword in arguments.attributes or span is None:
            continue
        if gone is not None:
            found.append(no_longer_taken(keyword, span, owner, gone))
        elif keyword not in names:
            found.append(UnknownKey(keyword, span, owner, (), "raises a TypeError"))
    return tuple(found)


def dataset_of(trainings: list[TrainingRecord], here: Span) -> Dataset:
    """What a run is trained on: in the last of its trainings, whose settings are the run's, or in one that another
    branch has in its place."""
    given = [(each, data) for each in trainings if (data := each.dataset or _of_loop(each)) is not None]
    if not given:
        return Dataset()
    last = given[-1][0]
    found = [
        dataset
        for training, dataset in given
        if training is last or any(each not in last.conditions for each in training.conditions)
    ]
    options = [o for value in found for o in (value.options if isinstance(value, Either) else (value,))]
    records = [value.data for value in options if isinstance(value, Object) and isinstance(value.data, DatasetRecord)]
    if len(records) < len(options):
        others = (o for o in options if not (isinstance(o, Object) and isinstance(o.data, DatasetRecord)))
        return Dataset(size=Unknown(_origin(next(others))))
    return Dataset(
        name=to_value(either(record.name for record in records), here, ABSENT, convert.is_text),
        size=to_value(either(record.size for record in records), here, ABSENT, convert.is_whole),
        how=_how(records[0]),
    )


def _of_loop(training: TrainingRecord) -> Val | None:
    """The data of a training loop: the only set that the program gives to a loader which shuffles it."""
    found: dict[object, Object] = {}
    for each in training.batches if training.by_hand else ():
        if not isinstance(each, Object) or not isinstance(each.data, DatasetRecord):
            return None
        name, size = each.data.name, each.data.size
        same = (name.value, size.value) if isinstance(name, Const) and isinstance(size, Const) else id(each.data)
        found.setdefault(same, each)
    if len(found) != 1:
        return None
    [data] = found.values()
    how = f"{data.data.how}, shuffled for a training loop".removeprefix(", ")
    return Object(data.callee, data.arguments, data.span, replace(data.data, how=how))


def _how(record: DatasetRecord) -> str:
    """How a number of rows is known, for people."""
    return record.how if record.exact else f"{record.how}, at most" if record.how else "before filtering"


def _origin(value: Val) -> str:
    """Why nothing is known about the data that a trainer gets."""
    if isinstance(value, Opaque):
        return value.why
    return f"`{value.callee}(…)` creates the data" if isinstance(value, Object) else "the program creates the data"


def with_printed_sizes(reading: Reading, trained_on: int | None) -> Reading:
    """The runs of a notebook with the number of examples that its trainers printed, if the program does not show it."""
    if trained_on is None:
        return reading
    size: Known[int] = Known(trained_on, None, "derived")

    def sized(run: Run) -> Run:
        if not isinstance(run.dataset.size, Unknown):
            return run
        return replace(run, dataset=replace(run.dataset, size=size, how="as the trainer printed in this notebook"))

    return reading.mapped(sized)
