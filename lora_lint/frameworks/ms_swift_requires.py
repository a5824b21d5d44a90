"""The releases of the libraries below it that ms-swift asks for, by its own release.

Source: the wheels of ms-swift 3.0.0 to 4.6.0, what they declare for pip.
"""

from __future__ import annotations

REQUIRES = """
3.0.0: transformers>=4.33,<4.48 peft>=0.11,<0.15 trl>=0.11,<0.12 datasets>=3.0
3.1.0: transformers>=4.33,<4.50 peft>=0.11,<0.15 trl>=0.13,<0.15 datasets>=3.0
3.1.1: transformers>=4.33,<4.50 peft>=0.11,<0.15 trl>=0.13,<0.16 datasets>=3.0
3.2.0: transformers>=4.33,<4.50 peft>=0.11,<0.15 trl>=0.13,<0.17 datasets>=3.0
3.2.2: transformers>=4.33,<4.51 peft>=0.11,<0.16 trl>=0.13,<0.17 datasets>=3.0
3.3.0: transformers>=4.33,<4.52 peft>=0.11,<0.16 trl>=0.13,<0.17 datasets>=3.0
3.3.1: transformers>=4.33,<4.53 peft>=0.11,<0.16 trl>=0.13,<0.17 datasets>=3.0
3.4.0: transformers>=4.33,<4.53 peft>=0.11,<0.16 trl>=0.13,<0.18 datasets>=3.0
3.4.1: transformers>=4.33,<4.53 peft>=0.11,<0.16 trl>=0.13,<0.18 datasets>=3.0,<3.4
3.5.0: transformers>=4.33,<4.53 peft>=0.11,<0.16 trl>=0.15,<0.20 datasets>=3.0,<3.4
3.6.4: transformers>=4.33,<4.53 peft>=0.11,<0.16 trl>=0.15,<0.20 datasets>=3.0,<3.4
3.7.0: transformers>=4.33,<4.56 peft>=0.11,<0.17 trl>=0.15,<0.21 datasets>=3.0,<3.4
3.7.3: transformers>=4.33,<4.56 peft>=0.11,<0.18 trl>=0.15,<0.21 datasets>=3.0,<3.4
3.8.0: transformers>=4.33,<4.57 peft>=0.11,<0.18 trl>=0.15,<0.21 datasets>=3.0,<4.0
3.8.3: transformers>=4.33,<4.57 peft>=0.11,<0.18 trl>=0.15,<0.21 datasets>=3.0,<4.0
3.9.0: transformers>=4.33,<4.58 peft>=0.11,<0.18 trl>=0.15,<0.24 datasets>=3.0,<4.0
3.9.3: transformers>=4.33,<4.58 peft>=0.11,<0.18 trl>=0.15,<0.24 datasets>=3.0,<4.0
3.10.0: transformers>=4.33,<4.58 peft>=0.11,<0.18 trl>=0.15,<0.25 datasets>=3.0,<4.0
3.10.3: transformers>=4.33,<4.58 peft>=0.11,<0.18 trl>=0.15,<0.25 datasets>=3.0,<4.0
3.11.0: transformers>=4.33,<4.58 peft>=0.11,<0.19 trl>=0.15,<0.25 datasets>=3.0,<4.0
3.12.6: transformers>=4.33,<4.58 peft>=0.11,<0.19 trl>=0.15,<0.25 datasets>=3.0,<4.0
4.0.0: transformers>=4.33,<5.3 peft>=0.11,<0.19 trl>=0.15,<0.29 datasets>=3.0,<4.0
4.0.4: transformers>=4.33,<5.4 peft>=0.11,<0.19 trl>=0.15,<0.30 datasets>=3.0,<4.0
4.1.0: transformers>=4.33,<5.6 peft>=0.11,<0.19 trl>=0.15,<0.30 datasets>=3.0,<4.0
4.1.3: transformers>=4.33,<5.7 peft>=0.11,<0.20 trl>=0.15,<0.30 datasets>=3.0,<4.0
4.2.0: transformers>=4.33,<5.9 peft>=0.11,<0.20 trl>=0.15,<1.0 datasets>=3.0,<4.8.5
4.2.3: transformers>=4.33,<5.9 peft>=0.11,<0.20 trl>=0.15,<1.0 datasets>=3.0,<4.8.5
4.3.0: transformers>=4.33,<5.11 peft>=0.11,<0.20 trl>=0.15,<1.0 datasets>=3.0,<4.8.5
4.3.2: transformers>=4.33,<5.13 peft>=0.11,<0.20 trl>=0.15,<1.0 datasets>=3.0,<4.8.5
4.4.0: transformers>=4.33,<5.13 peft>=0.11,<0.20 trl>=0.15,<1.0 datasets>=3.0,<4.8.5
4.5.0: transformers>=4.33,<5.17 peft>=0.11,<0.20 trl>=0.15,<1.0 datasets>=3.0,<4.8.5
4.6.0: transformers>=4.33,<5.20 peft>=0.11,<0.21 trl>=0.15,<1.0 datasets>=4.0,<4.8.5
"""
CHECKED = ""
"""It checks none of them itself."""
