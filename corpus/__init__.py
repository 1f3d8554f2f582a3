"""Gameplay on disk: built from videos or games, stored losslessly, read back as clips.

Nothing is imported here, so that fitting code may import ``corpus.store`` and ``corpus.clips`` on
a machine without PyAV, imageio or Gymnasium.
"""
