"""SimpleTuner: the entries of the file that `data_backend_config` names, usually `multidatabackend.json`.

Source: bghira/SimpleTuner at bc8e6ab, simpletuner/helpers/data_backend/factory.py (init_backend_config) and
simpletuner/helpers/image_manipulation/training_sample.py.
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields
from lora_lint.readers.nodes import Scalar, Sequence
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.readers.nodes import Mapping

_TYPES = ("local", "aws", "csv", "huggingface")
"""Where an entry's data is."""
_IMAGES = ("image", "conditioning", "eval", "video")
"""The kinds of data that are cropped and have sizes."""
_SIZES = ("resolution", "maximum_image_size", "target_downsample_size")
_MEGAPIXELS = 20
"""Less is accepted as megapixels. No data is trained on at so few pixels; DeepFloyd's has 64."""
_CHOICES = {
    "resolution_type": ("pixel", "area", "pixel_area"),
    "crop_aspect": ("square", "preserve", "random", "closest"),
    "crop_style": ("random", "corner", "center", "centre", "face"),
}
"""What a setting of images may be (config/validators.py)."""
_OF_BACKENDS = ("huggingface", "webshart")
"""Ways to get captions that only a backend of that type has."""
_NO = frozenset({"false", "no", "off", "0"})


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an entry for images in a file of SimpleTuner's data."""
    fields = Fields(document)
    named = fields.has("id") and known(fields.text("type")) in _TYPES
    return named and fields.has("instance_data_dir") and fields.has("cache_dir_vae")


def problems(document: Mapping, title: str) -> Iterator[InvalidValue]:
    """A text for false, which is true, and what the factory of its data refuses."""
    fields = Fields(document)
    if known(fields.flag("disabled")) or known(fields.text("dataset_type")) not in (None, *_IMAGES):
        return
    crop = fields.node("crop")
    if isinstance(crop, Scalar) and isinstance(crop.value, str) and crop.value.strip().lower() in _NO:
        expected = "true or false without quotes, and takes any text for true: it crops all images. Write `false`"
        yield InvalidValue("crop", crop.value, fields.span("crop"), title, expected)
    yield from _choices(fields, title)
    yield from _captions(fields, title)
    yield from _frames(fields, title)
    yield from _sizes(fields, title)


def _choices(fields: Fields, title: str) -> Iterator[InvalidValue]:
    for key, words in _CHOICES.items():
        value = known(fields.text(key))
        if value is not None and value not in words:
            yield InvalidValue(key, value, fields.span(key), title, f"one of {', '.join(words)}, and stops")
    aspect = known(fields.text("crop_aspect"))
    if aspect in ("random", "closest") and not isinstance(fields.node("crop_aspect_buckets"), Sequence):
        expected = "`crop_aspect_buckets`, a list of ratios, beside that, and stops"
        yield InvalidValue("crop_aspect", aspect, fields.span("crop_aspect"), title, expected)


def _captions(fields: Fields, title: str) -> Iterator[InvalidValue]:
    """Captions from where this entry has none (factory.py)."""
    strategy, kind = known(fields.text("caption_strategy")), known(fields.text("type"))
    metadata = known(fields.text("metadata_backend"))
    span = fields.span("caption_strategy")
    if strategy in _OF_BACKENDS and kind is not None and kind != strategy:
        expected = (
            f"captions of that kind where `type` is {strategy} alone, and stops. Set `caption_strategy` to textfile"
        )
        yield InvalidValue("caption_strategy", strategy, span, title, expected)
    if strategy == "parquet" and metadata in ("json", "discovery"):
        expected = "`metadata_backend` to be parquet too, and stops"
        yield InvalidValue("caption_strategy", strategy, span, title, expected)
    if kind == "huggingface" and strategy is not None and strategy not in ("huggingface", "instanceprompt"):
        expected = "huggingface or instanceprompt where the data is on the hub, and stops"
        yield InvalidValue("caption_strategy", strategy, span, title, expected)
    for key, expected in (
        ("caption_filter_list", "it in the entry of `text_embeds` alone, and stops. Move it there"),
        ("disable_vae_cache", "`vae_cache_disable` in its place, and stops"),
    ):
        if fields.mapping.entry(key) is not None:
            yield InvalidValue(key, known(fields.text(key)) or "", fields.span(key), title, expected)


def _frames(fields: Fields, title: str) -> Iterator[InvalidValue]:
    video = fields.section("video")
    if video is None or known(fields.text("dataset_type")) != "video":
        return
    least, wanted = known(video.whole("min_frames")), known(video.whole("num_frames"))
    if least is not None and wanted is not None and least < wanted:
        expected = f"at least as many frames as `num_frames`, which is {wanted}, and stops"
        yield InvalidValue("min_frames", least, video.span("min_frames"), title, expected)


def _sizes(fields: Fields, title: str) -> Iterator[InvalidValue]:
    """Sizes in another unit than `resolution_type` has."""
    unit = known(fields.text("resolution_type"))
    if known(fields.number("maximum_image_size")) and not fields.has("target_downsample_size"):
        expected = "`target_downsample_size` beside it, and stops. Set that too"
        size = known(fields.number("maximum_image_size"))
        yield InvalidValue("maximum_image_size", size, fields.span("maximum_image_size"), title, expected)
    if unit == "area":
        for key in ("maximum_image_size", "target_downsample_size"):
            size = known(fields.number(key))
            if size is not None and size >= _MEGAPIXELS:
                expected = (
                    "megapixels below 20, as `resolution_type` is `area`, and stops. Write `pixel` there for pixels"
                )
                yield InvalidValue(key, size, fields.span(key), title, expected)
                return
    if unit != "pixel":
        return
    for key in _SIZES:
        size = known(fields.number(key))
        if size is not None and 0 < size < _MEGAPIXELS:
            limit = "" if key == "resolution" else ", and stops below 512"
            expected = (
                f"the length of an edge, as `resolution_type` is `pixel`{limit}. Write `area` there for megapixels"
            )
            yield InvalidValue(key, size, fields.span(key), title, expected)
            return
