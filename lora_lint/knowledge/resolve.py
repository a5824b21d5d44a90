"""From a run to the modules it adapts: the model behind its name, that model's modules, and PEFT's match on them.

Rules and `inspect` share the answer. A name, a head or a version of transformers that is not certain gives several
cases; what is reported has to hold in all of them.
"""

from __future__ import annotations

import os

from lora_lint.knowledge.kept import Kept
from lora_lint.knowledge.patterns import TooSlow
from lora_lint.records import dataclass, replace
from lora_lint.run.values import Known, Unknown, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from lora_lint.knowledge.architectures import Architecture
    from lora_lint.knowledge.matching import Match, Targets
    from lora_lint.knowledge.methods import Method
    from lora_lint.knowledge.models import Model
    from lora_lint.knowledge.modules import Beside, Module
    from lora_lint.run.run import BaseModel, Run
    from lora_lint.run.values import Value
    from lora_lint.run.versions import Version

TargetList: TypeAlias = "tuple[str, ...] | str | None"

_FALLBACKS = ("causal-lm", "image-text-to-text", "seq2seq-lm", "speech-seq2seq", "masked-lm", "image-cls", "base")
_KEPT = 64
_KEPT_MODELS = 256
_KEPT_MODULES = 250_000
"""The modules of the models that are kept take some 200 bytes each, and most models have under a thousand. A collection
of notebooks comes back to each of its models: of 70 models, 64 kept ones were none of those that came next."""
_KEPT_MATCHES = 256


class Built:
    """The modules of one model, and what else `match` needs to know."""

    def __init__(self, architecture: Architecture, model: Model) -> None:
        """Raises architectures.UnusableConfig."""
        from lora_lint.knowledge.adaptable import adaptable
        from lora_lint.knowledge.architectures import certain, unsized

        self.architecture = architecture
        self.config = model.config
        self.modules, self.beside = adaptable(architecture, model.config)
        self.certain = model.complete and model.stock and certain(architecture, model.config)
        """Whether it is certain which modules there are; the numbers of a module are certain unless `own` is -1."""
        self.unsized = unsized(architecture, model.config) if self.certain else frozenset()

    @classmethod
    def of_object(
        cls, architecture: Architecture, config: Mapping[str, Any], modules: tuple[Module, ...], beside: Beside
    ) -> Built:
        """The modules of a model object, all of which are certain."""
        built = cls.__new__(cls)
        built.architecture, built.config = architecture, config
        built.modules, built.beside = modules, beside
        built.certain, built.unsized = True, frozenset()
        return built

    @property
    def exact(self) -> bool:
        """Whether every size of every module is certain."""
        return self.certain and not self.unsized


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model object: what it is, its modules, and the number of its parameters (tied ones once)."""

    model: Model
    built: Built
    parameters: int


@dataclass(frozen=True)
class Case:
    """One possible run: a model under a major version of transformers, with one of the target settings.

    `sure_head` is False if the class that loads the model is not known, so that names outside the backbone (`lm_head`,
    `score`) cannot be judged.
    """

    name: Known[str]
    model: Model
    version: int
    head: str
    sure_head: bool
    built: Built
    targets: Known[TargetList]
    match: Match
    partial: bool = False
    """A setting that can take modules away (exclusions, layers) is not known."""
    counted: int | None = None
    """All parameters of the base model, where an object was counted."""

    @property
    def modules(self) -> tuple[Module, ...]:
        return self.built.modules

    @property
    def stock(self) -> bool:
        return self.model.stock

    @property
    def exact(self) -> bool:
        """Whether it is certain which modules are adapted, and what their sizes are."""
        return self.built.certain and self.built.unsized.isdisjoint(record.path for record in self.match.modules)

    @property
    def parameters(self) -> int | None:
        """Exactly how many parameters are trainable; None where a size that matters is not certain."""
        return self.match.parameters if self.built.certain and not self.partial else None

    @property
    def total(self) -> int | None:
        """All parameters of the base model; None if a dimension is not known."""
        from lora_lint.knowledge.architectures import parameters

        if self.counted is not None:
            return self.counted
        return parameters(self.built.architecture, self.built.config) if self.built.exact else None


@dataclass(frozen=True)
class Resolved:
    """What is known about a run's model and modules. `why` completes "unknown because …" if there are no cases.

    `remote` are models whose code is not in transformers, with the value that names each: only leaf names are known.
    `slow` is the regular expression that leaves everything unknown, because PEFT would not finish matching it.
    """

    model: Model | None = None
    cases: tuple[Case, ...] = ()
    remote: tuple[tuple[Known[str], Model], ...] = ()
    why: str = ""
    slow: TooSlow | None = None

    @property
    def matches(self) -> tuple[Match, ...]:
        return tuple(case.match for case in self.cases)

    @property
    def total(self) -> int | None:
        """All parameters of the base model, where there is one answer."""
        totals = {case.total for case in self.cases}
        return totals.pop() if len(totals) == 1 else None


_resolved: dict[int, tuple[Run, Resolved]] = {}
_built: dict[Any, Built | None] = {}
_built_of: Kept[Built | None] = Kept(_KEPT)
_matched: dict[Any, tuple[Built, Match]] = {}


def resolve(run: Run) -> Resolved:
    """What `run` adapts. Kept for the last few runs, so that the rules on one run pay for it once."""
    entry = _resolved.get(id(run))
    if entry is not None and entry[0] is run:
        return entry[1]
    found = _resolve(run)
    if len(_resolved) >= _KEPT:
        _resolved.clear()
    _resolved[id(run)] = (run, found)
    return found


def _resolve(run: Run) -> Resolved:
    if run.model.loaded is not None:
        return _of_object(run, run.model.loaded)
    named = _models(run.model, run.path)
    if isinstance(named, str):
        return Resolved(why=named)
    model = named[0][1] if len({model.model_type for _, model in named}) == 1 else None
    if isinstance(run.adapter.target_modules, Unknown):
        return Resolved(model, why=f"the targets are not known: {run.adapter.target_modules.why}")
    cases: list[Case] = []
    remote: list[tuple[Known[str], Model]] = []
    for name, each in named:
        if each.module_names == ():
            return Resolved(model, why=f"the modules of {each.model_type} are not known")
        if each.module_names is not None:
            remote.append((name, each))
            continue
        try:
            built = _cases(run, name, each)
        except TooSlow as slow:
            return Resolved(model, why=f"matching {slow.pattern!r} takes too long", slow=slow)
        if not built:
            return Resolved(model, why=f"the modules of {each.model_type} are not known")
        cases += built
    return Resolved(model, tuple(cases), tuple(remote))


def certain_modules(
    name: str, loader: str | None, near: str | None, *, sized: bool = True
) -> tuple[Module, ...] | None:
    """The modules of a model as a class loads it by its name; None where it is not certain which it has, or where they
    go by other names under an older transformers. Without `sized` there may be more or fewer layers than these."""
    from lora_lint.knowledge.architectures import VERSIONS, head_for
    from lora_lint.knowledge.models import identify

    model, head = identify(name, near=near), head_for(loader)
    if model is None or head is None or model.module_names is not None:
        return None
    found: list[tuple[Module, ...]] = []
    for version in VERSIONS:
        kind = _architecture(model, head, version)
        built = _build(kind, model) if kind is not None else None
        if built is not None:
            found.append(built.modules if built.certain or (not sized and model.stock) else ())
    paths = {tuple(module.path for module in each) for each in found}
    return found[0] if len(paths) == 1 and found[0] else None


def _of_object(run: Run, loaded: Loaded) -> Resolved:
    """What is adapted of a model object."""
    model, built = loaded.model, loaded.built
    kind = built.architecture
    cases = []
    for targets in alternatives(run.adapter.target_modules):
        settings, partial, _ = _targets(run, targets.value)
        try:
            match = _match(built, settings, kind, run.below("peft"))
        except TooSlow as slow:
            return Resolved(model, why=f"matching {slow.pattern!r} takes too long", slow=slow)
        name = Known(model.name)
        cases.append(
            Case(name, model, kind.version, kind.head, True, built, targets, match, partial, loaded.parameters)
        )
    return Resolved(model, tuple(cases))


def _models(base: BaseModel, path: str) -> list[tuple[Known[str], Model]] | str:
    """Every model that the run may load, or why it is not known."""
    from lora_lint.knowledge.architectures import variants
    from lora_lint.knowledge.models import Clue, Model, identify

    near = os.path.dirname(path) or None
    if base.architecture is not None:
        fallback = Model(base.architecture, base.architecture, how=Clue.DIALECT)
        name = known(base.name)
        named = identify(name, near=near, own=base.own) if name is not None else None
        if named is None or named.model_type != base.architecture:
            named = fallback
        return [(Known(named.name), named)]
    built = variants(base.loader or "")
    if len(built) == 1 and not alternatives(base.name):  # the class says which modules there are, whatever it loads
        return [(Known(built[0]), Model(built[0], built[0], how=Clue.CLASS))]
    if isinstance(base.name, Unknown):
        return f"the model is not known: {base.name.why}"
    found: list[tuple[Known[str], Model]] = []
    for value in alternatives(base.name):
        models = _loaded(base, value.value, built, near)
        if isinstance(models, str):
            return models
        found.extend((value, model) for model in models)
    return found


def _loaded(base: BaseModel, name: str, built: Sequence[str], near: str | None) -> list[Model] | str:
    """Every model that a loader, whose class builds one of the types `built`, may load by one name, or why it is not
    known."""
    from lora_lint.knowledge.models import Clue, Model, identify

    named = _with_own_names(base.loader)
    model = named(name) if named is not None else identify(name, near=near, own=base.own)
    if built and (model is None or model.model_type not in built):
        if len(built) > 1:  # its config decides of which blocks it is made
            return f"the {base.loader} of {name} is not known"
        return [Model(name, built[0], how=Clue.CLASS)]
    if model is None:
        return f"the model {name} is not known"
    if not built and _is_other_part(base, model):
        return f"{base.loader or 'the program'} loads another part of {name} than {model.model_type}"
    if not _republished(base, name):
        return [model]
    twin = identify(f"unsloth/{name.rpartition('/')[2]}")
    if twin is None:
        return f"it is not known in which form unsloth loads {name}"
    return [model] if twin.model_type == model.model_type else [model, twin]


def _with_own_names(loader: str | None) -> Callable[[str], Model | None] | None:
    """What knows the models of a loader by names of its own; None for those that take names of the hub."""
    if loader is None or not loader.endswith(".create_model"):
        return None
    from lora_lint.knowledge import open_clip, timm

    return {timm.LOADER: timm.identify, open_clip.LOADER: open_clip.identify}.get(loader)


_BESIDE_DENOISERS = ("text_encoder", "image_encoder", "vae", "safety_checker")
"""The beginnings of the names of folders beside `unet` and `transformer`."""


def _is_other_part(base: BaseModel, model: Model) -> bool:
    """Whether a class, which may not be known, loads another part of an image model's folder (`text_encoder`) than the
    one that the folder is known for."""
    from lora_lint.knowledge.architectures import is_diffuser

    if not is_diffuser(model.model_type):
        return False
    if base.loader is not None:
        return not base.loader.endswith("Pipeline")
    return any(str(each.value).startswith(_BESIDE_DENOISERS) for each in alternatives(base.subfolder))


def _republished(base: BaseModel, name: str) -> bool:
    """Whether unsloth loads a model, and may substitute its own copy, which can have a different form."""
    organisation, _, rest = name.partition("/")
    return base.loader_adapts and "/" not in rest and rest != "" and organisation not in ("", ".", "..", "~", "unsloth")


def _cases(run: Run, name: Known[str], model: Model) -> list[Case]:
    from lora_lint.knowledge import moe
    from lora_lint.knowledge.architectures import VERSIONS, is_gap

    head, sure = _head(run)
    wanted = (int(run.model.transformers.partition(".")[0]),) if run.model.transformers else VERSIONS
    cases: list[Case] = []
    for version in wanted:
        if is_gap(model.model_type, head, version):
            return []  # what is wrong under one version may be right under the other
        converted = moe.family(model.model_type, version, run.below("peft")) is not None
        if converted and run.method != "LoraConfig":
            return []  # PEFT rewrites the names of experts, for parameters that only LoRA adapts
        heads = (head, *(other for other in _FALLBACKS if other != head))
        architectures = (_architecture(model, each, version) for each in heads)
        found = next((each for each in architectures if each is not None), None)
        if found is None:
            continue
        built = _build(found, _labelled(model, run.model, found.head))
        if built is None:
            continue
        for stated in alternatives(run.adapter.target_modules):
            targets = _completed(run, stated, model, found, built)
            if targets is None:
                return []
            match, partial = _match_of(run, targets.value, found, built, converted)
            is_sure = sure and found.head == head
            cases.append(Case(name, model, version, found.head, is_sure, built, targets, match, partial))
        if all(_clean(case.match) for case in cases):
            break  # what is right under one version is not checked under the other
    return cases


def _completed(
    run: Run, targets: Known[TargetList], model: Model, found: Architecture, built: Built
) -> Known[TargetList] | None:
    """The targets with those that unsloth chooses, where the run names parts of the model alone; None where it is not
    known which."""
    parts = known(run.adapter.parts)
    if parts is None or targets.value is not None:
        return targets
    if found.head == "seq2seq-lm":
        return None
    from lora_lint.knowledge import unsloth

    chosen = unsloth.chosen(parts, built.modules, model.model_type)
    return Known(chosen, None, "framework-default") if chosen is not None else None


def _match_of(run: Run, targets: TargetList, found: Architecture, built: Built, converted: bool) -> tuple[Match, bool]:
    """What PEFT matches, with the names of experts `converted` to parameters or not; and whether a setting that removes
    modules is unknown."""
    settings, partial, counted = _targets(run, targets)
    settings = _redirected(run, settings)
    reached = _expert_parameters(run, settings, built)
    if reached and not converted:  # otherwise PEFT treats them the same
        settings = replace(settings, target_parameters=tuple(dict.fromkeys(reached.values())))
    match = _match(built, settings, found, run.below("peft"))
    if reached:
        match = replace(match, unmatched=tuple(entry for entry in match.unmatched if entry not in reached))
    return (match if counted else replace(match, parameters=None)), partial


def _expert_parameters(run: Run, settings: Targets, built: Built) -> Mapping[str, str]:
    """The targets that unsloth passes to PEFT as parameters, if it loads the model."""
    listed = settings.target_modules
    if not run.model.loader_adapts or not isinstance(listed, tuple) or settings.target_parameters is not None:
        return {}
    from lora_lint.knowledge.unsloth import expert_parameters

    return expert_parameters(listed, built.beside.parameters)


def _redirected(run: Run, settings: Targets) -> Targets:
    """The settings as unsloth passes them to PEFT, if it loads the model."""
    listed = settings.target_modules
    if not run.model.loader_adapts or not isinstance(listed, tuple):
        return settings
    from lora_lint.knowledge.unsloth import redirected

    left, saved = redirected(listed, settings.modules_to_save or ())
    return settings if left == listed else replace(settings, target_modules=left, modules_to_save=saved)


def _clean(match: Match) -> bool:
    return bool(match.modules) and not match.unmatched and not match.unsaved and not match.errors


def _head(run: Run) -> tuple[str, bool]:
    """The head that the model is loaded with, and whether that is certain."""
    from lora_lint.knowledge.architectures import head_for, head_for_task

    head = head_for(run.model.loader) or head_for_task(known(run.adapter.task_type))
    return head or "causal-lm", head is not None


def _architecture(model: Model, head: str, version: int) -> Architecture | None:
    from lora_lint.knowledge.architectures import architecture, learned

    if model.learned is not None:
        return learned(model.learned, head, version)
    return architecture(model.model_type, head, version)


def _labelled(model: Model, base: BaseModel, head: str) -> Model:
    """The model with the number of labels that it is loaded with: a classifier's last layer has as many outputs."""
    if not head.endswith("-cls"):
        return model
    config = {key: value for key, value in model.config.items() if key not in ("num_labels", "id2label")}
    if isinstance(base.labels, Known):
        stated = model.config.get("id2label") or range(model.config.get("num_labels", 2))
        config["num_labels"] = len(stated) if base.labels.value is None else base.labels.value
    return replace(model, config=config)


def _build(found: Architecture, model: Model) -> Built | None:
    """The modules of an architecture under a model's config; None for a config that cannot describe a model. Each
    config in the table is a single object: by its identity an entry is found without comparing the fields."""
    return _built_of.get(lambda: _build_by_fields(found, model), found, model.config, model.complete, model.stock)


def _build_by_fields(found: Architecture, model: Model) -> Built | None:
    key = (found.model_type, found.head, found.version, model.complete, model.stock, _frozen(model.config))
    if key not in _built:
        from lora_lint.knowledge.architectures import UnusableConfig

        kept = sum(len(each.modules) for each in _built.values() if each is not None)
        if len(_built) >= _KEPT_MODELS or kept > _KEPT_MODULES:
            _built.clear()
        try:
            _built[key] = Built(found, model)
        except UnusableConfig:
            _built[key] = None
    return _built[key]


def _method(run: Run) -> Method | None:
    """The method of a run with its settings; None for LoRA."""
    if run.method == "LoraConfig":
        return None
    from lora_lint.knowledge import methods

    given = {name: value.value for name, value in run.settings.items() if isinstance(value, Known)}
    return methods.method(run.method, given, frozenset(run.settings.keys() - given.keys()))


def _targets(run: Run, target_modules: TargetList) -> tuple[Targets, bool, bool]:
    """PEFT's settings; whether one that removes modules is unknown; whether everything that counts depend on is
    known."""
    from lora_lint.knowledge.matching import Targets

    adapter, method = run.adapter, _method(run)

    def of(value: Value[Any], default: Any) -> tuple[Any, bool]:
        return (value.value, True) if isinstance(value, Known) else (default, False)

    filters = {
        field: of(getattr(adapter, field), None)
        for field in ("exclude_modules", "layers_to_transform", "layers_pattern", "target_parameters")
    }
    counts = {
        "rank": of(adapter.rank, None),
        "rank_pattern": of(adapter.rank_pattern, {}),
        "modules_to_save": of(adapter.modules_to_save, None),
        "use_dora": of(adapter.use_dora, False),
        "bias": of(adapter.bias, "none"),
        "lora_bias": of(adapter.lora_bias, False),
        "task_type": of(adapter.task_type, None),
        "trainable_tokens": _tokens(adapter.trainable_token_indices),
    }
    rank = counts["rank"][0]
    if rank is not None and rank < 1:
        counts["rank"] = (None, False)
    if method is not None:
        counts |= {"rank": (None, True), "rank_pattern": ({}, True), "use_dora": (False, True)}
        counts |= {"lora_bias": (False, True), "trainable_tokens": (None, True)}
    if counts["bias"][0] not in ("none", "all", "lora_only"):
        counts["bias"] = ("none", False)
    values = {field: value for field, (value, _) in (filters | counts).items()}
    settings = Targets(target_modules=target_modules, method=method, **values)
    return settings, not all(sure for _, sure in filters.values()), all(sure for _, sure in counts.values())


def _tokens(value: Value[Any]) -> tuple[Any, bool]:
    """The token indices that are trained, by layer if PEFT gets a dict; and whether they are known."""
    given = value.value if isinstance(value, Known) else None
    if isinstance(given, list | tuple):
        return tuple(given), True
    if isinstance(given, dict) and all(isinstance(each, list | tuple) for each in given.values()):
        return {str(name): tuple(each) for name, each in given.items()}, True
    return None, isinstance(value, Known) and given is None


def _match(built: Built, settings: Targets, found: Architecture, below: Version | None) -> Match:
    from lora_lint.knowledge.matching import match

    key = (id(built), below, repr(vars(settings)))
    kept = _matched.get(key)
    if kept is None or kept[0] is not built:
        if len(_matched) >= _KEPT_MATCHES:
            _matched.clear()
        kind, version = found.model_type, found.version
        result = match(built.modules, settings, model_type=kind, version=version, beside=built.beside, below=below)
        kept = _matched[key] = (built, result)
    return kept[1]


def _frozen(value: Any) -> Any:
    """A hashable form of a config."""
    if hasattr(value, "items"):
        return tuple(sorted((str(key), _frozen(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    return repr(value)
