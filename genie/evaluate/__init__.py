"""Evaluation of a world on true frames; every figure as docs/metrics.md defines it."""
