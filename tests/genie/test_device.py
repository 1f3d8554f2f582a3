import pytest
import torch

from genie.device import pick_device, unused_gpu


@pytest.fixture
def gpus(monkeypatch):
    """Say which GPUs there are."""

    def there(cuda=False, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return there


def test_a_mac_fits_on_its_processor_and_is_told_so(gpus):
    gpus(mps=True)
    assert pick_device().type == "cpu" and pick_device("mps").type == "mps"
    assert "(mps) is not used" in unused_gpu()


@pytest.mark.parametrize("cuda", [False, True])
def test_without_an_idle_gpu_nothing_is_said(gpus, cuda):
    gpus(cuda=cuda)
    assert unused_gpu() is None
    assert pick_device().type == ("cuda" if cuda else "cpu")


def test_a_device_that_is_not_there_is_refused(gpus):
    gpus()
    with pytest.raises(ValueError, match="--device mps is not available here"):
        pick_device("mps")
