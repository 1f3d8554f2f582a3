"""Small sound inputs of every kind, to be damaged."""

from __future__ import annotations

import contextlib
import io
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from corpus.store import CorpusCard
from corpus.writing.writer import CorpusWriter
from dynamics.model import Dynamics, DynamicsConfig
from genie.drift import TokenLayout, build_statistics
from genie.library.archive import export_world
from genie.library.bundle import load_bundle
from genie.library.writer import write_bundle
from genie.session.header import new_header
from genie.settings import Settings
from genie.world import World
from lam.config import LatentActionConfig
from lam.keymap.keymap import KeyAction, Keymap
from lam.model import LatentActionModel
from tokenizer.model import Tokenizer, TokenizerConfig

SIZE = 16
READERS_DATA = Path(__file__).parents[1] / "corpus" / "readers" / "data"
RECIPE = Path(__file__).parents[2] / "train" / "recipes" / "smoke.yaml"


def noise(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def small_statistics():
    ids, ends = np.arange(800).reshape(200, 4) % 3, np.array([100, 200])
    layout = TokenLayout(num_codes=4, num_actions=2, grid=(2, 2))
    return build_statistics(ids, np.arange(200) % 2, ends, layout)


def write_world(path):
    torch.manual_seed(0)
    small = {"dim": 8, "heads": 2}
    tokenizer = TokenizerConfig(
        height=SIZE, width=SIZE, patch=8, levels=(2, 2), encoder_layers=1, decoder_layers=1, **small
    )
    lam = LatentActionModel(LatentActionConfig(height=SIZE, width=SIZE, num_actions=2, channels=2))
    lam.start_codes(torch.randn(64, 8))
    dynamics = DynamicsConfig(num_tokens=4, num_codes=4, num_actions=2, layers=1, band=2, **small)
    names = ("none", "right")
    write_bundle(
        path,
        {"tokenizer": Tokenizer(tokenizer), "lam": lam, "dynamics": Dynamics(dynamics)},
        settings=Settings(steps=1, unmask_order="random", temperature=1.0),
        keymap=Keymap(
            idle=0,
            actions=[KeyAction(id=i, name=n, keys=(n,), effect={}) for i, n in enumerate(names)],
        ),
        statistics=small_statistics(),
        prompts=list(noise(2)),
        info={"name": "small", "title": "Small", "fps": 15.0, "demo_keys": "right*2"},
    )


def write_corpus(path):
    card = CorpusCard(fps=15.0, source="noise", licence="none", options={})
    writer = CorpusWriter.create(path, (SIZE, SIZE), card, False)
    for seed in range(2):
        writer.add(noise(8, seed))
        writer.end_episode({"file": str(seed)})
    writer.finish()


def encode(kind, **options):
    out = io.BytesIO()
    frames = [Image.fromarray(frame) for frame in noise(3)]
    if kind in ("GIF", "WEBP", "PNG"):
        options |= {"save_all": True, "append_images": frames[1:]}
    frames[0].save(out, kind, **options)
    return out.getvalue()


def write_video(path):
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=15, options={"qp": "20", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        for frame in noise(8):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(stream.encode(None))


def write_footage(folder):
    """A small recording in each format beside videos whose library is installed."""
    shutil.copytree(READERS_DATA, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    frames, actions = noise(8), np.arange(8)
    np.savez_compressed(folder / "a.npz", frames=frames, actions=actions)
    np.save(folder / "a.npy", frames)
    (folder / "a.jsonl").write_text("".join(f'{{"action": {action}}}\n' for action in actions))
    (folder / "shots").mkdir()
    for number, frame in enumerate(frames[:3]):
        Image.fromarray(frame).save(folder / "shots" / f"{number}.png")
    with contextlib.suppress(ModuleNotFoundError):
        from array_record.python.array_record_module import ArrayRecordWriter

        writer = ArrayRecordWriter(str(folder / "a.array_record"), "group_size:1")
        record = {"raw_video": frames.tobytes(), "sequence_length": 8, "actions": actions}
        writer.write(pickle.dumps(record))
        writer.close()


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """A folder with one sound input of each kind."""
    root = tmp_path_factory.mktemp("sound")
    write_world(root / "world")
    export_world(root / "world", root / "world.zip")
    write_corpus(root / "corpus")
    world = World(load_bundle(root / "world"))
    world.reset(world.bundle.prompts[0])
    for _ in range(4):
        world.step(1)
    world.edit(np.array([1, -1, -1, 0]))
    world.step(1)
    state = world.save_state()
    (root / "state").mkdir()
    state.save(root / "state")
    session = state.to_session(new_header(world.bundle, 0, root / "world"))
    session.write(root / "s.session")
    (root / "recipe.yaml").write_text(RECIPE.read_text())
    (root / "videos").mkdir()
    for kind in ("mp4", "mkv", "avi", "ts"):
        write_video(root / "videos" / f"a.{kind}")
    (root / "videos" / "a.gif").write_bytes(encode("GIF"))
    write_footage(root / "footage")
    (root / "pictures").mkdir()
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP"):
        (root / "pictures" / f"{kind.lower()}.png").write_bytes(encode(kind))
    return root
