"""What frameworks refuse in their files: each refusal beside a file that differs in little, and that is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.discovery import Found
from lora_lint.lint.checker import Checker
from lora_lint.settings import Settings

BASES = {
    "ms_swift": "model: Qwen/Qwen2.5-7B-Instruct\ntuner_type: lora\nlora_rank: 8\ndataset: [a/b]\n",
}
REFUSED = [
    ("ms_swift", "quant_method: bnb\nquant_bits: 2\n", "quant_method: hqq\nquant_bits: 2\n"),
    ("ms_swift", "packing: true\nattn_impl: sdpa\n", "packing: true\nattn_impl: flash_attn\n"),
    ("ms_swift", "streaming: true\nmax_steps: 9\nlazy_tokenize: true\n", "streaming: true\nmax_steps: 9\n"),
    ("ms_swift", "fsdp: fsdp2\nsave_only_model: true\n", "fsdp: fsdp2\nsave_only_model: false\n"),
    ("ms_swift", "warmup_ratio: 0.1\nwarmup_steps: 10\n", "warmup_ratio: 0.1\nwarmup_steps: 0\n"),
    ("ms_swift", "rlhf_type: dpo\nref_model: c/d\n", "rlhf_type: grpo\nbeta: 0\nref_model: c/d\n"),
    ("ms_swift", "rlhf_type: kto\nloss_weights: [1.0]\n", "rlhf_type: dpo\nloss_weights: [1.0]\n"),
    ("ms_swift", "rlhf_type: grpo\ntruncation_strategy: right\n", "rlhf_type: dpo\ntruncation_strategy: right\n"),
    (
        "ms_swift",
        "rlhf_type: grpo\nuse_liger_kernel: true\ndelta: 4.0\n",
        "rlhf_type: grpo\nuse_liger_kernel: false\ndelta: 4.0\n",
    ),
    ("ms_swift", "rlhf_type: orpo\nsequence_parallel_size: 2\n", "rlhf_type: dpo\nsequence_parallel_size: 2\n"),
    ("ms_swift", "adapters: [c/d, e/f]\n", "adapters: [c/d]\n"),
]
"""Settings that are refused for certain, and others that are not."""
MISSING = [
    ("ms_swift", "packing: true\n", "packing: false\n"),
    ("ms_swift", "rlhf_type: grpo\nuse_vllm: true\n", "rlhf_type: grpo\nuse_vllm: true\nvllm_mode: colocate\n"),
    ("ms_swift", "quant_method: bnb\n", "quant_method: fp8\n"),
]
"""Settings that are refused unless a command line gives what they need."""
IGNORED = [
    ("ms_swift", "target_regex: .*q_proj\ntarget_modules: [v_proj]\n", "target_regex: .*q_proj\n"),
    ("ms_swift", "val_dataset: [c/d]\nsplit_dataset_ratio: 0.1\n", "val_dataset: [c/d]\nsplit_dataset_ratio: 0\n"),
    ("ms_swift", "rlhf_type: dpo\nteacher_model: c/d\n", "rlhf_type: gkd\nteacher_model: c/d\n"),
]
"""Settings that are accepted, and that some other setting leaves without effect."""
OTHERS = [
    ("ms_swift", "model: Qwen/Qwen2.5-7B\ntuner_type: lora\nmerge_lora: true\nadapters: [c/d, e/f]\n"),
    ("ms_swift", "model: Qwen/Qwen2.5-7B\ntrain_type: lora\ndataset: [a/b]\npacking: true\nattn_impl: sdpa\n"),
    (
        "ms_swift",
        "model: Qwen/Qwen2.5-7B\ntuner_type: lora\ndataset: [a/b]\npacking: true\nattn_impl: sdpa\nmicro_batch_size: 1\n",
    ),
]
"""Whole files of other versions, or for other commands."""


def found(text: str, name: str = "a.yaml") -> list[tuple[str, str]]:
    kind: Any = "shell" if name.endswith(".sh") else "yaml"
    result = Checker(Settings()).check(Found(name, kind, text.encode(), True))
    return [(each.code, each.confidence) for each in result.findings if each.code in ("LL904", "LL905")]


@pytest.mark.parametrize(("framework", "refused", "accepted"), REFUSED)
def test_refused(framework: str, refused: str, accepted: str) -> None:
    assert found(BASES[framework] + refused) == [("LL904", "certain")]
    assert found(BASES[framework] + accepted) == []


@pytest.mark.parametrize(("framework", "refused", "accepted"), MISSING)
def test_refused_where_nothing_else_is_given(framework: str, refused: str, accepted: str) -> None:
    assert found(BASES[framework] + refused) == [("LL904", "likely")]
    assert found(BASES[framework] + accepted) == []


@pytest.mark.parametrize(("framework", "ignored", "accepted"), IGNORED)
def test_ignored(framework: str, ignored: str, accepted: str) -> None:
    assert [code for code, _ in found(BASES[framework] + ignored)] == ["LL905"]
    assert found(BASES[framework] + accepted) == []


@pytest.mark.parametrize(("framework", "text"), OTHERS)
def test_other_files(framework: str, text: str) -> None:
    del framework
    assert found(text) == []


@pytest.mark.parametrize("framework", BASES)
def test_there_are_enough(framework: str) -> None:
    assert found(BASES[framework]) == []
    assert sum(name == framework for name, *_ in REFUSED) >= 5
