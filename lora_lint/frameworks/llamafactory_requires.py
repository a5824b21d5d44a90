"""The releases of the libraries below it that LLaMA-Factory asks for, by its own release.

Source: LLaMA-Factory 0.7.1 to 0.9.5, extras/misc.py (`check_dependencies`).
"""

from __future__ import annotations

REQUIRES = """
0.7.1: transformers>=4.37.2 datasets>=2.14.3 accelerate>=0.27.2 peft>=0.10.0 trl>=0.8.1
0.8.0: transformers>=4.41.2 datasets>=2.16.0 accelerate>=0.30.1 peft>=0.11.1 trl>=0.8.6
0.8.3: transformers>=4.41.2 datasets>=2.16.0 accelerate>=0.30.1 peft>=0.11.1 trl>=0.8.6
0.9.0: transformers>=4.41.2,<=4.45.0 datasets>=2.16.0,<=2.21.0 accelerate>=0.30.1,<=0.33.0 \
peft>=0.11.1,<=0.12.0 trl>=0.8.6,<=0.9.6
0.9.1: transformers>=4.41.2,<=4.46.1 datasets>=2.16.0,<=3.1.0 accelerate>=0.34.0,<=1.0.1 peft>=0.11.1,<=0.12.0 \
trl>=0.8.6,<=0.9.6
0.9.2: transformers>=4.41.2,<=4.49.0 datasets>=2.16.0,<=3.2.0 accelerate>=0.34.0,<=1.2.1 peft>=0.11.1,<=0.12.0 \
trl>=0.8.6,<=0.9.6
0.9.3: transformers>=4.45.0,<=4.52.4 datasets>=2.16.0,<=3.6.0 accelerate>=0.34.0,<=1.7.0 peft>=0.14.0,<=0.15.2 \
trl>=0.8.6,<=0.9.6
0.9.4: transformers>=4.51.0,<=4.57.1 datasets>=2.16.0,<=4.0.0 accelerate>=1.3.0,<=1.11.0 peft>=0.14.0,<=0.17.1 \
trl>=0.18.0,<=0.24.0
0.9.5: transformers>=4.55.0,<=5.6.0 datasets>=2.16.0,<=4.0.0 accelerate>=1.3.0,<=1.15.0 peft>=0.18.0,<=0.20.0 \
trl>=0.18.0,<=0.24.0
"""
CHECKED = "DISABLE_VERSION_CHECK"
"""It stops at others as it starts, unless this variable is set."""
