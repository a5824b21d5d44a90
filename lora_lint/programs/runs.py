"""From the records of a followed program to its Runs and Sweeps."""

from __future__ import annotations

import ast
from functools import cache
from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING, Any

from lora_lint.frameworks import registry
from lora_lint.interpreter.values import (
    Arguments,
    Const,
    DictVal,
    Effect,
    Either,
    ListVal,
    Object,
    Opaque,
    Space,
    Val,
    either,
)
from lora_lint.knowledge import methods, signatures
from lora_lint.knowledge.saved_adapters import saved_base
from lora_lint.libraries import convert
from lora_lint.libraries.convert import argument_of, to_value
from lora_lint.libraries.effects import (
    ConfigRecord,
    DatasetRecord,
    Fact,
    ModelRecord,
    Records,
    RunRecord,
    TrainingRecord,
)
from lora_lint.programs.given import of_call, of_loading
from lora_lint.programs.layout import launch_of
from lora_lint.programs.lives import folder_of, loads_what_was_saved, named_beside, saved_in, texts
from lora_lint.programs.resumed import resumes
from lora_lint.records import dataclass, replace
from lora_lint.run.cases import within
from lora_lint.run.events import AddBeside, LoadAdapter, LoadBeside, Save, SetWeights, Train, Unwrap
from lora_lint.run.framework import TRAINER_KEYS
from lora_lint.run.problems import InvalidValue, NoResult, Number, UnknownKey
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Sweep, SweepKind, Training
from lora_lint.run.values import ABSENT, Known, Unknown, Value, alternatives, is_number, known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lora_lint.interpreter.definitions import Condition
    from lora_lint.interpreter.state import Step, StepKind
    from lora_lint.libraries.effects import Happening
    from lora_lint.project import Project
    from lora_lint.run.events import Event
    from lora_lint.run.framework import Framework
    from lora_lint.run.given import Given
    from lora_lint.run.problems import Problem
    from lora_lint.source import Span

MAX_VARIANTS = 16
CONFIGS = (".yaml", ".yml", ".json")

_SAVED = (
    "a list of module names. A string counts as a list of its letters, and each module whose name ends in one is "
    "copied and trained"
)


@dataclass(frozen=True)
class _Setting:
    """A keyword of a config: the test of a well-typed value, what is expected in words, and the number that it is."""

    keyword: str
    accept: Callable[[Any], bool]
    expected: str = ""
    takes: Number | None = None


_FIELDS = {
    "rank": _Setting("r", convert.is_whole, "a whole number of at least 1", Number(whole=True, least=1)),
    "alpha": _Setting("lora_alpha", is_number, "a number above 0", Number()),
    "dropout": _Setting("lora_dropout", is_number, "a number from 0 to below 1", Number()),
    "target_modules": _Setting("target_modules", convert.is_names, "a list of module names, or one regex string"),
    "exclude_modules": _Setting("exclude_modules", convert.is_names, "a list of module names, or one regex string"),
    "target_parameters": _Setting("target_parameters", convert.is_listing, "a list of parameter names"),
    "layers_to_transform": _Setting("layers_to_transform", convert.is_layers, "a layer index or a list of them"),
    "layers_pattern": _Setting("layers_pattern", convert.is_names, "a name or a list of names"),
    "rank_pattern": _Setting("rank_pattern", convert.is_pattern, "a dict from module name to rank"),
    "alpha_pattern": _Setting("alpha_pattern", convert.is_pattern, "a dict from module name to alpha"),
    "use_rslora": _Setting("use_rslora", convert.is_flag, "True or False"),
    "use_dora": _Setting("use_dora", convert.is_flag, "True or False"),
    "bias": _Setting("bias", convert.is_text, "`none`, `all` or the method's own word, such as `lora_only`"),
    "lora_bias": _Setting("lora_bias", convert.is_flag, "True or False"),
    "modules_to_save": _Setting("modules_to_save", convert.is_listing, _SAVED),
    "trainable_token_indices": _Setting("trainable_token_indices", convert.anything),
    "init_lora_weights": _Setting("init_lora_weights", convert.anything),
    "inference_mode": _Setting("inference_mode", convert.is_flag, "True or False"),
    "task_type": _Setting("task_type", convert.is_optional_text, "a task type"),
}
_SCALING = frozenset({"rank", "alpha", "use_rslora", "rank_pattern", "alpha_pattern", "dropout"})
_BY_STEP: Mapping[StepKind, SweepKind] = {
    "call": SweepKind.CALLS,
    "comprehension": SweepKind.COMPREHENSION,
    "loop": SweepKind.LOOP,
    "once": SweepKind.LOOP,
    "vague": SweepKind.LOOP,
}
"""The constructs that create several runs at one place, by the step at which the paths to them part."""
_SEARCHED = ("r", "lora_alpha", "use_rslora")


def finish(records: Records, path: str) -> Reading:
    """All runs in the order they are written, and the sweeps among them. `path` is the linted file."""
    pending = list(records.runs)
    givers = (path, *([records.caller] if records.caller else []), *records.loaded.get(path, ()))
    for config in records.configs:
        data: ConfigRecord = config.data
        if data.facts.isdisjoint({Fact.USED, Fact.WRITTEN}):
            model = ModelRecord(Opaque("the file does not put this config on a model"))
            pending.append(RunRecord(config, model, data.span, data.trail, data.conditions, data.dialect))
    made: list[tuple[RunRecord, Run]] = []
    sweeps: list[Sweep] = []
    extra: list[Run] = []
    for record in pending:
        variants = _variants(record.config, records)
        started = _starts_search(record.config)
        base = _run(record, record.config, path, givers, started, records.project)
        if base is None:
            continue
        if len(variants) > 1:
            tried = tuple(
                run
                for variant in variants
                if (run := _run(record, variant, path, givers, started, records.project)) is not None
            )
            space = _first_space(record.config)
            sweeps.append(Sweep(space.kind, space.span or record.span, tried))
            if space.kind is not SweepKind.CHOICES:
                extra += tried
                continue
        made.append((record, base))
    sweeps += _repeated(made)
    runs = [run for _, run in made] + list(_reloaded(records, path, made))
    given = (of_call(made, name, made.callee, made.span) for name, made in records.checked if made.span is not None)
    here = tuple(each for each in given if each is not None and each.span.path == path)
    return Reading(tuple(_distinct(runs + extra)), tuple(sweeps), given=here)


def _distinct(runs: list[Run]) -> list[Run]:
    """The runs in the order of their places; the first of equal ones."""
    by_place: dict[Span, list[Run]] = {}
    for run in runs:
        by_place.setdefault(run.span, []).append(run)
    distinct: list[Run] = []
    for place in sorted(by_place):
        here = by_place[place]
        if len(here) == 1:  # practically always
            distinct += here
            continue
        unique: dict[str, Run] = {}
        for run in here:
            unique.setdefault(repr((run.adapter, run.model.name, run.events)), run)
        distinct += unique.values()
    return distinct


def _variants(config: Object, records: Records) -> list[Object]:
    """The configs that a search space stands for, one per option; the config itself if nothing is searched."""
    spaces: dict[str, Space] = {}
    for name in _SEARCHED:
        value = argument_of(config, name)
        if isinstance(value, Space):
            spaces[name] = value
    if not spaces:
        return [config]
    axes: dict[int, int] = {id(space.axis): len(space.options) for space in spaces.values()}
    total = prod(axes.values())
    if total > MAX_VARIANTS:
        detail = f"a search tries {total:,} combinations of {' and '.join(spaces)}, of which {MAX_VARIANTS} are judged"
        records.leave_unread("variants", detail)
    variants = []
    for picks in islice(product(*(range(count) for count in axes.values())), MAX_VARIANTS):
        chosen = dict(zip(axes, picks, strict=True))
        picked = {name: space.options[chosen[id(space.axis)]] for name, space in spaces.items()}
        arguments = config.arguments
        merged = Arguments(arguments.positional, {**arguments.keywords, **picked}, arguments.spans, arguments.open)
        variants.append(Object(config.callee, merged, config.span, config.data, {**config.attributes, **picked}))
    return variants


def _first_space(config: Object) -> Space:
    """The first search space in a config that has one."""
    found = (argument_of(config, name) for name in _SEARCHED)
    return next(value for value in found if isinstance(value, Space))


def _repeated(made: list[tuple[RunRecord, Run]]) -> list[Sweep]:
    """Runs created at one place of the program: iterations of a loop, or calls of one helper."""
    sweeps: list[Sweep] = []
    seen: set[frozenset[int]] = set()
    for by_config in (False, True):
        groups: dict[Span, list[tuple[RunRecord, Run]]] = {}
        for record, run in made:
            if Fact.BESIDE in record.config.data.facts:
                continue
            groups.setdefault(record.config.data.span if by_config else record.span, []).append((record, run))
        for members in groups.values():
            if len(members) < 2:
                continue
            distinct = {repr(run.adapter): (record, run) for record, run in members}
            if len(distinct) < 2:
                continue
            chosen = list(distinct.values())
            identity = frozenset(id(run) for _, run in chosen)
            if identity in seen:
                continue
            seen.add(identity)
            step = _difference(chosen[0][0], chosen[1][0])
            if step is None:
                continue  # branches of one program, not runs of one experiment
            span = chosen[0][1].adapter.span if step.kind == "call" else step.span
            sweeps.append(Sweep(_BY_STEP[step.kind], span, tuple(run for _, run in chosen)))
    return sweeps


def _difference(a: RunRecord, b: RunRecord) -> Step | None:
    """The step at which the paths to two runs part: the iteration of a loop or the call."""
    for ways in ((a.trail, b.trail), (a.config.data.trail, b.config.data.trail)):
        for one, other in zip(*ways, strict=False):
            if one != other:
                return one if one.kind == other.kind else None
    return None


def _starts_search(config: Object) -> bool:
    """Whether the search space is in a config that the program loads: the caller of the program starts the search."""
    found = (argument_of(config, name) for name in _SEARCHED)
    return any(isinstance(v, Space) and v.span is not None and v.span.path.endswith(CONFIGS) for v in found)


def _run(
    record: RunRecord, config: Object, path: str, givers: tuple[str, ...], started: bool, project: Project | None
) -> Run | None:
    """The run in the file at `path`; None if it belongs to another file. `givers` are the files that set its settings:
    that file, the call of the program, and the configs that it loads."""
    span = next((place for place in (record.span, config.data.span) if place.path == path), None)
    if span is None:
        # The adapter is made in an imported file: the run is where this file calls it.
        calls = [step.span for step in (*record.trail, *config.data.trail) if step.kind == "call"]
        span = next((call for call in reversed(calls) if call.path == path), None)
        given = (*config.arguments.keywords.values(), *config.attributes.values(), record.model.name)
        trained = any(training.span.path == path for training in record.model.trainings)
        if not started and not trained and not any(_written_in(value, place) for value in given for place in givers):
            return None  # an imported file's own run
    if span is None:
        return None
    framework = _framework(record, config.data)
    adapter, problems = _adapter(config, span)
    model = record.model
    events = _events(model, record.conditions)
    trainings = _trainings(model, record.conditions)
    run = Run(
        framework=framework,
        span=span,
        adapter=adapter,
        model=_model(model, span, (*config.data.conditions, *record.conditions)),
        dataset=_dataset(trainings, span),
        training=_training(trainings, span),
        events=events,
        problems=problems,
        given=_given_config(config, model, trainings, span),
        trained=_is_trained(events),
        method=config.data.kind,
        settings=_settings_of_method(config, span),
        own_names=any(part in (known(adapter.target_modules) or ()) for part in framework.parts),
        config=config.data.span,
        saves=texts(saved_in(model)),
        launch=launch_of(model, trainings[-1].arguments if trainings else None, span, project),
        pins={"trl": trainings[-1].pin} if trainings and trainings[-1].pin is not None else {},
    )
    return within(run, tuple(choice for each in (*config.data.conditions, *record.conditions) for choice in each.case))


def _given_config(config: Object, model: ModelRecord, trainings: list[TrainingRecord], span: Span) -> tuple[Given, ...]:
    """The settings of the adapter's config, of the call that loads the model, and of the trainer's arguments."""
    data: ConfigRecord = config.data
    kind = f"{data.made_by}.get_peft_model" if data.made_by else data.kind
    found = [of_call(config, data.dialect, kind, span), *of_loading(model, data.dialect, span)]
    arguments = trainings[-1].arguments if trainings else None
    if arguments is not None and _of_transformers(arguments):
        owner = arguments.callee.rpartition(".")[2]
        found += [of_call(arguments, library, owner, span) for library in ("transformers", "trl")]
    return tuple(given for given in found if given is not None)


def _is_trained(events: Sequence[Event]) -> bool | None:
    """Whether the adapter is trained. One that is created to receive saved weights, with no training that follows, is
    only rebuilt; for others without a training it is not known."""
    if any(isinstance(event, Train) for event in events):
        return True
    rebuilt = any(isinstance(event, SetWeights) and event.flag is None for event in events)
    return False if rebuilt else None


def _framework(record: RunRecord, config: ConfigRecord) -> Framework:
    """The framework that creates the config, unless it is PEFT itself; otherwise the one that puts the adapter on the
    model."""
    made = registry.framework(config.dialect)
    return registry.framework(record.dialect) if made.direct else made


def _written_in(value: Val, path: str) -> bool:
    """Whether a setting, or a part of it, is written in a file."""
    if isinstance(value, ListVal):
        return any(_written_in(item, path) for item in value.items)
    if isinstance(value, Either | Space):
        return any(_written_in(option, path) for option in value.options)
    return isinstance(value, Const) and value.span is not None and value.span.path == path


def _reloaded(records: Records, path: str, made: list[tuple[RunRecord, Run]]) -> list[Run]:
    """Models whose adapter is loaded from disk without a new config, then trained further, merged into a quantized
    base, merged and saved, joined by others, or from a folder that this program or a neighbouring one saves an adapter
    in."""
    runs = []
    for model in records.models:
        trained = _has(model, Train)
        merged = _has(model, Unwrap) and (_quantized(model) or _has(model, Save))
        counts = trained or merged or _has(model, AddBeside) or _has(model, LoadBeside)
        wraps = [record for record in records.runs if record.model is model]
        for happening in model.events:
            if not isinstance(happening.event, LoadAdapter) or happening.event.span.path != path:
                continue
            # In addition to a wrap only if the two are branches of one choice.
            if not all(_exclude(happening.conditions, record.conditions) for record in wraps):
                continue
            trainer = next(
                (
                    run
                    for record, run in made
                    if record.model is not model and loads_what_was_saved(happening, record.model)
                ),
                None,
            )
            folder = folder_of(happening)
            if counts or trainer is not None or named_beside(folder, path, records.project):
                run = _of_loaded(model, happening, _saved_before(model, happening, wraps), trained)
                trainings = _trainings(model, happening.conditions)
                arguments = trainings[-1].arguments if trainings else None
                launch = launch_of(model, arguments, run.span, records.project)
                on: Value[str] | None = None
                if folder is not None and records.project is not None:
                    on = saved_base(folder, path, records.project)
                runs.append(replace(run, trained_by=trainer, loads=folder, launch=launch, trained_on=on or ABSENT))
                break
    return runs


def _has(model: ModelRecord, kind: type[Event]) -> bool:
    """Whether something of a kind happens to a model."""
    return any(isinstance(happening.event, kind) for happening in model.events)


def _saved_before(model: ModelRecord, load: Happening, wraps: list[RunRecord]) -> Object | None:
    """The config of the loaded adapter, if the program creates it in its other branch and saved it in an
    earlier run."""
    if len({id(record.config) for record in wraps}) != 1:
        return None
    config: Object = wraps[0].config
    data: ConfigRecord = config.data
    # A separate branch for the config: the others create another one.
    if (
        data.kind != "LoraConfig"
        or any(isinstance(argument_of(config, name), Space) for name in _SEARCHED)
        or _besides(data.conditions, wraps[0].conditions)
    ):
        return None
    loads = (each for each in model.events if isinstance(each.event, LoadAdapter))
    others = [each for each in loads if _exclude(each.conditions, load.conditions)]
    return config if resumes(load, model, others) else None


def _quantized(model: ModelRecord) -> bool:
    bits = to_value(model.quantization, None, ABSENT, convert.is_optional_text)
    return any(each.value for each in alternatives(bits))


def _of_loaded(model: ModelRecord, load: Happening, saved: Object | None, trained: bool) -> Run:
    """The run of an adapter that is loaded from disk; `saved` is the config that it was created with, if that is known.
    How it began and whether it can be trained depends on the load."""
    span = load.event.span
    loaded = Unknown("the adapter's own config sets it")
    if saved is not None:
        adapter = replace(_adapter(saved, span)[0], init_lora_weights=loaded, inference_mode=ABSENT)
    else:
        adapter = Adapter(
            *(span, loaded, loaded, loaded, loaded),
            use_rslora=loaded,
            use_dora=loaded,
            bias=loaded,
            modules_to_save=loaded,
            init_lora_weights=loaded,
            task_type=loaded,
        )
    trainings = _trainings(model, load.conditions)
    return Run(
        registry.framework("peft"),
        span,
        adapter,
        _model(model, span),
        _dataset(trainings, span),
        _training(trainings, span),
        _events(model, load.conditions),
        trained=trained,
    )


def _adapter(config: Object, run: Span) -> tuple[Adapter, tuple[Problem, ...]]:
    data: ConfigRecord = config.data
    arguments = config.arguments
    framework = registry.framework(data.dialect)
    defaults = _defaults(framework, data.kind)
    problems: list[Problem] = []
    path = run.path
    here = data.span if data.span.path == path else run
    fields: dict[str, Any] = {}
    for field, setting in _FIELDS.items():
        keyword = setting.keyword
        if data.kind != "LoraConfig" and field in _SCALING:
            fields[field] = Unknown(f"{data.kind} sets it another way")
            continue
        default: Value[Any]
        if arguments.open:
            default = Unknown("`**` arguments may set it", here)
        elif keyword in defaults:
            default = defaults[keyword]
        elif field in framework.defaults:
            default = Known(framework.defaults[field], None, "framework-default")
        elif keyword == "target_modules":
            default = Unknown("they are not given, and the framework chooses them after loading the model")
        else:  # the method has no such setting
            default = getattr(Adapter, field, ABSENT)
        given = argument_of(config, keyword)
        if field in framework.defaults and isinstance(given, Const) and given.value is None:
            given = None  # the same as absent
        if given is None:  # as most are
            fields[field] = default
            continue
        span = arguments.span(keyword) or here
        span = span if span.path == path else here
        if isinstance(given, Effect):
            made = given.span if given.span is not None and given.span.path == path else None
            problems.append(NoResult(keyword, given.method, span, data.kind, made))
        value = to_value(given, span, default, convert.anything)
        fields[field] = _checked(value, setting, data.kind, span, problems)
    if not methods.adapts_layers(data.kind):
        fields["target_modules"] = Unknown(f"{data.kind} does not adapt the layers that it names")
    problems += _unknown_keywords(config)
    fill = registry.own(data.dialect, "filled")
    if fill is not None:
        fields |= fill(config, here)
    targets = argument_of(config, "target_modules")
    return (
        Adapter(span=here, **fields, target_spans=_entries(targets, path)),
        tuple(problem for problem in problems if problem.span.path == path),
    )


def _settings_of_method(config: Object, run: Span) -> dict[str, Value[Any]]:
    """The settings of a method other than LoRA that its config is given."""
    kind, arguments = config.data.kind, config.arguments
    names = signatures.keywords(kind) if kind != "LoraConfig" else frozenset()
    found: dict[str, Value[Any]] = {}
    for name in sorted(names):
        given = argument_of(config, name)
        if given is not None:
            found[name] = to_value(given, run, ABSENT, convert.anything)
        elif arguments.open:
            found[name] = Unknown("`**` arguments may set it", run)
    return found


@cache
def _defaults(framework: Framework, kind: str) -> Mapping[str, Known[Any]]:
    """The framework's settings for what an adapter config leaves out, created once for all."""
    own = framework.signature
    found = signatures.defaults(kind) if framework.direct else signatures.defaults_without_targets(own)
    return {keyword: Known(value, None, "framework-default") for keyword, value in found.items()}


def _checked(
    value: Value[Any], setting: _Setting, owner: str, span: Span | None, problems: list[Problem]
) -> Value[Any]:
    """The value if it is of the right type; otherwise a problem is noted and the value is unknown."""
    accept = setting.accept
    if not isinstance(value, Known):
        options = getattr(value, "options", ())
        return value if all(accept(option.value) for option in options) else Unknown("it has a wrong type", span)
    if accept(value.value):
        return value
    if value.value is None:
        return Unknown("it is None", span)
    place = value.span or span
    if value.origin in ("literal", "derived") and place is not None:
        problems.append(InvalidValue(setting.keyword, value.value, place, owner, setting.expected, setting.takes))
    return Unknown("it has a wrong type", place)


_SYNONYMS = {
    "lora_r": "r",
    "lora_rank": "r",
    "rank": "r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "lora_target_modules": "target_modules",
    "rslora": "use_rslora",
    "use_rs_lora": "use_rslora",
    "dora": "use_dora",
}
"""What other frameworks call PEFT's settings."""


def _unknown_keywords(config: Object) -> list[UnknownKey]:
    arguments, data = config.arguments, config.data
    if not registry.framework(data.dialect).direct:
        return []
    names = signatures.keywords(data.kind)
    if not names:
        return []
    found = []
    for keyword in arguments.keywords:
        # The program's own subclass adds keywords, and passes them on as attributes.
        if keyword not in names and keyword not in config.attributes:
            from lora_lint.knowledge import installed

            if keyword in installed.keywords(data.kind):
                continue
            span = arguments.span(keyword) or data.span
            meant = _SYNONYMS.get(keyword)
            close = (meant,) if meant is not None else signatures.closest(keyword, names)
            left = tuple(name for name in close if name in names and name not in arguments.keywords)
            found.append(UnknownKey(keyword, span, data.kind, left, "raises a TypeError"))
    return found


def _entries(targets: Val | None, path: str) -> tuple[tuple[str, Span], ...]:
    if not isinstance(targets, ListVal):
        return ()
    return tuple(
        (item.value, item.span)
        for item in targets.items
        if isinstance(item, Const) and isinstance(item.value, str) and item.span is not None and item.span.path == path
    )


def _events(model: ModelRecord, common: tuple[Condition, ...]) -> tuple[Event, ...]:
    """The events of a run that is created under the conditions `common`, without those of other branches."""
    own = (happening for happening in model.events if not _exclude(happening.conditions, common))
    events = (_event(happening, common, _repeats(happening, model)) for happening in own)
    return tuple(dict.fromkeys(events))  # the iterations of a loop repeat the same event


def _exclude(some: tuple[Condition, ...], others: tuple[Condition, ...]) -> bool:
    """Whether conditions contradict each other: one test of the same names, taken both ways."""
    for one in some:
        for other in others:
            if one.scope is other.scope:
                (text, holds), (other_text, other_holds) = _positive(one), _positive(other)
                if holds != other_holds and text == other_text:
                    return True
    return False


_OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {ast.IsNot: ast.Is, ast.NotEq: ast.Eq, ast.NotIn: ast.In}


def _positive(condition: Condition) -> tuple[str, bool]:
    """The test without its `not`, and its outcome."""
    test, taken = condition.test, condition.taken
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, taken = test.operand, not taken
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        positive = _OPPOSITES.get(type(test.ops[0]))
        if positive is not None:
            return ast.dump(ast.Compare(test.left, [positive()], test.comparators)), not taken
    return ast.dump(test), taken


def _repeats(happening: Happening, model: ModelRecord) -> Span | None:
    """The loop in which something happens to the same model again and again."""
    step = happening.loop
    if step is None:
        return None
    alike = (other for other in model.events if isinstance(other.event, type(happening.event)))
    others = (other.loop for other in alike if other.loop is not None)
    again = any(other.span == step.span and other.turn != step.turn for other in others)
    return step.span if step.kind == "vague" or again else None


def _besides(conditions: tuple[Condition, ...], common: tuple[Condition, ...]) -> list[Condition]:
    """The conditions that do not follow from those of `common`."""
    others = [each for each in conditions if each not in common]
    if not others or not common:
        return others
    held = [(condition.scope, _positive(condition)) for condition in common]
    return [each for each in others if (each.scope, _positive(each)) not in held]


def _event(happening: Happening, common: tuple[Condition, ...], loop: Span | None) -> Event:
    flags = _besides(happening.conditions, common)
    flag = None
    if flags:
        text = ast.unparse(flags[-1].test)
        flag = text if flags[-1].taken else f"not ({text})"
    return replace(happening.event, flag=flag, loop=loop)


def _model(model: ModelRecord, here: Span, conditions: tuple[Condition, ...] = ()) -> BaseModel:
    name = model.name
    for condition in conditions:
        name = _narrowed(name, condition)
    return BaseModel(
        name=to_value(name, here, ABSENT, convert.is_text),
        loader=model.loader,
        quantization=to_value(model.quantization, here, ABSENT, convert.is_optional_text),
        dtype=to_value(model.dtype, here, ABSENT, convert.is_optional_text),
        labels=to_value(model.labels, here, ABSENT, convert.is_optional_whole),
        remote_code=model.remote_code,
        edited=Fact.EDITED in model.facts,
        loader_adapts=model.loader_adapts,
        own_class=model.own_class,
        revision=to_value(_argument_of(model, "revision"), here, ABSENT, convert.is_optional_text),
        subfolder=to_value(_argument_of(model, "subfolder"), here, ABSENT, convert.is_text),
    )


def _argument_of(model: ModelRecord, name: str) -> Val | None:
    """An argument of the call that loads a model."""
    return model.loading.keywords.get(name) if model.loading is not None else None


def _narrowed(name: Val, condition: Condition) -> Val:
    """A model that was loaded by its default name, in a branch that is not taken at that default."""
    for default, inside in condition.narrowed:
        if isinstance(name, Const) and name.origin == "cli-default" and _alike(name, default):
            return inside
    return name


def _alike(name: Const, default: Val) -> bool:
    """Whether the name of a model is a default, as written or in lower case."""
    value = default.value if isinstance(default, Const) else None
    return isinstance(value, str) and isinstance(name.value, str) and name.value.lower() == value.lower()


def _trainings(model: ModelRecord, common: tuple[Condition, ...]) -> list[TrainingRecord]:
    """The trainers and loops of a run that is created under the conditions `common`, without those of other
    branches."""
    return [training for training in model.trainings if not _exclude(training.conditions, common)]


def _dataset(trainings: list[TrainingRecord], here: Span) -> Dataset:
    found = [training.dataset for training in trainings if training.dataset is not None]
    if not found:
        return Dataset()
    options = [o for value in found for o in (value.options if isinstance(value, Either) else (value,))]
    records = [value.data for value in options if isinstance(value, Object) and isinstance(value.data, DatasetRecord)]
    if len(records) < len(options):
        others = (o for o in options if not (isinstance(o, Object) and isinstance(o.data, DatasetRecord)))
        return Dataset(size=Unknown(_origin(next(others))))
    return Dataset(
        name=to_value(either(record.name for record in records), here, ABSENT, convert.is_text),
        size=to_value(either(record.size for record in records), here, ABSENT, convert.is_whole),
        how=records[0].how,
    )


def with_printed_sizes(reading: Reading, trained_on: int | None) -> Reading:
    """The runs of a notebook with the number of examples that its trainers printed, if the program does not show it."""
    if trained_on is None:
        return reading
    size: Known[int] = Known(trained_on, None, "derived")

    def sized(run: Run) -> Run:
        if not isinstance(run.dataset.size, Unknown):
            return run
        return replace(run, dataset=replace(run.dataset, size=size, how="as the trainer printed in this notebook"))

    def sized_all(sweep: Sweep) -> Sweep:
        return replace(sweep, runs=tuple(map(sized, sweep.runs)))

    return replace(reading, runs=tuple(map(sized, reading.runs)), sweeps=tuple(map(sized_all, reading.sweeps)))


def _origin(value: Val) -> str:
    """Why nothing is known about the data that a trainer gets."""
    if isinstance(value, Opaque):
        return value.why
    return f"`{value.callee}(…)` creates the data" if isinstance(value, Object) else "the program creates the data"


_OTHER_ARGUMENTS = ("setfit.",)
"""Packages whose TrainingArguments are no subclass of transformers' (SetFit 1.2.0, training_args.py)."""
_ACCEPTED = {
    "optimizer": convert.is_text,
    "learning_rate": is_number,
    "epochs": is_number,
    "max_steps": convert.is_whole,
    "batch_size": convert.is_whole,
    "accumulation": convert.is_whole,
}
_TRAINING = {field: (keyword, _ACCEPTED[field]) for field, keyword in TRAINER_KEYS.items()} | {
    "checkpointing": ("gradient_checkpointing", convert.is_flag),
    "half": ("fp16", convert.is_flag),
}


def _training(trainings: list[TrainingRecord], here: Span) -> Training:
    if not trainings:
        return Training()
    last = trainings[-1]
    arguments = last.arguments if last.arguments is not None and _of_transformers(last.arguments) else None
    methods = {training.method for training in trainings}
    method = last.method if len(methods) == 1 else "unknown"
    result = Training(last.trainer, method, span=last.span, by_hand=last.by_hand, whole=last.whole)
    if last.alone:
        result = replace(result, bare_reference=Known(True, last.span))
    values: dict[str, Any] = {}
    defaults = signatures.defaults(arguments.callee) if arguments is not None else {}
    for field, (keyword, accept) in _TRAINING.items():
        given: Val | None = last.values.get(field)
        default: Value[Any] = ABSENT
        if arguments is not None and given is None:
            given = arguments.attributes.get(keyword) or arguments.arguments.keywords.get(keyword)
            if arguments.arguments.open:
                default = Unknown("the command line gives it")
            elif keyword in defaults:
                default = Known(defaults[keyword], None, "framework-default")
        values[field] = to_value(given, here, default, accept)
    reentrant = arguments is not None and _is_reentrant(argument_of(arguments, "gradient_checkpointing_kwargs"))
    unknown = _unknown_arguments(arguments, here.path)
    return replace(result, **values, reentrant=reentrant, unknown_keywords=unknown)


def _of_transformers(arguments: Object) -> bool:
    """Whether an object holds arguments as transformers spells them: not those of a library with a class of the same
    name."""
    return not arguments.callee.startswith(_OTHER_ARGUMENTS)


def _is_reentrant(settings: Val | None) -> bool:
    """Whether the gradient-checkpointing settings do not ask for the non-reentrant kind."""
    if settings is None:
        return True
    flag = settings.items.get("use_reentrant") if isinstance(settings, DictVal) else None
    return isinstance(flag, Const) and flag.value is True


def _unknown_arguments(arguments: Object | None, path: str) -> tuple[UnknownKey, ...]:
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
        # The program's own subclass adds attributes.
        if keyword not in names and keyword not in arguments.attributes and span is not None and span.path == path:
            found.append(UnknownKey(keyword, span, owner, (), "raises a TypeError"))
    return tuple(found)
