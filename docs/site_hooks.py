"""For mkdocs: what a page has on the site only, or not there."""

import re
from typing import Any

PLAY = (
    '<iframe src="play-{0}/" loading="lazy" allow="clipboard-write; fullscreen" title="{0}">'
    '</iframe><p><a href="play-{0}/">{0} on a page of its own</a></p>'
)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page's text as the site has it."""
    # Worlds lie beside the pages of the site, not in docs/.
    played = re.sub(r"<!-- world (\w+) -->", lambda found: PLAY.format(found[1]), markdown)
    # Of a link that leads out of docs/, to a file that the site lacks, the words are kept.
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", played)
