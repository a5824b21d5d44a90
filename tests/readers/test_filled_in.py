"""Templates of configuration files, which some engine fills in."""

from __future__ import annotations

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

AXOLOTL = "adapter: lora\nlora_r: {}\nbase_model: {}\nmicro_batch_size: 2\ndatasets: [{{path: a, type: alpaca}}]\n"
SCRIPTS = 'network_module = "networks.lora"\npretrained_model_name_or_path = "a/b"\nnetwork_dim = {}\n'
ADAPTER = '{{"peft_type": "LORA", "lora_alpha": 16, "target_modules": ["q_proj"], "r": {}}}'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", AXOLOTL.format("@RANK@", "a/b")),
        ("a.yaml", AXOLOTL.format("%RANK%", "%MODEL%")),
        ("a.yaml", AXOLOTL.format("<% rank %>", "<%= model %>")),
        ("a.yaml", AXOLOTL.format("{{ rank }}", "{{ model }}")),
        ("a.yaml", AXOLOTL.format("$RANK", "$MODEL")),
        ("a.toml", SCRIPTS.format("{{ rank }}")),
        ("a.toml", SCRIPTS.format("${RANK}")),
        ("adapter_config.json", ADAPTER.format("{{ rank }}")),
        ("adapter_config.json", ADAPTER.format("{% if big %}64{% endif %}")),
    ],
)
def test_templates_are_no_faults(name: str, text: str) -> None:
    assert [each.code for each in engine.lint_text(text, name, Settings()).findings] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", AXOLOTL.format("@rank", "a/b")),
        ("a.toml", SCRIPTS.format("8 9")),
        ("adapter_config.json", ADAPTER.format('8,, "x": "{{ y }}"')),
    ],
)
def test_faults_beside_them_are_told(name: str, text: str) -> None:
    assert [each.code for each in engine.lint_text(text, name, Settings()).findings] == ["LL900"]
