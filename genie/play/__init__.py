"""Playing a world: in a window, and without one.

A map of the room: `player` steps the world and keeps its session; `game` is play itself, from key
names to what is to be shown (`view`), with `state` (what is held), `commands` (what the keys do),
`panels` (what lies over the picture), `governor`, `drift`, `slots` and `keep` beside it; `start` is
the gallery and `duel` two plays side by side. None of these knows a screen. pygame is imported by
the rest: `window`, `events`, `draw…`, `shapes`, `text`, the loops, `app` and `display`. `run` is
what the command calls, `headless` does without a window.
"""
