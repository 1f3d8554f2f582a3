"""What holds for every test."""

import os

# Models of tests are tiny: a second thread costs them more than it computes, and when the other
# core is busy it costs a hundred times more. Set before torch is imported; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
