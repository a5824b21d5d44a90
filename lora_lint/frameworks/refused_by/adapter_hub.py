"""AdapterHub's adapters 1.3.0: what a model refuses of the configs that it is given."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided
from lora_lint.frameworks.refused_by import one_of

_LORA, _BOTTLENECK = "methods/lora.py", "methods/modeling.py"


_ADDED = (
    one_of("composition_mode", ("add", "scale"), f"{_LORA}:561"),
    one_of("init_weights", ("lora", "bert", "ia3", "vera"), f"{_LORA}:121"),
    Refusal(
        "composition_mode",
        "composition_mode == 'scale' and r > 1",
        "weights are scaled by one vector",
        "Set `r=1`, or leave it out",
        f"{_LORA}:250",
        ("r",),
        late=True,
    ),
    *(
        Refusal(
            key,
            f"composition_mode == 'scale' and {key}{over}",
            f"{what} only where weights are added",
            "Leave it out",
            f"{_LORA}:{line}",
            ("composition_mode",),
            late=True,
            drop=True,
        )
        for key, over, what, line in (("dropout", " > 0", "there is dropout", 260), ("use_dora", "", "DoRA works", 248))
    ),
)
_NARROWED = (
    Refusal(
        "scaling",
        "is_whole(scaling) or (is_text(scaling) and scaling not in ('learned', 'channel'))",
        "a scaling is a float, 'learned' or 'channel'",
        "Write it with a decimal point",
        f"{_BOTTLENECK}:107",
        late=True,
    ),
    one_of("init_weights", ("bert", "mam_adapter", "houlsby"), f"{_BOTTLENECK}:147"),
    one_of("inv_adapter", ("nice", "glow"), "model_mixin.py:99"),
    Refusal(
        "phm_c_init",
        "phm_layer and is_text(phm_c_init) and phm_c_init not in ('normal', 'uniform')",
        "there are normal and uniform",
        "Set it to normal",
        f"{_BOTTLENECK}:616",
        ("phm_layer",),
        late=True,
    ),
)
_BOTTLENECKS = (
    *("BnConfig", "SeqBnConfig", "SeqBnInvConfig", "DoubleSeqBnConfig", "DoubleSeqBnInvConfig", "ParBnConfig"),
    *("CompacterConfig", "CompacterPlusPlusConfig", "AdapterPlusConfig"),
)
TABLE = Table(
    "AdapterHub",
    "1.3.0",
    {
        "LoRAConfig": _ADDED,
        "DoRAConfig": _ADDED,
        **dict.fromkeys(_BOTTLENECKS, _NARROWED),
    },
    {"r": 8},
    (
        Undecided(
            "names of adapters and heads, and how they are combined",
            "earlier calls decide",
            (
                "composition.py",
                "heads/",
                "configuration/",
                "model_mixin.py",
                "context.py",
                "head_utils.py",
                "wrappers/",
            ),
        ),
        Undecided(
            "saved adapters and their files", "they are on the machine", ("loading.py", "hub_mixin.py", "utils.py")
        ),
        Undecided(
            "configs with a namesake in PEFT",
            "its (IA)³ and prompt tuning have other settings",
            ("methods/prompt_tuning.py", "methods/lora.py:IA3.__init__"),
        ),
        Undecided("layers and shapes", "they are in the model", ("methods/", "models/", "interface.py")),
        Undecided(
            "the trainer's other arguments",
            "transformers checks them",
            ("trainer.py", "training.py", "trainer_seq2seq.py"),
        ),
    ),
)
