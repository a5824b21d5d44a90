"""PEFT 0.21.2: what its configs refuse, and what LoRA's layers do once the model is there.

Of LoraConfig a single value that is out of range is LL902's, and no row."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LORA = "tuners/lora/config.py"
_LAYER = "tuners/lora/layer.py"
_OTHER = "utils/other.py:"


def _regex_with(key: str, source: str, since: str = "") -> Refusal:
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


def _pattern_alone(source: str, since: str = "0.14.0") -> Refusal:
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


def _of_kinds(kinds: str, source: str) -> Refusal:
    """The layers that a method has a form for; the model decides what the targets are."""
    return Refusal(
        "target_modules",
        f"not within(adapted_kinds, {kinds})",
        f"this method adapts modules of the kinds {kinds.strip('(),').replace(chr(39), '')} only",
        "Name others, or use LoraConfig",
        source,
        late=True,
        likely=True,
        absent=True,
    )


def _by_model(key: str, error: str, says: str, instead: str, source: str, other: str, since: str) -> Refusal:
    """An error for what the targets are in the model, by its kind in `knowledge.matching`."""
    return Refusal(
        key, f"{key} and '{error}' in peft_errors", says, instead, source, (other,), since, late=True, likely=True
    )


def _without_targets(source: str = "tuners/tuners_utils.py:413") -> Refusal:
    """No targets, for a type of model that the method has no default for."""
    return Refusal(
        "target_modules",
        "target_modules is None and 'no-default-targets' in peft_errors",
        "PEFT has no default targets of this method for this type of model",
        "Name them in `target_modules`",
        source,
        late=True,
        likely=True,
        absent=True,
    )


def _nothing_left() -> Refusal:
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


_IN_IA3 = (
    *("RefinedWeb", "RefinedWebModel", "bart", "bert", "bloom", "deberta", "deberta-v2", "falcon", "gemma", "gemma2"),
    *("gemma3_text", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "llama", "llama4", "mistral", "mixtral"),
    *("mt5", "opt", "phi", "qwen2", "qwen3", "roberta", "t5"),
)
"""The types of models with default `feedforward_modules` (utils/constants.py)."""
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
    _nothing_left(),
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
    _regex_with("layers_to_transform", f"{_LORA}:1041"),
    _regex_with("layers_pattern", f"{_LORA}:1045"),
    _pattern_alone(f"{_LORA}:1049"),
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


def _layered(method: str, *, regex: int = 0, pattern: int = 0, alone: int = 0) -> tuple[Refusal, ...]:
    """The checks of layers that many configs share, at the lines where each has them."""
    source = f"tuners/{method}/config.py"
    found = (
        (regex, _regex_with("layers_to_transform", f"{source}:{regex}")),
        (pattern, _regex_with("layers_pattern", f"{source}:{pattern}")),
        (alone, _pattern_alone(f"{source}:{alone}")),
    )
    return tuple(row for line, row in found if line)


def _one_of(one: str, other: str, source: str, line: int) -> tuple[Refusal, ...]:
    """Two sizes whose product is the width of a layer."""
    return (
        Refusal(
            one,
            f"{one} == 0 and {other} == 0",
            f"`{one}` or `{other}` must be above 0",
            f"Set `{other}`",
            f"{source}:{line}",
            (other,),
            absent=True,
        ),
        Refusal(
            one,
            f"{one} != 0 and {other} != 0",
            f"`{one}` follows from `{other}`, and one of the two must be 0",
            f"Set `{other}=0`",
            f"{source}:{line + 4}",
            (other,),
        ),
    )


_MIRRORED = (
    *("shadow_num_hidden_layers", "shadow_hidden_size", "shadow_num_attention_heads"),
    "shadow_intermediate_size",
)
_OF_OTHERS: dict[str, tuple[Refusal, ...]] = {
    "AdamssConfig": (
        Refusal(
            "init_warmup",
            "use_asa and init_warmup >= final_warmup",
            "it must be smaller than `final_warmup`, so that subspaces can be given up in between",
            "Lower it, or raise `final_warmup`",
            "tuners/adamss/config.py:360",
            ("final_warmup",),
            absent=True,
        ),
    ),
    "BOFTConfig": (
        *_layered("boft", alone=162),
        *_one_of("boft_block_num", "boft_block_size", "tuners/boft/config.py", 164),
    ),
    "C3AConfig": _layered("c3a", regex=133, pattern=137),
    "DeftConfig": _layered("deft", regex=201, pattern=205, alone=209),
    "DeloraConfig": _layered("delora", regex=155, alone=159),
    "FourierFTConfig": _layered("fourierft", regex=199, pattern=203, alone=206),
    "FrodConfig": _layered("frod", alone=190),
    "GraloraConfig": (
        Refusal(
            "gralora_k",
            "is_whole(r) and is_whole(gralora_k) and r % gralora_k != 0",
            "the rank must be divisible by it",
            "Change one of the two",
            "tuners/gralora/config.py:187",
            ("r",),
            absent=True,
        ),
    ),
    "HRAConfig": _layered("hra", regex=127, pattern=131, alone=135),
    "HiraConfig": _layered("hira", regex=153, pattern=157),
    "LilyConfig": _layered("lily", alone=233),
    "MissConfig": _layered("miss", regex=138, pattern=142),
    "OFTConfig": (*_layered("oft", alone=188), *_one_of("r", "oft_block_size", "tuners/oft/config.py", 190)),
    "PeanutConfig": _layered("peanut", alone=186),
    "PromptTuningConfig": (
        *(
            Refusal(
                key,
                f"prompt_tuning_init == 'TEXT' and {key} is None",
                f"the prompt's initial text needs `{key}`",
                "Set it",
                f"tuners/prompt_tuning/config.py:{line}",
                ("prompt_tuning_init",),
                absent=True,
            )
            for key, line in (("tokenizer_name_or_path", 79), ("prompt_tuning_init_text", 84))
        ),
        Refusal(
            "tokenizer_kwargs",
            "tokenizer_kwargs and prompt_tuning_init == 'RANDOM'",
            "a tokenizer is used only with `prompt_tuning_init='TEXT'`",
            "Leave it out",
            "tuners/prompt_tuning/config.py:89",
            ("prompt_tuning_init",),
            drop=True,
        ),
    ),
    "PsoftConfig": (
        *_layered("psoft", regex=273, pattern=277, alone=281),
        Refusal(
            "psoft_svd_lowrank_niter",
            "psoft_svd != 'lowrank' and psoft_svd_lowrank_niter != 10",
            "it has an effect only with `psoft_svd='lowrank'`",
            "Set `psoft_svd='lowrank'`, or leave it out",
            "tuners/psoft/config.py:296",
            ("psoft_svd",),
            ignored=True,
        ),
        *(
            Refusal(
                key,
                f"not use_cayley_neumann and {key} != {usual}",
                "it has an effect only with `use_cayley_neumann=True`",
                "Set `use_cayley_neumann=True`, or leave it out",
                f"tuners/psoft/config.py:{line}",
                ("use_cayley_neumann",),
                ignored=True,
                cause="Cayley-Neumann",
            )
            for key, usual, line in (("num_cayley_neumann_terms", 5, 313), ("cayley_neumann_eps", None, 319))
        ),
    ),
    "PveraConfig": _layered("pvera", alone=196),
    "ShadowConfig": (
        *_layered("shadow", regex=208, pattern=210, alone=212),
        *(
            Refusal(
                key,
                f"{key} is not None and shadow_model != 'mirror'",
                "a shadow that is a checkpoint has its own shape",
                "Leave it out",
                "tuners/shadow/config.py:222",
                ("shadow_model",),
                drop=True,
                cause="a checkpoint",
            )
            for key in _MIRRORED
        ),
    ),
    "SupertuningConfig": (
        Refusal(
            "lora_alpha",
            "lora_alpha is not None and r is None",
            "it needs a rank",
            "Set `r`, or leave it out",
            "tuners/supertuning/config.py:158",
            ("r",),
        ),
    ),
    "TinyLoraConfig": _layered("tinylora", alone=188),
    "UniLoraConfig": _layered("unilora", regex=218, pattern=220),
    "VBLoRAConfig": _layered("vblora", alone=196),
    "WaveFTConfig": _layered("waveft", regex=253, pattern=257, alone=260),
}
_ABOVE_0 = {
    "DeftConfig": (("r", "layer.py:95"),),
    "DeloraConfig": (("r", "config.py:162"),),
    "GraloraConfig": (("gralora_k", "config.py:183"), ("r", "layer.py:80")),
    "HRAConfig": (("r", "layer.py:73"),),
    "HiraConfig": (("r", "layer.py:126"),),
    "LilyConfig": (("r", "layer.py:81"),),
    "LoHaConfig": (("r", "layer.py:126"),),
    "LoKrConfig": (("r", "layer.py:185"),),
    "MissConfig": (("r", "layer.py:79"),),
    "PeanutConfig": (("r", "config.py:188"),),
    "PolyConfig": (("r", "layer.py:56"),),
    "PsoftConfig": (("r", "config.py:284"),),
    "PveraConfig": (("r", "layer.py:84"),),
    "RandLoraConfig": (("r", "layer.py:109"),),
    "ShiraConfig": (("r", "layer.py:90"),),
    "SupertuningConfig": (("r", "config.py:153"),),
    "TinyLoraConfig": (("r", "config.py:196"), ("u", "config.py:198")),
    "UniLoraConfig": (
        *(("r", "config.py:208"), ("theta_d_length", "config.py:210"), ("init_theta_d_bound", "config.py:214")),
    ),
    "VBLoRAConfig": (("r", "layer.py:81"), ("topk", "layer.py:83")),
    "VeraConfig": (("r", "layer.py:80"),),
    "XLoraConfig": (("xlora_depth", "classifier.py:80"),),
}
"""Numbers that have to be above 0, and where a method checks them: in its config, or once the model is there."""
_AMONG = {
    "DeftConfig": (("decomposition_method", ("qr", "relu"), "config.py:195"),),
    "HiraConfig": (("init_weights", ("gaussian",), "layer.py:160"),),
    "OFTConfig": (("init_weights", (), "layer.py:482"),),
    "PsoftConfig": (
        ("ab_svd_init", ("psoft_init", "pissa_init"), "config.py:288"),
        ("psoft_svd", ("full", "lowrank"), "config.py:292"),
    ),
    "RoadConfig": (("variant", ("road_1", "road_2", "road_4"), "config.py:124"),),
}
"""The words that a setting may be, and where a method checks them."""
_BOUNDED = {
    "AdaLoraConfig": (("init_r", "init_r < 0", "0 or more", "adalora/layer.py:57"),),
    "AdamssConfig": (
        *(("asa_target_subspaces", "use_asa and asa_target_subspaces <= 0", "above 0", "adamss/config.py:367"),),
    ),
    "GraloraConfig": (("hybrid_r", "hybrid_r < 0", "0 or more", "gralora/layer.py:82"),),
    "RoadConfig": (("group_size", "group_size <= 0 or group_size % 2 != 0", "even", "road/config.py:126"),),
    "SupertuningConfig": (
        ("lora_dropout", "lora_dropout < 0 or lora_dropout >= 1", "below 1", "supertuning/config.py:161"),
    ),
    "UniLoraConfig": (
        ("unilora_dropout", "unilora_dropout < 0 or unilora_dropout > 1", "0 to 1", "unilora/config.py:212"),
    ),
}
"""Numbers with other bounds: when they are out of them, and what they may be."""


def _single(owner: str) -> Iterator[Refusal]:
    """Values of a method's config that are out of range by themselves."""
    folder = f"tuners/{owner.removesuffix('Config').lower()}"
    for key, place in _ABOVE_0.get(owner, ()):
        late, says = not place.startswith("config"), "it has to be above 0"
        yield Refusal(key, f"{key} <= 0", says, "Raise it", f"{folder}/{place}", late=late)
    for key, words, place in _AMONG.get(owner, ()):
        late, instead = (
            not place.startswith("config"),
            f"Set {' or '.join(map(repr, words))}" if words else "Leave it out",
        )
        when = f"is_text({key}) and lower({key}) not in {words}"
        yield Refusal(key, when, "there is no such value", instead, f"{folder}/{place}", late=late, drop=not words)
    for key, when, range_, place in _BOUNDED.get(owner, ()):
        late = "/config" not in place
        yield Refusal(key, when, f"it has to be {range_}", "Change it", f"tuners/{place}", late=late)


_KINDS = {
    "AdamssConfig": ("('Linear',)", "adamss/model.py:151"),
    "BOFTConfig": ("('Linear', 'Conv2d')", "boft/model.py:129"),
    "C3AConfig": ("('Linear',)", "c3a/model.py:96"),
    "DeftConfig": ("('Linear', 'Conv1D')", "deft/model.py:104"),
    "DeloraConfig": ("('Linear',)", "delora/model.py:104"),
    "FourierFTConfig": ("('Linear', 'Conv1D')", "fourierft/model.py:111"),
    "FrodConfig": ("('Linear', 'Conv1D')", "frod/model.py:304"),
    "GraloraConfig": ("('Linear', 'Conv1D')", "gralora/model.py:113"),
    "HRAConfig": ("('Linear', 'Conv2d')", "hra/model.py:117"),
    "HiraConfig": ("('Linear', 'Embedding', 'Conv1d', 'Conv2d', 'Conv3d', 'Conv1D')", "hira/model.py:219"),
    "LilyConfig": ("('Linear',)", "lily/model.py:97"),
    "MissConfig": ("('Linear',)", "miss/model.py:135"),
    "OFTConfig": ("('Linear', 'Conv2d', 'Embedding')", "oft/model.py:142"),
    "PeanutConfig": ("('Linear',)", "peanut/model.py:91"),
    "PsoftConfig": ("('Linear',)", "psoft/model.py:81"),
    "PveraConfig": ("('Linear', 'Conv1D')", "pvera/model.py:245"),
    "RandLoraConfig": ("('Linear', 'Conv1D')", "randlora/model.py:352"),
    "RoadConfig": ("('Linear',)", "road/model.py:110"),
    "ShiraConfig": ("('Linear',)", "shira/model.py:135"),
    "SupertuningConfig": ("('Linear',)", "supertuning/model.py:91"),
    "TinyLoraConfig": ("('Linear', 'Conv1D', 'Embedding')", "tinylora/model.py:259"),
    "UniLoraConfig": ("('Linear', 'Conv1D')", "unilora/model.py:228"),
    "VBLoRAConfig": ("('Linear', 'Conv1D')", "vblora/model.py:143"),
    "WaveFTConfig": ("('Linear', 'Conv1D')", "waveft/model.py:158"),
}
"""The kinds of modules that a method adapts, and where it refuses others."""


def _on_layers(owner: str) -> tuple[Refusal, ...]:
    """What the model decides for a class of `_KINDS`."""
    if owner not in _KINDS:
        return ()
    kinds, place = _KINDS[owner]
    return _of_kinds(kinds, f"tuners/{place}"), _without_targets(), _nothing_left()


def _with_shared(rows: Mapping[str, tuple[Refusal, ...]]) -> dict[str, tuple[Refusal, ...]]:
    """The rows of each class, with those that many classes have alike."""
    owners = dict.fromkeys((*rows, *_ABOVE_0, *_AMONG, *_BOUNDED))
    return {owner: (*_on_layers(owner), *rows.get(owner, ()), *_single(owner)) for owner in owners}


_ROWS: dict[str, tuple[Refusal, ...]] = {
    "LoraConfig": _OF_LORA,
    "AdaLoraConfig": (
        _without_targets(),
        _nothing_left(),
        Refusal(
            "use_dora",
            "use_dora",
            "AdaLoRA does not support DoRA",
            "Leave `use_dora` out, or use LoraConfig",
            "tuners/adalora/config.py:75",
            since="0.11.0",
        ),
        Refusal(
            "loftq_config",
            "loftq_config and init_lora_weights == 'loftq'",
            "AdaLoRA does not support LoftQ",
            "Leave `loftq_config` out, or use LoraConfig",
            "tuners/adalora/config.py:78",
            since="0.11.0",
        ),
        _of_kinds("('Linear', 'Conv1D', 'Conv2d')", "tuners/adalora/model.py:218"),
        _regex_with("layers_to_transform", "tuners/adalora/config.py:88", "0.11.0"),
        _regex_with("layers_pattern", f"{_LORA}:1045", "0.11.0"),
        _pattern_alone("tuners/adalora/config.py:92"),
        Refusal(
            "total_step",
            "not total_step or is_whole(total_step) and total_step <= 0",
            "AdaLoRA needs `total_step`, the total number of training steps",
            "Pass `total_step`",
            "tuners/adalora/config.py:102",
            since="0.15.0",
            absent=True,
        ),
        Refusal(
            "total_step",
            "is_whole(total_step) and total_step > 0 and tinit >= total_step - tfinal",
            "the schedule leaves no phase for allocating ranks: `tinit` and `tfinal` fill `total_step`",
            "Lower `tinit` and `tfinal`, or raise `total_step`",
            "tuners/adalora/config.py:110",
            ("tinit", "tfinal"),
            "0.15.0",
        ),
        Refusal(
            "r",
            "r != 8",
            "AdaLoRA does not use `r`",
            "Set `init_r` for the rank at the start and `target_r` for the one at the end",
            "tuners/adalora/config.py:96",
            since="0.13.0",
            ignored=True,
        ),
    ),
    "IA3Config": (
        _without_targets("tuners/ia3/model.py:199"),
        _nothing_left(),
        Refusal(
            "feedforward_modules",
            f"feedforward_modules is None and model_type is not None and model_type not in {_IN_IA3}",
            "PEFT has no default `feedforward_modules` for this type of model",
            "Name them, or give an empty list",
            "tuners/ia3/model.py:205",
            late=True,
            likely=True,
            absent=True,
        ),
        _of_kinds("('Linear', 'Conv1D', 'Conv2d', 'Conv3d')", "tuners/ia3/model.py:147"),
        Refusal(
            "feedforward_modules",
            "is_list(feedforward_modules) and is_list(target_modules)"
            " and not within(feedforward_modules, target_modules)",
            "`feedforward_modules` should be a subset of `target_modules`",
            "Add the missing names to `target_modules`",
            "tuners/ia3/config.py:112",
            ("target_modules",),
        ),
    ),
    "LoHaConfig": (
        _without_targets(),
        _nothing_left(),
        _of_kinds("('Linear', 'Conv1d', 'Conv2d')", "tuners/lycoris_utils.py:242"),
        _pattern_alone("tuners/loha/config.py:143"),
    ),
    "LoKrConfig": (
        _without_targets(),
        _nothing_left(),
        _of_kinds("('Linear', 'Conv1d', 'Conv2d')", "tuners/lycoris_utils.py:242"),
        _pattern_alone("tuners/lokr/config.py:155"),
    ),
    "VeraConfig": (
        _without_targets(),
        _nothing_left(),
        _of_kinds("('Linear', 'Conv1D')", "tuners/vera/model.py:239"),
        _pattern_alone("tuners/vera/config.py:156"),
    ),
    **_OF_OTHERS,
}
TABLE = Table(
    "PEFT",
    "0.21.2",
    _with_shared(_ROWS),
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
