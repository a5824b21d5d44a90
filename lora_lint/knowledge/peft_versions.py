"""What came with which version of PEFT: read in the sources of the releases 0.1.0 to 0.21.2 (tuners/lora/config.py)."""

from __future__ import annotations

ADDED: dict[str, tuple[int, int, int]] = {
    "layers_to_transform": (0, 4, 0),
    "layers_pattern": (0, 4, 0),
    "rank_pattern": (0, 6, 0),
    "alpha_pattern": (0, 6, 0),
    "use_rslora": (0, 8, 0),
    "use_dora": (0, 9, 0),
    "exclude_modules": (0, 14, 0),
    "lora_bias": (0, 14, 0),
    "trainable_token_indices": (0, 15, 0),
    "target_parameters": (0, 17, 0),
}
"""The first version whose LoraConfig has a setting, of those that `run.Adapter` keeps."""
