"""SimpleTuner: the file that `lycoris_config` names, and the classes of modules that it adapts.

Source: bghira/SimpleTuner at bc8e6ab, simpletuner/helpers/training/trainer.py (init_trainable_peft_adapter) and
simpletuner/helpers/models/*/transformer.py; LyCORIS at f49d30d, lycoris/wrapper.py (LycorisNetwork).
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields
from lora_lint.readers.configs import roots
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.project import Project
    from lora_lint.run.problems import Problem

_USUAL = ("Attention", "FeedForward")
"""The classes of diffusers that most models are made of, as nearly all examples have them."""
_OWN = {
    "flux2": ("Flux2Attention", "Flux2FeedForward", "Flux2ParallelSelfAttention"),
    "krea2": ("Krea2Attention", "Krea2TransformerBlock"),
    "kandinsky5-image": ("Kandinsky5Attention", "Kandinsky5FeedForward"),
    "kandinsky5-video": ("Kandinsky5Attention", "Kandinsky5FeedForward"),
    "cosmos3": ("Cosmos3PackedMoTAttention",),
    "ltxvideo": ("LTXAttention", "FeedForward"),
    "ltxvideo2": ("LTX2Attention", "FeedForward"),
    "minimaxh3": ("MiniMaxH3Attention", "FeedForward"),
}
"""What stands for these in models whose blocks are made of classes of their own."""
_PRESET = (
    *("enable_conv", "target_module", "target_name", "module_algo_map", "name_algo_map", "lora_prefix", "use_fnmatch"),
    *("unet_target_module", "unet_target_name", "text_encoder_target_module", "text_encoder_target_name"),
    "exclude_name",
)
_OF_SCRIPTS = _PRESET[7:11]
"""Accepted, and read by the network of other scripts alone."""


def problems(fields: Fields, project: Project, title: str) -> Iterator[Problem]:
    """What is wrong with the file that `lycoris_config` names."""
    preset = _preset(fields, project)
    if preset is None:
        return
    for entry in preset.mapping.entries:
        key = str(entry.key.value)
        if key not in _PRESET:
            yield UnknownKey(
                key, entry.key.span, "`apply_preset` of LyCORIS", (), "stops it (KeyError)", "Leave it out"
            )
        elif key in _OF_SCRIPTS:
            what = key.partition("_target_")[2]
            instead = f"Write `target_{what}`" if key.startswith("unet") else "Leave it out"
            yield UnknownKey(key, entry.key.span, f"LyCORIS in {title}", (), "is not read", instead)
    own = _OWN.get(known(fields.text("model_family")) or "", ())
    for node in _classes(preset) if own else ():
        if node.value in _USUAL and node.value not in own:
            expected = (
                f"the names of classes in the model. This one has {', '.join(own)} and no `{node.value}`, so that "
                "nothing of that name is adapted. Write its own, also in `module_algo_map`"
            )
            yield InvalidValue("target_module", str(node.value), node.span, title, expected)


def _preset(fields: Fields, project: Project) -> Fields | None:
    """What `apply_preset` has in that file."""
    name = known(fields.text("lycoris_config"))
    place = project.by_end(fields.mapping.span.path, name) if name else None
    source = project.load(place) if place is not None else None
    try:
        found = roots(source) if source is not None else ()
    except (Unreadable, RecursionError):
        return None
    return Fields(found[0]).section("apply_preset") if found and isinstance(found[0], Mapping) else None


def _classes(preset: Fields) -> Iterator[Scalar]:
    """The names of classes, each where it is written."""
    node = preset.node("target_module")
    yield from (item for item in node.items if isinstance(item, Scalar)) if isinstance(node, Sequence) else ()
