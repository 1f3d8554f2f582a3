"""What `genie evaluate` and `genie compare` refuse before a world is loaded."""

import pytest

from genie.evaluate.compare import compare
from genie.evaluate.run import evaluate


@pytest.fixture(autouse=True)
def no_loading(monkeypatch):
    def load(*_):
        pytest.fail("a world was loaded")

    for module in ("run", "compare"):
        monkeypatch.setattr(f"genie.evaluate.{module}.load_bundle", load)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"json": "file/r.json"}, "cannot write file/r.json"),
        ({"json": "."}, "it is a folder"),
        ({"plots": "file"}, "cannot write file/"),
        ({"corpus": "nowhere"}, "there is nothing at nowhere"),
    ],
)
def test_targets_and_corpora_are_looked_at_first(tmp_path, monkeypatch, given, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    values = {"corpus": tmp_path, **given}
    with pytest.raises(OSError, match=complaint):
        evaluate("miner", **values)
    if "plots" not in given:
        with pytest.raises(OSError, match=complaint):
            compare(["miner", "coinrun"], **values)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
