"""What starts several processes, ends them, and refuses what they cannot do."""

import signal
import sys

import pytest

from train import pipeline
from train.processes import join, worker
from train.processes.launch import run_processes

WAITS = "import os, time\nif os.environ['LOCAL_RANK'] != '1': time.sleep(60)\n"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No variables of a launcher around the tests."""
    for name in ("LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)


def test_a_run_on_two_devices_starts_train_twice_with_the_same_arguments(
    tiny, corpus, tmp_path, monkeypatch
):
    started, called = [], {}
    monkeypatch.setattr(pipeline, "run_processes", lambda *given: started.append(given))
    out = tmp_path / "run"
    pipeline.train("lam", corpus.path, "smoke", out, devices=2, strategy="fsdp", minutes=0.5)
    ((count, nodes, command),) = started
    assert (count, nodes, command[:-1]) == (2, 1, [sys.executable, "-m", worker.__name__])
    assert not out.exists()
    monkeypatch.setattr(worker, "train", lambda **values: called.update(values))
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    assert worker.main(command[-1]) == 0
    assert called == {
        "stage": "lam", "corpus": str(corpus.path), "recipe": "smoke", "out": str(out),
        "devices": 2, "strategy": "fsdp", "minutes": 0.5,
    }  # fmt: skip


def test_an_error_of_a_process_is_one_line_and_a_stop_is_told_from_it(monkeypatch, capsys):
    for error, status in ((ValueError("no\nsuch"), 2), (KeyboardInterrupt(), 130)):

        def fail(error=error):
            raise error

        monkeypatch.setattr(worker, "train", fail)
        monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
        assert worker.main("{}") == status
    assert capsys.readouterr().err == "genie: no such\n"


@pytest.mark.parametrize(
    ("end", "error", "words"),
    [
        (
            "os.kill(os.getpid(), 9)",
            ValueError,
            "process 1 of 3 .* killed by SIGKILL.*--resume",
        ),
        ("os._exit(7)", ValueError, "process 1 of 3 .* ended with status 7"),
        ("os._exit(2)", SystemExit, "2"),
    ],
)
def test_the_bad_end_of_one_process_ends_all(end, error, words):
    with pytest.raises(error, match=words):
        run_processes(3, 1, [sys.executable, "-c", f"{WAITS}else: {end}"])


def test_processes_that_were_told_to_stop_are_waited_for():
    stop = "import os, time\ntime.sleep(0.5 * int(os.environ['LOCAL_RANK']))\nos._exit(130)"
    with pytest.raises(KeyboardInterrupt):
        run_processes(2, 1, [sys.executable, "-c", stop])


def test_every_process_knows_its_number_and_where_the_first_one_is(tmp_path):
    write = (
        "import os, pathlib, sys\n"
        "names = 'LOCAL_RANK WORLD_SIZE NODE_RANK MASTER_ADDR MASTER_PORT OMP_NUM_THREADS'\n"
        "values = [os.environ[name] for name in names.split()]\n"
        "pathlib.Path(sys.argv[1], values[0]).write_text(' '.join(values[1:]))\n"
    )
    run_processes(2, 1, [sys.executable, "-c", write, str(tmp_path)])
    first, second = ((tmp_path / name).read_text().split() for name in "01")
    assert first == second and first[:3] == ["2", "0", "127.0.0.1"] and int(first[3]) > 0


def test_several_machines_without_a_launcher_need_an_address(monkeypatch):
    monkeypatch.setenv("MASTER_ADDR", "host")
    with pytest.raises(ValueError, match="--nodes 2 without MASTER_PORT.*torchrun or srun"):
        run_processes(1, 2, [])


def test_other_processes_than_were_started_are_refused(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ValueError, match="has started 4 processes, --devices 1 and --nodes 1"):
        pipeline.train("lam", "none", "smoke", "run")


def test_more_devices_than_there_are_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(join.torch.cuda, "device_count", lambda: 2)
    assert [join.count_devices(devices) for devices in ("auto", 1, 2)] == [2, 1, 2]
    with pytest.raises(ValueError, match="--devices 3: this machine has 2 GPUs"):
        join.count_devices(3)
    monkeypatch.setattr(join.torch.cuda, "device_count", lambda: 0)
    assert [join.count_devices(devices) for devices in ("auto", 3)] == [1, 3]


def test_the_signal_of_a_stop_is_left_to_who_started_the_process(monkeypatch):
    set_to = {}
    monkeypatch.setattr(worker.signal, "signal", set_to.__setitem__)
    monkeypatch.setattr(worker, "train", lambda: None)
    assert worker.main("{}") == 0
    assert set_to == {signal.SIGINT: signal.SIG_IGN}
