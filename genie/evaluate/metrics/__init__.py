"""The figures of docs/metrics.md, a file each."""
