"""The releases of the libraries below it that unsloth asks for, by its own release.

Source: the wheels of unsloth 2024.11.2 to 2026.10.9, what they declare for pip.
"""

from __future__ import annotations

REQUIRES = """
2024.11.2: transformers>=4.46.1 peft>=0.7.1 trl>=0.7.9
2025.2.4: transformers>=4.46.1 peft>=0.7.1 trl>=0.7.9
2025.2.9: transformers>=4.46.1 peft>=0.7.1 trl>=0.7.9,<0.15.0
2025.2.15: transformers>=4.46.1 peft>=0.7.1 trl>=0.7.9
2025.3.1: transformers>=4.46.1 peft>=0.7.1 trl>=0.7.9
2025.3.10: transformers>=4.46.1 peft>=0.7.1 trl>=0.7.9,<=0.15.2
2025.4.7: transformers>=4.46.1 peft>=0.7.1 trl>=0.7.9,<=0.15.2
2025.5.1: transformers>=4.51.3,<=4.51.3 peft>=0.7.1 trl>=0.7.9,<=0.15.2
2025.5.6: transformers>=4.51.3,<=4.51.3 peft>=0.7.1 trl>=0.7.9,<=0.15.2
2025.5.9: transformers>=4.51.3 peft>=0.7.1 trl>=0.7.9
2025.9.1: transformers>=4.51.3 peft>=0.7.1 trl>=0.7.9
2025.9.6: transformers>=4.51.3,<=4.55.4 peft>=0.7.1 trl>=0.7.9
2025.9.11: transformers>=4.51.3,<=4.56.2 peft>=0.7.1 trl>=0.7.9,<=0.23.0
2025.10.6: transformers>=4.51.3,<=4.56.2 peft>=0.7.1 trl>=0.7.9,<=0.23.0
2025.10.12: transformers>=4.51.3,<=4.57.2 peft>=0.7.1 trl>=0.18.2,<=0.23.0
2025.11.1: transformers>=4.51.3,<=4.57.2 peft>=0.7.1 trl>=0.18.2,<=0.23.0
2025.11.6: transformers>=4.51.3,<=4.57.2 peft>=0.7.1 trl>=0.18.2,<=0.24.0
2025.12.1: transformers>=4.51.3,<=4.57.3 peft>=0.7.1 trl>=0.18.2,<=0.24.0
2026.1.1: transformers>=4.51.3,<=4.57.3 peft>=0.7.1 trl>=0.18.2,<=0.24.0
2026.1.4: transformers>=4.51.3,<=4.57.6 peft>=0.18.0 trl>=0.18.2,<=0.24.0
2026.2.1: transformers>=4.51.3,<=4.57.6 peft>=0.18.0 trl>=0.18.2,<=0.24.0
2026.3.1: transformers>=4.51.3,<=5.2.0 peft>=0.18.0 trl>=0.18.2,<=0.24.0
2026.3.9: transformers>=4.51.3,<=5.3.0 peft>=0.18.0 trl>=0.18.2,<=0.24.0
2026.3.18: transformers>=4.51.3,<=5.3.0 peft>=0.18.0 trl>=0.18.2,<=0.24.0
2026.4.1: transformers>=4.51.3,<=5.5.0 peft>=0.18.0 trl>=0.18.2,<=0.24.0
2026.9.14: transformers>=4.51.3,<=5.5.0 peft>=0.18.0 trl>=0.18.2,<=0.24.0
2026.10.9: transformers>=4.52.4,<=5.17.0 peft>=0.18.0 trl>=0.18.2,<=1.15.0
"""
CHECKED = ""
"""It checks none of them itself."""
