"""A corpus as a page to look at: one file of HTML with its pictures inside."""
