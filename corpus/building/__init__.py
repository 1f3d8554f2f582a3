"""The parts of `genie corpus build`: staging side by side, and committing in order."""
