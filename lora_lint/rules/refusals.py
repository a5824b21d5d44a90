"""LL904, LL905: what the framework's own code rejects, and what it accepts but then ignores."""

from __future__ import annotations

import os
import re

from lora_lint.finding import Add, Drop, Finding, Fix, Related, Write
from lora_lint.frameworks import refusals
from lora_lint.knowledge.versions import named, number
from lora_lint.rules.reached import cases_of
from lora_lint.rules.tied import names_one, tied_to_embedding
from lora_lint.rules.words import listed, names, place, resting
from lora_lint.run.events import LoadAdapter, Wrap
from lora_lint.run.problems import (
    Clash,
    EscapedBlank,
    InvalidValue,
    LostLine,
    OutOfRange,
    Overridden,
    Unadapted,
)
from lora_lint.run.values import ABSENT, Choices, Known, Reason, Unknown, alternatives, always, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from lora_lint.finding import Change
    from lora_lint.frameworks.refusals import Hit, Refusal, Table
    from lora_lint.run.given import Given
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.run.versions import Pin, Version
    from lora_lint.source import Span

    T = TypeVar("T")

_LONGEST = 40
_LABELS_OF_BASE = (4, 55, 0)
"""The first transformers whose Trainer asks the base model of a PeftModel for the names of its labels."""
_OF_TRANSFORMERS = ("Trainer", "Seq2SeqTrainer")
_LONGEST_ANSWER = "max_completion_length"
_STARTS = "fast_inference"
_ENGINES = (("max_seq_length", _STARTS, True), ("vllm_max_model_length", "vllm_mode", "colocate"))
"""What says how many tokens an engine of vLLM holds, and the setting with the value that starts it."""
_TITLES = {"peft": "PEFT", "trl": "TRL", "vllm": "vLLM"}
_TAKES_REFERENCE = (0, 28, 0)
"""The first TRL whose DPOTrainer takes a reference model beside the config of an adapter (trainer/dpo_trainer.py of
0.8.6 to 1.16.0)."""

_REFUSES_REFERENCE = (0, 8, 0)
"""The first TRL that refuses it (0.7.11 and 0.8.1)."""


def refused_combination(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL904"""
    for given in run.given:
        yield from _findings("LL904", given, run)
    reference, pin = run.training.setup.reference, run.before("trl", _TAKES_REFERENCE)
    if reference is not None and pin is not None and run.before("trl", _REFUSES_REFERENCE) is None:
        message = (
            f"TRL before {named(_TAKES_REFERENCE)} ({pin}) refuses `ref_model` beside `peft_config` with a ValueError, "
            "once both models are loaded: the base model without the adapter is the reference. Leave `ref_model` out, "
            "which also saves its memory, or set `force_use_ref_model=True`"
        )
        yield Finding("LL904", message, reference, "likely")
    if ("transformers" in run.pins or run.loads_with is not None) and not run.model.remote_code:
        yield from _types_to_come(run)
    yield from _no_eval_loss(run)
    yield from _without_engine(run)
    if run.model.by_type and not run.model.remote_code:
        yield from _wrong_loader(run)
    for problem in run.problems:
        if isinstance(problem, Clash):
            yield _clash(problem)
        elif isinstance(problem, Unadapted):
            yield _unadapted(problem)
        elif isinstance(problem, OutOfRange):
            yield _out_of_range(problem, run)
    if run.launch.fixed:
        yield from _unlike_deepspeed(run)
    yield from _more_than_visible(run)
    if run.launch.wraps is not ABSENT:
        yield from _other_layers(run)
    if run.training.setup.flaws:
        from lora_lint.rules.handed_over import refused_by_trainer

        yield from refused_by_trainer(run)


def _without_engine(run: Run) -> Iterator[Finding]:
    """A trainer that is to answer with vLLM, and a quantized model whose loader starts no engine of it: older releases
    look for the loader's, newer ones refuse to carry quantized weights into one of the trainer's own.

    unsloth 2025.2.4 to 2026.10.9, models/rl.py (`self.llm = model.vllm_engine`), models/rl_replacements.py
    (_unsloth_vllm_sync_kind).
    """
    engine, wanted, loading = _STARTS, "use_vllm", _loading(run)
    unsure = any(given.open or known(given.values.get(engine, Known(False))) is not False for given in loading)
    if not loading or unsure or known(run.model.quantization) is None:
        return
    for given in run.given:
        value = given.values.get(wanted, ABSENT)
        if known(value) is True and given.owner == "GRPOConfig":
            message = (
                f"`{wanted}=True`, but the model is loaded in {known(run.model.quantization)} without `{engine}=True`: "
                "no engine holds its weights, and GRPOTrainer raises an error as it is made or at the first step. Add "
                f"`{engine}=True` where the model is loaded, or leave `{wanted}` out"
            )
            yield Finding("LL904", message, value.span if isinstance(value, Known) and value.span else given.span)
            return


def _loading(run: Run) -> list[Given]:
    """The settings of a loader that adapts its models itself."""
    return [given for given in run.given if run.model.loader_adapts and given.owner.endswith(".from_pretrained")]


def _no_eval_loss(run: Run) -> Iterator[Finding]:
    """A best checkpoint that Trainer looks for by a metric which it does not measure: the forward method of a PeftModel
    without a task type names no labels (transformers 4.40.2 to 4.54.1, trainer.py; utils/generic.py, find_labels)."""
    best, task, pin = run.training.loads_best, run.adapter.task_type, run.before("transformers", _LABELS_OF_BASE)
    wraps = [event for event in run.events if isinstance(event, Wrap)]
    told = any("label_names" in given.values or given.open for given in run.given if "output_dir" in given.values)
    if (
        pin is None
        or told
        or run.training.setup.own_evaluation
        or not always(best, True)
        or run.training.trainer not in _OF_TRANSFORMERS
    ):
        return
    if not isinstance(task, Known) or task.value is not None or not wraps or any(each.integrated for each in wraps):
        return
    message = (
        f"Trainer before transformers {named(_LABELS_OF_BASE)} ({pin}) measures no loss on a PeftModel without a task "
        "type, whose forward method names no labels: `load_best_model_at_end` raises a KeyError at the first "
        'evaluation. Add `label_names=["labels"]` to the training arguments'
    )
    yield Finding("LL904", message, place(best, otherwise=run.span), "likely")


def _other_layers(run: Run) -> Iterator[Finding]:
    """FSDP is to wrap the layers of another type of model."""
    from lora_lint.knowledge.layouts import other_layer
    from lora_lint.knowledge.models import Clue, identify

    wraps, name = known(run.launch.wraps), run.model.name
    if not isinstance(wraps, tuple) or not isinstance(name, Known) or name.origin == "cli-default":
        return
    model = identify(str(name.value), near=os.path.dirname(run.path) or None, own=run.model.own)
    found = other_layer(model.model_type, wraps) if model is not None and model.how is not Clue.BASENAME else None
    if model is None or found is None:
        return
    message = (
        f"FSDP is to wrap each `{found[0]}`, and {name.value} (`{model.model_type}`) has none: it raises a ValueError "
        f"(could not find the transformer layer class). Name `{found[1]}`"
    )
    where = run.launch.wraps.written if isinstance(run.launch.wraps, Known) else None
    related = (Related(where, "the class is named here"),) if where is not None else ()
    span = place(run.launch.wraps, otherwise=run.training.span or run.span)
    yield Finding("LL904", message, span, "likely", related=related)


def _more_than_visible(run: Run) -> Iterator[Finding]:
    """More processes than GPUs that they see: each takes the one of its own number (torch.cuda.set_device)."""
    processes, visible = run.launch.processes, run.launch.visible
    count, shown = known(processes), known(visible)
    where = visible.written if isinstance(visible, Known) else None
    if count is None or shown is None or count <= shown or where is None:
        return
    message = (
        f"{count} processes are started, and CUDA_VISIBLE_DEVICES shows {shown} "
        f"{'GPU' if shown == 1 else 'GPUs'}: the others stop with an error (invalid device ordinal). "
        "Start one process for each GPU"
    )
    if where.path == run.path:
        yield Finding("LL904", message, where, "likely")
    else:
        span = run.training.span or run.span
        yield Finding("LL904", message, span, "likely", related=(Related(where, "the GPUs are chosen here"),))


def _unlike_deepspeed(run: Run) -> Iterator[Finding]:
    """Settings that a DeepSpeed config states in another way than transformers' arguments, which compare them
    (integrations/deepspeed.py, fill_match)."""
    training = run.training
    own: dict[str, Value[Any]] = {
        "per_device_train_batch_size": training.batch_size,
        "gradient_accumulation_steps": training.accumulation,
        "learning_rate": training.learning_rate,
    }
    written = [each.values for each in run.given]
    for name in ("fp16", "bf16"):
        own[name] = next((values[name] for values in written if name in values), ABSENT)
    unlike = []
    for name, stated in run.launch.fixed if not training.by_hand else ():
        value = own[name]
        mine = value.value if isinstance(value, Known) and value.origin != "cli-default" else None
        if isinstance(mine, int | float) and mine != stated:
            theirs = bool(stated) if name in ("fp16", "bf16") else stated
            unlike.append((value, f"`{name}` is {_figure(mine)} here and {_figure(theirs)} there"))
    if unlike:
        message = (
            f"{listed(text for _, text in unlike)}, in the DeepSpeed config: transformers compares the two and raises "
            'a ValueError before the first step. Write "auto" in the config'
        )
        span = place(*(value for value, _ in unlike), run.launch.sharding, otherwise=run.span)
        yield Finding("LL904", message, span, "likely")


def _figure(value: float) -> str:
    return str(value) if isinstance(value, bool) else f"{value:g}"


def _wrong_loader(run: Run) -> Iterator[Finding]:
    """Models of a type that the class which loads them does not have, whichever release of transformers it is."""
    from lora_lint.knowledge.loaders import others_for
    from lora_lint.knowledge.models import Clue, identify

    found = []
    loader = run.model.loader or ""
    for name in alternatives(run.model.name):
        model = identify(str(name.value), near=os.path.dirname(run.path) or None, own=run.model.own)
        others = others_for(loader, model.model_type) if model is not None else ()
        if model is None or not others or model.learned is not None or model.how is Clue.BASENAME:
            return
        found.append((name, model, others))
    for name, model, others in found[:1]:
        message = (
            f"{loader} does not load {name.value}: its type, `{model.model_type}`, is not one of those that the class "
            f"has in any transformers, so that it raises a ValueError. Load it with {others[0]}"
        )
        yield resting("LL904", message, name, otherwise=run.adapter.span, doubt=model.confidence)


def _unadapted(problem: Unadapted) -> Finding:
    """A quantized model without an adapter."""
    message = (
        f"{problem.trainer} gets a model that is loaded in {problem.bits}, with no adapter on it and no `peft_config`, "
        "and raises a ValueError (You cannot perform fine-tuning on purely quantized models): quantized weights do not "
        "train. Put an adapter on the model with `get_peft_model`, or load it without quantization to train it whole"
    )
    related = (Related(problem.loaded, "loaded here"),) if problem.loaded is not None else ()
    return Finding("LL904", message, problem.span, "likely", "error", related)


def _clash(clash: Clash) -> Finding:
    """Libraries that do not run with each other."""
    need = clash.need
    mine, other = _TITLES.get(need.package, need.package), _TITLES.get(need.other, need.other)
    which = f"{mine} {named(need.since)} and newer need" if need.until is None else ""
    which = which or f"{mine} {named(need.since)} to before {named(need.until or ())} need"
    has = f"has since {named(need.least)}" if need.least is not None else f"lacks since {named(need.below or ())}"
    asked = "; ".join(text for text in (clash.mine, clash.other) if text)
    new = "" if clash.certain else ", and a new install takes the newest that is allowed"
    remedies = []
    if need.least is not None:
        remedies = [f"{need.other}>={named(need.least)}", f"{need.package}<{named(need.since)}"]
    else:
        remedies = [f"{need.other}<{named(need.below or ())}"]
        remedies += [f"{need.package}>={named(need.until)}"] if need.until is not None else []
    message = f"{which} {need.what}, which {other} {has} ({asked}{new}): {need.then}. Require {' or '.join(remedies)}"
    if not clash.certain:
        return Finding("LL904", message, clash.span, "likely", "warning")
    return Finding("LL904", message, clash.span)


def _out_of_range(problem: OutOfRange, run: Run) -> Finding:
    """A library in a release that the framework does not take."""
    release = f"{run.framework.title} ({problem.pin})"
    if problem.checked:
        message = (
            f"{release} checks for `{problem.wanted}` as it starts, and {problem.asked}: it stops with an ImportError. "
            "Install a release that both allow, or another one of the framework"
        )
        return Finding("LL904", message, problem.span)
    message = (
        f"{release} requires `{problem.wanted}`, and {problem.asked}: pip refuses the two together, and one after the "
        "other the framework runs with a release that it was not written for. Install one that it asks for"
    )
    return Finding("LL904", message, problem.span, "likely", "warning")


def _older_transformers(run: Run, since: Version, model_type: str) -> Pin | None:
    """What keeps the transformers of a run older than a release, under the user's own program or a framework, which
    may load what a model's own repository brings."""
    pin = run.before("transformers", since)
    if pin is None and run.loads_with is not None and run.loads_with.lacks(since) and model_type not in _ONCE_REMOTE:
        return run.loads_with
    return pin


_ONCE_REMOTE = frozenset(
    "bailing_hybrid dbrx deepseek_v2 deepseek_v3 dots1 ernie4_5 ernie4_5_moe ernie4_5_vl_moe exaone4 falcon glm4 "
    "hunyuan_v1_dense hunyuan_v1_moe jamba kimi_k25 mimo_v2_flash minicpm3 minicpmv4_6 minicpmv4_7 minimax mpt "
    "nemotron_h olmo phi phi3 phi4_multimodal phimoe stablelm".split()
)
"""Types of models whose own repositories had their code before transformers did."""


def _types_to_come(run: Run) -> Iterator[Finding]:
    """Models of a type that the pinned transformers does not know yet."""
    from lora_lint.knowledge.models import Clue, identify
    from lora_lint.knowledge.type_versions import first_release

    for name in alternatives(run.model.name):
        model = identify(str(name.value), near=os.path.dirname(run.path) or None, own=run.model.own)
        since = first_release(model.model_type) if model is not None else None
        pin = _older_transformers(run, since, model.model_type) if since is not None and model is not None else None
        if model is None or since is None or pin is None or model.learned is not None or model.how is Clue.BASENAME:
            continue
        message = (
            f"transformers before {named(since)} ({pin}) does not know `{model.model_type}`, the type of {name.value}, "
            f"so loading it raises a ValueError. Require transformers {named(since)} or newer"
        )
        yield resting("LL904", message, name, otherwise=run.adapter.span, doubt=model.confidence)


def setting_without_effect(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL905"""
    for given in run.given:
        yield from _findings("LL905", given, run)
    for problem in run.problems:
        if isinstance(problem, Overridden):
            message = (
                f"`{problem.key}` is given again, and argparse keeps only the last one: {names(problem.lost)} "
                f"{'has' if len(problem.lost) == 1 else 'have'} no effect. Write all values after one `{problem.key}`"
            )
            related = (Related(problem.by, "this one counts"),)
            yield Finding("LL905", message, problem.span, related=related)
    if run.training.setup.flaws:
        from lora_lint.rules.handed_over import unused_by_trainer

        yield from unused_by_trainer(run)
    yield from _short_engines(run)
    yield from _cut_off([problem for problem in run.problems if isinstance(problem, LostLine)])
    yield from _escaped(problem for problem in run.problems if isinstance(problem, EscapedBlank))


def _short_engines(run: Run) -> Iterator[Finding]:
    """An engine that holds fewer tokens, prompt and answer together, than the trainer lets an answer alone have.

    unsloth 2026.10.9, models/llama.py and unsloth_zoo/vllm_utils.py (`max_model_len = max_seq_length`); TRL 1.16.0,
    generation/vllm_generation.py.
    """
    lengths = [each for each in run.given if _LONGEST_ANSWER in each.values]
    for engine in run.given:
        held = next((name for name, when, wanted in _ENGINES if known(engine.values.get(when, ABSENT)) == wanted), "")
        most = known(engine.values.get(held, ABSENT))
        for given in lengths:
            value = given.values[_LONGEST_ANSWER]
            longest = known(value) if known(given.values.get("use_vllm", ABSENT)) is True else None
            if not isinstance(most, int) or not isinstance(longest, int) or not 0 < most < longest:
                continue
            message = (
                f"`{_LONGEST_ANSWER}={longest}` has no effect: the engine is made for `{held}={most}` tokens, of the "
                "prompt and the answer together, so that it cuts answers off before, and refuses prompts that are as "
                f"long. Set `{held}` to the sum of the longest prompt and `{_LONGEST_ANSWER}`"
            )
            span = next((each.span for each in alternatives(value) if each.span is not None), given.span)
            yield Finding("LL905", message, span, related=_related(engine.values[held], "the engine's length"))
            return


def _related(value: Value[Any], says: str) -> tuple[Related, ...]:
    span = value.span if isinstance(value, Known) else None
    return (Related(span, says),) if span is not None else ()


def _cut_off(lines: Sequence[LostLine]) -> Iterator[Finding]:
    """One finding for all lines that one command was meant to continue on."""
    if not lines:
        return
    first, *others = lines
    more = sum(line.more + 1 for line in lines) - 1
    lost = f"this and {more} more never reach" if more else "this never reaches"
    message = (
        f"The line above does not continue the command, so that the shell runs `{first.key}` as one of its own: {lost} "
        "it. End every line but the last with the sign that continues it (in bash a backslash), with nothing after it, "
        "and put no comment between"
    )
    related = tuple(Related(line.span, f"`{line.key}` is cut off too") for line in others)
    yield Finding("LL905", message, first.span, related=related)


def _escaped(blanks: Iterable[EscapedBlank]) -> Iterator[Finding]:
    """The first backslash of a command that continues no line."""
    for blank in blanks:
        message = (
            "The backslash continues no line here, so that the program is given the blank behind it as an argument of "
            "its own, which parsers of options refuse. Remove it, or break the line behind it"
        )
        yield Finding("LL905", message, blank.span)


def refused_settings(given: Given, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL904 for settings that train no LoRA."""
    return _findings("LL904", given)


def ignored_settings(given: Given, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL905 for settings that train no LoRA."""
    return _findings("LL905", given)


def _findings(code: str, given: Given, run: Run | None = None) -> Iterator[Finding]:
    """The rows of a framework that apply to its settings; the first of several that point at one place."""
    table = refusals.table(given.framework)
    if table is None:
        return

    def fact(name: str) -> Value[Any]:
        return _FACTS[name](run) if run is not None else ABSENT

    def holds(row: Refusal) -> bool:
        return row.ignored == (code == "LL905") and _in_version(row, given)

    places: set[Span] = set()
    found: dict[str | Span, list[Hit]] = {}
    wrong = {each.span for each in run.problems if isinstance(each, InvalidValue)} if run is not None else set()
    for match in refusals.matches(given, fact, holds):
        span = _span(given.values.get(match.row.key, ABSENT), given)
        rests = {_span(given.values[name], given) for name in match.row.settings if name in given.values}
        if span not in places and wrong.isdisjoint(rests):  # LL902 speaks of a value that is wrong by itself
            places.add(span)
            found.setdefault(match.row.cause or span, []).append(match)
    for matches in found.values():
        yield _finding(code, matches, given, table)


def _sharding(run: Run) -> Value[str]:
    """The name of the run's sharding."""
    value = run.launch.sharding
    return Known(value.value.name, value.span, value.origin) if isinstance(value, Known) else ABSENT


def _adapted_kinds(run: Run) -> Value[tuple[str, ...]]:
    """The kinds of the modules that the targets name, where nothing that may leave some out is unknown."""
    adapter, (_, cases) = run.adapter, cases_of(run)
    filters = (adapter.exclude_modules, adapter.layers_to_transform, adapter.layers_pattern)
    if not all(each is ABSENT or isinstance(each, Known) for each in filters):
        return ABSENT
    named = ([module.kind for module in case.match.modules if module.parameter is None] for case in cases)
    return _either([tuple(sorted(set(kinds))) for kinds in named])


def _copies(run: Run) -> Value[int]:
    """How many processes train a copy of a PeftModel each."""
    wrapped = any(isinstance(event, Wrap | LoadAdapter) and not event.integrated for event in run.events)
    plain = run.framework.direct and run.launch.sharding is ABSENT and not run.training.by_hand
    return run.launch.processes if wrapped and plain else Known(1)


def _peft_errors(run: Run) -> Value[tuple[str, ...]]:
    """The kinds of errors that PEFT raises for the targets of a LoRA."""
    _, cases = cases_of(run)
    if any(case.partial for case in cases):
        return ABSENT
    return _either([tuple(sorted({error.kind for error in case.match.errors})) for case in cases])


def _processes(run: Run) -> Value[int]:
    """How many processes train: as a script starts them, one in a notebook. Unknown where another library replaces
    the trainer, which may change what it gets."""
    if not _by_its_trainer(run):
        return ABSENT
    alone = run.path.endswith(".ipynb") and run.launch.processes is ABSENT
    return Known(1) if alone else run.launch.processes


def _unlaunched(run: Run) -> Value[bool]:
    """Whether a program trains with the trainer that it names, and nothing says how many processes do."""
    return Known(_by_its_trainer(run) and _processes(run) is ABSENT)


def _by_its_trainer(run: Run) -> bool:
    """Whether the trainer is the one that the program names, which another library may replace."""
    return not (run.training.setup.replaced or run.model.loader_adapts or run.training.by_hand)


def _replicable(run: Run) -> Value[bool]:
    """Whether PEFT finds the model's layers to replicate them (tuners/tuners_utils.py, replicate_layers)."""
    _, cases = cases_of(run)
    return _either([any(re.match(_REPLICATED, module.path) for module in case.modules) for case in cases])


def _saves_twin(run: Run) -> Value[bool]:
    """Whether tokens are trained while a layer that shares the input embedding's weight is saved as a whole."""
    tokens, saved = run.adapter.trainable_token_indices, known(run.adapter.modules_to_save)
    computed = isinstance(tokens, Unknown) and tokens.reason is Reason.NOT_FOLLOWED  # by a tokenizer
    if not saved or not (known(tokens) or computed):
        return ABSENT
    ends = [tied_to_embedding(case) for case in cases_of(run)[1]]
    return _either([_any_names(saved, twins) and not _any_names(saved, (own,)) for own, twins in ends])


def _any_names(entries: Iterable[str], paths: Sequence[str]) -> bool:
    return any(names_one(entry, paths) for entry in entries)


def _either(options: list[T]) -> Value[T]:
    """One of several values that are known; absent where there is none."""
    distinct = [Known(each) for each in dict.fromkeys(options)]
    return Choices(tuple(distinct)) if len(distinct) > 1 else distinct[0] if distinct else ABSENT


_REPLICATED = r"(?:model\.)*(?:bert\.)?(?:layers|encoder\.layer|h)\.\d"
_FACTS: Mapping[str, Callable[[Run], Value[Any]]] = {
    "bits": lambda run: run.model.quantization,
    "base_model_name": lambda run: run.model.name,
    "base_is_adapter": lambda run: Known(run.base_saved_by is not None),
    "model_type": lambda run: _either([case.model.model_type for case in cases_of(run)[1]]),
    "sharding": _sharding,
    "gpus_per_process": lambda run: run.launch.gpus_per_process,
    "engine": lambda run: next((each.values.get(_STARTS, ABSENT) for each in _loading(run)), ABSENT),
    "adapted_kinds": _adapted_kinds,
    "copies": _copies,
    "peft_errors": _peft_errors,
    "processes": _processes,
    "replicable": _replicable,
    "saves_twin": _saves_twin,
    "trained": lambda run: Known(run.trained is True and not run.training.by_hand),
    "unlaunched": _unlaunched,
    "unprepared": lambda run: Known(any(isinstance(event, Wrap) and event.unprepared for event in run.events)),
}
"""The facts that conditions may name (`refusals.FACTS`)."""


def _finding(code: str, matches: list[Hit], given: Given, table: Table) -> Finding:
    """What rows of one cause say: at the first one's setting, with those of the others, and what they collide with, as
    related places."""
    row, title = matches[0].row, _title(table, given.pin)
    what = "ignores" if row.ignored else "refuses"
    when = ", once the model is loaded" if row.late else ""
    keys = [match.row.key for match in matches]
    values = [given.values.get(key, ABSENT) for key in keys]
    setting = (
        f"{listed(_as_set(key, value) for key, value in zip(keys, values, strict=True))} here"
        if row.key in given.values
        else f"{given.owner or 'this'} without `{row.key}`"
    )
    source = f"{row.source} of {table.version}" if table.version not in title else row.source
    message = f"{title} {what} {setting}{when}: {row.says} ({source}). {row.instead}"
    span = _span(values[0], given)
    others = dict.fromkeys((*keys[1:], *(other for match in matches for other in match.row.others)))
    related = tuple(
        Related(place, f"`{name}` is set here")
        for name in others
        if name in given.values and (place := _span(given.values[name], given)) != span
    )
    known = tuple(known for value in values for known in alternatives(value))
    return Finding(code, message, span, matches[0].confidence, None, related, _fix(matches, given), subjects=known)


def _fix(matches: list[Hit], given: Given) -> Fix | None:
    """The only remedy, if there is one: other values, or to leave the settings out, as the framework itself does with
    those that have no effect."""
    if given.beside is not None or any(match.confidence != "certain" for match in matches):
        return None
    rows = [match.row for match in matches]
    values = [(key, value) for row in rows for key, value in row.sets]
    if values:
        changes = tuple(change for key, value in values if (change := _setting(key, value, given)) is not None)
        named = listed(f"`{_as_set(key, Known(value))[1:-1]}`" for key, value in values)
        return Fix("unsafe", f"Set {named}", changes) if len(changes) == len(values) == len(rows) else None
    spans = [span for row in rows if (span := _span_of(given.values.get(row.key))) is not None]
    if len(spans) < len(rows) or not all(row.drop or row.ignored for row in rows):
        return None
    keys = [row.key.rpartition(".")[2] for row in rows]
    drops = tuple(Drop(span, key) for span, key in zip(spans, keys, strict=True))
    if rows[0].ignored:
        return Fix("safe", f"Remove {names(keys)}, which {'has' if len(keys) == 1 else 'have'} no effect", drops)
    return Fix("unsafe", f"Remove {names(keys)}", drops)


def _setting(key: str, value: Any, given: Given) -> Change | None:
    """Sets a key where it is written, else next to another one of its section, or in the call; None where that is not
    known."""
    span = _span_of(given.values.get(key))
    if span is not None:
        return Write(span, value)
    section, _, name = key.rpartition(".")
    if given.owner:
        return Add(given.span, name, value)
    beside = (value for other, value in given.values.items() if other.rpartition(".")[0] == section)
    place = next((span for each in beside if (span := _span_of(each)) is not None), None)
    return Add(place, name, value) if place is not None else None


def _span_of(value: Value[Any] | None) -> Span | None:
    """Where a known value is written."""
    return value.span if isinstance(value, Known) else None


def _in_version(row: Refusal, given: Given) -> bool:
    """Whether the version in use has a row: the newest, unless the project pins an older one."""
    pin = given.pin
    if pin is None:
        return not row.until
    since = refusals.since(given.framework, row)
    if since is None or (since and pin.lacks(number(since))):
        return False
    return not row.until or pin.lacks(number(row.until))


def _title(table: Table, pin: Pin | None) -> str:
    """The framework with its version."""
    if pin is None:
        return f"{table.title} {table.version}"
    exact = re.fullmatch(r"(?:[^\s=<>!~]+(?:\s*==\s*|\s+))?v?(\d[\d.]*)", pin.text)  # a lock has a space
    return f"{table.title} {exact[1] if exact is not None else f'before {named(pin.below)}'} ({pin})"


def _as_set(key: str, value: Value[Any]) -> str:
    """`key=value`; the key alone where its value is long, or not one."""
    plain = isinstance(value, Known) and isinstance(value.value, bool | int | float | str)
    text = f"{key}={value.value!r}" if isinstance(value, Known) and plain else key
    return f"`{text if len(text) <= _LONGEST else key}`"


def _span(value: Value[Any], given: Given) -> Span:
    """Where a setting is written."""
    return place(value, otherwise=getattr(value, "span", None) or given.span)
