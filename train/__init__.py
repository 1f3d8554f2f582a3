"""Fitting the three models: the only room that imports lightning."""
