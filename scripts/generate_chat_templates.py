"""Writes lora_lint/knowledge/data/chat_templates.json: what unsloth's chat templates write before an answer.

    python scripts/generate_chat_templates.py --unsloth DIR

DIR is the package `unsloth` of a release. The templates in its chat_templates.py are rendered with a short dialogue;
none of its other code is run. Needs jinja2.
"""

from __future__ import annotations

import argparse
import ast
import json
from pathlib import Path
from typing import Any

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "lora_lint" / "knowledge" / "data" / "chat_templates.json"
TABLE = "CHAT_TEMPLATES"
QUESTION, ANSWER = "the second question", "the second answer"
THOUGHT = "a thought"
DIALOGUE = (
    {"role": "user", "content": "the first question"},
    {"role": "assistant", "content": "the first answer"},
    {"role": "user", "content": QUESTION},
)
ANSWERS = (
    {"role": "assistant", "content": ANSWER},
    {"role": "assistant", "content": ANSWER, "thinking": THOUGHT, "reasoning_content": THOUGHT},
)


def templates(source: Path) -> dict[str, str]:
    """The templates in a module, by name, from its assignments of literals and of other templates."""
    known: dict[str, Any] = {TABLE: {}}
    for statement in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and not any(isinstance(node, ast.Lambda) for node in ast.walk(statement)):
            value = first_of(statement.value) if is_entry(statement.targets[0]) else statement.value
            code = ast.Module([ast.Assign(statement.targets, value, lineno=1)], [])
            try:
                exec(compile(ast.fix_missing_locations(code), source.name, "exec"), {"__builtins__": {}}, known)
            except (NameError, TypeError, AttributeError, KeyError):
                continue  # made by the module's own functions
    found = {name: text[0] if isinstance(text, tuple) else text for name, text in known[TABLE].items()}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def is_entry(target: ast.expr) -> bool:
    """Whether an assignment is to one entry of the table."""
    return isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == TABLE


def first_of(value: ast.expr) -> ast.expr:
    """The template in an entry: (template, end, whether to map the end, Ollama's template)."""
    return value.elts[0] if isinstance(value, ast.Tuple) else value


def before_answers(template: str) -> list[str]:
    """What a template writes between a question and its answer, without and with a thought; nothing if it cannot be
    rendered."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: form
    found: list[str] = []
    for answer in ANSWERS:
        try:
            text = environment.from_string(template).render(
                messages=[*DIALOGUE, answer], bos_token="<bos>", eos_token="<eos>", add_generation_prompt=False
            )
        except jinja2.TemplateError as error:
            print(f"not rendered: {error}")
            continue
        between, ended, _ = text.partition(QUESTION)[2].partition(ANSWER)
        if ended and between not in found:
            found.append(between)
    return found


def refuse(message: str) -> str:
    raise jinja2.TemplateError(message)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unsloth", type=Path, required=True, metavar="DIR")
    found = templates(parser.parse_args().unsloth / "chat_templates.py")
    written = {name: texts for name, template in sorted(found.items()) if (texts := before_answers(template))}
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(texts, ensure_ascii=False)}" for name, texts in written.items()
    )
    OUTPUT.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    print(f"{len(written)} of {len(found)} templates")


if __name__ == "__main__":
    main()
