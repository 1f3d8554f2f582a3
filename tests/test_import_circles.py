"""No module imports one that imports it back, however far around, typing and functions included."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("spacetime", "corpus", "tokenizer", "lam", "dynamics", "genie", "train", "benchmarks")


def sources():
    """Path to source of every module of the project."""
    files = [ROOT / "play.py", *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]
    return {str(file.relative_to(ROOT)): file.read_text() for file in files}


def module_of(path):
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(path, source):
    """The dotted names that a file imports anywhere, absolute."""
    package = path.split("/")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def graph_of(files):
    """Module to the modules of the project that it imports, from path to source."""
    modules = {module_of(path) for path in files}

    def module_in(name):
        while name and name not in modules:
            name = name.rpartition(".")[0]
        return name

    return {
        module_of(path): {module_in(name) for name in imported(path, source)}
        - {"", module_of(path)}
        for path, source in files.items()
    }


def circles(graph):
    """Groups of modules that can all be reached from each other."""
    reached = {}
    for start in graph:
        seen, waiting = set(), [start]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        reached[start] = seen
    groups = {
        frozenset(other for other in reached[start] if start in reached[other])
        for start in graph
        if start in reached[start]
    }
    return sorted(sorted(group) for group in groups)


def test_there_is_no_circle_of_imports():
    graph = graph_of(sources())
    assert {name.split(".")[0] for name in graph} == {*ROOMS, "play"}
    assert circles(graph) == []


def test_circles_are_seen_through_functions_typing_and_packages():
    files = {
        "genie/a.py": "def f():\n    from genie import b",
        "genie/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import genie.c.d",
        "genie/c/__init__.py": "",
        "genie/c/d.py": "from ..a import f",
        "lam/x.py": "from lam import y\nfrom genie.a import f",
        "lam/y.py": "import torch",
        "lam/z.py": "from lam.z import x",
    }
    assert circles(graph_of(files)) == [["genie.a", "genie.b", "genie.c.d"]]
