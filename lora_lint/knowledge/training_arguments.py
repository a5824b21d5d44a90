"""Keywords that training arguments and trainers of transformers and TRL no longer take.

Read in training_args.py and trainer.py of transformers 4.45.2 to 5.23.0, and in trainer/*_config.py and
trainer/*_trainer.py of TRL 0.8.6 to 1.16.0. Where several releases lie between the last that has a keyword and the next
that was read, the later one counts.
"""

from __future__ import annotations

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.run.versions import Version

_OF_TRANSFORMERS = frozenset({"TrainingArguments", "Seq2SeqTrainingArguments"})
_OF_TRL = frozenset(
    {"SFTConfig", "DPOConfig", "GRPOConfig", "RewardConfig", "KTOConfig", "RLOOConfig", "ORPOConfig", "CPOConfig"}
)
"""Classes on `TrainingArguments`, which pass its keywords on."""


@dataclass(frozen=True)
class Gone:
    """The first release of a package without a keyword, the keyword that takes its place, if one does, and what to do
    if none."""

    since: Version
    other: str = ""
    instead: str = "Remove it"
    package: str = "transformers"


_OF_4_51 = dict.fromkeys(("dispatch_batches", "split_batches"), Gone((4, 51, 0), "", "Set it in `accelerator_config`"))
_OF_5 = dict.fromkeys(
    (
        *("fp16_backend", "half_precision_backend", "fp16_opt_level", "include_tokens_per_second", "jit_mode_eval"),
        *("mp_parameters", "overwrite_output_dir", "past_index", "push_to_hub_organization", "ray_scope"),
        *("save_safetensors", "tpu_metrics_debug", "tpu_num_cores", "use_legacy_prediction_loop", "use_mps_device"),
    ),
    Gone((5, 0, 0)),
)
GONE = {
    "evaluation_strategy": Gone((4, 51, 0), "eval_strategy"),
    **_OF_4_51,
    **_OF_5,
    "adafactor": Gone((5, 0, 0), "", "Set `optim='adafactor'`"),
    "no_cuda": Gone((5, 0, 0), "use_cpu"),
    "per_gpu_train_batch_size": Gone((5, 0, 0), "per_device_train_batch_size"),
    "per_gpu_eval_batch_size": Gone((5, 0, 0), "per_device_eval_batch_size"),
    "push_to_hub_model_id": Gone((5, 0, 0), "hub_model_id"),
    "push_to_hub_token": Gone((5, 0, 0), "hub_token"),
    "group_by_length": Gone((5, 4, 0), "", "Set `train_sampling_strategy='group_by_length'`"),
    "logging_dir": Gone((5, 15, 0), "", "Set the environment variable `TENSORBOARD_LOGGING_DIR`"),
    "warmup_ratio": Gone((5, 15, 0), "", "Give the ratio as `warmup_steps`, which below 1 is one"),
}


def _of_trl(since: Version, names: str, instead: str = "Remove it") -> dict[str, Gone]:
    return dict.fromkeys(names.split(), Gone(since, "", instead, "trl"))


def _renamed(since: Version, **names: str) -> dict[str, Gone]:
    return {old: Gone(since, new, "", "trl") for old, new in names.items()}


_PROMPTS = "Filter the rows by the length of their prompts"
GONE_OF_TRL = {
    "SFTConfig": {
        **_of_trl((0, 18, 0), "chars_per_token dataset_batch_size num_of_sequences"),
        **_renamed((0, 18, 0), use_liger="use_liger_kernel"),
        **_renamed((0, 20, 0), max_seq_length="max_length"),
    },
    "DPOConfig": {
        **_of_trl((0, 15, 0), "is_encoder_decoder"),
        **_of_trl((0, 14, 0), "max_target_length"),
        **_of_trl((0, 26, 0), "padding_value"),
        **_renamed((0, 28, 0), use_liger_loss="use_liger_kernel"),
        **_of_trl((0, 29, 0), "max_prompt_length", _PROMPTS),
        **_of_trl(
            (0, 29, 0),
            "base_model_attribute_name force_use_ref_model generate_during_eval label_pad_token_id "
            "max_completion_length model_adapter_name ref_adapter_name ref_model_init_kwargs reference_free rpo_alpha "
            "tools use_logits_to_keep",
        ),
    },
    "GRPOConfig": {
        **_of_trl((0, 18, 0), "vllm_device vllm_dtype vllm_enable_prefix_caching vllm_max_model_len"),
        **_of_trl((0, 28, 0), "max_prompt_length", _PROMPTS),
        **_renamed((0, 28, 0), use_liger_loss="use_liger_kernel"),
        **_renamed((0, 28, 0), vllm_guided_decoding_regex="vllm_structured_outputs_regex"),
        **_renamed((0, 27, 0), wandb_log_unique_prompts="log_unique_prompts"),
    },
    "KTOConfig": {
        **_of_trl((0, 27, 0), "is_encoder_decoder max_completion_length truncation_mode"),
        **_of_trl((0, 27, 0), "max_prompt_length", _PROMPTS),
        **_of_trl((0, 28, 0), "base_model_attribute_name label_pad_token_id padding_value ref_model_init_kwargs"),
        **_renamed((0, 28, 0), use_liger_loss="use_liger_kernel"),
        **_of_trl((1, 2, 0), "generate_during_eval"),
    },
    "RLOOConfig": {
        **_of_trl((0, 22, 0), "normalize_advantage reward_model_path whiten_rewards"),
        **_of_trl(
            (0, 25, 0),
            "dataset_num_proc local_rollout_forward_batch_size missing_eos_penalty num_mini_batches "
            "num_sample_generations stop_token stop_token_id token_level_kl total_episodes",
        ),
        **_renamed(
            (0, 25, 0),
            cliprange="epsilon",
            exp_name="run_name",
            kl_coef="beta",
            normalize_reward="normalize_advantages",
            num_ppo_epochs="num_iterations",
            response_length="max_completion_length",
            rloo_k="num_generations",
        ),
        **_renamed((0, 27, 0), wandb_log_unique_prompts="log_unique_prompts"),
        **_renamed((0, 28, 0), vllm_guided_decoding_regex="vllm_structured_outputs_regex"),
        **_of_trl((0, 29, 0), "max_prompt_length", _PROMPTS),
    },
}
"""What a config of TRL declared itself."""

_TOKENIZER_OF_TRL = {
    "SFTTrainer": (0, 16, 0),
    "DPOTrainer": (0, 16, 0),
    "RewardTrainer": (0, 15, 0),
    "KTOTrainer": (0, 14, 0),
    "CPOTrainer": (0, 14, 0),
    "ORPOTrainer": (0, 15, 0),
}
"""At the end a decorator renamed `tokenizer`. GRPOTrainer never took it."""
MOVED: Version = (0, 13, 0)
INTO_CONFIG = {
    "SFTTrainer": frozenset(
        "dataset_text_field packing max_seq_length dataset_num_proc dataset_batch_size neftune_noise_alpha "
        "model_init_kwargs dataset_kwargs eval_packing num_of_sequences chars_per_token".split()
    ),
    "DPOTrainer": frozenset(
        "beta label_smoothing loss_type label_pad_token_id padding_value truncation_mode max_length max_prompt_length "
        "max_target_length is_encoder_decoder disable_dropout generate_during_eval precompute_ref_log_probs "
        "dataset_num_proc model_init_kwargs ref_model_init_kwargs model_adapter_name ref_adapter_name reference_free "
        "force_use_ref_model".split()
    ),
}
"""What moved from a trainer to its config with that release of TRL."""


def gone(owner: str, keyword: str) -> Gone | None:
    """The release that took a keyword from a class of training arguments, if one did."""
    if owner in GONE_OF_TRL and keyword in GONE_OF_TRL[owner]:
        return GONE_OF_TRL[owner][keyword]
    return GONE.get(keyword) if owner in _OF_TRANSFORMERS or owner in _OF_TRL else None


def gone_from_call(trainer: str, keyword: str) -> Gone | None:
    """The release that took a keyword from the call of a trainer, if one did."""
    if keyword == "tokenizer":
        if trainer in ("Trainer", "Seq2SeqTrainer"):
            return Gone((5, 0, 0), "processing_class", "")
        if trainer == "GRPOTrainer":
            return Gone((0, 14, 0), "processing_class", "", "trl")
        since = _TOKENIZER_OF_TRL.get(trainer)
        return Gone(since, "processing_class", "", "trl") if since is not None else None
    if keyword in INTO_CONFIG.get(trainer, ()):
        return Gone(MOVED, "", f"Set it in `{trainer.removesuffix('Trainer')}Config`", "trl")
    return None


def is_of_trl(owner: str) -> bool:
    """Whether a class is TRL's, which unsloth replaces by one that takes old keywords too (2026.10.9, trainer.py)."""
    return owner in _OF_TRL or owner in _TOKENIZER_OF_TRL or owner == "GRPOTrainer"
