"""The file that `dataset_config` names, for the trainers of networks: `[general]` and `[[datasets]]` alone.

Source: sd-scripts at 48d368fa, library/config_util.py (ConfigSanitizer, BlueprintGenerator), library/train_util.py
(is_text_encoder_output_cacheable); musubi-tuner, dataset/config_utils.py, whose schema has the same two parts.
"""

from __future__ import annotations

from lora_lint.frameworks import networks_schema
from lora_lint.frameworks.fields import Fields
from lora_lint.frameworks.networks_schema import PARTS, items
from lora_lint.readers.configs import roots
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Mapping
from lora_lint.run.problems import InvalidValue
from lora_lint.run.run import Adapter, Reading, Run
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from lora_lint.project import Project
    from lora_lint.run.framework import Framework
    from lora_lint.run.problems import Problem

_CHANGES = ("shuffle_caption", "caption_dropout_rate", "caption_tag_dropout_rate", "token_warmup_step")
"""What changes captions from step to step."""
_FOLDERS = ("cache_directory", "image_directory", "video_directory")
"""Where the cache of a data set is, the first that is given."""


def problems(fields: Fields, project: Project, title: str, fixed: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the file of the data: settings of a training in it, captions that change although the networks
    of some modules train on `fixed` ones, whose encodings are cached, or, without such modules, two data sets with one
    cache."""
    name = fields.text("dataset_config")
    data = _file(known(name) or "", fields.mapping.span.path, project)
    if data is None or not isinstance(name, Known) or name.span is None:
        return
    if isinstance(data, int):
        expected = f"a file of valid TOML, and stops at line {data}"
        yield InvalidValue("dataset_config", name.value, name.span, title, expected)
        return
    other = next((each for each in data.entries if each.key.value not in PARTS), None)
    if other is not None:
        expected = (
            f"a file with `[general]` and `[[datasets]]` alone, and stops at `{other.key.value}`. Settings of a "
            "training are given as `--config_file`"
        )
        yield InvalidValue("dataset_config", name.value, name.span, title, expected)
        return
    yield from of_file(data, title, bool(fixed))
    if known(fields.flag("cache_text_encoder_outputs")) and known(fields.text("network_module")) in fixed:
        owner = f"{title} with `cache_text_encoder_outputs`"
        for part in _parts(data):
            for key in _CHANGES:
                value, span = known(part.number(key)) or known(part.flag(key)), part.span(key)
                if value:
                    yield InvalidValue(key, value, span, owner, "captions that do not change, and stops. Leave it out")


def reading(framework: Framework, document: Mapping, *, in_subsets: bool) -> Reading:
    """What is wrong with a file of data, as a run that trains nothing."""
    wrong = tuple(of_file(document, framework.title, in_subsets))
    run = Run(framework, document.span, Adapter(document.span), trained=False, problems=wrong)
    return Reading((run,) if wrong else ())


def of_file(data: Mapping, title: str, in_subsets: bool) -> Iterator[Problem]:
    """What is wrong with a file of data by itself; sd-scripts has its folders in subsets."""
    if in_subsets:
        yield from networks_schema.of_subsets(data, title)
    else:
        yield from networks_schema.of_folders(data, title)
        yield from _shared_caches(data, title)


def _shared_caches(data: Mapping, title: str) -> Iterator[InvalidValue]:
    """Data sets whose `cache_directory`, or without one whose own folder, is that of an earlier one (musubi-tuner at
    1a1f7246, dataset/config_utils.py, generate_dataset_group_by_blueprint)."""
    seen: set[str] = set()
    for each in map(Fields, items(data, "datasets")):
        key = next((key for key in _FOLDERS if each.has(key)), None)
        folder = known(each.text(key)) if key is not None else None
        if key is not None and folder is not None and folder in seen:
            expected = "a cache of its own for each data set, and stops at the second with the same"
            yield InvalidValue(key, folder, each.span(key), title, expected)
        seen.add(folder or "")


def _file(name: str, near: str, project: Project) -> Mapping | int | None:
    """The content of the file, or the line from which on it is no TOML; None if that is not known."""
    place = project.nearest(near, name.replace("\\", "/")) if name else None
    source = project.load(place) if place is not None else None
    try:
        found = roots(source) if source is not None else ()
    except RecursionError:
        return None
    except Unreadable as error:
        wrong = source is not None and error.span is not None and error.limit is None and name.endswith(".toml")
        if source is None or error.span is None or not wrong or error.in_template(source.utf8):
            return None
        return source.utf8.count(b"\n", 0, error.span.start) + 1
    return found[0] if len(found) == 1 and isinstance(found[0], Mapping) else None


def _parts(data: Mapping) -> Iterator[Fields]:
    """All that may say something of a subset, where no part sets anything again that one around it sets."""
    general = Fields(data).section("general")
    parts = [] if general is None else [general]
    for dataset in items(data, "datasets"):
        parts += [Fields(dataset), *map(Fields, items(dataset, "subsets"))]
    counts = [sum(part.has(key) for part in parts) for key in _CHANGES]
    if all(count <= 1 for count in counts):
        yield from parts
