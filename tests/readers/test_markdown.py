"""The commands that a page shows, where they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.readers.markdown import shell_of
from lora_lint.source import SourceFile

PAGE = """\
Run `python none.py`:

```bash
$ python train.py --rank 8 \\
    --token <your token>
```

1. or
   ~~~
   python other.py
   ```
   ~~~

```python
python = "no command"
```
python text.py
"""


def shown(text: str) -> str:
    return shell_of(SourceFile("README.md", "shell", text.encode())).text


def test_commands_are_where_they_are_written() -> None:
    text = shown(PAGE)
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), 1) if line.strip()}
    assert lines == {
        4: "python train.py --rank 8 \\",
        5: "--token $___________",
        10: "python other.py",
        11: "```",
    }
    for command in ("python train.py", "python other.py"):
        assert text.index(command) == PAGE.index(command)


@pytest.mark.parametrize("language", ["", "sh", "Bash", " shell ", "{.bash}", "console"])
def test_languages_of_a_shell(language: str) -> None:
    assert shown(f"```{language}\npython train.py\n```\n").strip() == "python train.py"


@pytest.mark.parametrize("language", ["python", "yaml", "diff"])
def test_other_languages(language: str) -> None:
    assert shown(f"```{language}\npython train.py\n```\n").strip() == ""


@given(st.lists(st.sampled_from(["```", "~~~~", "```sh", "$ a <b> é", "x", "> ```", "\r", ""])).map("\n".join))
def test_any_page_keeps_its_places(text: str) -> None:
    data = text.encode()
    found = shell_of(SourceFile("README.md", "shell", data)).utf8
    assert len(found) == len(data)
    assert [at for at, byte in enumerate(found) if byte in b"\r\n"] == [
        at for at, byte in enumerate(data) if byte in b"\r\n"
    ]
