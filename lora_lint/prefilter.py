"""What the bytes of a file show before it is parsed: whether it may be about LoRA, and what it imports or starts."""

from __future__ import annotations

import os
import re

from lora_lint import marks
from lora_lint.source import SCRIPTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import FileKind

# Compiled on first use, which most runs never reach.
# A comment for other linters can name our codes in a file that otherwise does not concern us (LL910).
_NOQA = rb"noqa[^\n]*"
_OURS = rb"\bll\d"
# In a configuration key or in Python code, not in running text.
_CODE = rb"\bpeft\b|LoraConfig|\blora_|_lora\b|_lora_training|PeftModel"
_ASSIGNED = rb"(?<!\w)\w+(?==)"
# None of these scans a character more than a few times, however long a word or a line is.
_TELLING = {
    "python": _CODE,
    "notebook": _CODE,
    "yaml": rb"(?im)^[ \t-]*[\"']?[\w.]*(?:lora|peft)[\w.]*[\"']?[ \t]*:|:[ \t]*[\"']?q?lora[\"']?[ \t\r]*(?:#|$)",
    "toml": rb"(?im)^[ \t]*(?:[\w.]*(?:lora|network_)[\w.]*|(?:image|video|control|cache)_directory|image_dir)[ \t]*="
    rb"|^[ \t]*\[\[directory\]\]",
    "shell": rb"(?i)(?<![\w-])--[\w-]*lora",
    "make": rb"(?i)(?<![\w-])--[\w-]*lora",
    "docker": rb"(?i)(?<![\w-])--[\w-]*lora",
    "modelfile": rb"(?im)^[ \t]*(?:ADAPTER[ \t]|PARAMETER[ \t]+[\"']?<[|/])",
    "json": rb"(?i)\"(?:[\w.-]*(?<![a-z]))?(?:q?lora(?!l)|peft)[\w.-]*\"\s*:|:\s*\"q?lora\"",
}
_TASK = rb"(?m)^run[ \t]*:|^[ \t-]*image[ \t]*:[ \t]*[\"'$\w]"
_SERVING = (
    rb"\bvllm[ \t]+serve\b|\bvllm\.entrypoints\b|--adapter-path\b|--adapter-id\b|--infer_backend[ \t=]+vllm\b|"
    rb"--adapters\b|\bconvert[_-]hf[_-]to[_-]gguf\b"
)
_SEPARATORS = bytes(byte if chr(byte).isalnum() or chr(byte) == "_" or byte > 127 else 32 for byte in range(256))


def relevant(data: bytes) -> bool:
    """Whether a file with these bytes could have a finding.

    Every construct that the linter knows spells `lora` or `peft` somewhere: LoraConfig, get_peft_model, PeftModel,
    lora_r, `adapter: qlora`, peft_type, and its own comments. The exceptions are files of frameworks that train LoRA by
    default, which are recognised by one of their keys. NULs are dropped, which turns the ASCII part of UTF-16 and
    UTF-32 into ASCII. "exploration" is the one common word in training code that also contains "lora".
    """
    low = data.lower()
    if b"\0" in low:
        low = low.replace(b"\0", b"")
    if b"peft" in low:
        return True
    if b"lora" in low and b"lora" in low.replace(b"explora", b""):
        return True
    if any(word in low for word in marks.WORDS):
        return True
    # Line by line, each once: a single expression would rescan a long line from each `noqa`.
    return b"noqa" in low and any(re.search(_OURS, line) for line in re.findall(_NOQA, low))


def telling(data: bytes, kind: FileKind) -> bool:
    """Whether a file that cannot be parsed is probably about LoRA, so that the failure deserves a finding. Stricter
    than `relevant`: data sets and templates that mention the word in running text do not concern us."""
    data = data.replace(b"\0", b"")
    if re.search(_TELLING[kind], data) is not None:
        return True
    return kind in SCRIPTS and any(b"lora_" in name[:-1].lower() for name in re.findall(_ASSIGNED, data))


def holds_commands(data: bytes, kind: FileKind) -> bool:
    """Whether a file that is not about LoRA otherwise has commands for a shell."""
    return kind in SCRIPTS or (kind == "yaml" and re.search(_TASK, data) is not None)


def concerns_adapters(commands: bytes) -> bool:
    """Whether commands train or serve an adapter without saying lora."""
    return re.search(b"|".join((*marks.IN_COMMANDS, _SERVING)), commands) is not None


def frameworks_of(data: bytes, kind: FileKind) -> list[str]:
    """The frameworks whose configuration a file may be, by the words that it holds."""
    return [
        name
        for name, kinds, groups in marks.CONFIGS
        if kind in kinds and any(all(word in data for word in words) for words in groups)
    ]


def short_strings(json: bytes) -> bytes:
    """The keys and short texts of a JSON file."""
    return b"\n".join(re.findall(rb'"[^"\\\n]{1,80}"', json))


def words(text: bytes) -> set[bytes]:
    """The identifiers in some bytes."""
    return set(text.translate(_SEPARATORS).split())


def module_name(path: str) -> bytes:
    """The last part of the name under which a program is imported."""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0]
    return os.fsencode(folder.rpartition("/")[2] if stem == "__init__" else stem)


def import_lines(data: bytes) -> bytes:
    """The import statements of a program or notebook, or whatever looks like one."""
    found = []
    at = data.find(b"import ")
    while at >= 0:
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        if data[end - 1 : end] == b"(" or data[end - 2 : end] == b"(\r":
            close = data.find(b")", end)
            end = len(data) if close < 0 else close
        found.append(data[data.rfind(b"\n", 0, at) + 1 : end])
        at = data.find(b"import ", end)
    return b" ".join(found)


def programs(data: bytes) -> bytes:
    """The names of the programs that a shell script mentions, without folder and suffix."""
    # From the start of a word only: an image in a notebook is one of megabytes.
    return b" ".join(re.findall(rb"(?<!\w)(\w+)\.py\b", data)) if b".py" in data else b""
