"""Who may import whom: the table of docs/architecture.md as data, and a walk over all imports."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("tokenizer", "lam", "dynamics")
ROOMS = ("spacetime", "corpus", *MODELS, "genie", "train", "play.py", "benchmarks")
OURS = ("spacetime", "corpus", *MODELS, "genie", "train", "play")

# Room -> what it may import of ours, beside itself.
ALLOWED = {
    "spacetime": (),
    "corpus": ("spacetime.process",),
    "tokenizer": ("spacetime",),
    "lam": ("spacetime",),
    "dynamics": ("spacetime",),
    "genie": ("spacetime", "corpus", *MODELS),
    "genie/cli.py": ("spacetime", "corpus", *MODELS, "genie", "train"),
    "genie/corpus_commands.py": ("corpus", "genie", "train"),
    "train": ("spacetime", "corpus", *MODELS, "genie"),
    "play.py": ("genie.cli",),
    "benchmarks": ("spacetime", "corpus", *MODELS, "genie", "train"),
}
# Room -> all third-party modules that it may import; rooms without a line have doors only.
THIRD_PARTY = {
    "spacetime": ("torch", "einops", "vector_quantize_pytorch", "safetensors"),
    "tokenizer": ("torch", "einops"),
    "lam": ("torch", "einops"),
    "dynamics": ("torch", "einops"),
    "play.py": (),
}
# Third-party module -> the only paths that may import it.
DOORS = {
    "vector_quantize_pytorch": ("spacetime/quantize.py",),
    "safetensors": ("spacetime/weights.py",),
    "pygame": ("genie/play/screen/", "benchmarks/"),
    "lightning": ("train/",),
    "pytorch_lightning": (),
    "lightning_fabric": (),
    "jsonargparse": ("genie/cli.py", "train/"),
    "matplotlib": ("genie/media/charts.py", "genie/evaluate/report/plots.py"),
    "torchmetrics": ("genie/", "train/"),
    "zarr": ("corpus/", "train/"),
    "av": ("corpus/", "genie/", "benchmarks/"),
    "h5py": ("corpus/readers/hdf5.py",),
    "pyarrow": ("corpus/readers/",),
    "array_record": ("corpus/readers/array_record.py",),
    "ray": ("corpus/building/engine.py",),
    "upath": ("corpus/storage.py",),
    "imageio": ("corpus/", "genie/", "train/"),
    "gymnasium": ("corpus/", "genie/env/", "benchmarks/"),
    "scipy": ("train/moving_player/",),
    "huggingface_hub": ("genie/library/hub_client.py", "genie/library/push.py"),
    "onnx": ("genie/web/onnx_files.py",),
    "starlette": ("genie/serve/",),
    "uvicorn": ("genie/serve/run.py",),
    "websockets": ("benchmarks/",),
    "pickle": (),
}
# One of ours -> the only paths that may import it.
OWN_DOORS = {
    "genie.cli": ("play.py",),
    "genie.evaluate": ("genie/evaluate/", "genie/cli.py", "benchmarks/"),
    "genie.play": ("genie/play/", "genie/cli.py", "benchmarks/"),
    "genie.serve": ("genie/serve/", "genie/cli.py", "benchmarks/"),
    "train": ("train/", "genie/cli.py", "genie/corpus_commands.py", "benchmarks/"),
}
# Room or file -> what it may import only inside a function.
LAZY = {
    "corpus/": (
        "av",
        "imageio",
        "gymnasium",
        "h5py",
        "pyarrow",
        "array_record",
        "PIL",
        "ray",
        "upath",
    ),
    "genie/web/": ("onnx",),
    "genie/cli.py": ("train", "genie.play"),
    "genie/library/": ("huggingface_hub",),
    "genie/corpus_commands.py": ("train",),
    "genie/__init__.py": ("torch", "torchmetrics", "imageio", "rich", "genie"),
}


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported name, dotted and absolute, and where it stands."""

    name: str
    line: int
    in_function: bool


def within(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")


def below(path: str, places: tuple[str, ...]) -> bool:
    return any(path.startswith(place) if place.endswith("/") else path == place for place in places)


def is_standard(name: str) -> bool:
    return name.split(".")[0] in sys.stdlib_module_names


def names_of(node: ast.AST, package: list[str]) -> list[str]:
    """The absolute names that one statement or call imports."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            return [f"{stem}.{alias.name}" for alias in node.names]
        case ast.Call(args=[ast.Constant(value=str(name)), *_]):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            called = called.id if isinstance(called, ast.Name) else called
            return [name] if called in ("import_module", "__import__") else []
    return []


def imports(path: str, source: str) -> Iterator[Import]:
    """Every import of a file: statements anywhere, and literal calls of import_module."""
    package = path.split("/")[:-1]

    def walk(node: ast.AST, in_function: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            for name in names_of(child, package):
                yield Import(name=name, line=child.lineno, in_function=in_function)
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, in_function or function)

    return walk(ast.parse(source), False)


def room_of(path: str) -> str:
    return path if path in ALLOWED else path.split("/")[0]


def violations(path: str, source: str) -> list[str]:
    """What a file at `path` (relative to the root) imports against the table, a line each."""
    room = room_of(path)
    allowed = (*ALLOWED[room], room.removesuffix(".py"))
    found = []
    for item in imports(path, source):
        where = f"{path}:{item.line}: "
        own = item.name.split(".")[0] in OURS
        if own and not any(within(item.name, module) for module in allowed):
            found.append(f"{where}{room} may not import {item.name}")
        others = None if own or is_standard(item.name) else THIRD_PARTY.get(room)
        if others is not None and not any(within(item.name, module) for module in others):
            found.append(f"{where}{room} may not import {item.name}")
        for module, places in {**DOORS, **OWN_DOORS}.items():
            if within(item.name, module) and not below(path, places):
                found.append(f"{where}{module} may be imported in {places or 'no file'} only")
        for place, modules in LAZY.items():
            if item.in_function or not below(path, (place,)):
                continue
            if any(within(item.name, module) for module in modules):
                found.append(f"{where}{item.name} may be imported inside a function only")
    return found


def sources() -> list[str]:
    files = [ROOT / "play.py", *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]
    return sorted(str(file.relative_to(ROOT)) for file in files if file.exists())


def test_every_room_is_walked():
    assert {room_of(path) for path in sources()} >= set(ALLOWED) - {"benchmarks"}


def test_every_file_keeps_to_the_table():
    found = [line for path in sources() for line in violations(path, (ROOT / path).read_text())]
    assert not found, "\n".join(found)


def test_every_top_level_package_has_a_row():
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert packages <= set(ALLOWED)


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("spacetime/blocks.py", "import tokenizer.model", "spacetime may not import tokenizer"),
        ("corpus/store.py", "from spacetime import weights", "corpus may not import"),
        ("tokenizer/model.py", "from lam.model import X", "tokenizer may not import lam.model"),
        ("lam/model.py", "from dynamics import model", "lam may not import dynamics.model"),
        ("dynamics/model.py", "import corpus.clips", "dynamics may not import corpus.clips"),
        ("dynamics/model.py", "def f():\n    import lam", "dynamics may not import lam"),
        ("genie/world.py", "import train.pipeline", "genie may not import train.pipeline"),
        ("genie/world.py", "from genie.play import window", "genie.play may be imported"),
        ("genie/world.py", "from . import play", "genie.play may be imported"),
        ("genie/world.py", "from .play.window import X", "genie.play may be imported"),
        ("genie/play/screen/window.py", "from ... import cli", "genie.cli may be imported"),
        ("genie/play/screen/window.py", "from genie import cli", "genie.cli may be imported"),
        ("train/pipeline.py", "from genie.cli import main", "genie.cli may be imported"),
        ("train/pipeline.py", "def f():\n    import genie.play", "genie.play may be imported"),
        ("train/export.py", "from genie.evaluate.clips import X", "genie.evaluate may be imported"),
        ("genie/library/x.py", "import genie.evaluate.run", "genie.evaluate may be imported"),
        ("train/loop/curves.py", "import matplotlib", "matplotlib may be imported"),
        ("play.py", "import genie.world", "play.py may not import genie.world"),
        ("benchmarks/speed.py", "import genie.cli", "genie.cli may be imported"),
        ("spacetime/blocks.py", "import vector_quantize_pytorch", "vector_quantize_pytorch may be"),
        ("tokenizer/model.py", "from safetensors.torch import save_file", "safetensors may be"),
        ("genie/world.py", "import pygame.draw", "pygame may be imported"),
        ("genie/rollouts/rollout.py", "import gymnasium", "gymnasium may be imported"),
        (
            "genie/rollouts/rollout.py",
            "from lightning.pytorch import Trainer",
            "lightning may be imported",
        ),
        ("genie/rollouts/rollout.py", "import jsonargparse", "jsonargparse may be imported"),
        ("genie/cli.py", "def f():\n    import huggingface_hub", "huggingface_hub may be imported"),
        ("genie/library/push.py", "import huggingface_hub", "inside a function only"),
        ("lam/model.py", "import numpy", "lam may not import numpy"),
        ("play.py", "import torch", "play.py may not import torch"),
        ("lam/model.py", "import pickle", "pickle may be imported in no file"),
        ("corpus/build.py", "import av", "av may be imported inside a function only"),
        ("corpus/build.py", "def f():\n    import h5py", "h5py may be imported in"),
        ("corpus/readers/hdf5.py", "import h5py", "inside a function only"),
        ("corpus/build.py", "if True:\n    import imageio.v3", "inside a function only"),
        ("genie/cli.py", "from train.pipeline import train", "inside a function only"),
        ("genie/cli.py", "class A:\n    import genie.play", "inside a function only"),
        ("genie/__init__.py", "import torch", "inside a function only"),
        ("genie/__init__.py", "from genie.world import World", "inside a function only"),
        ("lam/model.py", "__import__('tokenizer')", "lam may not import tokenizer"),
        ("lam/model.py", "importlib.import_module('corpus.x')", "lam may not import corpus"),
    ],
)
def test_a_forbidden_arrow_is_seen(path, source, complaint):
    found = violations(path, source)
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("spacetime/quantize.py", "from vector_quantize_pytorch import FSQ"),
        ("spacetime/blocks.py", "from .attention import X\nimport torch, einops"),
        ("tokenizer/model.py", "from spacetime.blocks import X\nfrom tokenizer import losses"),
        ("corpus/build.py", "def f():\n    import av\n    from imageio import v3"),
        ("genie/cli.py", "import jsonargparse\ndef f():\n    from train.pipeline import train"),
        ("genie/cli.py", "def f():\n    from genie.play.screen.window import X"),
        ("genie/play/screen/window.py", "import pygame\nfrom genie.world import World"),
        ("train/pipeline.py", "import lightning\nfrom genie.rollouts.rollout import Rollout"),
        ("play.py", "from genie.cli import main\nimport sys"),
        ("corpus/store.py", "layer('tokenizer')\nfrom playing import x"),
    ],
)
def test_an_allowed_arrow_is_let_through(path, source):
    assert violations(path, source) == []
