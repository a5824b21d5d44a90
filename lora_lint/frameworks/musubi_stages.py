"""musubi-tuner: a training, and what the commands before it have cached for its data.

Source: musubi-tuner 0.3.4 at 30c658c, *_cache_latents.py, *_cache_text_encoder_outputs.py (each names the model in its
files), wan_train_network.py and hv_1_5_train_network.py (`batch["latents_image"]`), qwen_image/qwen_image_utils.py
(resolve_model_version_args).
"""

from __future__ import annotations

from lora_lint.frameworks.commands import arguments_of
from lora_lint.frameworks.fields import Fields
from lora_lint.records import dataclass
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.frameworks.commands import Start

MODELS = (
    *("hv", "hv_1_5", "wan", "fpack", "zimage", "qwen_image", "flux_kontext", "flux_2", "hidream_o1"),
    *("ideogram4", "kandinsky5", "krea2"),
)
"""The models of its scripts, by the beginnings of their names; those that cache for the first have none."""
CACHING = (
    rf"(?:(?P<prepares>{'|'.join(MODELS[1:])})_|(?<!tools/))cache_(?P<caches>latents|pixel|text_encoder_outputs)\.py"
)
"""The scripts that cache something; another trainer of networks has tools of the same names."""
_LATENTS, _PIXELS, _TEXTS = "latents", "pixel", "text_encoder_outputs"
_EDITED = ("edit", "edit-2509", "edit-2511")


@dataclass(frozen=True)
class _Cache:
    """A command that caches something for a file of data, and its options."""

    script: str
    model: str
    what: str
    fields: Fields


def problems(start: Start, fields: Fields) -> Iterator[InvalidValue]:
    """What the cache of a training's data lacks, if commands before it make that cache."""
    data = known(fields.text("dataset_config"))
    model = str(start.says.get("script_of", ""))
    made = [cache for cache in _caches(start) if data and known(cache.fields.text("dataset_config")) == data]
    yield from _of_another_model(model, start.name, made, fields)
    own = [cache for cache in made if cache.model == model]
    if model in ("wan", "hv_1_5"):
        yield from _first_frames(start.name, [cache for cache in own if cache.what == _LATENTS], fields)
    if model == "qwen_image":
        yield from _versions(start.name, own, fields)


def _caches(start: Start) -> Iterator[_Cache]:
    for each in start.earlier:
        what = each.says.get("caches")
        given = arguments_of(each.words, each.span, "flags")
        if each.framework is start.framework and what and not given.open and not given.positional:
            yield _Cache(_file(each.name), each.says["prepares"] or MODELS[0], what, Fields(given.mapping))


def _file(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _of_another_model(model: str, name: str, made: list[_Cache], fields: Fields) -> Iterator[InvalidValue]:
    """Each model has files of its own in the cache."""
    for kinds in ((_LATENTS, _PIXELS), (_TEXTS,)):
        found = [cache for cache in made if cache.what in kinds]
        if found and all(cache.model != model for cache in found):
            prefix = "" if model == "hv" else f"{model}_"
            kind = _PIXELS if model == "hidream_o1" and kinds[0] == _LATENTS else kinds[0]
            expected = (
                f"the cache of its own model, and `{found[0].script}` above makes that of another. Start "
                f"`{prefix}cache_{kind}.py` in its place"
            )
            yield _problem("dataset_config", fields, name, expected)


def _first_frames(name: str, latents: list[_Cache], fields: Fields) -> Iterator[InvalidValue]:
    """Training from images needs their latents, and in Wan 2.1 what CLIP makes of them."""
    task = known(fields.text("task")) or ""
    if not latents or ("i2v" not in task and "flf2v" not in task):
        return
    encoder = "clip" if name.endswith("wan_train_network.py") else "image_encoder"
    needs = "i2v" if task.startswith("i2v-A14B") else encoder
    if not any(cache.fields.has(key) for cache in latents for key in {needs, encoder}):
        expected = (
            f"first frames in the cache, which `{latents[0].script}` above leaves out (KeyError: 'latents_image'). "
            f"Give `--{needs}` there"
        )
        yield _problem("task", fields, name, expected)


def _versions(name: str, own: list[_Cache], fields: Fields) -> Iterator[InvalidValue]:
    """A cache of Qwen-Image is not that of its models for editing, nor of the layered one."""
    mine = _kind(fields)
    other = next((cache for cache in own if mine and _kind(cache.fields) not in (mine, None)), None)
    if other is not None:
        key = next((key for key in ("model_version", "edit", "edit_plus") if fields.has(key)), "dataset_config")
        expected = f"a cache of the same kind of model, and `{other.script}` above is given another `model_version`"
        yield _problem(key, fields, name, f"{expected}. Give the same everywhere")


def _kind(fields: Fields) -> str | None:
    """The kind of Qwen-Image; None if it is not known."""
    if fields.has("model_version"):
        version = known(fields.text("model_version"))
        return None if version is None else "edit" if version.lower() in _EDITED else version.lower()
    return "edit" if fields.has("edit") or fields.has("edit_plus") else "original"


def _problem(key: str, fields: Fields, name: str, expected: str) -> InvalidValue:
    entry = fields.mapping.entry(key)
    value = getattr(entry.value, "value", "") if entry is not None else ""
    span = entry.value.span if entry is not None else fields.mapping.span
    return InvalidValue(key, value, span, _file(name), expected)
