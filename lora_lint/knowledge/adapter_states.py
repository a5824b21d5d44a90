"""The effects of PEFT's and transformers' calls on the adapters of a model: which are active, and which train.

Read in PEFT 0.21.2 (peft_model.py, mixed_model.py, tuners/tuners_utils.py) and transformers 5.23.0
(integrations/peft.py), and compared with both in tests/knowledge/test_adapter_states.py.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from lora_lint.knowledge import versions
from lora_lint.records import dataclass, replace
from lora_lint.run import events
from lora_lint.run.values import ABSENT, known
from lora_lint.run.versions import padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeAlias

    from lora_lint.run.events import Event, PutOn
    from lora_lint.run.versions import Version


@dataclass(frozen=True)
class AdapterState:
    """Whether an adapter's parameters require gradients, and whether the model computes with it. None: not known."""

    trainable: bool | None
    active: bool | None


AdapterStates: TypeAlias = "Mapping[str, AdapterState]"
"""The adapters on a model by name, in the order in which they were added."""

UNNAMED = ""
"""The name for adapters whose names are not known, which PEFT allows for no adapter."""

_FROZEN = AdapterState(False, False)
_UNKNOWN = AdapterState(None, None)


def course(happening: Iterable[Event], below: Version | None = None) -> Iterator[tuple[Event, AdapterStates]]:
    """Each event with the state of the adapters when it happens. `below`: PEFT is older than that version.

    What a flag decides may happen or not, so the states before and after it are joined; events under the same flag
    happen together. An adapter that is added under a flag counts as present.
    """
    kept = below is None or padded(below) > padded(versions.ADDING_KEEPS_TRAINABILITY)
    states: AdapterStates = {}
    for flag, together in groupby(happening, key=attrgetter("flag")):
        before = states
        for event in together:
            yield event, states
            states = _after(event, states, kept)
        if flag is not None:
            states = _either(before, states)


def trains_nothing(states: AdapterStates) -> bool:
    """Whether a model has adapters, and certainly none of them trains."""
    return bool(states) and all(state.trainable is False for state in states.values())


def _after(event: Event, states: AdapterStates, kept: bool) -> AdapterStates:
    """The adapters after an event; `kept`: adding an adapter does not change whether the others train."""
    match event:
        case events.Load() | events.Unwrap():
            return {}
        case events.Wrap() | events.LoadAdapter():
            return _put_on(event, states)
        case events.AddBeside():
            return _put_beside(event.adapters, False, states, kept)
        case events.LoadBeside():
            return _put_beside(event.adapters, known(event.trainable), states, kept)
        case events.SetAdapter():
            return _set(event.adapters, known(event.trainable), _or_unknown(states))
        case events.SetRequiresGrad():
            return _grads_set(event.adapters, known(event.trainable), _or_unknown(states))
        case events.DeleteAdapter():
            return _deleted(event.adapters, states)
        case events.EnableAdapters():
            return {name: replace(state, trainable=state.active) for name, state in states.items()}
        case events.DisableAdapters() | events.PrepareKbit():
            return {name: replace(state, trainable=False) for name, state in states.items()}
        case events.Freeze() | events.Unfreeze():
            return {name: replace(state, trainable=_touched(state, event)) for name, state in states.items()}
        case (
            events.Resize()
            | events.EnableInputGrads()
            | events.EnableCheckpointing()
            | events.SetWeights()
            | events.Cast()
            | events.Halve()
            | events.MakeOptimizer()
            | events.MakeOtherOptimizer()
            | events.SaveMerged()
            | events.Train()
            | events.MaskLabels()
            | events.Answer()
            | events.Save()
        ):
            return states
        case _:
            return events.assert_never(event)


def _touched(state: AdapterState, event: events.Freeze | events.Unfreeze) -> bool | None:
    """Whether an adapter trains after parameters are frozen or unfrozen, some of which may be its own."""
    wanted = isinstance(event, events.Unfreeze)
    return wanted if event.selection is events.Selected.ALL or state.trainable is wanted else None


def _put_on(event: PutOn, states: AdapterStates) -> AdapterStates:
    """A new adapter that is the only active one.

    PEFT does not change whether the others train; transformers' `add_adapter` freezes them and trains the new one, and
    its `load_adapter` freezes them together with a frozen one.
    """
    fresh = isinstance(event, events.Wrap)
    trainable = True if fresh and (event.integrated or event.trainable is ABSENT) else known(event.trainable)
    others = {name: replace(state, active=False) for name, state in states.items()}
    if event.integrated and (fresh or trainable is False):
        others = dict.fromkeys(states, _FROZEN)
    elif event.integrated and trainable is None:
        others = {name: _joined(state, _FROZEN) for name, state in others.items()}
    return _with_new(others, event.adapters, AdapterState(trainable, True))


def _put_beside(
    names: tuple[str, ...] | None, trainable: bool | None, states: AdapterStates, kept: bool
) -> AdapterStates:
    """An adapter in addition to those that a model has, which stay active.

    If the name exists already, PEFT refuses a fresh adapter and copies a loaded one's weights into the existing one,
    which trains or not as before.
    """
    states = _or_unknown(states)
    if not kept:
        states = {name: replace(state, trainable=None) for name, state in states.items()}
    if names is not None:
        names = tuple(name for name in names if name not in states)
    return _with_new(states, names, AdapterState(trainable, False))


def _with_new(states: AdapterStates, names: tuple[str, ...] | None, state: AdapterState) -> AdapterStates:
    if names is None and UNNAMED in states:
        return {**states, UNNAMED: _joined(states[UNNAMED], state)}
    return {**states, **dict.fromkeys((UNNAMED,) if names is None else names, state)}


def _set(names: tuple[str, ...] | None, trainable: bool | None, states: AdapterStates) -> AdapterStates:
    """The named adapters become active and trainable or not, all others neither."""
    if names is None or not states.keys() >= set(names):
        return dict.fromkeys(states, _UNKNOWN)
    return {name: AdapterState(trainable, True) if name in names else _FROZEN for name in states}


def _grads_set(names: tuple[str, ...] | None, trainable: bool | None, states: AdapterStates) -> AdapterStates:
    if names is None or not states.keys() >= set(names):
        return {name: _joined(state, replace(state, trainable=trainable)) for name, state in states.items()}
    return {name: replace(state, trainable=trainable) if name in names else state for name, state in states.items()}


def _deleted(names: tuple[str, ...] | None, states: AdapterStates) -> AdapterStates:
    """The adapters without the named ones. If an active one is removed, PEFT activates the active ones that remain or,
    if there are none, the first by name."""
    if names is None:
        return dict.fromkeys(states, _UNKNOWN)
    left = dict(states)
    for name in names:
        state = left.pop(name, _UNKNOWN)
        active = [other for other, each in left.items() if each.active]
        if state.active is None or any(each.active is None for each in left.values()):
            left = dict.fromkeys(left, _UNKNOWN)
        elif state.active:
            left = {**_set(tuple(active or sorted(left)[:1]), True, left)}
    return left


def _or_unknown(states: AdapterStates) -> AdapterStates:
    """The adapters of a model that has some, though its wrap may not have been seen."""
    return states or {UNNAMED: _UNKNOWN}


def _either(before: AdapterStates, after: AdapterStates) -> AdapterStates:
    """The adapters if it is not known whether something has happened."""
    joined = {name: _joined(state, after.get(name, _UNKNOWN)) for name, state in before.items()}
    return joined | {name: state for name, state in after.items() if name not in before}


def _joined(one: AdapterState, other: AdapterState) -> AdapterState:
    return AdapterState(
        one.trainable if one.trainable is other.trainable else None,
        one.active if one.active is other.active else None,
    )
