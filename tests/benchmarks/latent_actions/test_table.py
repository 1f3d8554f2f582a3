"""The page with the tables is what the lines say."""

from pathlib import Path

import benchmarks.latent_actions.table as table
from benchmarks.latent_actions.entries import ENTRIES
from benchmarks.lines import read_lines

ROOT = Path(__file__).parents[3]
LINES = read_lines(Path(table.__file__).with_name("results.jsonl"))


def test_the_page_has_the_tables_of_the_lines():
    page = (ROOT / "docs/yardstick.md").read_text(encoding="utf-8")
    assert page.endswith(table.markdown(LINES))
    assert (ROOT / "docs/yardstick.png").stat().st_size > 10_000
    assert all(f"`{entry}`" in page.partition("## The tables")[0] for entry in ENTRIES)
