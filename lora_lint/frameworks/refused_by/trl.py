"""TRL 1.16.0: what its configs refuse, beside what they share with `TrainingArguments`."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_READ = "1.16.0"
"""Older versions have not been read."""


def _generations(file: str, both: int, few: int, halved: int) -> tuple[Refusal, ...]:
    return (
        Refusal(
            "steps_per_generation",
            "steps_per_generation is not None and generation_batch_size is not None",
            "`generation_batch_size` and `steps_per_generation` cannot be given together",
            "Leave one of the two out",
            f"{file}:{both}",
            ("generation_batch_size",),
            _READ,
        ),
        Refusal(
            "num_generations",
            "is_whole(num_generations) and num_generations == 1",
            "at least 2 generations of each prompt are needed: one alone has no advantage over others",
            "Raise `num_generations`",
            f"{file}:{few}",
            since=_READ,
        ),
        Refusal(
            "auto_find_batch_size",
            "auto_find_batch_size == True",
            "a smaller batch may not hold whole groups of generations",
            "Set `per_device_train_batch_size`, and leave it out",
            f"{file}:{halved}",
            since=_READ,
        ),
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
        "GRPOConfig": _generations("trainer/grpo_config.py", 1114, 1138, 1090),
        "RLOOConfig": _generations("trainer/rloo_config.py", 677, 701, 653),
        "DPOConfig": (
            Refusal(
                "loss_weights",
                "is_list(loss_weights) and (is_text(loss_type) and len(loss_weights) != 1"
                " or is_list(loss_type) and len(loss_weights) != len(loss_type))",
                "there have to be as many `loss_weights` as losses in `loss_type`",
                "Give one for each",
                "trainer/dpo_config.py:361",
                ("loss_type",),
                _READ,
            ),
        ),
    },
    undecided=(
        Undecided(
            "number of processes, devices, servers of vLLM",
            "they belong to the machine and the launch",
            ("trainer/callbacks.py", "generation/", "scripts/", "extras/"),
        ),
        Undecided(
            "models, data sets and reward functions that a trainer is given",
            "they are objects of the program: LL412 and others look at what is known of them",
            ("trainer/", "experimental/", "data_utils.py"),
        ),
    ),
)
