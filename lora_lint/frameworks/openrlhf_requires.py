"""The releases of the libraries below it that OpenRLHF asks for, by its own release.

Source: the wheels of OpenRLHF 0.6.0 to 0.10.0, what they declare for pip.
"""

from __future__ import annotations

REQUIRES = """
0.6.0: transformers>=4.48.3,<=4.48.3
0.7.0: transformers>=4.50.0,<=4.50.0
0.8.0: transformers>=4.51.3,<=4.51.3
0.9.0: transformers>=4.57.0,<=4.57.0
0.10.0: transformers>=5.5.3,<=5.5.3
"""
CHECKED = ""
"""It checks none of them itself."""
