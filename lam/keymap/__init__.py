"""Which key stands for which action, and why."""
