"""From the name of a model to its transformers type and its dimensions, without loading anything.

The facts are in `data/models.tsv` (hub ids), `data/shapes.tsv` (the config fields that decide the shapes) and
`data/families.json` (patterns for ids that are not in the table, and the module names of architectures that live in a
model's own repository); `scripts/generate_models.py` writes the first two. A name that could mean two types gives
None: a wrong type makes false alarms, an unknown one only makes silence.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache, lru_cache

from lora_lint.knowledge import edition, tables
from lora_lint.records import dataclass, field, replace
from lora_lint.run.run import OwnModels
from lora_lint.run.values import Phrased
from lora_lint.system import bounds, disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from lora_lint.finding import Confidence

_NOTHING = OwnModels()
_MAX_BYTES = 4_000_000  # real config.json files stay below 1 MB even with 21,000 labels
_MAX_NAME = 500
_MAX_DEPTH = 4  # adapters of adapters, and aliases of aliases
_LIMITS = {
    "num_hidden_layers": 2_000,
    "n_layer": 2_000,
    "n_layers": 2_000,
    "num_layers": 2_000,
    "encoder_layers": 2_000,
    "decoder_layers": 2_000,
    "num_decoder_layers": 2_000,
    "depth": 2_000,
    "num_experts": 10_000,
    "num_local_experts": 10_000,
    "n_routed_experts": 10_000,
    "n_shared_experts": 10_000,
}
_LARGEST = 1_000_000_000
_LONGEST = 4_000

LEARNED = "modules.json"
"""The file beside a config.json in which `lora-lint learn` writes the model's modules."""
_PARTS = ("", "transformer", "unet")
"""Where a model's folder has the config: at its top, or, of diffusers' pipelines, beside the weights of the model that
denoises."""

# What the rest looks for is compiled when a name is not in the table, which most are.
_QUANTIZED = (
    r"[-_.](?:unsloth|bnb|dynamic|gguf|gptq|awq|mlx|exl2|exl3|hqq|fp8|fp16|bf16|fp32|fp4|nf4|nvfp4|mxfp[48]|\d-?bits?"
    r"|\dbpw|int[348]|int8mix|[qw]\d[\w]*|ggml|hf|onnx|ov|quantized|marlin|gs128|128g|i1|imat|autoround|sharded|dwq|qat"
    r"|safetensors|aqlm|\dx16|dequantized|auto(?:awq|gptq)|eetq)$"
)
_TUNED = r"[-_.](?:fine-?tun(?:ed?|ing)|ft)(?:[-_.].*)?$"  # donut-base-finetuned-docvqa
_SIZE = r"(?:(?<![\da-z.])|(?<=[a-z][a-z]))((?:\d+x)?\d+(?:\.\d+)?)[- ]?([bm])(?![a-z\d])"
_MIXTURE = r"(?<![\da-z])\d+x\d"
_FOREIGN = (
    r"(?:^|-)(?:vl|v|vision|visual|vlm|llava\w*|omni\w*|audio|video\w*|image|ocr\w*|speech|tts|asr|moe|eagle\d*|medusa"
    r"|draft\w*|speculator|mamba\w*|jamba|rwkv\w*|bitnet|mtp|clip|vla|diffusion|encoder|t5|mm|multimodal|hybrid|xl-?net"
    r"|(?:instruct)?blip\d?|minigpt-?\d?|tiny-random\w*|random|dummy|pruned|minitron|distill-?bert|adapter"
    r"|v\d?-projector|mmproj)(?:-|$)"
)
_MINIATURE = r"(?:^|/)tiny-(?:random-)?([A-Z]\w+(?:For[A-Z]\w+|Model))"  # tiny-LlamaForCausalLM-3.2
_HUB_ID = r"[\w.\-]+(?:/[\w.\-]+)?"
_PATH_START = r"[/.~\\]|[A-Za-z]:[\\/]"


class Clue(Phrased):
    """What a model is known by."""

    SETTINGS = "settings"
    CONFIG = "config.json"
    CACHE = "hub cache"
    TABLE = "table"
    """That of published models."""
    UNSLOTH = "unsloth"
    """It is unsloth's copy of one of these."""
    FAMILY = "family"
    """A pattern of names."""
    BASENAME = "basename"
    """The last part of its path."""
    CLASS = "class"
    """The one that loads it."""
    DIALECT = "dialect"
    """The framework, which builds one architecture alone."""
    OBJECT = "object"
    """The model itself, in a running program."""


@dataclass(frozen=True)
class Model:
    """What a model's name or its config.json reveals. `config` holds the known fields, named as in the transformers
    config class of `model_type`; `complete` says that they decide every shape (fields left out have the class's
    default), so counts are exact.

    `how` is what it is known by; `source` a path or the place that states the facts. `module_names` is set for
    architectures that transformers itself does not have: their known leaf names. `stock` is False if the modules are
    not those of the transformers class of that type (code from the model's repository, or rewritten by the publisher):
    names may match that no class shows.
    """

    name: str
    model_type: str
    config: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = False
    how: Clue = Clue.TABLE
    source: str = ""
    confidence: Confidence = "certain"
    module_names: tuple[str, ...] | None = None
    stock: bool = True
    learned: Mapping[str, Any] | None = None
    """The modules that `lora-lint learn` wrote beside the config."""


def identify(name: str, *, near: str | None = None, own: OwnModels = _NOTHING) -> Model | None:
    """The model that `name` (a hub id or a path) stands for; None if it is not known or could be several.

    `near` is the directory of the file that names it, `own` what the user states about models. Never raises.
    """
    found = _identify(name, near, own, 0)
    kind = own.types.get(found.model_type) if found is not None and found.learned is None else None
    return found if found is None or kind is None else _as_stated(found, kind)


def _identify(name: str, near: str | None, own: OwnModels, depth: int) -> Model | None:
    name = name.strip()
    if not name or len(name) > _MAX_NAME or not name.isprintable() or depth > _MAX_DEPTH:
        return None
    stated = _from_settings(name, near, own, depth) if own.models else None
    if stated is not None:
        return stated
    local = _from_directory(name, near, own, depth)
    if local is not None:
        return local
    row = _row(name.rstrip("/"))
    if row is not None:
        known = _from_row(name, row, Clue.TABLE, "certain")
        return known if known is None or known.config else _with_sizes(known, own)
    if not _is_path(name):
        return _from_unsloth(name) or _from_cache(name, own) or _from_family(name, name, Clue.FAMILY, "likely")
    return _from_path(name)


# --- the user's own entries -------------------------------------------------------------------------------------------


def _from_settings(name: str, near: str | None, own: OwnModels, depth: int) -> Model | None:
    entry = _entry(name, own.models)
    if entry is None:
        return None
    others = replace(own, models={key: value for key, value in own.models.items() if value is not entry})
    if isinstance(entry, str):
        known = _identify(entry, near, others, depth + 1) if "/" in entry or _row(entry) else None
        if known is None:
            known = _typed(entry, entry)
        return replace(known, name=name, how=Clue.SETTINGS, confidence="certain")
    like = entry.get("like")
    base = _identify(like, near, others, depth + 1) if isinstance(like, str) else None
    fields = {key: value for key, value in entry.items() if key not in ("like", "model_type")}
    model_type = entry.get("model_type", base.model_type if base else None)
    if not isinstance(model_type, str):
        return None
    config, whole = _sane({**(base.config if base else {}), **fields})
    complete = whole and (base.complete if base else bool(fields))
    known = _typed(name, model_type)
    return replace(known, config=config, complete=complete, how=Clue.SETTINGS, source="settings")


def _entry(name: str, own: Mapping[str, str | Mapping[str, Any]]) -> str | Mapping[str, Any] | None:
    lower = name.lower()
    for key, value in own.items():
        if key.lower() == lower:
            return value
    globs = [(key, value) for key, value in own.items() if "*" in key]
    if globs:
        from fnmatch import fnmatchcase

        for key, value in globs:
            if fnmatchcase(lower, key.lower()):
                return value
    return None


def _as_stated(model: Model, kind: str | tuple[str, ...]) -> Model:
    """The model with what the `types` setting states for its type: names of modules, a folder that `learn` wrote, or
    another type."""
    if isinstance(kind, tuple):
        return replace(model, module_names=kind, stock=False, complete=False)
    learned = _load_json(os.path.join(kind, LEARNED))
    if learned is not None:
        return replace(model, learned=learned, module_names=None, stock=True)
    typed = _typed(model.name, kind)
    return replace(model, model_type=kind, module_names=typed.module_names, stock=typed.stock)


# --- config.json ------------------------------------------------------------------------------------------------------


def _from_directory(name: str, near: str | None, own: OwnModels, depth: int) -> Model | None:
    if name.startswith(("\\\\", "//")):  # a network share: checking it would access the network
        return None
    for folder in _folders(name, near):
        if not disk.exists(folder):
            continue
        for part in _PARTS:
            known = _from_config(name, os.path.join(folder, part, "config.json"), Clue.CONFIG, own)
            if known is not None:
                return known
        adapter = _load_json(os.path.join(folder, "adapter_config.json"))
        base = adapter.get("base_model_name_or_path") if adapter else None
        if isinstance(base, str):
            known = _identify(base, folder, own, depth + 1)
            if known is not None:
                return replace(known, name=name)
    return None


def _folders(name: str, near: str | None) -> Iterator[str]:
    if name.startswith("~"):
        yield os.path.expanduser(name)
        return
    if near is not None:
        yield os.path.join(near, name)  # an absolute name stays as it is
    if near is None or not os.path.isabs(name):
        yield name


def _from_config(name: str, path: str, how: Clue, own: OwnModels) -> Model | None:
    document = _load_json(path)
    if document is None:
        return None
    model_type = document.get("model_type") or document.get("_class_name")  # of transformers, of diffusers
    if not isinstance(model_type, str) or not 0 < len(model_type) <= 100:
        return None
    described = is_known(model_type) or model_type in own.types
    if not described and not bounds.holds(bounds.tree(), os.path.realpath(path)):
        return None  # nothing follows from it, except that it would be shown
    config, whole = _sane(document)
    model = replace(_typed(name, _variant(model_type, config)), config=config, complete=whole, how=how, source=path)
    learned = _load_json(os.path.join(os.path.dirname(path), LEARNED))
    if learned is None or learned.get("type") != model_type:
        return model
    return replace(model, learned=learned, module_names=None, stock=True)


def _variant(model_type: str, config: Mapping[str, Any]) -> str:
    """The type for a config of which a class of diffusers builds several."""
    from lora_lint.knowledge.architectures import is_vouched_for, variants

    return next((each for each in variants(model_type) if is_vouched_for(each, config)), model_type)


def known_types() -> tuple[str, ...]:
    """The model types that the tables have."""
    from lora_lint.knowledge.architectures import model_types

    return (*model_types(), *_families()["modules"], *_leaf_names())


def is_known(model_type: str) -> bool:
    """Whether the tables have a model type."""
    return model_type in known_types()


def _load_json(path: str) -> dict[str, Any] | None:
    """The JSON object in a file; None for whatever is not one, too large, too deep or not a plain file."""
    if not disk.is_file(path):
        return None
    try:
        data = disk.read(path, _MAX_BYTES)
        document = json.loads(data) if data is not None else None
    except (OSError, ValueError, RecursionError, MemoryError):
        return None
    return document if isinstance(document, dict) else None


def _sane(document: Mapping[str, Any], depth: int = 0) -> tuple[dict[str, Any], bool]:
    """The fields whose values a config can have, and whether these are all of them."""
    kept: dict[str, Any] = {}
    whole = True
    for key, value in document.items():
        if isinstance(value, dict):
            if depth >= 4:
                whole = False
                continue
            value, inner = _sane(value, depth + 1)
            whole = whole and inner
        elif not _plausible(key, value):
            whole = False
            continue
        kept[key] = value
    return kept, whole


def _plausible(key: str, value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        limit = _LIMITS.get(key, 0)
        return 0 <= value <= limit if limit else -_LARGEST <= value <= _LARGEST
    if isinstance(value, float):
        return key not in _LIMITS
    if isinstance(value, str):
        return key not in _LIMITS and not key.endswith("_size")
    return isinstance(value, (list, tuple)) and len(value) <= _LONGEST


# --- the table --------------------------------------------------------------------------------------------------------


@cache
def _lower(text: str) -> str:
    """Lines of the table of models in lower case; ids are ASCII, so the positions stay the same."""
    return text.lower()


@cache
def _families() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(edition.read("families.json"))
    return document


@cache
def _leaf_names() -> dict[str, list[str]]:
    """The names of the layers of types whose architectures are not known."""
    document: dict[str, list[str]] = json.loads(edition.read("leaf_names.json"))
    return document


def _line(text: str, position: int) -> list[str]:
    return text[position : text.index("\n", position)].split("\t")


@lru_cache(maxsize=1024)
def _row(name: str) -> list[str] | None:
    """id, type, shape and source of a hub id, in any case."""
    text = tables.part("models.tsv", name[:1])
    position = _lower(text).find(f"\n{name.lower()}\t")
    return _line(text, position + 1) if position >= 0 and _may_be_id(name) else None


def _rows_by_basename(base: str) -> list[list[str]]:
    """Every row whose id has this last part (lower case), those under `unsloth/` left out."""
    text = tables.whole("models.tsv")
    lower = _lower(text)
    rows: list[list[str]] = []
    for mark in ("/", "\n") if _may_be_id(base) else ():
        position = lower.find(f"{mark}{base}\t")
        while position >= 0:
            start = lower.rfind("\n", 0, position + 1) + 1
            if not lower.startswith("unsloth/", start):
                rows.append(_line(text, start))
            position = lower.find(f"{mark}{base}\t", position + 1)
    return rows


def _may_be_id(name: str) -> bool:
    """Whether a name can be in the first column; the lines that say what the marks mean start with `#`."""
    return "\t" not in name and not name.startswith("#")


def _best(rows: list[list[str]]) -> list[str]:
    """One of several rows of the same type, preferably one with known sizes."""
    return next((row for row in rows if row[2]), rows[0])


@cache
def _shape(key: str) -> tuple[dict[str, Any], str]:
    if not key:
        return {}, ""
    text = tables.part("shapes.tsv", key[:1])
    position = text.find(f"\n{key}\t")
    if position < 0:
        return {}, ""
    _, config, source = _line(text, position + 1)
    loaded: dict[str, Any] = json.loads(config)
    return loaded, source


def _source(mark: str) -> str:
    """The place that a source mark stands for (the `#` lines at the head of the table)."""
    text = tables.part("models.tsv", "#")
    position = text.find(f"\n#{mark}\t")
    return _line(text, position + 1)[1] if position >= 0 and mark else mark


def _typed(name: str, model_type: str) -> Model:
    """A model of which only the type is known."""
    from lora_lint.knowledge.architectures import is_type

    if is_type(model_type):
        return Model(name, model_type)
    modules = _families()["modules"].get(model_type) or _leaf_names().get(model_type)
    if modules is None:
        return Model(name, model_type)
    return Model(name, model_type, module_names=tuple(modules), stock=False)


def _from_row(name: str, row: list[str], how: Clue, confidence: Confidence) -> Model | None:
    full, model_type, shape, mark = row
    if model_type == "?":  # in the table so that no pattern misidentifies it
        return None
    config, source = _shape(shape)
    known = _typed(name, model_type)
    stock = known.stock and not mark.endswith("!")
    if not config and stock:
        family = _family(full)
        if family is not None and family["type"] == model_type:
            config, source = _sizes_by_name(family, full)
            confidence = "likely" if config and confidence == "certain" else confidence
    if mark == "n" and not shape and confidence == "certain":  # no source states it for this exact id
        confidence = "likely"
    return replace(
        known,
        config=config,
        complete=bool(config) and stock,
        how=how,
        source=source or _source(mark.rstrip("!")),
        confidence=confidence,
        stock=stock,
    )


# --- names that are not in the table ----------------------------------------------------------------------------------


def _from_unsloth(name: str) -> Model | None:
    """unsloth's copies: the model of the same name, except for those that are republished in another form."""
    if not name.lower().startswith("unsloth/"):
        return None
    base = _bare(name.lower())
    own = _row(f"unsloth/{base}")
    if own is not None:
        known = _from_row(name, own, Clue.UNSLOTH, "likely")
    else:
        rows = _rows_by_basename(base)
        same = len({row[1] for row in rows}) == 1
        known = (
            _from_row(name, _best(rows), Clue.UNSLOTH, "likely")
            if same
            else _from_family(name, name, Clue.UNSLOTH, "likely")
        )
    if known is None:
        return None
    rewritten = "bnb-4bit" in name.lower() and known.model_type in _families()["rewritten"]
    return replace(known, stock=False, complete=False) if rewritten else known


def _from_cache(name: str, own: OwnModels) -> Model | None:
    """The config.json of the hub's local cache."""
    if not re.fullmatch(_HUB_ID, name) or ".." in name:
        return None
    for root in _cache_roots():
        folder = os.path.join(root, "models--" + name.replace("/", "--"))
        snapshots = os.path.join(folder, "snapshots")
        found = disk.names(snapshots)
        if found is None:
            continue
        try:
            main = (disk.read(os.path.join(folder, "refs", "main"), 100) or b"").decode("ascii").strip()
        except (OSError, ValueError):
            main = ""
        for snapshot in sorted(found[:100], key=lambda each: each != main):
            known = _from_config(name, os.path.join(snapshots, snapshot, "config.json"), Clue.CACHE, own)
            if known is not None:
                return known
    return None


def _with_sizes(known: Model, own: OwnModels) -> Model:
    """The model with the sizes that the hub's cache has for it, if the table has none."""
    cached = _from_cache(known.name, own) if known.stock else None
    return known if cached is None or cached.model_type != known.model_type else cached


def is_hub_id(name: str) -> bool:
    """Whether a name may be that of a repository on the hub."""
    return re.fullmatch(_HUB_ID, name) is not None and "/" in name and ".." not in name and name[0] not in "./~"


def _cache_roots() -> Iterator[str]:
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(variable):
            yield os.environ[variable]
    if os.environ.get("HF_HOME"):
        yield os.path.join(os.environ["HF_HOME"], "hub")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    yield os.path.join(cache, "huggingface", "hub")


def _is_path(name: str) -> bool:
    return bool(re.match(_PATH_START, name)) or name.count("/") > 1 or "\\" in name


def _from_path(name: str) -> Model | None:
    """A path to a place that is not on this machine: its last part, which is often the model's name."""
    parts = [part for part in re.split(r"[\\/]+", name) if part not in ("", ".", "..")]
    if not parts:
        return None
    for part in reversed(parts):  # …/models--org--name/snapshots/<commit>
        if part.startswith("models--"):
            return _relabel(identify_id(part[len("models--") :].replace("--", "/")), name)
    base = parts[-1].replace("___", ".")  # ModelScope's cache encodes a dot this way
    if len(parts) > 1:
        row = _row(f"{parts[-2]}/{base}")
        if row is not None:
            return _from_row(name, row, Clue.BASENAME, "likely")
    rows = _rows_by_basename(base.lower())
    if rows:
        if len({row[1] for row in rows}) != 1:
            return None
        # unsloth republishes some models under the same last name in another form
        same = _row(f"unsloth/{base}")
        confidence: Confidence = "likely" if same is None or same[1] == rows[0][1] else "possible"
        return _from_row(name, _best(rows), Clue.BASENAME, confidence)
    return _from_family(name, base, Clue.BASENAME, "possible")


def identify_id(name: str) -> Model | None:
    """`identify` for a certain hub id, without checking the file system."""
    row = _row(name)
    if row is not None:
        return _from_row(name, row, Clue.TABLE, "certain")
    return _from_unsloth(name) or _from_family(name, name, Clue.FAMILY, "likely")


def _relabel(known: Model | None, name: str) -> Model | None:
    return replace(known, name=name, how=Clue.BASENAME, confidence="likely") if known else None


def _bare(name: str) -> str:
    """The last part of an id in lower case, without suffixes that only describe its number format."""
    base = name.rsplit("/", 1)[-1].lower()
    while True:
        shorter = re.sub(_QUANTIZED, "", base)
        if shorter == base or not shorter:
            return base
        base = shorter


def _from_family(name: str, full: str, how: Clue, confidence: Confidence) -> Model | None:
    """By the ordered patterns of families.json.

    Those of the first list decide alone. Those of the second speak of a base model that a fine-tune's name mentions:
    they must agree on one type, and words of other kinds of model (vision, speech, mixtures) forbid them.
    """
    if "/" in full:
        base = full.rsplit("/", 1)[-1].lower()
        names = dict.fromkeys((base, _bare(full), re.sub(_TUNED, "", base)))
        rows = next((found for name in names if (found := _rows_by_basename(name))), [])
        if rows and len({row[1] for row in rows}) == 1:
            return _from_row(name, _best(rows), how, confidence)
    miniature = re.search(_MINIATURE, full)
    if miniature is not None:
        model_type = _families()["classes"].get(miniature[1])
        return replace(_typed(name, model_type), how=how, confidence=confidence) if model_type else None
    family = _family(full) or _family(_bare(full))
    return None if family is None else _of_family(name, family, full, how, confidence)


def _family(full: str) -> Mapping[str, Any] | None:
    """The family of a name; None if it fits none, or several of different types."""
    lower = _plain(full)
    base = lower.rsplit("/", 1)[-1]
    families = _families()
    for family in families["first"]:
        if _fits(family, lower, base):
            first: Mapping[str, Any] = family
            return first
    if re.search(_FOREIGN, base) or re.search(_MIXTURE, base):
        return None
    fitting = [family for family in families["then"] if _fits(family, lower, base)]
    return fitting[0] if fitting and len({family["type"] for family in fitting}) == 1 else None


def _plain(full: str) -> str:
    """A name as the patterns of families are written for."""
    return full.lower().replace("___", ".").replace("_", "-")


def _fits(family: Mapping[str, Any], lower: str, base: str) -> bool:
    if family["has"] not in base:
        return False
    pattern = family.get("pattern")
    if pattern is not None and re.search(pattern, base) is None:
        return False
    without = family.get("not")
    return without is None or re.search(without, lower) is None


def _of_family(name: str, family: Mapping[str, Any], full: str, how: Clue, confidence: Confidence) -> Model | None:
    model_type = family["type"]
    if model_type == "?":
        return None
    known = replace(_typed(name, model_type), how=how, source="name pattern", confidence=confidence)
    config, source = _sizes_by_name(family, full)
    return replace(known, config=config, complete=bool(config) and known.stock, source=source or known.source)


def _sizes_by_name(family: Mapping[str, Any], full: str) -> tuple[dict[str, Any], str]:
    """The sizes of the model of a family that a name has the size of, with their source; none if there is no such."""
    sibling = _sibling(family, _plain(full).rsplit("/", 1)[-1])
    row = _row(sibling) if sibling else None
    return _shape(row[2]) if row is not None else ({}, "")


def _sibling(family: Mapping[str, Any], base: str) -> str | None:
    """The hub id of the model of a family that has the size in a name: a number (7b), or else a word (large)."""
    numbers = {size + unit for size, unit in re.findall(_SIZE, base)}
    siblings: Mapping[str, str] = family.get("sizes", {})
    named = [sibling for size, sibling in siblings.items() if size in (numbers or base.split("-"))]
    if siblings and (len(numbers) == 1 or named):
        return named[0] if len(named) == 1 else None
    like: str | None = family.get("like")
    return like
