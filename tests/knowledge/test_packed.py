"""What a wheel has in place of a folder of files is that folder."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.knowledge import architectures
from lora_lint.knowledge.packed import Pack, pack

NAMES = st.text("abcdefgh_0123456789", min_size=1, max_size=8)


@given(files=st.dictionaries(NAMES, st.binary(max_size=200), max_size=8))
def test_every_file_comes_back(files: dict[str, bytes]) -> None:
    with TemporaryDirectory() as place:
        folder, packed = Path(place, "files"), Path(place, "files.pack")
        folder.mkdir()
        for name, data in files.items():
            (folder / f"{name}.json").write_bytes(data)
        packed.write_bytes(pack(str(folder)))
        assert pack(str(folder)) == packed.read_bytes(), "the same each time"
        found = Pack(str(packed))
        assert {name: found.read(name) for name in files} == files
        with pytest.raises(KeyError):
            found.read("no such file")


def test_the_architectures_become_an_eighth() -> None:
    folder = Path(architectures.DATA)
    assert len(pack(str(folder))) < sum(path.stat().st_size for path in folder.iterdir()) / 8
