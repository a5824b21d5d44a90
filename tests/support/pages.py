"""The examples of the rules' pages, and how they are run.

A fence's info string is `<language> <kind> [file name]`: kind is bad, good or trap; `beside` is another file of the
example that follows. Without a name the file is `train.py`, `config.yaml`, `run.sh` or `adapter_config.json`. A file of the
language `weights` is a safetensors file: a line for each tensor, `name dtype shape value`, the shape as `8x4096`.
"""

from __future__ import annotations

import json
import math
import re
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from lora_lint.finding import Finding

RULES = Path(__file__).parents[2] / "rules"
NAMES = {
    "python": "train.py",
    "yaml": "config.yaml",
    "json": "adapter_config.json",
    "toml": "config.toml",
    "modelfile": "Modelfile",
    "bash": "run.sh",
}
WEIGHTS = "weights"
KINDS = ("bad", "good", "trap")

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One example of a page: the file to lint, and those beside it as (name, text)."""

    code: str
    kind: str
    name: str
    text: str
    number: int
    beside: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.code}-{self.number}-{self.kind}-{self.name}"


class WrongFence(Exception):
    """A fence whose info string is not understood."""


def fences(text: str) -> list[tuple[str, str]]:
    """(info string, content) of every fence."""
    return [(match[1].strip(), match[2]) for match in _FENCE.finditer(text)]


def of_page(code: str, text: str) -> list[Example]:
    """The examples of one page. Raises WrongFence."""
    found: list[Example] = []
    beside: list[tuple[str, str]] = []
    for info, content in fences(text):
        language, kind, name = (*info.split(), "", "", "")[:3]
        known = language in NAMES or (language == WEIGHTS and kind == "beside")
        if not known or kind not in (*KINDS, "beside") or (kind == "beside" and not name):
            raise WrongFence(f"{code}: ```{info}")
        if kind == "beside":
            beside.append((name, content))
            continue
        found.append(Example(code, kind, name or NAMES[language], content, len(found) + 1, tuple(beside)))
        beside = []
    if beside:
        raise WrongFence(f"{code}: nothing follows {beside[0][0]}")
    return found


def weights(text: str) -> bytes:
    """A safetensors file from its lines."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for line in text.splitlines():
        name, dtype, shape, value = line.split()
        sizes = [int(size) for size in shape.split("x")]
        number = {"F32": "<f", "F16": "<e"}[dtype]
        content = struct.pack(number, float(value)) * math.prod(sizes)
        header[name] = {"dtype": dtype, "shape": sizes, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + data


@cache
def all_examples() -> tuple[Example, ...]:
    """The examples of all pages in order."""
    pages = sorted(RULES.glob("LL*.md"))
    return tuple(example for page in pages for example in of_page(page.name[:5], page.read_text(encoding="utf-8")))


def findings(example: Example, folder: Path, settings: Settings | None = None) -> tuple[Finding, ...]:
    """What lora-lint finds in an example under its usual settings. `folder` has to be the current one."""
    for name, text in (*example.beside, (example.name, example.text)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(weights(text) if name.endswith(".safetensors") else text.encode())
    return engine.lint([example.name], settings or Settings(), jobs=1).findings
