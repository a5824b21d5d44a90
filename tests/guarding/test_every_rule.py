"""Each rule that a live training can be judged by has a live fault and a live repair among the tests."""

from __future__ import annotations

import inspect
from collections import Counter
from enum import Enum

import torch  # noqa: F401  (marks the module as one that needs it)

from lora_lint import catalogue
from tests.guarding import test_guard as guarded
from tests.guarding import test_planted as planted
from tests.guarding.test_same_as_the_file import CASES

ELSEWHERE = {
    "LL214": planted.test_layers_whose_modules_have_other_names,
    "LL404": planted.test_k_bit_preparation,
    "LL405": planted.test_k_bit_preparation,
    "LL410": guarded.test_parts_that_train_and_are_not_saved,
    "LL411": planted.test_checkpointing_without_an_input_gradient,
    "LL607": guarded.test_what_is_saved_is_not_what_was_trained,
    "LL701": guarded.test_what_is_saved_is_not_what_was_trained,
    "LL702": guarded.test_what_is_saved_is_not_what_was_trained,
    "LL703": guarded.test_what_is_saved_is_not_what_was_trained,
    "LL705": planted.test_a_wrong_scale_in_the_layers,
    "LL706": guarded.test_what_is_saved_is_not_what_was_trained,
    "LL801": planted.test_a_quantized_base_in_flat_shards,
    "LL802": planted.test_a_model_is_spread_in_each_of_two_processes,
    "LL804": planted.test_settings_for_a_quantized_base,
    "LL805": planted.test_settings_for_a_quantized_base,
}
"""The pairs that are not among `CASES`: their faults are in objects, or in files, that no program of a few lines
makes."""


class Why(Enum):
    """Why no live training shows what a rule is about."""

    RAISES = "PEFT, transformers or another framework raises before there is a model that trains"
    REPLACED = "PEFT has replaced the setting, as it does with the shorthand for all layers"
    WRITTEN = "it is a matter of the text: its keys, types, comments and discarded results"
    PAST = "a call that left the same objects as a correct one"
    SWEEP = "it compares runs"
    AFTERWARDS = "it is about an adapter that is merged, served or loaded after the training"
    OTHER_CODE = "the saved tensors are compared with the trained ones, which gives another code"
    BATCH = "it is about the labels in a batch, which the guard does not read"


NOT_LIVE = {
    Why.RAISES: ("LL201", "LL205", "LL207", "LL216", "LL412", "LL419", "LL420", "LL421", "LL503", "LL902", "LL904"),
    Why.REPLACED: ("LL206", "LL215"),
    Why.WRITTEN: ("LL422", "LL900", "LL901", "LL903", "LL905", "LL910"),
    Why.PAST: ("LL408", "LL409", "LL505"),
    Why.SWEEP: ("LL101", "LL107"),
    Why.AFTERWARDS: ("LL601", "LL602", "LL604", "LL608", "LL609", "LL707"),
    Why.OTHER_CODE: ("LL704",),
    Why.BATCH: ("LL423", "LL424", "LL425"),
}


def test_each_rule_has_a_pair_or_a_reason() -> None:
    said = Counter(
        [*{case.code for case in CASES}, *ELSEWHERE, *(code for codes in NOT_LIVE.values() for code in codes)]
    )
    assert set(catalogue.rules()) - set(said) == set(), "new rules need a live pair, or a reason why there is none"
    assert [code for code, count in said.items() if count > 1] == []
    assert set(said) - set(catalogue.rules()) == set()


def test_the_named_tests_are_about_their_rules() -> None:
    assert [code for code, test in ELSEWHERE.items() if code not in inspect.getsource(test)] == []
