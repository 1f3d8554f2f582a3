"""The documents: their length, their links, and whether they name what is there."""

import re
from pathlib import Path

import pytest

from genie.play.game.window_keys import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("[be]*/README.md"))
]
ROOMS = (*(path.parent.name for path in ROOT.glob("*/__init__.py")), "benchmarks", "examples")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """A section of a page, without its heading."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[tuple[str, ...]]:
    """The rows of the tables in a text, without their headings."""
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:1] == "|"]
    stripped = [tuple(cell.strip() for cell in row) for row in cells]
    rules = [i for i, row in enumerate(stripped) if all(set(cell) <= set("-:") for cell in row)]
    return [row for i, row in enumerate(stripped) if i not in rules and i + 1 not in rules]


def anchors(text: str) -> set[str]:
    """What a link to a heading of a page may end in, as GitHub makes it."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: str, text: str) -> list[str]:
    """The relative links of a page that lead nowhere; images and headings count too."""
    links = re.findall(r"\]\((?![a-z]+:)([^)\s]+)\)", text)
    links += re.findall(r'src="(?![a-z]+:)([^"]+)"', text)
    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        there = target.exists() and (path or anchor)
        if not there or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


def tree_complaints(table: list[tuple[str, ...]], root: Path, rooms: tuple[str, ...]) -> list[str]:
    """What is wrong with a table of folders and top-level files, a line each.

    A row names a folder (`genie/play/`) or a file at the top; a description names files of its
    folder in backticks.
    """
    named = {row[0].strip("`"): row[1] for row in table}
    files = [file for room in rooms for file in (root / room).rglob("*.py")]
    folders = {f"{file.parent.relative_to(root).as_posix()}/" for file in files}
    top = {file.name for kind in ("*.py", "*.md", "*.toml", "LICENSE") for file in root.glob(kind)}
    complaints = [f"no row: {path}" for path in sorted((folders | top) - set(named))]
    for path, description in named.items():
        if not (root / path).exists() or path.endswith("/") != (root / path).is_dir():
            complaints.append(f"no such path: {path}")
        if not description:
            complaints.append(f"no description: {path}")
        for file in re.findall(r"`([\w.]+\.(?:py|md|json|yaml))`", description):
            if not (root / path / file).exists():
                complaints.append(f"no such file: {path}{file}")
    return complaints


@pytest.mark.parametrize(("page", "most"), [("README.md", 120), ("docs/architecture.md", 200)])
def test_pages_that_are_read_first_are_short(page, most):
    assert len(read(page).splitlines()) <= most


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert broken_links(page, read(page)) == []


def test_the_glossary_has_at_most_40_words():
    words = rows(section(read("docs/architecture.md"), "Words"))
    assert 20 < len(words) <= 40
    assert len({word for word, *_ in words}) == len(words)


def test_the_tree_describes_every_folder_and_every_top_level_file():
    table = rows(section(read("docs/architecture.md"), "The tree"))
    assert tree_complaints(table, ROOT, ROOMS) == []


def test_files_to_open_for_a_change_exist():
    places = section(read("docs/architecture.md"), "Where to go for which change")
    named = re.findall(r"`([\w./]+(?:/|\.\w+))`", places)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_lab_note_has_a_row_in_the_index():
    text = read("docs/lab-notes.md")
    index = section(text, "Index by question")
    entries = re.findall(r"^## \d{4}-\d\d-\d\d · .+$", text, flags=re.MULTILINE)
    linked = re.findall(r"\]\(#(\d{4}-[^)]+)\)", index)
    assert len(entries) > 50
    assert sorted(linked) == sorted(anchor for entry in entries for anchor in anchors(entry))
    for question, date, answer in rows(index):
        assert f"(#{date}--" in question
        assert 1 <= len(answer.split()) <= 12, answer


def test_the_guide_explains_every_key_of_the_window():
    table = rows(section(read("docs/guide.md"), "Play in the window"))
    named = {cap for row in table for cap in re.split(r", | and ", row[0])}
    named |= {row[0] for row in table}
    assert {command.caps for command in COMMANDS.values()} - named - {","} == set()


# The checks themselves ----------------------------------------------------------------------------


def test_a_link_to_a_missing_file_or_heading_is_seen():
    text = "[a](README.md) [b](none.md) [c](README.md#no-such) [d](https://x.y) [e](#here)\n# Here"
    assert broken_links("README.md", text) == ["none.md", "README.md#no-such", "#here"]


def test_a_missing_stale_or_empty_row_of_the_tree_is_seen(tmp_path):
    for file in ("play.py", "room/a.py", "room/inner/b.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    good = [("`play.py`", "plays"), ("`room/`", "`a.py`: a"), ("`room/inner/`", "b")]
    assert tree_complaints(good, tmp_path, ("room",)) == []
    for bad, complaint in (
        (good[:2], "no row: room/inner/"),
        (good[1:], "no row: play.py"),
        ([*good, ("`room/gone/`", "x")], "no such path: room/gone/"),
        ([*good[:2], ("`room/inner/`", "")], "no description: room/inner/"),
        ([*good[:2], ("`room/inner/`", "`c.py`: c")], "no such file: room/inner/c.py"),
    ):
        assert tree_complaints(bad, tmp_path, ("room",)) == [complaint]
