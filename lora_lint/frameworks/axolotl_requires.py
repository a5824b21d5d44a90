"""The releases of the libraries below it that axolotl asks for, by its own release.

Source: axolotl 0.6.0 to 0.19.0, requirements.txt and pyproject.toml.
"""

from __future__ import annotations

REQUIRES = """
0.6.0: peft>=0.14.0,<=0.14.0 trl>=0.12.1,<=0.12.1 transformers>=4.46.3
0.7.0: transformers>=4.48.3,<=4.48.3 peft>=0.14.0,<=0.14.0 trl>=0.15.0,<=0.15.0
0.9.2: transformers>=4.51.3,<=4.51.3 peft>=0.15.2,<=0.15.2 trl>=0.17.0,<=0.17.0
0.12.2: transformers>=4.55.2,<=4.55.2 peft>=0.17.0,<=0.17.0 trl>=0.21.0,<=0.21.0
0.16.1: transformers>=5.5.0,<=5.5.0 peft>=0.18.1 trl>=0.29.0,<=0.29.0
0.19.0: transformers>=5.16.1,<=5.16.1 peft>=0.20.0,<=0.20.0 trl>=1.9.0,<=1.9.0
"""
CHECKED = ""
"""It checks none of them itself."""
