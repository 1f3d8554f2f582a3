"""Agents that play a real game by what was learnt from unlabelled video."""
