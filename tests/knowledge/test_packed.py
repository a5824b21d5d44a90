"""What a wheel has in place of a folder of files, or of a long table, is all of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.knowledge import architectures, edition, tables
from lora_lint.knowledge.packed import Pack, files_of, pack

NAMES = st.text("abcdefgh_0123456789", min_size=1, max_size=8)


@given(files=st.dictionaries(NAMES, st.binary(max_size=200), max_size=8))
def test_every_file_comes_back(files: dict[str, bytes]) -> None:
    with TemporaryDirectory() as place:
        folder, packed = Path(place, "files"), Path(place, "files.pack")
        folder.mkdir()
        for name, data in files.items():
            (folder / f"{name}.json").write_bytes(data)
        packed.write_bytes(pack(files_of(str(folder))))
        assert pack(files_of(str(folder))) == packed.read_bytes(), "the same each time"
        found = Pack(str(packed))
        assert list(found) == sorted(files)
        assert not [name for name in files if name not in found]
        assert {name: found.read(name) for name in files} == files
        with pytest.raises(KeyError):
            found.read("no such file")


def test_the_architectures_become_an_eighth() -> None:
    folder = Path(architectures.DATA)
    assert len(pack(files_of(str(folder)))) < sum(path.stat().st_size for path in folder.iterdir()) / 8


@pytest.mark.parametrize("name", tables.NAMES)
def test_a_table_is_the_same_in_parts(name: str) -> None:
    text = Path(edition.place(name)).read_text(encoding="utf-8")
    lines = text.splitlines()
    assert tables.whole(name) == f"\n{text}"
    for start in {line[:1] for line in lines}:
        assert tables.part(name, start).splitlines()[1:] == [
            line for line in lines if line[:1].lower() == start.lower()
        ]
    assert tables.part(name, "\N{SNOWMAN}") == "\n"
