"""What the names of models and of DeepSpeed configs reveal about the layout of a run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from lora_lint.run.launch import Quantizer, Sharding

if TYPE_CHECKING:
    from lora_lint.project import Project

# Not compiled here: few runs name such a config, and a class of letters that ignores case takes 3 ms to compile.
_STAGE = r"(?:^|[^a-z0-9])(?:z|zero|stage)[-_]?(?:stage[-_]?)?([0123])(?![0-9])"
_QUANTIZED = {"gptq", "awq", "aqlm", "hqq", "eetq"}
_FSDPS: dict[object, Sharding] = {1: Sharding.FSDP1, 2: Sharding.FSDP2}
_SEPARATORS = str.maketrans("_./", "---")


def quantizer_in_name(name: str) -> Quantizer | None:
    """The quantization in a model's name: `Qwen2.5-14B-Instruct-GPTQ-Int4`."""
    words = name.lower().translate(_SEPARATORS).split("-")
    return next((Quantizer[word.upper()] for word in words if word in _QUANTIZED), None)


def stage_in_name(path: str) -> Sharding | None:
    """The ZeRO stage in the name of a DeepSpeed config: `ds_z3_config.json`, `zero2.json`."""
    match = re.search(_STAGE, path.replace("\\", "/").rpartition("/")[2].lower())
    return sharding_of(int(match[1])) if match is not None else None


def stage_of(path: str, near: str, project: Project | None) -> tuple[Sharding | None, bool]:
    """The ZeRO stage of a DeepSpeed config that the file `near` names, and whether the config itself states it. The
    config is searched from that file's folder upwards; without it, its name decides."""
    place = project.nearest(near, path) if project is not None else None
    source = project.load(place) if project is not None and place is not None else None
    return (stage_in_name(path), False) if source is None else (stage_of_text(source.utf8), True)


def stage_of_text(text: bytes) -> Sharding | None:
    """The ZeRO stage of a DeepSpeed config; None if none is written there."""
    try:
        stage = json.loads(text)["zero_optimization"]["stage"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return sharding_of(stage) if isinstance(stage, int) and not isinstance(stage, bool) else None


def fsdp_of(version: object) -> Sharding:
    """The sharding of a version of FSDP, which may not be known."""
    return _FSDPS.get(version, Sharding.FSDP)


def sharding_of(stage: int) -> Sharding:
    """The sharding of a ZeRO stage."""
    return Sharding.ZERO3 if stage == 3 else Sharding.ZERO
