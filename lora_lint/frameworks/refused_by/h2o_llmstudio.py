"""H2O LLM Studio 1.14.9 at a4971c1: what it refuses of an experiment before it starts."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_CHECKS, _DATA = "python_configs/cfg_checks.py", "src/utils/data_utils.py"
_CLASSES = "python_configs/text_causal_classification_modeling_config.py"
_LANGUAGE = "python_configs/text_causal_language_modeling_config.py"
_KINDS = (
    *("text_causal_language_modeling", "text_causal_classification_modeling", "text_causal_regression_modeling"),
    *("text_dpo_modeling", "text_sequence_to_sequence_modeling"),
)
_QUANTIZED = (
    "(architecture.backbone_dtype in ('int4', 'int8')"
    " or architecture.backbone_dtype is None and problem_type != 'text_sequence_to_sequence_modeling')"
)
"""All but sequence to sequence are trained in 4 bits by default."""
_CLASSIFIES = "problem_type == 'text_causal_classification_modeling'"
_ANSWERS, _NUMBER = "dataset.answer_column", "dataset.num_classes"
_SEVERAL = f"({_ANSWERS} is None or is_list({_ANSWERS}) and len({_ANSWERS}) > 1)"
"""There are two answer columns unless they are named."""
_ROWS = (
    Refusal(
        "environment.use_deepspeed",
        f"environment.use_deepspeed and {_QUANTIZED}",
        "DeepSpeed trains no quantized model",
        "Set `architecture.backbone_dtype` to bfloat16",
        f"{_CHECKS}:100",
        ("architecture.backbone_dtype",),
        sets=(("architecture.backbone_dtype", "bfloat16"),),
    ),
    Refusal(
        "environment.use_deepspeed",
        "environment.use_deepspeed and is_list(environment.gpus) and len(environment.gpus) < 2",
        "DeepSpeed needs more than one GPU",
        "Set it to false",
        f"{_CHECKS}:108",
        ("environment.gpus",),
        sets=(("environment.use_deepspeed", False),),
    ),
    Refusal(
        "environment.gpus",
        "is_list(environment.gpus) and len(environment.gpus) == 0",
        "at least one GPU is needed",
        "Name one",
        f"{_CHECKS}:40",
    ),
    Refusal(
        "architecture.pretrained",
        f"architecture.pretrained == False and {_QUANTIZED}",
        "only weights that are trained are quantized",
        "Set it to true",
        f"{_CHECKS}:76",
        ("architecture.backbone_dtype",),
    ),
    Refusal(
        "logging.log_step_size",
        "logging.logger == 'W&B' and logging.log_step_size == 'relative'",
        "this logger counts whole steps",
        "Set it to absolute",
        f"{_CHECKS}:121",
        ("logging.logger",),
        sets=(("logging.log_step_size", "absolute"),),
    ),
    Refusal(
        "dataset.validation_strategy",
        "dataset.validation_strategy == 'custom' and dataset.validation_dataframe == 'None'",
        "it needs a table to validate with",
        "Set `dataset.validation_dataframe`, or take automatic",
        f"{_DATA}:301",
        ("dataset.validation_dataframe",),
    ),
    Refusal(
        "dataset.validation_strategy",
        "is_text(dataset.validation_strategy) and dataset.validation_strategy not in ('custom', 'automatic')",
        "there are custom and automatic",
        "Set it to automatic",
        f"{_DATA}:357",
    ),
    Refusal(
        "problem_type",
        f"is_text(problem_type) and problem_type not in {_KINDS!r}",
        "there is no such problem",
        "Name one of its documentation",
        "src/utils/config_utils.py:138",
        likely=True,
    ),
    Refusal(
        "training.loss_function",
        f"{_CLASSIFIES} and training.loss_function == 'CrossEntropyLoss' and {_SEVERAL}",
        "cross entropy has one answer column",
        "Take BinaryCrossEntropyLoss",
        f"{_CLASSES}:220",
        (_ANSWERS,),
    ),
    Refusal(
        "training.loss_function",
        f"{_CLASSIFIES} and training.loss_function == 'CrossEntropyLoss' and {_NUMBER} == 1 and not {_SEVERAL}",
        "cross entropy tells several classes apart",
        "Take BinaryCrossEntropyLoss",
        f"{_CLASSES}:244",
        (_NUMBER,),
    ),
    Refusal(
        _NUMBER,
        f"{_CLASSIFIES} and training.loss_function == 'BinaryCrossEntropyLoss' and {_NUMBER} != 1 and not {_SEVERAL}",
        "binary cross entropy has one class",
        "Take CrossEntropyLoss",
        f"{_CLASSES}:252",
        ("training.loss_function",),
    ),
    Refusal(
        "problem_type",
        f"{_CLASSIFIES} and ({_ANSWERS} is None and {_NUMBER} != 2"
        f" or is_list({_ANSWERS}) and len({_ANSWERS}) > 1 and {_NUMBER} != len({_ANSWERS}))",
        f"there are as many classes as answer columns, which are two if `{_ANSWERS}` names none",
        f"Set `{_NUMBER}`, or name one column",
        f"{_CLASSES}:230",
        (_NUMBER, _ANSWERS),
    ),
    *(
        Refusal(
            "dataset.parent_id_column",
            f"problem_type == '{kind}' and dataset.parent_id_column not in ('None', None)",
            "answers are not chained here",
            "Set it to None",
            f"python_configs/{kind}_config.py:{line}",
            ("problem_type",),
        )
        for kind, line in (("text_causal_classification_modeling", 262), ("text_causal_regression_modeling", 165))
    ),
    Refusal(
        "dataset.limit_chained_samples",
        "problem_type == 'text_dpo_modeling' and dataset.limit_chained_samples == False",
        "preferences are about the last answer of a chain",
        "Set it to true",
        "src/datasets/text_dpo_modeling_ds.py:24",
        ("problem_type",),
        sets=(("dataset.limit_chained_samples", True),),
    ),
    Refusal(
        "prediction.temperature",
        "prediction.temperature > 0 and prediction.do_sample == False",
        "nothing is sampled",
        "Set `prediction.do_sample` to true",
        f"{_LANGUAGE}:691",
        ("prediction.do_sample",),
        ignored=True,
    ),
)
TABLE = Table(
    "H2O LLM Studio",
    "1.14.9 of 2026-03-09",
    {"": _ROWS},
    {
        "architecture.pretrained": True,
        "training.loss_function": "BinaryCrossEntropyLoss",
        _NUMBER: 1,
    },
    (
        Undecided("its interface", "it trains nothing itself", ("app_utils/", "app.py", "train_wave.py", "prompt.py")),
        Undecided(
            "data and its columns", "they decide when they are read", ("src/datasets/", "src/utils/", "src/plots/")
        ),
        Undecided(
            "devices and weights",
            "they depend on the machine",
            ("src/models/", "src/losses/", "src/metrics/", "train.py", "publish_to_hugging_face.py"),
        ),
        Undecided("its own classes of settings", "no file decides them", ("python_configs/base.py", "src/nesting.py")),
    ),
)
