"""Adapters in the project: what their own config says."""

from __future__ import annotations

import json
import os

from lora_lint.run.values import Known
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.run.values import Value
    from lora_lint.source import SourceFile

CONFIG = "adapter_config.json"


def saved_config(folder: str, near: str, project: Project) -> SourceFile | None:
    """The config in an adapter's folder, searched from the folder of the file `near` upwards; None if the project does
    not have it."""
    place = project.nearest(near, os.path.join(folder, CONFIG))
    return project.load(place) if place is not None else None


def saved_base(folder: str, near: str, project: Project) -> Value[str] | None:
    """The base model that the config in an adapter's folder names; None if there is no such folder, or no name."""
    source = saved_config(folder, near, project)
    try:
        base = json.loads(source.utf8).get("base_model_name_or_path") if source is not None else None
    except (ValueError, AttributeError, RecursionError):
        return None
    return Known(base, None, "literal", Span(source.path, 0, 0)) if source and isinstance(base, str) and base else None
