"""What LitGPT's data module JSON expects of its file.

Source: litgpt 0.5.13, data/json_data.py and data/base.py (SFTDataset), whose keys are the same since 0.3.
"""

from __future__ import annotations

from lora_lint.frameworks.examples import columns_of, first_examples
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.frameworks.fields import Fields
    from lora_lint.project import Project

_FIRST = (0, 3)
_COLUMNS = ("instruction", "output")
"""The keys that it asks each row for, whatever the style of the prompt."""


def unfit_data(own: Fields, owner: str, near: str, project: Project) -> Iterator[InvalidValue]:
    """A file, which the arguments of the module name, without one of the keys."""
    path = known(own.text("json_path"))
    for file in (path, f"{path}/train.json") if path is not None else ():
        rows = first_examples(file, near, project)
        missing = next((name for name in _COLUMNS if rows and not any(name in row for row in rows)), None)
        if missing is not None:
            expected = f"the key `{missing}` in each row, and stops with a KeyError: {columns_of(rows)}"
            yield InvalidValue("json_path", path, own.span("json_path"), owner, expected, since=_FIRST)
            return
