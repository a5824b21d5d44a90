"""SimpleTuner: the entries of the file that `data_backend_config` names, usually `multidatabackend.json`.

Source: bghira/SimpleTuner at bc8e6ab, simpletuner/helpers/data_backend/factory.py (init_backend_config) and
simpletuner/helpers/image_manipulation/training_sample.py.
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields
from lora_lint.readers.nodes import Scalar
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
_NO = frozenset({"false", "no", "off", "0"})


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an entry for images in a file of SimpleTuner's data."""
    fields = Fields(document)
    named = fields.has("id") and known(fields.text("type")) in _TYPES
    return named and fields.has("instance_data_dir") and fields.has("cache_dir_vae")


def problems(document: Mapping, title: str) -> Iterator[InvalidValue]:
    """A text for false, which is true, and the first size in megapixels where pixels are asked for."""
    fields = Fields(document)
    if known(fields.flag("disabled")) or known(fields.text("dataset_type")) not in (None, *_IMAGES):
        return
    crop = fields.node("crop")
    if isinstance(crop, Scalar) and isinstance(crop.value, str) and crop.value.strip().lower() in _NO:
        expected = "true or false without quotes, and takes any text for true: it crops all images. Write `false`"
        yield InvalidValue("crop", crop.value, fields.span("crop"), title, expected)
    if known(fields.text("resolution_type")) != "pixel":
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
