from types import SimpleNamespace

from corpus.progress import Progress, track


def test_the_minutes_of_every_part_are_kept_in_their_order(monkeypatch):
    times = iter((0.0, 60.0, 100.0, 130.0))
    clock = SimpleNamespace(perf_counter=lambda: next(times))
    monkeypatch.setattr("corpus.progress.time", clock)
    progress = Progress()
    for name in ("speed", "rollouts"):
        with progress.part(name, 1) as tick:
            tick(1)
    assert list(progress.minutes.items()) == [("speed", 1.0), ("rollouts", 0.5)]


def test_a_part_is_named_from_its_start_where_no_bar_is_drawn(capsys):
    with Progress(visible=True).part("long play", 8000, "frames"):
        assert capsys.readouterr() == ("", "long play: 8,000 frames\n")
    with Progress().part("long play", 8000, "frames"):
        assert capsys.readouterr() == ("", "")


def test_a_bar_goes_to_stderr_and_a_hidden_one_nowhere(capsys):
    assert list(track(range(3), "counted", visible=False)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
    assert list(track("abc", "counted")) == ["a", "b", "c"]
    assert not capsys.readouterr().out
