"""What the page asks of lora-lint: the command, on one file in the browser's memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil

from lora_lint.__main__ import main
from lora_lint.report.wording import headline

FOLDER = "/text"


def report(name: str, text: str, columns: int) -> str:
    """As JSON: the findings with their places in the text, the text that `--fix --unsafe-fixes` leaves, what `inspect`
    prints in so many columns, and what was not read."""
    os.environ["COLUMNS"] = str(columns)
    os.chdir("/")
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.mkdir(FOLDER)
    os.chdir(FOLDER)
    name = os.path.basename(name) or "train.py"
    _write(name, text)
    found = json.loads(_printed("--output-format", "json", name))
    # SARIF counts the lines of a notebook's file, which is what the editor shows.
    results = json.loads(_printed("--output-format", "sarif", name))["runs"][0]["results"]
    inspected = _printed("inspect", name)
    _printed("--fix", "--unsafe-fixes", name)
    with open(name, encoding="utf-8", newline="") as file:
        fixed = file.read()
    findings = [_finding(each, result) for each, result in zip(found["findings"], results, strict=True)]
    return json.dumps({"findings": findings, "fixed": fixed, "inspected": inspected, "unread": found["unread"]})


def _finding(each: dict, result: dict) -> dict:
    place = result["locations"][0]["physicalLocation"].get("region", {})
    region = [place.get("startLine", 1), place.get("startColumn", 1)]
    region += [place.get("endLine", region[0]), place.get("endColumn", region[1])]
    clause, rest = headline(each["message"])
    kept = {key: each[key] for key in ("code", "name", "level", "message", "fix", "url", "cell")}
    return kept | {"headline": clause, "details": rest, "region": region}


def _write(name: str, text: str) -> None:
    with open(name, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def _printed(*arguments: str) -> str:
    """What the command prints on standard output."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        main(list(arguments))
    return output.getvalue()
