"""Names and types of models that came and went with releases, checked against the installed libraries."""

from __future__ import annotations

import importlib
from importlib.metadata import version

import pytest

from lora_lint.knowledge.gone_names import GONE
from lora_lint.knowledge.loaders import others_for
from lora_lint.knowledge.type_versions import first_release

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("module", GONE)
def test_the_installed_release_has_none_of_the_names(module: str) -> None:
    found = importlib.import_module(module)
    assert not [name for name in GONE[module] if hasattr(found, name)]


def test_the_installed_transformers_knows_every_type() -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    installed = tuple(int(part) for part in version("transformers").split("."))
    later = [kind for kind in CONFIG_MAPPING if (first_release(kind) or (0,)) > installed]
    assert not later
    assert first_release("llama") is None  # older than all that were read
    assert first_release("qwen3") == (4, 51, 0)
    assert first_release("qwen3_vl") == (4, 57, 0)  # read in 4.57.1


@pytest.mark.parametrize(
    "loader", ["AutoModelForCausalLM", "AutoModelForImageTextToText", "AutoModelForSequenceClassification"]
)
def test_the_classes_load_what_the_installed_ones_do(loader: str) -> None:
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    taken = getattr(transformers, loader)._model_mapping._model_mapping
    assert not [kind for kind in taken if others_for(loader, kind)]
    assert [kind for kind in CONFIG_MAPPING_NAMES if others_for(loader, kind)]
    assert others_for("AutoModelForCausalLM", "qwen2_5_vl")[0] == "AutoModelForImageTextToText"
    assert not others_for("AutoModelForCausalLM", "a_type_of_its_own")
