"""LL9xx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from lora_lint.finding import Rename, Write
from lora_lint.frameworks import registry
from lora_lint.run.problems import InvalidValue, NoResult, Number, OneOf, UnknownKey
from lora_lint.run.values import Unknown
from tests.support.programs import found_in
from tests.support.runs import at, check, cli, either, lit, one, run

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Run


def with_problem(problem: Any) -> Run:
    return run(of={"problems": (problem,)})


class TestUnknownKey:
    def test_did_you_mean(self) -> None:
        found = one("LL901", with_problem(UnknownKey("lora_aplha", at(5), "axolotl", ("lora_alpha",))))
        assert found.message == ("`lora_aplha` is not known to axolotl, so it is ignored; did you mean `lora_alpha`?")
        assert found.span == at(5)
        assert found.fix is not None

    def test_without_a_suggestion(self) -> None:
        found = one("LL901", with_problem(UnknownKey("x", at(5), "LoraConfig", (), "raises a TypeError")))
        assert found.message == "`x` is not known to LoraConfig, so it raises a TypeError. Remove it"
        assert found.fix is None

    def test_a_loader_takes_no_config_of_an_adapter(self, tmp_path: Path) -> None:
        sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
        LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=32)).save_pretrained(tmp_path)
        lora: dict[str, Any] = {"peft_config": LoraConfig(r=4, target_modules=["q_proj"])}
        for loader in (AutoModelForCausalLM, LlamaForCausalLM):
            with pytest.raises(TypeError, match="peft_config"):
                loader.from_pretrained(tmp_path, **lora)
        program = (
            "from peft import LoraConfig\nfrom transformers import AutoModelForCausalLM, LlamaForCausalLM\n"
            "config = LoraConfig(r=8, lora_alpha=16, target_modules=['q_proj'])\n"
            "model = {}.from_pretrained('meta-llama/Llama-2-7b-hf'{})\n"
        )
        for name in ("AutoModelForCausalLM", "LlamaForCausalLM"):
            assert "LL901" in found_in(program.format(name, ", peft_config=config"))
            assert "LL901" not in found_in(program.format(name, ""))
            assert "LL901" not in found_in(program.format(name, ", peft_config=None"))

    def test_not_for_values(self) -> None:
        assert check("LL901", with_problem(InvalidValue("r", 0, at(5), "LoraConfig", "more"))) == []


class TestInvalidValue:
    def test_problem(self) -> None:
        problem = InvalidValue("lora_alpha", "16", at(5), "LoraConfig", "a number above 0")
        assert one("LL902", with_problem(problem)).message == '`lora_alpha="16"`: LoraConfig expects a number above 0'

    def test_long_values_are_cut(self) -> None:
        assert "…" in one("LL902", with_problem(InvalidValue("r", "x" * 500, at(5), "LoraConfig", "a number"))).message

    @pytest.mark.parametrize(
        ("given", "takes", "meant"),
        [
            ("16", Number(whole=True, least=1), 16),
            ("0", Number(whole=True, least=1), None),
            ("-1", Number(least=0), None),
            ("16.5", Number(whole=True), None),
            ("16.5", Number(), 16.5),
            (16.0, Number(whole=True), 16),
            (16.0, Number(), None),
            ("ALL", OneOf(("none", "all")), "all"),
            ("some", OneOf(("none", "all")), None),
            ("16", None, None),
        ],
    )
    def test_what_was_meant_follows_from_what_is_taken_and_not_from_the_words(
        self, given: Any, takes: Number | OneOf | None, meant: Any
    ) -> None:
        words = 'a whole number of at least 1, or one of "all", in words'
        fix = one("LL902", with_problem(InvalidValue("r", given, at(5), "LoraConfig", words, takes))).fix
        assert (None if fix is None else fix.changes) == (None if meant is None else (Write(at(5), meant),))

    @pytest.mark.parametrize("rank", [0, -8, 8.5, "8", True])
    def test_rank(self, rank: Any) -> None:
        assert "a whole number of at least 1" in one("LL902", run(rank)).message

    @pytest.mark.parametrize(
        "given",
        [
            run(1),
            run(cli(0)),
            run(Unknown("…")),
            run(8, 0.5),
            run(8, -1),
            run(8, 16, dropout=0),
            run(8, 16, dropout=1),
            run(8, 16, bias="all"),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL902", given) == []

    @pytest.mark.parametrize("fields", [{"alpha": "16"}, {"alpha": float("nan")}, {"dropout": -0.1}, {"bias": "some"}])
    def test_others(self, fields: dict[str, Any]) -> None:
        assert len(check("LL902", run(**fields))) == 1

    def test_one_branch_is_enough(self) -> None:
        assert one("LL902", run(either(8, 0))).confidence == "likely"

    def test_the_reader_and_the_rule_do_not_both_speak(self) -> None:
        problem = InvalidValue("r", 0, at(10), "LoraConfig", "more")
        assert len(check("LL902", run(lit(0, 10), of={"problems": (problem,)}))) == 1

    def test_a_string_that_is_no_regex(self) -> None:
        assert "regular expression" in one("LL902", run(target_modules="(q_proj")).message
        assert check("LL902", run(target_modules=".*q_proj")) == []
        assert check("LL902", run(target_modules=("(q_proj",))) == []

    @pytest.mark.parametrize(
        ("method", "bias", "wrong"),
        [
            ("VeraConfig", "vera_only", False),
            ("BOFTConfig", "boft_only", False),
            ("MissConfig", "MiSS_only", False),
            ("VeraConfig", "some", True),
            ("LoraConfig", "vera_only", True),
            ("AdaLoraConfig", "lora_only", False),
        ],
    )
    def test_each_method_has_a_bias_of_its_own(self, method: str, bias: str, wrong: bool) -> None:
        """PEFT 0.21.2, tuners/tuners_utils.py."""
        assert len(check("LL902", run(bias=bias, of={"method": method}))) == wrong


@pytest.mark.parametrize(
    ("value", "takes", "meant"),
    [
        ("16", Number(), 16),
        ("16.5", Number(), 16.5),
        ("1e-4", Number(), 1e-4),
        ("-3", Number(), -3),
        ("16", Number(whole=True, least=1), 16),
        ("16.5", Number(whole=True), None),
        ("0", Number(whole=True, least=1), None),
        ("1", Number(whole=True, least=1), 1),
        ("1e2", Number(whole=True), None),
        ("sixteen", Number(), None),
        (16.0, Number(whole=True, least=1), 16),
        (16.5, Number(whole=True, least=1), None),
        (16.0, None, None),
        ("ALL", OneOf(("none", "all", "lora_only")), "all"),
        ("all", OneOf(("none", "all", "lora_only")), None),
        ("some", OneOf(("none", "all", "lora_only")), None),
        (True, None, None),
    ],
)
def test_a_value_that_was_evidently_meant(value: Any, takes: Any, meant: Any) -> None:
    found = one("LL902", with_problem(InvalidValue("k", value, at(5), "LoraConfig", "another", takes)))
    changes = [] if found.fix is None else [change.value for change in found.fix.changes if isinstance(change, Write)]
    assert changes == ([] if meant is None else [meant])
    assert found.fix is None or found.fix.applicability == "safe"


def test_two_suggestions_are_not_written() -> None:
    two = one("LL901", with_problem(UnknownKey("lora_al", at(5), "axolotl", ("lora_alpha", "lora_all"))))
    assert two.message.endswith("did you mean `lora_alpha` or `lora_all`?")
    assert two.fix is not None
    assert two.fix.changes == ()
    single = one("LL901", with_problem(UnknownKey("lora_al", at(5), "axolotl", ("lora_alpha",)))).fix
    assert single is not None
    assert single.changes == (Rename(at(5), "lora_alpha"),)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"bias": "none"}, ""),
        ({"bias": "all"}, ""),
        ({"bias": "lora_only"}, ""),
        ({"bias": "All"}, "`none`, `all` or `lora_only`"),
        ({"dropout": -0.01}, "a number from 0 to below 1"),
        ({"dropout": True}, "a number from 0 to below 1"),
        ({"alpha": True}, "a number"),
        ({"target_modules": "(q_proj"}, "a list of names or a valid regular expression"),
        ({"target_modules": ".*q_proj"}, ""),
        ({"target_modules": either((), ("q_proj",))}, ""),
        ({"target_modules": (), "of": {"framework": registry.framework("lora_block")}}, ""),
        ({"target_modules": (), "target_parameters": ("up",)}, ""),
        ({"target_modules": (), "target_parameters": Unknown("…")}, ""),
    ],
)
def test_values_of_settings(fields: dict[str, Any], told: str) -> None:
    assert [told in each.message for each in check("LL902", run(**fields))] == [True] * bool(told)


@pytest.mark.parametrize("call", ["append", "extend", "update", "sort"])
def test_a_call_that_returns_nothing(call: str) -> None:
    made = at(7)
    found = one("LL903", with_problem(NoResult("target_modules", call, at(5), "LoraConfig", made)))
    assert f"is set to the result of `.{call}(…)`, which is None" in found.message
    assert (found.fix is not None) is (call in ("append", "extend"))
    alone = one("LL903", with_problem(NoResult("target_modules", call, at(5), "LoraConfig")))
    assert alone.fix is None


@pytest.mark.parametrize("length", [58, 59])
def test_a_value_of_60_characters_is_shown_whole(length: int) -> None:
    message = one("LL902", with_problem(InvalidValue("k", "x" * length, at(5), "LoraConfig", "less"))).message
    assert ("…" in message) is (length > 58)


@pytest.mark.parametrize("start", ["pisa", "Pissa", "True", "guassian", "lora-ga"])
def test_a_start_that_peft_does_not_know(start: str) -> None:
    with pytest.raises(ValueError, match="Unknown initialization"):
        get_peft_model(
            torch.nn.Sequential(torch.nn.Linear(4, 4)),
            LoraConfig(r=2, target_modules=["0"], init_lora_weights=start),  # type: ignore[arg-type]
        )
    assert "LL902" in found_in(STARTED.format(f"'{start}'"))


@pytest.mark.parametrize("start", ["'pissa'", "'pissa_niter_4'", "'Gaussian'", "'OLoRA'", "False", "'eva'", "start()"])
def test_starts_that_it_knows(start: str) -> None:
    assert "LL902" not in found_in("from mine import start\n" + STARTED.format(start))


STARTED = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], init_lora_weights={}))
Trainer(model=model).train()
"""
