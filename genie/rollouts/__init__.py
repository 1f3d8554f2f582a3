"""Worlds played without a screen: ids in, ids out, one or many at a time."""
