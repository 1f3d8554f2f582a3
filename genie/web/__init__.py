"""A world as a static page that any web server serves: ONNX graphs and plain JavaScript."""
