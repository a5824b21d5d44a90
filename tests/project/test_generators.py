"""What the scripts read from the sources of the frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.package import ROOT
from tests.support.scripts import script

if TYPE_CHECKING:
    from pathlib import Path

CONFIGS = """\
@auto_docstring(checkpoint="org/whole-7b")
class WholeTextConfig(PreTrainedConfig):
    model_type = "whole_text"


@auto_docstring(checkpoint="org/whole-7b")
@strict
class WholeConfig(PreTrainedConfig):
    model_type = "whole"


@auto_docstring(checkpoint="org/placeholder")
class OtherConfig(PreTrainedConfig):
    model_type = "other"


@auto_docstring
class PlainConfig(PreTrainedConfig):
    model_type = "plain"
"""
SHARED = """\
@auto_docstring(checkpoint="org/of-several")
class OneConfig(PreTrainedConfig):
    model_type = "one"


@auto_docstring(checkpoint="org/of-several")
class TwoConfig(PreTrainedConfig):
    model_type = "two"
"""


def test_a_checkpoint_is_that_of_the_whole_model_and_of_one_type(tmp_path: Path) -> None:
    for name, text in (("whole", CONFIGS), ("shared", SHARED)):
        path = tmp_path / "models" / name / f"configuration_{name}.py"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    generator = script(ROOT / "scripts" / "generate_models.py")
    assert dict(generator.checkpoints(tmp_path, {"org/placeholder"})) == {"org/whole-7b": "whole"}
