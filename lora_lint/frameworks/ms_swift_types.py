"""The types of models and templates that ms-swift's commands name.

Source: ms-swift 3.0.0 to 4.6.0, model/constant.py, template/constant.py and model/models/*.py: since 3.0 all names
have only small letters, digits and underscores. The type decides the class that loads the model.
"""

from __future__ import annotations

import os
import re

from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.frameworks.fields import Fields

_FIRST = (3, 0)
_REGISTERS = ("custom_register_path", "external_plugins", "sft_type")
"""Options by which there may be other names."""
_OF_TEXT = frozenset(
    "qwen qwen2 qwen2_5 qwen2_5_math qwen2_moe qwen3 qwen3_moe qwen3_thinking qwen3_nothinking qwq llama llama3 "
    "llama3_1 llama3_2 gemma gemma2 gemma3_text mistral deepseek_r1_distill internlm2 internlm3 glm4".split()
)
_SEEING = frozenset({"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen2_5_omni", "qwen3_omni_moe"})
"""Types that are called as in transformers, of which each loads its own models alone."""


def unfit_types(fields: Fields, owner: str, model: str | None, near: str) -> Iterator[InvalidValue]:
    """Names that no release has since 3.0, and a type of other models than the one that is named."""
    if any(fields.has(key) for key in _REGISTERS):
        return
    for key in ("model_type", "template"):
        name = known(fields.text(key))
        if name is not None and not re.fullmatch(r"[a-z0-9_]+", name):
            expected = (
                "a name of small letters, digits and underscores since 3.0, as `qwen2_5_vl`, and raises a ValueError"
            )
            yield InvalidValue(key, name, fields.span(key), owner, expected, since=_FIRST)
    given = known(fields.text("model_type"))
    if given is not None and model is not None and (given in _OF_TEXT or given in _SEEING):
        from lora_lint.knowledge.architectures import heads
        from lora_lint.knowledge.models import identify

        found = identify(model, near=os.path.dirname(near) or None)
        if found is None or given == found.model_type:
            return
        several = "multimodal-lm" in heads(found.model_type)
        if several if given in _OF_TEXT else not several or found.model_type in _SEEING:
            expected = (
                f"a type for {model}, which is a `{found.model_type}`: the class of another one cannot load it, or "
                "leaves its images out. Leave it out, since the config says the type"
            )
            yield InvalidValue("model_type", given, fields.span("model_type"), owner, expected, since=_FIRST)
