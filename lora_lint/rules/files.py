"""LL9xx: keys and values that the framework does not accept."""

from __future__ import annotations

import re

from lora_lint.finding import Finding, Rename, Unfold, Write
from lora_lint.knowledge import versions
from lora_lint.knowledge.patterns import SECONDS, TOTAL, TooSlow, compiled, is_quick, pattern_key
from lora_lint.knowledge.peft_facts import bias_words, is_bias, is_start, starts
from lora_lint.rules.adapter_names import unfit_names
from lora_lint.rules.changes import giving_effect
from lora_lint.rules.reached import resolved_of
from lora_lint.rules.words import names, resting, some_case, surety
from lora_lint.run.problems import Dropped, InvalidValue, NoResult, Number, OneOf, UnknownKey
from lora_lint.run.values import alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from lora_lint.finding import Confidence, Fix
    from lora_lint.run.run import Run
    from lora_lint.run.values import Known, Value
    from lora_lint.source import Span

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_MATCHED = (
    "target_modules",
    "exclude_modules",
    "modules_to_save",
    "layers_pattern",
    "rank_pattern",
    "alpha_pattern",
)
"""Settings that PEFT matches with module names."""


def unknown_config_key(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL901"""
    for problem in run.problems:
        if isinstance(problem, UnknownKey):
            message = f"`{problem.key}` is not known to {problem.owner}, so it {problem.consequence}"
            if problem.suggestions:
                message += f"; did you mean {names(problem.suggestions, 'or')}?"
            else:
                message += f". {problem.instead}"
            yield Finding("LL901", message, problem.span, fix=_fix_of(problem))
        elif isinstance(problem, Dropped):
            yield _dropped(problem)


def _fix_of(problem: UnknownKey) -> Fix | None:
    """The key that was meant; none if nothing is close, and nothing to do by itself if several are."""
    if not problem.suggestions:
        return None
    name = problem.suggestions[0]
    changes = (Rename(problem.span, name),) if len(problem.suggestions) == 1 else ()
    return giving_effect("unsafe", f"Write {name}", *changes)


def _dropped(problem: Dropped) -> Finding:
    """LL901 of what newer releases no longer have, where nothing keeps the older ones."""
    first = problem.first
    since = versions.named(first.until or ())
    release = since if first.owner.partition(".")[0] == first.package else f"{problem.title} {since}"
    message = (
        f"`{first.key}` is gone from {first.owner} since {release}, and nothing here asks for an older release, so "
        "the program stops with a new install"
    )
    if problem.others:
        message += f" ({names(problem.others)} {'is' if len(problem.others) == 1 else 'are'} gone too)"
    remedy = f"Write {names(first.suggestions, 'or')}" if first.suggestions else first.instead
    message += f". {remedy}, or require {first.package}<{since}"
    return Finding("LL901", message, first.span, fix=_fix_of(first), level="advice")


def invalid_value(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL902"""
    told = set()
    for problem in run.problems:
        if isinstance(problem, InvalidValue):
            told.add(problem.span)
            message = f"`{problem.key}={_in_short(problem.value)}`: {problem.owner} expects {problem.expected}"
            fix = _correction(problem.span, problem.value, problem.takes)
            yield Finding("LL902", message, problem.span, fix=fix)
    adapter = run.adapter
    biases = bias_words(run.method)
    for field, expected, takes, wrong in (
        ("rank", "a whole number of at least 1", Number(whole=True, least=1), _not_a_rank),
        ("alpha", "a number", Number(), _not_a_number),
        ("dropout", "a number from 0 to below 1", Number(), _not_a_share),
        ("bias", f"one of {names(biases, 'or')}", OneOf(biases), lambda value: not is_bias(run.method, value)),
        ("target_modules", "a list of names or a valid regular expression", None, _not_a_regex),
    ):
        value: Value[Any] = getattr(adapter, field)
        for given, confidence in _wrong(value, wrong):
            span = given.span or adapter.span
            if span not in told:
                told.add(span)
                message = f"`{adapter.key(field)}={_in_short(given.value)}`: LoRA expects {expected}"
                fix = _correction(given.span, given.value, takes) if confidence == "certain" else None
                yield resting("LL902", message, given, otherwise=span, doubt=confidence, fix=fix)
    yield from _no_targets(run)
    yield from _lists_of_texts(run)
    yield from _texts_of_messages(run)
    yield from _no_start(run)
    yield from _endless_match(run)
    yield from unfit_names(run)


def _no_start(run: Run) -> Iterator[Finding]:
    """A text for `init_lora_weights` that PEFT does not know."""
    adapter = run.adapter
    old = run.before("peft", versions.UNKNOWN_INITIALISATION_RAISES) is not None
    if run.method != "LoraConfig" or not run.framework.direct or old or "peft" in run.newer:
        return
    for value, confidence in _wrong(adapter.init_lora_weights, lambda given: not is_start(given)):
        key = adapter.key("init_lora_weights")
        from difflib import get_close_matches  # which few runs need

        close = get_close_matches(str(value.value).lower(), starts(), n=1)
        meant = f"; did you mean `{close[0]}`?" if close else f". It knows {names(starts())}"
        shown = f"{key}={_in_short(value.value)}"
        message = f"`{shown}` is no initialisation: PEFT raises a ValueError once the model is loaded{meant}"
        changes = (Write(value.span, close[0]),) if close and value.span is not None else ()
        fix = giving_effect("unsafe", f"Write {close[0]}", *changes) if changes else None
        yield resting("LL902", message, value, otherwise=adapter.span, doubt=confidence, fix=fix)


def _lists_of_texts(run: Run) -> Iterator[Finding]:
    """A function for batches, where TRL formats row by row (0.21.0 to 1.16.0, trainer/sft_trainer.py)."""
    formatter = run.training.setup.formatter
    if formatter is None or run.training.setup.replaced or run.model.loader_adapts:
        return
    if run.kept_before("trl", formatter.since) is not None or "trl" in run.newer:
        return
    message = (
        f"`formatting_func={formatter.name}` returns a list, and SFTTrainer expects the text of one row: since TRL "
        f"{versions.named(formatter.since)} it no longer passes batches, and raises an AttributeError when it "
        "prepares the data. Return one text, made from `example` as one row"
    )
    yield Finding("LL902", message, formatter.span, "likely")


def _texts_of_messages(run: Run) -> Iterator[Finding]:
    """Rewards for texts, where prompts are lists of messages (TRL 0.14.0 to 1.16.0, trainer/grpo_trainer.py)."""
    by_place: dict[Span, list[str]] = {}
    for each in run.training.setup.text_rewards:
        by_place.setdefault(each.span, []).append(each.name)
    for span, functions in by_place.items():
        plural = len(functions) > 1
        message = (
            f"{names(functions)} {'take' if plural else 'takes'} each completion for a text, but the prompts are lists "
            f"of messages, and {run.training.trainer} then passes completions as lists of messages too: the first "
            'batch raises an error. Read the text as `completion[0]["content"]`'
        )
        yield Finding("LL902", message, span, "likely")


def _no_targets(run: Run) -> Iterator[Finding]:
    """An empty list of targets when nothing else is adapted: `modules_to_save` and tokens do not count (PEFT 0.21.2,
    tuners/tuners_utils.py, inject_adapter). Programs write one for "find them yourself" in settings of their own, and
    return one where they find none or are given none, so only one in the call or the section itself counts."""
    adapter = run.adapter
    parameters = alternatives(adapter.target_parameters)
    if run.method != "LoraConfig" or not parameters or any(each.value for each in parameters):
        return
    if run.framework.adapts != "PEFT" or run.framework.reader_unknown or known(adapter.parts) is not None:
        return
    if any(each.value != () for each in alternatives(adapter.target_modules)):
        return
    key = adapter.key("target_modules")
    for targets, confidence in _wrong(adapter.target_modules, lambda value: value == ()):
        if targets.span is not None and not adapter.span.holds(targets.span):
            continue
        message = (
            f"`{key}=[]` names nothing to adapt: PEFT raises a ValueError once the model is loaded. Name the layers, "
            f"or remove `{key}` to get PEFT's default for the model"
        )
        yield resting("LL902", message, targets, otherwise=adapter.span, doubt=confidence)


def _correction(span: Span | None, value: Any, takes: Number | OneOf | None) -> Fix | None:
    """The value that was clearly intended: a number written as a string, an integer with a point, a word with different
    capitals."""
    meant: Any = None
    if isinstance(takes, Number) and isinstance(value, str):
        meant = _number(value, takes.whole)
    elif isinstance(takes, Number) and takes.whole and isinstance(value, float) and value.is_integer():
        meant = int(value)
    elif isinstance(takes, OneOf) and isinstance(value, str) and value.lower() != value:
        meant = value.lower() if value.lower() in takes.words else None
    if meant is None or span is None:
        return None
    if isinstance(takes, Number) and takes.least is not None and meant < takes.least:
        return None
    return giving_effect("safe", f"Write {meant}", Write(span, meant))


def _number(text: str, whole: bool) -> float | None:
    """The number that makes up the whole string."""
    if not re.fullmatch(_NUMBER, text):
        return None
    number = float(text)
    if number.is_integer() and "e" not in text.lower():
        return int(number)
    return None if whole else number


def mutating_call_result(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL903"""
    for problem in run.problems:
        if isinstance(problem, NoResult):
            message = (
                f"`{problem.key}` is set to the result of `.{problem.call}(…)`, which is None: {problem.owner} gets no "
                f"`{problem.key}` at all and does not warn. Call `.{problem.call}(…)` on its own line and pass the "
                "object, or pass a new list (`[*names, …]`)"
            )
            fix = None
            if problem.made is not None and problem.call in ("append", "extend"):
                new_list = "Pass a new list, and leave the old one unchanged"
                fix = giving_effect("unsafe", new_list, Unfold(problem.made))
            yield Finding("LL903", message, problem.span, fix=fix)


def _endless_match(run: Run) -> Iterator[Finding]:
    """A regular expression that would not finish in PEFT on the model's module names."""
    adapter = run.adapter
    doubtful = [
        (field, each)
        for field in _MATCHED
        for each in alternatives(getattr(adapter, field))
        if not all(map(is_quick, _regexes(each.value)))
    ]
    slow = _slow(run, [field for field, _ in doubtful]) if doubtful else None
    for field, each in doubtful:
        if slow is not None and slow.pattern in _regexes(each.value):
            hangs = "hangs" if slow.alone else "takes long"
            enough = f"{SECONDS} s are" if slow.alone else f"{TOTAL:g} s is"
            texts = f"`{slow.text}` alone" if slow.alone else f"{slow.count:,} of the model's modules"
            message = (
                f"`{adapter.key(field)}` {hangs} once the model is loaded: PEFT matches {_in_short(slow.pattern)} with "
                f"Python's `re`, for which {enough} not enough on {texts}. Do not repeat a group that contains a "
                "repetition, and use `.*` sparingly"
            )
            yield resting("LL902", message, each, otherwise=adapter.span, doubt=surety(run.model.name))


def _slow(run: Run, fields: list[str]) -> TooSlow | None:
    """What stops the match with the model's modules. No other rule checks where `alpha_pattern` matches."""
    resolved = resolved_of(run)
    if resolved.slow is not None or "alpha_pattern" not in fields:
        return resolved.slow
    keys = [key for each in alternatives(run.adapter.alpha_pattern) for key in each.value]
    try:
        for case in resolved.cases:
            for module in case.match.modules:
                pattern_key(keys, module.path)
    except TooSlow as slow:
        return slow
    except re.error:
        pass  # PEFT raises it
    return None


def _regexes(value: Any) -> tuple[str, ...]:
    """The parts of a value that PEFT takes for regular expressions: a string, each entry of a list, each key of a
    pattern."""
    return (value,) if isinstance(value, str) else tuple(map(str, value or ()))


def _wrong(value: Value[Any], wrong: Callable[[Any], bool]) -> Iterator[tuple[Known[Any], Confidence]]:
    for each, confidence in some_case(value):
        # The default of an option may mean "off" (rank 0), so only explicit values are checked.
        if each.origin in ("literal", "derived", "setting") and wrong(each.value):
            yield each, confidence


def _not_a_number(value: Any) -> bool:
    return isinstance(value, bool) or not isinstance(value, (int, float)) or value != value


def _not_a_rank(value: Any) -> bool:
    return _not_a_number(value) or not isinstance(value, int) or value < 1


def _not_a_share(value: Any) -> bool:
    return _not_a_number(value) or value < 0  # 1 and more is LL105's


def _not_a_regex(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        compiled(value)
    except re.error:
        return True
    return False


def _in_short(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
