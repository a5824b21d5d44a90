"""The modules of every transformers model type, and of diffusers' UNets and transformers, without torch.

The data (`data/architectures/*.json`, one small file a type, read when first asked for; a wheel has them packed in one
file) is written by `scripts/generate_architectures.py`, which builds each model class on the meta device, those of
transformers under versions 5 and 4, and records its modules with sizes, counts and conditions as terms over the
config's fields (see `expressions`). A config may be partial: fields that are not given have the config class's
defaults, or what the class derives them from.
"""

from __future__ import annotations

import json
import os
from functools import cached_property, lru_cache
from math import prod

from lora_lint.knowledge import edition
from lora_lint.knowledge.expressions import Unevaluable, depends_on_index, evaluate
from lora_lint.knowledge.kept import Kept
from lora_lint.knowledge.modules import ADAPTED, LINEAR_KINDS, PEFT_KINDS, Module, Parameter
from lora_lint.knowledge.packed import Pack
from lora_lint.records import NamedTuple, dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any, TypeVar

    Row = TypeVar("Row", bound=tuple[Any, ...])

DATA = os.path.join(edition.BUNDLED, "architectures")
"""The folder of plain files in a checkout."""

VERSIONS = (5, 4)
DIFFUSERS = "diffusers"
"""The key of what diffusers builds, whichever transformers is installed beside it."""
LARGEST = 400_000
"""More modules than any model has: a hostile config must not fill the memory."""

_LOADERS = {
    "AutoModel": "base",
    "AutoModelForCausalLM": "causal-lm",
    "AutoModelForMaskedLM": "masked-lm",
    "AutoModelForSequenceClassification": "seq-cls",
    "AutoModelForTokenClassification": "token-cls",
    "AutoModelForQuestionAnswering": "qa",
    "AutoModelForMultipleChoice": "multiple-choice",
    "AutoModelForSeq2SeqLM": "seq2seq-lm",
    "AutoModelForImageTextToText": "image-text-to-text",
    "AutoModelForVision2Seq": "image-text-to-text",
    "AutoModelForMultimodalLM": "multimodal-lm",
    "AutoModelForSpeechSeq2Seq": "speech-seq2seq",
    "AutoModelForCTC": "ctc",
    "AutoModelForAudioClassification": "audio-cls",
    "AutoModelForImageClassification": "image-cls",
    "AutoModelForVideoClassification": "video-cls",
    "AutoModelForSemanticSegmentation": "semantic-segmentation",
    "AutoModelForObjectDetection": "object-detection",
    "AutoModelForZeroShotObjectDetection": "zero-shot-object-detection",
    "AutoModelForUniversalSegmentation": "universal-segmentation",
    "AutoModelForMaskGeneration": "mask-generation",
    "AutoModelForDepthEstimation": "depth-estimation",
    "AutoModelForZeroShotImageClassification": "zero-shot-image-cls",
    "AutoModelForTextToWaveform": "text-to-waveform",
    "AutoModelForTextToSpectrogram": "text-to-spectrogram",
    "AutoModelForVisualQuestionAnswering": "visual-qa",
    "AutoModelForPreTraining": "pretraining",
    "AutoModelForCausalLMWithValueHead": "causal-lm",
    "AutoModelForSeq2SeqLMWithValueHead": "seq2seq-lm",
    "AutoLigerKernelForCausalLM": "causal-lm",
    "AutoGPTQForCausalLM": "causal-lm",
    "AutoAWQForCausalLM": "causal-lm",
    "GPTQModel": "causal-lm",
    "FastLanguageModel": "causal-lm",
    "FastLlamaModel": "causal-lm",
    "FastMistralModel": "causal-lm",
    "FastQwen2Model": "causal-lm",
    "FastGemmaModel": "causal-lm",
    "FastVisionModel": "image-text-to-text",
}


_TASKS = {
    "CAUSAL_LM": "causal-lm",
    "SEQ_CLS": "seq-cls",
    "SEQ_2_SEQ_LM": "seq2seq-lm",
    "TOKEN_CLS": "token-cls",
    "QUESTION_ANS": "qa",
    "FEATURE_EXTRACTION": "base",
}
"""PEFT's task types -> heads."""


class UnusableConfig(ValueError):
    """The config's values cannot describe a model: wrong types, or impossible sizes."""


@dataclass(frozen=True, eq=False)
class Architecture:
    """One class of transformers: `LlamaForCausalLM` as (llama, causal-lm) under a major version of transformers.

    `defaults`: the default of each config field that decides a module or a size (dotted names in nested configs).
    `prefix`: the attribute that holds the base model. `input_embeddings` and `output_embeddings` are module paths, or
    None.
    """

    model_type: str
    head: str
    class_name: str
    version: int
    defaults: Mapping[str, Any]
    prefix: str
    input_embeddings: str | None
    output_embeddings: str | None
    _nodes: Sequence[Any] = field(repr=False)
    _root: int = field(repr=False)
    _fields: Mapping[str, Mapping[str, Any]] = field(repr=False)
    _aliases: Mapping[str, str] = field(repr=False)
    _subs: Mapping[str, Mapping[str, Any]] = field(repr=False)
    _usual: Mapping[str, Any] = field(repr=False)
    """For a class whose terms hold only in usual configs: the defaults of the fields that decide something under any
    version."""
    _spent: Mapping[str, Any] = field(repr=False)
    """Names that the config class accepts and turns into other fields in an unknown way, with the values that give the
    defaults; and fields whose terms hold for one value alone, or that no model was built with another value of, with
    that value."""
    _unseen: Collection[str] = field(repr=False)
    """Names that modules have in the class's code, and that no model built for the data has."""

    def has_part(self, scope: str) -> bool:
        """Whether the config contains another config under this name."""
        return scope in self._subs


def of_object(model_type: str, head: str, class_name: str, version: int, ends: Ends) -> Architecture:
    """The class of a model object, whose modules are read from the object: none follow from the architecture."""
    nothing: dict[str, Any] = {}
    return Architecture(
        *(model_type, head, class_name, version, nothing, ends.prefix, ends.inputs, ends.outputs),
        *((), 0, nothing, nothing, nothing, nothing, nothing, ()),
    )


def names_module(architecture: Architecture, name: str) -> bool:
    """Whether a module has this name under any config: fields of the config decide which kinds of layers exist."""
    return name in architecture._unseen or any(child[0] == name for node in architecture._nodes for child in node[4])


@dataclass(frozen=True)
class Ends:
    """Where a model has its base model, its input embeddings and its output embeddings."""

    prefix: str = ""
    inputs: str | None = None
    outputs: str | None = None


class BaseParameter(NamedTuple):
    """One parameter of the base model: its full name and shape. `counted` is False for a name that shares its tensor
    with an earlier one (a tied output embedding)."""

    path: str
    shape: tuple[int, ...]
    counted: bool = True


@dataclass(frozen=True, eq=False)
class _Part:
    """A module with what is in it, under relative names, and whether it is certain which modules there are.

    The modules of which a size, or the shape of an own parameter, is not certain have `own` = -1. `size` counts the
    modules; `ties` says that a parameter in it shares its tensor with another.
    """

    module: Module
    parameters: tuple[BaseParameter, ...] = ()
    children: tuple[tuple[str, _Part], ...] = ()
    certain: bool = True
    size: int = 1
    ties: bool = False


@dataclass(frozen=True, eq=False)
class _Whole:
    """A model: its modules under their full names, the parameters that are no layer, whether it is certain which
    modules there are, and whether a parameter shares its tensor with another."""

    root: _Part
    modules: tuple[Module, ...]
    loose: tuple[Parameter, ...]

    @property
    def certain(self) -> bool:
        return self.root.certain

    @property
    def ties(self) -> bool:
        return self.root.ties

    @cached_property
    def parameters(self) -> tuple[BaseParameter, ...]:
        """All parameters under their full names, in the order of the modules."""
        return tuple(_spread(self.root, BaseParameter, _parameters))


# what is known


def model_types() -> tuple[str, ...]:
    """Every known model type, in alphabetical order."""
    return tuple(sorted(name for name in _types() if not name.startswith("_")))


def is_type(model_type: str) -> bool:
    """Whether the modules of a model type are known."""
    return model_type in _types() and not model_type.startswith("_")


def heads(model_type: str, version: int = 5) -> tuple[str, ...]:
    """The heads that transformers has for a model type; empty if the type is not known under this version."""
    known = _heads(model_type)
    return known.get(str(version)) or known.get(DIFFUSERS) or ()


def is_diffuser(model_type: str | None) -> bool:
    """Whether a type is a class of diffusers, which names its UNets and transformers by their classes
    (`FluxTransformer2DModel`)."""
    return model_type is not None and DIFFUSERS in _heads(model_type)


def variants(model_type: str) -> tuple[str, ...]:
    """The types that a class of diffusers builds: Stable Diffusion's UNet is SDXL's too, with other blocks."""
    return tuple(name for name in (model_type, f"{model_type}-XL") if is_diffuser(name))


TEXT_ALONE = frozenset({"mllama"})
"""Types with a gap at "causal-lm" that is their text model by itself, with other paths than the whole model has
(transformers 5.23.0, models/auto/modeling_auto.py; measured: an adapter of the one has no tensor for the other)."""


def is_vouched_for(model_type: str, config: Mapping[str, Any]) -> bool:
    """Whether a config of a class of diffusers has only values that models of this type were built with."""
    found = architecture(model_type, "base")
    return found is not None and _holds(found._spent, config)


def is_gap(model_type: str, head: str, version: int) -> bool:
    """Whether this version of transformers has a model that is not in the data, so that nothing is known about it."""
    if head in heads(model_type, version):
        return False
    gaps: dict[str, list[str]] = _index()["gaps"].get(model_type, {})
    return head in gaps.get(str(version), ())


@lru_cache(maxsize=2048)
def class_of(name: str) -> tuple[str, str] | None:
    """The (model type, head) of a transformers class: "LlamaForCausalLM" gives ("llama", "causal-lm")."""
    kind = _classes().get(name)
    entries = _document(kind)["versions"].values() if kind is not None else ()
    head = next((head for entry in entries for head, known in entry["heads"].items() if known[0] == name), None)
    return None if kind is None or head is None else (kind, head)


def head_for(loader: str | None) -> str | None:
    """The head that a loader gives: "AutoModelForCausalLM" -> "causal-lm"; class names of transformers too.

    A dotted name counts by its last part that is a class. None if the loader is not known.
    """
    if loader is None:
        return None
    for part in reversed(loader.split(".")):
        if part in _LOADERS:
            return _LOADERS[part]
        known = class_of(part) if part[:1].isupper() else None
        if known is not None:
            return known[1]
    return None


def head_for_task(task_type: str | None) -> str | None:
    """The head that a PEFT task type is for: "SEQ_CLS" -> "seq-cls"; None if it implies none."""
    return None if task_type is None else _TASKS.get(task_type)


def heads_of_loaders() -> Mapping[str, Sequence[str]]:
    """The loaders of transformers and of others that give each head, best known first."""
    found: dict[str, list[str]] = {}
    for loader, head in _LOADERS.items():
        found.setdefault(head, []).append(loader)
    return found


@lru_cache(maxsize=256)
def architecture(model_type: str, head: str, version: int = 5) -> Architecture | None:
    """The architecture of a model type with a head; None if that version of transformers has no such class."""
    if head not in heads(model_type, version):
        return None
    document = _document(model_type)
    own = str(version) if str(version) in document["versions"] else DIFFUSERS
    return _architecture(document, model_type, head, own, version)


def learned(document: Mapping[str, Any], head: str, version: int) -> Architecture | None:
    """The same from what `lora-lint learn` wrote; None where it has no such class, or is no such document."""
    try:
        if head not in document["versions"][str(version)]["heads"]:
            return None
        return _architecture(document, document["type"], head, str(version), version)
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def _architecture(document: Mapping[str, Any], model_type: str, head: str, key: str, version: int) -> Architecture:
    entry = document["versions"][key]
    class_name, root, prefix, inputs, outputs = entry["heads"][head]
    return Architecture(
        model_type=model_type,
        head=head,
        class_name=class_name,
        version=version,
        defaults={name: known.get("=") for name, known in entry["fields"].items()},
        prefix=prefix or "",
        input_embeddings=inputs,
        output_embeddings=outputs,
        _nodes=document["nodes"],
        _root=root,
        _fields=entry["fields"],
        _aliases=entry["aliases"],
        _subs=entry["subs"],
        _usual=_decisive(document) if entry.get("usual") else {},
        _spent={**entry.get("spent", {}), **entry.get("held", {})},
        _unseen=entry.get("unseen", ()),
    )


def _decisive(document: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: known for entry in document["versions"].values() for name, known in entry["fields"].items()}
    return {name: known.get("=") for name, known in fields.items() if name != "num_labels"}


# the modules of a config


def modules(architecture: Architecture, config: Mapping[str, Any]) -> tuple[Module, ...]:
    """Every module that `named_modules()` gives for a model of this config, in its order; the root has path "".

    What follows from a config is kept by its identity (`Kept`). Raises UnusableConfig.
    """
    return _expanded(architecture, config).modules


def parameter_shapes(architecture: Architecture, config: Mapping[str, Any]) -> tuple[BaseParameter, ...]:
    """Every parameter of the base model, tied ones included (`counted` False). Raises UnusableConfig."""
    return _expanded(architecture, config).parameters


def loose_parameters(architecture: Architecture, config: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The parameters of the base model that modules of its own register: experts, routers. Raises UnusableConfig."""
    return _expanded(architecture, config).loose


def ties(architecture: Architecture, config: Mapping[str, Any]) -> bool:
    """Whether two parameters of the base model are one tensor. Raises UnusableConfig."""
    return _expanded(architecture, config).ties


def parameters(architecture: Architecture, config: Mapping[str, Any]) -> int | None:
    """How many parameters the base model has (tied tensors once); None if the config leaves open whether its head is
    tied. Raises UnusableConfig."""
    shapes = parameter_shapes(architecture, config)
    whole = sum(prod(each.shape) for each in shapes if each.counted)
    head = f"{architecture.output_embeddings}.weight"
    rows = next((prod(each.shape) for each in shapes if each.path == head and each.counted), 0)
    if not rows or "." in str(architecture.output_embeddings) or not architecture.has_part("text_config"):
        return whole
    tied = _ties_head(architecture, config)
    return None if tied is None else whole - rows if tied else whole


def _ties_head(architecture: Architecture, config: Mapping[str, Any]) -> bool | None:
    """Whether a model around a text model ties its head to the input embedding, as far as its config says.

    transformers 5.23.0 (modeling_utils.py) asks the model's own config, 4.57.6 that of its text model.
    """
    tied = _entry(config, "tie_word_embeddings" if architecture.version >= 5 else "text_config.tie_word_embeddings")
    return tied if isinstance(tied, bool) else None


def projections(architecture: Architecture) -> tuple[str, ...]:
    """The names of the linear modules inside the repeated layers, in order: qkv_proj, o_proj, gate_up_proj, down_proj.

    Routers that are plain linear modules are among them.
    """
    names: dict[str, None] = {}
    for module in modules(architecture, _NOTHING):
        *above, leaf = module.path.split(".")
        if module.kind in LINEAR_KINDS and not leaf.isdigit() and any(part.isdigit() for part in above):
            names.setdefault(leaf)
    return tuple(names)


def certain(architecture: Architecture, config: Mapping[str, Any]) -> bool:
    """Whether it is certain which modules there are that LoRA can adapt: every field that decides it is given, every
    condition known.

    Fields that the class derives from others are missing only if one of those is; switches (true, false, None or a
    list by default) are not asked for. An output embedding that is elsewhere under this config leaves open what
    "all-linear" spares. Raises UnusableConfig.
    """
    found = _expanded(architecture, config)
    output = architecture.output_embeddings
    return found.certain and (output is None or any(module.path == output for module in found.modules))


def unsized(architecture: Architecture, config: Mapping[str, Any]) -> frozenset[str]:
    """The paths of the modules whose size, or whose own parameter's shape, follows from a field that is not given, or
    from a term that is not known.

    Raises UnusableConfig.
    """
    return frozenset(module.path for module in _expanded(architecture, config).modules if module.own < 0)


# inside


@lru_cache(maxsize=1)
def _index() -> dict[str, Any]:
    return _read("_index")


@lru_cache(maxsize=1024)
def _heads(model_type: str) -> dict[str, tuple[str, ...]]:
    """The heads of a model type under each version."""
    if not is_type(model_type):
        return {}
    return {version: tuple(entry["heads"]) for version, entry in _document(model_type)["versions"].items()}


@lru_cache(maxsize=1)
def _classes() -> dict[str, str]:
    """The types of the classes. Apart from the index, because most programs name no class."""
    return {name: kind for kind, names in _read("_classes").items() for name in names.split(" ")}


@lru_cache(maxsize=64)
def _document(model_type: str) -> dict[str, Any]:
    document = _read(model_type)
    return {**document, "nodes": [_whole_node(*node) for node in document["nodes"]]} if _packed() else document


def _whole_node(kind: str, *rest: Any) -> Sequence[Any]:
    """A node of a packed document, where it is shorter (`rare`), as the documents have it."""
    if kind == "@":
        return (kind, *rest)
    if len(rest) < 2:
        return (kind, 0, 0, (), rest[0] if rest else ())
    inputs, outputs, own, *children = rest
    if own.__class__ is int:
        own = [["weight", [outputs, inputs]], ["bias", [outputs]]][:own]
    return (kind, inputs, outputs, own, children[0] if children else ())


@lru_cache(maxsize=1)
def _packed() -> Pack | None:
    path = edition.place(edition.ARCHITECTURES)
    return Pack(path) if os.path.isfile(path) else None


@lru_cache(maxsize=1)
def _types() -> Pack | frozenset[str]:
    """The names of all documents."""
    return _packed() or frozenset(name.removesuffix(".json") for name in os.listdir(DATA))


def _read(name: str) -> dict[str, Any]:
    pack = _packed()
    if pack is not None:
        content = pack.read(name)
    else:
        with open(os.path.join(DATA, name + ".json"), "rb") as file:
            content = file.read()
    document: dict[str, Any] = json.loads(content)
    return document


class _Scope:
    """The fields of one config, with the class's defaults behind them.

    `doubt` becomes true whenever a value is looked up that is not certain. `deciding`: the value decides whether a
    module is there.
    """

    def __init__(
        self, architecture: Architecture, config: Mapping[str, Any], assumed: Mapping[str, Any] | None = None
    ) -> None:
        """`assumed` are the fields that the outer class sets in a nested config by default."""
        self.architecture = architecture
        self.doubt = False
        self.deciding = False
        self.doubtful: set[str] = set()
        self.values: dict[str, Any] = {}
        self.config = config
        self.given = _flatten(config)
        for alias, name in architecture._aliases.items():
            if alias in self.given:
                self.given.setdefault(name, self.given[alias])
        self.assumed = dict(assumed or {})
        for scope in architecture._subs:
            self.assumed |= {f"{scope}.{name}": value for name, value in self.nested(scope)[1].items()}
        self.pending: set[str] = set()

    def __call__(self, name: str) -> Any:
        if name not in self.values:
            outer, self.doubt = self.doubt, False
            self.values[name] = self._find(name)
            if self.doubt:
                self.doubtful.add(name)
            self.doubt = outer
        # There is a layer for the labels, whatever their number.
        self.doubt = self.doubt or (name in self.doubtful and not (self.deciding and name == "num_labels"))
        return self.values[name]

    def _find(self, name: str) -> Any:
        known = self.architecture._fields.get(name, {})
        value = self.given.get(name)
        if value is not None or (name in self.given and "term" not in known):
            return value
        if name in self.assumed:
            return self._assume(self.assumed[name])
        if "term" in known and name not in self.pending:
            self.pending.add(name)
            try:
                return evaluate(known["term"], self)
            except Unevaluable:
                pass
            finally:
                self.pending.discard(name)
        self.doubt = self.doubt or "?" in known
        return self._assume(known.get("="))

    def _assume(self, default: Any) -> Any:
        """A default for a field that is not given: numbers differ from model to model."""
        self.doubt = self.doubt or (isinstance(default, int | float) and not isinstance(default, bool))
        return default

    def understood(self) -> bool:
        """Whether all that the config gives is known to decide what the terms say: it has no name that stands for other
        fields in a way that is not known, no value for which no term holds, and differs in widths and counts alone from
        the default where more is not vouched for."""
        return _holds(self.architecture._spent, self.config) and all(
            name not in self.given or _like(self.given[name], default)
            for name, default in self.architecture._usual.items()
        )

    def nested(self, scope: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The nested config of `scope` as it is given, and what the outer class sets in it by default."""
        nested = self.config.get(scope)
        given = nested if isinstance(nested, dict) else {}
        own = self.architecture._subs.get(scope, {})
        return given, own if given.get("model_type", own.get("model_type")) == own.get("model_type") else {}


def _holds(spent: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether a config has these values. What the class gives no such value, or another, has to be `{"given": …}`."""
    return all(
        _entry(config, name) in ((default["given"],) if isinstance(default, dict) else (None, default))
        for name, default in spent.items()
    )


def _entry(config: Any, name: str) -> Any:
    """The value given under a dotted name, unchanged; None if there is none."""
    for part in name.split("."):
        config = config.get(part) if isinstance(config, dict) else None
    return config


def _like(value: Any, default: Any) -> bool:
    """Whether both are numbers that switch nothing on or off, or equal."""
    plain = all(isinstance(each, int) and not isinstance(each, bool) and each > 1 for each in (value, default))
    return plain or value == default


def _flatten(config: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if name == "id2label" and isinstance(value, dict):
            flat.setdefault(f"{prefix}num_labels", len(value))
        elif isinstance(value, dict) and depth < 4:
            flat.update(_flatten(value, f"{prefix}{name}.", depth + 1))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _expanded(architecture: Architecture, config: Mapping[str, Any]) -> _Whole:
    return _wholes.get(lambda: _expand_root(architecture, config), architecture, config)


_wholes: Kept[_Whole] = Kept(16)
_NOTHING: Mapping[str, Any] = {}


def _expand_root(architecture: Architecture, config: Mapping[str, Any]) -> _Whole:
    try:
        return laid_out(_Expansion(architecture, _Scope(architecture, config)).whole())
    except RecursionError as error:
        raise UnusableConfig("nested too deep") from error
    except (ValueError, LookupError, TypeError) as error:  # a learned document may hold anything
        raise UnusableConfig(str(error)) from error


class _Expansion:
    def __init__(self, architecture: Architecture, scope: _Scope) -> None:
        self.architecture, self.scope = architecture, scope
        self.nodes = architecture._nodes
        self.memory: dict[tuple[int, tuple[int, ...]], _Part] = {}
        self.indexed: dict[int, bool] = {}
        self.layered: dict[int, bool] = {}

    def whole(self) -> _Part:
        """The whole model."""
        found = self.node(self.architecture._root, ())
        return found if self.scope.understood() else replace(found, certain=False)

    def node(self, number: int, index: tuple[int, ...]) -> _Part:
        key = (number, index if self._uses_index(number) else ())
        found = self.memory.get(key)
        if found is None:
            found = self.memory[key] = self._expand(self.nodes[number], index)
        return found

    def _uses_index(self, number: int) -> bool:
        found = self.indexed.get(number)
        if found is None:
            node = self.nodes[number]
            found = False
            if node[0] != "@":
                terms = [node[1], node[2]]
                for _, sizes, *conditions in node[3]:
                    terms += [*sizes, *conditions]
                below: list[int] = []
                for child in node[4]:
                    if child[0] == "*":
                        terms += [child[1], *(condition for _, condition in child[2])]
                        below += [member for member, _ in child[2]]
                    else:
                        terms += child[2:]
                        below.append(child[1])
                found = any(map(depends_on_index, terms)) or any(map(self._uses_index, below))
            self.indexed[number] = found
        return found

    def _has_layers(self, number: int) -> bool:
        """Whether a subtree contains anything that LoRA can adapt."""
        found = self.layered.get(number)
        if found is None:
            node = self.nodes[number]
            found = node[0] == "@" or node[0] in ADAPTED or any(len(shape) > 1 for _, shape, *_ in node[3])
            if not found:
                below = [n for child in node[4] for n in ([m for m, _ in child[2]] if child[0] == "*" else [child[1]])]
                found = any(map(self._has_layers, below))
            self.layered[number] = found
        return found

    def _value(self, term: Any, index: tuple[int, ...]) -> Any:
        term = self._case(term, index)
        if isinstance(term, list) and term[0] == "?":
            self.scope.doubt = True
        return term if isinstance(term, int) else evaluate(term, self.scope, index)

    def _case(self, term: Any, index: tuple[int, ...]) -> Any:
        while isinstance(term, list) and term[0] == "if":
            term = term[2] if evaluate(term[1], self.scope, index) else term[3]
        return term

    def _size(self, term: Any, index: tuple[int, ...]) -> int:
        try:
            value = self._value(term, index)
            if not isinstance(value, int | float) or not 0 <= value < 1e15:
                raise UnusableConfig(f"{term} is {value!r}")
        except (Unevaluable, UnusableConfig):
            if self._is_guess(term, index):
                return 0
            raise
        return int(value)

    def _is_guess(self, term: Any, index: tuple[int, ...]) -> bool:
        """Whether a size is one that no term explains, so that an impossible value says nothing about the config."""
        term = self._case(term, index)
        return isinstance(term, list) and term[0] == "?"

    def _expand(self, node: list[Any], index: tuple[int, ...]) -> _Part:
        if node[0] == "@":
            return self._include(node)
        kind, inputs, outputs, own, children = node
        scope = self.scope
        scope.doubt = False
        sizes = self._size(inputs, index), self._size(outputs, index)
        if kind == "Linear" and 0 in sizes and not (self._is_guess(inputs, index) or self._is_guess(outputs, index)):
            raise UnusableConfig("a linear layer would be empty")
        shapes: list[BaseParameter] = []
        for name, dimensions, *conditions in own:
            if conditions and not self._value(conditions[0], index):
                continue
            counted = len(conditions) < 2 or bool(self._value(conditions[1], index))
            shapes.append(BaseParameter(name, tuple(self._size(each, index) for each in dimensions), counted))
        elements = -1 if scope.doubt else sum(prod(each.shape) for each in shapes)
        module = Module("", kind, *sizes, elements)
        inside: list[tuple[str, _Part]] = []
        certain = True

        def add(name: str, number: int, place: tuple[int, ...]) -> None:
            nonlocal certain
            part = self.node(number, place)
            certain = certain and part.certain
            inside.append((name, part))

        def holds(condition: Any, number: int, place: tuple[int, ...]) -> bool:
            nonlocal certain, module
            scope.doubt, scope.deciding = False, True
            value = bool(self._value(condition, place))
            scope.deciding = False
            if scope.doubt and self._has_layers(number):
                certain = False
            elif scope.doubt:  # only a norm differs: nothing is adapted in it, but its parameters may be trained
                module = module._replace(own=-1)
            return value

        for child in children:
            if child[0] != "*":
                if len(child) < 3 or holds(child[2], child[1], index):
                    add(child[0], child[1], index)
                continue
            scope.doubt = False
            count = self._size(child[1], index)
            certain = certain and not scope.doubt
            if count > LARGEST:
                raise UnusableConfig(f"{count} layers")
            for position in range(count):
                place = (*index, position)
                member = next((member for member, when in child[2] if when is True or holds(when, member, place)), None)
                if member is not None:
                    add(str(position), member, place)
        weight = _weight(shapes, inside) if kind in ("Conv1d", "Conv2d", "Conv3d") else ()
        module = module._replace(
            bias=next((prod(each.shape) for each in shapes if each.path == "bias"), 0),
            groups=max(sizes[0] // weight[1], 1) if weight and weight[1] else 1,
        )
        ties = any(not each.counted for each in shapes) or any(part.ties for _, part in inside)
        return _Part(module, tuple(shapes), tuple(inside), certain, _size(inside), ties)

    def _include(self, node: list[Any]) -> _Part:
        """A part that is itself a model with a nested config, of the type that the config names."""
        _, scope, model_type, head, class_name = node
        given, assumed = self.scope.nested(scope)
        named = given.get("model_type", assumed.get("model_type"))
        part = None
        # The vision part of Qwen3-VL's config.json has the type of the whole: transformers goes by the place alone.
        other = isinstance(named, str) and named not in (model_type, self.architecture.model_type)
        if isinstance(named, str) and other:
            part = architecture(named, head, self.architecture.version)
        replaced = other and part is None
        part = part or architecture(model_type, head, self.architecture.version)
        if part is None:
            raise UnusableConfig(f"{class_name} is not known")
        inner = _Scope(part, given, assumed)
        inner.pending = self.scope.pending
        result = _Expansion(part, inner).whole()
        return replace(result, certain=False) if replaced else result


def _size(inside: Sequence[tuple[str, _Part]]) -> int:
    """The number of a module and those in it."""
    size = 1 + sum(part.size for _, part in inside)
    if size > LARGEST:
        raise UnusableConfig(f"more than {LARGEST} modules")
    return size


def _weight(shapes: Iterable[BaseParameter], inside: Iterable[tuple[str, _Part]]) -> tuple[int, ...]:
    """The shape of a module's weight, or of its direction under weight normalization; empty where it has none."""
    normed = dict(inside).get("parametrizations")
    direction = dict(normed.children).get("weight") if normed is not None else None
    if direction is not None:
        return next((each.shape for each in direction.parameters if each.path == "original1"), ())
    return next((each.shape for each in shapes if each.path == "weight"), ())


def laid_out(root: _Part) -> _Whole:
    """All modules of a model, in the order of `named_modules()`."""
    return _Whole(root, tuple(_spread(root, Module, _module)), tuple(_spread(root, Parameter, _loose)))


def _spread(root: _Part, kind: type[Row], own: Callable[[str, _Part], list[Row]]) -> list[Row]:
    """What every module of a model has of its `own`, at the module's path, which the first field begins with. A part
    that occurs again, as a layer does, is copied with the other path."""
    rows: list[Row] = []
    placed: dict[int, tuple[int, int, int]] = {}

    def add(path: str, part: _Part) -> None:
        known = placed.get(id(part))
        if known is not None:
            shared, first, last = known
            rows.extend([tuple.__new__(kind, (path + row[0][shared:], *row[1:])) for row in rows[first:last]])
            return
        first = len(rows)
        rows.extend(own(path, part))
        start = f"{path}." if path else ""
        for name, child in part.children:
            add(start + name, child)
        placed[id(part)] = (len(path), first, len(rows))

    add("", root)
    return rows


def _module(path: str, part: _Part) -> list[Module]:
    return [part.module._replace(path=path)]


def _parameters(path: str, part: _Part) -> list[BaseParameter]:
    start = f"{path}." if path else ""
    return [BaseParameter(start + name, shape, counted) for name, shape, counted in part.parameters]


def _loose(path: str, part: _Part) -> list[Parameter]:
    """The parameters of a module that is no layer, which have no size where the module's is not certain."""
    _, kind, *_ = part.module
    if kind in PEFT_KINDS or "Norm" in kind:
        return []
    sized = part.module.own >= 0
    return [Parameter(path, name, shape if sized else (0,) * len(shape)) for name, shape, _ in part.parameters]
