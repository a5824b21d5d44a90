"""safetensors files: the content of their header, and whether tensors are zero. No tensor is loaded.

Format: eight bytes with the length of the header, a JSON object of name -> dtype, shape and offsets, the data
(https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import os
import sys
from io import BytesIO
from itertools import pairwise

from lora_lint.readers.errors import Unreadable
from lora_lint.records import dataclass
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

LONGEST_HEADER = 10_000_000
"""The longest header, in bytes. The format allows ten times as many; an adapter on each of 100,000 experts has some
eight million."""
_POINTER = b"version https://git-lfs.github.com/spec/"
_CHUNK = 1 << 20
_FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
"""The bytes of a float, the last of which holds its sign."""
_SIGN = 0x80
_MOST = 1 << 30
"""The most bytes that are searched for a nonzero number. In a trained adapter the first few suffice."""


class Pointer(Unreadable):
    """A pointer of Git LFS, where the file itself is not fetched."""


class CutOff(Unreadable):
    """A file that ends before what its header describes, which safetensors refuses to load."""


@dataclass(frozen=True)
class Tensor:
    """One tensor: `start` and `end` are its bytes in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start


def read_header(path: str) -> tuple[Tensor, ...]:
    """The tensors of a file in the order of its header; of an adapter on the hub that is all there is (`system.hub`).
    Raises Unreadable (Pointer, CutOff), OSError."""
    held = disk.instead(path)
    with open(path, "rb") if held is None else BytesIO(held) as file:
        whole = os.fstat(file.fileno()).st_size if held is None else sys.maxsize
        start = file.read(8)
        if start + file.read(len(_POINTER) - 8) == _POINTER:
            raise Pointer("This is a pointer of Git LFS and not the file itself, which `git lfs pull` fetches")
        file.seek(8)
        length = int.from_bytes(start, "little")
        if whole < 8 or length > whole - 8:
            raise CutOff("This is not a safetensors file: its header is longer than the file")
        if length > LONGEST_HEADER:
            raise Unreadable(f"The header of this safetensors file has more than {LONGEST_HEADER // 1_000_000} MB")
        header = file.read(length)
    try:
        entries = json.loads(header)
    except (ValueError, RecursionError):
        raise Unreadable("This is not a safetensors file: its header is not JSON") from None
    if not isinstance(entries, dict):
        raise Unreadable("This is not a safetensors file: its header is not an object")
    found = []
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        tensor = _tensor(name, entry, 8 + length)
        if tensor is None or not 8 + length <= tensor.start <= tensor.end <= whole:
            raise CutOff(f"This safetensors file is cut off or damaged: {name} is not within it")
        found.append(tensor)
    for one, other in pairwise(sorted(found, key=lambda tensor: (tensor.start, tensor.end))):
        if other.start < one.end:
            raise Unreadable(f"This safetensors file is damaged: {one.name} and {other.name} overlap")
    return tuple(found)


def _tensor(name: str, entry: Any, base: int) -> Tensor | None:
    if not isinstance(entry, dict):
        return None
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        return None
    if not all(type(number) is int and number >= 0 for number in (*shape, *offsets)):
        return None
    return Tensor(name, str(entry.get("dtype")), tuple(shape), base + offsets[0], base + offsets[1])


def all_zero(path: str, tensors: Iterable[Tensor]) -> bool:
    """Whether every number in some tensors is 0 or -0.0; False too if that would require reading more than a gigabyte,
    or only the header is there. Stops at the first nonzero one. Raises OSError."""
    if disk.instead(path) is not None:
        return False
    looked_at = 0
    with open(path, "rb") as file:
        for tensor in tensors:
            looked_at += tensor.size
            if looked_at > _MOST:
                return False
            file.seek(tensor.start)
            left = tensor.size
            while left > 0:
                chunk = file.read(min(left, _CHUNK))
                if not chunk or not _zeros(chunk, _FLOATS.get(tensor.dtype)):
                    return False
                left -= len(chunk)
    return True


def _zeros(chunk: bytes, size: int | None) -> bool:
    """Whether some bytes are all 0, but for the signs of floats of so many bytes each."""
    if chunk.count(0) == len(chunk):
        return True
    if size is None:
        return False
    signs = chunk[size - 1 :: size]
    return signs.count(0) + signs.count(_SIGN) == len(signs) and not any(
        any(chunk[place::size]) for place in range(size - 1)
    )
