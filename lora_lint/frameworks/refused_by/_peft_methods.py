"""What the configs of PEFT's methods other than LoRA refuse, and their layers; `peft` has LoRA's.

Source: PEFT 0.21.2."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal
from lora_lint.frameworks.refused_by.peft import nothing_left, pattern_alone, regex_with

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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


_IN_IA3 = (
    *("RefinedWeb", "RefinedWebModel", "bart", "bert", "bloom", "deberta", "deberta-v2", "falcon", "gemma", "gemma2"),
    *("gemma3_text", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "llama", "llama4", "mistral", "mixtral"),
    *("mt5", "opt", "phi", "qwen2", "qwen3", "roberta", "t5"),
)
"""The types of models with default `feedforward_modules` (utils/constants.py)."""


def _layered(method: str, *, regex: int = 0, pattern: int = 0, alone: int = 0) -> tuple[Refusal, ...]:
    """The checks of layers that many configs share, at the lines where each has them."""
    source = f"tuners/{method}/config.py"
    found = (
        (regex, regex_with("layers_to_transform", f"{source}:{regex}")),
        (pattern, regex_with("layers_pattern", f"{source}:{pattern}")),
        (alone, pattern_alone(f"{source}:{alone}")),
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
    return _of_kinds(kinds, f"tuners/{place}"), _without_targets(), nothing_left()


def _with_shared(rows: Mapping[str, tuple[Refusal, ...]]) -> dict[str, tuple[Refusal, ...]]:
    """The rows of each class, with those that many classes have alike."""
    owners = dict.fromkeys((*rows, *_ABOVE_0, *_AMONG, *_BOUNDED))
    return {owner: (*_on_layers(owner), *rows.get(owner, ()), *_single(owner)) for owner in owners}


_OWN_ROWS: dict[str, tuple[Refusal, ...]] = {
    "AdaLoraConfig": (
        _without_targets(),
        nothing_left(),
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
        regex_with("layers_to_transform", "tuners/adalora/config.py:88", "0.11.0"),
        regex_with("layers_pattern", "tuners/lora/config.py:1045", "0.11.0"),
        pattern_alone("tuners/adalora/config.py:92"),
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
        nothing_left(),
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
        nothing_left(),
        _of_kinds("('Linear', 'Conv1d', 'Conv2d')", "tuners/lycoris_utils.py:242"),
        pattern_alone("tuners/loha/config.py:143"),
    ),
    "LoKrConfig": (
        _without_targets(),
        nothing_left(),
        _of_kinds("('Linear', 'Conv1d', 'Conv2d')", "tuners/lycoris_utils.py:242"),
        pattern_alone("tuners/lokr/config.py:155"),
    ),
    "VeraConfig": (
        _without_targets(),
        nothing_left(),
        _of_kinds("('Linear', 'Conv1D')", "tuners/vera/model.py:239"),
        pattern_alone("tuners/vera/config.py:156"),
    ),
    **_OF_OTHERS,
}

ROWS = _with_shared(_OWN_ROWS)
