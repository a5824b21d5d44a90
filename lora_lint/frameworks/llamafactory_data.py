"""What LLaMA-Factory expects of the data that a training names in its `dataset_info.json`.

Source: LLaMA-Factory 0.9.5, data/parser.py (DatasetAttr, get_dataset_list), data/loader.py (_get_merged_dataset),
data/converter.py and data/processor/{supervised,feedback}.py. What it drops it reports in a warning for each example;
a training without any stops with "Cannot find valid samples".
"""

from __future__ import annotations

from lora_lint.knowledge.sizes import first_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.project import Project

_COMPARED = ("rm", "dpo")
"""The stages that train on pairs."""
_COLUMNS = {"prompt": "instruction", "response": "output", "messages": "conversations"}
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
"""What columns and tags are called where `columns` and `tags` are left out; where they are given, a name that they do
not have is None."""
_ROWS = 20


def unfit(entry: Mapping[str, Any], stage: str, folder: str, project: Project) -> str | None:
    """What a stage expects of a data set that its entry, or its file in a folder, shows not to be there; None if
    nothing is known to be wrong."""
    ranking = entry.get("ranking") is True
    if stage in _COMPARED and not ranking:
        return 'pairs, and stops: the entry has no `"ranking": true`'
    if stage not in _COMPARED and ranking:
        return f'no pairs for `stage: {stage}`, and stops: the entry has `"ranking": true`'
    formatting = entry.get("formatting", "alpaca")
    columns, tags = _named(entry, "columns", _COLUMNS), _named(entry, "tags", _TAGS)
    if columns is None or tags is None:
        return None
    if stage == "kto" and not columns.get("kto_tag"):
        return "a column `kto_tag`, and drops every example without one"
    if formatting == "alpaca":
        if stage == "sft" and not columns.get("response"):
            return 'answers, and drops every example: `columns` names no `"response"`, as for pre-training'
        return _of_alpaca(columns, stage, _rows(entry, folder, project))
    if formatting == "sharegpt":
        lacking = [tag for tag in ("role_tag", "content_tag", "user_tag", "assistant_tag") if not tags.get(tag)]
        if lacking:
            return f"every tag that differs if `tags` is given, and takes no example: it has no `{lacking[0]}`"
        return _of_sharegpt(columns, tags, _rows(entry, folder, project))
    return None


def _named(entry: Mapping[str, Any], part: str, usual: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The names in a part of an entry; None if it is none."""
    given = entry.get(part, usual)
    return given if isinstance(given, dict) or given is usual else None


def _rows(entry: Mapping[str, Any], folder: str, project: Project) -> list[dict[str, Any]]:
    """The first examples of a data set, if it is a file of the project."""
    file = entry.get("file_name")
    elsewhere = any(key in entry for key in ("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name"))
    if elsewhere or not isinstance(file, str) or entry.get("folder"):
        return []
    rows = first_rows(file, f"{folder}/", project, _ROWS)
    return [row for row in rows if isinstance(row, dict)] if rows else []


def _of_alpaca(columns: Mapping[str, Any], stage: str, rows: list[dict[str, Any]]) -> str | None:
    for column in ("prompt", "response"):
        name = columns.get(column)
        if rows and name and not any(name in row for row in rows):
            return f"the column `{name}` for the {column}, and raises a KeyError: the file has {_listed(rows)}"
    name = str(columns.get("response"))
    if rows and stage == "sft" and not any(isinstance(row.get(name), str) for row in rows):
        kind = type(rows[0].get(name)).__name__
        return f"texts as answers, and drops every other example: `{name}` holds a {kind} in the file"
    return None


def _of_sharegpt(columns: Mapping[str, Any], tags: Mapping[str, Any], rows: list[dict[str, Any]]) -> str | None:
    name = str(columns.get("messages"))
    if rows and not any(name in row for row in rows):
        return f"the column `{name}` for the messages, and raises a KeyError: the file has {_listed(rows)}"
    firsts = [message for row in rows if isinstance(message := _first(row.get(name), tags), dict)]
    if not firsts or len(firsts) < len(rows):
        return None
    for tag in ("role_tag", "content_tag"):
        if not any(tags[tag] in message for message in firsts):
            return f"`{tags[tag]}` as the `{tag}` of a message, and raises a KeyError: the file has {_listed(firsts)}"
    asking = (tags["user_tag"], tags.get("observation_tag"))
    if any(message.get(tags["role_tag"]) in asking for message in firsts):
        return None
    role = firsts[0].get(tags["role_tag"])
    return f"`{tags['user_tag']}` as the role of who asks, and drops every other example: the file has `{role}`"


def _first(messages: Any, tags: Mapping[str, Any]) -> Any:
    """The first message of a conversation after that of the system."""
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        return None
    rest = messages[1:] if messages[0].get(tags["role_tag"]) == tags.get("system_tag") else messages
    return rest[0] if rest else None


def _listed(rows: Iterable[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    return ", ".join(f"`{name}`" for name in names[:4]) + (" …" if len(names) > 4 else "")
