"""Writes datasets/: rows of images as Hugging Face's datasets 5.2.0 writes them.

python tests/corpus/readers/data/make_datasets.py
"""

from pathlib import Path

import datasets
import numpy as np
from PIL import Image

frames = np.random.default_rng(0).integers(0, 256, (6, 16, 24, 3), dtype=np.uint8)
features = datasets.Features({"frame": datasets.Image(), "label": datasets.Value("int64")})
rows = {"frame": [Image.fromarray(frame) for frame in frames], "label": list(range(6))}
out = Path(__file__).parent / "datasets"
out.mkdir(exist_ok=True)
table = datasets.Dataset.from_dict(rows, features=features)
table.to_parquet(str(out / "train-00000-of-00001.parquet"))
