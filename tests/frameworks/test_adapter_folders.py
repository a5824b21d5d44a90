"""Adapters as they are saved: the weights' file, read by its header."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.linting import engine
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.safetensors import all_zero, read_header
from lora_lint.report.wording import level_of
from lora_lint.settings import Settings
from tests.support import pages

if TYPE_CHECKING:
    from pathlib import Path

GOOD = pages.weights("a.lora_A.weight F32 2x3 0.5\na.lora_B.weight F32 3x2 0\n")


def header(content: object) -> bytes:
    text = json.dumps(content).encode()
    return len(text).to_bytes(8, "little") + text


def test_a_header(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(GOOD)
    first, second = read_header(str(path))
    assert (first.name, first.dtype, first.shape, first.size) == ("a.lora_A.weight", "F32", (2, 3), 24)
    assert all_zero(str(path), [second])
    assert not all_zero(str(path), [second, first])


@pytest.mark.parametrize(
    ("dtype", "bits", "zero"),
    [
        ("F32", b"\0\0\0\x80" * 3, True),
        ("F32", b"\0\0\x80\0" * 3, False),
        ("F32", b"\0\0\0\x80" * 2 + b"\0\0\0\x81", False),
        ("F16", b"\0\x80\0\0\0\x80", True),
        ("BF16", b"\x80\0" * 3, False),
        ("F8_E4M3", b"\x80" * 3, True),
        ("I8", b"\x80" * 3, False),
    ],
)
def test_minus_zero_is_zero(dtype: str, bits: bytes, zero: bool, tmp_path: Path) -> None:
    """A float whose sign is all that is set; -128 in an integer is no zero."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(header({"b": {"dtype": dtype, "shape": [3], "data_offsets": [0, len(bits)]}}) + bits)
    assert all_zero(str(path), read_header(str(path))) is zero


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        b"\xff" * 8,
        (10**9).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (3).to_bytes(8, "little") + b"{{{",
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
        header({"a": 1}),
        header({"a": {"shape": [1], "data_offsets": [0, 4]}}),
        header({"a": {"shape": [-1], "data_offsets": [0, 0]}}),
        header({"a": {"shape": ["x"], "data_offsets": [0, 0]}}),
        header({"a": {"shape": [1], "data_offsets": [4, 0]}}) + b"0000",
        GOOD[:-1],
    ],
)
def test_what_is_no_such_file(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        read_header(str(path))


BASE = "meta-llama/Llama-3.2-1B"
LLAMA = "base_model.model.model.layers.{}.self_attn.q_proj.lora_{}.weight F16 {} 0.5\n"


def layers(*numbers: int, prefix: str = "base_model.model.") -> bytes:
    lines = [LLAMA.format(n, "A", "8x2048") + LLAMA.format(n, "B", "2048x8") for n in numbers]
    return pages.weights("".join(lines).replace("base_model.model.", prefix))


def misfits(folder: Path, data: bytes, base: str = BASE) -> list[tuple[str, str]]:
    """The levels and messages of LL704 for an adapter with these weights."""
    (folder / "adapter_model.safetensors").write_bytes(data)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": base}))
    outcome = engine.lint([str(folder)], Settings(), jobs=1)
    return [(level_of(finding), finding.message) for finding in outcome.findings if finding.code == "LL704"]


@pytest.mark.parametrize(
    "prefix",
    [
        "base_model.model.base_model.model.",
        "base_model.model.module.",
        "base_model.model._orig_mod.",
        "base_model.model.model.",
    ],
)
def test_layers_under_another_prefix(prefix: str, tmp_path: Path) -> None:
    [(level, message)] = misfits(tmp_path, layers(0, 1, prefix=prefix))
    assert level == "error"
    assert message.startswith(
        f"PEFT loads none of the 2 layers next to this config: `{prefix}model.layers.0.self_attn."
    )


def test_layers_beyond_the_last(tmp_path: Path) -> None:
    [(level, message)] = misfits(tmp_path, layers(*range(28)))
    assert level == "error"
    assert "drops those of layers 16 to 27" in message
    [(_, message)] = misfits(tmp_path, layers(15, 16))
    assert "drops those of layer 16 " in message


@pytest.mark.parametrize("base", [BASE, "./merged", "google/gemma-3-4b-it"])
def test_layers_that_fit_or_are_not_known(base: str, tmp_path: Path) -> None:
    assert misfits(tmp_path, layers(0, 15), base) == []
    if base != BASE:
        assert misfits(tmp_path, layers(0, 99, prefix="base_model.model.module."), base) == []


def test_a_file_that_is_cut_off_or_a_pointer(tmp_path: Path) -> None:
    [(level, message)] = misfits(tmp_path, layers(0)[:-7], "./merged")
    assert (level, "are cut off" in message) == ("error", True)
    [(level, message)] = misfits(tmp_path, b"version https://git-lfs.github.com/spec/v1\noid sha256:0f\nsize 9\n")
    assert (level, "`git lfs pull`" in message) == ("advice", True)


@given(data=st.binary(max_size=300), at=st.integers(0, len(GOOD)))
def test_damaged_files_are_no_fault_of_the_linter(
    data: bytes, at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("adapter")
    (folder / "adapter_model.safetensors").write_bytes(GOOD[:at] + data + GOOD[at + len(data) :])
    config = folder / "adapter_config.json"
    config.write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["a"]}))
    outcome = engine.lint([str(config)], Settings(), jobs=1)
    assert not outcome.failed
    assert "LL900" not in {finding.code for finding in outcome.findings}


@pytest.mark.torch
def test_what_peft_saves(tmp_path: Path) -> None:
    import peft
    import safetensors.torch
    import torch
    import transformers

    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, vocab_size=64
    )
    base = transformers.LlamaForCausalLM(config)
    base.save_pretrained(tmp_path / "base")
    base.name_or_path = str(tmp_path / "base")
    settings = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(base, settings)
    folder = tmp_path / "adapter"

    def codes() -> set[str]:
        model.save_pretrained(folder)
        outcome = engine.lint([str(folder)], Settings(confidence="possible"), jobs=1)
        return {finding.code for finding in outcome.findings}

    assert codes() == {"LL702"}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.1)
    assert codes() == set()
    saved = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    for change, code in (({"r": 8}, "LL701"), ({"base_model_name_or_path": "meta-llama/Llama-3.2-1B"}, "LL704")):
        (folder / "adapter_config.json").write_text(json.dumps(saved | change), encoding="utf-8")
        outcome = engine.lint([str(folder)], Settings(confidence="possible"), jobs=1)
        assert code in {finding.code for finding in outcome.findings}
    file = folder / "adapter_model.safetensors"
    good = safetensors.torch.load_file(file)
    (folder / "adapter_config.json").write_text(json.dumps(saved), encoding="utf-8")
    safetensors.torch.save_file({name.replace("model.", "model.module.", 1): good[name] for name in good}, file)
    assert "LL704" in {finding.code for finding in engine.lint([str(folder)], Settings(), jobs=1).findings}
    with pytest.warns(UserWarning, match="missing adapter keys"):
        loaded = peft.PeftModel.from_pretrained(transformers.LlamaForCausalLM(config), str(folder))
    assert not any(each.any() for name, each in loaded.named_parameters() if "lora_B" in name)
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(safetensors.SafetensorError):
        peft.PeftModel.from_pretrained(transformers.LlamaForCausalLM(config), str(folder))
    safetensors.torch.save_file(good, file)
    config.num_hidden_layers = 1
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*adapter keys")
        short = peft.PeftModel.from_pretrained(transformers.LlamaForCausalLM(config), str(folder))
    assert all(each.any() for name, each in short.named_parameters() if "lora_B" in name)
    config.num_hidden_layers = 2
    with pytest.raises(RuntimeError, match="size mismatch"):
        (folder / "adapter_config.json").write_text(json.dumps(saved | {"r": 8}), encoding="utf-8")
        peft.PeftModel.from_pretrained(transformers.LlamaForCausalLM(config), str(folder))
