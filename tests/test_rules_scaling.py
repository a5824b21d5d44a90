"""LL1xx."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.run import ABSENT, BaseModel, Run, Training, Unknown
from tests.records import HERE, at, check, cli, default, either, lit, one, run, sweep

UNKNOWN = Unknown("the command line gives it")


def ranks(*values: Any, alpha: Any = 16, optimizer: Any = ABSENT, **fields: Any) -> list[Run]:
    return [
        run(lit(value, 50 + value), alpha, of={"training": Training(optimizer=optimizer)}, **fields) for value in values
    ]


class TestFixedAlphaRankSweep:
    def test_message_names_both_ends_and_both_schools(self) -> None:
        found = one("LL101", sweep(*ranks(8, 32, 128, optimizer=lit("adamw_torch"))))
        assert "`lora_alpha` stays at 16 while `r` takes 8, 32 and 128 in this loop" in found.message
        assert "falls from 2 to 0.125" in found.message
        assert "Under adamw_torch the first step hardly depends on the rank" in found.message
        assert "rank-invariant step" in found.message
        assert "constant ratio" in found.message
        assert "`lora_alpha = 2 * r`" in found.message
        assert found.confidence == "certain"
        assert found.related[0].message == "lora_alpha/r is 0.125 at r=128"
        assert found.related[0].span == at(50 + 128)

    def test_sgd(self) -> None:
        message = one("LL101", sweep(*ranks(8, 16, optimizer=lit("sgd")))).message
        assert "shrinks as 1/r, 2 times from r=8 to r=16" in message
        assert "hardly" not in message

    def test_unknown_optimizer_says_both(self) -> None:
        message = one("LL101", sweep(*ranks(8, 16))).message
        assert "Adam-type" in message
        assert "under SGD" in message

    def test_users_own_keys(self) -> None:
        keys = {"rank": "lora_rank", "alpha": "alpha"}
        assert "`alpha` stays at 16 while `lora_rank` takes" in one("LL101", sweep(*ranks(4, 8, keys=keys))).message

    def test_default_alpha(self) -> None:
        found = one("LL101", sweep(*ranks(8, 16, alpha=default(8))))
        assert "`lora_alpha` is not given and stays at its default 8" in found.message
        assert found.span == at(58)

    def test_order_does_not_matter(self) -> None:
        assert "from 4 to 1" in one("LL101", sweep(*ranks(16, 4, 8))).message

    @pytest.mark.parametrize(
        "runs",
        [
            ranks(8),
            ranks(8, 8),
            [run(8, 16), run(16, 32)],
            [run(8, 16), run(8, 32), run(16, 16), run(16, 32)],
            ranks(8, 16, use_rslora=True),
            ranks(8, use_rslora=True) + ranks(16),
            ranks(8, 16, use_rslora=UNKNOWN),
            ranks(8, 16, alpha=UNKNOWN),
            [run(8, 16), run(16, UNKNOWN)],
            [run(UNKNOWN, 16), run(16, 16)],
            [run(either(8, 16), 16), run(16, 16)],
            [run(8, default(16)), run(16, default(32))],
            ranks(8, 16, alpha=0),
        ],
        ids=[
            "one run", "one rank", "tied", "alpha swept too", "rslora", "rslora swept", "rslora unknown",
            "alpha unknown", "alpha partly unknown", "rank unknown", "a branch decides the rank", "default 2r", "zero",
        ],
    )  # fmt: skip
    def test_silent(self, runs: list[Run]) -> None:
        assert check("LL101", sweep(*runs)) == []

    def test_ranks_of_different_models_are_no_sweep(self) -> None:
        small, large = BaseModel(name=lit("small")), BaseModel(name=lit("large"))
        assert check("LL101", sweep(run(8, 16, of={"model": small}), run(16, 16, of={"model": large}))) == []
        assert check("LL101", sweep(run(8, 16, of={"model": small}), run(16, 16, of={"model": small})))

    def test_alpha_default_of_the_command_line_stays_fixed_in_a_loop(self) -> None:
        assert one("LL101", sweep(*ranks(8, 16, alpha=cli(16)))).confidence == "certain"

    def test_argparse_choices(self) -> None:
        assert one("LL101", sweep(*ranks(8, 16), kind="argparse choices")).confidence == "likely"
        runs = ranks(8, 16, alpha=cli(16))
        assert one("LL101", sweep(*runs, kind="argparse choices")).confidence == "possible"


class TestRsloraOffHighRank:
    @pytest.mark.parametrize(("rank", "count"), [(15, 0), (16, 1), (64, 1)])
    def test_from_rank_16(self, rank: int, count: int) -> None:
        assert len(check("LL102", run(rank, rank))) == count

    def test_another_bound(self) -> None:
        assert (
            check(
                "LL102",
                run(
                    16,
                    16,
                ),
                **{"min-rank": 32},
            )
            == []
        )

    @pytest.mark.parametrize(
        ("rank", "alpha", "level"),
        [(64, 32, "warning"), (64, 33, None), (63, 16, None), (128, 16, "warning"), (16, 8, None)],
    )
    def test_level(self, rank: int, alpha: int, level: str | None) -> None:
        assert one("LL102", run(rank, alpha)).level == level

    def test_message_gives_the_scales_and_the_alpha_that_keeps_the_function(self) -> None:
        message = one("LL102", run(64, 16)).message
        assert "lora_alpha/r = 0.25" in message
        assert "`use_rslora` alone makes the scale 2 (8 times as much)" in message
        assert "`lora_alpha=2`" in message

    def test_odd_roots(self) -> None:
        assert "`lora_alpha=11.3`" in one("LL102", run(32, 64)).message

    def test_alpha_unknown(self) -> None:
        message = one("LL102", run(64, UNKNOWN)).message
        assert "divide `lora_alpha` by 8" in message

    @pytest.mark.parametrize(
        "given",
        [
            run(64, 16, use_rslora=True),
            run(64, 16, use_rslora=UNKNOWN),
            run(64, 16, use_rslora=either(True, False)),
            run(UNKNOWN, 16),
            run(either(8, 64), 16),
            run(64, 16, of={"trained": False}),
            run(64, 16, of={"dialect": "torchtune"}),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL102", given) == []

    def test_every_branch_high(self) -> None:
        assert one("LL102", run(either(64, 32), 16)).level is None
        assert one("LL102", run(either(64, 128), 16)).level == "warning"

    def test_command_line_default_is_likely(self) -> None:
        assert one("LL102", run(cli(64), 16)).confidence == "likely"

    def test_sgd_does_not_undo_it(self) -> None:
        training = {"training": Training(optimizer=lit("sgd"))}
        assert "Adam" not in one("LL102", run(64, 16, of=training)).message
        assert "Adam" in one("LL102", run(64, 16)).message


class TestRsloraScaleJump:
    @pytest.mark.parametrize(("rank", "alpha", "count"), [(16, 32, 0), (16, 33, 1), (64, 64, 0), (64, 128, 1)])
    def test_above_8(self, rank: int, alpha: int, count: int) -> None:
        assert len(check("LL103", run(rank, alpha, use_rslora=True))) == count

    def test_message(self) -> None:
        found = one("LL103", run(64, 128, use_rslora=lit(True, 70)))
        assert "128/sqrt(64) = 16, 8 times the 2 it is without" in found.message
        assert "`lora_alpha=16` keeps" in found.message
        assert found.related[0].span == at(70)

    def test_option(self) -> None:
        assert check("LL103", run(64, 128, use_rslora=True), **{"max-scale": 16}) == []

    @pytest.mark.parametrize(
        "given",
        [
            run(64, 128),
            run(64, 128, use_rslora=UNKNOWN),
            run(64, 128, use_rslora=either(True, False)),
            run(64, UNKNOWN, use_rslora=True),
            run(UNKNOWN, 128, use_rslora=True),
            run(64, either(128, 16), use_rslora=True),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL103", given) == []

    def test_alpha_grown_with_the_rank(self) -> None:
        runs = [run(rank, 2 * rank, use_rslora=True) for rank in (32, 8, 16)]
        found = one("LL103", sweep(*runs))
        assert "from 5.66 at r=8 to 11.3 at r=32" in found.message
        assert "keep `lora_alpha=16`" in found.message

    @pytest.mark.parametrize(
        "runs",
        [
            [run(8, 16, use_rslora=True), run(32, 16, use_rslora=True)],
            [run(16, 16, use_rslora=True), run(64, 32, use_rslora=True)],
            [run(8, 8, use_rslora=True), run(16, 16)],
            [run(8, 8, use_rslora=True), run(16, UNKNOWN, use_rslora=True)],
            [run(8, 8, use_rslora=True), run(8, 16, use_rslora=True), run(16, 16, use_rslora=True)],
            [run(8, 8, use_rslora=True)],
        ],
        ids=["fixed", "as the root", "rslora swept", "unknown", "alpha swept", "one"],
    )
    def test_no_growth(self, runs: list[Run]) -> None:
        assert check("LL103", sweep(*runs)) == []


class TestScaleOutOfRange:
    @pytest.mark.parametrize(
        ("rank", "alpha", "count"),
        [(8, 32, 0), (8, 33, 1), (64, 16, 0), (64, 15, 1), (64, 8, 1), (1, 4, 0), (1, 5, 1)],
    )
    def test_limits_pass(self, rank: int, alpha: float, count: int) -> None:
        assert len(check("LL104", run(rank, alpha))) == count

    def test_default_alpha_is_named(self) -> None:
        found = one("LL104", run(64, default(8)))
        assert "`lora_alpha` is not given, so the default 8 holds" in found.message
        assert "0.125, below 0.25" in found.message
        assert found.span == at(10)

    def test_high(self) -> None:
        message = one("LL104", run(8, 64)).message
        assert "`lora_alpha=64` with `r=8` scales the adapter by 8, above 4" in message
        assert "`lora_alpha=8` or `lora_alpha=16`" in message

    def test_options(self) -> None:
        assert check("LL104", run(8, 64), **{"max-ratio": 8}) == []
        assert check("LL104", run(8, 4), **{"min-ratio": 1})

    @pytest.mark.parametrize(
        "given",
        [
            run(64, 8, use_rslora=True),
            run(64, 8, use_rslora=UNKNOWN),
            run(64, UNKNOWN),
            run(UNKNOWN, 8),
            run(either(8, 64), 8),
            run(either(1, 64), 8),
            run(64, 0),
            run(0, 8),
            run(64, 8, of={"trained": False}),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL104", given) == []

    def test_opposite_sides_are_silent(self) -> None:
        assert check("LL104", run(8, either(1, 64))) == []
        assert check("LL104", run(8, either(64, 128)))

    def test_confidence(self) -> None:
        assert one("LL104", run(cli(64), 8)).confidence == "likely"


class TestZeroScale:
    @pytest.mark.parametrize("alpha", [0, -1, 0.0])
    def test_alpha(self, alpha: float) -> None:
        assert one("LL105", run(8, alpha)).confidence == "certain"

    @pytest.mark.parametrize(("dropout", "count"), [(1, 1), (1.0, 1), (0.99, 0), (5, 1), (0, 0)])
    def test_dropout(self, dropout: float, count: int) -> None:
        assert len(check("LL105", run(8, 16, dropout=dropout))) == count

    def test_percent(self) -> None:
        assert "(0.05 may be meant)" in one("LL105", run(8, 16, dropout=5)).message

    def test_one_branch_is_enough(self) -> None:
        found = one("LL105", run(8, either(16, 0)))
        assert found.confidence == "likely"
        assert found.span == at(40)

    def test_unknown(self) -> None:
        assert check("LL105", run(8, UNKNOWN, dropout=UNKNOWN)) == []

    def test_rank_does_not_matter(self) -> None:
        assert one("LL105", run(UNKNOWN, 0)).span == at(20)

    def test_without_a_place(self) -> None:
        assert one("LL105", run(8, default(0))).span == HERE
