"""Since which release transformers knows a type of model: data/type_versions.json.

Written by scripts/generate_type_versions.py from models/auto of transformers 4.28.0 to 5.23.0, one release of each
minor version.
"""

from __future__ import annotations

import json
from functools import cache

from lora_lint.knowledge.edition import bundled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.run.versions import Version


def first_release(model_type: str) -> Version | None:
    """The first release with a type; None if 4.28.0 had it, or none has."""
    return _releases().get(model_type)


@cache
def _releases() -> dict[str, Version]:
    document: dict[str, str] = json.loads(bundled("type_versions.json"))
    # Of minor versions whose first release was withdrawn a later one was read, which has the same types.
    return {
        kind: (*(int(number) for number in release.split(".")[:2]), 0)
        for release, kinds in document.items()
        for kind in kinds.split()
    }
