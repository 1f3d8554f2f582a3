import pytest
import torch

from genie import device
from genie.device import check_precision, pick_device, pick_threads, unused_gpu


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


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "xpu", "meta", "mps", "cuda:2", "cpu:1"])
def test_no_other_name_is_a_device(gpus, monkeypatch, name):
    gpus(cuda=True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=f"--device {name} is not .*: choose auto, cpu, cuda$"):
        pick_device(name)


def test_of_several_gpus_one_is_chosen_by_its_number(gpus, monkeypatch):
    gpus(cuda=True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("cuda:1") == torch.device("cuda", 1)
    assert pick_device("cuda") == torch.device("cuda")
    gpus()
    with pytest.raises(ValueError, match="--device cuda:1 is not .*: choose auto, cpu$"):
        pick_device("cuda:1")


@pytest.mark.parametrize(
    ("capabilities", "fast"), [({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": 1}, True)]
)
def test_bfloat16_is_refused_where_it_would_be_slower(monkeypatch, capabilities, fast):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    cpu = torch.device("cpu")
    check_precision("float32", cpu)
    if fast:
        check_precision("bfloat16", cpu)
    else:
        with pytest.raises(ValueError, match="would be slower here: leave it out"):
            check_precision("bfloat16", cpu)
    for other in ("cuda", "mps"):
        with pytest.raises(ValueError, match="is for processors and GPUs"):
            check_precision("bfloat16", torch.device(other))
    with pytest.raises(ValueError, match="allowed are float32, bfloat16"):
        check_precision("int8", cpu)


def test_bfloat16_is_taken_on_a_gpu_that_multiplies_it_itself(monkeypatch):
    asked = []

    def supported(**how) -> bool:
        asked.append(how)
        return True

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    check_precision("bfloat16", torch.device("cuda"))
    assert asked == [{"including_emulation": False}]  # emulated it is slower


@pytest.mark.parametrize(
    ("seconds", "picked"),
    [({1: 3, 2: 5}, 1), ({1: 3, 2: 2, 4: 2.5}, 2), ({1: 3, 2: 2, 4: 1}, 4)],
)
def test_play_takes_more_threads_as_long_as_they_are_faster(monkeypatch, seconds, picked):
    now, used = [0.0], [4]

    def work():
        now[0] += seconds[used[0]]

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(device, "usable_cores", lambda: 4)
    monkeypatch.setattr(device.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: used.__setitem__(0, threads))
    assert pick_threads(work) == picked == used[0]


def test_a_user_s_own_number_of_threads_is_the_most(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    assert pick_threads(lambda: pytest.fail("nothing is to be compared")) == 1
