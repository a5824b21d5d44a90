"""Keywords that `TrainingArguments` of transformers no longer takes.

Read in training_args.py of transformers 4.45.2 to 5.23.0. Where several releases lie between the last that has a
keyword and the next that was read, the later one counts.
"""

from __future__ import annotations

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.run.versions import Version

CLASSES = frozenset({"TrainingArguments", "Seq2SeqTrainingArguments"})


@dataclass(frozen=True)
class Gone:
    """The first release without a keyword, the keyword that takes its place, if one does, and what to do if none."""

    since: Version
    other: str = ""
    instead: str = "Remove it"


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
