"""What a build made of the folder of ``footage.py``, beside what should have become of it."""

from pathlib import Path


def compare(out, expected):
    """Compare what a build made of the folder with what was planted.

    Returns:
        (complaints, figures): lines of what is wrong, and name -> (precision, recall).
    """
    from corpus.building.source_records import read_records

    records = {record.file: record for record in read_records(Path(out))}
    wrong = [f"{name}: unheard of" for name in expected.keys() - records.keys()]
    counts = {"cut": [0, 0, 0], "duplicate": [0, 0, 0], "static": [0, 0, 0]}
    for name, planted in expected.items():
        if name not in records:
            continue
        record = records[name]
        if planted.reason:
            if planted.reason not in record.left_out:
                wrong.append(f"{name}: left out for {record.left_out!r}, not {planted.reason!r}")
            continue
        if record.left_out:
            wrong.append(f"{name}: left out for {record.left_out!r}")
            continue
        if planted.note and not any(planted.note in note for note in record.notes):
            wrong.append(f"{name}: no note of {planted.note}: {record.notes}")
        wrong += [f"{name}: {line}" for line in _stretches(record, planted, counts)]
    figures = {}
    for kind, (right, false, missed) in counts.items():
        figures[kind] = (right / max(1, right + false), right / max(1, right + missed))
    return wrong, figures


def _stretches(record, planted, counts):
    """Compare one recording's stretches; yield what is wrong, and count."""
    fps, near = record.fps, 0.35  # seconds
    stretches = [(s.start / fps, s.stop / fps, s.decision, s.reason) for s in record.decided()]
    length = max([stop for _, stop in planted.good] + [span[1] for _, span in planted.bad])
    if abs(stretches[-1][1] - length) > near:
        yield f"{stretches[-1][1]:.2f} s of {length:.2f} s arrived"
    found = [start for start, _, decision, _ in stretches[1:] if decision == "keep"]
    edges = [stop for _, stop, decision, _ in stretches[:-1] if decision == "drop"]
    cuts = [at for at in found if at not in edges]
    starts = {start for start, _ in planted.good if start} & {stop for _, stop in planted.good}
    for at in starts:
        hit = any(abs(at - cut) < 1.5 / fps for cut in cuts)
        counts["cut"][0 if hit else 2] += 1
        if not hit:
            yield f"the cut at {at:.2f} s was not found"
    for cut in cuts:
        if not any(abs(at - cut) < 1.5 / fps for at in starts):
            counts["cut"][1] += 1
            yield f"a cut at {cut:.2f} s that is none"
    dropped = [s for s in stretches if s[2] == "drop"]
    for word, (start, stop) in planted.bad:
        kind = "duplicate" if word == "duplicate" else "static"
        covered = sum(max(0, min(stop, s[1]) - max(start, s[0])) for s in dropped if word in s[3])
        hit = covered > 0.8 * (stop - start)
        counts[kind][0 if hit else 2] += 1
        if not hit:
            yield f"{word} at {start:.1f} to {stop:.1f} s: {covered:.1f} s of it were dropped"
    for start, stop, _, reason in dropped:
        kind = "duplicate" if "duplicate" in reason else "static"
        in_good = sum(max(0, min(stop, b) - max(start, a)) for a, b in planted.good)
        if in_good > near:
            counts[kind][1] += 1
            yield f"{in_good:.1f} s of good footage were dropped for {reason!r}"
