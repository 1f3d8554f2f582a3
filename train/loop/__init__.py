"""The loop around the three fits: module, clock, optimizer, logs."""
