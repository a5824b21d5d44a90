"""Finds terms (lora_lint/knowledge/expressions.py) that explain what was observed of models: sizes, counts, presences.

A sample is (observation, index, value): the value that a model built from the observation's config showed in layer
`index`. Only the fields whose change alone changed the value are candidates, so that a fit cannot be a coincidence of
equal numbers; every fit must hold in all samples.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_lint.knowledge.expressions import Unevaluable, depends_on_index, evaluate

Sample = tuple["Observation", tuple[int, ...], Any]
WIDE = 64
"""From here on a size is a width, and no kernel, group or number of kinds."""
FEW = 8
"""Fewer models that have a module which the base lacks do not tell a width from another that equals it by default."""
PATIENCE = 2.0
"""CPU seconds for the cases of one term: the few that are found are found early, and a failure would take minutes."""
PERIOD = re.compile("period|interval|freq|step|every|pattern|stride")
"""Fields of which a layer's position may be a multiple; of others it is so by coincidence."""
INDEX_CONSTANTS = (1, 2, 3, 4, 5, 6, 8)


@dataclass(eq=False)
class Observation:
    """One config. `values`: the resolved fields (dotted); `given`: the fields that were set; `changed`: the fields
    whose resolved value differs from the base's; `alone`: whether it changes one given field of the base."""

    values: dict[str, Any]
    given: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    alone: bool = False


def frozen(value: Any) -> Hashable:
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


class Fitter:
    """Fits with a memory: the same samples are met in many modules."""

    def __init__(self) -> None:
        self.memory: dict[Hashable, Any] = {}
        self.found: list[Any] = []
        self.deferring = False
        """Leave out sizes that the base does not show, until those that it shows are known: few samples fit much."""

    def forget_failures(self) -> None:
        """Lets what was not explained be tried again, with the sizes that were found since."""
        self.memory = {key: term for key, term in self.memory.items() if term is not None}

    def size(self, samples: Sequence[Sample]) -> Any | None:
        """A term for a whole number, or None."""
        term = self._rarely_seen(samples) or self._remember("size", samples, self._size)
        doubtful = isinstance(term, list) or (type(term) is int and term >= WIDE)
        return None if doubtful and _few(samples) else term

    def _rarely_seen(self, samples: Sequence[Sample]) -> Any | None:
        """A size met before that is the one number which a module shows that the base does not have: too few configs
        have such a module to tell a field from a constant, and wide layers have no constant sizes."""
        values = {value for _, _, value in samples}
        if len(values) != 1 or max(values) < WIDE or any(not observation.changed for observation, _, _ in samples):
            return None
        targets = [sample[2] for sample in samples]
        return next((old for old in self.found if _numbers(old, samples) == targets), None)

    def condition(self, samples: Sequence[Sample], hints: Iterable[str] = ()) -> Any | None:
        """A term for a truth value, or None."""
        return self._remember("condition", samples, lambda given: _condition(given, tuple(hints)))

    def text(self, samples: Sequence[Sample]) -> Any | None:
        """A term for any constant per case (strings, None, truth values): nested ifs, or None."""
        return self._remember("text", samples, self._text)

    def _remember(self, what: str, samples: Sequence[Sample], fit: Callable[[Sequence[Sample]], Any | None]) -> Any:
        if not samples:
            return None
        first = samples[0][2]
        if all(value == first and type(value) is type(first) for _, _, value in samples):
            return ["str", first] if isinstance(first, str) else first
        key = (what, tuple((id(seen), index, frozen(value)) for seen, index, value in samples))
        if key not in self.memory:
            self.memory[key] = fit(reduced(samples))
        return self.memory[key]

    def _size(self, samples: Sequence[Sample]) -> Any | None:
        """Where the value exists in some configs only (a bias), the base shows nothing: a size met before fits."""
        term = None
        if any(not observation.changed for observation, _, _ in samples):
            term = self._new_size(samples)
        if term is None:
            targets = [sample[2] for sample in samples]
            term = next((old for old in self.found if _numbers(old, samples) == targets), None)
        if term is None and not self.deferring:
            term = self._new_size(samples)
        if term is not None and term not in self.found:
            self.found.append(term)
            self.found.sort(key=lambda known: len(str(known)))  # of two that fit, the simpler
        return term

    # A search in a fixed order, from cheap terms to dear ones: each stage starts from what the ones before ruled out.
    def _new_size(self, samples: Sequence[Sample]) -> Any | None:  # noqa: C901
        fields = candidates(samples)
        for some in (fields[:3], fields[:5], fields):
            term = _polynomial(samples, some)
            if term is not None:
                return term
            if len(some) == len(fields):
                break
        more = companions(samples, fields)
        for name in more:
            term = _polynomial(samples, [*fields[:5], name])
            if term is not None:
                return term
        fields = [*fields, *more[:4]][:9]
        # one case for each side of a condition: `head_dim` or what stands in for it
        hints: list[Any] = []
        for name in fields:
            seen = [observation.values.get(name) for observation, _, _ in samples]
            if any(value is None for value in seen) and any(value is not None for value in seen):
                hints.append(["none", name])
        for name in fields:
            seen = [observation.values.get(name) for observation, _, _ in samples]
            negative = all(type(value) is int for value in seen) and min(seen) < 0 < max(seen)
            if any(isinstance(value, bool | str) for value in seen) or (any(seen) and not all(seen)) or negative:
                hints.extend(_field_atoms(name, seen))
        if samples[0][1]:
            hints.extend(atom for atom in _atoms(samples, fields, ()) if depends_on_index(atom))
        deadline = time.process_time() + PATIENCE
        for hint in hints[:40]:
            if time.process_time() > deadline:
                break
            parts: tuple[list[Sample], list[Sample]] = ([], [])
            try:
                for sample in samples:
                    parts[not holds(hint, sample)].append(sample)
            except Unevaluable:
                continue
            if not (parts[0] and parts[1]):
                continue
            terms = [_loosely(part, fields, more) for part in parts]
            if terms[0] is not None and terms[1] is not None:
                return ["if", hint, *terms]
            for which in (0, 1):
                if terms[1 - which] is None:
                    continue
                for second in hints[:8]:
                    if time.process_time() > deadline:
                        break
                    halves: tuple[list[Sample], list[Sample]] = ([], [])
                    try:
                        for sample in parts[which]:
                            halves[not holds(second, sample)].append(sample)
                    except Unevaluable:
                        continue
                    if not (halves[0] and halves[1]):
                        continue
                    pair = [_loosely(half, fields, more) for half in halves]
                    if pair[0] is not None and pair[1] is not None:
                        inner = ["if", second, *pair]
                        return ["if", hint, inner, terms[1]] if which == 0 else ["if", hint, terms[0], inner]
        return None

    def _text(self, samples: Sequence[Sample]) -> Any | None:
        values: list[Any] = []
        for _, _, value in samples:
            if value not in values:
                values.append(value)
        if len(values) > 5:
            return None
        counts = sorted(values, key=lambda value: sum(sample[2] == value for sample in samples))
        term: Any = quoted(counts[-1])
        for value in reversed(counts[:-1]):
            test = self.condition([(seen, index, found == value) for seen, index, found in samples])
            if test is None:
                return None
            term = ["if", test, quoted(value), term]
        return term


def _few(samples: Sequence[Sample]) -> bool:
    observations = {id(observation): observation for observation, _, _ in samples}.values()
    return len(observations) < FEW and all(observation.changed for observation in observations)


def quoted(value: Any) -> Any:
    return ["str", value] if isinstance(value, str | list | tuple) else value


def reduced(samples: Sequence[Sample]) -> list[Sample]:
    """The samples without those that repeat a value within an observation, where the index does not matter."""
    for depth in range(len(samples[0][1]) + 1):
        seen: dict[tuple[int, tuple[int, ...]], Sample] = {}
        if all(
            seen.setdefault((id(observation), index[:depth]), (observation, index[:depth], value))[2] == value
            for observation, index, value in samples
        ):
            return list(seen.values())
    # the innermost index alone may decide
    short: dict[tuple[int, tuple[int, ...]], Sample] = {}
    for sample in samples:
        short.setdefault((id(sample[0]), sample[1]), sample)
    return list(short.values())


def holds(term: Any, sample: Sample) -> Any:
    return evaluate(term, sample[0].values.__getitem__, sample[1])


def candidates(samples: Sequence[Sample], scope: Callable[[Observation], Iterable[str]] | None = None) -> list[str]:
    """The fields that may decide the value: those that changed where it changed, but for those shown not to matter."""
    by_observation: dict[int, tuple[Observation, list[tuple[tuple[int, ...], Any]]]] = {}
    for observation, index, value in samples:
        by_observation.setdefault(id(observation), (observation, []))[1].append((index, value))
    entries = list(by_observation.values())
    base = next((entry for entry in entries if not entry[0].changed), entries[0])
    base_values = dict(base[1])
    score: dict[str, int] = {}
    harmless: set[str] = set()
    for observation, found in entries:
        if observation is base[0] or not observation.alone:
            continue
        fields = observation.changed if scope is None else frozenset(scope(observation))
        differs = any(index in base_values and base_values[index] != value for index, value in found)
        if not differs and len(found) != len(base[1]) and len(found[0][0]) > 0:
            differs = False
        for name in fields:
            if differs:
                score[name] = score.get(name, 0) + 1
            elif len(fields) == 1:
                harmless.add(name)
    untold = not score
    for observation, found in entries:  # what only several changes together show
        if untold and not observation.alone and dict(found) != base_values:
            for name in observation.changed:
                score[name] = max(score.get(name, -len(observation.changed)), -len(observation.changed))
    certain = {
        name
        for observation, found in entries
        if observation.alone and len(observation.changed) == 1 and dict(found) != base_values
        for name in observation.changed
    }
    names = [name for name in score if name not in harmless or name in certain]
    return sorted(names, key=lambda name: (name not in certain, -score[name], name))[:9]


def companions(samples: Sequence[Sample], fields: Sequence[str]) -> list[str]:
    """Fields that decide nothing alone, but changed with others where the value changed (a divisor, a switch)."""
    base = next((value for observation, _, value in samples if not observation.changed), None)
    counts: dict[str, int] = {}
    for observation, _, value in samples:
        if not observation.alone and value != base:
            for name in observation.changed:
                counts[name] = counts.get(name, 0) + 1
    names = [name for name in counts if name not in fields]
    likely = re.compile("multiple_of"), re.compile("head|group|size|dim")
    return sorted(names, key=lambda name: (*(not each.search(name) for each in likely), -counts[name], name))[:14]


# whole numbers


def _columns(samples: Sequence[Sample], fields: Sequence[str]) -> list[Any]:
    """Terms that are a number in every sample."""
    terms: list[Any] = []
    elements: list[Any] = []
    depth = len(samples[0][1])
    numbers: list[str] = []
    for name in fields:
        seen = [sample[0].values.get(name) for sample in samples]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in seen):
            numbers.append(name)
        elif all(isinstance(value, list | tuple) and value for value in seen):
            if not all(isinstance(item, int | float) for value in seen for item in value):
                terms.append(["len", name])
                continue
            terms += [["len", name], ["sum", name]]
            for position in range(depth):
                spot = f"${position}"
                terms += [["at", name, spot], ["at", name, ["+", spot, 1]], ["at", name, ["+", spot, -1]]]
            shortest = min(len(value) for value in seen)
            elements += [["at", name, position] for position in (-1, *range(min(shortest, 8)))]
        elif all(isinstance(value, list | tuple) for value in seen):
            terms.append(["len", name])
    powers = [["**", name, power] for name in numbers if name.endswith("_multiplier") for power in (2, 3)]
    powers += [["**", ["int", ["/", 1, name]], 2] for name in numbers if name.endswith("_ratio")]
    terms = [*numbers, *terms, *powers, *elements]
    if depth:
        for position in range(depth):
            terms += [f"${position}", ["**", 2, f"${position}"]]
    return [term for term in terms if _numbers(term, samples) is not None]


def _loosely(samples: Sequence[Sample], fields: Sequence[str], more: Sequence[str]) -> Any | None:
    """A term for one side of a condition, of few fields if that is enough: products of many are too many to try."""
    for some in (fields[:5], *([*fields[:5], name] for name in more[:4]), fields):
        term = _polynomial(samples, some, loose=True)
        if term is not None:
            return term
    return None


def _numbers(term: Any, samples: Sequence[Sample]) -> list[Any] | None:
    try:
        values = [holds(term, sample) for sample in samples]
    except Unevaluable:
        return None
    return values if all(isinstance(value, int | float) for value in values) else None


def _polynomial(samples: Sequence[Sample], fields: Sequence[str], loose: bool = False) -> Any | None:  # noqa: C901
    """The simplest sum of products of fields that gives every sample's value.

    The products, their sums and the quotients are tried in one function, for all share the table of columns.
    """
    targets = [sample[2] for sample in samples]
    if any(isinstance(target, bool) or not isinstance(target, int) for target in targets):
        return None
    if all(target == targets[0] for target in targets):
        return targets[0]
    columns = _columns(samples, fields)[:14]
    tables = [_numbers(column, samples) or [] for column in columns]
    distinct: dict[Any, Sample] = {}
    for position, sample in enumerate(samples):
        distinct.setdefault((sample[2], *(values[position] for values in tables)), sample)
    if len({row[1:] for row in distinct}) < len(distinct):
        return None  # equal fields, another value: these fields do not decide it
    samples = list(distinct.values())
    targets = [sample[2] for sample in samples]
    found: dict[tuple[Any, ...], tuple[Any, list[Any]]] = {}

    def add_values(term: Any, values: list[Any]) -> None:
        if len(set(values)) > 1:
            found.setdefault(tuple(values), (term, values))

    table = [(column, _numbers(column, samples) or []) for column in columns]
    for column, values in table:
        add_values(column, values)
    for (left, lefts), (right, rights) in itertools.permutations(table, 2):
        if all(value > 0 for value in rights) and all(value >= 0 for value in lefts):
            add_values(["//", left, right], [a // b for a, b in zip(lefts, rights, strict=True)])
    singles = list(found.values())
    for (left, lefts), (right, rights) in itertools.combinations_with_replacement(singles, 2):
        add_values(["*", left, right], [a * b for a, b in zip(lefts, rights, strict=True)])
    doubles = len(found)
    if len(columns) <= 8:
        for trio in itertools.combinations_with_replacement(singles[:16], 3):
            values = [a * b * c for a, b, c in zip(*(entry[1] for entry in trio), strict=True)]
            add_values(["*", *(entry[0] for entry in trio)], values)
        ratios = [entry for entry in singles if isinstance(entry[0], list) and entry[0][0] == "//"][:4]
        for (column, first), (ratio, second), (other, third) in itertools.product(table, ratios, table):
            values = [a * b * b * c for a, b, c in zip(first, second, third, strict=True)]
            add_values(["*", column, ratio, ratio, other], values)
    entries = list(found.values())
    rows = len(targets)
    for size, limit in ((1, len(entries)), (2, min(doubles, 60)), (3, min(doubles, 28)), (4, min(len(singles), 12))):
        if rows < size + (0 if loose else 1):
            break
        for constant in (False, True):
            columns_of = [[float(value) for value in values] for _, values in entries[:limit]]
            for group, coefficients in _solutions(columns_of, targets, size, constant):
                term = _sum([entries[position][0] for position in group], coefficients, constant)
                if _fits(term, samples):
                    return term
    for term, values in entries:  # rounded
        if any(isinstance(value, float) for value in values) or any(v % 8 for v in values):
            for divisor in (1, 2, 4, 8, 16, 32, 64):
                for wrap in ("int", "ceil"):
                    rounded = [wrap, ["/", term, divisor] if divisor > 1 else term]
                    if _fits(rounded, samples):
                        return rounded
    return _rounded_up(samples, table)


def _rounded_up(samples: Sequence[Sample], table: Sequence[tuple[Any, list[Any]]]) -> Any | None:
    """A field, or two thirds of it, times a factor that is a field, up to a multiple of a field (LFM2)."""
    whole = [column for column, values in table if all(type(value) is int for value in values)]
    factors = [column for column, values in table if any(isinstance(value, float) for value in values)]
    for column in whole:
        for part in (column, ["//", ["*", 2, column], 3]):
            for inner in (part, *(["int", ["*", factor, part]] for factor in factors)):
                for multiple in whole:
                    term = ["*", multiple, ["ceil", ["/", inner, multiple]]]
                    if multiple != column and _positive(multiple, samples) and _fits(term, samples):
                        return term
    return None


def _positive(term: Any, samples: Sequence[Sample]) -> bool:
    return all(holds(term, sample) > 0 for sample in samples)


def _fits(term: Any, samples: Sequence[Sample]) -> bool:
    """Whether a term gives every sample's value; most wrong ones fail at once."""
    return all(holds(term, sample) == sample[2] for sample in samples)


def _solutions(columns: list[list[Any]], targets: list[Any], size: int, constant: bool) -> Iterator[tuple[Any, Any]]:
    """The groups of columns that the targets are a sum of, with exact small coefficients, in order."""
    import numpy

    matrix = numpy.array(columns, dtype=float)
    goal = numpy.array(targets, dtype=float)
    if constant:
        matrix = numpy.vstack([matrix, numpy.ones(len(targets))])
    norms = numpy.linalg.norm(matrix, axis=1)
    norms[norms == 0] = 1
    unit = matrix / norms[:, None]
    gram, right = unit @ unit.T, unit @ goal
    groups = numpy.array(list(itertools.combinations(range(len(columns)), size)))
    if not len(groups):
        return
    if constant:
        groups = numpy.hstack([groups, numpy.full((len(groups), 1), len(columns))])
    systems = gram[groups[:, :, None], groups[:, None, :]]
    sound = numpy.abs(numpy.linalg.det(systems)) > 1e-9
    groups, systems = groups[sound], systems[sound]
    if not len(groups):
        return
    weights = numpy.linalg.solve(systems, right[groups][:, :, None])[:, :, 0]
    errors = numpy.abs(numpy.einsum("gk,gkn->gn", weights, unit[groups]) - goal).max(axis=1)
    for position in numpy.flatnonzero(errors <= 1e-6 * max(1.0, float(numpy.abs(goal).max()))):
        group = groups[position]
        exact = [
            Fraction(float(weight / norms[column])).limit_denominator(256)
            for weight, column in zip(weights[position], group, strict=True)
        ]
        factors = exact[:size]
        if not all(map(_natural, factors)):
            continue
        if constant and (exact[-1] == 0 or exact[-1].denominator != 1 or abs(exact[-1]) > 4096):
            continue
        yield [int(column) for column in group[:size]], exact


def _natural(factor: Fraction) -> bool:
    """Whether a model may multiply a field so; 296/43 is a coincidence."""
    if factor.denominator == 1:
        return 0 < abs(factor) <= 64
    return factor.denominator in (2, 3, 4, 8, 16, 32, 64) and abs(factor.numerator) <= 8


def _sum(terms: list[Any], coefficients: list[Fraction], constant: bool) -> Any:
    parts: list[Any] = []
    for term, weight in zip(terms, coefficients, strict=False):
        flat = term[1:] if isinstance(term, list) and term[0] == "*" else [term]
        part: Any = term
        if weight != 1:
            part = ["*", weight.numerator, *flat] if weight.numerator != 1 or weight.denominator == 1 else term
        if weight.denominator != 1:
            part = ["//", part, weight.denominator]
        parts.append(part)
    if constant:
        parts.append(int(coefficients[-1]))
    return parts[0] if len(parts) == 1 else ["+", *parts]


# truth values


def _field_atoms(name: str, seen: Sequence[Any]) -> list[Any]:
    atoms: list[Any] = []
    kinds = {type(value) for value in seen}
    if bool in kinds:
        atoms.append(name)
    if type(None) in kinds:
        atoms.append(["none", name])
    if kinds - {list, tuple}:
        atoms.append(name)
    plain = {value for value in seen if isinstance(value, str) or value in (-1, 0, 1)}
    atoms += [["==", name, quoted(value)] for value in sorted(plain, key=repr) if not isinstance(value, bool)]
    atoms += [[">", name, value] for value in (0, 1) if kinds <= {int, float}]
    if kinds & {list, tuple}:
        atoms.append(name)
    return atoms


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[._]", name) if len(word) > 2 and word != "num"}


def _atoms(samples: Sequence[Sample], fields: Sequence[str], hints: Sequence[str]) -> list[Any]:
    """Conditions that could tell the samples apart, the more telling first."""
    observations = list({id(sample[0]): sample[0] for sample in samples}.values())
    seen = {name: [observation.values.get(name) for observation in observations] for name in (*fields, *hints)}
    atoms: list[Any] = []
    for name in fields:
        atoms += _field_atoms(name, seen[name])
    numbers = [name for name in fields if {type(value) for value in seen[name]} <= {int, type(None)}]
    for left, right in itertools.combinations(numbers, 2):
        atoms.append(["==", left, right])
        if _words(left) & _words(right):  # what is not alike is compared by coincidence only
            atoms += [[">", left, right], [">", right, left]]
    depth = len(samples[0][1])
    for position in range(depth):
        spot = f"${position}"
        for name in dict.fromkeys((*fields, *hints)):
            values = seen[name]
            if all(isinstance(value, list | tuple) for value in values):
                items = {item for value in values for item in value if isinstance(item, int | str)}
                if len(items) <= 12:
                    atoms += [["==", ["at", name, spot], quoted(item)] for item in sorted(items, key=repr)]
                atoms += [["at", name, spot], ["in", spot, name], ["==", ["+", spot, 1], ["len", name]]]
            elif any(isinstance(value, list | tuple) for value in values):
                atoms.append(["and", name, ["in", spot, name]])
            elif all(isinstance(value, int) and not isinstance(value, bool) for value in values):
                atoms += [[">=", spot, name], [">=", spot, ["-", name, 1]]]
                atoms += [[">", spot, name], ["==", spot, name], ["==", ["+", spot, 1], name]]
                if PERIOD.search(name) and all(value > 0 for value in values):
                    atoms += [["==", ["%", ["+", spot, 1], name], 0], ["==", ["%", spot, name], 0]]
                    for other in dict.fromkeys((*fields, *hints)):
                        offsets = seen[other]
                        if other != name and all(isinstance(value, int) and value < 64 for value in offsets):
                            atoms.append(["==", ["%", spot, name], other])
                            atoms.append(["==", ["%", ["-", spot, other], name], 0])
    for position in range(depth):
        spot = f"${position}"
        atoms += [["==", spot, value] for value in (0, 1)]
        atoms += [[">=", spot, value] for value in (1, 2, 3, 4)]
        atoms += [
            ["==", ["%", spot, period], remainder] for period in INDEX_CONSTANTS[1:] for remainder in range(period)
        ]
    return atoms


def _truths(atom: Any, samples: Sequence[Sample]) -> tuple[bool, ...]:
    """Whether a condition holds in each sample; once a config where the layer does not matter."""
    if depends_on_index(atom):
        return tuple(bool(holds(atom, sample)) for sample in samples)
    known: dict[int, bool] = {}
    for sample in samples:
        if id(sample[0]) not in known:
            known[id(sample[0])] = bool(holds(atom, sample))
    return tuple(known[id(observation)] for observation, _, _ in samples)


def _condition(  # noqa: C901
    samples: Sequence[Sample], hints: tuple[str, ...], fields: Sequence[str] = (), split: bool = True
) -> Any | None:
    """A conjunction, or the negation of one, of as few conditions as possible.

    The greedy cover and its fallback work on one table of truth values, so that they stay together.
    """
    chosen_before = bool(fields)
    fields = fields or candidates(samples)
    if samples[0][1]:
        extra = {
            name
            for observation, _, _ in samples
            for name, value in observation.values.items()
            if isinstance(value, list | tuple) or name in observation.changed
        }
        hints = (*hints, *sorted(extra - set(fields)))
    truth = [bool(sample[2]) for sample in samples]
    columns: dict[tuple[bool, ...], Any] = {}
    for atom in _atoms(samples, fields, hints if len(hints) < 40 else hints[:40]):
        try:
            values = _truths(atom, samples)
        except Unevaluable:
            continue
        columns.setdefault(values, atom)
        columns.setdefault(tuple(not value for value in values), ["not", atom])
    direct = columns.get(tuple(truth))
    if direct is not None:
        return direct
    both = []
    for wanted in (truth, [not value for value in truth]):
        needed = {i for i, value in enumerate(wanted) if not value}
        useful = [
            (values, atom)
            for values, atom in columns.items()
            if all(value or not want for value, want in zip(values, wanted, strict=True))
        ]
        chosen: list[Any] = []
        while needed and useful and len(chosen) < 4:
            values, atom = max(useful, key=lambda entry: sum(not entry[0][i] for i in needed))
            ruled_out = {i for i in needed if not values[i]}
            if not ruled_out:
                break
            chosen.append(atom)
            needed -= ruled_out
        both.append(None if needed or not chosen else ["and", *chosen])
    found = [term if way == 0 else ["not", term] for way, term in enumerate(both) if term is not None]
    if not found and split and not chosen_before:
        more = companions(samples, fields)
        if more:
            term = _condition(samples, hints, [*fields, *more], split=False)
            if term is not None:
                return term
            fields = [*fields, *more]
    if found or not split:
        return min(found, key=lambda term: len(str(term))) if found else None
    options: list[Any] = []
    deadline = time.process_time() + PATIENCE
    for values, atom in list(columns.items())[:60]:
        if time.process_time() > deadline:
            break
        parts = [[s for s, value in zip(samples, values, strict=True) if value is way] for way in (True, False)]
        if not (parts[0] and parts[1]) or (isinstance(atom, list) and atom[0] == "not"):
            continue
        sides: list[Any] = []
        for part in parts:
            same = {bool(sample[2]) for sample in part}
            sides.append(same.pop() if len(same) == 1 else _condition(part, hints, fields, split=False))
        if None not in sides:
            options.append(["if", atom, *sides])
    return min(options, key=lambda term: len(str(term))) if options else None
