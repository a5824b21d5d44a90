"""SkyRL at a956457: what it refuses about adapters before its workers start."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ENGINE = "generator.inference_engine"
_MODEL = "trainer.policy.model"
_ADAPTED = f"{_MODEL}.lora.rank > 0"
_UTILS, _CONFIG = "train/utils/utils.py", "train/config/config.py"
_ROWS = (
    Refusal(
        f"{_ENGINE}.backend",
        f"{_ADAPTED} and {_ENGINE}.backend is not None and {_ENGINE}.backend != 'vllm'",
        "only vLLM generates with an adapter",
        "Set it to vllm",
        f"{_UTILS}:445",
        (f"{_MODEL}.lora.rank",),
        sets=((f"{_ENGINE}.backend", "vllm"),),
    ),
    Refusal(
        f"{_ENGINE}.weight_sync_backend",
        f"{_ADAPTED} and {_ENGINE}.weight_sync_backend == 'delta'",
        "an adapter's weights are not shared as differences",
        "Leave it out",
        f"{_UTILS}:451",
        (f"{_MODEL}.lora.rank",),
        drop=True,
    ),
    Refusal(
        f"{_ENGINE}.offload_kv_for_weight_sync",
        f"{_ADAPTED} and {_ENGINE}.offload_kv_for_weight_sync",
        "an adapter's weights are shared in place",
        "Leave it out",
        f"{_UTILS}:594",
        (f"{_MODEL}.lora.rank",),
        drop=True,
    ),
    Refusal(
        f"{_MODEL}.fake_int4_qat.enabled",
        f"{_MODEL}.fake_int4_qat.enabled and {_MODEL}.lora.rank == 0",
        "it trains an adapter alone",
        f"Set `{_MODEL}.lora.rank` above 0",
        f"{_CONFIG}:174",
        (f"{_MODEL}.lora.rank",),
    ),
    Refusal(
        f"{_MODEL}.fake_int4_qat.enabled",
        f"{_MODEL}.fake_int4_qat.enabled and trainer.strategy != 'megatron'",
        "it is for experts in Megatron",
        "Set `trainer.strategy` to megatron",
        f"{_CONFIG}:1514",
        ("trainer.strategy",),
        sets=(("trainer.strategy", "megatron"),),
    ),
    Refusal(
        f"{_MODEL}.fake_int4_qat.enabled",
        f"{_MODEL}.fake_int4_qat.enabled and trainer.strategy == 'megatron'"
        " and trainer.policy.megatron_config.lora_config.merge_lora",
        "a merged adapter would change the 4-bit weights",
        "Set `trainer.policy.megatron_config.lora_config.merge_lora` to false",
        f"{_CONFIG}:1517",
        ("trainer.policy.megatron_config.lora_config.merge_lora",),
        sets=(("trainer.policy.megatron_config.lora_config.merge_lora", False),),
    ),
)
TABLE = Table(
    "SkyRL",
    "a956457 of 2026-08-21",
    {"": _ROWS},
    {
        f"{_MODEL}.lora.rank": 0,
        "trainer.strategy": "fsdp",
        "trainer.policy.megatron_config.lora_config.merge_lora": True,
    },
    (
        Undecided("devices and engines", "they depend on the machine", ("backends/", "utils/")),
        Undecided("its service, data and environments", "other programs decide", ("tinker/", "tx/", "train/")),
    ),
)
