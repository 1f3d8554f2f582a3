"""Worlds on a server: the page of `genie export --web`, with the models here."""
