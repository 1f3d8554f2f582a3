from benchmarks.play.soak import Sample, summarize


def test_growth_and_rates_are_taken_after_the_warm_up():
    samples = [
        Sample(
            seconds=10.0 * i,
            frames=int(200 * i if i < 50 else 10_000 + 100 * (i - 50)),
            megabytes=500.0 if i < 2 else 600.0 + i,
        )
        for i in range(101)
    ]
    found = summarize(samples, 7)
    assert found.growth_mb == 98
    assert (found.fps_early, found.fps_late) == (20, 10)
    assert found.records == 7
