"""TRL 1.16.0: what its configs refuse, beside what they share with `TrainingArguments`, and its trainers once the model
is there, which has an adapter."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_READ = "1.16.0"
"""The others are in 0.20.0, or in the first of 0.24.0, 0.29.0, 1.4.0, 1.9.0 and 1.13.0 that has them. What is gone was
read in 0.16.0 to 1.16.0, one release of each minor version, at the lines where the newest speaks of the setting."""


_TEMPERATURE = "trainer/grpo_trainer.py:789"
"""Handed to transformers (5.23.0, generation/logits_process.py, TemperatureLogitsWarper) or vLLM."""


def _generations(file: str, both: int, few: int, halved: int, uneven: int) -> tuple[Refusal, ...]:
    return (
        Refusal(
            "steps_per_generation",
            "steps_per_generation is not None and generation_batch_size is not None",
            "`generation_batch_size` and `steps_per_generation` cannot be given together",
            "Leave one of the two out",
            f"{file}:{both}",
            ("generation_batch_size",),
        ),
        Refusal(
            "num_generations",
            "is_whole(num_generations) and num_generations < 2",
            "at least 2 generations of each prompt are needed: a single one has no advantage over others",
            "Raise `num_generations`",
            f"{file}:{few}",
        ),
        Refusal(
            "temperature",
            "temperature == 0",
            "without sampling the generations do not differ, and none has an advantage: transformers and vLLM want a "
            "temperature above 0",
            "Raise `temperature`",
            _TEMPERATURE,
            late=True,
        ),
        Refusal(
            "auto_find_batch_size",
            "auto_find_batch_size == True",
            "a smaller batch may split groups of generations",
            "Set `per_device_train_batch_size`, and leave it out",
            f"{file}:{halved}",
            since="1.9.0",
        ),
        Refusal(
            "generation_batch_size",
            "is_whole(generation_batch_size) and is_whole(num_generations) and num_generations > 1"
            " and generation_batch_size % num_generations != 0",
            "it must be divisible by `num_generations`",
            "Change one of the two",
            f"{file}:{uneven}",
            ("num_generations",),
        ),
    )


def _not_synced(file: str, line: int) -> Refusal:
    return Refusal(
        "sync_ref_model",
        "sync_ref_model == True",
        "the reference of an adapter is its base model, which does not change",
        "Set it to False",
        f"{file}:{line}",
        since="0.29.0",
        late=True,
        sets=(("sync_ref_model", False),),
    )


def _fused_by_itself(file: str, line: int) -> Refusal:
    return Refusal(
        "liger_kernel_config",
        "use_liger_kernel and is_mapping(liger_kernel_config)"
        " and field(liger_kernel_config, 'fused_linear_cross_entropy')",
        "the trainer fuses the head and the loss itself",
        "Leave `fused_linear_cross_entropy` out",
        f"{file}:{line}",
        ("use_liger_kernel",),
        _READ,
        late=True,
    )


def _not_by_liger(
    says: str, instead: str, source: str, since: str, until: str, when: str = "", other: str = ""
) -> tuple[Refusal, ...]:
    """What older releases did not do with Liger's loss, which `use_liger_loss` asked for before 0.25."""
    renamed = "0.25.0"
    last = "use_liger_loss" if _number(until) <= _number(renamed) else "use_liger_kernel"
    keys = dict.fromkeys(("use_liger_loss", last) if _number(since) < _number(renamed) else ("use_liger_kernel",))
    return tuple(
        Refusal(
            key,
            f"{key} == True and {when}" if when else f"{key} == True and trained == True",
            says,
            instead,
            source,
            (other,) if other else (),
            since if key == "use_liger_loss" or _number(since) >= _number(renamed) else renamed,
            renamed if key == "use_liger_loss" else until,
            late=True,
        )
        for key in keys
    )


def _number(release: str) -> tuple[int, ...]:
    """A release as numbers."""
    return tuple(map(int, release.split(".")))


_CHECKPOINTED = "is_mapping(gradient_checkpointing_kwargs) and field(gradient_checkpointing_kwargs, 'selective')"
_OF_SFT = (
    Refusal(
        "padding_free",
        "padding_free == True and packing == False and max_length is not None",
        "rows are truncated to `max_length` only with packing",
        "Set `packing=True`, or `max_length=None` for rows that are short enough",
        "trainer/sft_trainer.py:1000",
        ("packing", "max_length"),
        "1.4.0",
        late=True,
        likely=True,
    ),
    Refusal(
        "max_length",
        "packing == True and max_length is None",
        "rows are packed up to `max_length`",
        "Set it",
        "trainer/sft_trainer.py:1468",
        ("packing",),
        late=True,
    ),
    Refusal(
        "gradient_checkpointing_kwargs",
        f"{_CHECKPOINTED} and gradient_checkpointing == False",
        "`selective` needs `gradient_checkpointing=True`",
        "Set it",
        "trainer/sft_trainer.py:1087",
        ("gradient_checkpointing",),
        _READ,
        late=True,
    ),
    Refusal(
        "gradient_checkpointing_kwargs",
        f"{_CHECKPOINTED} and field(gradient_checkpointing_kwargs, 'use_reentrant')",
        "`selective` needs non-reentrant checkpointing",
        "Leave `use_reentrant` out",
        "trainer/sft_trainer.py:1091",
        since=_READ,
        late=True,
    ),
    _fused_by_itself("trainer/sft_trainer.py", 1136),
)
_DIVERGING = "('sigmoid', 'sigmoid_norm', 'hinge', 'ipo', 'exo_pair', 'robust', 'discopop', 'sft')"
_OF_DPO = (
    Refusal(
        "f_divergence_type",
        "f_divergence_type is not None and f_divergence_type != 'reverse_kl'"
        f" and (is_text(loss_type) and loss_type not in {_DIVERGING}"
        f" or is_list(loss_type) and not within(loss_type, {_DIVERGING}))",
        "this loss has no other divergence",
        "Leave it out, or take the loss sigmoid",
        "trainer/dpo_trainer.py:812",
        ("loss_type",),
        "1.13.0",
        late=True,
    ),
    Refusal(
        "use_weighting",
        "use_weighting == True and (loss_type in ('aot', 'aot_unpaired')"
        " or is_list(loss_type) and common(loss_type, ('aot', 'aot_unpaired')))",
        "this loss sorts the rows, so their weights would apply to other rows",
        "Leave one of the two out",
        "trainer/dpo_trainer.py:820",
        ("loss_type",),
        "0.29.0",
        late=True,
    ),
    Refusal(
        "loss_type",
        "label_smoothing == 0 and (loss_type == 'exo_pair' or is_list(loss_type) and common(loss_type, ('exo_pair',)))",
        "exo_pair needs `label_smoothing`",
        "Set it, to 1e-3 for one",
        "trainer/dpo_trainer.py:830",
        ("label_smoothing",),
        "0.29.0",
        late=True,
    ),
    Refusal(
        "precompute_ref_log_probs",
        "sync_ref_model == True and precompute_ref_log_probs == True",
        "a reference that changes cannot be asked before the training",
        "Leave it out",
        "trainer/dpo_trainer.py:994",
        ("sync_ref_model",),
        until="0.29.0",
        late=True,
    ),
    *_not_by_liger(
        "Liger has the loss sigmoid alone",
        "Leave it out, or take that loss",
        "trainer/dpo_trainer.py:941",
        *("0.19.0", "0.25.0", "is_text(loss_type) and loss_type != 'sigmoid'", "loss_type"),
    ),
    *_not_by_liger(
        "Liger's loss is not implemented for PEFT models",
        "Leave it out",
        "trainer/dpo_trainer.py:941",
        *("0.29.0", "1.8.0"),
    ),
    _not_synced("trainer/dpo_trainer.py", 994),
    _fused_by_itself("trainer/dpo_trainer.py", 948),
)
_ESTIMATED = "loss_type != 'apo_zero_unpaired'"
_OF_KTO = (
    Refusal(
        "train_sampling_strategy",
        f"{_ESTIMATED} and is_text(train_sampling_strategy) and train_sampling_strategy != 'sequential'",
        "the loss pairs each row with its neighbour in a fixed order",
        "Leave it out",
        "trainer/kto_trainer.py:838",
        ("loss_type",),
        "1.9.0",
        late=True,
        drop=True,
    ),
    Refusal(
        "per_device_train_batch_size",
        f"{_ESTIMATED} and is_whole(per_device_train_batch_size) and per_device_train_batch_size <= 1",
        "the loss compares the rows of a batch on one device",
        "Raise it to 2 at least, and lower `gradient_accumulation_steps`",
        "trainer/kto_trainer.py:845",
        ("loss_type",),
        late=True,
    ),
    *_not_by_liger(
        "Liger's loss cannot be used with PEFT models",
        "Leave it out",
        "trainer/kto_trainer.py:952",
        *("0.17.0", "0.26.0"),
    ),
    _not_synced("trainer/kto_trainer.py", 1002),
    _fused_by_itself("trainer/kto_trainer.py", 959),
)
_GROUPED = (
    "is_whole(per_device_train_batch_size) and is_whole(gradient_accumulation_steps)"
    " and is_whole(num_generations) and num_generations > 1 and steps_per_generation is None"
    " and generation_batch_size is None"
)
_MOST_PROCESSES = 8
"""The GPUs of one machine: the most that a program is expected to run on if nothing in the project launches it."""
_STEPS = "per_device_train_batch_size * processes * gradient_accumulation_steps"


def _uneven(rows: str) -> str:
    """Groups that do not fill a batch: with the number of processes that is known, or with any of those expected."""
    parts = (
        f"{rows.replace('processes', str(count))} % num_generations != 0" for count in range(1, _MOST_PROCESSES + 1)
    )
    known = f"is_whole(processes) and {rows} % num_generations != 0"
    return f"{_GROUPED} and ({known} or unlaunched and {' and '.join(parts)})"


def _groups(key: str, rows: str, says: str, source: str, since: str, until: str = "") -> Refusal:
    return Refusal(
        key,
        _uneven(rows),
        says,
        "Change one of the two",
        source,
        ("per_device_train_batch_size", "gradient_accumulation_steps", "num_generations"),
        since,
        until,
        likely=True,
        cause="groups of generations",
    )


_UNEVEN = tuple(
    row
    for key in ("num_generations", "per_device_train_batch_size", "gradient_accumulation_steps")
    for row in (
        _groups(
            key,
            _STEPS,
            "the rows of a step (batch size, accumulation steps and processes multiplied) must be divisible by "
            "`num_generations`, whose default is 8",
            "trainer/grpo_config.py:1132",
            "0.17.0",
        ),
        _groups(
            key,
            "per_device_train_batch_size * processes",
            "the batch of all processes must be divisible by `num_generations`, whose default is 8",
            "trainer/grpo_trainer.py:345",
            "0.15.0",
            "0.17.0",
        ),
    )
)
_OF_GRPO = (
    Refusal(
        "log_completions_hub_repo",
        "log_completions_hub_repo is not None and log_completions == False",
        "completions are uploaded only if they are logged",
        "Set `log_completions=True`",
        "trainer/grpo_config.py:1081",
        ("log_completions",),
        "0.29.0",
        sets=(("log_completions", True),),
    ),
    Refusal(
        "vllm_importance_sampling_clip_min",
        "vllm_importance_sampling_clip_min is not None and vllm_importance_sampling_clip_max is not None"
        " and vllm_importance_sampling_cap is None"
        " and vllm_importance_sampling_clip_min >= vllm_importance_sampling_clip_max",
        "it must be smaller than `vllm_importance_sampling_clip_max`",
        "Lower it",
        "trainer/grpo_config.py:1157",
        ("vllm_importance_sampling_clip_max",),
        "1.9.0",
    ),
    Refusal(
        "vllm_importance_sampling_clip_max",
        "vllm_importance_sampling_clip_max is None and vllm_importance_sampling_clip_min is None"
        " and vllm_importance_sampling_cap is None and vllm_importance_sampling_correction == True"
        " and vllm_importance_sampling_mode in ('token_truncate', 'sequence_truncate')",
        "a truncated ratio needs a bound",
        "Set it, or `vllm_importance_sampling_clip_min`",
        "trainer/grpo_config.py:1168",
        ("vllm_importance_sampling_mode",),
        "1.9.0",
    ),
    Refusal(
        "loss_type",
        "loss_type == 'vespo' and use_vllm == True and vllm_importance_sampling_correction == True"
        " and is_text(vllm_importance_sampling_mode)"
        " and vllm_importance_sampling_mode not in ('token_truncate', 'token_mask')",
        "it needs a ratio for each token",
        "Set `vllm_importance_sampling_mode='token_truncate'`",
        "trainer/grpo_trainer.py:938",
        ("vllm_importance_sampling_mode",),
        "1.4.0",
        late=True,
    ),
    *_not_by_liger(
        "Liger does not have the loss that is clipped on both sides",
        "Leave one of the two out",
        "trainer/grpo_trainer.py:1053",
        *("0.18.0", "1.4.0", "delta is not None", "delta"),
    ),
    *_not_by_liger(
        "Liger does not mask tokens by their entropy",
        "Leave one of the two out",
        "trainer/grpo_trainer.py:1053",
        *("0.20.0", "1.14.0", "top_entropy_quantile < 1", "top_entropy_quantile"),
    ),
    *_not_by_liger(
        "Liger weighs each token alone",
        "Set `importance_sampling_level='token'`, or leave it out",
        "trainer/grpo_trainer.py:1053",
        *("0.20.0", "1.0.0", "is_text(importance_sampling_level) and importance_sampling_level != 'token'"),
        other="importance_sampling_level",
    ),
    _not_synced("trainer/grpo_trainer.py", 1198),
    _fused_by_itself("trainer/grpo_trainer.py", 1060),
)
TABLE = Table(
    "TRL",
    "1.16.0",
    {
        "": (
            Refusal(
                "load_in_8bit",
                "load_in_8bit and load_in_4bit",
                "8 bit and 4 bit cannot be used at the same time",
                "Leave one of the two out",
                "trainer/model_config.py:175",
                ("load_in_4bit",),
            ),
        ),
        "SFTConfig": _OF_SFT,
        "GRPOConfig": (*_generations("trainer/grpo_config.py", 1114, 1138, 1090, 1132), *_OF_GRPO, *_UNEVEN),
        "RLOOConfig": (
            *_generations("trainer/rloo_config.py", 677, 701, 653, 695),
            _not_synced("trainer/rloo_trainer.py", 830),
        ),
        "KTOConfig": _OF_KTO,
        "DPOConfig": (
            Refusal(
                "loss_weights",
                "is_list(loss_weights) and (is_text(loss_type) and len(loss_weights) != 1"
                " or is_list(loss_type) and len(loss_weights) != len(loss_type))",
                "`loss_weights` must have one entry per loss in `loss_type`",
                "Give one for each",
                "trainer/dpo_config.py:361",
                ("loss_type",),
                "0.29.0",
            ),
            *_OF_DPO,
        ),
    },
    undecided=(
        Undecided(
            "number of processes, devices, servers of vLLM",
            "they depend on the machine and the launch",
            ("trainer/callbacks.py", "generation/", "scripts/", "extras/"),
        ),
        Undecided(
            "models, data sets and reward functions passed to a trainer",
            "they are objects of the program: LL412 and other rules check what is known of them",
            ("trainer/", "experimental/", "data_utils.py"),
        ),
    ),
    history=True,
)
