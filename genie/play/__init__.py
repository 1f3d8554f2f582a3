"""Playing a world: in a window, and without one.

A map of the room: `keys` reads scripted keys, `state` knows what is held, `player` steps the world
and takes the time, `draw` paints, `loop` connects them to a window, `headless` does without one,
`display` tells whether there is a display, `run` is what the command calls. pygame is imported by
`display`, `draw` and `loop` alone, so the rest works where there is none.
"""
