"""What ms-swift expects of the data files that a training names, where nothing of the user's own reads them.

Source: ms-swift 4.6.0, dataset/preprocessor/core.py (AutoPreprocessor and those that it chooses from),
template/base.py (`_rlhf_encode`), pipelines/train/kto.py and rewards/orm.py; 3.0.0 and 3.6.0, llm/dataset and
llm/template, know fewer spellings. A row that raises an error there is dropped with "the data will be deleted".
"""

from __future__ import annotations

from lora_lint.frameworks.examples import columns_of, first_examples
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from lora_lint.frameworks.fields import Fields
    from lora_lint.project import Project

    Rows = list[dict[str, Any]]

_FIRST = (3, 0)
"""The first release that tells the columns so."""
_OWN_READERS = (
    *("columns", "custom_register_path", "custom_dataset_info", "external_plugins", "disable_auto_column_mapping"),
    *("custom_train_dataset_path", "load_data_args"),
)
"""Options by which other columns may fit."""
_TALKS = ("messages", "conversations", "conversation")
_ASKED = frozenset({"query", "prompt", "input", "instruction", "question", "problem"})
_ANSWERS = frozenset(
    "response answer output targets target answer_key answers solution text completion content".split()
)
_USERS, _ASSISTANTS = frozenset({"user", "human"}), frozenset({"assistant", "gpt", "bot"})
_ROLES = frozenset(
    "system user human assistant gpt bot tool tool_call tool_response function_call function_response observation "
    "observations".split()
)
_PARTS = (("role", "from"), ("content", "value"))
_COMPARED = frozenset({"dpo", "orpo", "simpo", "cpo", "rm"})
_SOLVED = frozenset({"accuracy", "cosine"})
"""The rewards of its own that compare with the column `solution`."""


def unfit_data(fields: Fields, owner: str, near: str, project: Project) -> Iterator[InvalidValue]:
    """The data files whose first rows are not what a training expects; `owner` expects it."""
    names = known(fields.names("dataset"))
    if names is None or any(fields.has(key) for key in _OWN_READERS) or fields.has("sft_type"):
        return
    if known(fields.text("task_type")) not in (None, "causal_lm"):
        return
    for name in (names,) if isinstance(names, str) else names:
        path = name.rpartition("#")[0] if name.rpartition("#")[2].isdigit() else name
        rows = first_examples(path, near, project)
        expected = (_of_stage(fields, rows) or _of_rows(fields, rows)) if rows else None
        if expected is not None:
            yield InvalidValue("dataset", name, fields.span("dataset"), owner, expected, since=_FIRST)


def _of_stage(fields: Fields, rows: Rows) -> str | None:
    """What a stage needs beside the messages."""
    stage = known(fields.text("rlhf_type"))
    names = _names(rows)
    if stage in _COMPARED and not any(name.startswith("rejected_") for name in names):
        return f"`rejected_response` or `rejected_messages` for `{stage}`, and stops without: {columns_of(rows)}"
    if stage == "kto" and "label" not in names:
        return f"the column `label`, true or false, and raises a KeyError: {columns_of(rows)}"
    rewards = known(fields.names("reward_funcs"))
    wanted = _SOLVED.intersection((rewards,) if isinstance(rewards, str) else rewards or ())
    if stage == "grpo" and wanted and "solution" not in names:
        return f"the column `solution` for the reward `{min(wanted)}`, and raises a TypeError: {columns_of(rows)}"
    return None


def _of_rows(fields: Fields, rows: Rows) -> str | None:
    """What makes a conversation of each row."""
    talks = [name for name in _TALKS if name in _names(rows)]
    if talks:
        return _of_messages([row.get(talks[0]) for row in rows]) if len(talks) == 1 else None
    if known(fields.text("rlhf_type")) in ("grpo", "ppo", "gkd"):
        return None
    found = _names(rows)
    if {"instruction", "input"} <= found and "output" in found:
        return None
    answers = _ANSWERS & {name.lower() for name in found}
    if "response" in answers or len(answers) == 1 or "history" in found:
        return None
    if answers:
        both = " and ".join(f"`{name}`" for name in sorted(answers)[:2])
        return (
            f"one column of answers, and reads none of several: {both} would both be `response`, so that it trains on "
            "no answer. Rename the right one to `response`"
        )
    return (
        "`messages`, or a column of answers such as `response` or `output`, and without any trains on no answer: "
        f"{columns_of(rows)}"
    )


def _of_messages(talks: list[Any]) -> str | None:
    messages = [talk for talk in talks if isinstance(talk, list) and talk]
    if len(messages) < len(talks) or not all(isinstance(each, dict) for talk in messages for each in talk):
        return None
    firsts = [talk[0] for talk in messages]
    if not any({"role", "from", "content", "value"} & first.keys() for first in firsts):
        if any(_USERS & first.keys() and _ASSISTANTS & first.keys() for first in firsts):
            return None
        return f"`role` and `content` in each message, and drops every row: {_had(firsts)}"
    for names in _PARTS:
        if not any(set(names) & first.keys() for first in firsts):
            return f"`{names[0]}` or `{names[1]}` in each message, and drops every row: {_had(firsts)}"
    odd = [next((role for role in map(_role, talk) if role not in _ROLES), None) for talk in messages]
    if all(isinstance(role, str) for role in odd):
        return f"the roles system, user and assistant, and drops every row: the messages have `{odd[0]}`"
    return None


def _role(message: dict[str, Any]) -> Any:
    role = message.get("role", message.get("from"))
    return role.replace("-", "_") if isinstance(role, str) else "user"


def _had(messages: Iterable[dict[str, Any]]) -> str:
    return columns_of(messages, "the messages have")


def _names(rows: Rows) -> set[str]:
    return {name for row in rows for name in row}
