"""PEFT 0.21.2: what its configs refuse, and what LoRA's layers do once the model is there.

Of LoraConfig a single value that is out of range is LL902's, and no row."""

from __future__ import annotations

from itertools import combinations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_LORA = "tuners/lora/config.py"
_LAYER = "tuners/lora/layer.py"
_OTHER = "utils/other.py:"


def regex_with(key: str, source: str, since: str = "") -> Refusal:
    return Refusal(
        key,
        f"is_text(target_modules) and {key} is not None",
        "it cannot be used when `target_modules` is a string",
        "Name the modules in a list, or choose the layers in the regex and leave it out",
        source,
        ("target_modules",),
        since,
        cause="a regex",
    )


def pattern_alone(source: str, since: str = "0.14.0") -> Refusal:
    return Refusal(
        "layers_pattern",
        "layers_pattern and layers_to_transform is None",
        "when `layers_pattern` is given, `layers_to_transform` must be too",
        "Give `layers_to_transform`, or leave `layers_pattern` out",
        source,
        since=since,
    )


def _meant_for(config: str, start: str, source: str, since: str) -> Refusal:
    return Refusal(
        config,
        f"{config} is not None and init_lora_weights != '{start}'",
        f"it has an effect only with `init_lora_weights='{start}'`",
        f"Set `init_lora_weights='{start}'`, or leave `{config}` out",
        source,
        ("init_lora_weights",),
        since,
        ignored=True,
    )


def _by_model(key: str, error: str, says: str, instead: str, source: str, other: str, since: str) -> Refusal:
    """An error for what the targets are in the model, by its kind in `knowledge.matching`."""
    return Refusal(
        key, f"{key} and '{error}' in peft_errors", says, instead, source, (other,), since, late=True, likely=True
    )


def nothing_left() -> Refusal:
    """Targets that PEFT chooses, none of which is left; LL201 speaks of those that are named."""
    return Refusal(
        "target_modules",
        "(target_modules is None or lower(target_modules) == 'all-linear') and 'no-match' in peft_errors",
        "none of the layers that PEFT chooses is left in this model, by `layers_to_transform` or its experts",
        "Name the targets",
        "tuners/tuners_utils.py:1073",
        late=True,
        likely=True,
        absent=True,
    )


_VARIANTS = {
    "use_dora": "use_dora",
    **{
        name: f"{name} is not None"
        for name in (
            *("arrow_config", "use_bdlora", "alora_invocation_tokens", "velora_config", "monteclora_config"),
            "kasa_config",
        )
    },
}
"""The variants of LoRA, and when each is asked for."""
_OF_VARIANTS = (
    *(
        Refusal(
            one,
            f"{_VARIANTS[one]} and {_VARIANTS[other]}",
            f"a layer has one variant of LoRA, and `{other}` asks for another",
            "Leave one of the two out",
            f"{_LAYER}:213",
            (other,),
            "0.21.2",
            late=True,
            cause="variants",
        )
        for one, other in combinations(_VARIANTS, 2)
    ),
    *(
        Refusal(
            name,
            f"{when} and init_lora_weights == 'mica'",
            "a layer has one variant of LoRA, and `init_lora_weights='mica'` asks for another",
            "Leave one of the two out",
            f"{_LAYER}:213",
            ("init_lora_weights",),
            "0.21.2",
            late=True,
            cause="variants",
        )
        for name, when in _VARIANTS.items()
    ),
    Refusal(
        "alora_invocation_tokens",
        "alora_invocation_tokens is not None and task_type != 'CAUSAL_LM'",
        "the adapter of other tasks is never invoked",
        "Set `task_type='CAUSAL_LM'`",
        f"{_LORA}:1090",
        ("task_type",),
        "0.18.0",
        ignored=True,
        sets=(("task_type", "CAUSAL_LM"),),
    ),
    Refusal(
        "init_lora_weights",
        "init_lora_weights == 'corda' and unprepared",
        "CorDA needs the covariances of the layers' inputs",
        "Call `preprocess_corda(model, config, run_model)` before the adapter is added",
        f"{_LAYER}:519",
        since="0.15.0",
        late=True,
        likely=True,
    ),
    *(
        Refusal(
            "init_lora_weights",
            f"init_lora_weights == '{start}' and unprepared",
            f"without `{call}` the adapter starts as any other",
            f"Call it {when} the adapter is added",
            f"{_LAYER}:{line}",
            since=since,
            ignored=True,
            likely=True,
        )
        for start, call, when, line, since in (
            ("eva", "initialize_lora_eva_weights", "after", 303, "0.14.0"),
            ("lora_ga", "preprocess_loraga", "before", 639, "0.21.2"),
        )
    ),
)
_OF_LORA = (
    *_OF_VARIANTS,
    nothing_left(),
    Refusal(
        "loftq_config",
        "init_lora_weights == 'loftq' and is_mapping(loftq_config) and len(loftq_config) > 0"
        " and field(loftq_config, 'loftq_iter') is None",
        "a dict needs `loftq_bits` and `loftq_iter`",
        "Give `LoftQConfig(loftq_bits=4)`, which has defaults",
        f"{_LAYER}:585",
        ("init_lora_weights",),
        late=True,
    ),
    Refusal(
        "init_lora_weights",
        "is_text(init_lora_weights) and lower(init_lora_weights) not in ('gaussian', 'loftq', 'lora_ga', 'mica')"
        " and common(adapted_kinds, ('Embedding', 'Conv1d', 'Conv2d', 'Conv3d'))",
        "only linear layers are initialized this way, and the targets name others too",
        "Leave it out, or the other layers",
        f"{_LAYER}:342",
        ("target_modules",),
        late=True,
        likely=True,
    ),
    _by_model(
        "target_modules",
        "fused-partly",
        "transformers 5 fuses two projections of each expert, and only one of them is a target",
        "Name both",
        "utils/transformers_weight_conversion.py:466",
        "target_parameters",
        "0.19.0",
    ),
    *(
        _by_model(
            key,
            "parameter-option",
            f"adapters on parameters do not support `{key}`",
            "Leave it out",
            f"{_LAYER}:{line}",
            "target_parameters",
            "0.17.0",
        )
        for key, line in (("lora_bias", 2370), ("use_dora", 2372))
    ),
    _by_model(
        "target_parameters",
        "parameter-shape",
        "a parameter has to have two or three dimensions",
        "Leave the others out",
        f"{_LAYER}:2402",
        "target_modules",
        "0.17.0",
    ),
    _by_model(
        "target_parameters",
        "parameter-adapted",
        "a parameter belongs to a module that `target_modules` adapts as well",
        "Leave it out of one of the two",
        "tuners/tuners_utils.py:1198",
        "target_modules",
        "0.17.0",
    ),
    _by_model(
        "modules_to_save",
        "saved-container",
        "a list of modules cannot be saved as a whole",
        "Name the modules in it",
        "utils/other.py:352",
        "target_modules",
        "0.6.0",
    ),
    _by_model(
        "trainable_token_indices",
        "tokens",
        "tokens are trained in an embedding with a weight, which is neither adapted nor saved as a whole",
        "Name such an embedding",
        "tuners/trainable_tokens/layer.py:272",
        "modules_to_save",
        "0.15.0",
    ),
    Refusal(
        "modules_to_save",
        "modules_to_save and saves_twin == True",
        "the head shares the weight of the embedding whose tokens are trained",
        "Leave the head out",
        "tuners/trainable_tokens/layer.py:272",
        ("trainable_token_indices",),
        "0.16.0",
        late=True,
        likely=True,
    ),
    _by_model(
        "lora_bias",
        "embedding-bias",
        "an adapter on an embedding has no bias",
        "Leave it out, or the embedding out of `target_modules`",
        f"{_LAYER}:1223",
        "target_modules",
        "0.14.0",
    ),
    _by_model(
        "use_dora",
        "attention-dora",
        "DoRA does not support MultiheadAttention",
        "Set `use_dora=False`",
        f"{_LAYER}:1931",
        "target_modules",
        "0.14.0",
    ),
    _by_model(
        "r",
        "conv-groups",
        "the rank has to be divisible by the groups of a convolution that is adapted",
        "Change it, or leave the convolution out of `target_modules`",
        f"{_LAYER}:1566",
        "target_modules",
        "0.16.0",
    ),
    Refusal(
        "alora_invocation_tokens",
        "alora_invocation_tokens and common(adapted_kinds, ('Conv1d', 'Conv2d', 'Conv3d', 'MultiheadAttention'))",
        "aLoRA adapts linear layers",
        "Leave the others out of `target_modules`",
        f"{_LAYER}:1559",
        ("target_modules",),
        "0.18.0",
        late=True,
        likely=True,
    ),
    Refusal(
        "layer_replication",
        "layer_replication and not replicable",
        "the layers of this model are not where PEFT looks for them (Llama's, BERT's and Falcon's are)",
        "Leave it out",
        "tuners/tuners_utils.py:2565",
        since="0.11.0",
        late=True,
        likely=True,
    ),
    Refusal(
        "target_parameters",
        "is_text(target_parameters)",
        "`target_parameters` must be a list of names, or None",
        "Put the name in a list",
        f"{_LORA}:1037",
        since="0.17.0",
    ),
    regex_with("layers_to_transform", f"{_LORA}:1041"),
    regex_with("layers_pattern", f"{_LORA}:1045"),
    pattern_alone(f"{_LORA}:1049"),
    Refusal(
        "use_dora",
        "use_dora and megatron_config",
        "DoRA does not support megatron_core",
        "Set `use_dora=False`",
        f"{_LORA}:1052",
        ("megatron_config",),
        "0.9.0",
        sets=(("use_dora", False),),
    ),
    Refusal(
        "init_lora_weights",
        "init_lora_weights == 'loftq' and not loftq_config",
        "`loftq_config` must be given with `init_lora_weights='loftq'`",
        "Pass `loftq_config=LoftQConfig(loftq_bits=4)`, or another initialisation",
        f"{_LORA}:1059",
        ("loftq_config",),
        "0.7.0",
    ),
    Refusal(
        "loftq_config",
        "loftq_config and init_lora_weights != 'loftq'",
        "it has an effect only with `init_lora_weights='loftq'`",
        "Set `init_lora_weights='loftq'`, or leave `loftq_config` out",
        f"{_LORA}:1065",
        ("init_lora_weights",),
        "0.14.0",
        ignored=True,
    ),
    _meant_for("eva_config", "eva", f"{_LORA}:1071", "0.14.0"),
    _meant_for("corda_config", "corda", f"{_LORA}:1079", "0.15.0"),
    Refusal(
        "lora_bias",
        "lora_bias and init_lora_weights != True and init_lora_weights != False",
        "`lora_bias=True` is supported only with `init_lora_weights=True` or `False`",
        "Leave one of the two out",
        f"{_LORA}:1083",
        ("init_lora_weights",),
        "0.14.0",
    ),
    Refusal(
        "lora_bias",
        "lora_bias and use_dora",
        "`lora_bias=True` is not supported for DoRA",
        "Set `use_dora=False`, or leave `lora_bias` out",
        f"{_LORA}:1088",
        ("use_dora",),
        "0.14.0",
    ),
    Refusal(
        "init_lora_weights",
        "init_lora_weights == 'orthogonal' and is_whole(r) and r % 2 == 1 and r > 0 and not rank_pattern",
        "orthogonal initialization requires the rank to be even",
        "Take an even rank",
        f"{_LAYER}:607",
        ("r",),
        "0.16.0",
        late=True,
    ),
)
TABLE = Table(
    "PEFT",
    "0.21.2",
    {"LoraConfig": _OF_LORA},
    others="_peft_methods",
    undecided=(
        Undecided(
            "layers and shapes of the model",
            "which layers there are, and their widths, is in the model: LL201 to LL216 and LL302 check them where "
            "they are known",
            (
                *("tuners/tuners_utils.py", "tuners/lora/layer.py", "tuners/lora/variants.py"),
                *(
                    f"tuners/*.{name}"
                    for name in ("update_layer", "_create_and_replace", "_create_new_module", "_init_frod_projections")
                ),
                *(f"tuners/{name}/layer.py:*.__init__" for name in ("c3a", "fourierft", "road", "shira", "unilora")),
                *("tuners/waveft/model.py", "tuners/shadow/layers.py", "tuners/shadow/model.py", "tuners/osf/"),
                *("tuners/unilora/model.py", "tuners/beft/model.py", "tuners/adalora/model.py:*pattern"),
                *("tuners/*._build_psoft_ab_cache_buffers", "tuners/*._get_lora_matrices"),
                *("tuners/xlora/model.py", f"{_OTHER}*set_additional_trainable_modules", f"{_OTHER}*.check_module"),
                *("tuners/frod/layer.py:*._get_frod_tensors", "tuners/deft/layer.py:212"),
                *(f"{_OTHER}_set_trainable", f"{_OTHER}_prepare_prompt_learning_config"),
            ),
        ),
        Undecided(
            "adapters that are added, merged, renamed or deleted",
            "which adapters a model has is the state of a program",
            (
                *("peft_model.py", "mixed_model.py", "tuners/tuners_utils.py", "tuners/lora/model.py", "tuners/mixed/"),
                *("tuners/lora/conversion.py", "tuners/adaption_prompt/model.py", "utils/hotswap.py"),
                *(
                    f"tuners/*.{name}"
                    for name in (
                        *("merge", "_merge", "unmerge", "add_weighted_adapter", "_check_add_weighted_adapter"),
                        *("_check_new_adapter_config", "_unload_and_optionally_merge", "_unloading_checks"),
                        *("_check_merge_allowed", "_check_overlapping_tokens"),
                    )
                ),
                *("tuners/adalora/model.py:*.__init__", f"{_OTHER}*set_adapter*", f"{_OTHER}*delete_adapter"),
                f"{_OTHER}*getattr_*",
            ),
        ),
        Undecided(
            "functions that a program calls beside `get_peft_model`",
            "their arguments are objects: models, optimizers, folders of adapters",
            (
                *("auto.py", "helpers.py", "mapping.py", "optimizers/", "tuners/lora/arrow.py", "tuners/lora/eva.py"),
                *("tuners/lora/intruders.py", "tuners/lora/loraga.py", "tuners/cartridge/utils.py"),
                *("utils/incremental_pca.py", "utils/peft_types.py", "tuners/oft/config.py:*.check_kwargs"),
            ),
        ),
        Undecided(
            "a single value that is out of range where it has two owners",
            "LL902 reports it, as it does for LoraConfig",
            ("tuners/unilora/config.py:216",),
        ),
        Undecided(
            "what a program does before it wraps the model, and the configs of LoRA's variants",
            "what `preprocess_corda` has run on, and what an object inside the config holds, is the state of a program",
            ("tuners/lora/corda.py", f"{_LORA}:256"),
        ),
        Undecided(
            "quantized layers",
            "how a base model is quantized is in its own config, not in the program",
            (
                *(f"tuners/lora/{name}.py" for name in ("gptq", "awq", "aqlm", "eetq", "hqq", "inc", "te", "bnb")),
                *("tuners/*/bnb.py", "utils/quantization_utils.py", "utils/integrations.py"),
            ),
        ),
        Undecided(
            "installed packages, devices, tensor parallelism",
            "they depend on the machine",
            (
                *("import_utils.py", "tuners/lora/tp_layer.py", "tuners/lora/torchao.py", f"{_LORA}:1057"),
                "tuners/adalora/model.py:134",
            ),
        ),
        Undecided(
            "weights and files",
            "tensors, checkpoints and folders are there only when it runs",
            (
                *(
                    "utils/save_and_load.py",
                    "config.py",
                    "utils/loftq_utils.py",
                    "utils/transformers_weight_conversion",
                ),
                *("tuners/shadow/diffusion_models.py", "tuners/*._remap_adapter_state_dict_for_load"),
            ),
        ),
        Undecided(
            "forward passes and generation",
            "they depend on the arguments of each call",
            (
                *("peft_model.py", "tuners/lora/layer.py", "tuners/xlora/layer.py", f"{_OTHER}*_mixed_batch_forward"),
                *(
                    f"tuners/*.{name}"
                    for name in (
                        "forward",
                        "get_delta_weight",
                        "_enable_peft_forward_hooks",
                        "_check_forward_args",
                        "_compute_delta_weight",
                    )
                ),
            ),
        ),
    ),
)
