"""EasyR1 0.3.2 at b44b311: what its trainer and its workers refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_TRAINER, _WORKERS = "trainer/ray_trainer.py", "workers/fsdp_workers.py"
_ACTOR, _ROLLOUT = "worker.actor", "worker.rollout"
_BATCH, _N = "data.rollout_batch_size", f"{_ROLLOUT}.n"
_UPDATE = f"{_ACTOR}.micro_batch_size_per_device_for_update"
_EXPERIENCE = f"{_ACTOR}.micro_batch_size_per_device_for_experience"
_GPUS = "trainer.n_gpus_per_node * trainer.nnodes"
_ON_ONE = f"{_ACTOR}.global_batch_size * {_N} // ({_GPUS} // {_ACTOR}.ulysses_size)"
"""The samples of a minibatch that one device has."""
_ROWS = (
    Refusal(
        "algorithm.adv_estimator",
        "is_text(algorithm.adv_estimator) and algorithm.adv_estimator"
        " not in ('gae', 'grpo', 'grpo_passk', 'reinforce_plus_plus', 'remax', 'rloo')",
        "there is no such estimator",
        "Set it to grpo",
        f"{_TRAINER}:209",
        likely=True,
    ),
    Refusal(
        _BATCH,
        f"{_BATCH} % {_ACTOR}.global_batch_size != 0",
        f"it is a multiple of `{_ACTOR}.global_batch_size`",
        "Change one of them",
        f"{_TRAINER}:212",
        (f"{_ACTOR}.global_batch_size",),
        likely=True,
    ),
    Refusal(
        _EXPERIENCE,
        f"{_BATCH} * {_N} % {_EXPERIENCE} != 0",
        f"`{_BATCH}` times `{_N}` is a multiple of it",
        "Change one of them",
        f"{_TRAINER}:217",
        (_BATCH, _N),
        likely=True,
    ),
    Refusal(
        _BATCH,
        f"algorithm.adv_estimator == 'gae' and {_BATCH} % worker.critic.global_batch_size != 0",
        "it is a multiple of `worker.critic.global_batch_size`",
        "Change one of them",
        f"{_TRAINER}:223",
        ("worker.critic.global_batch_size",),
        likely=True,
    ),
    Refusal(
        _N,
        f"{_N} == 1 and algorithm.adv_estimator in ('grpo', 'rloo')",
        "GRPO and RLOO compare several answers to a prompt",
        "Raise it",
        f"{_TRAINER}:236",
        ("algorithm.adv_estimator",),
    ),
    Refusal(
        "algorithm.kl_type",
        "is_text(algorithm.kl_type) and algorithm.kl_type not in ('fixed', 'adaptive') and not algorithm.disable_kl",
        "a KL controller is fixed or adaptive",
        "Set it to fixed",
        "trainer/core_algos.py:104",
    ),
    Refusal(
        "algorithm.kl_horizon",
        "algorithm.kl_type == 'adaptive' and algorithm.kl_horizon <= 0 and not algorithm.disable_kl",
        "an adaptive controller needs a horizon above 0",
        "Raise it",
        "trainer/core_algos.py:97",
        ("algorithm.kl_type",),
    ),
    Refusal(
        "algorithm.kl_penalty",
        "is_text(algorithm.kl_penalty) and algorithm.kl_penalty not in ('kl', 'abs', 'mse', 'low_var_kl', 'full')"
        " and not algorithm.disable_kl",
        "there is no such penalty",
        "Set it to low_var_kl",
        "trainer/core_algos.py:599",
        late=True,
    ),
    Refusal(
        _UPDATE,
        f"{_ON_ONE} > 0 and {_ON_ONE} % {_UPDATE} != 0",
        f"the samples of one device (`{_ACTOR}.global_batch_size` times `{_N}`, divided among the devices) are a "
        "multiple of it",
        "Change one of them",
        f"{_WORKERS}:151",
        (f"{_ACTOR}.global_batch_size", _N, "trainer.n_gpus_per_node"),
        late=True,
        likely=True,
    ),
    Refusal(
        f"{_ACTOR}.fsdp.enable_cpu_offload",
        f"{_ACTOR}.fsdp.enable_cpu_offload and {_ON_ONE} > 0 and {_ON_ONE} != {_UPDATE}",
        "FSDP cannot offload to the CPU while gradients accumulate",
        f"Set it to false, and use `{_ACTOR}.offload.offload_params`",
        f"{_WORKERS}:157",
        (_UPDATE,),
        late=True,
        likely=True,
    ),
    *(
        Refusal(
            f"{_ACTOR}.optim.{key}",
            f"is_text({_ACTOR}.optim.{key}) and {_ACTOR}.optim.{key} not in {names!r}",
            f"there are {names[0]} and {names[1]}",
            f"Set it to {names[0]}",
            f"{_WORKERS}:{line}",
            late=True,
        )
        for key, names, line in (
            ("strategy", ("adamw", "adamw_bf16"), 343),
            ("lr_scheduler_type", ("constant", "cosine"), 366),
        )
    ),
    Refusal(
        f"{_ROLLOUT}.tensor_parallel_size",
        f"{_GPUS} % {_ROLLOUT}.tensor_parallel_size != 0",
        "the number of devices is a multiple of it",
        "Change one of them",
        f"{_WORKERS}:385",
        ("trainer.n_gpus_per_node", "trainer.nnodes"),
        late=True,
        likely=True,
    ),
    Refusal(
        f"{_ROLLOUT}.max_num_batched_tokens",
        f"{_ROLLOUT}.max_num_batched_tokens < data.max_prompt_length + data.max_response_length",
        "a batch holds at least a prompt and its response",
        "Raise it",
        "workers/rollout/vllm_rollout_spmd.py:114",
        ("data.max_prompt_length", "data.max_response_length"),
        late=True,
        likely=True,
    ),
    *(
        Refusal(
            f"{_ACTOR}.model.lora.{key}",
            f"is_list({_ACTOR}.model.lora.{key})",
            "it is one text",
            f"Write it as {like}",
            f"workers/actor/config.py:{line}",
        )
        for key, like, line in (("target_modules", "'q_proj,v_proj'", 32), ("exclude_modules", "'.*visual.*'", 37))
    ),
    Refusal(
        "trainer.load_checkpoint_path",
        "is_text(trainer.load_checkpoint_path) and not holds(trainer.load_checkpoint_path, 'global_step_')",
        "a checkpoint's folder is called global_step_ and its number",
        "Name that folder",
        f"{_TRAINER}:357",
        late=True,
    ),
)
TABLE = Table(
    "EasyR1",
    "0.3.2 of 2026-07-30",
    {"": _ROWS},
    {
        _BATCH: 512,
        _N: 1,
        f"{_ACTOR}.global_batch_size": 256,
        "worker.critic.global_batch_size": 256,
        _UPDATE: 4,
        _EXPERIENCE: 16,
        f"{_ACTOR}.ulysses_size": 1,
        f"{_ROLLOUT}.tensor_parallel_size": 2,
        f"{_ROLLOUT}.max_num_batched_tokens": 8192,
        "data.max_prompt_length": 512,
        "data.max_response_length": 512,
        "algorithm.adv_estimator": "grpo",
        "algorithm.kl_type": "fixed",
        "trainer.n_gpus_per_node": 8,
        "trainer.nnodes": 1,
    },
    (
        Undecided(
            "devices and packages", "they depend on the machine", ("__init__.py", "single_controller/", "protocol.py")
        ),
        Undecided(
            "the model's own layers", "they are in the model", ("models/", "utils/fsdp_utils.py", "utils/ulysses.py")
        ),
        Undecided("data and rewards", "other programs decide", ("utils/", "workers/reward/", "trainer/data_loader.py")),
    ),
)
