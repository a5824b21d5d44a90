"""From the records of a followed program to its Runs and Sweeps."""

from __future__ import annotations

from itertools import islice, pairwise, product
from math import prod

from lora_lint.frameworks import registry
from lora_lint.interpreter.values import (
    Arguments,
    Const,
    Either,
    ListVal,
    Object,
    Opaque,
    Space,
    Val,
)
from lora_lint.knowledge.saved_adapters import saved_base
from lora_lint.libraries import convert
from lora_lint.libraries.convert import argument_of, to_value
from lora_lint.libraries.effects import (
    ConfigRecord,
    Fact,
    ModelRecord,
    Records,
    RunRecord,
    TrainingRecord,
)
from lora_lint.libraries.peft import only_looks, rescales, saves_otherwise, thaws
from lora_lint.prefilter import module_name, words
from lora_lint.programs.adapters import adapter_of, settings_of_method
from lora_lint.programs.events import besides, events_of, exclude
from lora_lint.programs.given import of_call, of_loading
from lora_lint.programs.layout import launch_of
from lora_lint.programs.lives import (
    base_of,
    find_adapters,
    folder_of,
    loads_what_was_saved,
    named_beside,
    saved_in,
    texts,
)
from lora_lint.programs.resumed import resumes
from lora_lint.programs.trainings import dataset_of, of_transformers, training_of, trainings_of
from lora_lint.records import replace
from lora_lint.run.cases import within
from lora_lint.run.events import AddBeside, Load, LoadAdapter, LoadBeside, Save, SetWeights, Train, Unwrap
from lora_lint.run.run import Adapter, BaseModel, Reading, Run, Sweep, SweepKind
from lora_lint.run.values import ABSENT, Reason, Unknown, Value, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lora_lint.interpreter.definitions import Condition
    from lora_lint.interpreter.state import Step, StepKind
    from lora_lint.libraries.effects import Happening
    from lora_lint.project import Project
    from lora_lint.run.events import Event
    from lora_lint.run.framework import Framework
    from lora_lint.run.given import Given
    from lora_lint.source import Span

MAX_VARIANTS = 16
CONFIGS = (".yaml", ".yml", ".json")


_BY_STEP: Mapping[StepKind, SweepKind] = {
    "call": SweepKind.CALLS,
    "comprehension": SweepKind.COMPREHENSION,
    "loop": SweepKind.LOOP,
    "once": SweepKind.LOOP,
    "vague": SweepKind.LOOP,
}
"""The constructs that create several runs at one place, by the step at which the paths to them part."""
_SEARCHED = ("r", "lora_alpha", "use_rslora")
_OF_ADAPTER_ALONE = ("adapter.alpha", "adapter.dropout", "adapter.use_rslora")
"""What has nothing to do with the model or the data: where the config is, it is judged."""


def finish(records: Records, path: str) -> Reading:
    """All runs in the order they are written, and the sweeps among them. `path` is the linted file."""
    find_adapters(records)
    if records.patched or rescales(records.text):
        _doubt_all(records)
    pending = list(records.runs)
    givers = ((path, None), *([(records.caller, None)] if records.caller else []), *records.loaded.get(path, ()))
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
        if not records.runs and len(records.configs) == 1:
            from lora_lint.programs.left_out import left_out_of

            base = replace(base, left_out=left_out_of(record.config, records, path))
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
    made = _compared(_sharing(made), sweeps)
    if path.endswith(".ipynb") and any(run.trained is None for _, run in made) and only_looks(records.text):
        made = [(record, _rebuilt(run)) for record, run in made]
        sweeps = [replace(sweep, runs=tuple(map(_rebuilt, sweep.runs))) for sweep in sweeps]
    runs = [run for _, run in made] + list(_reloaded(records, path, made))
    wrapped = {id(record.model) for record in records.runs}
    quantized = [each for each in records.models if each.quantization is not None and id(each) not in wrapped]
    if any(training.bare for model in quantized for training in model.trainings):
        from lora_lint.programs.unadapted import unadapted

        runs += unadapted(quantized, path)
    if saves_otherwise(records.text):
        runs = [replace(run, saves_otherwise=True) for run in runs]
    if thaws(records.text):
        runs = [replace(run, thaws=True) for run in runs]
    if b"arlyStopping" in records.text or b"early_stop" in records.text:
        runs = [replace(run, stops_early=True) for run in runs]
    if b"dequant" in records.text:  # by a function of the program's own that replaces each layer, or `dequantize()`
        runs = list(map(_without_bits, runs))
    given = (of_call(made, name, made.callee, made.span) for name, made in records.checked if made.span is not None)
    here = tuple(each for each in given if each is not None and each.span.path == path)
    return Reading(tuple(_distinct(runs + extra)), tuple(sweeps), given=here)


def _doubt_all(records: Records) -> None:
    """Notes of every model and config that something which is not followed may change it."""
    for model in records.all_models():
        records.note(model, Fact.HANDED)
    for config in records.configs:
        records.note(config.data, Fact.HANDED)


def _without_bits(run: Run) -> Run:
    """A run whose base model may lose its bits after it is loaded."""
    if known(run.model.quantization) is None:
        return run
    return replace(run, model=replace(run.model, quantization=Unknown("the program may dequantize it")))


def _rebuilt(run: Run) -> Run:
    """A run of a notebook that only looks at it; nobody imports a notebook to train what it makes."""
    return replace(run, trained=False) if run.trained is None else run


def _compared(made: list[tuple[RunRecord, Run]], sweeps: list[Sweep]) -> list[tuple[RunRecord, Run]]:
    """The runs, with those marked that are tried at several learning rates."""
    tried = {
        run.adapter.span
        for sweep in sweeps
        for run in sweep.runs
        if len({rate.value for each in sweep.runs for rate in alternatives(each.training.learning_rate)}) > 1
    }
    if not tried:
        return made
    return [(record, replace(run, compares_rates=run.adapter.span in tried)) for record, run in made]


def _sharing(made: list[tuple[RunRecord, Run]]) -> list[tuple[RunRecord, Run]]:
    """The runs, each with the other models that its config is put on."""
    models: dict[int, list[BaseModel]] = {}
    for record, run in made:
        models.setdefault(id(record.config.data), []).append(run.model)
    if len(models) == len(made):  # practically always
        return made
    return [
        (record, replace(run, others=tuple(model for model in models[id(record.config.data)] if model != run.model)))
        for record, run in made
    ]


def _distinct(runs: list[Run]) -> list[Run]:
    """The runs in the order of their places; the first of equal ones, which has no class of the model if a branch
    chooses that."""
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
            first = unique.setdefault(key := repr((run.adapter, run.model.name, run.events)), run)
            if first.model.loader != run.model.loader:
                unique[key] = replace(first, model=replace(first.model, loader=None))
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
            # A call beside a loop says nothing of the loop.
            steps = (_difference(one, other) for (one, _), (other, _) in pairwise(chosen))
            step = next((each for each in steps if each is not None), None)
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
    record: RunRecord,
    config: Object,
    path: str,
    givers: tuple[tuple[str, Span | None], ...],
    started: bool,
    project: Project | None,
) -> Run | None:
    """The run in the file at `path`; None if it belongs to another file. `givers` are the files that set its settings:
    that file, the call of the program, and the configs that it loads, with the calls of other files that load them.
    What loads its config in the same call needs none of this file's."""
    span = next((place for place in (record.span, config.data.span) if place.path == path), None)
    elsewhere: tuple[str, ...] = ()
    if span is None:
        # The adapter is made in an imported file: the run is where this file calls it.
        calls = [step.span for step in (*record.trail, *config.data.trail) if step.kind == "call"]
        span = next((call for call in reversed(calls) if call.path == path), None)
        given = (*config.arguments.keywords.values(), *config.attributes.values(), record.model.name)
        trained = any(training.span.path == path for training in record.model.trainings)
        files = [place for place, call in givers if call is None or call != span]
        if not started and not trained and not any(_written_in(value, place) for value in given for place in files):
            if not _is_brought_together(record, config, path, project):
                return None  # an imported file's own run
            elsewhere = _OF_ADAPTER_ALONE
    if span is None:
        return None
    framework = _framework(record, config.data)
    adapter, problems = adapter_of(config, span)
    model = record.model
    events = events_of(model, record.conditions)
    trainings = trainings_of(model, record.conditions)
    run = Run(
        framework=framework,
        span=span,
        adapter=adapter,
        model=_model(model, span, (*config.data.conditions, *record.conditions)),
        dataset=dataset_of(trainings, span),
        training=training_of(trainings, span, model),
        events=events,
        problems=problems,
        given=_given_config(config, model, trainings, span),
        trained=_is_trained(events),
        method=config.data.kind,
        settings=settings_of_method(config, span),
        own_names=any(part in (known(adapter.target_modules) or ()) for part in framework.parts),
        config=config.data.span,
        changeable=Fact.HANDED in (model.facts | config.data.facts),
        saves=texts(saved_in(model)),
        launch=launch_of(model, trainings[-1].arguments if trainings else None, span, project),
        pins={"trl": trainings[-1].pin} if trainings and trainings[-1].pin is not None else {},
        elsewhere=elsewhere,
    )
    conditions = (*config.data.conditions, *record.conditions)
    return within(run, (*record.case, *(choice for each in conditions for choice in each.case)))


def _is_brought_together(record: RunRecord, config: Object, path: str, project: Project | None) -> bool:
    """Whether a file loads a model in one place and puts the adapter on it in another, by a call at least: none of the
    functions that it calls knows both. So it is if it gives an object that loads the model to what puts the adapter on
    it. With settings that another file leaves to its callers it is no run of this one, which may hand on what is not
    known here."""
    settings = config.arguments.keywords.values()
    if config.arguments.open or any(isinstance(each, Const) and each.origin == "cli-default" for each in settings):
        return False
    load = next((each.event.span for each in record.model.events if isinstance(each.event, Load)), None)
    if load is None:
        return False
    ways = (
        [span for span in (*(step.span for step in trail if step.kind == "call"), end) if span.path == path]
        for trail, end in ((record.model.trail, load), (record.trail, record.span))
    )
    loading, wrapping = ways
    if not loading or not wrapping:
        return False
    return loading != wrapping or _is_given_its_loader(record.span.path, load.path, path, project)


def _is_given_its_loader(wraps: str, loads: str, path: str, project: Project | None) -> bool:
    """Whether the file that puts an adapter on a model does not name the one that loads it, which `path` brings to it
    as an object: `Tuning(adapter=Gemma())`."""
    if project is None or path in (wraps, loads) or wraps == loads:
        return False
    source = project.load(wraps)
    return source is not None and module_name(loads) not in words(source.utf8)


def _given_config(config: Object, model: ModelRecord, trainings: list[TrainingRecord], span: Span) -> tuple[Given, ...]:
    """The settings of the adapter's config, of the call that loads the model, and of the trainer's arguments."""
    data: ConfigRecord = config.data
    kind = f"{data.made_by}.get_peft_model" if data.made_by else data.kind
    found = [of_call(config, data.dialect, kind, span), *of_loading(model, data.dialect, span)]
    arguments = trainings[-1].arguments if trainings else None
    if arguments is not None and of_transformers(arguments):
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
    base, merged and saved, saved as if it were merged, joined by others, or from a folder that this program or a
    neighbouring one saves an adapter in."""
    runs = []
    for model in records.models:
        trained = _has(model, Train)
        merged = _has(model, Unwrap) and (_quantized(model) or _has(model, Save))
        as_merged = any(isinstance(each.event, Save) and each.event.as_merged for each in model.events)
        counts = trained or merged or as_merged or _has(model, AddBeside) or _has(model, LoadBeside)
        wraps = [record for record in records.runs if record.model is model]
        for happening in model.events:
            if not isinstance(happening.event, LoadAdapter) or happening.event.span.path != path:
                continue
            # In addition to a wrap only if the two are branches of one choice.
            if not all(exclude(happening.conditions, record.conditions) for record in wraps):
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
                trainings = trainings_of(model, happening.conditions)
                arguments = trainings[-1].arguments if trainings else None
                launch = launch_of(model, arguments, run.span, records.project)
                on: Value[str] | None = None
                if folder is not None and records.project is not None:
                    on = saved_base(folder, path, records.project)
                if on is None and trainer is not None and run.trained is False:
                    on = base_of(trainer, run.span)
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
        or besides(data.conditions, wraps[0].conditions)
    ):
        return None
    loads = (each for each in model.events if isinstance(each.event, LoadAdapter))
    others = [each for each in loads if exclude(each.conditions, load.conditions)]
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
        adapter = replace(adapter_of(saved, span)[0], init_lora_weights=loaded, inference_mode=ABSENT)
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
    trainings = trainings_of(model, load.conditions)
    return Run(
        registry.framework("peft"),
        span,
        adapter,
        _model(model, span),
        dataset_of(trainings, span),
        training_of(trainings, span, model),
        events_of(model, load.conditions),
        trained=trained,
        changeable=Fact.HANDED in model.facts or bool(load.conditions),  # another branch may load another model
    )


def _model(model: ModelRecord, here: Span, conditions: tuple[Condition, ...] = ()) -> BaseModel:
    name = model.name
    for condition in conditions:
        name = _narrowed(name, condition)
    if isinstance(name, Const) and name.value == "":  # the default of an option that callers have to give
        name = Opaque("each call of the program sets it", name.span, Reason.OPTIONAL)
    return BaseModel(
        name=to_value(name, here, ABSENT, convert.is_text),
        loader=model.loader,
        quantization=to_value(model.quantization, here, ABSENT, convert.is_optional_text),
        dtype=to_value(model.dtype, here, ABSENT, convert.is_optional_text),
        labels=to_value(model.labels, here, ABSENT, convert.is_optional_whole),
        remote_code=model.remote_code,
        edited=Fact.EDITED in model.facts,
        unwrapped=Fact.UNWRAPPED in model.facts,
        loader_adapts=model.loader_adapts,
        own_class=model.own_class,
        revision=to_value(_argument_of(model, "revision"), here, ABSENT, convert.is_optional_text),
        subfolder=to_value(_argument_of(model, "subfolder"), here, ABSENT, convert.is_text),
        by_type=model.by_type,
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
