"""venvstacks in an environment of its own, made to work where its downloads cannot be reached.

It fetches base runtimes from a place that many machines do not see, so it is handed one that is
packed from an installed CPython. A plain install of it does not start either; these pins do.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PINS = (
    "venvstacks==0.8.0b2",
    "uv==0.13.9",
    "pdm==2.25.9",
    "unearth==0.18.1",
    "pbs-installer==2025.8.27",
    "hishel==0.1.5",
    "httpx==0.28.1",
    "resolvelib==1.2.1",
    "installer==0.7.0",
    "packaging==25.0",
    "typer-slim==0.20.0",
    "dulwich==0.24.8",
    "dep-logic==0.5.2",
    "findpython==0.7.0",
)
# Starts the peer with the two functions replaced through which it gets a runtime.
_MAIN = """\
import os, shutil, sys
import pbs_installer
from pbs_installer._utils import PythonVersion

def link(request, **_):
    major, minor, micro = map(int, request.split("."))
    return PythonVersion("cpython", major, minor, micro), (os.environ["PEER_RUNTIME"], None)

def download(python_file, destination, client=None):
    shutil.copy(python_file[0], destination)
    return os.path.basename(python_file[0])

pbs_installer.get_download_link, pbs_installer.download = link, download
from venvstacks.cli import main
main(sys.argv[1:])
"""
_ASK = """\
import json, sys
print(json.dumps([sys.base_prefix, list(sys.version_info[:3])]))
"""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """An installed peer. ``version`` is that of its Python and of the runtime it is handed."""

    folder: Path
    version: str

    def command(self, *arguments: str) -> tuple[str, ...]:
        """The words that run it."""
        return (str(self.folder / "bin" / "python"), str(self.folder / "peer.py"), *arguments)

    def environ(self) -> Mapping[str, str]:
        """What it needs to know besides."""
        return {"PEER_RUNTIME": str(self.folder / "runtime.tar.gz")}


def installed_peer(folder: Path, python: str) -> Peer:
    """The peer in `folder`, installed on first use with `python` (3.12, as its pins need)."""
    told = subprocess.run([python, "-c", _ASK], check=True, capture_output=True, text=True)
    prefix, numbers = json.loads(told.stdout)
    peer = Peer(folder=folder, version=".".join(map(str, numbers)))
    if not (folder / "peer.py").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *PINS]
        subprocess.run(install, check=True)
        pack_runtime(Path(prefix), (numbers[0], numbers[1]), folder / "runtime.tar.gz")
        (folder / "peer.py").write_text(_MAIN, "utf-8")
    return peer


def pack_runtime(prefix: Path, version: tuple[int, int], archive: Path) -> None:
    """Pack an installed CPython in the shape of a downloadable runtime, without its packages."""
    short = f"python{version[0]}.{version[1]}"

    def wanted(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(info.name).parts
        left_out = {"__pycache__", "test", "idlelib"}
        # Published runtimes have no libraries for static linking.
        unwanted = left_out & set(parts) or "site-packages" in parts[:-1] or parts[-1][-2:] == ".a"
        return None if unwanted else info

    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for name in ("include", "lib", "share"):
            if (prefix / name).is_dir():
                tar.add(prefix / name, f"python/{name}", filter=wanted)
        tar.add((prefix / "bin" / short).resolve(), f"python/bin/{short}")
        for name in ("python", "python3"):
            link = tarfile.TarInfo(f"python/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, short
            tar.addfile(link)
