"""LeRobot 0.6.2 at 7427f31 (2026-08-23): what a training with an adapter refuses of its options."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_TRAIN, _DEFAULT, _ACCELERATOR = "configs/train.py", "configs/default.py", "configs/accelerator.py"
_PRETRAINED, _SCRIPT = "policies/pretrained.py", "scripts/lerobot_train.py"
_RING, _ULYSSES = "parallelism.context_parallel.ring_degree", "parallelism.context_parallel.ulysses_degree"
_ROWS = (
    Refusal(
        "parallelism.dp_shard",
        "parallelism.dp_shard is not None and parallelism.dp_shard != 1",
        "an adapter is not trained on a sharded policy",
        "Leave it out",
        f"{_TRAIN}:373",
        drop=True,
    ),
    *(
        Refusal(
            key,
            f"{key} > 1",
            "sequences are not split yet",
            "Leave it out",
            f"{_TRAIN}:348",
            drop=True,
        )
        for key in (_RING, _ULYSSES)
    ),
    Refusal(
        "parallelism.cfg_parallel",
        "parallelism.cfg_parallel is not None and parallelism.cfg_parallel != 1",
        "it is for inference alone",
        "Leave it out",
        f"{_TRAIN}:353",
        drop=True,
    ),
    Refusal(
        "ema.enable",
        "ema.enable",
        "no average is kept of an adapter's weights",
        "Leave it out",
        f"{_SCRIPT}:637",
        late=True,
        drop=True,
    ),
    Refusal(
        "peft.init_type",
        "peft.init_type is not None and lower(peft.method_type) not in ('lora', 'miss')",
        "only LoRA and MiSS have an initialization",
        "Leave it out",
        f"{_PRETRAINED}:448",
        ("peft.method_type",),
        late=True,
        drop=True,
    ),
    Refusal(
        "policy.use_peft",
        "policy.use_peft and policy.path is not None and peft.method_type is not None and not resume",
        "it says that `policy.path` is an adapter, whose adapter_config.json is looked for there; a new one is made by"
        " the settings of `peft` alone",
        "Leave it out",
        "policies/factory.py:349",
        ("policy.path",),
        since="0.6.1",
        likely=True,
    ),
    Refusal(
        "policy.type",
        "policy.type is not None and policy.path is None and policy.pretrained_path is None and not resume",
        "an adapter needs a policy that is already trained",
        "Name one with `--policy.path`",
        f"{_PRETRAINED}:413",
        late=True,
        likely=True,
    ),
    Refusal(
        "policy.type",
        "policy.type is not None and policy.path is not None",
        "the policy's folder has its type",
        "Leave one of the two out",
        "configs/parser.py:312",
        ("policy.path",),
        drop=True,
    ),
    Refusal(
        "policy.repo_id",
        "policy.type is not None and policy.path is None and policy.push_to_hub != False and policy.repo_id is None"
        " and job.target is None and not resume",
        "the policy is pushed to the Hub by default, and needs a name there",
        "Set it, or `--policy.push_to_hub=false`",
        f"{_TRAIN}:329",
        ("policy.type",),
        likely=True,
        absent=True,
    ),
    Refusal(
        "eval_steps",
        "eval_steps > 0 and dataset.eval_split == 0",
        "nothing is held out to evaluate on",
        "Set `--dataset.eval_split=0.1`",
        f"{_TRAIN}:319",
        ("dataset.eval_split",),
        likely=True,
    ),
    Refusal(
        "dataset.eval_split",
        "dataset.eval_split < 0 or dataset.eval_split >= 1",
        "it is a share from 0 to below 1",
        "Set it to 0.1",
        f"{_DEFAULT}:74",
    ),
    Refusal(
        "dataset.repo_type",
        "dataset.repo_type == 'bucket' and not dataset.streaming",
        "a bucket is only streamed",
        "Set `--dataset.streaming=true`",
        f"{_DEFAULT}:62",
        ("dataset.streaming",),
        sets=(("dataset.streaming", True),),
    ),
    Refusal(
        "dataset.repo_type",
        "is_text(dataset.repo_type) and dataset.repo_type not in ('dataset', 'bucket')",
        "it is a dataset or a bucket",
        "Leave it out",
        f"{_DEFAULT}:60",
    ),
    Refusal(
        "dataset.eval_split",
        "dataset.repo_type == 'bucket' and dataset.eval_split > 0",
        "nothing can be held out of a bucket",
        "Leave it out",
        f"{_DEFAULT}:66",
        ("dataset.repo_type",),
        drop=True,
    ),
    Refusal(
        "accelerator.mixed_precision",
        "is_text(accelerator.mixed_precision) and accelerator.mixed_precision not in ('no', 'fp16', 'bf16')",
        "there are no, fp16 and bf16",
        "Set it to bf16",
        f"{_ACCELERATOR}:215",
    ),
    Refusal(
        "accelerator.gradient_accumulation.steps",
        "accelerator.gradient_accumulation.steps < 1",
        "it is at least 1",
        "Leave it out",
        f"{_ACCELERATOR}:140",
        drop=True,
    ),
    Refusal(
        "accelerator.compile.enabled",
        "accelerator.compile.enabled",
        "it is not implemented",
        "Leave it out",
        f"{_TRAIN}:358",
        drop=True,
    ),
    Refusal(
        "use_policy_training_preset",
        "use_policy_training_preset == False and (optimizer.type is None or scheduler.type is None)",
        "without the policy's own, an optimizer and a scheduler have to be given",
        "Leave it out, or set `--optimizer.type` and `--scheduler.type`",
        f"{_TRAIN}:313",
        likely=True,
    ),
    Refusal(
        "eval.recording_repo_id",
        "eval.recording_repo_id is not None and not eval.recording",
        "nothing is recorded",
        "Set `--eval.recording=true`",
        f"{_DEFAULT}:125",
        ("eval.recording",),
        sets=(("eval.recording", True),),
    ),
)
TABLE = Table(
    "LeRobot",
    "0.6.2 of 2026-08-23",
    {"": _ROWS},
    {"peft.method_type": "LORA", "dataset.eval_split": 0.0, "policy.push_to_hub": True},
    (
        Undecided(
            "robots, cameras and motors",
            "they are on the machine",
            (
                *("robots/", "motors/", "cameras/", "teleoperators/", "async_inference/", "rl/", "transport/"),
                *("processor/", "model/", "utils/", "scripts/", "envs/", "rewards/", "jobs/", "rollout/"),
            ),
        ),
        Undecided(
            "the policies' own layers",
            "they are in the policy",
            ("policies/", "optim/", "configs/policies.py", "configs/rewards.py", "common/", "distributed/"),
        ),
        Undecided(
            "data sets, recipes and videos",
            "they decide when they are read",
            ("datasets/", "configs/", "transforms/", "annotations/", "data_processing/"),
        ),
    ),
)
