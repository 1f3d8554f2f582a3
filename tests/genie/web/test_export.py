"""What an exported folder holds, and what is refused."""

import hashlib
import json
import os
import shutil
import tarfile

import numpy as np
import pytest
import torch

from genie import cli
from genie.library.user_paths import OVERRIDE
from genie.web import runtime
from genie.web.export import PAGE, export_page
from genie.web.graphs import world_graphs
from genie.world import World

GRAPHS = {"draft", "commit", "decode", "encode"}


@pytest.fixture
def any_runtime(monkeypatch, tmp_path):
    """Files that pass for onnxruntime-web, in an unpacked package."""
    (tmp_path / "package" / "dist").mkdir(parents=True)
    (tmp_path / "package" / "dist" / "a.mjs").write_bytes(b"code")
    monkeypatch.setattr(runtime, "FILES", {"a.mjs": hashlib.sha256(b"code").hexdigest()})
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "home"))
    return tmp_path / "package"


def test_a_page_is_whole(page, mapped_world):
    world = World.load(mapped_world)
    names = {file.name for file in (page / "world").iterdir()}
    prompts = {f"prompt-{n:02d}.png" for n in range(2)}
    assert names == {f"{graph}.onnx" for graph in GRAPHS} | {"weights.bin", "world.json"} | prompts
    record = json.loads((page / "world" / "world.json").read_text())
    assert record["fingerprint"] == world.bundle.fingerprint
    assert [prompt["file"] for prompt in record["prompts"]] == sorted(prompts)
    assert record["prompts"][1]["ids"] == world.see(world.bundle.prompts[1])[0].tolist()
    here = {file.relative_to(PAGE) for file in PAGE.rglob("*") if file.is_file()}
    assert all((page / file).read_bytes() == (PAGE / file).read_bytes() for file in here)


def test_graphs_compute_what_the_models_do(page, mapped_world):
    onnxruntime = pytest.importorskip("onnxruntime", reason="optional extra web: onnxruntime")
    generator = torch.Generator().manual_seed(0)
    for name, graph in world_graphs(World.load(mapped_world).bundle).items():
        inputs = {key: drawn_like(value, generator) for key, value in graph.inputs.items()}
        with torch.no_grad():
            expected = graph.module(*inputs.values())
        expected = expected if isinstance(expected, tuple) else (expected,)
        session = onnxruntime.InferenceSession(page / "world" / f"{name}.onnx")
        found = session.run(None, {key: value.numpy() for key, value in inputs.items()})
        for one, other in zip(expected, found, strict=True):
            assert one.shape == other.shape and np.allclose(one, other, atol=1e-4), name


def drawn_like(example, generator):
    if example.dtype is torch.float32:
        return torch.randn(example.shape, generator=generator)
    return torch.randint(4, example.shape, generator=generator).to(example.dtype)


def test_what_two_graphs_share_is_stored_once(page, mapped_world):
    bundle = World.load(mapped_world).bundle
    weights = sum(p.numel() for m in (bundle.dynamics, bundle.tokenizer) for p in m.parameters())
    assert (page / "world" / "weights.bin").stat().st_size < 2.1 * weights


def test_an_existing_folder_is_refused(mapped_world, tmp_path, any_runtime):
    with pytest.raises(FileExistsError, match="remove it"):
        export_page(mapped_world, tmp_path, any_runtime)
    with pytest.raises(FileNotFoundError, match="make the folder"):
        export_page(mapped_world, tmp_path / "none" / "page", any_runtime)


def test_an_export_that_fails_leaves_nothing(mapped_world, tmp_path, any_runtime, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("genie.web.export.write_graphs", fail)
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match="disk full"):
        export_page(mapped_world, tmp_path / "out" / "page", any_runtime)
    assert not list((tmp_path / "out").iterdir())


def test_models_of_another_kind_are_refused(bundle):
    class Other:
        pass

    with pytest.raises(ValueError, match="has a Other"):
        world_graphs(type("B", (), {"name": "x", "tokenizer": Other(), "dynamics": Other()}))


def test_a_runtime_of_another_version_is_refused(any_runtime, tmp_path):
    assert runtime.find_runtime(any_runtime) == any_runtime / "dist"
    (any_runtime / "dist" / "a.mjs").write_bytes(b"other code")
    with pytest.raises(ValueError, match=runtime.VERSION):
        runtime.find_runtime(any_runtime)
    with pytest.raises(FileNotFoundError, match="--runtime"):
        runtime.find_runtime(tmp_path)


def test_npm_fetches_the_runtime_once(any_runtime, tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "packed.tgz", "w:gz") as archive:
        archive.add(any_runtime, "package")
    (tmp_path / "bin").mkdir()
    npm = tmp_path / "bin" / "npm"
    npm.write_text(f'#!/bin/sh\n[ "$1" = pack ] && cp {tmp_path}/packed.tgz onnxruntime-web.tgz\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    kept = runtime.find_runtime()
    assert (kept / "a.mjs").read_bytes() == b"code"
    npm.write_text("#!/bin/sh\nexit 1\n")
    assert runtime.find_runtime() == kept
    (kept / "a.mjs").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=f"remove {kept}"):
        runtime.find_runtime()
    shutil.rmtree(kept)
    with pytest.raises(OSError, match="failed"):
        runtime.find_runtime()
    monkeypatch.setattr(runtime.shutil, "which", lambda _: None)
    with pytest.raises(FileNotFoundError, match="install npm"):
        runtime.find_runtime()


def test_the_command_wants_a_zip_or_a_page(capsys, monkeypatch, mapped_world, tmp_path):
    assert cli.main(["export", str(mapped_world)]) == 2
    assert "--web" in capsys.readouterr().err
    asked = []
    monkeypatch.setattr("genie.web.export.export_page", lambda *given: asked.append(given) or "p")
    page = tmp_path / "page"
    assert cli.main(["export", str(mapped_world), "--web", str(page)]) == 0
    assert asked == [(mapped_world, page, None)]
