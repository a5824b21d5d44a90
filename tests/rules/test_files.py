"""LL9xx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.finding import Write
from lora_lint.run.problems import InvalidValue, Number, OneOf, UnknownKey
from lora_lint.run.values import Unknown
from tests.support.runs import at, check, cli, either, lit, one, run

if TYPE_CHECKING:
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
        assert found.message == "`x` is not known to LoraConfig, so it raises a TypeError"
        assert found.fix is None

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
