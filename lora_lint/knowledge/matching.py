"""What PEFT adapts in a model, how much it trains and what it refuses, without torch.

The semantics are those of `peft.tuners.tuners_utils` and `peft.tuners.lora` in the version that data/peft.json names;
tests/knowledge/test_against_peft.py compares every answer with PEFT's own. The order of the steps is PEFT's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import sqrt

from lora_lint.knowledge import methods, moe
from lora_lint.knowledge.counting import all_biases, copied, lora_parameters, parameter_lora, total
from lora_lint.knowledge.index import Index, index_of
from lora_lint.knowledge.modules import GUESS, LINEAR_KINDS, Beside
from lora_lint.knowledge.patterns import compiled, is_plain, layer_of, pattern_key
from lora_lint.knowledge.peft_facts import facts
from lora_lint.knowledge.versions import default_targets
from lora_lint.records import NamedTuple, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Literal

    from lora_lint.knowledge.methods import Method
    from lora_lint.knowledge.modules import Module
    from lora_lint.knowledge.patterns import Pattern
    from lora_lint.run.versions import Version

    RefusalKind = Literal[
        "no-match",  # nothing is adapted at all
        "no-default-targets",  # no target_modules, and PEFT has none for the model type
        "unsupported-kind",  # a matched module is not a layer that LoRA can wrap
        "mamba-module",  # out_proj or conv1d of a Mamba model
        "fused-partly",  # one of two projections that are fused in transformers 5, without the other
        "invalid-regex",
        "string-with-layers",  # layers_to_transform or layers_pattern beside a string
        "pattern-without-layers",  # layers_pattern without layers_to_transform
        "invalid-rank",
        "invalid-bias",
        "empty-entry",  # "" in a long list
        "embedding-bias",  # lora_bias on an embedding
        "attention-dora",  # DoRA on nn.MultiheadAttention
        "conv-groups",  # the rank of a grouped convolution is not divisible by its groups
        "parameter-dropout",  # lora_dropout with a target parameter: fused experts
        "parameter-option",  # DoRA or lora_bias with a target parameter
        "parameter-shape",  # a target parameter that is not 2-D or 3-D
        "parameter-root",  # a target parameter that the model itself registers
        "parameter-adapted",  # a target parameter of a module that is itself adapted
        "saved-container",  # modules_to_save hits a ModuleList or its like
        "saved-adapted",  # modules_to_save hits a module that is adapted as well
        "tokens",  # trainable_token_indices without a layer, or on one without a weight, or that is saved or adapted
    ]


@dataclass(frozen=True)
class Targets:
    """The settings that decide what is adapted, in PEFT's vocabulary and with PEFT's defaults.

    A list is a tuple here, a regex or "all-linear" a str, None "not given". `rank` is None where it is not known: the
    match is made all the same, without counts. `trainable_tokens` are the token indices that are trained, by layer name
    where PEFT was given a dict.
    """

    target_modules: tuple[str, ...] | str | None = None
    exclude_modules: tuple[str, ...] | str | None = None
    target_parameters: tuple[str, ...] | None = None
    layers_to_transform: tuple[int, ...] | int | None = None
    layers_pattern: tuple[str, ...] | str | None = None
    rank: int | None = 8
    rank_pattern: Mapping[str, int] = field(default_factory=dict)
    alpha: float | None = 8
    alpha_pattern: Mapping[str, float] = field(default_factory=dict)
    use_rslora: bool = False
    modules_to_save: tuple[str, ...] | None = None
    use_dora: bool = False
    bias: str = "none"
    lora_bias: bool = False
    dropout: float = 0.0
    task_type: str | None = None
    trainable_tokens: Mapping[str, tuple[int, ...]] | tuple[int, ...] | None = None
    method: Method | None = None
    """The method where it is not LoRA."""


class Matched(NamedTuple):
    """One thing that is adapted: a module, or (with `parameter`) a parameter of the module at `path`.

    `rank`, `alpha` and `scale` (the factor before BA) are what holds there after `rank_pattern` and `alpha_pattern`;
    None where they are not known. `entry` is the entry of the user's list that named it first, or the whole string.
    `trainable` counts the parameters that LoRA adds.
    """

    path: str
    kind: str
    inputs: int
    outputs: int
    rank: int | None
    alpha: float | None
    scale: float | None
    entry: str
    trainable: int | None
    parameter: str | None = None


@dataclass(frozen=True)
class PeftRefusal:
    """An exception that PEFT raises: its kind, its class, the problem in words, the modules or names concerned."""

    kind: RefusalKind
    exception: str
    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """What PEFT makes of targets on a model.

    `modules`: all that is adapted, in the model's order, parameters last.
    `entries`: the entries that were looked for: the user's list, PEFT's defaults, or the string as only entry.
    `unmatched`: entries that name no module (and no parameter).
    `out_of_layers`: entries that name modules, of which `layers_to_transform` drops every one.
    `bypassing`: entries that are a module's whole path, for which PEFT does not look at `layers_to_transform`.
    `excluded`: entries that name modules, of which `exclude_modules` or `modules_to_save` takes every one.
    `overlapping`: entries of which `modules_to_save` takes at least one module, so that it gets no LoRA.
    `saved`: paths that `modules_to_save` copies and trains whole (those that a task type adds included);
    `unsaved`: its names without any module.
    `left_out`: linear layers that "all-linear" leaves out (the output embedding, a classification head).
    `converted`: the parameters of transformers 5 that PEFT made of entries that name version 4 experts, by entry.
    `used_defaults`: PEFT's own default targets decide.
    `errors`: what PEFT raises, in the order in which it would meet them (it stops at the first).
    `parameters`: how many parameters are trainable after the wrap; None if a size is not known or PEFT raises.
    """

    modules: tuple[Matched, ...] = ()
    entries: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    out_of_layers: tuple[str, ...] = ()
    bypassing: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    overlapping: tuple[str, ...] = ()
    saved: tuple[str, ...] = ()
    unsaved: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    converted: Mapping[str, str] = field(default_factory=dict)
    used_defaults: bool = False
    errors: tuple[PeftRefusal, ...] = ()
    parameters: int | None = None


def match(
    modules: Sequence[Module],
    targets: Targets,
    *,
    model_type: str | None = None,
    version: int = 5,
    beside: Beside | None = None,
    below: Version | None = None,
) -> Match:
    """What PEFT adapts, trains and refuses.

    `modules` are all modules of the model in the order of `named_modules`, the root ("") included or not. `version` is
    the major version of transformers; `below` is what PEFT is older than (None: it is the newest), for its defaults
    and the experts it knows.

    Raises patterns.TooSlow for a regular expression that PEFT would not come to an end with.
    """
    beside = beside or Beside()
    return _Matcher(
        index_of(modules, beside.parameters), targets, model_type, version, beside.output_embedding, below
    ).run(beside.input_embedding, beside.tied, beside.seems_tied)


class _Matcher:
    """One run of `match`: the state that PEFT keeps in its config while changing it."""

    def __init__(
        self,
        index: Index,
        targets: Targets,
        model_type: str | None,
        version: int,
        output_embedding: str | None,
        below: Version | None,
    ) -> None:
        self.index = index
        self.targets = targets
        self.model_type = model_type
        self.version = version
        self.output_embedding = output_embedding
        self.below = below
        self.errors: list[PeftRefusal] = []
        self.save = tuple(targets.modules_to_save or ())
        if targets.task_type == "SEQ_CLS":
            self.save += ("classifier", "score")
        self.rank_pattern: dict[str, int] = dict(targets.rank_pattern)
        self.alpha_pattern: dict[str, float] = dict(targets.alpha_pattern)
        self.adapt: dict[str, tuple[str, ...]] = {name: (name,) for name in targets.target_parameters or ()}
        """Names of parameters to adapt, with the entries they come from."""
        self.converted: dict[str, str] = {}
        self.left_out: tuple[str, ...] = ()
        self._sizes: dict[tuple[object, ...], tuple[float | None, int | None]] = {}
        self._excluded_positions: set[int] = set()
        self._excluded_regex: Pattern | None = None
        self._saved_words: frozenset[str] = frozenset()
        self._saved_regexes: list[Pattern] = []

    # Preparation

    def run(self, input_embedding: str | None, tied: Sequence[tuple[str, ...]], seems_tied: bool) -> Match:
        self._check_settings()
        self._prepare_exclusion()
        wanted, source, used_defaults = self._search()
        result = _Hits()
        if isinstance(wanted, str):
            self._match_string(wanted, result)
        else:
            self._match_list(wanted, source, result)
        matched = [self._matched(position, entry) for position, entry in sorted(result.positions.items())]
        adapted = {record.path for record in matched}
        records = self._match_parameters(adapted, result)
        self._check_parts([*matched, *records])
        if not matched and not records and wanted != "dummy-target-modules":
            self._nothing(wanted, result)
        given = (source,) if isinstance(source, str) else source
        saved, unsaved = self._saved(adapted | {record.path for record in records})
        tokens = self._tokens(input_embedding, adapted, saved, tied)
        if self.targets.trainable_tokens is not None and seems_tied and self.output_embedding in adapted:
            tokens = None  # PEFT 0.21.2 goes by the config, and may wrap a head that it must not
        everything = (*matched, *records)
        return Match(
            modules=everything,
            entries=given,
            unmatched=tuple(entry for entry in given if entry in result.unmatched),
            out_of_layers=tuple(entry for entry in given if entry in result.out_of_layers),
            bypassing=tuple(entry for entry in given if entry in result.bypassing),
            excluded=tuple(entry for entry in given if entry in result.excluded),
            overlapping=tuple(entry for entry in given if entry in result.overlapping),
            saved=tuple(self.index.modules[position].path for position in saved),
            unsaved=unsaved,
            left_out=self.left_out,
            converted=self.converted,
            used_defaults=used_defaults,
            errors=tuple(self.errors),
            parameters=None if self.errors else self._parameters(everything, saved, tokens, tied),
        )

    def _refuse(self, kind: RefusalKind, text: str, names: Iterable[str] = (), exception: str = "ValueError") -> None:
        self.errors.append(PeftRefusal(kind, exception, text, tuple(names)))

    def _compile(self, pattern: str, where: str, written: str | None = None) -> Pattern | None:
        try:
            return compiled(pattern, written)
        except re.error as error:
            self._refuse("invalid-regex", f"{where} is not a valid regular expression: {error}", (pattern,), "re.error")
            return None

    def _check_settings(self) -> None:
        """Errors that LoraConfig raises when it is created."""
        targets = self.targets
        if isinstance(targets.target_modules, str):
            for name in ("layers_to_transform", "layers_pattern"):
                if getattr(targets, name) is not None:
                    self._refuse(
                        "string-with-layers", f"{name} cannot be used when target_modules is a string", (name,)
                    )
        if targets.layers_pattern and targets.layers_to_transform is None:
            self._refuse("pattern-without-layers", "layers_pattern needs layers_to_transform", ("layers_pattern",))

    def _prepare_exclusion(self) -> None:
        exclude = self.targets.exclude_modules
        if isinstance(exclude, str):
            self._excluded_regex = self._compile(exclude, "exclude_modules") if exclude else None
        else:
            for entry in exclude or ():
                self._excluded_positions.update(self.index.named(entry))
        self._saved_words = frozenset(name for name in self.save if is_plain(name))
        for name in self.save:
            if name not in self._saved_words and (
                pattern := self._compile(rf"(^|.*\.){name}($|\..*)", "a name in modules_to_save", name)
            ):
                self._saved_regexes.append(pattern)

    def _is_excluded(self, position: int | None, path: str) -> bool:
        if self._excluded_regex is not None:
            return self._excluded_regex.fullmatch(path) is not None
        if position is not None:
            return position in self._excluded_positions
        exclude = self.targets.exclude_modules or ()
        return path in exclude or any(path.endswith(f".{entry}") for entry in exclude)

    def _is_saved(self, path: str) -> bool:
        if not self.save:
            return False
        if self._saved_words and not self._saved_words.isdisjoint(path.split(".")):
            return True
        return any(pattern.match(path) for pattern in self._saved_regexes)

    def _search(self) -> tuple[tuple[str, ...] | str, tuple[str, ...] | str, bool]:
        """The names to look for after PEFT's changes, their origin for the report, and whether they are the
        defaults."""
        wanted = self.targets.target_modules
        source: tuple[str, ...] | str = wanted if wanted is not None else ()
        base = moe.family(self.model_type, self.version, self.below)
        if base is not None and self.targets.method is None:
            wanted = self._converted(base, wanted)
        used_defaults = False
        if wanted is None:
            wanted = default_targets(self.model_type or "", self.below)
            if self.targets.method is not None:
                wanted = methods.default_targets(self.targets.method.name, self.model_type or "", wanted)
            if wanted is None:
                if not self.targets.target_parameters:
                    text = f"PEFT has no default target_modules for {self.model_type or 'this model'}"
                    self._refuse("no-default-targets", text)
                return (), (), False
            source, used_defaults = wanted, True
        if isinstance(wanted, str) and wanted.lower() == facts()["all_linear"]:
            return self._all_linear(), wanted, used_defaults
        return wanted, source, used_defaults

    def _converted(self, base: str, wanted: tuple[str, ...] | str | None) -> tuple[str, ...] | str | None:
        """Rewrite names of experts that transformers 5 fused. Targets that are not given become none at all."""
        origin: str | None = None
        if isinstance(wanted, str):
            origin = wanted
            if wanted.lower() == facts()["all_linear"]:
                leaves = {path.rpartition(".")[2] for path in self._all_linear()}
                resolved = tuple(sorted(leaves | moe.old_names(base).keys()))
            else:
                pattern = self._compile(wanted, "target_modules")
                if pattern is None:
                    return ()
                resolved = moe.resolve_regex(
                    base, self._string_test(pattern), self.index.position, self.index.parameters
                )
            if not resolved:
                return wanted
            wanted = resolved
        changed = moe.convert(base, wanted or ())
        for name, entries in changed.parameters.items():
            sources = tuple(origin or entry for entry in entries)
            self.adapt[name] = (*self.adapt.get(name, ()), *sources)
            self.converted.update(dict.fromkeys(sources if origin is None else entries, name))
        for present, missing in changed.partial:
            self._refuse(
                "fused-partly",
                f"{', '.join(present)} cannot be targeted without {', '.join(missing)}: transformers 5 fuses them",
                present,
            )
        for name, times in changed.doubled.items():
            key = rf".*\.{re.escape(name)}"
            if self.targets.rank is not None:
                self.rank_pattern[key] = self.targets.rank * times
            if self.targets.alpha is not None:
                self.alpha_pattern[key] = self.targets.alpha * times
        return changed.modules

    def _string_test(self, pattern: Pattern) -> Callable[[str], bool]:
        def matches(path: str) -> bool:
            return (
                pattern.fullmatch(path) is not None
                and not self._is_excluded(self.index.position.get(path), path)
                and not self._is_saved(path)
            )

        return matches

    def _all_linear(self) -> tuple[str, ...]:
        linear = [module.path for module in self.index.modules if module.kind in LINEAR_KINDS and module.path]
        out: set[str] = set()
        output = _guess_output(self.index) if self.output_embedding == GUESS else self.output_embedding
        if output is not None:
            out.add(output)
        elif self.targets.task_type == "SEQ_CLS":
            heads = (name for name in facts()["classification_heads"] if name in self.index.position)
            out.update([next(heads, "")])
        self.left_out = tuple(path for path in linear if path in out)
        return tuple(path for path in linear if path not in out)

    # Modules

    def _match_string(self, wanted: str, result: _Hits) -> None:
        if wanted == "dummy-target-modules":
            return
        pattern = self._compile(wanted, "target_modules")
        if pattern is None:
            return
        named = False
        for position, module in enumerate(self.index.modules):
            path = module.path
            if path and pattern.fullmatch(path):
                named = True
                if self._is_excluded(position, path):
                    continue
                if self._is_saved(path):
                    result.overlapping.add(wanted)
                    continue
                result.positions[position] = wanted
        if not named:
            result.unmatched.add(wanted)
        elif not result.positions:
            result.excluded.add(wanted)

    def _match_list(self, wanted: tuple[str, ...], source: tuple[str, ...] | str, result: _Hits) -> None:
        """Match the entries of a list. `source` is the string that was resolved to them, if one was."""
        layers = self._layers()
        narrowed = wanted
        if layers is not None and len(set(wanted)) >= facts()["condense_from"]:
            narrowed = self._condensed(wanted)
        allowed = None if layers is None else set(self._select(narrowed, layers))
        if len(set(wanted)) >= facts()["condense_from"] and "" in wanted:
            self._refuse("empty-entry", "an entry of target_modules is empty", ("",))
        modules = self.index.modules
        for entry in dict.fromkeys(wanted):
            named = self.index.named(entry)
            origin = source if isinstance(source, str) else entry
            if not named:
                if isinstance(source, tuple):
                    result.unmatched.add(entry)
                continue
            dropped = kept = 0
            for position in named:
                path = modules[position].path
                if self._is_excluded(position, path):
                    continue
                if self._is_saved(path):
                    result.overlapping.add(origin)
                elif allowed is not None and position not in allowed:
                    dropped += 1
                else:
                    kept += 1
                    result.positions.setdefault(position, origin)
                    if path == entry and layers is not None:
                        result.bypassing.add(entry)
            if not kept:
                (result.out_of_layers if dropped else result.excluded).add(origin)
        if isinstance(source, str) and not result.positions and not self.adapt:
            result.unmatched.add(source)

    def _select(self, entries: Iterable[str], layers: tuple[int, ...] | int) -> Iterable[int]:
        """Positions that a list selects by names and layers."""
        exact = dict.fromkeys(entries)
        for entry in exact:
            for position in self.index.named(entry):
                path = self.index.modules[position].path
                if path in exact or self._in_layers(path, layers):
                    yield position

    def _layers(self) -> tuple[int, ...] | int | None:
        """`layers_to_transform`, where it applies."""
        layers = self.targets.layers_to_transform
        return None if layers == () else layers

    def _in_layers(self, path: str, layers: tuple[int, ...] | int) -> bool:
        given = self.targets.layers_pattern or ()
        patterns = (given,) if isinstance(given, str) else given
        try:
            number = layer_of(path, patterns)
        except re.error as error:
            if not any(refusal.names == patterns for refusal in self.errors):
                self._refuse(
                    "invalid-regex", f"layers_pattern is not a regular expression: {error}", patterns, "re.error"
                )
            return False
        return number is not None and (number == layers if isinstance(layers, int) else number in layers)

    def _condensed(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """A long list shortened to the endings that tell its modules from all others, as PEFT does before it matches.
        It makes a difference only with `layers_to_transform`: whole paths that bypass the layers may become endings
        that do not."""
        entries = set(wanted)
        if "" in entries:
            return wanted
        hits = {position for entry in entries for position in self.index.named(entry)}
        others = {
            ending
            for position, module in enumerate(self.index.modules)
            if position not in hits
            for ending in _endings(module.path)
        }
        short: set[str] = set()
        for entry in sorted(entries, key=_endings):
            for ending in _endings(entry):
                if ending in short or ending in others:
                    continue
                if not any(entry.endswith(f".{suffix}") for suffix in short):
                    short.add(ending)
                    break
        return tuple(sorted(short)) if short and len(short) < len(entries) else wanted

    def _matched(self, position: int, entry: str) -> Matched:
        path, kind, inputs, outputs, *_ = module = self.index.modules[position]
        rank, alpha = self._strength(path)
        if self.targets.method is not None:
            size = self.targets.method.size(module, self.model_type)
            return Matched(path, kind, inputs, outputs, rank, alpha, None, entry, size)
        # Layers repeat: each size is worked out once.
        key = (rank, alpha, *module[1:])
        known = self._sizes.get(key)
        if known is None:
            size = None
            if rank is not None and rank > 0 and kind in facts()["layer_kinds"]:
                size = lora_parameters(module, rank, dora=self.targets.use_dora, lora_bias=self.targets.lora_bias)
            known = self._sizes[key] = (self._scale(rank, alpha), size)
        return Matched(path, kind, inputs, outputs, rank, alpha, known[0], entry, known[1])

    def _strength(self, path: str) -> tuple[int | None, float | None]:
        """Rank and alpha at a path."""
        rank, alpha = self.targets.rank, self.targets.alpha
        try:
            if self.rank_pattern and (key := pattern_key(self.rank_pattern, path)) is not None:
                rank = self.rank_pattern[key]
            if self.alpha_pattern and (key := pattern_key(self.alpha_pattern, path)) is not None:
                alpha = self.alpha_pattern[key]
        except re.error as error:
            if not any(refusal.kind == "invalid-regex" for refusal in self.errors):
                self._refuse("invalid-regex", f"a key of rank_pattern or alpha_pattern: {error}", (), "re.error")
        return rank, alpha

    def _scale(self, rank: int | None, alpha: float | None) -> float | None:
        if rank is None or alpha is None or rank <= 0:
            return None
        return alpha / (sqrt(rank) if self.targets.use_rslora else rank)

    # Parameters

    def _match_parameters(self, adapted: set[str], result: _Hits) -> list[Matched]:
        found: dict[tuple[str, str], Matched] = {}
        for name, sources in self.adapt.items():
            hit = False
            for owner, parameter, shape in self.index.parameters_named(name):
                hit = True
                if (owner, parameter) in found:
                    continue
                rank, alpha = self._strength(f"{owner}.{parameter}")
                size = parameter_lora(shape, rank) if rank is not None and rank > 0 else None
                if shape is not None and len(shape) not in (2, 3):
                    size = None
                    self._refuse(
                        "parameter-shape",
                        f"{owner}.{parameter} has {len(shape)} dimensions, LoRA needs 2 or 3",
                        (owner,),
                    )
                if not owner:
                    self._refuse("parameter-root", f"{parameter} belongs to the model itself, not to a part of it")
                if owner in adapted:
                    self._refuse(
                        "parameter-adapted", f"{owner} is adapted itself, so its {parameter} cannot be", (owner,)
                    )
                module = self.index.module(owner)
                found[owner, parameter] = Matched(
                    owner,
                    module.kind if module else "",
                    shape[-1] if shape else 0,
                    shape[-2] if shape and len(shape) > 1 else 0,
                    rank,
                    alpha,
                    self._scale(rank, alpha),
                    sources[0],
                    size,
                    parameter,
                )
            if not hit:
                result.unmatched.update(source for source in sources if source in self.converted)
        order = self.index.position
        records = sorted(found.values(), key=lambda record: order.get(record.path, len(order)))
        if records:
            self._check_parameter_options(records[0])
        return records

    def _check_parameter_options(self, first: Matched) -> None:
        where = f"{first.path}.{first.parameter}"
        if self.targets.dropout:
            self._refuse("parameter-dropout", f"{where} is a parameter: lora_dropout must be 0", (where,))
        for name in ("lora_bias", "use_dora"):
            if getattr(self.targets, name):
                self._refuse("parameter-option", f"{where} is a parameter: {name} is not supported", (name,))

    # Checks

    def _check_parts(self, records: list[Matched]) -> None:
        """Errors that PEFT raises while it wraps, each kind once with all modules it concerns."""
        targets = self.targets
        if targets.method is not None:
            return  # each has layers of its own
        mamba = facts()["mamba"]
        kinds = set(facts()["layer_kinds"])
        refused: dict[RefusalKind, list[Matched]] = {}
        is_mamba = self.model_type in mamba["model_types"]
        for record in records:
            if is_mamba and record.path.rpartition(".")[2] in mamba["modules"]:
                refused.setdefault("mamba-module", []).append(record)
            elif record.parameter is None and record.kind not in kinds:
                refused.setdefault("unsupported-kind", []).append(record)
            elif record.rank is not None and record.rank <= 0:
                refused.setdefault("invalid-rank", []).append(record)
            elif record.kind == "Linear" or record.parameter is not None:
                continue
            elif record.kind == "Embedding" and targets.lora_bias:
                refused.setdefault("embedding-bias", []).append(record)
            elif record.kind == "MultiheadAttention" and targets.use_dora:
                refused.setdefault("attention-dora", []).append(record)
            elif record.rank is not None and record.rank % self.index.modules[self.index.position[record.path]].groups:
                refused.setdefault("conv-groups", []).append(record)
        for kind, concerned in refused.items():
            first = concerned[0]
            texts = {
                "mamba-module": f"LoRA on {first.path} of a {self.model_type} model",
                "unsupported-kind": f"{first.path} is a {first.kind}, which LoRA cannot wrap",
                "invalid-rank": f"the rank is {first.rank}",
                "embedding-bias": f"lora_bias is not supported for the embedding {first.path}",
                "attention-dora": f"DoRA is not supported for the MultiheadAttention {first.path}",
                "conv-groups": f"the rank {first.rank} is not divisible by the groups of {first.path}",
            }
            self._refuse(kind, texts[kind], (record.path for record in concerned))
        if targets.bias not in ("none", "all") and not targets.bias.endswith("_only"):
            self._refuse("invalid-bias", f"bias={targets.bias!r}", (targets.bias,), "NotImplementedError")

    def _nothing(self, wanted: tuple[str, ...] | str, result: _Hits) -> None:
        if any(refusal.kind in ("no-default-targets", "invalid-regex", "fused-partly") for refusal in self.errors):
            return
        text = "no entry of target_modules names a module of the model"
        if not wanted:
            text = "target_modules is empty and no target parameter was found"
        elif result.out_of_layers:
            text = "layers_to_transform leaves none of the modules that target_modules names"
        elif result.excluded:
            text = "exclude_modules or modules_to_save covers every module that target_modules names"
        names = wanted if isinstance(wanted, tuple) else (wanted,)
        self._refuse("no-match", text, names, "NoMatchingPeftModuleError")

    # In addition to LoRA

    def _saved(self, adapted: set[str]) -> tuple[list[int], tuple[str, ...]]:
        """Positions of the modules that are copied in full, outermost first, and names that match nothing."""
        names = self.save + _HEADS_SAVED_LATE.get(self.targets.task_type or "", ())
        if not names:
            return [], ()
        modules = self.index.modules
        containers = ("ModuleList", "ModuleDict", "ParameterList", "ParameterDict")
        saved: list[int] = []
        inside = ""
        for position in self.index.ending(names):
            module = modules[position]
            if module.kind in containers:
                self._refuse(
                    "saved-container", f"modules_to_save cannot contain the {module.kind} {module.path}",
                    (module.path,), "TypeError",
                )  # fmt: skip
            elif module.path in adapted:
                self._refuse(
                    "saved-adapted", f"modules_to_save contains {module.path}, which is adapted too",
                    (module.path,), "TypeError",
                )  # fmt: skip
            if not (inside and module.path.startswith(inside)):
                saved.append(position)
                inside = f"{module.path}."
        own = dict.fromkeys(self.targets.modules_to_save or ())
        return saved, tuple(name for name in own if not self.index.ending((name,)))

    def _tokens(
        self, input_embedding: str | None, adapted: set[str], saved: list[int], tied: Sequence[tuple[str, ...]]
    ) -> int | None:
        """Parameters of `trainable_token_indices`."""
        given = self.targets.trainable_tokens
        if given is None:
            return 0
        layers = given if isinstance(given, Mapping) else {input_embedding or "embed_tokens": given}
        paths = {self.index.modules[position].path for position in saved}
        sizes: list[int | None] = []
        twins = self._twins(layers, tied)
        for name, indices in layers.items():
            if name in self.save:
                self._refuse("tokens", f"{name} is also in modules_to_save", (name,))
            hits = [self.index.modules[position] for position in self.index.ending((name,))]
            if not hits:
                self._refuse("tokens", f"trainable_token_indices names no module: {name}", (name,))
            for module in hits:
                if module.path in adapted:
                    self._refuse("tokens", f"{module.path} is also adapted", (module.path,), "TypeError")
                elif module.own == 0:
                    self._refuse("tokens", f"{module.path} has no weight", (module.path,), "AttributeError")
                size = module.outputs if module.kind == "Embedding" else module.inputs
                if module.path in paths:
                    sizes.append(None)
                elif module.path not in twins:
                    sizes.append(len(indices) * size if size and module.own >= 0 else None)
                if module.path == input_embedding and self.version < 5 and len(set(layers.values())) == 1:
                    is_open = self._refuse_adapted_twins(module.path, adapted, tied)
                    sizes += [None] * (is_open or (bool(adapted) and self.model_type in _TIED_ELSEWHERE))
        return total(sizes)

    def _refuse_adapted_twins(self, embedding: str, adapted: set[str], tied: Sequence[tuple[str, ...]]) -> bool:
        """Whether it is left open what becomes of a layer that is adapted and shares its weight with the embedding.

        PEFT 0.21.2 (utils/other.py, `set_additional_trainable_modules`) wraps what is tied to the embedding as well.
        Under transformers 4 it names the layer itself, which a wrapper refuses once it is adapted; under 5 its base
        layer. Below the top of the model the names in `_tied_weights_keys` may be of another layer or missing
        (transformers 4.57.6: "lm_head.decoder" in modeling_mpnet.py, none in modeling_instructblip.py)."""
        is_open = False
        for group in tied:
            owners = [name.rpartition(".")[0] for name in group]
            if embedding in owners:
                for path in adapted.intersection(owners) - {embedding}:
                    if "." in path or self.model_type in _TIED_ELSEWHERE:
                        is_open = True
                        continue
                    text = f"{path} is adapted, and shares its weight with {embedding}, whose tokens are trained"
                    self._refuse("tokens", text, (path,), "TypeError")
        return is_open

    def _twins(self, layers: Mapping[str, tuple[int, ...]], tied: Sequence[tuple[str, ...]]) -> set[str]:
        """The modules that share the rows of the one that they are tied to: of several tied layers with the same
        indices those after the first, which PEFT 0.21.2 finds only if they are named by their whole path."""
        twins = set()
        for group in tied:
            owners = [name.rpartition(".")[0] for name in group]
            named = {name: indices for name, indices in layers.items() if any(each.endswith(name) for each in owners)}
            if len(named) > 1 and len(set(named.values())) == 1:
                twins |= set(owners[1:]) & named.keys()
        return twins

    def _parameters(
        self, matched: Iterable[Matched], saved: list[int], tokens: int | None, tied: Sequence[tuple[str, ...]]
    ) -> int | None:
        index = self.index
        sizes: list[int | None] = [tokens, *(record.trainable for record in matched)]
        if self.targets.method is not None:
            sizes.append(self.targets.method.shared())
        sizes += [copied(index, position, tied) for position in saved]
        if self.targets.bias != "none":
            inside = {module.path for position in saved for module in index.below(position)}
            if self.targets.bias == "all":
                sizes.append(all_biases(index, inside, tied))
            else:
                sizes.append(self._adapted_biases(matched, inside))
        return total(sizes)

    def _adapted_biases(self, matched: Iterable[Matched], inside: set[str]) -> int | None:
        """Biases of the adapted layers alone."""
        paths = dict.fromkeys(
            f"{record.path}.out_proj" if record.kind == "MultiheadAttention" else record.path for record in matched
        )
        sizes: list[int | None] = []
        for path in paths:
            module = self.index.module(path)
            if module is None or module.own < 0:
                return None
            if path not in inside:
                sizes.append(module.bias)
        return total(sizes)


@dataclass
class _Hits:
    """What became of the entries: positions of adapted modules with the entry that named each, and entries by their
    fate."""

    positions: dict[int, str] = field(default_factory=dict)
    unmatched: set[str] = field(default_factory=set)
    out_of_layers: set[str] = field(default_factory=set)
    bypassing: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    overlapping: set[str] = field(default_factory=set)


def _endings(path: str) -> list[str]:
    """All endings of a path at its dots, shortest first."""
    parts = path.split(".")
    return [".".join(parts[start:]) for start in reversed(range(len(parts)))]


_HEADS_SAVED_LATE = {"TOKEN_CLS": ("classifier", "score"), "QUESTION_ANS": ("qa_outputs",)}
"""Heads that PEFT adds to `modules_to_save` only after it matched, so that LoRA may have taken them already (which it
then refuses); those of SEQ_CLS are added before."""

_TIED_ELSEWHERE = frozenset({"marian", "prophetnet", "zamba"})
"""Types of which transformers 4.57.6 ties other modules than the tensors show: Marian and ProphetNet do not give the
module that PEFT wraps as their input embeddings, and Zamba names the layers that it shares."""
_OUTPUTS = ("lm_head", "embed_out", "proj_out", "output_projection", "vocab_projector", "cls.predictions.decoder")


def _guess_output(index: Index) -> str | None:
    """The output embedding by its usual names."""
    return next((name for name in _OUTPUTS if name in index.position), None)
