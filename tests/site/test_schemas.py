"""The published schemas, as the language server that most editors use for YAML takes them."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.client import BaseLanguageClient

from tests.support.package import ROOT
from tests.support.scripts import script

HERE = Path(__file__).parent / "schemas"
CONFIG = "stage: sft\nfinetuning_type: lora\nlora_rnk: 8\n"


def test_every_schema_is_published_as_the_command_prints_it() -> None:
    from lora_lint.frameworks import keys

    published = script(ROOT / "site" / "build.py").schemas()
    assert published.keys() == {"settings", *keys.described_frameworks()}
    assert all(schema["$schema"].startswith("https://json-schema.org/") for schema in published.values())


@pytest.mark.process
@pytest.mark.slow
def test_a_yaml_server_underlines_a_misspelt_key_and_completes_one(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("needs Node and npm")
    shutil.copytree(HERE, tmp_path / "server", ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(["npm", "ci", "--silent", "--no-fund", "--no-audit"], cwd=tmp_path / "server", check=True)
    schema = tmp_path / "llamafactory.json"
    schema.write_text(json.dumps(script(ROOT / "site" / "build.py").schemas()["llamafactory"]), encoding="utf-8")
    text = f"# yaml-language-server: $schema={schema.as_uri()}\n{CONFIG}"
    messages, offered = asyncio.run(_asked(tmp_path / "server", (tmp_path / "train.yaml").as_uri(), text))
    assert any("lora_rnk" in message for message in messages)
    assert "lora_rank" in offered


async def _asked(server: Path, uri: str, text: str) -> tuple[list[str], list[str]]:
    """What the server says about a text, and the keys that it offers on a new line."""
    client = BaseLanguageClient("test", "1")
    said: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def _(found: types.PublishDiagnosticsParams) -> None:
        if found.diagnostics and not said.done():
            said.set_result(
                [each.message if isinstance(each.message, str) else each.message.value for each in found.diagnostics]
            )

    @client.feature(types.WORKSPACE_CONFIGURATION)
    def _(asked: types.ConfigurationParams) -> list[Any]:
        return [{"validate": True, "completion": True} if each.section == "yaml" else None for each in asked.items]

    await client.start_io(str(server / "node_modules" / ".bin" / "yaml-language-server"), "--stdio")
    able = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(configuration=True))
    await client.initialize_async(types.InitializeParams(capabilities=able))
    client.initialized(types.InitializedParams())
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "yaml", 1, text)))
    messages = await asyncio.wait_for(said, 120)
    where = types.Position(text.count("\n"), 0)
    completed = await client.text_document_completion_async(
        types.CompletionParams(types.TextDocumentIdentifier(uri), where)
    )
    await client.shutdown_async(None)
    client.exit(None)
    items = completed.items if isinstance(completed, types.CompletionList) else completed or ()
    return messages, [item.label for item in items]
