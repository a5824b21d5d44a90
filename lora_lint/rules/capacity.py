"""LL3xx: the rank compared with the data, the sizes of layers, the task, and the memory of the GPU."""

from __future__ import annotations

from math import sqrt

from lora_lint.finding import Finding, Fix, Related
from lora_lint.knowledge.modules import LINEAR_KINDS
from lora_lint.records import replace
from lora_lint.rules.changes import all_of, in_four_digits, put, put_alpha, settable, settled
from lora_lint.rules.scale import spelling
from lora_lint.rules.words import every_case, in_epochs, least, listed, number, place, plural, resting, setting, surety
from lora_lint.run.values import ABSENT, Unknown, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.finding import Confidence, Level
    from lora_lint.knowledge.matching import Matched
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import BaseModel, Run

_GIB = 2**30
STATE = 16
"""Bytes of a trainable parameter in fp32 with its gradient and Adam's moments."""
_WEIGHT: dict[str | None, float] = {"4bit": 0.5, "8bit": 1.0}
_FULL = ("float32", "fp32", "torch.float32")
_HALF = 2.0
_FAR = 4
"""How many times the bound a rank is from which LL301 may warn."""
_OFTEN = 3
"""How often the data is seen then."""
_FEW = 500
"""The examples up to which LL301 warns of such a rank, however often they are seen after the first time."""
_FILES = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".txt", ".arrow")
"""The ends of the names of files with examples."""


def does_not_fit(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL304"""
    from lora_lint.knowledge.resolve import resolve

    bits_are_open = isinstance(run.model.quantization, Unknown) and run.model.quantization is not ABSENT
    if run.gpu_memory is None or run.trained is False or bits_are_open:
        return
    resolved = resolve(run)
    total, counts = resolved.total, {case.parameters for case in resolved.cases}
    if total is None or len(counts) != 1 or None in counts:
        return
    (trainable,) = counts
    assert trainable is not None
    size = bytes_of_a_weight(run.model)
    weights, state = size * total / _GIB, STATE * trainable / _GIB
    if weights + state <= run.gpu_memory:
        return
    message = (
        f"This needs {weights + state:.1f} GiB before any activation, and the `gpu-memory` setting is "
        f"{number(run.gpu_memory)} GiB: {weights:.1f} for {total:,} weights at {number(size)} bytes, {state:.1f} for "
        f"{trainable:,} trainable parameters with gradients and Adam's moments ({STATE} bytes each). "
        + ("Load the model in 4 bits, use a smaller one" if size > _WEIGHT["4bit"] else "Use a smaller model")
        + ", or spread it over more GPUs"
    )
    about = run.model.name, run.adapter.rank
    yield resting("LL304", message, *about, otherwise=run.span, doubt="likely", figure=weights + state)


def bytes_of_a_weight(model: BaseModel) -> float:
    """Bytes per weight of the base model, the minimum for the settings: half precision if the dtype is not given."""
    bits = [each.value for each in alternatives(model.quantization)]
    numbers = [each.value for each in alternatives(model.dtype)]
    if all(each is None for each in bits) and numbers and all(str(each) in _FULL for each in numbers):
        return 4.0
    return min((_WEIGHT.get(each, _HALF) for each in bits), default=_HALF)


def bound_of(size: int, options: Mapping[str, Any]) -> tuple[int, str]:
    """The highest rank for a number of training examples, and that range in words."""
    for limit, rank in sorted(options["bounds"]):
        if size < limit:
            return int(rank), f"under {limit:,} examples"
    top = max((limit for limit, _ in options["bounds"]), default=0)
    return int(options["max-rank"]), f"for {top:,} examples and more" if top else "for any data set"


def rank_too_high_for_data(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL301"""
    training, adapter = run.training, run.adapter
    if run.trained is False or run.is_smoke_test() or training.method in ("preference", "rl"):
        return
    if run.framework.reader_unknown and surety(run.dataset.size) != "certain":
        return  # a file names data, of which its program may take others
    cases = [case for case in every_case(adapter.rank, run.dataset.size) if case[1] > 0]
    if not cases or not all(rank > bound_of(size, options)[0] for rank, size in cases):
        return
    # The mildest case stands for all.
    rank, size = min(cases, key=lambda case: (case[0] / bound_of(case[1], options)[0], case[0], -case[1]))
    bound, span_of_data = bound_of(size, options)
    epochs, steps = known(training.epochs), known(training.max_steps)
    turns = ""
    if steps is not None and steps > 0:
        turns = f" for {plural(steps, 'step')}"
    elif epochs is not None and epochs > 0:
        turns = f" for {in_epochs(epochs)}"
    key = adapter.key("rank")
    how = f" ({run.dataset.how})" if run.dataset.how else ""
    message = (
        f"{setting(key, rank)} trains {_parameters(run)} on {plural(size, 'example')}{how}{turns}; the rule of thumb "
        f"is {key} <= {bound} {span_of_data}. Over-training does more harm than rank: watch the eval loss, train fewer "
        f"epochs, or try {setting(key, bound)}"
    )
    span = place(adapter.rank, otherwise=adapter.span)
    data = place(run.dataset.size, run.dataset.name, otherwise=span)
    related = (Related(data, f"{plural(size, 'training example')}{how}"),) if data != span else ()
    doubt: Confidence = least(surety(run.dataset.name), "likely" if training.method == "unknown" else "certain")
    if _is_counted_in_a_file(run):
        doubt = least(doubt, "likely")
    if _stands_in(run):
        doubt = "possible"
    passes = _passes(run, size)
    far = rank >= _FAR * bound and (passes is None or passes > 1)
    often = size <= _FEW or (passes is not None and passes >= _OFTEN)
    level: Level = "warning" if far and often and not run.stops_early else "advice"
    fix = _other_rank(run, rank, bound)
    yield resting(
        *("LL301", message, adapter.rank, run.dataset.size),
        otherwise=adapter.span,
        doubt=doubt,
        level=level,
        related=related,
        fix=fix,
        figure=bound,
    )


def _other_rank(run: Run, rank: int, wanted: int) -> Fix:
    """A different rank at the same scale: alpha follows it, as alpha/r or, under rsLoRA, as alpha/sqrt(r). An alpha
    pattern stays unchanged if the layers that it names have their own rank; otherwise there is no change."""
    adapter = run.adapter
    message = f"Set {adapter.key('rank')} to {wanted}"
    if alternatives(adapter.scale):  # which is set itself
        return Fix("unsafe", message, put(adapter, "rank", wanted))
    alpha, rslora = known(adapter.alpha), known(adapter.use_rslora)
    ranks, alphas = known(adapter.rank_pattern), known(adapter.alpha_pattern)
    if not settled(run) or rslora is None or alpha is None or ranks is None or alphas is None:
        return Fix("unsafe", message)
    if ranks.keys() != alphas.keys():
        return Fix("unsafe", message)  # a layer's own rank is over the alpha of all, or its own alpha over their rank
    same = alpha * (sqrt(wanted / rank) if rslora else wanted / rank)
    changes = all_of(put(adapter, "rank", wanted), put_alpha(run, same))
    message += f" and {adapter.key('alpha')} to {spelling(in_four_digits(same))}" if changes else ""
    return Fix("unsafe", message, changes)


def _is_counted_in_a_file(run: Run) -> bool:
    """Whether the data is in a file, of which whoever trains may have another version, or made in another program."""
    named = (str(each.value) for each in alternatives(run.dataset.name))
    elsewhere = any(
        each.written is not None and each.written.path != run.path for each in alternatives(run.dataset.size)
    )
    return elsewhere or any(name.endswith(_FILES) for name in named)


def _stands_in(run: Run) -> bool:
    """Whether recipes use the data set only as a placeholder to try out."""
    from lora_lint.knowledge.datasets import is_stand_in

    names = [str(name.value) for name in alternatives(run.dataset.name)]
    return bool(names) and all(map(is_stand_in, names))


def _passes(run: Run, size: int) -> float | None:
    """How often each example is seen; None if unknown. An example that is seen once cannot be memorised at any rank."""
    training = run.training
    epochs, steps = known(training.epochs), known(training.max_steps)
    batch, accumulation = known(training.batch_size), known(training.accumulation)
    if steps is not None and steps > 0:
        return None if batch is None or accumulation is None else steps * batch * accumulation / size
    return epochs if epochs is not None and epochs > 0 else None


def _parameters(run: Run) -> str:
    """How many parameters are trained, as far as that is known."""
    if not any(each.value > 0 for each in alternatives(run.adapter.rank)):
        return "an adapter"
    from lora_lint.knowledge.resolve import resolve

    counts = {case.parameters for case in resolve(run).cases}
    count = counts.pop() if len(counts) == 1 else None
    return f"{count:,} parameters" if count else "an adapter of that rank"


def rank_exceeds_dimension(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL302"""
    if not any(each.value > 0 for each in alternatives(run.adapter.rank)):
        return
    from lora_lint.rules.reached import model_label, model_place, resolved_of, sureness

    resolved = resolved_of(run)
    cases, adapter = resolved.cases, run.adapter
    if not cases or resolved.remote or any(case.partial for case in cases):
        return
    flat = [_beyond(case) for case in cases]
    if not all(flat) or not all(case.exact for case in cases):
        return
    if any(_wasted(case, found) < options["min-share"] for case, found in zip(cases, flat, strict=True)):
        return
    case, found = cases[0], flat[0]
    key, side = adapter.key("rank"), min(min(each.inputs, each.outputs) for each in found)
    sizes: dict[str, tuple[int, int]] = {each.path.rpartition(".")[2]: (each.inputs, each.outputs) for each in found}
    shown = [f"`{name}` ({i}→{o})" for name, (i, o) in sizes.items()]
    ranks = sorted({each.rank for each in found if each.rank is not None})
    smaller = {name: min(pair) for name, pair in sizes.items()}
    pattern = f": `{adapter.key('rank_pattern')}={smaller}`" if settable(run, "rank_pattern") else ""
    lower = f"Lower `{key}` to {side}, or give" if 4 * side >= ranks[-1] else "Give"
    message = (
        f"`{key}={', '.join(map(str, ranks))}` is more than {listed(shown)} of {model_label(case.name, case.model)} "
        "can use: a product of two matrices cannot exceed the rank of its smaller dimension, so "
        f"{_wasted(case, found):.0%} of the adapter's parameters add nothing but memory. {lower} these layers their "
        f"own rank{pattern}"
    )
    fixable = len(ranks) == 1 and ranks[0] == known(adapter.rank) and 4 * side >= ranks[0]
    fix = _other_rank(run, ranks[0], side) if fixable else None
    yield resting(
        *("LL302", message, adapter.rank, run.model.name),
        otherwise=adapter.span,
        doubt=sureness(run, resolved),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _beyond(case: Case) -> list[Matched]:
    """The adapted layers whose rank exceeds their smaller dimension."""
    return [
        each
        for each in case.match.modules
        if each.rank is not None
        and (each.inputs < each.rank or each.outputs < each.rank)
        and min(each.inputs, each.outputs) > 0
        and each.parameter is None
        and each.kind in (*LINEAR_KINDS, "Embedding")
    ]


def _wasted(case: Case, found: list[Matched]) -> float:
    """The share of the adapter that exceeds the smaller dimension of its layer."""
    total = sum(each.trainable or 0 for each in case.match.modules)
    surplus = sum(
        (each.rank - min(each.inputs, each.outputs)) * (each.inputs + each.outputs) for each in found if each.rank
    )
    return surplus / total if total else 0.0


def rank_too_low_for_task(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL303"""
    lowest = options["min-rank"].get(run.task)
    ranks = [each.value for each in alternatives(run.adapter.rank)]
    if lowest is None or not ranks or run.trained is False or not all(0 < rank < lowest for rank in ranks):
        return
    if run.training.method in ("preference", "rl"):
        return
    size = known(run.dataset.size)
    bound = bound_of(size, options)[0] if size is not None and size > 0 else lowest
    wanted = min(lowest, bound)
    rank, key = max(ranks), run.adapter.key("rank")
    if rank >= wanted:
        return  # the data does not support more
    message = (
        f"{setting(key, rank)} is low for the task {run.task}: the rule of thumb starts at {lowest}, because a low "
        f"rank limits how much the adapter can learn. Try {setting(key, wanted)}; the eval loss shows whether it was "
        "needed"
    )
    fix = _other_rank(run, rank, wanted)
    fix = replace(fix, message=f"{fix.message}; LL102 may then suggest rsLoRA", announces=("LL102",))
    yield resting("LL303", message, run.adapter.rank, otherwise=run.adapter.span, fix=fix, figure=wanted)
