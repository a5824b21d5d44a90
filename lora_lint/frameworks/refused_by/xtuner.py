"""xtuner 0.2.0: what the classes and functions in its configs refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided
from lora_lint.frameworks.refused_by import one_of
from lora_lint.records import replace

_DATA = "dataset/huggingface.py"
_LOOP = "engine/runner/loops.py"
_LOSSES = ("sigmoid", "robust", "hinge", "ipo", "kto_pair", "sppo_hard", "nca_pair")


def _one_of(key: str, names: tuple[str, ...], source: str) -> Refusal:
    return replace(one_of(key, names, source), sets=((key, names[0]),))


_PROCESSED = (
    Refusal(
        "use_varlen_attn",
        "use_varlen_attn and pack_to_max_length == False",
        "attention of several lengths is for packed samples",
        "Set `pack_to_max_length=True`",
        f"{_DATA}:183",
        ("pack_to_max_length",),
        sets=(("pack_to_max_length", True),),
    ),
    Refusal(
        "split",
        "pack_to_max_length and is_text(split) and split != 'train'",
        "only the split `train` is packed",
        "Set `pack_to_max_length=False`, or leave it out",
        f"{_DATA}:188",
        ("pack_to_max_length",),
    ),
)
_PLANNED = (
    Refusal(
        "max_iters",
        "max_iters is not None and max_epochs is not None",
        "a training has one length",
        "Leave one of the two out",
        f"{_LOOP}:22",
        ("max_epochs",),
    ),
    Refusal(
        "max_epochs",
        "max_iters is None and max_epochs is None",
        "a training has a length",
        "Set it",
        f"{_LOOP}:18",
        absent=True,
    ),
)
_READ = (
    Refusal(
        "data_files",
        "data_files is not None and data_dir is not None",
        "data is in files, or in a folder",
        "Leave one of the two out",
        "dataset/json_dataset.py:9",
        ("data_dir",),
    ),
)
_VISION = tuple(
    Refusal(
        key,
        f"{key} and {adapter} is None",
        "a quantized part needs an adapter",
        f"Set `{adapter}`, or leave it out",
        f"model/internvl.py:{line}",
        (adapter,),
    )
    for key, adapter, line in (
        ("quantization_vit", "visual_encoder_lora", 45),
        ("quantization_llm", "llm_lora", 47),
    )
)
TABLE = Table(
    "xtuner",
    "0.2.0",
    {
        "process_hf_dataset": _PROCESSED,
        "TrainLoop": _PLANNED,
        "load_json_file": _READ,
        "load_jsonl_dataset": _READ,
        "DPO": (_one_of("loss_type", _LOSSES, "model/dpo.py:295"),),
        "RewardModel": (
            _one_of("loss_type", ("ranking", "focal"), "model/reward.py:143"),
            _one_of("penalty_type", ("log_barrier", "L2", "none"), "model/reward.py:145"),
        ),
        "InternVL_V1_5": _VISION,
    },
    {"pack_to_max_length": True, "split": "train"},
    (
        Undecided(
            "devices, launchers and checkpoints",
            "they depend on the machine",
            ("tools/", "engine/", "parallel/", "utils/", "entry_point.py", "registry.py", "apis/"),
        ),
        Undecided("models and their layers", "they are in the model", ("model/", "configs/", "rl/")),
        Undecided("data", "it decides when it is read", ("dataset/", "evaluation/")),
        Undecided("its next version", "it has files of its own", ("v1/", "_lite/", "_testing/")),
    ),
)
