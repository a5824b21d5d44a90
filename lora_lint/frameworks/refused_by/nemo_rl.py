"""NeMo RL 0.6.0 at 7ea279a: what it refuses about adapters."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_LORA = "policy.dtensor_cfg.lora_cfg"
_TENSORS = "policy.dtensor_cfg.tensor_parallel_size"
_ROWS = (
    Refusal(
        f"{_LORA}.use_triton",
        f"{_LORA}.enabled and {_LORA}.use_triton and {_TENSORS} > 1",
        "Triton's kernels are for a tensor that is in one piece",
        "Set it to false",
        "models/automodel/setup.py:668",
        (_TENSORS,),
        late=True,
        sets=((f"{_LORA}.use_triton", False),),
    ),
)
TABLE = Table(
    "NeMo RL",
    "0.6.0 of 2026-08-22",
    {"": _ROWS},
    {},
    (
        Undecided(
            "settings that a file leaves out",
            "the files in `defaults` may set them",
            ("models/megatron/", "models/policy/", "utils/"),
        ),
        Undecided(
            "devices, data and environments",
            "they depend on the machine and on other programs",
            (
                "algorithms/",
                "data/",
                "data_plane/",
                "distributed/",
                "environments/",
                "evals/",
                "experience/",
                "models/",
                "modelopt/",
                "weight_sync/",
            ),
        ),
    ),
)
