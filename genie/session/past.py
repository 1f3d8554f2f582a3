"""What a map of a world saw before a frame of a session."""

from dynamics.token_map import MapLayout, TokenMap
from genie.session.log import Session


def map_before(session: Session, record: int, layout: MapLayout) -> TokenMap:
    """Return the map of all frames that come before a record on its line."""
    before = TokenMap(layout)
    for index in session.line(record)[:-1]:
        frame = session[int(index)]
        before.observe(frame.ids.tolist(), frame.action, frame.edited)
    return before
