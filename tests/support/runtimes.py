"""Makes runtime archives of the `install_only` shape, tiny or real, and what serves them."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import http.server
import io
import struct
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zstandard

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import DigestMismatch, NetworkError
from venvstacks_dag.net.model import Check, Response
from venvstacks_dag.reporting import Progress
from venvstacks_dag.runtimes.archive_names import TRIPLES
from venvstacks_dag.store import Image

LINUX = "x86_64-unknown-linux-gnu"
_MACHINES = {
    "linux_x86_64": b"\x7fELF\x02\x01" + bytes(12) + struct.pack("<H", 62),
    "linux_aarch64": b"\x7fELF\x02\x01" + bytes(12) + struct.pack("<H", 183),
    "win_amd64": b"MZ".ljust(0x3C, b"\0") + struct.pack("<I4sH", 0x40, b"PE\0\0", 0x8664),
    "win_arm64": b"MZ".ljust(0x3C, b"\0") + struct.pack("<I4sH", 0x40, b"PE\0\0", 0xAA64),
    "macosx_arm64": b"\xcf\xfa\xed\xfe" + struct.pack("<I", 0x0100000C),
    "macosx_x86_64": b"\xcf\xfa\xed\xfe" + struct.pack("<I", 0x01000007),
}


@dataclass(frozen=True, kw_only=True)
class TarMember:
    """One member to write, good or bad. A `link` is symbolic unless `kind` says otherwise."""

    name: str
    data: bytes = b""
    mode: int = 0o644
    link: str = ""
    kind: bytes = tarfile.REGTYPE


def program(platform: str) -> bytes:
    """The first bytes of a program for `platform`."""
    return _MACHINES[platform]


def runtime_members(version: str, triple: str) -> list[TarMember]:
    """A tiny runtime: what makes it one, and some of what a layer leaves out."""
    platform = TRIPLES[triple]
    short = ".".join(version.split(".")[:2])
    header = f'#define PY_MAJOR_VERSION 3\n#define PY_VERSION      "{version}"\n'.encode()
    if platform.startswith("win"):
        files = {
            "python.exe": program(platform),
            "pythonw.exe": program(platform),
            "python3.dll": program(platform),
            f"python{short.replace('.', '')}.dll": program(platform),
            "Lib/os.py": b"# os\n",
            "Lib/venv/scripts/nt/python.exe": program(platform) + b"launcher",
            "Lib/venv/scripts/nt/pythonw.exe": program(platform) + b"launcher without a window",
            "Lib/__pycache__/os.pyc": b"code",
            "Lib/site-packages/pip/__init__.py": b"",
            "Scripts/pip.exe": b"MZ",
            "include/patchlevel.h": header,
        }
        return [TarMember(name=f"python/{path}", data=data) for path, data in files.items()]
    library = f"lib/python{short}"
    files = {
        f"{library}/os.py": b"# os\n",
        f"{library}/__pycache__/os.pyc": b"code",
        f"{library}/site-packages/README.txt": b"empty\n",
        f"{library}/site-packages/pip/__init__.py": b"",
        f"{library}/site-packages/pip-24.2.dist-info/RECORD": b"",
        f"{library}/ensurepip/__init__.py": b"",
        f"include/python{short}/patchlevel.h": header,
        "share/terminfo/x/xterm": b"terminal",
    }
    return [
        TarMember(name="python/bin", kind=tarfile.DIRTYPE, mode=0o755),
        TarMember(name=f"python/bin/python{short}", data=program(platform), mode=0o755),
        TarMember(name="python/bin/python3", link=f"python{short}", kind=tarfile.SYMTYPE),
        TarMember(name="python/bin/pip3", data=b"#!/install/bin/python3\n", mode=0o755),
        TarMember(name="python/bin/pip", link="pip3", kind=tarfile.SYMTYPE),
        *(TarMember(name=f"python/{path}", data=data) for path, data in files.items()),
    ]


def tar_bytes(members: Sequence[TarMember], *, format: int = tarfile.PAX_FORMAT) -> bytes:
    """An uncompressed tar of `members`, in their order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.type, info.mode, info.linkname = member.kind, member.mode, member.link
            info.size = len(member.data)
            archive.addfile(info, io.BytesIO(member.data))
    return buffer.getvalue()


def compressed(data: bytes, suffix: str) -> bytes:
    """`data` as the content of a file that ends in ``.gz``, ``.bz2`` or ``.zst``."""
    if suffix == "bz2":
        return bz2.compress(data)
    if suffix == "gz":
        return gzip.compress(data, mtime=0)
    return zstandard.ZstdCompressor().compress(data)


def make_install_only(
    folder: Path,
    version: str = "3.12.7",
    triple: str = LINUX,
    *,
    date: str = "20241016",
    stripped: bool = False,
    suffix: str = "gz",
    content_version: str | None = None,
    extra: Sequence[TarMember] = (),
) -> Path:
    """A tiny archive in `folder`, named as publishers do. `content_version` makes the name lie."""
    folder.mkdir(parents=True, exist_ok=True)
    dated = f"+{date}" if date else ""
    kind = "install_only_stripped" if stripped else "install_only"
    path = folder / f"cpython-{version}{dated}-{triple}-{kind}.tar.{suffix}"
    members = [*runtime_members(content_version or version, triple), *extra]
    path.write_bytes(compressed(tar_bytes(members), suffix))
    return path


def make_real_install_only(folder: Path, image: Image, *, suffix: str = "zst") -> Path:
    """An archive in `folder` of a real runtime that was packed before, such as the host's."""
    folder.mkdir(parents=True, exist_ok=True)
    platform, version = image.property("platform"), image.property("version")
    triple = next(triple for triple, name in TRIPLES.items() if name == platform)
    path = folder / f"cpython-{version}+20240101-{triple}-install_only.tar.{suffix}"
    members = [
        TarMember(
            name=f"python/{entry.path}",
            data=image.file(entry).read_bytes() if entry.kind == "file" else b"",
            mode=entry.mode,
            link=entry.target,
            kind=tarfile.SYMTYPE if entry.kind == "link" else tarfile.REGTYPE,
        )
        for entry in image.entries
    ]
    path.write_bytes(compressed(tar_bytes(members), suffix))
    return path


def write_checksums(folder: Path, extra: Mapping[str, str] | None = None) -> Path:
    """``SHA256SUMS`` for all archives in `folder`; `extra` adds lines, or makes some wrong."""
    digests = {path.name: sha256_file(path) for path in sorted(folder.glob("*.tar.*"))}
    lines = [f"{digest}  {name}\n" for name, digest in (digests | dict(extra or {})).items()]
    path = folder / "SHA256SUMS"
    path.write_text("".join(lines))
    return path


class PlainDownloader:
    """The `Downloader` protocol on urllib; counts what it fetched."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, check: Check | None = None
    ) -> Response:
        try:
            with urllib.request.urlopen(url) as answer:
                return Response(url=url, status=200, headers={}, body=answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Response(url=url, status=error.code, headers={}, body=error.read())
        except OSError as error:
            raise NetworkError("the server cannot be reached", where=url) from error

    def download(
        self,
        url: str,
        destination: Path,
        *,
        sha256: str | None,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        response = self.get(url)
        if response.status != 200:
            raise NetworkError("the file is not there", where=url, why=f"{response.status}")
        found = hashlib.sha256(response.body).hexdigest()
        if sha256 not in (None, found):
            raise DigestMismatch("wrong bytes", where=url, why=f"expected {sha256}, found {found}")
        if progress is not None:
            progress.advance(len(response.body))
        destination.write_bytes(response.body)
        self.fetched.append(url)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server on loopback that has the files of `folder`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            """Keep the tests' output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
