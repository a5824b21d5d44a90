"""diffusion-pipe: the file that `dataset` names, with a `[[directory]]` for each folder of data.

Source: tdrussell/diffusion-pipe at 8f83dbf, utils/dataset.py (DirectoryDataset, SizeBucketDataset).
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_RATIOS = ("min_ar", "max_ar", "num_ar_buckets")
_TELLING = ("resolutions", "enable_ar_bucket", "ar_buckets", "size_buckets", "frame_buckets", "num_repeats", "min_ar")
_LISTS = ("resolutions", "frame_buckets", "ar_buckets", "size_buckets")
_OTHERS = ("model", "adapter", "optimizer", "dataset")
"""What the file of a training has."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a file of data."""
    parts = [Fields(document), *_folders(document)]
    telling = any(part.has(key) for part in parts for key in _TELLING)
    return len(parts) > 1 and telling and not any(document.entry(key) for key in _OTHERS)


def problems(document: Mapping, title: str) -> Iterator[InvalidValue]:
    """What a folder cannot do without, where nothing says it for all, and settings that are no lists."""
    shared = Fields(document)
    for part in (shared, *_folders(document)):
        yield from _no_lists(part, title)
    for folder in _folders(document):
        path, span = known(folder.text("path")), folder.span("path")
        if not folder.has("path"):
            yield InvalidValue("directory", "", folder.mapping.span, title, "a `path` in each, and stops (KeyError)")
            continue
        if _lacks(folder, shared, "resolutions") and _lacks(folder, shared, "size_buckets"):
            expected = "`resolutions` in this `[[directory]]` or above the first, and stops (KeyError). Set it there"
            yield InvalidValue("path", path, span, title, expected)
        elif _has_buckets(folder, shared) and _lacks(folder, shared, "ar_buckets"):
            lacking = [key for key in _RATIOS if _lacks(folder, shared, key)]
            if lacking and _lacks(folder, shared, "size_buckets"):
                expected = f"`{lacking[0]}` with `enable_ar_bucket`, and stops (KeyError). Set it, or `ar_buckets`"
                yield InvalidValue("path", path, span, title, expected)
        repeats = folder.number("num_repeats", shared.number("num_repeats"))
        count = known(repeats)
        if count is not None and count <= 0:
            place = folder if folder.has("num_repeats") else shared
            yield InvalidValue("num_repeats", count, place.span("num_repeats"), title, "more than 0, and stops")


def _has_buckets(folder: Fields, shared: Fields) -> bool:
    place = folder if folder.has("enable_ar_bucket") else shared
    return known(place.flag("enable_ar_bucket")) is True


def _lacks(folder: Fields, shared: Fields, key: str) -> bool:
    return not folder.has(key) and not shared.has(key)


def _no_lists(part: Fields, title: str) -> Iterator[InvalidValue]:
    for key in _LISTS:
        node = part.node(key)
        if isinstance(node, Scalar) and isinstance(node.value, int | float | str):
            yield InvalidValue(key, node.value, node.span, title, "a list, as in [512], and stops")


def _folders(document: Mapping) -> list[Fields]:
    node = document.get("directory")
    return [Fields(item) for item in node.items if isinstance(item, Mapping)] if isinstance(node, Sequence) else []
