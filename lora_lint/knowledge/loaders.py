"""Which types of models the classes of transformers load: data/loaders.json.

Written by scripts/generate_loaders.py from models/auto/modeling_auto.py of transformers 4.28.1 to 5.24.0: a class loads
a type if it does in any of these releases.
"""

from __future__ import annotations

import json
from functools import cache

from lora_lint.knowledge.edition import bundled


def others_for(loader: str, model_type: str) -> tuple[str, ...]:
    """The classes that load a type which `loader` refuses with a ValueError; empty if it takes the type, or if nothing
    is known of the type or the class."""
    types = _types()
    if loader not in types or model_type in types[loader]:
        return ()
    return tuple(other for other, loaded in types.items() if model_type in loaded)


@cache
def _types() -> dict[str, frozenset[str]]:
    document: dict[str, str] = json.loads(bundled("loaders.json"))
    return {loader: frozenset(types.split()) for loader, types in document.items()}
