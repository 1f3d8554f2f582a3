"""Worlds as pages, and what plays them: onnxruntime and node, where they are."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from genie.library.user_paths import data_folder
from genie.web import runtime as runtime_files
from genie.web.export import export_page

HERE = Path(__file__).parent
KEPT = data_folder() / "runtime"  # before a test names another home


@pytest.fixture(scope="session")
def runtime(small):
    """The user's own copy of onnxruntime-web; tests fetch nothing."""
    folder = KEPT / f"onnxruntime-web@{runtime_files.VERSION}"
    small.need("onnxruntime-web (genie export --web fetches it)", folder.is_dir())
    return folder


@pytest.fixture(scope="session")
def node(small):
    """Runs a script below this folder; its last argument is json; returns what it printed."""
    small.need("node", shutil.which("node"))

    def run(script, *arguments, given=None):
        command = ["node", "--no-warnings", str(HERE / script), *map(str, arguments)]
        done = subprocess.run(
            command, input=json.dumps(given), capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def rounded(models):
    """Models whose weights float16 and bfloat16 hold exactly."""
    for model in models.values():
        for weight in model.parameters():
            weight.data = weight.data.to(torch.bfloat16).float()
    return models


@pytest.fixture(scope="session")
def mapped_world(small, tmp_path_factory):
    """A small world with all that a page may have to do: a map, and a decoder that remembers."""
    moves = ((0, 0), (0, -1), (0, 1), (-1, 0))
    models = rounded(small.make_models(grid=(2, 3), moves=moves, fixed=(4,)))
    return small.write_world(tmp_path_factory.mktemp("mapped") / "w", models)


@pytest.fixture(scope="session")
def page(mapped_world, small, tmp_path_factory):
    """That world as a page, with onnxruntime-web if it is there."""
    small.need("onnx", importlib.util.find_spec("onnxscript"))
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # an export takes long: once for all workers
        shared = shared.parent
    kept = KEPT / f"onnxruntime-web@{runtime_files.VERSION}"
    with open(shared / "page.lock", "w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():  # then any folder passes for it
            patch.setattr(runtime_files, "FILES", {})
            kept = shared
        if not (shared / "page").exists():
            export_page(mapped_world, shared / "page", kept)
    return shared / "page"
