"""Reports, cards, plots and contact sheets."""
