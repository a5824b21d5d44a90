"""LLaMA-Factory 0.9.5, its second architecture: what the arguments refuse, and the model and the trainer after them."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_TRAINING, _MODEL, _TRAINER = "config/training_args.py", "config/model_args.py", "core/base_trainer.py"
_ENGINE, _HUB = "core/model_engine.py", "plugins/trainer_plugins/distributed/hub.py"
_ATTENTION = "('eager', 'sdpa', 'flash_attention_2')"
_PLUGINS = (
    *("init_config", "kernel_config", "quant_config", "dist_config", "optim_config", "lr_scheduler_config"),
    "peft_config",
)


def _needs_flash_attention(key: str, when: str, says: str, line: int) -> Refusal:
    return Refusal(
        key,
        f"{when} and flash_attn != 'flash_attention_2'",
        says,
        "Set `flash_attn: flash_attention_2`",
        f"{_TRAINER}:{line}",
        ("flash_attn",),
        late=True,
        sets=(("flash_attn", "flash_attention_2"),),
    )


_ROWS = (
    Refusal(
        "batching_strategy",
        "batching_strategy == 'dynamic_batching' and (max_steps is None or max_steps <= 0)",
        "`dynamic_batching` counts steps, and needs `max_steps`",
        "Set `max_steps`",
        f"{_TRAINING}:126",
        ("max_steps",),
        likely=True,
    ),
    Refusal(
        "save_epochs",
        "batching_strategy == 'dynamic_batching' and save_epochs is not None",
        "`dynamic_batching` has no epochs",
        "Set `save_steps` instead",
        f"{_TRAINING}:128",
        ("batching_strategy",),
        drop=True,
    ),
    Refusal(
        "flash_attn",
        f"flash_attn is not None and flash_attn not in {_ATTENTION}",
        "there are eager, sdpa and flash_attention_2",
        "Set it to flash_attention_2",
        f"{_MODEL}:66",
    ),
    _needs_flash_attention(
        "batching_strategy", "batching_strategy == 'padding_free'", "samples without padding need flash attention", 161
    ),
    _needs_flash_attention(
        "dist_config.cp_size", "dist_config.cp_size > 1", "sequences are split by flash attention alone", 150
    ),
    Refusal(
        "dist_config.cp_size",
        "dist_config.cp_size > 1 and dist_config.name == 'deepspeed'",
        "only fsdp2 splits sequences",
        "Set `dist_config.name` to fsdp2, or leave it out",
        f"{_HUB}:65",
        ("dist_config.name",),
        late=True,
    ),
    Refusal(
        "dist_config.name",
        "dist_config.name == 'deepspeed' and not dist_config.config_file",
        "DeepSpeed needs its own file",
        "Set `dist_config.config_file`",
        "plugins/trainer_plugins/distributed/deepspeed.py:52",
        late=True,
    ),
    Refusal(
        "init_config.name",
        "init_config.name == 'init_on_meta' and peft_config.name == 'lora'",
        "an adapter needs a model that has its weights",
        "Set it to init_on_default",
        f"{_ENGINE}:184",
        ("peft_config.name",),
        late=True,
        sets=(("init_config.name", "init_on_default"),),
    ),
    Refusal(
        "global_batch_size",
        "global_batch_size % micro_batch_size != 0",
        "it is a multiple of `micro_batch_size` times the number of devices",
        "Change one of them",
        "core/utils/batching.py:99",
        ("micro_batch_size",),
        late=True,
    ),
    Refusal(
        "quant_config.quantization_bit",
        "quant_config.name in ('auto', 'bnb') and quant_config.quantization_bit is not None"
        " and quant_config.quantization_bit not in (4, 8)",
        "weights have 4 or 8 bits",
        "Set it to 4",
        "plugins/model_plugins/quantization.py:75",
        ("quant_config.name",),
    ),
    Refusal(
        "peft_config.adapter_name_or_path",
        "is_list(peft_config.adapter_name_or_path) and len(peft_config.adapter_name_or_path) > 1"
        " and peft_config.export_dir is None and train_dataset is not None",
        "one adapter is trained at a time",
        "Merge the others first",
        "plugins/model_plugins/peft.py:122",
        late=True,
    ),
    *(
        Refusal(
            plugin,
            f"is_mapping({plugin}) and {plugin}.name is None",
            "a plugin has a name",
            f"Set `{plugin}.name`",
            "config/arg_utils.py:101",
        )
        for plugin in _PLUGINS
    ),
)
TABLE = Table(
    "LLaMA-Factory v1",
    "0.9.5",
    {"": _ROWS},
    {"batching_strategy": "normal", "flash_attn": "sdpa", "micro_batch_size": 1},
    (
        Undecided(
            "devices and packages",
            "they depend on the machine",
            ("accelerator/", "plugins/trainer_plugins/", "plugins/model_plugins/kernels/", "utils/", "launcher.py"),
        ),
        Undecided(
            "layers, templates and checkpoints",
            "they are in the model",
            (
                *("plugins/model_plugins/parallelization/", "plugins/model_plugins/templates/"),
                *("core/utils/checkpoint.py", "core/utils/rendering.py"),
                "plugins/model_plugins/peft.py:get_freeze_model",
                "plugins/model_plugins/deepspeed_utils.py",
            ),
        ),
        Undecided("data", "it decides when it is read", ("plugins/data_plugins/", "core/data_engine.py", "trainers/")),
        Undecided(
            "merging an adapter, and chats",
            "they train nothing",
            (
                *("samplers/", "core/base_sampler.py", "core/utils/inference_engine.py"),
                "plugins/model_plugins/peft.py:merge_and_export_model",
            ),
        ),
        Undecided(
            "8 bits where nothing is trained",
            "only a chat reaches it",
            ("plugins/model_plugins/quantization.py:quantization_with_bnb",),
        ),
    ),
)
