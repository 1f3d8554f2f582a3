"""docs/ as a site: what it names is there, and it builds without a warning."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from genie.library.catalog import list_worlds

ROOT = Path(__file__).resolve().parents[1]


def test_every_page_is_named_once_and_is_there():
    nav = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")[1].split("\nexclude_docs")[0]
    named = re.findall(r"^  - (?:.+: )?(\S+)$", nav, flags=re.MULTILINE)
    assert sorted(named) == sorted(page.name for page in (ROOT / "docs").glob("*.md"))


def test_the_first_page_plays_every_world_that_ships_where_the_build_puts_them():
    names = [card.alias for card in list_worlds()]
    first = (ROOT / "docs" / "index.md").read_text()
    assert re.findall(r"<!-- world (\w+) -->", first) == names
    build = (ROOT / "CONTRIBUTING.md").read_text()
    assert f"for world in {' '.join(names)}; do genie export $world --web site/play-$world" in build


def test_it_builds_and_every_link_of_it_leads_somewhere(tmp_path):
    pytest.importorskip("material", reason="optional extra docs is not installed")
    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    result = subprocess.run(
        line, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stderr
    pages = [page.read_text() for page in tmp_path.rglob("index.html")]
    assert len(pages) == len(list((ROOT / "docs").glob("*.md")))
    asked = [
        place for page in pages for place in re.findall(r'(?:src|stylesheet" href)="(\w+:)', page)
    ]
    first = (tmp_path / "index.html").read_text()
    assert first.count('<iframe src="play-') == len(list_worlds())
    assert asked == [] and not list(tmp_path.rglob("*.py"))
