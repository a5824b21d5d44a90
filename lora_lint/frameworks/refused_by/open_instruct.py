"""open-instruct at e6c3044 (2026-08-20): what its trainings refuse of their arguments."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_SFT, _DPO = "finetune.py", "dpo_utils.py"
_MIXED = "dataset_transformation.py"
_ONE = "the data is named in one way"
_LOSSES = "('dpo', 'dpo_norm', 'simpo', 'wpo')"
_ROWS = (
    *(
        Refusal(
            key,
            f"{key} is not None and {other} is not None",
            _ONE,
            "Leave one of the two out",
            f"{_SFT}:333",
            (other,),
        )
        for key, other in (
            *(("dataset_name", "dataset_mixer"), ("dataset_name", "dataset_mixer_list")),
            ("dataset_mixer", "dataset_mixer_list"),
        )
    ),
    Refusal(
        "push_to_hub",
        "push_to_hub == False and try_launch_beaker_eval_jobs",
        "evaluations are launched for a model on the Hub",
        "Set `try_launch_beaker_eval_jobs: false`",
        f"{_SFT}:335",
        ("try_launch_beaker_eval_jobs",),
        likely=True,
        sets=(("try_launch_beaker_eval_jobs", False),),
    ),
    Refusal(
        "final_lr_ratio",
        "final_lr_ratio is not None and lr_scheduler_type != 'linear'",
        "only a linear schedule ends at a ratio",
        "Set `lr_scheduler_type: linear`, or leave it out",
        f"{_SFT}:338",
        ("lr_scheduler_type",),
    ),
    Refusal(
        "final_lr_ratio",
        "final_lr_ratio < 0 or final_lr_ratio > 1",
        "it is from 0 to 1",
        "Set it to 0",
        f"{_SFT}:340",
    ),
    Refusal(
        "zero_stage",
        "is_whole(zero_stage) and zero_stage not in (0, 1, 2, 3)",
        "there are stages 0 to 3",
        "Set it to 2",
        f"{_DPO}:357",
    ),
    Refusal(
        "offload_param",
        "offload_param and zero_stage is not None and zero_stage != 3",
        "only stage 3 offloads parameters",
        "Set `zero_stage: 3`, or leave it out",
        f"{_DPO}:359",
        ("zero_stage",),
    ),
    Refusal(
        "packing",
        "packing and concatenated_forward == False",
        "packed samples are computed with concatenated alone",
        "Leave one of the two out",
        f"{_DPO}:326",
        ("concatenated_forward",),
    ),
    Refusal(
        "loss_type",
        f"is_text(loss_type) and loss_type not in {_LOSSES}",
        "there are dpo, dpo_norm, simpo and wpo",
        "Set it to dpo_norm",
        f"{_DPO}:337",
    ),
    Refusal(
        "dataset_mixer_list",
        "is_list(dataset_mixer_list) and len(dataset_mixer_list) % 2 != 0",
        "names and amounts alternate in it",
        "Give each data set its amount",
        f"{_MIXED}:2337",
        late=True,
    ),
    Refusal(
        "dataset_mixer_list_splits",
        "is_list(dataset_mixer_list_splits) and is_list(dataset_mixer_list) and len(dataset_mixer_list_splits) > 1"
        " and len(dataset_mixer_list_splits) != len(dataset_mixer_list) // 2",
        "there is one split for all data sets, or one for each",
        "Change one of them",
        f"{_MIXED}:2334",
        ("dataset_mixer_list",),
    ),
)
TABLE = Table(
    "open-instruct",
    "e6c3044 of 2026-08-20",
    {"": _ROWS},
    {"try_launch_beaker_eval_jobs": True, "push_to_hub": True, "lr_scheduler_type": "linear"},
    (
        Undecided(
            "its full trainings",
            "they have no adapter, and arguments of their own",
            (
                *("dpo.py", "grpo", "olmo_", "numpy_", "vllm_utils.py", "data_loader.py", "actor_manager.py"),
                *("reward_modeling", "rejection_sampling/", "distillkit/", "benchmark_", "rl_utils.py", "merge_"),
                "experimental/",
            ),
        ),
        Undecided(
            "data, templates and tokenizers",
            "they decide when they are read",
            (
                "dataset_transformation.py",
                "utils.py",
                "model_utils.py",
                "mix_data",
                "finetune.py:main",
                "padding_free_collator.py",
            ),
        ),
        Undecided(
            "rewards, tools and environments",
            "other programs decide",
            (
                *("code_utils/", "environments/", "if_functions.py", "IFEvalG/", "ground_truth_utils.py", "rubrics/"),
                "judge_utils.py",
            ),
        ),
    ),
)
