"""Actions read off how the picture flows: turns and strides of a camera that glides."""
