"""The assembled world: rollouts, the world that is played, evaluation, the play window."""
