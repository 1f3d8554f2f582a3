"""Corpora on object storage: copied there, and read where they lie."""

import json
import shutil

import numpy as np
import pytest

from corpus.build import build_corpus
from corpus.building.summary import summarize, write_decisions
from corpus.storage import copy_corpus, file_sizes, location
from corpus.store import Corpus
from corpus.verify import quick_check, verify


@pytest.fixture(scope="module")
def bucket():
    """A bucket of a server that speaks S3, on this machine."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        boto3.client("s3").create_bucket(Bucket="corpora")
        yield "s3://corpora"
    server.stop()


def test_a_corpus_is_copied_to_object_storage_and_read_there(tmp_path, drawn, bucket):
    actions = [np.arange(length - 1) for length in (40, 70, 5)]
    frames = drawn.make_corpus(tmp_path / "here", [40, 70, 5], actions=actions)
    url = copy_corpus(tmp_path / "here", f"{bucket}/there", progress=False)
    corpus, local = Corpus.open(str(url)), Corpus.open(tmp_path / "here")
    assert (corpus.read(0, corpus.num_frames) == frames).all()
    assert corpus.fingerprint == local.fingerprint and corpus.provenance == local.provenance
    assert corpus.has_true_actions
    assert (corpus.true_actions() == local.true_actions()).all()
    quick_check(corpus)
    verify(str(url), progress=False)
    copy_corpus(url, tmp_path / "back", progress=False)
    assert drawn.tree(tmp_path / "back") == drawn.tree(tmp_path / "here")
    with pytest.raises(FileExistsError, match="never written twice"):
        copy_corpus(tmp_path / "here", url, progress=False)


def test_a_chunk_that_is_missing_there_is_found(tmp_path, drawn, bucket):
    drawn.make_corpus(tmp_path / "here", [70])
    shutil.rmtree(tmp_path / "here" / "frames" / "none", ignore_errors=True)
    (tmp_path / "here" / "frames" / "c.1.0.0.0").unlink()
    url = copy_corpus(tmp_path / "here", f"{bucket}/torn", progress=False)
    with pytest.raises(ValueError, match="damaged"):
        quick_check(Corpus.open(url))


def test_an_interrupted_copy_is_no_corpus_and_goes_on(tmp_path, drawn, monkeypatch):
    drawn.make_corpus(tmp_path / "here", [70, 70])
    copy = sys_copy = shutil.copyfileobj
    done = []

    def broken(reading, writing):
        if len(done) == 3:
            raise OSError("the network is gone")
        done.append(reading)
        copy(reading, writing)

    monkeypatch.setattr("corpus.storage.shutil.copyfileobj", broken)
    with pytest.raises(OSError, match="network"):
        copy_corpus(tmp_path / "here", tmp_path / "there", progress=False)
    with pytest.raises(ValueError, match="not a corpus"):
        Corpus.open(tmp_path / "there")
    monkeypatch.setattr("corpus.storage.shutil.copyfileobj", sys_copy)
    copy_corpus(tmp_path / "here", tmp_path / "there", progress=False)
    assert drawn.tree(tmp_path / "there") == drawn.tree(tmp_path / "here")


def test_an_interrupted_copy_does_not_go_on_with_another_corpus(tmp_path, drawn, monkeypatch):
    drawn.make_corpus(tmp_path / "a", [64, 64], seed=1)
    drawn.make_corpus(tmp_path / "b", [64, 64], seed=50)
    copy, done = shutil.copyfileobj, []

    def broken(reading, writing):
        if len(done) == 4:
            raise OSError("the network is gone")
        done.append(reading)
        copy(reading, writing)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="network"):
        patch.setattr("corpus.storage.shutil.copyfileobj", broken)
        copy_corpus(tmp_path / "a", tmp_path / "there", progress=False)
    with pytest.raises(ValueError, match="there is an interrupted copy of another corpus"):
        copy_corpus(tmp_path / "b", tmp_path / "there", progress=False)
    copy_corpus(tmp_path / "a", tmp_path / "there", progress=False)
    assert drawn.tree(tmp_path / "there") == drawn.tree(tmp_path / "a")


def test_what_an_older_version_left_of_a_copy_is_copied_anew(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "a", [64, 64], seed=1)
    drawn.make_corpus(tmp_path / "b", [64, 64], seed=50)
    shutil.copytree(tmp_path / "a", tmp_path / "there")
    (tmp_path / "there" / "zarr.json").unlink()
    copy_corpus(tmp_path / "b", tmp_path / "there", progress=False)
    assert drawn.tree(tmp_path / "there") == drawn.tree(tmp_path / "b")


def test_decisions_of_a_corpus_on_object_storage_are_written(tmp_path, drawn, bucket):
    drawn.write_video(tmp_path / "a.mp4", drawn.noise(9))
    build_corpus([tmp_path / "a.mp4"], tmp_path / "here", (16, 24), progress=False)
    url = str(copy_corpus(tmp_path / "here", f"{bucket}/built", progress=False))
    assert summarize(url) == summarize(tmp_path / "here") != []
    assert "a.mp4,0.000,0.600,keep," in write_decisions(url, tmp_path / "d.csv").read_text()


def test_what_is_no_corpus_is_not_copied(tmp_path):
    with pytest.raises(FileNotFoundError, match="no corpus"):
        copy_corpus(tmp_path, tmp_path / "there", progress=False)


def test_sizes_are_those_of_the_files(tmp_path, drawn):
    drawn.make_corpus(tmp_path / "here", [40])
    sizes = file_sizes(tmp_path / "here")
    assert sizes == {name: len(data) for name, data in drawn.tree(tmp_path / "here").items()}
    json.loads((location(tmp_path / "here") / "zarr.json").read_text())
