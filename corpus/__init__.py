"""Gameplay on disk: built from videos or games, stored losslessly, read back as clips.

Nothing is imported here, so that fitting code may import ``corpus.store`` and ``corpus.clips`` on
a machine without PyAV, imageio or Gymnasium. A map of the room:

* ``store``: the corpus as it is read (``Corpus``) and its format on disk.
* ``writer``: the only code that writes a corpus (``CorpusWriter``).
* ``clips``: splits, clip starts, the sampler, a dataset of clip batches.
* ``video``: frames out of a video file at an asked rate; ``shaper`` gives them the asked size.
* ``build``: videos to a corpus, found by ``sources``.
* ``record``: a game to a corpus, opened by ``games`` or ``procgen``.
* ``report``: what a corpus holds, in figures. ``progress``: the bar that the makers draw.
"""
