"""Many small files in one, compressed a few at a time: what a wheel has in place of the folder of architectures.

The 700 documents are 3.4 MB as JSON, and more on a disk with blocks of 4 KiB; packed they are 0.3 MB. A look-up
inflates one block and parses one document, in 0.1 ms either way. In a checkout they stay the plain files that the
script writes and that a diff shows. The parts of a long table (`tables`) are packed in the same way.

The file: the sizes of the list of files, of the words and of the dictionary in 4 bytes each (big-endian); the list,
deflated, with a line for each block ("/", its place, its size) and below it one for each of its files (name, length,
own word); the words, deflated; the dictionary, deflated; the blocks of files, deflated with the dictionary, which is
made of pieces of them: the documents are alike, and most so to their neighbours. Places count from the end of the
dictionary. In the blocks of a short pack each word is one byte that no file has: to deflate, a byte is shorter than
a reference. There are no checksums: to compute them takes half as long as to inflate. `packing` makes it.
"""

from __future__ import annotations

import zlib
from functools import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

RAW = -zlib.MAX_WBITS
"""The format of deflate without header and checksum."""
OWN = 0x80
"""The byte for a file's own word: the start of many of its words, as `Llama` of `LlamaModel` and `LlamaMLP`. The words
of all files follow it."""


def inflated(content: bytes, dictionary: bytes = b"") -> bytes:
    """The content that was deflated. Raises zlib.error."""
    return zlib.decompressobj(RAW, zdict=dictionary).decompress(content)


class Pack:
    """A pack of files. Raises OSError if it cannot be read.

    What only a file's content needs, the words and the dictionary, is inflated when the first content is read: most of
    the questions are which files there are.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._place, self._block = -1, b""
        with open(path, "rb") as file:
            self._sizes = [int.from_bytes(file.read(4), "big") for _ in range(3)]
            self._listed = inflated(file.read(self._sizes[0])).decode()

    def __contains__(self, name: object) -> bool:
        return f"\n{name}\t" in self._listed

    def __iter__(self) -> Iterator[str]:
        return (line.partition("\t")[0] for line in self._listed.split("\n")[1:-1] if line[0] != "/")

    def read(self, name: str) -> bytes:
        """A file's content. Raises KeyError."""
        before, found, rest = self._listed.partition(f"\n{name}\t")
        if not found:
            raise KeyError(name)
        length, own = rest.partition("\n")[0].split("\t")
        block, *files = before[before.rindex("\n/") + 2 :].split("\n")
        place, size = map(int, block.split(" "))
        start = sum([int(line.split("\t")[1]) for line in files])
        words, dictionary = self._shared
        if place != self._place:  # the next file is often in the same block
            with open(self._path, "rb") as file:
                file.seek(12 + sum(self._sizes) + place)
                self._place, self._block = place, inflated(file.read(size), dictionary)
        content = self._block[start : start + int(length)]
        if own or words:
            for byte, word in enumerate(words, OWN + 1):
                content = content.replace(bytes((byte,)), word)
            content = content.replace(bytes((OWN,)), own.encode())
        return content

    @cached_property
    def _shared(self) -> tuple[list[bytes], bytes]:
        """The words and the dictionary."""
        listed, *sizes = self._sizes
        with open(self._path, "rb") as file:
            file.seek(12 + listed)
            words, dictionary = (inflated(file.read(size)) if size else b"" for size in sizes)
        return words.split(b"\n") if words else [], dictionary
