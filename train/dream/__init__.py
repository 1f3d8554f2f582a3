"""Reinforcement learning inside a world: its rewards, its rollouts, its agent."""
