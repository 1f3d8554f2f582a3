"""onnxruntime-web, which computes the graphs in the browser: found, checked and copied."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from genie.library.user_paths import data_folder

VERSION = "1.30.0"
FILES = {  # SHA-256 of each file that the page loads: two for WASM, two where there is WebGPU
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": (
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
    ),
    "ort.webgpu.bundle.min.mjs": (
        "0730816731ce2cdfb06f273da065d4a1c7091eb9d1756a83b2916c8a89d015e2"
    ),
    "ort-wasm-simd-threaded.asyncify.wasm": (
        "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da"
    ),
}
_PACKAGE = f"onnxruntime-web@{VERSION}"
_NPM_SECONDS = 300.0


def find_runtime(given: Path | None = None) -> Path:
    """Return a folder with the files of onnxruntime-web.

    Args:
        given: a folder from `npm pack` or node_modules/onnxruntime-web; None: the user's own copy,
            which npm fetches the first time.

    Raises:
        OSError: if there is none, or npm fails.
        ValueError: if a file is not that of the version.
    """
    kept = data_folder() / "runtime" / _PACKAGE
    if given is None and not kept.is_dir():
        _fetch(kept)
    folder = kept if given is None else Path(given)
    folder = folder / "dist" if (folder / "dist").is_dir() else folder
    remedy = f"give --runtime the folder of an unpacked {_PACKAGE}"
    if given is None:
        remedy = f"remove {kept}, and npm fetches it again"
    for name, digest in FILES.items():
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}: {remedy}")
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            raise ValueError(f"{folder / name} is not that of {_PACKAGE}: {remedy}")
    return folder


def copy_runtime(folder: Path, target: Path) -> None:
    """Copy the files that a page needs."""
    target.mkdir()
    for name in FILES:
        shutil.copyfile(folder / name, target / name)


def _fetch(kept: Path) -> None:
    """Let npm fetch the package, and keep the files that pages need."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(
            f"the page needs {_PACKAGE}, and there is no npm to fetch it: install npm, or give "
            f"--runtime a folder into which its .tgz from the npm registry was unpacked"
        )
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        try:
            subprocess.run(
                [npm, "pack", _PACKAGE, "--silent"],
                cwd=folder, check=True, capture_output=True, timeout=_NPM_SECONDS,
            )  # fmt: skip
        except (subprocess.SubprocessError, OSError) as error:
            raise OSError(f"npm pack {_PACKAGE} failed ({error}): try again online") from None
        (packed,) = Path(folder).glob("*.tgz")
        found = Path(folder) / "found"
        found.mkdir()
        with tarfile.open(packed) as archive:
            for name in FILES:
                with archive.extractfile(f"package/dist/{name}") as file:
                    (found / name).write_bytes(file.read())
        found.rename(kept)
