"""What LLaMA-Factory expects of the data that a training names in its `dataset_info.json`.

Source: LLaMA-Factory 0.9.5, data/parser.py (DatasetAttr, get_dataset_list), data/loader.py (_get_merged_dataset),
data/converter.py, data/processor/{supervised,feedback,pairwise}.py and data/{mm_plugin,template}.py. What it drops it
reports in a warning for each example; a training without any stops with "Cannot find valid samples".
"""

from __future__ import annotations

from functools import partial

from lora_lint.frameworks.examples import columns_of, first_examples
from lora_lint.knowledge.sizes import contains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from lora_lint.project import Project

_COMPARED = ("rm", "dpo")
"""The stages that train on pairs."""
_COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
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
_OPTIONAL = ("system", "tools", "images", "videos", "audios", "chosen", "rejected", "kto_tag")
"""The columns that are only asked for if they are named, and then have to be there."""
_OF_ALPACA = ("query", "history")
"""The same in this format; the first is `input` by itself."""
_SEEING = frozenset(
    "dots_ocr ernie_vl gemma3 gemma3n gemma4 gemma4n glm4_5v glm4v glm_ocr granite3_vision intern_s1 intern_vl keye_vl "
    "kimi_vl lfm2_vl llama4 llava llava_next llava_next_llama3 llava_next_mistral llava_next_qwen llava_next_video "
    "llava_next_video_mistral llava_next_video_yi llava_next_yi mimo_vl minicpm_o minicpm_v minicpm_v_4_6 ministral3 "
    "mistral_small mllama moss_vl paligemma paligemma_chat pixtral qwen2_omni qwen2_vl qwen3_5 qwen3_5_nothink qwen3_6 "
    "qwen3_omni qwen3_omni_nothink qwen3_vl qwen3_vl_nothink video_llava yi_vl youtu_vl".split()
)
"""The templates of models that take images, one for each `<image>`."""
_IMAGE = "<image>"


_PAIRS = frozenset(
    "dpo_en_demo dpo_zh_demo dpo_mix_en dpo_mix_zh ultrafeedback coig_p rlhf_v vlfeedback rlaif_v orca_pairs nectar_rm "
    "orca_dpo_de".split()
)
_TEXTS = frozenset(
    "wiki_demo c4_demo refinedweb redpajama_v2 wikipedia_en wikipedia_zh pile skypile fineweb fineweb_edu".split()
)
_ANSWERS = frozenset(
    "identity alpaca_en_demo alpaca_zh_demo alpaca_en alpaca_zh alpaca_gpt4_en alpaca_gpt4_zh glaive_toolcall_en_demo "
    "glaive_toolcall_zh_demo glaive_toolcall_en glaive_toolcall_zh mllm_demo mllm_audio_demo mllm_video_demo".split()
)
"""Data sets that its own `dataset_info.json` registers: of pairs, of texts alone, of questions and answers."""


def unfit_by_name(name: str, stage: str) -> str | None:
    """What a stage expects of a data set that its own repository registers, and that is not there."""
    if stage in _COMPARED and name in _TEXTS | _ANSWERS:
        return "pairs, and stops: this set has single answers, or texts alone"
    if stage not in _COMPARED and name in _PAIRS:
        return f"no pairs for `stage: {stage}`, and stops: this set has some"
    if stage == "sft" and name in _TEXTS:
        return "answers, and drops every example: this set has texts alone, for `stage: pt`"
    return "a column `kto_tag`, and drops every example without one" if stage == "kto" and name in _ANSWERS else None


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
    rows = _rows(entry, folder, project)
    says = partial(contains, str(entry.get("file_name")), f"{folder}/", project)
    unnamed = next((column for column in ("chosen", "rejected") if ranking and not columns.get(column)), None)
    if unnamed is not None:
        return f'a column for each of the two answers, and raises a KeyError: `columns` names no `"{unnamed}"`'
    if stage == "kto" and not columns.get("kto_tag"):
        return "a column `kto_tag`, and drops every example without one"
    if formatting == "alpaca":
        if stage == "sft" and not columns.get("response"):
            return 'answers, and drops every example: `columns` names no `"response"`, as for pre-training'
        return (
            _of_alpaca(columns, stage, rows)
            or _unnamed(columns, (*_OF_ALPACA, *_OPTIONAL), rows, says)
            or _of_answers(columns, rows, str, ranking)
        )
    if formatting == "sharegpt":
        lacking = [tag for tag in ("role_tag", "content_tag", "user_tag", "assistant_tag") if not tags.get(tag)]
        if lacking:
            return f"every tag that differs if `tags` is given, and takes no example: it has no `{lacking[0]}`"
        return (
            _of_sharegpt(columns, tags, rows)
            or _unnamed(columns, _OPTIONAL, rows, says)
            or _of_answers(columns, rows, dict, ranking)
            or _of_turns(columns, tags, rows, ranking)
            or _of_contents(columns, tags, rows)
        )
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
    return first_examples(file, f"{folder}/", project)


def _of_alpaca(columns: Mapping[str, Any], stage: str, rows: list[dict[str, Any]]) -> str | None:
    for column in ("prompt", "response"):
        name = columns.get(column)
        if rows and name and not any(name in row for row in rows):
            return f"the column `{name}` for the {column}, and raises a KeyError: {columns_of(rows)}"
    name = str(columns.get("response"))
    if rows and stage == "sft" and not any(isinstance(row.get(name), str) for row in rows):
        kind = type(rows[0].get(name)).__name__
        return f"texts as answers, and drops every other example: `{name}` holds a {kind} in the file"
    return None


def _of_sharegpt(columns: Mapping[str, Any], tags: Mapping[str, Any], rows: list[dict[str, Any]]) -> str | None:
    name = str(columns.get("messages"))
    if rows and not any(name in row for row in rows):
        return f"the column `{name}` for the messages, and raises a KeyError: {columns_of(rows)}"
    firsts = [message for row in rows if isinstance(message := _first(row.get(name), tags), dict)]
    if not firsts or len(firsts) < len(rows):
        return None
    for tag in ("role_tag", "content_tag"):
        if not any(tags[tag] in message for message in firsts):
            return f"`{tags[tag]}` as the `{tag}` of a message, and raises a KeyError: {columns_of(firsts)}"
    asking = (tags["user_tag"], tags.get("observation_tag"))
    if any(message.get(tags["role_tag"]) in asking for message in firsts):
        return None
    role = firsts[0].get(tags["role_tag"])
    return f"`{tags['user_tag']}` as the role of who asks, and drops every other example: the file has `{role}`"


def _unnamed(
    columns: Mapping[str, Any], asked: tuple[str, ...], rows: list[dict[str, Any]], says: Callable[[str], bool]
) -> str | None:
    """A column that is named, and that the file, which `says` some text, has nowhere: one of a later row is null in
    those before it."""
    for column in asked:
        name = columns.get(column)
        if not isinstance(name, str) or not name or not rows or any(name in row for row in rows):
            continue
        if not says(f'"{name}"'):
            return f"the column `{name}` for the {column}, and raises a KeyError: {columns_of(rows)}"
    return None


def _of_answers(columns: Mapping[str, Any], rows: list[dict[str, Any]], kind: type, ranking: bool) -> str | None:
    """The two answers of a pair are texts, or messages in conversations."""
    pairs = [[row.get(str(columns.get(column))) for column in ("chosen", "rejected")] for row in rows if ranking]
    if not pairs or any(isinstance(answer, kind) for pair in pairs for answer in pair):
        return None
    expected = "texts" if kind is str else "single messages"
    return f"{expected} as the two answers, and drops every other example: the file has a {type(pairs[0][0]).__name__}"


def _of_turns(
    columns: Mapping[str, Any], tags: Mapping[str, Any], rows: list[dict[str, Any]], ranking: bool
) -> str | None:
    """A conversation ends with an answer, or before it where two are given beside it."""
    talks = [row.get(str(columns.get("messages"))) for row in rows]
    counts = [len(_turns(talk, tags)) for talk in talks if isinstance(talk, list)]
    if not counts or len(counts) < len(rows) or any(count % 2 == ranking for count in counts):
        return None
    if ranking:
        return "conversations that end before the two answers, and drops every example: those in the file go on"
    return "conversations of questions and answers in turn, and drops every example: those in the file end too early"


def _of_contents(columns: Mapping[str, Any], tags: Mapping[str, Any], rows: list[dict[str, Any]]) -> str | None:
    """What a person or the model says is a text (data/formatter.py, StringFormatter)."""
    said = (tags["user_tag"], tags["assistant_tag"], tags.get("system_tag"))
    for row in rows:
        for message in row.get(str(columns.get("messages"))) or ():
            if isinstance(message, dict) and message.get(tags["role_tag"]) in said:
                content = message.get(tags["content_tag"])
                if not isinstance(content, str):
                    kind = "null" if content is None else f"a {type(content).__name__}"
                    return f"a text in every message, and raises a RuntimeError: one of the file has {kind}"
    return None


def _turns(messages: list[Any], tags: Mapping[str, Any]) -> list[Any]:
    """A conversation without the message of the system."""
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    return messages[1:] if first and first.get(tags["role_tag"]) == tags.get("system_tag") else messages


def unfit_images(entry: Mapping[str, Any], template: str, folder: str, project: Project) -> str | None:
    """The same for the images of answers to learn, with a template of the framework's own: it takes none, or as many as
    there are `<image>` in the texts."""
    columns = _named(entry, "columns", _COLUMNS) or {}
    name = str(columns.get("images") or "")
    for row in _rows(entry, folder, project) if name else ():
        images = row.get(name) or []
        given = len(images) if isinstance(images, list) else 1
        if given and template not in _SEEING:
            return f"no images with `template: {template}`, and raises a ValueError: `{name}` in the file has some"
        parts = (row.get(str(columns.get(part))) for part in ("prompt", "query", "response", "history", "messages"))
        said = sum(_marks_in(part) for part in parts)
        if given != said and template in _SEEING:
            return (
                f"as many images as `{_IMAGE}` in the texts, and raises a ValueError: a row of the file has {given} in "
                f"`{name}`, and {said} of `{_IMAGE}`"
            )
    return None


def _marks_in(part: Any) -> int:
    """How often a text, or the texts in a list of messages, say `<image>`."""
    if isinstance(part, str):
        return part.count(_IMAGE)
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return sum(map(_marks_in, inner))


def _first(messages: Any, tags: Mapping[str, Any]) -> Any:
    """The first message of a conversation after that of the system."""
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        return None
    rest = _turns(messages, tags)
    return rest[0] if rest else None
