"""Makes the packs that `packed` reads: files in one file, compressed a few at a time. A wheel lacks this module."""

from __future__ import annotations

import os
import re
import zlib
from collections import Counter
from itertools import accumulate

from lora_lint.knowledge.packed import OWN, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WINDOW = 20_000
"""The longest dictionary: deflate looks back 32 KiB, to the end of it from the last file of a block."""
_BLOCK = 24_000
"""The most bytes of several files that are compressed together."""
_PIECE = 256
"""The length of the pieces that the dictionary is put together of."""
_GRAM = 12
"""What occurs in many files is found by texts of this length."""
_WORDS = 0xFF - OWN
_WORD = rb"[\w.]+|[^\w.\n]+"
_START = rb"[A-Z][a-z0-9]+(?=[A-Z])"


def files_of(folder: str) -> dict[str, bytes]:
    """The files of a folder by their names without the extension."""
    files = {}
    for entry in sorted(os.listdir(folder)):
        with open(os.path.join(folder, entry), "rb") as file:
            files[os.path.splitext(entry)[0]] = file.read()
    return files


def pack(files: Mapping[str, bytes], short: bool = False, apart: bool = False) -> bytes:
    """The content of a pack; a short one has words as single bytes, and takes twice as long to read. Long files are
    packed `apart`, without a dictionary: to inflate it takes as long as to inflate one of them."""
    plain = short and all(content.isascii() for content in files.values())
    own = {name: _start(content) if plain else b"" for name, content in files.items()}
    stored = {name: _shortened(content, [own[name]], OWN) for name, content in files.items()}
    words = _words(b"".join(stored.values())) if plain else []
    stored = {name: _shortened(content, words, OWN + 1) for name, content in stored.items()}
    dictionary = b"" if apart else _shared(list(stored.values()))
    listed, members = "\n", b""
    for block in _blocks(stored):
        member = deflated(b"".join(stored[name] for name in block), dictionary)
        listed += f"/{len(members)} {len(member)}\n"
        listed += "".join(f"{name}\t{len(stored[name])}\t{own[name].decode()}\n" for name in block)
        members += member
    parts = [deflated(part) if part else b"" for part in (listed.encode(), b"\n".join(words), dictionary)]
    return b"".join(len(part).to_bytes(4, "big") for part in parts) + b"".join(parts) + members


def alike(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files in an order in which each is like some of those before it, so that they pack well: by the runs of four
    words that they share."""
    runs: dict[str, set[tuple[bytes, ...]]] = {}
    owners: dict[tuple[bytes, ...], list[str]] = {}
    for name, content in files.items():
        words = re.findall(_WORD, content)
        runs[name] = {*zip(words, words[1:], words[2:], words[3:], strict=False)}
        for run in runs[name]:
            owners.setdefault(run, []).append(name)
    left, order = dict.fromkeys(files), list[str]()
    shared = Counter[str]()
    while left:
        order.append(max(left, key=lambda name: shared[name] / (len(runs[name]) + 20)))
        del left[order[-1]]
        shared = Counter[str]()
        for run in set().union(*(runs[name] for name in order[-3:])):
            if len(owners[run]) < 100:
                shared.update(owners[run])
    return {name: files[name] for name in order}


def _start(content: bytes) -> bytes:
    """The start of words that makes a file shortest when one byte stands for it."""
    starts = Counter[bytes]()
    for word in re.findall(rb"[A-Z]\w+", content):
        ends = [match.end() for match in re.finditer(_START, word)]
        starts.update(word[:end] for end in ends)
    return max(starts, key=lambda start: ((len(start) - 1) * starts[start], start), default=b"")


def _words(content: bytes) -> list[bytes]:
    """The words, and what is between words, that make all files shortest when one byte stands for each, the longest
    first."""
    found = Counter(word for word in re.findall(_WORD, content) if len(word) > 1)
    best = sorted(found, key=lambda word: ((len(word) - 1) ** 0.8 * found[word], word))[-_WORDS:]
    return sorted(best, key=lambda word: (-len(word), word))


def _shortened(content: bytes, words: Sequence[bytes], first: int) -> bytes:
    for byte, word in enumerate(words, first):
        content = content.replace(word, bytes((byte,))) if word else content
    return content


def _blocks(files: Mapping[str, bytes]) -> Iterator[list[str]]:
    """The names of the files that are compressed together."""
    block: list[str] = []
    size = 0
    for name, content in files.items():
        if block and size + len(content) > _BLOCK:
            yield block
            block, size = [], 0
        block.append(name)
        size += len(content)
    if block:
        yield block


def _shared(files: Sequence[bytes]) -> bytes:
    """The dictionary for some files: from every stretch of them the piece that most of the others share, the most
    common ones last."""
    common = Counter(gram for content in files for gram in {*_grams(content)})
    whole = b"".join(files)
    stretch = max(len(whole) * _PIECE // _WINDOW, _PIECE)
    pieces, taken = [], set[bytes]()
    for start in range(0, len(whole), stretch):
        part = whole[start : start + stretch]
        worth = [0, *accumulate(0 if gram in taken else common[gram] - 1 for gram in _grams(part))]
        last = max(len(worth) - _PIECE, 1)
        best = max(range(last), key=lambda at: worth[min(at + _PIECE, len(worth) - 1)] - worth[at])
        piece = part[best : best + _PIECE]
        pieces.append((worth[min(best + _PIECE, len(worth) - 1)] - worth[best], piece))
        taken.update(_grams(piece))
    return b"".join(piece for _, piece in sorted(pieces, key=lambda pair: pair[0]))[-_WINDOW:]


def _grams(content: bytes) -> Iterator[bytes]:
    return (content[at : at + _GRAM] for at in range(len(content) - _GRAM + 1))


def deflated(content: bytes, dictionary: bytes = b"") -> bytes:
    """Content in the form that `inflated` takes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, RAW, zdict=dictionary)
    return deflate.compress(content) + deflate.flush()
