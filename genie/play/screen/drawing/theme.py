"""Colours, sizes and distances of the window."""

GROUND = (15, 17, 21)
RAISED = (24, 27, 33)
SHEET = (19, 22, 27)
LINE = (44, 49, 58)
INK = (236, 238, 242)
DIM = (140, 147, 160)
ACCENT = (245, 180, 70)
VEIL = (15, 17, 21, 190)  # over the picture, while a panel lies on it

SMALL, BODY, LARGE, HUGE = 13, 15, 22, 40  # heights of type, pixels
GAP = 8  # every distance is a multiple of it
MARGIN = 3 * GAP
SIDEBAR = 272  # width of the figures beside the picture
RADIUS = 6
FIRST_PICTURE = 576  # pixels that the longer side of the picture has at most in a new window
LEAST_WINDOW = (720, 520)  # of a new window
SMALLEST_WINDOW = (2 * SIDEBAR, SIDEBAR)  # that the player can make: the figures fit
