"""Regular expressions of users, which may backtrack without an end."""

from __future__ import annotations

import re
import signal
import threading
import time
from typing import Any

import pytest

from lora_lint.knowledge import patterns
from lora_lint.knowledge.patterns import TooSlow, compiled, is_quick
from lora_lint.rules import RUN_CHECKS
from lora_lint.run.run import BaseModel, Run
from lora_lint.system import deadline
from tests.support.runs import at, check, lit, one, run

ENDLESS = [r"([\w.]+)+\.q_projx", r"(\w+\.?)+!", r".*\.(\w+\.?)*q_projx", "[a-z._0-9]?" * 40 + "!"]
PATH = "model.layers.10.post_attention_layernorm"
LLAMA = "meta-llama/Llama-2-7b-hf"
timed = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing interrupts `re` there")


@pytest.mark.parametrize(
    "pattern",
    [
        r".*\.layers\.(0|1|2)\.self_attn\.(q|v)_proj",
        r"^(?!.*visual).*\.(?:q|k|v)_proj$",
        r"model\.layers\.\d{1,2}\.mlp\.(up|down)_proj",
        r"[()*+]+\)*",
        r"(language_model)?.*q_proj",
        r"[]*(]+x",
    ],
)
def test_what_people_write_is_matched_by_re_alone(pattern: str) -> None:
    assert is_quick(pattern)


@pytest.mark.parametrize("pattern", [*ENDLESS, "(a|a)" * 30, "(a{2}){3,}", ".*" * 5, "(a|b)*c"])
def test_what_may_take_long_is_not(pattern: str) -> None:
    assert not is_quick(pattern)


@timed
@pytest.mark.parametrize("pattern", ENDLESS)
@pytest.mark.parametrize("method", ["match", "fullmatch"])
def test_re_is_stopped(pattern: str, method: str) -> None:
    begun = time.process_time()
    for path in (PATH, PATH + ".x", PATH):  # once it was too slow, nothing more is tried
        with pytest.raises(TooSlow) as caught:
            getattr(compiled(f"{pattern}$", pattern), method)(path)
        assert (caught.value.pattern, caught.value.text) == (pattern, PATH)
    assert time.process_time() - begun < 4 * patterns.SECONDS


@pytest.mark.parametrize("pattern", ["q_proj(", "q_proj{99999999999999999999}", "(" * 5000 + ")" * 5000])
def test_what_does_not_compile_is_an_error_of_re(pattern: str) -> None:
    with pytest.raises(re.error):
        compiled(pattern)


@timed
def test_a_path_is_not_tried_again_for_the_next_file() -> None:
    pattern = compiled(r"(\w+\.?)+!(?:)")
    for _ in range(2):
        begun = time.process_time()
        with deadline.Limit(60), pytest.raises(TooSlow):
            pattern.match(PATH)
    assert time.process_time() - begun < patterns.SECONDS
    with deadline.Limit(60):  # and nothing follows from it for the paths of another model
        assert pattern.match("a.b") is None


def test_a_pattern_under_a_limit_matches_as_any() -> None:
    pattern = compiled(r"(\w+\.?)+")
    assert not is_quick(r"(\w+\.?)+")
    found = pattern.fullmatch(PATH)
    assert found is not None
    assert found[0] == PATH
    assert pattern.fullmatch("a!") is None


@pytest.mark.parametrize("pattern", ENDLESS)
def test_in_another_thread_the_match_ends_too(pattern: str) -> None:
    ended: list[object] = []

    def work() -> None:
        try:
            ended.append(compiled(pattern + "(?:)", pattern).fullmatch(PATH))
        except TooSlow as slow:
            ended.append(slow)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(60)
    assert ended == [None] or isinstance(ended[0], TooSlow)


def settings(pattern: str) -> list[tuple[str, dict[str, Any]]]:
    names = {"target_modules": ("q_proj", "v_proj")}
    return [
        ("target_modules", {"target_modules": lit(pattern, 300)}),
        ("exclude_modules", names | {"exclude_modules": lit(pattern, 300)}),
        ("modules_to_save", names | {"modules_to_save": lit((pattern,), 300)}),
        ("layers_pattern", names | {"layers_to_transform": (1,), "layers_pattern": lit(pattern, 300)}),
        ("rank_pattern", names | {"rank_pattern": lit({pattern: 4}, 300)}),
        ("alpha_pattern", names | {"alpha_pattern": lit({pattern: 4}, 300)}),
    ]


def on_llama(given: dict[str, Any]) -> Run:
    base = BaseModel(name=lit(LLAMA, 400), loader="AutoModelForCausalLM")
    return run(8, 16, of={"model": base}, **given)


@timed
@pytest.mark.parametrize(("field", "given"), settings(r"(\w+\.?)+!"))
def test_the_user_learns_that_peft_hangs(field: str, given: dict[str, Any]) -> None:
    found = one("LL902", on_llama(given))
    assert found.message == (
        f'`{field}` hangs once the model is loaded: PEFT matches "(\\w+\\.?)+!" with Python\'s `re`, for which 0.25 s are '
        "not enough on `model.layers.0.self_attn.q_proj` alone. Do not repeat a group that contains a "
        "repetition, and use `.*` sparingly"
    )
    assert found.span == at(300)
    assert found.confidence == "certain"


SLOW = r".*\.(\w+\.?)*q_proj"


@timed
def test_what_takes_long_on_every_module() -> None:
    found = one("LL902", on_llama(dict(settings(SLOW))["layers_pattern"]))
    told = re.fullmatch(
        r'`layers_pattern` takes long once the model is loaded: PEFT matches "(.+)" with Python\'s `re`, for which 1 s is '
        r"not enough on (\d+) of the model's modules\. Do not repeat a group that contains a repetition, "
        r"and use `\.\*` sparingly",
        found.message,
    )
    assert told is not None
    assert told[1] == SLOW
    assert 1 < int(told[2]) < 224


@timed
def test_all_paths_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "TOTAL", 0.05)
    monkeypatch.setattr(patterns, "SECONDS", 10.0)
    pattern = compiled(r"(?:\w+\.?)+!", "written")
    texts = [f"model.layers.{number}.mlp" for number in range(1000)]
    matched = 0
    with deadline.Limit(60), pytest.raises(TooSlow) as caught:
        for text in texts:
            assert pattern.match(text) is None
            matched += 1
    assert (caught.value.pattern, caught.value.text, caught.value.alone) == ("written", texts[matched], False)
    assert caught.value.count == matched + 1
    with deadline.Limit(60):  # the next file starts anew, and the same path costs nothing a second time
        for _ in range(1000):
            assert pattern.match(texts[0]) is None


@timed
@pytest.mark.parametrize(("field", "given"), settings(r"(\w+\.?)+!"))
def test_nothing_is_concluded_from_such_a_value(field: str, given: dict[str, Any]) -> None:
    assert field
    judged = on_llama(given)
    found = {code for code in RUN_CHECKS if code.startswith("LL2") and check(code, judged)}
    assert found == set()


def test_a_thousand_keys_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from lora_lint.knowledge.patterns import pattern_key

    keys = [f"model.layers.{number}.self_attn.unusual_name" for number in range(1000)]
    made: list[str] = []
    real = re.compile
    compiled.cache_clear()
    monkeypatch.setattr(patterns.re, "compile", lambda pattern, *flags: made.append(pattern) or real(pattern, *flags))
    for _ in range(5):
        assert pattern_key(keys, "model.layers.0.mlp.up_proj") is None
    assert len([pattern for pattern in made if "unusual_name" in pattern]) == 1000
