"""The light records behave as the standard library's dataclasses do."""

from __future__ import annotations

import dataclasses
import pickle
import re
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Generic, NamedTuple, TypeVar

import pytest

from lora_lint import records

T = TypeVar("T")


@records.dataclass(frozen=True)
class Light(Generic[T]):
    first: T
    second: int = 2
    third: list[int] = records.field(default_factory=list)
    hidden: int = records.field(default=0, compare=False, repr=False)
    shared: ClassVar[int] = 7

    @cached_property
    def double(self) -> int:
        return self.second * 2


@dataclasses.dataclass(frozen=True)
class Heavy(Generic[T]):
    first: T
    second: int = 2
    third: list[int] = dataclasses.field(default_factory=list)
    hidden: int = dataclasses.field(default=0, compare=False, repr=False)
    shared: ClassVar[int] = 7


class LightPoint(records.NamedTuple):
    """A place."""

    x: int
    y: int = 0

    def length(self) -> int:
        return self.x + self.y


class HeavyPoint(NamedTuple):
    """A place."""

    x: int
    y: int = 0


@records.dataclass
class Child(Light[int]):
    fourth: str = "x"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1,), {}), ((1, 3), {}), ((), {"first": 1, "third": [4]}), ((1, 2, [3], 4), {}), ((1,), {"hidden": 9})],
)
def test_same_as_the_standard(args: tuple[int, ...], kwargs: dict[str, object]) -> None:
    light, heavy = Light(*args, **kwargs), Heavy(*args, **kwargs)  # type: ignore[arg-type]
    assert repr(light) == repr(heavy).replace("Heavy", "Light")
    assert dataclasses.asdict(light) == dataclasses.asdict(heavy)
    assert light == Light(*args, **kwargs)  # type: ignore[arg-type]
    assert (light == Light(5)) == (heavy == Heavy(5))


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, [], 4, 5), {}), ((1,), {"nope": 1}), ((1,), {"first": 2})]
)
def test_wrong_arguments(args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    for kind in (Light, Heavy):
        if kind is Light and kwargs == {"first": 2}:
            continue
        with pytest.raises(TypeError):
            kind(*args, **kwargs)  # type: ignore[arg-type]


def test_frozen() -> None:
    light = Light(1)
    with pytest.raises(AttributeError):
        light.first = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del light.first  # type: ignore[misc]


def test_hash_and_equality_ignore_what_is_not_compared() -> None:
    one, other = Light(1, 2, (), 3), Light(1, 2, (), 4)  # type: ignore[arg-type]
    assert one == other
    assert hash(one) == hash(other)
    assert one != Heavy(1, 2, (), 3)  # type: ignore[arg-type, comparison-overlap]


def test_identity() -> None:
    for frozen in (False, True):

        @records.dataclass(eq=False, frozen=frozen)
        class Thing:
            x: int

        one, other = Thing(1), Thing(1)
        assert one != other
        assert len({one, other, one}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Child(1))


def test_factories_make_a_new_value_each_time() -> None:
    assert Light(1).third is not Light(1).third


def test_replace_forgets_cached_properties() -> None:
    light = Light(1)
    assert light.double == 4
    for replace in (records.replace, dataclasses.replace):
        changed = replace(light, second=5)
        assert (changed.first, changed.second, changed.double) == (1, 5, 10)
        with pytest.raises(TypeError):
            replace(light, nope=1)


def test_inheritance_and_matching() -> None:
    match Child(1, fourth="y"):
        case Child(first, second, fourth=fourth):
            assert (first, second, fourth) == (1, 2, "y")


def test_pickle() -> None:
    light = Light(1, 5)
    assert pickle.loads(pickle.dumps(light)) == light


def test_named_tuples_are_the_standard_ones() -> None:
    light, heavy = LightPoint(1), HeavyPoint(1)
    assert repr(light) == repr(heavy).replace("Heavy", "Light")
    assert tuple(light) == tuple(heavy) == (1, 0)
    assert light._replace(y=5).length() == 6
    assert pickle.loads(pickle.dumps(light)) == light
    assert type(pickle.loads(pickle.dumps(light))) is LightPoint
    for name in ("__doc__", "__module__", "__match_args__", "_fields", "_field_defaults"):
        assert getattr(LightPoint, name) == getattr(HeavyPoint, name)
    assert LightPoint.__qualname__ == "LightPoint"
    with pytest.raises(TypeError):
        LightPoint()  # type: ignore[call-arg]


def test_the_package_has_no_named_tuples_that_take_long_to_make() -> None:
    package = Path(records.__file__).parent
    heavy = re.compile(r"^from typing import .*\bNamedTuple\b", re.MULTILINE)
    assert [path.name for path in package.rglob("*.py") if heavy.search(path.read_text(encoding="utf-8"))] == []
