"""Functions that something else calls: threads, processes, executors, queues of jobs, pages and requests."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Run

TRAIN = """
def train(name="gpt2", rank=4):
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(name), LoraConfig(r=rank))
    Trainer(model=model).train()
"""


def read_runs(program: str, folder: Path | None = None) -> tuple[Run, ...]:
    head = IMPORTS + "from transformers import Trainer\n"
    return read_python(head + TRAIN + textwrap.dedent(program), folder).runs


@pytest.mark.parametrize(
    "program",
    [
        'import threading\nthreading.Thread(target=train, args=("gpt2", 8)).start()',
        'from threading import Thread\nThread(target=train, kwargs={"rank": 8}, daemon=True).start()',
        'from threading import Timer\nTimer(60, train, ["gpt2", 8]).start()',
        'import multiprocessing\nmultiprocessing.Process(target=train, args=("gpt2", 8)).start()',
        'import multiprocessing as mp\nmp.get_context("spawn").Process(target=train, args=("gpt2", 8)).start()',
        'import torch.multiprocessing as mp\nmp.Process(target=train, args=("gpt2", 8)).start()',
        "import torch.multiprocessing as mp\ndef work(number, rank):\n    train(rank=rank)\nmp.spawn(work, args=(8,))",
        'from multiprocessing import Pool\nwith Pool(2) as pool:\n    pool.starmap(train, [("gpt2", 8)])',
        'from multiprocessing import Pool\nPool(2).apply_async(train, ("gpt2",), {"rank": 8})',
        "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(train, rank=8)",
        'from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor() as pool:\n    pool.map(train, ["gpt2"], [8])',
        'import asyncio\nasync def main():\n    await asyncio.to_thread(train, "gpt2", 8)\nasyncio.run(main())',
        'import asyncio\nasync def main():\n    loop = asyncio.get_running_loop()\n    await loop.run_in_executor(None, train, "gpt2", 8)\n'
        "asyncio.run(main())",
        "def start(jobs):\n    jobs.add_task(train, rank=8)",
        "def start(jobs):\n    jobs.submit(train, rank=8)",
        "train.delay(rank=8)",
        "train.remote(rank=8)",
        "train.options(num_gpus=1).remote(rank=8)",
        'train.apply_async(args=("gpt2", 8))',
        'import gradio as gr\nrank = gr.Slider(1, 64, 8)\ngr.Button("Train").click(train, [gr.Textbox("gpt2"), rank])',
        'import gradio as gr\ngr.Interface(fn=train, inputs=[gr.Textbox("gpt2"), gr.Number(value=8)])',
        'import streamlit as st\nrank = st.slider("Rank", 1, 64, 8)\nif st.button("Train"):\n    train(rank=rank)',
        'import streamlit as st\nrank = st.sidebar.selectbox("Rank", [4, 8], index=1)\ntrain(rank=rank)',
        'import streamlit as st\nst.button("Train", on_click=train, args=("gpt2", 8))',
        'from flask import request\ndef start():\n    train(rank=request.json.get("rank", 8))',
        'from flask import request\ndef start():\n    data = request.get_json()\n    train(rank=data.get("rank", 8))',
        'from jsonargparse import ArgumentParser\nparser = ArgumentParser()\nparser.add_argument("--lora.rank", default=8)\n'
        "train(rank=parser.parse_args().lora.rank)",
    ],
)
def test_what_a_function_is_called_with(program: str) -> None:
    (run,) = read_runs(program)
    assert (plain(run.adapter.rank), plain(run.model.name)) == (8, "gpt2")


@pytest.mark.parametrize(
    "program",
    [
        'from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor()\nlist(pool.map(train, ["gpt2"] * 2, [8, 16]))',
        "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor()\n"
        "jobs = [pool.submit(train, rank=rank) for rank in (8, 16)]",
        "import ray\nray.get([train.remote(rank=rank) for rank in (8, 16)])",
    ],
)
def test_a_run_for_each_call(program: str) -> None:
    assert sorted(plain(run.adapter.rank) for run in read_runs(program)) == [8, 16]


@pytest.mark.parametrize(
    "program",
    [
        "import threading\nthreading.Thread(target=train, args=settings).start()",
        "from multiprocessing import Pool\nPool(2).starmap(train, jobs)",
        'import gradio as gr\ngr.Button("Train").click(train, [gr.Textbox("gpt2"), gr.Slider(1, 64)])',
        'import streamlit as st\ntrain(rank=st.selectbox("Rank", ranks))',
    ],
)
def test_arguments_that_are_not_known(program: str) -> None:
    assert plain(read_runs(program)[0].adapter.rank) is Unknown


def test_a_method_of_that_name_that_calls_nothing() -> None:
    """A function that a data set maps its rows with is not one that an executor calls."""
    assert plain(only(read_python(IMPORTS + TRAIN + "rows.map(train)\n")).adapter.rank) == 4


def test_settings_of_dynaconf(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('name = "gpt2"\n[lora]\nrank = 32\n')
    program = """
        from dynaconf import Dynaconf
        settings = Dynaconf(settings_files=["settings.toml"])
        train(settings.NAME, settings.lora.rank)
    """
    (run,) = read_runs(program, tmp_path)
    assert (plain(run.adapter.rank), plain(run.model.name)) == (32, "gpt2")


@pytest.mark.parametrize(
    "settings",
    [
        'model_config = SettingsConfigDict(env_file=".env", env_prefix="LORA_")',
        'model_config = {"env_file": ".env", "env_prefix": "lora_"}',
        'class Config:\n                env_file = ".env"\n                env_prefix = "LORA_"',
    ],
)
def test_settings_in_a_file_of_variables(settings: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LORA_RANK=32\nRANK=64\n")
    program = f"""
        from pydantic_settings import BaseSettings, SettingsConfigDict
        class Settings(BaseSettings):
            {settings}
            rank: int = 8
            name: str = "gpt2"
        settings = Settings()
        train(settings.name, settings.rank)
    """
    (run,) = read_runs(program, tmp_path)
    assert (plain(run.adapter.rank), plain(run.model.name)) == (32, "gpt2")
