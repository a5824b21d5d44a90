"""verl 0.9.1: what its trainer of reinforcement learning refuses before the workers start."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ACTOR = "actor_rollout_ref.actor"
_ROLLOUT = "actor_rollout_ref.rollout"
_MODEL = "actor_rollout_ref.model"
_CHECKS = "utils/config.py"
_OF_ACTOR = "workers/config/actor.py"
_OF_ROLLOUT = "workers/config/rollout.py"
_EITHER = "Leave the first out, which is deprecated"
_SINCE = "0.7.1"
"""The first version with some of these, of 0.5.0, 0.7.1 and 0.9.1."""
_OF_MEGATRON = (
    f"{_ACTOR}.strategy",
    f"{_ACTOR}.megatron.tensor_model_parallel_size",
    f"{_ACTOR}.megatron.pipeline_model_parallel_size",
)
_BY_MEGATRON = " or ".join((f"{_ACTOR}.strategy == 'megatron'", *(f"{key} is not None" for key in _OF_MEGATRON[1:])))
"""Only the configurations for Megatron have a section of that name."""
_FIXED = f"not {_ACTOR}.use_dynamic_bsz"


def _both(section: str, key: str, when: str, source: str) -> Refusal:
    """A batch on all GPUs and one on each."""
    return Refusal(
        f"{section}.{key}",
        f"{section}.{key} is not None and {section}.{key}_per_gpu is not None and {when}",
        f"`{key}` and `{key}_per_gpu` cannot be given together",
        _EITHER,
        source,
        (f"{section}.{key}_per_gpu",),
    )


def _neither(section: str, key: str, when: str, source: str) -> Refusal:
    """No batch at all, where each GPU has one of its own size."""
    return Refusal(
        f"{section}.{key}_per_gpu",
        f"{section}.{key} is None and {section}.{key}_per_gpu is None and {when}",
        f"`{key}_per_gpu` or `{key}` has to be given",
        f"Add `{section}.{key}_per_gpu`, or set `{_ACTOR}.use_dynamic_bsz=True`",
        source,
        (f"{_ACTOR}.use_dynamic_bsz",),
        absent=True,
    )


_WITH_REFERENCE = f"{_FIXED} and ({_ACTOR}.use_kl_loss or algorithm.use_kl_in_reward)"
_ROWS = (
    _both(_ACTOR, "ppo_micro_batch_size", _FIXED, f"{_OF_ACTOR}:201"),
    _both(_ROLLOUT, "log_prob_micro_batch_size", _FIXED, f"{_CHECKS}:158"),
    _both(
        "actor_rollout_ref.ref",
        "log_prob_micro_batch_size",
        _WITH_REFERENCE,
        f"{_CHECKS}:158",
    ),
    Refusal(
        "data.train_batch_size",
        f"{_FIXED} and data.train_batch_size < {_ACTOR}.ppo_mini_batch_size",
        "it is smaller than `ppo_mini_batch_size`",
        f"Lower `{_ACTOR}.ppo_mini_batch_size`",
        f"{_OF_ACTOR}:226",
        (f"{_ACTOR}.ppo_mini_batch_size",),
    ),
    Refusal(
        f"{_ACTOR}.ppo_micro_batch_size",
        f"{_FIXED} and {_ACTOR}.ppo_mini_batch_size % {_ACTOR}.ppo_micro_batch_size != 0",
        "`ppo_mini_batch_size` must be divisible by it",
        "Change one of the two",
        f"{_OF_ACTOR}:234",
        (f"{_ACTOR}.ppo_mini_batch_size",),
    ),
    Refusal(
        "data.train_batch_size",
        f"{_FIXED} and {_ACTOR}.strategy != 'megatron' and is_whole({_ROLLOUT}.n)"
        f" and data.train_batch_size * {_ROLLOUT}.n % (trainer.n_gpus_per_node * trainer.nnodes) != 0",
        "`train_batch_size` times `rollout.n` must be divisible by the number of GPUs",
        "Change one of them",
        f"{_CHECKS}:124",
        (f"{_ROLLOUT}.n", "trainer.n_gpus_per_node", "trainer.nnodes"),
    ),
    Refusal(
        f"{_ACTOR}.ulysses_sequence_parallel_size",
        f"{_ACTOR}.ulysses_sequence_parallel_size > 1 and {_ACTOR}.strategy in ('fsdp', 'fsdp2')"
        f" and {_MODEL}.use_remove_padding == False",
        "sequences are parallelized only without padding",
        f"Set `{_MODEL}.use_remove_padding=True`",
        f"{_OF_ACTOR}:339",
        (f"{_MODEL}.use_remove_padding",),
    ),
    Refusal(
        f"{_ROLLOUT}.mode",
        f"{_ROLLOUT}.mode == 'sync'",
        "rollouts are always asynchronous",
        "Leave it out",
        f"{_OF_ROLLOUT}:282",
        since=_SINCE,
        drop=True,
    ),
    Refusal(
        f"{_ROLLOUT}.expert_parallel_size",
        f"{_ROLLOUT}.expert_parallel_size > 1 and {_ROLLOUT}.name in ('vllm', 'sglang')"
        f" and {_ROLLOUT}.expert_parallel_size"
        f" != {_ROLLOUT}.tensor_model_parallel_size * {_ROLLOUT}.data_parallel_size",
        "it must be `tensor_model_parallel_size` times `data_parallel_size`",
        "Change one of them",
        f"{_OF_ROLLOUT}:295",
        (f"{_ROLLOUT}.tensor_model_parallel_size", f"{_ROLLOUT}.data_parallel_size"),
        since=_SINCE,
    ),
    Refusal(
        f"{_ROLLOUT}.moe_tensor_parallel_size",
        f"{_ROLLOUT}.moe_tensor_parallel_size > 1 and {_ROLLOUT}.name in ('vllm', 'sglang', 'hf')",
        "only TensorRT-LLM supports it",
        "Leave it out",
        f"{_OF_ROLLOUT}:300",
        (f"{_ROLLOUT}.name",),
        since=_SINCE,
        drop=True,
    ),
    Refusal(
        f"{_ROLLOUT}.pipeline_model_parallel_size",
        f"{_ROLLOUT}.pipeline_model_parallel_size > 1 and {_ROLLOUT}.name in ('vllm', 'sglang', 'trtllm')",
        "this engine does not support it",
        "Leave it out",
        f"{_OF_ROLLOUT}:321",
        (f"{_ROLLOUT}.name",),
        since=_SINCE,
        drop=True,
    ),
    Refusal(
        f"{_ROLLOUT}.disaggregation.enabled",
        f"{_ROLLOUT}.disaggregation.enabled and {_ROLLOUT}.name is not None"
        f" and {_ROLLOUT}.name not in ('sglang', 'vllm')",
        "only vLLM and SGLang support it",
        f"Set `{_ROLLOUT}.name` to one of them",
        f"{_OF_ROLLOUT}:342",
        (f"{_ROLLOUT}.name",),
        since="0.9.1",
    ),
    Refusal(
        f"{_ROLLOUT}.val_kwargs.do_sample",
        f"{_ROLLOUT}.val_kwargs.do_sample and {_ROLLOUT}.temperature <= 0",
        "the evaluation samples at a temperature above 0",
        f"Raise `{_ROLLOUT}.temperature`",
        f"{_CHECKS}:201",
        (f"{_ROLLOUT}.temperature",),
    ),
    Refusal(
        f"{_ROLLOUT}.log_prob_use_dynamic_bsz",
        f"{_ROLLOUT}.log_prob_use_dynamic_bsz is not None"
        f" and {_ROLLOUT}.log_prob_use_dynamic_bsz != {_ACTOR}.use_dynamic_bsz",
        "it must be the same as the actor's `use_dynamic_bsz`",
        "Leave it out",
        "workers/engine_workers.py:616",
        (f"{_ACTOR}.use_dynamic_bsz",),
        since=_SINCE,
        late=True,
        drop=True,
    ),
    Refusal(
        f"{_MODEL}.lora_rank",
        f"{_MODEL}.lora_rank > 512 and {_ROLLOUT}.name == 'vllm' and not {_MODEL}.lora.merge",
        "vLLM has no rank above 512",
        "Lower it",
        "workers/rollout/vllm_rollout/utils.py:98",
        (f"{_ROLLOUT}.name",),
        since=_SINCE,
    ),
    Refusal(
        f"{_MODEL}.lora_rank",
        f"{_MODEL}.lora_rank > 0 and {_ROLLOUT}.name == 'vllm'"
        f" and {_MODEL}.lora_rank not in (8, 16, 32, 64, 128, 256, 320, 512)",
        "verl passes it to vLLM as `max_lora_rank`, which takes 8, 16, 32, 64, 128, 256, 320 and 512 alone",
        "Take one of these, or update verl to 0.6.1, which rounds it up for vLLM",
        "workers/fsdp_workers.py:487",  # of 0.5.0
        (f"{_ROLLOUT}.name",),
        since="0.4.0",
        until="0.6.1",
    ),
    Refusal(
        f"{_MODEL}.lora_rank",
        f"{_MODEL}.lora_rank > 0 and {_MODEL}.lora.rank is None and ({_BY_MEGATRON})",
        "with Megatron the trainer adds an adapter only for `model.lora.rank`, and trains all weights",
        f"Set `{_MODEL}.lora.rank` instead",
        "workers/config/megatron_peft.py:23",
        _OF_MEGATRON,
        since=_SINCE,
        likely=True,
        ignored=True,
    ),
    Refusal(
        "algorithm.rollout_correction.bypass_mode",
        f"algorithm.rollout_correction.bypass_mode and {_ACTOR}.fsdp_config.router_replay.mode == 'R2'",
        "R2 records routes in the pass that it leaves out",
        "Set it to false",
        f"{_CHECKS}:82",
        (f"{_ACTOR}.fsdp_config.router_replay.mode",),
        since="0.9.1",
        sets=(("algorithm.rollout_correction.bypass_mode", False),),
    ),
    Refusal(
        "trainer.resume_mode",
        "trainer.resume_mode == 'resume_path' and trainer.resume_from_path is None",
        "it needs `trainer.resume_from_path`",
        "Set it",
        "trainer/ppo/ray_trainer.py:1073",
        ("trainer.resume_from_path",),
        likely=True,
    ),
    Refusal(
        "trainer.resume_from_path",
        "trainer.resume_mode == 'resume_path' and is_text(trainer.resume_from_path)"
        " and not holds(trainer.resume_from_path, 'global_step_')",
        "it has to be the folder of a step",
        "Name the folder global_step_N",
        "trainer/ppo/ray_trainer.py:1074",
        ("trainer.resume_mode",),
    ),
    Refusal(
        "critic.ppo_micro_batch_size",
        "algorithm.adv_estimator == 'gae' and not critic.use_dynamic_bsz and critic.ppo_micro_batch_size is not None"
        " and critic.ppo_micro_batch_size_per_gpu is not None",
        "`ppo_micro_batch_size` and `ppo_micro_batch_size_per_gpu` cannot be given together",
        _EITHER,
        "workers/config/critic.py:153",
        ("critic.ppo_micro_batch_size_per_gpu",),
    ),
)
_OVERRIDES = (
    _neither(_ACTOR, "ppo_micro_batch_size", _FIXED, f"{_OF_ACTOR}:207"),
    _neither(_ROLLOUT, "log_prob_micro_batch_size", _FIXED, f"{_CHECKS}:154"),
    _neither("actor_rollout_ref.ref", "log_prob_micro_batch_size", _WITH_REFERENCE, f"{_CHECKS}:154"),
    *_ROWS,
)
"""What a command leaves out is as verl's own configuration has it; a file may be overridden in turn."""
TABLE = Table(
    "verl",
    "0.9.1",
    {"": _ROWS, "overrides": _OVERRIDES},
    {
        f"{_ACTOR}.ppo_mini_batch_size": 256,
        f"{_ACTOR}.strategy": "fsdp",
        f"{_ACTOR}.use_dynamic_bsz": False,
        f"{_ROLLOUT}.n": 1,
        f"{_ROLLOUT}.temperature": 1.0,
        f"{_ROLLOUT}.tensor_model_parallel_size": 2,
        f"{_ROLLOUT}.data_parallel_size": 1,
        "trainer.n_gpus_per_node": 8,
        "trainer.nnodes": 1,
        "algorithm.adv_estimator": "gae",
    },
    (
        Undecided(
            "settings that a config leaves out",
            "Hydra composes it with others, and with those of the command",
            ("trainer/config/",),
        ),
        Undecided(
            "GPUs, nodes, engines of generation and their packages",
            "they depend on the machine",
            (
                "workers/",
                "single_controller/",
                "third_party/",
                "utils/",
                "checkpoint_engine/",
                "plugin/",
                "models/",
                "model_merger/",
            ),
        ),
        Undecided(
            "data, rewards and agents",
            "rows and plugged-in programs decide",
            ("experimental/", "tools/", "interactions/", "trainer/", "base_config.py", "protocol.py"),
        ),
        Undecided(
            "the trainer of supervised fine-tuning", "its settings are checked where they are used", ("trainer/",)
        ),
    ),
    history=True,
)
