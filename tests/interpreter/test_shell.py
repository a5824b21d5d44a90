"""Shell scripts: the words of the commands that run, where they are written, and text that is no script at all."""

from __future__ import annotations

import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.interpreter.shell import read_shell
from lora_lint.readers.shell import MAX_BYTES
from lora_lint.source import SourceFile


def words(text: str) -> list[list[str | None]]:
    """The words of each command; None for those that are not known."""
    source = SourceFile("run.sh", "shell", textwrap.dedent(text).encode())
    return [[word.text for word in command.words] for command in read_shell(source)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r=8\nrun $r ${r} \"$r\" '$r' x${r}y", ["8", "8", "8", "$r", "x8y"]),
        ('a=1 b="two words"\nrun $a "$b" $b', ["1", "two words", "two", "words"]),
        ("export R=8\ndeclare A=2\nrun $R $A", ["8", "2"]),
        ('run "$a $b" "${a} x"', [None, None]),
        ('a=1; b=2\nrun "$a $b" "$a  x ${b}"', ["1 2", "1  x 2"]),
        ("run ${r:-8} ${r-8} ${r:=4} $r", ["8", "8", "4", "4"]),
        ("r=3\nrun ${r:-8} ${r:+x}", ["3", None]),
        ("A=(4 8 'x y')\nrun ${A[1]} ${#A[@]} \"${A[@]}\"", ["8", "3", "4", "8", "x y"]),
        ("A=(4)\nA+=(8)\nrun ${A[@]}", ["4", "8"]),
        ('ARGS="--r 8"\nARGS+=" --a 16"\nrun $ARGS', ["--r", "8", "--a", "16"]),
        ("r=8\nrun $((r * 2)) $(( (r+1)*$r )) $((2**r)) $((r/0))", ["16", "72", "256", None]),
        ("run --a \\\n  1 \\\n  --b 2", ["--a", "1", "--b", "2"]),
        ("run --a \\\r\n  1\r\n", ["--a", "1"]),
        ("run a > out.txt 2>&1 < in.txt", ["a"]),
        (
            "m=b\nread -r -d '' c <<EOF\n--a \\\n  $m x${m}y /d\\\n  --e \"f g\"\nEOF\nrun $c",
            "--a b xby /d --e f g".split(),
        ),
        ("read -r -d '' c <<'EOF'\n--a $m\nEOF\nrun $c \"$c\"", ["--a", "$m", "--a $m"]),
        ("read -r -d '' c <<EOF\n--a $1 b\nEOF\nrun $c", ["--a", None, "b"]),
        ("c=$(cat <<EOF\n--a b\n  c\nEOF\n)\nrun $c", ["--a", "b", "c"]),
        ("read c <<EOF\n--a b\nEOF\nrun $c", [None]),
        ("X=1 Y=2 run a", ["a"]),
        ("run a # b", ["a"]),
        ("run a\\ b 'c'\"d\"e", ["a b", "cde"]),
        ("run $(nproc) `date` <(ls)", [None, None, None]),
        ("run $@ $1 $HOME", [None, None, None]),
        ('x=\nrun "$($x)a" $($x)', [None, None]),
        ("run {a,b}", [None]),
        ("run a <<EOF\n$x\nEOF\n", ["a"]),
    ],
)
def test_words(text: str, expected: list[str | None]) -> None:
    assert words(text) == [["run", *expected]]


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ("for r in 4 8; do run $r; done", ["4", "8"]),
        ("A=(4 8)\nfor r in ${A[@]} 16\ndo\n run $r\ndone", ["4", "8", "16"]),
        ('A="4 8"\nfor r in $A; do run $r; done', ["4", "8"]),
        ("for r in {2..4}; do run $r; done", ["2", "3", "4"]),
        ("for r in $(seq 8 8 24); do run $r; done", ["8", "16", "24"]),
        ("A=(4 8)\nfor ((i=0; i<${#A[@]}; i++)); do run ${A[$i]}; done", ["4", "8"]),
        ("A=(4 8)\nfor i in 0 1; do r=${A[i]}; run $r; done", ["4", "8"]),
        ("for ((r=4; r<=16; r*=2)); do run $r; done", ["4", "8", "16"]),
        ("for r in $RANKS; do run $r; done", [None]),
        ("for r in $(ls); do run $r; done", [None]),
        ("for ((r=4; r<=$N; r*=2)); do run $r; done", [None]),
        ("r=4\nwhile [ $r -lt 64 ]; do run $r; r=$((r*2)); done", [None]),
    ],
)
def test_loops(loop: str, expected: list[str | None]) -> None:
    assert words(loop) == [["run", value] for value in expected]


def test_turns_name_the_loop() -> None:
    text = "for s in 1 2; do\n  for r in 4 8; do run $r $s; done\ndone\n"
    commands = read_shell(SourceFile("run.sh", "shell", text.encode()))
    assert [[turn.number for turn in command.turns] for command in commands] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    outer, inner = commands[0].turns
    assert text[outer.loop.start : outer.loop.end] == "for s in 1 2"
    assert text[inner.loop.start : inner.loop.end] == "for r in 4 8"


def test_branches() -> None:
    text = """\
        if [ $1 == t5 ]; then b=x; m=1; else b=y; m=1; fi
        run $b $m
        if [ -z "$LR" ]; then LR=1e-4; fi
        run $LR
        case $1 in a) k=1;; b) k=2;; esac
        run $k
        """
    assert words(text) == [["run", None, "1"], ["run", "1e-4"], ["run", None]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1\n[ $r -gt 16 ] && a=2\nrun $a", None),
        ("a=1\n[[ $r -gt 16 ]] && a=2 || a=3\nrun $a", None),
        ("a=1\n(( r > 16 )) && a=2\nrun $a", None),
        ("a=1\ntest -f x || a=2\nrun $a", None),
        ('[ -z "$a" ] && a=2\nrun $a', "2"),
        ('[ -n "$a" ] || a=2\nrun $a', "2"),
        ("mkdir -p x && a=2 && run $a", "2"),
        ("a=1\n(a=2; cd x)\nrun $a", "1"),
        ("a=1\n{ a=2; }\nrun $a", "2"),
        ("for r in 8; do a=16; if ((r > 8)); then a=32; fi; run $a; done", None),
    ],
)
def test_what_may_not_happen(text: str, expected: str | None) -> None:
    assert [found for found in words(text) if found[0] == "run"] == [["run", expected]]


def test_arguments_of_the_script_override() -> None:
    text = """\
        MODEL="org/model"
        while [[ "$1" != "" ]]; do
          case $1 in
            -m) shift; MODEL=$1 ;;
          esac
          shift
        done
        run $MODEL ${2:-8} plain
        """
    (command,) = read_shell(SourceFile("run.sh", "shell", textwrap.dedent(text).encode()))
    assert [(word.text, word.default) for word in command.words[1:]] == [
        ("org/model", True),
        ("8", True),
        ("plain", False),
    ]


def test_functions() -> None:
    text = """\
        train() {
          local rank=$1
          run $rank "$@"
        }
        train 4 x
        train 8
        never() { run $1; }
        again() { again; }
        again
        """
    assert words(text) == [["run", "4", "4", "x"], ["run", "8", "8"], ["again"], ["run", None]]


@pytest.mark.parametrize(
    "text", ["r=8\nrun $r", "for r in 8; do run $r; done", 'A="--r 8"\nrun $A', "run --r=8", "run '8'"]
)
def test_places(text: str) -> None:
    (command,) = read_shell(SourceFile("run.sh", "shell", text.encode()))
    span = command.words[-1].span
    assert text[span.start : span.end] in ("8", "--r=8", "'8'")


HOSTILE = {
    "parentheses": b"(" * 100_000,
    "substitutions": b"$(" * 20_000,
    "quoted": b'"$(' * 20_000,
    "braces": b"{ " * 50_000 + b"run" + b"; }" * 50_000,
    "conditions": b"if true; then " * 20_000 + b"run\n" + b"fi;" * 20_000,
    "heredocs": b"cat <<A\n" * 20_000,
    "arithmetic": b"run $((" + b"(" * 20_000 + b"1" + b")" * 20_000 + b"))",
    "expansions": b"run " + b"${a:-" * 20_000 + b"}" * 20_000,
    "doubling": b"a=xxxxxxxx\n" + b"a=$a$a\n" * 200 + b"run $a\n",
    "doubling_lists": b"a=(1 2)\n" + b'a=("${a[@]}" "${a[@]}")\n' * 60 + b'run "${a[@]}"\n',
    "loops": b"".join(b"for i%d in {1..60}; do " % n for n in range(20)) + b"run;" + b"done;" * 20,
    "endless": b"for ((;;)); do run; done\nfor ((i=0;i<9;i+=0)); do run; done",
    "calls": b"".join(b"f%d() { f%d; f%d; }\n" % (n, n + 1, n + 1) for n in range(60)) + b"f0",
    "power": b"a=9\n" + b"a=$((a**9))\n" * 50,
    "binary": bytes(range(1, 256)) * 3_000,
    "long": b"run " + b"x" * (MAX_BYTES + 1),
    "many": b"run --lora_r 8\n" * 60_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    begun = time.process_time()
    read_shell(SourceFile("run.sh", "shell", HOSTILE[name]))
    assert time.process_time() - begun < 5


def test_what_is_broken_is_passed_over() -> None:
    assert ["run", "2"] in words("run 1 )\nrun 2\n")
    assert words("run 1 (x\nrun 2\n") == [["run", "2"]]


@pytest.mark.parametrize("before", ["{", "{1", "{1..", "{1..2", "${"])
def test_no_character_after_a_brace_kills_the_process(before: str) -> None:
    for plane in range(17):
        character = chr(plane * 0x10000 + 0xC7FF)
        assert words(f"run {before}{character}\nrun é{character}\n")[-1] == ["run", f"é{character}"]


_PARTS = st.sampled_from(
    "for r in do done if then fi case esac while ; ;; \n ( ) { } $( ` \" ' $((r*2)) )) ${ } ${A[@]} A=( r=8 $r ${r:-8} && | "
    "python train.py --lora_r --lora_alpha=16 \\\n # <<EOF EOF + [[ ]] f() += : é \\ [ ] $@ {1..4}".split(" ")
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PARTS, max_size=40).map(" ".join) | st.text(max_size=200))
def test_any_text(text: str) -> None:
    data = text.encode("utf-8", "replace")
    for command in read_shell(SourceFile("run.sh", "shell", data)):
        for word in command.words:
            assert 0 <= word.span.start <= word.span.end <= len(data)
