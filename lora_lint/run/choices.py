"""What callers choose by options, and the choices that a value stands under."""

from __future__ import annotations

from lora_lint.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    Test: TypeAlias = Literal["set", "equals", "among", "contains", "starts", "ends", "other"]


class OptionChoice(NamedTuple):
    """A condition on an option, and whether it holds: `--model` equals "phi".

    `option` is as callers write it; it is "" for a condition on anything else. `value` is what the option is compared
    with. `usual`: whether it is so where callers do not give the option; None if that is not known.
    """

    option: str
    test: Test
    value: Any
    holds: bool
    usual: bool | None = None


Case: TypeAlias = "tuple[OptionChoice, ...]"
"""Choices that hold together; none for what holds in every case."""


def exclude(one: Case, other: Case) -> bool:
    """Whether two cases cannot be the same call of the program."""
    return any(_opposed(mine, theirs) for mine in one for theirs in other)


def common(one: Case, other: Case) -> Case:
    """What two cases have in common: the case of a value that is the same in both. If they are two values of an option,
    it is one of these."""
    shared = tuple(choice for choice in one if choice in other)
    apart = [choice for choice in other if choice not in one]
    united = [_one_of(mine, theirs) for mine in one if mine not in shared for theirs in apart]
    return (*shared, *(choice for choice in united if choice is not None))


def caller(case: Case) -> str | None:
    """How callers choose a case, as a part of a sentence; "" for what holds unless they give an option, None for a
    case that has no such name."""
    unusual = [choice for choice in case if not choice.usual]
    if any(not choice.option for choice in unusual):
        return None
    stated = {choice.option for choice in unusual if choice.holds}
    words = [_phrase(choice) for choice in unusual if choice.holds or choice.option not in stated]
    return " and ".join(dict.fromkeys(words))


def _one_of(one: OptionChoice, other: OptionChoice) -> OptionChoice | None:
    """That an option has a value which either of two choices names; None if they say something else."""
    if not one.option or one.option != other.option or not (one.holds and other.holds):
        return None
    named = [_named(choice) for choice in (one, other)]
    if named[0] is None or named[1] is None:
        return None
    usual = one.usual if one.usual == other.usual else True if one.usual or other.usual else None
    return OptionChoice(one.option, "among", tuple(dict.fromkeys((*named[0], *named[1]))), True, usual)


def _named(choice: OptionChoice) -> tuple[Any, ...] | None:
    """The values of the option that a choice names; None if it names none."""
    if choice.test == "among":
        return tuple(choice.value)
    return (choice.value,) if choice.test == "equals" else None


def _opposed(one: OptionChoice, other: OptionChoice) -> bool:
    if one.option != other.option:
        return False
    if (one.test, one.value) == (other.test, other.value):
        return one.holds is not other.holds
    for given, asked in ((one, other), (other, one)):
        if given.test == "equals" and given.holds:
            answer = _answer(asked, given.value)
            if answer is not None and answer is not asked.holds:
                return True
    if one.test == other.test == "among" and one.holds and other.holds:
        return set(map(_folded, one.value)).isdisjoint(map(_folded, other.value))
    return False


def _answer(choice: OptionChoice, given: Any) -> bool | None:
    """The outcome of a choice's test for a value of the option; letters count as one in either case."""
    value, wanted = _folded(given), _folded(choice.value)
    if choice.test == "set":
        return bool(value)
    if choice.test == "equals":
        return bool(value == wanted)
    if choice.test == "among":
        return value in map(_folded, choice.value)
    if not isinstance(value, str) or not isinstance(wanted, str):
        return None
    if choice.test == "contains":
        return wanted in value
    if choice.test == "starts":
        return value.startswith(wanted)
    return value.endswith(wanted) if choice.test == "ends" else None


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _phrase(choice: OptionChoice) -> str:
    option, value, flag = choice.option, choice.value, choice.option.startswith("-")
    if choice.test == "other":
        return f"{'where' if choice.holds else 'unless'} `{value}`"
    if choice.test == "set":
        if not flag:
            return f"with `{option}={choice.holds}`"
        return f"with `{option}`" if choice.holds or option.startswith("--no") else f"without `{option}`"
    if not choice.holds:
        return f"with another `{option}`"
    if choice.test == "equals":
        return f"with `{option} {value}`" if flag else f"with `{option}={value!r}`"
    if choice.test == "among":
        return f"with `{option}` {' or '.join(f'`{each}`' for each in value)}"
    return f"with `{value}` in `{option}`"
