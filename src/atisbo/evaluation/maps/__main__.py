"""A child process of the worker: embeddings come in, a map goes out, and answers have precedence.

Arrays as NumPy's own archive on standard input and output.
"""

from __future__ import annotations

import io
import os
import sys

import numpy as np

from atisbo.evaluation.maps.project import project

if __name__ == "__main__":
    os.nice(19)
    given = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    made = project(given["vectors"], given["labels"])
    np.savez(sys.stdout.buffer, **vars(made))
