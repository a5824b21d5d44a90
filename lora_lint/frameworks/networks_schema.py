"""What the file that `dataset_config` names may hold, for the trainers of networks: keys, types and what belongs
together.

Source: sd-scripts at 48d368fa, library/config_util.py (ConfigSanitizer) and library/train_util.py
(adjust_min_max_bucket_reso_by_steps); musubi-tuner 0.3.4, dataset/config_utils.py, dataset/datasources.py and
dataset/image_video_dataset.py. Both validate with voluptuous, which takes no further key, and asks `isinstance`: 1 is
neither a float nor a bool.
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields
from lora_lint.knowledge.signatures import closest
from lora_lint.readers.nodes import Mapping, Placeholder, Scalar, Sequence
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from lora_lint.readers.nodes import Node
    from lora_lint.run.problems import Problem

    Kinds: TypeAlias = dict[str, str]

PARTS = ("general", "datasets")


def _kinds(**names: str) -> Kinds:
    return {key: kind for kind, keys in names.items() for key in keys.split()}


_SUBSET = _kinds(
    bool="color_aug flip_aug random_crop shuffle_caption enable_wildcard",
    int="num_repeats keep_tokens token_warmup_min caption_dropout_every_n_epochs",
    str="keep_tokens_separator secondary_separator caption_separator caption_prefix caption_suffix "
    "resize_interpolation",
    number="token_warmup_step caption_dropout_rate caption_tag_dropout_rate",
    floats="face_crop_aug_range",
    dict="custom_attributes",
)
_CAPTIONED = _kinds(str="caption_extension class_tokens", bool="cache_info")
_DATASET = _kinds(
    int="batch_size bucket_reso_steps max_bucket_reso min_bucket_reso validation_seed",
    bool="bucket_no_upscale enable_bucket",
    float="validation_split network_multiplier",
    size="resolution",
)
_OF_A_FOLDER = _kinds(str="image_dir metadata_file conditioning_data_dir", bool="is_reg alpha_mask")
_SUBSETS = {**_SUBSET, **_CAPTIONED, **_OF_A_FOLDER}
_DATASETS = {**_SUBSET, **_CAPTIONED, **_DATASET, "subsets": "list"}
_COMMON = _kinds(
    str="caption_extension", int="batch_size num_repeats", bool="enable_bucket bucket_no_upscale", size="resolution"
)
_OLDER = _kinds(
    bool="flux_kontext_no_resize_control qwen_image_edit_no_resize_control", size="qwen_image_edit_control_resolution"
)
"""Still taken, under their newer names."""
_PLACES = {**_COMMON, **_OLDER, **_kinds(str="cache_directory control_directory", int="fp_latent_window_size")}
_IMAGES = {
    **_PLACES,
    **_kinds(
        str="image_directory image_jsonl_file",
        bool="multiple_target fp_1f_no_post no_resize_control",
        ints="fp_1f_clean_indices",
        int="fp_1f_target_index",
        size="control_resolution",
    ),
}
_VIDEOS = {
    **_PLACES,
    **_kinds(
        str="video_directory video_jsonl_file frame_extraction",
        int="frame_stride frame_sample max_frames",
        ints="target_frames",
        float="source_fps",
    ),
}
_EXTRACTIONS = ("head", "chunk", "slide", "uniform", "full")
_FOLDERS = ("image_directory", "video_directory")
_FILES = ("image_jsonl_file", "video_jsonl_file")
_WORDS = {
    "bool": "true or false, without quotes",
    "int": "a whole number",
    "str": "text",
    "float": "a number with a point, such as 24.0",
    "number": "a number",
    "floats": "two numbers with a point",
    "ints": "a list of whole numbers",
    "size": "a whole number, or a list of two",
    "dict": "a table",
    "list": "a list of tables",
}
_STOPS = "stops the run (extra keys not allowed)"


def is_of_subsets(document: Mapping) -> bool:
    """Whether a mapping is a file of sd-scripts' data: folders in `[[datasets.subsets]]`."""
    folders = [subset for dataset in items(document, "datasets") for subset in items(dataset, "subsets")]
    return _only_parts(document) and any(each.entry(key) is not None for each in folders for key in _OF_A_FOLDER)


def is_of_folders(document: Mapping) -> bool:
    """Whether a mapping is a file of musubi-tuner's data: folders or lists in `[[datasets]]`."""
    named = [each for each in items(document, "datasets") for key in (*_FOLDERS, *_FILES) if each.entry(key)]
    return _only_parts(document) and bool(named)


def _only_parts(document: Mapping) -> bool:
    return all(entry.key.value in PARTS for entry in document.entries)


def of_subsets(data: Mapping, title: str) -> Iterator[Problem]:
    """What sd-scripts refuses in a file of its data."""
    general = data.get("general")
    in_subsets = dict.fromkeys(_SUBSETS, "Write it in `[[datasets.subsets]]`")
    in_sets = dict.fromkeys(_DATASETS, "Write it in `[[datasets]]`, above the subsets")
    if isinstance(general, Mapping):
        yield from _checked(general, {**_SUBSET, **_CAPTIONED, **_DATASET}, f"`[general]` of {title}", in_subsets)
    for dataset in items(data, "datasets"):
        yield from _checked(dataset, _DATASETS, f"`[[datasets]]` of {title}", in_subsets)
        yield from _bucket_sizes(dataset, general, title)
        for subset in items(dataset, "subsets"):
            yield from _checked(subset, _SUBSETS, f"`[[datasets.subsets]]` of {title}", in_sets)


def of_folders(data: Mapping, title: str) -> Iterator[Problem]:
    """What musubi-tuner refuses in a file of its data."""
    general = data.get("general")
    shared = general if isinstance(general, Mapping) else Mapping((), data.span)
    in_sets = dict.fromkeys((*_IMAGES, *_VIDEOS), "Write it in `[[datasets]]`")
    yield from _checked(shared, _COMMON, f"`[general]` of {title}", in_sets)
    for dataset in items(data, "datasets"):
        of_videos = any(dataset.entry(key) is not None for key in ("video_directory", "video_jsonl_file"))
        kinds, other, what = (_VIDEOS, _IMAGES, "videos") if of_videos else (_IMAGES, _VIDEOS, "images")
        yield from _checked(dataset, kinds, f"a data set of {what} in {title}", dict.fromkeys(other, "Leave it out"))
        yield from _frames(Fields(dataset), title)
        yield from _places(Fields(dataset), Fields(shared), title)


def _frames(fields: Fields, title: str) -> Iterator[InvalidValue]:
    """The ways to take frames from a video (image_video_dataset.py)."""
    way = known(fields.text("frame_extraction"))
    if way is not None and way not in _EXTRACTIONS:
        expected = "head, chunk, slide, uniform or full, and stops at the first video"
        yield InvalidValue("frame_extraction", way, fields.span("frame_extraction"), title, expected)


def _places(fields: Fields, shared: Fields, title: str) -> Iterator[InvalidValue]:
    """What a folder or a list of files cannot do without."""
    for key in _FOLDERS:
        folder = known(fields.text(key))
        if folder and not fields.has("caption_extension") and not shared.has("caption_extension"):
            expected = (
                "`caption_extension` beside a folder, and without one opens a file without a name for each caption. "
                'Set `caption_extension = ".txt"`'
            )
            yield InvalidValue(key, folder, fields.span(key), title, expected)
    for key in _FILES:
        file = known(fields.text(key))
        if file and not fields.has("cache_directory"):
            expected = "`cache_directory` beside a list of files, as there is no folder for the cache. Set it"
            yield InvalidValue(key, file, fields.span(key), title, expected)


def _bucket_sizes(dataset: Mapping, general: Node | None, title: str) -> Iterator[InvalidValue]:
    """A resolution beyond the largest bucket, or below the smallest (train_util.py)."""
    parts = [Fields(dataset), *([Fields(general)] if isinstance(general, Mapping) else [])]
    if known(_first(parts, "enable_bucket").flag("enable_bucket")) is not True:
        return
    place = _first(parts, "resolution")
    sides = known(place.wholes("resolution"))
    sizes = sides if isinstance(sides, tuple) else (sides,)
    steps = known(_first(parts, "bucket_reso_steps").whole("bucket_reso_steps")) or 64
    if None in sizes or not sizes or steps <= 0:
        return
    most = known(_first(parts, "max_bucket_reso").whole("max_bucket_reso"))
    least = known(_first(parts, "min_bucket_reso").whole("min_bucket_reso"))
    shown = sides if not isinstance(sides, tuple) else list(sides)
    if most is not None and max(sizes) > -(-most // steps) * steps:
        expected = f"no side beyond `max_bucket_reso`, which is {most}, and stops. Raise that to {max(sizes)}"
        yield InvalidValue("resolution", shown, place.span("resolution"), title, expected)
    elif least is not None and min(sizes) < least // steps * steps:
        expected = f"no side below `min_bucket_reso`, which is {least}, and stops. Lower that to {min(sizes)}"
        yield InvalidValue("resolution", shown, place.span("resolution"), title, expected)


def _first(parts: list[Fields], key: str) -> Fields:
    """The part that sets a key: that of the data set comes before what all share."""
    return next((part for part in parts if part.has(key)), parts[0])


def _checked(mapping: Mapping, kinds: Kinds, owner: str, others: dict[str, str]) -> Iterator[Problem]:
    """Keys that a part does not have, and values of another type; `others` says what to do about keys of other parts.
    Forks have keys of their own, so that one that is neither known elsewhere nor misspelt is passed over."""
    for entry in mapping.entries:
        key = str(entry.key.value)
        if key in kinds:
            if not _is(kinds[key], entry.value):
                expected = f"{_WORDS[kinds[key]]}, and stops"
                yield InvalidValue(key, _plain(entry.value), entry.value.span, owner, expected)
            continue
        near = closest(key, frozenset(kinds), _NEAR) if key not in others else ()
        meant = tuple(each for each in near if mapping.entry(each) is None)
        if meant or key in others or key in _ELSEWHERE:
            yield UnknownKey(key, entry.key.span, owner, meant, _STOPS, others.get(key, "Leave it out"))


_NEAR = 0.85
"""How similar an unknown key must be to a known one to count as a misspelling of it."""
_ELSEWHERE = {*_SUBSETS, *_DATASETS, *_IMAGES, *_VIDEOS}.union(
    "train_batch_size train_data_dir reg_data_dir in_json output_dir output_name max_train_steps max_train_epochs "
    "learning_rate cache_latents cache_latents_to_disk cache_text_encoder_outputs cache_text_encoder_outputs_to_disk "
    "mixed_precision network_module network_dim network_alpha max_token_length pretrained_model_name_or_path "
    "vae_batch_size dataset_repeats seed masked_loss".split()
)
"""Keys of the other program's data, and options of the training itself, which are written here in their place."""


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.value
    return [_plain(item) for item in node.items] if isinstance(node, Sequence) else "a table"


def _is(kind: str, node: Node) -> bool:
    """Whether a value has a type, as `isinstance` says."""
    if isinstance(node, Scalar) and isinstance(node.value, Placeholder):
        return True
    if isinstance(node, Sequence):
        values = [item.value if isinstance(item, Scalar) else None for item in node.items]
        if kind == "list":
            return all(isinstance(item, Mapping) for item in node.items)
        if kind == "floats":
            return len(values) == 2 and all(isinstance(value, float) for value in values)
        whole = all(isinstance(value, int) for value in values)
        return whole and (kind == "ints" or (kind == "size" and len(values) == 2))
    if isinstance(node, Mapping):
        return kind == "dict"
    value = node.value
    if kind in ("size", "int"):
        return isinstance(value, int)
    if kind == "number":
        return isinstance(value, int | float)
    wanted = {"bool": bool, "str": str, "float": float}.get(kind)
    return wanted is not None and isinstance(value, wanted)


def items(mapping: Mapping, key: str) -> Iterator[Mapping]:
    """The mappings in a list."""
    node = mapping.get(key)
    yield from (item for item in node.items if isinstance(item, Mapping)) if isinstance(node, Sequence) else ()
