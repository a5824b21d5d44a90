"""AutoTrain 0.8.36: what its files and its commands are refused for."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_COMMON, _PARSER, _LLM = "trainers/common.py", "parser.py", "cli/run_llm.py"
_TASKS = tuple(f"llm-{trainer}" for trainer in ("sft", "orpo", "dpo", "reward", "default", "generic"))
_TRAINERS = ("default", "sft", "reward", "dpo", "orpo", "vqa", "captioning")
_MACHINES = (
    *(f"spaces-a10g-{size}" for size in ("large", "small", "largex2", "largex4")),
    *("spaces-a100-large", "spaces-t4-medium", "spaces-t4-small", "spaces-cpu-upgrade", "spaces-cpu-basic"),
    *("spaces-l4x1", "spaces-l4x4", "spaces-l40sx1", "spaces-l40sx4", "spaces-l40sx8"),
    *("dgx-a100", "dgx-2a100", "dgx-4a100", "dgx-8a100"),
    *(f"ep-aws-useast1-{size}" for size in ("s", "m", "l", "xl", "2xl", "4xl", "8xl")),
    *("nvcf-l40sx1", "nvcf-h100x1", "nvcf-h100x2", "nvcf-h100x4", "nvcf-h100x8", "local-ui", "local", "local-cli"),
)
_REMOTE = "(starts(backend, 'spaces-') or starts(backend, 'ep-'))"
_ROWS = (
    Refusal(
        "project_name",
        " or ".join(f"holds(project_name, {sign!r})" for sign in "_ ./:"),
        "it has letters, digits and hyphens alone",
        "Write hyphens",
        f"{_COMMON}:269",
    ),
    Refusal(
        "project_name",
        "is_text(project_name) and len(project_name) > 50",
        "it has at most 50 characters",
        "Shorten it",
        f"{_COMMON}:273",
    ),
    Refusal(
        "backend",
        f"is_text(backend) and backend not in {_MACHINES!r}",
        "there is no such machine",
        "Set it to local",
        "project.py:513",
        sets=(("backend", "local"),),
    ),
    Refusal(
        "task",
        f"starts(task, 'llm-') and task not in {_TASKS!r}",
        "there is no such task",
        "Set it to llm-sft",
        f"{_PARSER}:160",
    ),
    Refusal(
        "params.quantization",
        "task == 'seq2seq' and params.peft and params.quantization == 'int4'",
        "an encoder and a decoder are not quantized to 4 bits",
        "Set it to int8",
        "trainers/seq2seq/__main__.py:170",
        ("task",),
        late=True,
        sets=(("params.quantization", "int8"),),
    ),
    Refusal(
        "hub.push_to_hub",
        f"{_REMOTE} and is_mapping(hub) and not hub.push_to_hub",
        "a machine elsewhere leaves its result on the Hub alone",
        "Set it to true",
        f"{_LLM}:124",
        ("backend",),
        likely=True,
    ),
    Refusal(
        "trainer",
        f"is_text(trainer) and trainer not in {_TRAINERS!r}",
        "there is no such trainer",
        "Set it to sft",
        "trainers/clm/__main__.py:46",
    ),
    *(
        Refusal(
            "push_to_hub",
            f"train and push_to_hub and {key} is None",
            f"it needs `--{key}`",
            "Add it",
            f"{_LLM}:{line}",
            likely=True,
        )
        for key, line in (("username", 118), ("token", 120))
    ),
    Refusal(
        "backend",
        f"train and {_REMOTE} and not push_to_hub",
        "a machine elsewhere leaves its result on the Hub alone",
        "Add `--push-to-hub`",
        f"{_LLM}:124",
        likely=True,
    ),
    *(
        Refusal(key, key, "it is not implemented", "Leave it out", f"{_LLM}:{line}", drop=True)
        for key, line in (("deploy", 131), ("inference", 133))
    ),
)
TABLE = Table(
    "AutoTrain",
    "0.8.36",
    {"": _ROWS},
    {},
    (
        Undecided(
            "devices, tokens and other machines",
            "they depend on the account",
            ("backends/", "app/", "cli/", "tools/", "utils.py", "commands.py"),
        ),
        Undecided(
            "data and its columns", "they decide when they are read", ("dataset.py", "preprocessor/", "trainers/")
        ),
        Undecided(
            "tasks without adapters", "their parameters have none", ("project.py", "parser.py", "generate_", "help.py")
        ),
    ),
)
