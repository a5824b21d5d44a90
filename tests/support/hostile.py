"""Input that is made to take a linter's time or memory, in batches that one process reads. Each batch is a folder."""

from __future__ import annotations

import json
import struct
from itertools import product
from typing import Any

LORA = "from peft import LoraConfig, get_peft_model\n"
BROKEN = LORA + "config = LoraConfig(r=8, lora_alpha=0)\n"
LLAMA = "meta-llama/Llama-2-7b-hf"
TRAINED = (
    LORA
    + f"from transformers import AutoModelForCausalLM\nmodel = AutoModelForCausalLM.from_pretrained('{LLAMA}')\n"
    + "model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, {}))\n"
)
ENDLESS = (r"([\w.]+)+\.q_proj", r"(\w+\.?)+!", r"(.*.*)*\d!")
"""These never end in any setting; the ones of SLOW end in some."""
SLOW = (r".*\.(\w+\.?)*q_proj", r"(\w|\w\w|\.)+!")
NAMES: dict[str, Any] = {"target_modules": ["q_proj", "v_proj"]}


def settings(pattern: str) -> dict[str, dict[str, Any]]:
    """A pattern in each setting that PEFT matches with names of modules."""
    return {
        "target_modules": {"target_modules": pattern},
        "exclude_modules": NAMES | {"exclude_modules": pattern},
        "modules_to_save": NAMES | {"modules_to_save": [pattern]},
        "layers_pattern": NAMES | {"layers_to_transform": [1], "layers_pattern": pattern},
        "rank_pattern": NAMES | {"rank_pattern": {pattern: 4}},
        "alpha_pattern": NAMES | {"alpha_pattern": {pattern: 4}},
    }


def _regexes() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for number, pattern in enumerate((*ENDLESS, *SLOW)):
        for field, given in settings(pattern).items():
            if pattern in SLOW and field not in ("target_modules", "exclude_modules"):
                continue
            arguments = ", ".join(f"{key}={value!r}" for key, value in given.items())
            files[f"{field}{number}.py"] = TRAINED.format(arguments).encode()
            adapter = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "base_model_name_or_path": LLAMA, **given}
            files[f"{field}{number}/adapter_config.json"] = json.dumps(adapter).encode()
        axolotl = {
            "base_model": LLAMA,
            "adapter": "lora",
            "lora_r": 8,
            "lora_alpha": 16,
            "lora_target_modules": pattern,
            "unfrozen_parameters": [pattern],
            "datasets": [],
        }
        files[f"axolotl{number}.yaml"] = json.dumps(axolotl).encode()
    return files


def _deep() -> dict[str, bytes]:
    """Depth in every form. Sums and chains of `elif` are as deep as they are long, and are read."""
    depth = 3000
    inner = {
        "list": "[" * depth + "1" + "]" * depth,
        "dict": "{1: " * depth + "1" + "}" * depth,
        "call": "f(" * depth + "1" + ")" * depth,
        "lambda": "lambda: " * depth + "1",
        "not": "not " * depth + "1",
        "ternary": "1 if a else " * depth + "1",
        "subscript": "a" + "[0]" * depth,
        "chained": "a" + ".b()" * depth,
        "compare": "1 < " * depth + "1",
        "await": "(" * 90 + "a" + ")" * 90,
        "comprehension": "[" * 60 + "a" + " for a in b]" * 60,
        "fstring": "f'{" + "(" * 150 + "1" + ")" * 150 + "}'",
        "boolean": " and ".join(["a", "b"] * depth),
    }
    files = {f"{name}.py": f"{BROKEN}x = {text}\n".encode() for name, text in inner.items()}
    files["decorators.py"] = (BROKEN + "@d\n" * depth + "def f(): pass\n").encode()
    files["functions.py"] = (
        BROKEN + "".join(" " * n + f"def f{n}():\n" for n in range(90)) + " " * 90 + "pass\n"
    ).encode()
    yaml = "base_model: a/b\nadapter: lora\nlora_r: 8\nlora_alpha: 16\n"
    files["maps.yaml"] = (yaml + "".join("  " * n + "a:\n" for n in range(500))).encode()
    files["flow.yaml"] = (yaml + "x: " + "{a: " * depth + "1" + "}" * depth + "\n").encode()
    files["objects.json"] = ('{"peft_type": "LORA", "x": ' + '{"a": ' * depth + "1" + "}" * depth + "}").encode()
    cells = [{"cell_type": "code", "source": f"{BROKEN}x = {inner['list']}"}]
    files["deep.ipynb"] = json.dumps({"cells": cells, "metadata": {}}).encode()
    files["groups.sh"] = ("python train.py --lora_r 8\n" + "{ " * depth + "true" + "; }" * depth).encode()
    return files


READ = {
    "sum.py": LORA + "x = " + " + ".join(["1"] * 500) + "\nLoraConfig(r=x, lora_alpha=0)\n",
    "text.py": LORA + "x = " + " + ".join(["'a'"] * 900) + "\nLoraConfig(r=8, lora_alpha=0, target_modules=[x])\n",
    "elif.py": LORA
    + "if a == 0:\n    r = 1\n"
    + "".join(f"elif a == {n}:\n    r = {n}\n" for n in range(1, 200))
    + "LoraConfig(r=8, lora_alpha=0)\n",
    "known_elif.py": LORA
    + "a = 199\nif a == 0:\n    r = 1\n"
    + "".join(f"elif a == {n}:\n    r = {n}\n" for n in range(1, 200))
    + "LoraConfig(r=r, lora_alpha=0)\n",
    "diamonds.py": LORA
    + "class A0: pass\nclass B0: pass\n"
    + "".join(f"class A{n}(A{n - 1}, B{n - 1}): pass\nclass B{n}(A{n - 1}, B{n - 1}): pass\n" for n in range(1, 40))
    + "class C(A39, B39):\n    r = 8\nc = C()\nx = c.nothing\nLoraConfig(r=c.r, lora_alpha=0)\n",
    "combinator.py": LORA
    + "Y = lambda f: (lambda x: x(x))(lambda x: f(lambda *a: x(x)(*a)))\n"
    + "power = Y(lambda f: lambda n: 1 if n == 0 else 2 * f(n - 1))\nLoraConfig(r=power(1000), lora_alpha=0)\n",
    "lambdas.py": LORA
    + "".join(f"f{n} = lambda x: f{n + 1}(x) + f{n + 1}(x)\n" for n in range(60))
    + "f60 = lambda x: x\nLoraConfig(r=f0(1), lora_alpha=0)\n",
    "thousand_keys.py": TRAINED.format(
        "target_modules=['q_proj'], rank_pattern={f'model.layers.{n}.self_attn.q_proj': 4 for n in range(50)}"
    )
    + "LoraConfig(r=8, lora_alpha=0)\n",
}
"""Read to the end, where LL105 is found."""


def _wide() -> dict[str, bytes]:
    """Values that are small to write and large to hold."""
    end = "\nLoraConfig(r=8, lora_alpha=0)\n"
    texts = {
        "cube": "x = [[[0] * 1000] * 1000] * 1000\nLoraConfig(target_modules=x)",
        "tower": "x = [0]\n" + "x = [x] * 500\n" * 8 + "LoraConfig(rank_pattern={'a': x})",
        "extends": "x = [1]\nfor i in range(60):\n    x.extend(x)\nLoraConfig(r=len(x))",
        "adds": "x = ['a']\n" + "x += x\n" * 60 + "LoraConfig(target_modules=x)",
        "appends": "x = []\n" + "y = [x] * 60\nx = [y] * 60\n" * 6 + "LoraConfig(target_modules=x)",
        "defaults": "x = [0]\n" + "x = [x] * 500\n" * 6 + "def main(a=x):\n    LoraConfig(target_modules=a)",
        "copies": "import copy\nx = [0]\n"
        + "x = [x] * 500\n" * 6
        + "y = copy.deepcopy(x)\nLoraConfig(target_modules=y)",
        "branches": "x = [0]\ny = [0]\n"
        + "x = [x] * 500\ny = [y] * 500\n" * 6
        + "z = x if a else y\nLoraConfig(target_modules=z)",
        "products": "from itertools import product\nx = list(product(range(400), range(400), range(400)))",
        "grid": "from sklearn.model_selection import ParameterGrid\nfor g in ParameterGrid({'r': list(range(500)), "
        "'a': list(range(500)), 'b': list(range(500))}):\n    LoraConfig(r=g['r'])",
        "choices": "import optuna\ndef objective(trial):\n    r = trial.suggest_categorical('r', list(range(1, 500)))\n"
        "    a = trial.suggest_categorical('a', list(range(1, 500)))\n    LoraConfig(r=r, lora_alpha=a)",
        "dicts": "x = {'a': 1}\n" + "x = {'a': x, 'b': x, 'c': x}\n" * 20 + "LoraConfig(rank_pattern=x)",
        "format": "x = '{:>999}' * 900\nLoraConfig(target_modules=x.format(1))",
        "replace": "x = 'a' * 900\n" + "x = x.replace('a', 'aaaaaaaaa')\n" * 9 + "LoraConfig(target_modules=x)",
        "join": "x = 'a' * 90_000\ny = x.join([x] * 500)\nLoraConfig(target_modules=y)",
        "split": "x = ','.join(['a'] * 500)\nfor i in range(60):\n    x = x + x\nLoraConfig(target_modules=x.split(','))",
        "names": "\n".join(f"x{n} = {n}" for n in range(20_000)),
        "calls": "def f(x):\n    return [x, x, x]\n"
        + "x = f(1)\n"
        + "x = f(x)\n" * 40
        + "LoraConfig(target_modules=x)",
    }
    files = {f"{name}.py": f"{LORA}{text}{end}".encode() for name, text in texts.items()}
    axes = {f"lora_{n}": {"values": list(range(1, 400))} for n in range(5)}
    parameters = {"lora_r": {"values": list(range(1, 400))}, "lora_alpha": {"values": list(range(1, 400))}, **axes}
    files["sweep.yaml"] = json.dumps({"program": "train.py", "method": "grid", "parameters": parameters}).encode()
    files["train.py"] = (LORA + "import wandb\nLoraConfig(r=wandb.config.lora_r, lora_alpha=0)\n").encode()
    return files


def _numbers() -> dict[str, bytes]:
    numbers = {
        "hex": "0x" + "f" * 5000,
        "decimal": "9" * 4000,
        "negative": "-" + "9" * 4000,
        "float": "1e400",
        "tiny": "1e-400",
        "octal": "0o" + "7" * 5000,
        "power": "10 ** 10 ** 10",
        "shift": "1 << 999999999",
        "complex": "1e308j * 1e308",
        "nan": "float('nan')",
        "text": "int('9' * 10_000)",
    }
    files = {
        f"{name}_{key}.py": f"{LORA}LoraConfig(**{{'r': 8, 'lora_alpha': 16, '{key}': {number}}})\n".encode()
        for (name, number), key in product(numbers.items(), ("r", "lora_alpha", "lora_dropout"))
    }
    for name, number in {"big": "9" * 400, "bigger": "9" * 3999, "float": "1e400", "minus": "-" + "9" * 400}.items():
        for key in ("r", "lora_alpha", "lora_dropout"):
            files[f"{name}_{key}/adapter_config.json"] = f'{{"peft_type": "LORA", "{key}": {number}}}'.encode()
            axolotl = f"base_model: a/b\nadapter: lora\n{'lora_r' if key == 'r' else key}: {number}\ndatasets: []\n"
            files[f"{name}_{key}.yaml"] = axolotl.encode()
        files[f"{name}.sh"] = f"python train.py --lora_r {number} --lora_alpha {number}\n".encode()
    return files


def _bytes() -> dict[str, bytes]:
    return {
        "utf16.py": BROKEN.encode("utf-16"),
        "utf7.py": b"# coding: utf-7\n" + BROKEN.encode(),
        "rot13.py": b"# coding: rot13\n" + BROKEN.encode(),
        "bom_and_cookie.py": b"\xef\xbb\xbf# coding: latin-1\n" + BROKEN.encode(),
        "nuls.yaml": b"adapter: lora\0\nlora_r: 8\n" + b"\0" * 1000,
        "nuls.json": b'{"peft_type": "LORA", "r": 8}' + b"\0" * 1000,
        "nuls.sh": b"python train.py --lora_r 8\0\0\0\n",
        "controls.py": LORA.encode() + b"x = '" + bytes(range(14, 32)) + b"'\n",
        "half.json": b'{"peft_type": "LORA", "target_modules": ["\\ud800"]}',
        "hashes.py": BROKEN.encode() + b"#" * 1_000_000,
        "quotes.py": BROKEN.encode() + b"# " + b"'\"" * 400_000,
        "backslashes.py": BROKEN.encode() + b"\\\n" * 200_000,
        "dashes.sh": b"lora_r=8\n" + b"-" * 500_000,
        "assigned.sh": b"lora_" * 100_000,
        "colons.yaml": b"lora_r: 8\n" + b": " * 100_000,
        "braces.yaml": b"lora_r: 8\nx: " + b"{{" * 100_000,
        "tags.yaml": b"lora_r: 8\nx: " + b"!a " * 50_000,
        "anchors.yaml": b"lora_r: 8\nx: " + b"&a " * 50_000,
        "tabs.yaml": b"lora_r: 8\n" + b"\t" * 100_000,
        "lines.yaml": b"lora_r: 8\n" + b"\n" * 500_000,
        "aliases.yaml": b"a: &a {lora_r: 8, adapter: lora}\nb: [" + b"*a, " * 60_000 + b"]\n",
        "merged.yaml": b"a: &a {lora_r: 8}\n" + b"".join(b"k%d: {<<: *a}\n" % n for n in range(20_000)),
        "words.sh": b"for r in {1..60}; do for s in {1..60}; do python lora.py --lora_r $r --s $s; done; done\n",
        "long_command.sh": b"python train.py --lora_r 8 " + b"--x y " * 100_000,
        "here.sh": b"cat <<E\n" * 5_000 + b"python train.py --lora_r 8\n",
    }


def _notebooks() -> dict[str, bytes]:
    def cells(*given: Any, **more: Any) -> bytes:
        return json.dumps({"cells": list(given), "metadata": {}, **more}).encode()

    code = {"cell_type": "code", "source": BROKEN}
    return {
        "lists.ipynb": cells([[[]]], code),
        "numbers.ipynb": cells({"cell_type": 1, "source": 2}, {"cell_type": "code", "source": 3}, code),
        "nested.ipynb": cells({"cell_type": "code", "source": [[BROKEN]]}, code),
        "outputs.ipynb": cells({**code, "outputs": [{"text": ["Num examples = 1,000 | Num Epochs = 3"] * 9999}]}),
        "odd_outputs.ipynb": cells({**code, "outputs": {"a": 1}}, {**code, "outputs": [1, None, {"text": 3}]}),
        "metadata.ipynb": cells(code, metadata={"language_info": [], "kernelspec": 3}),
        "format.ipynb": cells(code, nbformat="four", nbformat_minor=None),
        "sheets.ipynb": b'{"worksheets": [1, {"cells": null}, {"cells": [{"cell_type": "code", "input": "LoraConfig"}]}]}',
        "cut.ipynb": cells(code)[:-20],
        "many.ipynb": cells(*[{"cell_type": "code", "source": f"x = ({'['}"}] * 3_000, code),
        "magics.ipynb": cells({"cell_type": "code", "source": "!" * 100_000 + BROKEN}, code),
        "questions.ipynb": cells({"cell_type": "code", "source": "a.b" * 30_000 + "?" + BROKEN}, code),
    }


def _toml() -> dict[str, bytes]:
    """sd-scripts' settings, with what a reader of TOML may choke on below them."""
    start = (
        'pretrained_model_name_or_path = "x"\nnetwork_module = "networks.lora"\nnetwork_dim = 8\nnetwork_alpha = 8\n'
    )
    texts = {
        "lists": "x = " + "[" * 50_000 + "]" * 50_000,
        "inline": "x = " + "{a = " * 50_000 + "1" + "}" * 50_000,
        "dots": "a." * 50_000 + "b = 1\n",
        "tables": "".join(f"[t{n}.{'x.' * 50}y]\n" for n in range(8_000)),
        "arrays": "[[a]]\n" * 50_000,
        "twice": "network_dim = 4\n",
        "redefined": "[a]\nb = 1\n[a.b]\nc = 2\n",
        "long": "x = '" + "a" * 5_000_000 + "'\n",
        "lines": 'x = """' + "\n" * 100_000 + '"""\n',
        "quotes": "x = " + '"' * 100_001,
        "hashes": "#" * 900_000,
        "keys": "".join(f"k{n} = {n}\n" for n in range(60_000)),
        "number": "x = " + "9" * 100_000 + "\n",
        "date": "x = 1979-13-45T99:99:99\n",
        "half": 'x = "\\ud800"\n',
        "escapes": 'x = "\\u001b]0;x\\u0007\\u202e"\n',
        "empty_keys": "'' = 5\n\"\\u0000\" = 6\n",
        "nul": "x = 1\0\n",
        "open": "x = {a = [1, {b = '",
    }
    files = {f"{name}.toml": (start + text).encode() for name, text in texts.items()}
    return files | {"infinite.toml": start.replace("8", "inf").encode(), "latin.toml": start.encode() + b"x = '\xff'\n"}


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


SPARSE = 40 << 30
"""Bytes of the tensor that has no data on the disk."""


def _weights() -> dict[str, bytes]:
    """Adapters with weights that are damaged or lie. Those named sparse are made as large as they say."""
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"
    given = {"dtype": "F32", "shape": [4, 4], "data_offsets": [0, 64]}
    sparse = {"dtype": "F32", "shape": [SPARSE // 4], "data_offsets": [0, SPARSE]}
    weights = {
        "empty": b"",
        "short": b"\1\0",
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "endless": b"\xff" * 8 + b"{}",
        "no_json": safetensors(b"{" * 1000),
        "deep": safetensors(b'{"a":' * 50_000),
        "list": safetensors([]),
        "texts": safetensors({name: "F32"}),
        "negative": safetensors({name: {**given, "data_offsets": [-64, 0]}}, b"\0" * 64),
        "backwards": safetensors({name: {**given, "data_offsets": [64, 0]}}, b"\0" * 64),
        "cut": safetensors({name: given}, b"\0" * 10),
        "overlapping": safetensors({f"{name}{n}": given for n in range(20_000)}, b"\0" * 64),
        "wrong_shape": safetensors({name: {**given, "shape": [10**9, 10**9]}}, b"\0" * 64),
        "sparse": safetensors({name: sparse}),
        "sparse_overlap": safetensors({f"{name}{n}": sparse for n in range(50)}),
    }
    files: dict[str, bytes] = {}
    for folder, data in weights.items():
        files[f"{folder}/adapter_config.json"] = b'{"peft_type": "LORA", "r": 4, "lora_alpha": 8}'
        files[f"{folder}/adapter_model.safetensors"] = data
    return files


def _circles() -> dict[str, bytes]:
    files = {f"c{n}.py": f"{LORA}from c{(n + 1) % 30} import *\nfrom c{(n + 1) % 30} import r\n" for n in range(30)}
    files["pack/__init__.py"] = LORA + "from . import a, b\nfrom .a import *\n"
    files["pack/a.py"] = LORA + "from . import b\nfrom .b import r\nfrom . import *\n"
    files["pack/b.py"] = LORA + "from . import a\nfrom .a import r\nimport pack\nLoraConfig(r=pack.b.r)\n"
    files["star.py"] = LORA + "from star import *\nLoraConfig(r=r)\n"
    files["runs_itself.py"] = (
        LORA + "import subprocess\nsubprocess.run(['python', 'runs_itself.py', '--lora_r', '8'])\n"
    )
    files["a.sh"] = "bash b.sh --lora_r 8\nsource a.sh\npython runs_itself.py --lora_r 4\n"
    files["b.sh"] = "bash a.sh --lora_r 8\n. ./b.sh\n"
    files["model/config.json"] = '{"model_type": "llama", "_name_or_path": "model"}'
    files["adapter_config.json"] = '{"peft_type": "LORA", "r": 8, "base_model_name_or_path": "."}'
    files["conf/config.yaml"] = "defaults: [config, a]\nlora_r: 8\nadapter: lora\nx: ${x}\n"
    files["conf/a.yaml"] = "defaults: [config]\nlora_r: ${lora_r}\nadapter: lora\n"
    files["hydrated.py"] = (
        LORA + "import hydra\n@hydra.main(config_path='conf', config_name='config')\ndef main(cfg):\n"
        "    LoraConfig(r=cfg.lora_r)\nmain()\n"
    )
    return {name: text.encode() for name, text in files.items()}


STARS = "*a" * 25 + "*"
SETTINGS = f"""\
[tool.lora-lint]
exclude = ["{STARS}x", "**/{STARS}/**/{STARS}x", "[z-a]"]
per-file-ignores = {{ "{STARS}x" = ["LL1"] }}
"""

BATCHES: dict[str, dict[str, bytes]] = {
    "endless": {"noqa.py": BROKEN.encode() + b"# noqa " * 140_000},
    "regexes": _regexes(),
    "deep": _deep(),
    "read": {name: text.encode() for name, text in READ.items()},
    "wide": _wide(),
    "numbers": _numbers(),
    "bytes": _bytes(),
    "notebooks": _notebooks(),
    "toml": _toml(),
    "weights": _weights(),
    "circles": _circles(),
    "globs": {
        "pyproject.toml": SETTINGS.encode(),
        "a" * 200 + ".py": BROKEN.encode(),
        "a/" * 80 + "a" * 60 + ".py": BROKEN.encode(),
    },
}
