"""What a wheel has in place of a folder of files, or of a long table, is all of it."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.knowledge import architectures, edition, models, packed, rare, tables
from lora_lint.knowledge.packed import Pack
from lora_lint.knowledge.packing import alike, files_of, pack

NAMES = st.text("abcdefgh_0123456789", min_size=1, max_size=8)


CONTENTS = st.binary(max_size=200) | st.text("LlamaModel []\n_", max_size=200).map(str.encode)


@given(files=st.dictionaries(NAMES, CONTENTS, max_size=8), short=st.booleans(), apart=st.booleans())
def test_every_file_comes_back(files: dict[str, bytes], short: bool, apart: bool) -> None:
    with TemporaryDirectory() as place:
        folder, packed = Path(place, "files"), Path(place, "files.pack")
        folder.mkdir()
        for name, data in files.items():
            (folder / f"{name}.json").write_bytes(data)
        packed.write_bytes(pack(files_of(str(folder)), short, apart))
        assert pack(files_of(str(folder)), short, apart) == packed.read_bytes(), "the same each time"
        found = Pack(str(packed))
        assert list(found) == sorted(files)
        assert not [name for name in files if name not in found]
        assert {name: found.read(name) for name in files} == files
        with pytest.raises(KeyError):
            found.read("no such file")


def test_the_architectures_become_a_tenth() -> None:
    files = files_of(architectures.DATA)
    assert len(pack(alike(files), short=True)) < sum(map(len, files.values())) / 10


def test_no_more_is_inflated_than_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"llama": b"LlamaModel LlamaMLP hidden_size " * 9, "gemma": b"GemmaModel GemmaMLP hidden_size " * 9}
    inflations: list[bytes] = []

    def inflated(content: bytes, dictionary: bytes = b"") -> bytes:
        inflations.append(content)
        return actual(content, dictionary)

    actual = packed.inflated
    monkeypatch.setattr(packed, "inflated", inflated)
    for apart, parts in ((False, 4), (True, 3)):  # the list, the words, the dictionary, a block
        path = tmp_path / str(apart)
        path.write_bytes(pack(files, short=True, apart=apart))
        inflations.clear()
        found = Pack(str(path))
        assert "llama" in found and "mistral" not in found
        assert len(inflations) == 1, "to know that a file is there, its content is not needed"
        assert found.read("llama") == files["llama"]
        assert len(inflations) == parts
        assert found.read("gemma") == files["gemma"]
        assert len(inflations) == parts, "what is in the same block, and what all need, is inflated once"


def test_like_files_are_neighbours() -> None:
    mlp = b"gate_proj up_proj down_proj act_fn hidden_size intermediate_size mlp_bias"
    encoder = b"query key value dense LayerNorm dropout position_embeddings token_type_ids"
    files = {"a": mlp, "b": encoder, "c": mlp + b" c", "d": encoder + b" d"}
    assert alike(files) == files
    assert list(alike(files)) in (["a", "c", "b", "d"], ["a", "c", "d", "b"])
    assert alike({}) == {}


def test_words_of_a_pack_are_one_byte(tmp_path: Path) -> None:
    files = {"llama": b"LlamaModel LlamaMLP hidden_size " * 9, "gemma": b"GemmaModel GemmaMLP hidden_size " * 9}
    for name, added in (("short", b""), ("long", "\N{SNOWMAN}".encode())):
        path = tmp_path / name
        path.write_bytes(pack({**files, "added": added}, short=True))
        assert {each: Pack(str(path)).read(each) for each in files} == files
    assert (tmp_path / "short").stat().st_size < (tmp_path / "long").stat().st_size


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


def test_a_wheel_knows_nothing_else_of_the_models_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that a pattern takes for another model, or gives other sizes, is in the wheel's table."""
    texts = {name: Path(edition.place(name)).read_text(encoding="utf-8") for name in ("models.tsv", "shapes.tsv")}
    names = [line.partition("\t")[0] for line in texts["models.tsv"].splitlines() if line[0] != "#"]
    before = {name: models.identify(name) for name in names}
    kept = rare.named(texts["models.tsv"])
    families = Path(edition.place("families.json")).read_text(encoding="utf-8")
    parts = {
        "models.tsv": tables.parts_of(kept),
        "shapes.tsv": tables.parts_of(rare.sized(texts["shapes.tsv"], kept, families)),
    }
    monkeypatch.setattr(tables, "part", lambda table, start: "\n" + parts[table].get(start.lower(), ""))
    monkeypatch.setattr(tables, "whole", lambda table: "\n" + "".join(parts[table].values()))
    caches = [each for each in vars(models).values() if hasattr(each, "cache_clear")]
    for each in caches:
        each.cache_clear()
    try:
        after = {name: models.identify(name) for name in names}
    finally:
        for each in caches:
            each.cache_clear()
    lacking = {*names} - {line.partition("\t")[0] for line in kept.splitlines()}
    assert len(lacking) > 2000
    assert {name: after[name] for name in names if name not in lacking} == {
        name: before[name] for name in names if name not in lacking
    }
    for name in lacking:
        known, whole = after[name], before[name]
        assert whole is not None
        assert known is None or known.model_type == whole.model_type, name
        assert known is None or known.config.items() <= whole.config.items(), name


def test_a_packed_architecture_is_read_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("llama", "qwen2_5_vl", "gpt2", "UNet2DConditionModel", "mamba", "t5")
    whole = {kind: architectures._document(kind) for kind in kinds}
    files = {kind: Path(architectures.DATA, f"{kind}.json").read_bytes() for kind in kinds}
    short = rare.shortened(files)
    assert sum(map(len, short.values())) < 0.95 * sum(map(len, files.values()))
    path = tmp_path / "architectures.pack"
    path.write_bytes(pack(alike(short), short=True))
    packed_ones = Pack(str(path))
    monkeypatch.setattr(architectures, "_packed", lambda: packed_ones)
    for kind in kinds:
        read = architectures._document.__wrapped__(kind)
        assert json.loads(json.dumps(read)) == whole[kind]
