"""One new frame in fixed buffers: `frame_step.py` runs it, on a GPU as one graph."""
