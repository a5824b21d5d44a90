"""What mlx-lm expects of the folder with train.jsonl and valid.jsonl that a training names.

Source: mlx-lm 0.32.2 and 0.21.0, tuner/datasets.py (`create_dataset`) and tuner/trainer.py (`iterate_batches`).
"""

from __future__ import annotations

from lora_lint.frameworks.examples import columns_of, first_examples
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.project import Project
    from lora_lint.run.values import Value

_FIRST = (0, 21)
"""The oldest release that was read."""


def unfit_data(fields: Fields, batch: Value[int], owner: str, near: str, project: Project) -> Iterator[InvalidValue]:
    """The first file of the folder whose rows it does not take, or that has fewer of them than a batch."""
    folder = known(fields.text("data"))
    if folder is None or fields.has("hf_dataset") or known(fields.flag("train", usual(True))) is not True:
        return
    for name in ("train", "valid"):
        path = f"{folder}/{name}.jsonl"
        expected = _of_rows(fields, path, near, project) or _of_count(batch, path, near, project)
        if expected is not None:
            yield InvalidValue("data", folder, fields.span("data"), owner, expected, since=_FIRST)
            return


def _of_rows(fields: Fields, path: str, near: str, project: Project) -> str | None:
    """The first row decides what all are taken for."""
    rows = first_examples(path, near, project)[:1]
    names = {part: known(fields.text(f"{part}_feature", usual(name))) for part, name in _FEATURES.items()}
    if not rows or None in names.values():
        return None
    prompt, completion, chat, text = names.values()
    if {prompt, completion} <= rows[0].keys() or chat in rows[0]:
        return None
    if text not in rows[0]:
        wanted = f"`{chat}`, `{text}`, or `{prompt}` and `{completion}`"
        return f"rows with {wanted}, and raises a ValueError: {columns_of(rows, f'{path} has')}"
    if known(fields.flag("mask_prompt")) is True:
        return f"rows with a prompt of their own for `mask_prompt`, and raises a ValueError: {path} has `{text}`"
    return None


_FEATURES = {"prompt": "prompt", "completion": "completion", "chat": "messages", "text": "text"}


def _of_count(batch: Value[int], path: str, near: str, project: Project) -> str | None:
    from lora_lint.knowledge.sizes import rows_of_file

    rows = rows_of_file(path, near, project)
    if rows is None or not isinstance(batch, Known) or not 0 < rows < batch.value:
        return None
    what = "row" if rows == 1 else "rows"
    return f"at least one batch of {batch.value} rows, and raises a ValueError: {path} has {rows} {what}"
