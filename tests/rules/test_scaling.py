"""LL1xx."""

from __future__ import annotations

import re
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.frameworks import registry
from lora_lint.run.run import BaseModel, Run, SweepKind, Training
from lora_lint.run.values import ABSENT, Unknown
from tests.support.runs import HERE, at, check, cli, default, either, lit, one, run, sweep

UNKNOWN = Unknown("the command line gives it")


def ranks(*values: Any, alpha: Any = 16, optimizer: Any = ABSENT, **fields: Any) -> list[Run]:
    return [
        run(lit(value, 50 + value), alpha, of={"training": Training(optimizer=optimizer)}, **fields) for value in values
    ]


def trained(rank: Any = 8, alpha: Any = 16, *, rslora: bool = False, of: Any = None, **fields: Any) -> Run:
    """A run that is trained with AdamW; a `learning_rate` or `optimizer` is the training's, other fields the adapter's."""
    own = {name: fields.pop(name) for name in ("learning_rate", "optimizer") if name in fields}
    training = Training(**{"trainer": "Trainer", "method": "supervised", "optimizer": lit("adamw_torch"), **own})
    return run(rank, alpha, use_rslora=rslora, of={"training": training, "trained": True, **(of or {})}, **fields)


class TestFixedAlphaRankSweep:
    def test_message_names_both_ends_and_both_schools(self) -> None:
        found = one("LL101", sweep(*ranks(8, 32, 128, optimizer=lit("adamw_torch"))))
        assert "`lora_alpha` stays at 16 while `r` takes 8, 32 and 128 in this loop" in found.message
        assert "falls from 2 to 0.125" in found.message
        assert "Under adamw_torch the first step then hardly depends on the rank" in found.message
        assert (
            "Two schools: a constant ratio, `lora_alpha = 2 * r` with the comment `# lora-lint: sweep-keeps=ratio`, or "
            "a rank-invariant step, as here, with `# lora-lint: sweep-keeps=step`"
        ) in found.message
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
        assert "`lora_alpha` is not set and stays at its default 8" in found.message
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
        assert one("LL101", sweep(*ranks(8, 16), kind=SweepKind.CHOICES)).confidence == "likely"
        runs = ranks(8, 16, alpha=cli(16))
        assert one("LL101", sweep(*runs, kind=SweepKind.CHOICES)).confidence == "possible"


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
        low = {"training": Training(learning_rate=lit(2e-5))}
        assert one("LL102", run(rank, alpha, of=low)).level == level

    @pytest.mark.parametrize(
        ("rate", "optimizer", "level"),
        [
            (2e-4, "paged_adamw_32bit", None),  # QLoRA's own recipe
            (1e-4, "adamw_torch", None),
            (2e-5, "adamw_torch", "warning"),
            (2e-4, "sgd", "warning"),
            (either(1e-5, 2e-5), "adamw_torch", "warning"),
            (either(2e-4, 2e-5), "adamw_torch", None),
            (UNKNOWN, "adamw_torch", None),
            (UNKNOWN, "sgd", "warning"),
        ],
    )
    def test_level_at_a_learning_rate(self, rate: Any, optimizer: str, level: str | None) -> None:
        training = Training(learning_rate=lit(rate) if isinstance(rate, float) else rate, optimizer=lit(optimizer))
        assert one("LL102", run(64, 16, of={"training": training})).level == level

    def test_message_gives_the_scales_and_the_alpha_that_keeps_the_function(self) -> None:
        message = one("LL102", run(64, 16)).message
        assert "lora_alpha/r = 0.25" in message
        assert "`use_rslora` alone makes the scale 2 (8 times as much)" in message
        assert "`lora_alpha=2`" in message

    def test_odd_roots(self) -> None:
        assert "`lora_alpha=11.31` it keeps the current function" in one("LL102", run(32, 64)).message

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
            run(64, 16, of={"framework": registry.framework("torchtune")}),
        ],
    )
    def test_silent(self, given: Run) -> None:
        assert check("LL102", given) == []

    def test_every_branch_high(self) -> None:
        low = {"training": Training(learning_rate=lit(2e-5))}
        assert one("LL102", run(either(64, 32), 16, of=low)).level is None
        assert one("LL102", run(either(64, 128), 16, of=low)).level == "warning"

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
        assert "128/sqrt(64) = 16, 8 times the 2 without rsLoRA" in found.message
        assert found.message.endswith("`lora_alpha=16` keeps the scale of lora_alpha/r")
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

    @pytest.mark.parametrize(
        ("rank", "alpha", "told"),
        [
            (8, 64, "`lora_alpha=22.63` keeps the scale of lora_alpha/r"),
            (8, 100, "`lora_alpha=5.657` makes the scale 2"),
            (2048, 400, "`lora_alpha=90.51` makes the scale 2"),
        ],
    )
    def test_the_proposed_scale_is_in_range(self, rank: int, alpha: float, told: str) -> None:
        """alpha/r is kept only where no other rule would speak of it."""
        found = one("LL103", run(rank, alpha, use_rslora=True))
        assert found.message.endswith(told)
        assert found.fix is not None
        assert found.fix.message == f"Set lora_alpha to {told.split('`')[1].partition('=')[2]}"

    def test_whole_numbers(self) -> None:
        message = one("LL103", run(8, 64, use_rslora=True, of={"framework": registry.framework("axolotl")})).message
        assert message.endswith("`lora_alpha=22` makes the scale 7.78")

    def test_alpha_grown_with_the_rank(self) -> None:
        runs = [run(rank, 2 * rank, use_rslora=True) for rank in (32, 8, 16)]
        found = one("LL103", sweep(*runs))
        assert "from 5.66 at r=8 to 11.3 at r=32" in found.message
        assert "a constant ratio, `lora_alpha = 2 * r` without rsLoRA with the comment" in found.message
        assert "a rank-invariant step, `lora_alpha = 16` at every rank without rsLoRA with" in found.message

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
        assert "`lora_alpha` is not set, so the default 8 applies" in found.message
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
            run(64, 128, use_rslora=True),
            run(64, 16, use_rslora=either(True, False)),
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

    @pytest.mark.parametrize(("method", "alpha", "count"), [("rl", 32, 0), ("rl", 64, 1), ("supervised", 32, 1)])
    def test_one_alpha_at_all_ranks_in_reinforcement_learning(self, method: Any, alpha: int, count: int) -> None:
        assert len(check("LL104", run(1, alpha, of={"training": Training(method=method)}))) == count

    def test_the_scale_that_holds_under_rslora(self) -> None:
        message = one("LL104", run(64, 1, use_rslora=True)).message
        assert "`lora_alpha=1` with `r=64` and rsLoRA scales the adapter by 0.125, below 0.25" in message
        assert "`lora_alpha=8` or `lora_alpha=16` here" in message
        assert one("LL104", run(64, 1, use_rslora=either(True, False)))

    def test_what_is_rounded_is_at_the_limit(self) -> None:
        """LL102 proposes 1.414 for r=32 and alpha=8, which is 0.24997."""
        assert check("LL104", run(32, 1.414, use_rslora=True)) == []

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


class TestSweepStepVaries:
    def test_alpha_tied_to_the_rank_under_adam(self) -> None:
        found = one("LL107", sweep(*(trained(rank, 2 * rank) for rank in (8, 16, 64))))
        assert "the first step is proportional to lora_alpha: it is 8 times as large at r=64 as at r=8" in found.message

    def test_rslora_under_adam_grows_with_the_root(self) -> None:
        found = one("LL107", sweep(*(trained(rank, 16, rslora=True) for rank in (4, 64))))
        assert "lora_alpha * sqrt(r): it is 4 times as large" in found.message

    def test_under_sgd_the_square_counts(self) -> None:
        found = one("LL107", sweep(*(trained(rank, 2 * rank, optimizer=lit("sgd")) for rank in (8, 32))))
        assert "lora_alpha^2 / r: it is 4 times as large" in found.message

    @given(st.integers(1, 512), st.integers(2, 64), st.floats(0.5, 256), st.booleans())
    def test_equal_steps_pass(self, rank: int, times: int, alpha: float, sgd: bool) -> None:
        """One alpha keeps the step under Adam, and with rsLoRA under SGD."""
        optimizer = lit("sgd" if sgd else "adamw_torch")
        ranks = (rank, times * rank)
        assert not check("LL107", sweep(*(trained(each, alpha, rslora=sgd, optimizer=optimizer) for each in ranks)))

    @pytest.mark.parametrize(("rank", "level"), [(8, None), (64, None), (65, "warning"), (512, "warning")])
    def test_far_apart_is_a_warning(self, rank: int, level: str | None) -> None:
        found = check("LL107", sweep(trained(8, 8), trained(rank, rank)))
        assert [each.level for each in found] == ([level] if rank > 16 else [])

    def test_rates_are_compared_by_value(self) -> None:
        same = [trained(rank, 2 * rank, learning_rate=lit(2e-4, 10 * rank)) for rank in (8, 64)]
        assert check("LL107", sweep(*same))

    @pytest.mark.parametrize(
        "runs",
        [
            [trained(8, 16, learning_rate=lit(2e-4)), trained(64, 128, learning_rate=lit(2e-5))],
            [trained(rank, alpha) for rank in (8, 64) for alpha in (16, 32, 128)],
            [trained(rank, ratio * rank) for rank in (8, 64) for ratio in (1, 2, 4)],
            [trained(8, alpha) for alpha in (8, 16, 64)],
            [trained(8, 16), trained(Unknown("x"), 128)],
            [trained(8, 16), trained(64, 128, optimizer=lit("adafactor"))],
            [trained(8, 16), trained(16, 32)],
            [trained(rank, 2 * rank, learning_rate=either(1e-5, 1e-3)) for rank in (8, 64)],
        ],
    )
    def test_silent(self, runs: list[Any]) -> None:
        assert not check("LL107", sweep(*runs))

    def test_calls_of_a_helper_that_trains_nothing_are_possible(self) -> None:
        made = [run(rank, 2 * rank) for rank in (8, 64)]
        assert one("LL107", sweep(*made, kind=SweepKind.CALLS)).confidence == "possible"
        assert one("LL107", sweep(*made)).confidence == "certain"


class TestStudy:
    """Arms that differ in several settings at once."""

    ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
    ALL = (*ATTENTION, "gate_proj", "up_proj", "down_proj")

    @staticmethod
    def arm(rank: int, alpha: float, targets: Any = ATTENTION, rslora: bool = False, **more: Any) -> Run:
        return trained(rank, alpha, rslora=rslora, target_modules=lit(targets), **more)

    def test_arms_with_scale_and_step(self) -> None:
        found = one("LL107", sweep(self.arm(8, 16), self.arm(16, 16, rslora=True), self.arm(32, 32, rslora=True)))
        assert (
            "under adamw_torch their first steps are proportional to rank * scale and differ by up to 11.3 times:"
            in found.message
        )
        assert "r=8, lora_alpha=16 (4 targets): scale 2, step 1;" in found.message
        assert "r=32, lora_alpha=32 with rsLoRA (4 targets): scale 5.66, step 11.3." in found.message
        assert "`lora_alpha` = 16, 4 and 2.828 with the comment `# lora-lint: sweep-keeps=step`" in found.message
        assert "a constant ratio, 16, 8 and 11.31 with `# lora-lint: sweep-keeps=ratio`" in found.message
        assert found.level == "warning"

    def test_under_sgd_the_square_counts(self) -> None:
        arms = [self.arm(8, 16, optimizer=lit("sgd")), self.arm(16, 64, self.ALL, optimizer=lit("sgd"))]
        assert "rank * scale^2 and differ by up to 8 times at equal targets" in one("LL107", sweep(*arms)).message

    def test_more_targets_and_a_larger_step_do_not_balance(self) -> None:
        narrow, wide = ("q_proj", "v_proj"), "all-linear"
        assert check("LL107", sweep(self.arm(8, 16, narrow), self.arm(32, 64, self.ATTENTION), self.arm(64, 128, wide)))
        assert not check("LL107", sweep(self.arm(64, 128, narrow), self.arm(8, 16, wide)))
        assert not check("LL107", sweep(self.arm(64, 128, ("q_proj",)), self.arm(8, 16, ("v_proj",))))

    @pytest.mark.parametrize(
        "runs",
        [
            [arm(8, 16), arm(16, 16, ALL)],
            [arm(8, 16), arm(16, 4, rslora=True), arm(32, 32)],
            [arm(8, 16, learning_rate=lit(2e-4)), arm(16, 64, ALL, learning_rate=lit(5e-5))],
            [arm(8, 16, of={"model": BaseModel(name=lit("a"))}), arm(64, 128, ALL, of={"model": BaseModel(name=lit("b"))})],
            [arm(8, 16), arm(16, 64, ALL, optimizer=lit("adafactor"))],
            [arm(8, 16), arm(16, 64, ALL, init_lora_weights=lit("pissa"))],
            [arm(8, 16), arm(16, 64, ALL, of={"trained": False})],
            [arm(8, 16), arm(16, UNKNOWN, ALL)],
        ],
        ids=["targets alone", "equal steps", "own rates", "models", "optimizers", "inits", "not trained", "unknown"],
    )  # fmt: skip
    def test_silent(self, runs: list[Run]) -> None:
        assert not check("LL107", sweep(*runs))

    def test_a_search_is_no_study(self) -> None:
        arms = [self.arm(8, 16), self.arm(16, 64), self.arm(16, 128, rslora=True)]
        assert check("LL107", sweep(*arms))
        assert not check("LL107", sweep(*arms, kind=SweepKind.OPTUNA))

    def test_arms_that_nothing_trains_are_possible(self) -> None:
        arms = [self.arm(8, 16, of={"trained": None}), self.arm(16, 64, rslora=True, of={"trained": None})]
        assert one("LL107", sweep(*arms)).confidence == "possible"

    @pytest.mark.parametrize("sgd", [False, True])
    @given(arms=st.lists(st.tuples(st.integers(1, 256), st.floats(0.5, 512), st.booleans()), min_size=2, max_size=6))
    def test_what_is_proposed_holds(self, sgd: bool, arms: list[tuple[int, float, bool]]) -> None:
        """The proposed alphas, with the step and the scale reckoned here."""
        optimizer = lit("sgd" if sgd else "adamw_torch")
        found = check("LL107", sweep(*(self.arm(*arm[:2], self.ALL, arm[2], optimizer=optimizer) for arm in arms)))
        if not found or "first steps are proportional to" not in found[0].message:
            return
        spelled = re.search(
            r"`lora_alpha` = (.*?) with the comment .*? a constant ratio, (.*?) with `", found[0].message
        )
        assert spelled is not None
        steps, scales = ([float(each) for each in re.split(r", | and ", text)] for text in spelled.groups())
        distinct = list(dict.fromkeys(arms))
        assert len(steps) == len(scales) == len(distinct)
        scale = [
            alpha / (sqrt(rank) if rslora else rank) for (rank, _, rslora), alpha in zip(distinct, scales, strict=True)
        ]
        assert max(scale) <= 1.01 * min(scale)
        step = [
            rank * (alpha / (sqrt(rank) if rslora else rank)) ** (2 if sgd else 1)
            for (rank, _, rslora), alpha in zip(distinct, steps, strict=True)
        ]
        assert max(step) <= 1.01 * min(step)


class TestStatedSchool:
    """What `sweep-keeps` states is checked and not taken on trust."""

    def test_a_kept_ratio(self) -> None:
        kept = [trained(rank, 2 * rank, of={"sweep_keeps": "ratio"}) for rank in (8, 64)]
        assert not check("LL107", sweep(*kept))
        fixed = [trained(rank, 16, of={"sweep_keeps": "ratio"}) for rank in (8, 64)]
        assert "`sweep-keeps=ratio` is stated but does not hold" in one("LL101", sweep(*fixed)).message

    def test_a_kept_step(self) -> None:
        kept = [trained(rank, 16, of={"sweep_keeps": "step"}) for rank in (8, 64)]
        assert not check("LL101", sweep(*kept))
        sgd = [trained(rank, 16, optimizer=lit("sgd"), of={"sweep_keeps": "step"}) for rank in (8, 64)]
        found = one("LL101", sweep(*sgd))
        assert "`sweep-keeps=step` is stated but does not hold" in found.message
        assert "`lora_alpha = 5.657` at every rank with `use_rslora`" in found.message
        assert found.fix is None
        grown = [trained(rank, 2 * rank, of={"sweep_keeps": "step"}) for rank in (8, 64)]
        assert "`sweep-keeps=step` is stated" in one("LL107", sweep(*grown)).message

    def test_an_optimizer_of_another_kind_is_taken_on_trust(self) -> None:
        kept = [trained(rank, 16, optimizer=lit("adafactor"), of={"sweep_keeps": "step"}) for rank in (8, 64)]
        assert not check("LL101", sweep(*kept))
