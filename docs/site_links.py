"""For mkdocs: a page of the site does not link to files of the repository that the site lacks."""

import re
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page's text; of a link that leads out of docs/ the words are kept."""
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", markdown)
