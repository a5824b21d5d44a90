"""tinker-cookbook at 9dfcc3a (2026-08-19): what its recipes refuse; the service decides the rest."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_RL = "rl/train.py"
_STREAMED = "stream_minibatch_config"
_ROWS = (
    Refusal(
        "behavior_if_log_dir_exists",
        "is_text(behavior_if_log_dir_exists)"
        " and behavior_if_log_dir_exists not in ('delete', 'ask', 'resume', 'raise')",
        "there are delete, ask, resume and raise",
        "Set it to ask",
        "cli_utils.py:74",
        sets=(("behavior_if_log_dir_exists", "ask"),),
    ),
    Refusal(
        f"{_STREAMED}.groups_per_batch",
        f"{_STREAMED}.groups_per_batch % num_substeps != 0",
        "it is a multiple of `num_substeps`",
        "Change one of them",
        f"{_RL}:1498",
        ("num_substeps",),
        late=True,
    ),
    Refusal(
        f"{_STREAMED}.num_minibatches",
        f"{_STREAMED}.groups_per_batch // num_substeps % {_STREAMED}.num_minibatches != 0",
        "the groups of a step are a multiple of it",
        "Change one of them",
        f"{_RL}:1503",
        (f"{_STREAMED}.groups_per_batch", "num_substeps"),
        late=True,
    ),
    Refusal(
        "reverse",
        "reverse and topk == 0",
        "the reversed divergence is over the teacher's first tokens",
        "Raise `topk`",
        "distillation/sdft.py:818",
        ("topk",),
    ),
)
TABLE = Table(
    "Tinker",
    "9dfcc3a of 2026-08-19",
    {"": _ROWS},
    {"num_substeps": 1},
    (
        Undecided(
            "what a model allows",
            "the service says which models, ranks and losses it has",
            (
                "hyperparam_utils.py",
                "model_info.py",
                "checkpoint_utils.py",
                "weights/",
                "renderers/",
                "tokenizer_utils",
            ),
        ),
        Undecided(
            "data, rewards and environments",
            "each recipe is a program of its own",
            ("recipes/", "supervised/", "rl/", "preference/", "distillation/", "eval/", "image_processing_utils.py"),
        ),
        Undecided(
            "its tools",
            "they train nothing",
            ("capture/", "scripts/", "utils/", "sandbox/", "stores/", "cli", "tests/"),
        ),
    ),
)
