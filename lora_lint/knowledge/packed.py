"""Many small files in one, compressed a few at a time: what a wheel has in place of the folder of architectures.

The 500 documents are 2.4 MB as JSON, and 3.3 MB on a disk with blocks of 4 KiB; packed they are 0.3 MB. A look-up
inflates one block and parses one document, in 0.1 ms either way. In a checkout they stay the plain files that the
script writes and that a diff shows. The parts of a long table (`tables`) are packed in the same way.

The file: the sizes of the list of files and of the dictionary in 4 bytes each (big-endian); the list, deflated, with a
line for each file (name, the place and the size of its block, its own place in the block, its length); the dictionary,
deflated; the blocks of files, deflated with the dictionary, which is made of pieces of them: the documents are alike,
and most so to their neighbours. Places count from the end of the dictionary. There are no checksums: to compute them
takes half as long as to inflate.
"""

from __future__ import annotations

import os
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WINDOW = 32_768
"""The longest dictionary that deflate looks into."""
_BLOCK = 24_000
"""The most bytes of several files that are compressed together."""
_PIECE = 256
"""The length of the pieces that the dictionary is put together of."""
_GRAM = 12
"""What occurs in many files is found by texts of this length."""
_RAW = -zlib.MAX_WBITS
"""The format of deflate without header and checksum."""


def files_of(folder: str) -> dict[str, bytes]:
    """The files of a folder by their names without the extension."""
    files = {}
    for entry in sorted(os.listdir(folder)):
        with open(os.path.join(folder, entry), "rb") as file:
            files[os.path.splitext(entry)[0]] = file.read()
    return files


def pack(files: Mapping[str, bytes]) -> bytes:
    """The content of a pack."""
    dictionary = _shared(list(files.values()))
    listed, members = "\n", b""
    for block in _blocks(files):
        member, start = deflated(b"".join(files[name] for name in block), dictionary), 0
        for name in block:
            listed += f"{name}\t{len(members)}\t{len(member)}\t{start}\t{len(files[name])}\n"
            start += len(files[name])
        members += member
    head, shared = deflated(listed.encode()), deflated(dictionary)
    return len(head).to_bytes(4, "big") + len(shared).to_bytes(4, "big") + head + shared + members


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
    from collections import Counter  # only a build packs
    from itertools import accumulate

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
    deflate = zlib.compressobj(9, zlib.DEFLATED, _RAW, zdict=dictionary)
    return deflate.compress(content) + deflate.flush()


def inflated(content: bytes, dictionary: bytes = b"") -> bytes:
    """The content that was deflated. Raises zlib.error."""
    return zlib.decompressobj(_RAW, zdict=dictionary).decompress(content)


class Pack:
    """A pack of files. Raises OSError if it cannot be read."""

    def __init__(self, path: str) -> None:
        self._path = path
        with open(path, "rb") as file:
            size, shared = (int.from_bytes(file.read(4), "big") for _ in range(2))
            self._listed = inflated(file.read(size)).decode()
            self._dictionary = inflated(file.read(shared))
        self._start = 8 + size + shared

    def __contains__(self, name: object) -> bool:
        return f"\n{name}\t" in self._listed

    def __iter__(self) -> Iterator[str]:
        return (line.partition("\t")[0] for line in self._listed.split("\n")[1:-1])

    def read(self, name: str) -> bytes:
        """A file's content. Raises KeyError."""
        _, found, rest = self._listed.partition(f"\n{name}\t")
        if not found:
            raise KeyError(name)
        place, size, start, length = map(int, rest.partition("\n")[0].split("\t"))
        with open(self._path, "rb") as file:
            file.seek(self._start + place)
            return inflated(file.read(size), self._dictionary)[start : start + length]
