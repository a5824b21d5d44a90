"""Ludwig 0.11.0: what its schemas and the checks of a whole config refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_CHECKS = "config_validation/checks.py"
_TRAINER = "schema/trainer.py"
_PROMPT = "schema/llms/prompt.py"
_LLM = "model_type == 'llm'"
_TRAINED = f"{_LLM} and trainer.type is not None and trainer.type != 'none'"


def _effective(key: str, when: str, says: str, line: int) -> Refusal:
    return Refusal(
        "trainer.effective_batch_size",
        f"is_whole(trainer.effective_batch_size) and is_whole(trainer.{key}) and {when}",
        says,
        "Change one of the two",
        f"{_TRAINER}:{line}",
        (f"trainer.{key}",),
    )


_ROWS = (
    Refusal(
        "adapter",
        f"{_LLM} and adapter and (trainer.type is None or trainer.type == 'none')"
        " and adapter.pretrained_adapter_weights is None",
        "an adapter needs a trainer that trains",
        "Set `trainer.type: finetune`",
        f"{_CHECKS}:480",
        ("trainer.type", "trainer"),
        sets=(("trainer.type", "finetune"),),
    ),
    Refusal(
        "input_features",
        f"{_LLM} and is_list(input_features)"
        " and (len(input_features) != 1 or field(first(input_features), 'type') != 'text')",
        "a language model must have one input feature, a text",
        "Give one, and put the others into `prompt.template`",
        f"{_CHECKS}:446",
        ("model_type",),
    ),
    Refusal(
        "output_features",
        f"{_LLM} and trainer.type == 'finetune' and is_list(output_features)"
        " and field(first(output_features), 'type') is not None"
        " and field(first(output_features), 'type') != 'text'",
        "fine-tuning needs a text output",
        "Set its type to text",
        f"{_CHECKS}:459",
        ("trainer.type",),
    ),
    Refusal(
        "quantization",
        f"{_TRAINED} and quantization and adapter != 'lora' and adapter.type != 'lora'",
        "a quantized model can only be trained with `adapter: lora`",
        "Take it, or leave `quantization` out",
        f"{_CHECKS}:633",
        ("adapter.type", "adapter"),
    ),
    Refusal(
        "adapter.postprocessor.merge_adapter_into_base_model",
        f"{_TRAINED} and adapter.type in ('lora', 'adalora') and quantization and quantization.bits < 8"
        " and adapter.postprocessor.merge_adapter_into_base_model",
        "a model in less than 8 bits with its adapter merged cannot be saved",
        "Set it to false, or `quantization.bits: 8`",
        f"{_CHECKS}:653",
        ("quantization.bits", "quantization"),
    ),
    Refusal(
        "prompt.template",
        f"{_LLM} and is_text(prompt.template) and prompt.task and not holds(prompt.template, '{{__task__}}')",
        "it has no placeholder for `prompt.task`",
        "Write `{__task__}` where the task is to be",
        f"{_CHECKS}:690",
        ("prompt.task",),
    ),
    Refusal(
        "prompt.template",
        f"{_LLM} and is_text(prompt.template) and prompt.retrieval.type is not None"
        " and not holds(prompt.template, '{__context__}')",
        "it has no placeholder for the retrieved text",
        "Write `{__context__}` where it is to be",
        f"{_CHECKS}:698",
        ("prompt.retrieval.type",),
    ),
    Refusal(
        "prompt.template",
        f"{_LLM} and is_text(prompt.template) and prompt.template and not prompt.task"
        " and not holds(prompt.template, '}')",
        "it names no column",
        "Write the name of a column in braces, or `{__sample__}`",
        f"{_CHECKS}:709",
    ),
    Refusal(
        "prompt.retrieval.type",
        f"{_LLM} and prompt.retrieval.type is not None and not prompt.template and not prompt.task",
        "without a template it needs `prompt.task`",
        "Set it",
        f"{_CHECKS}:682",
        ("prompt.task",),
    ),
    Refusal(
        "prompt.retrieval.k",
        "prompt.retrieval.type is None and is_whole(prompt.retrieval.k) and prompt.retrieval.k != 0",
        "it has no effect without `prompt.retrieval.type`",
        "Set it, or leave `k` out",
        f"{_PROMPT}:22",
    ),
    Refusal(
        "prompt.retrieval.model_name",
        "prompt.retrieval.type is None and prompt.retrieval.model_name is not None",
        "it has no effect without `prompt.retrieval.type`",
        "Set it, or leave `model_name` out",
        f"{_PROMPT}:27",
    ),
    Refusal(
        "prompt.retrieval.type",
        "prompt.retrieval.type == 'semantic' and prompt.retrieval.model_name is None",
        "semantic retrieval needs `model_name`",
        "Set it",
        f"{_PROMPT}:29",
    ),
    Refusal(
        "preprocessing.sample_size",
        "preprocessing.sample_size is not None and preprocessing.sample_ratio < 1",
        "`sample_size` and `sample_ratio` cannot be used together",
        "Leave one of the two out",
        f"{_CHECKS}:728",
        ("preprocessing.sample_ratio",),
    ),
    _effective(
        "max_batch_size",
        "trainer.max_batch_size < trainer.effective_batch_size",
        "it is larger than `max_batch_size`",
        133,
    ),
    *(
        row
        for key, small, uneven in (("batch_size", 140, 146), ("gradient_accumulation_steps", 153, 159))
        for row in (
            _effective(key, f"trainer.effective_batch_size < trainer.{key}", f"it is smaller than `{key}`", small),
            _effective(
                key,
                f"trainer.effective_batch_size >= trainer.{key} and trainer.effective_batch_size % trainer.{key} != 0",
                f"it must be divisible by `{key}`",
                uneven,
            ),
        )
    ),
    Refusal(
        "model_parameters.rope_scaling",
        f"{_LLM} and is_mapping(model_parameters.rope_scaling) and (not model_parameters.rope_scaling.rope_type"
        " or not model_parameters.rope_scaling.factor)",
        "it needs `rope_type` and `factor`",
        "Give both",
        "schema/llms/model_parameters.py:26",
    ),
)
TABLE = Table(
    "Ludwig",
    "0.11.0",
    {"": _ROWS},
    {"quantization.bits": 4},
    (
        Undecided(
            "base models and their configs",
            "they are downloaded: whether they can be loaded, AdaLoRA's targets, shapes",
            (
                *("schema/llms/base_model.py", "utils/", "models/", "encoders/"),
                *(f"{_CHECKS}:534", f"{_CHECKS}:562"),
            ),
        ),
        Undecided(
            "backends, devices and other trainers",
            "they depend on the machine and the command",
            ("backend/", "distributed/", "trainers/", "api.py", "hyperopt/"),
        ),
        Undecided(
            "a check that is not registered",
            "Ludwig leaves it out",
            (f"{_CHECKS}:check_llm_quantization_backend_incompatibility",),
        ),
        Undecided("rows of the data", "they decide", ("data/", "features/", "datasets/", "explain/")),
        Undecided(
            "combiners, decoders and features of other models",
            "they have nothing to do with adapters",
            ("combiners/", "decoders/", "modules/", "schema/", "automl/", "tests/"),
        ),
    ),
)
