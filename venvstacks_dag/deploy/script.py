"""The deployer as one file that needs nothing but Python: a ZIP of just the modules it takes.

The file is the same for the same version of this package. `python deploy.pyz SOURCE TARGET`.
"""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files
from pathlib import Path

from venvstacks_dag.fs.files import PROGRAM_MODE, atomic_write

# All that `deploy.command` imports, but for packages' own modules, which would bring along more.
MODULES = (
    "_injected/postinstall",
    "_version",
    "archive/ahead",
    "archive/behind",
    "archive/decompression",
    "archive/members",
    "archive/model",
    "archive/names",
    "archive/read",
    "archive/tarread",
    "archive/treedigest",
    "archive/zipread",
    "archive/zstdread",
    "deploy/arguments",
    "deploy/bytecode",
    "deploy/check",
    "deploy/child",
    "deploy/command",
    "deploy/deployment",
    "deploy/download",
    "deploy/filelists",
    "deploy/finish",
    "deploy/layers",
    "deploy/lock",
    "deploy/offer",
    "deploy/own",
    "deploy/place",
    "deploy/server",
    "deploy/source",
    "deploy/stackfile",
    "digest",
    "errors",
    "fs/filelist",
    "fs/files",
    "fs/manifest",
    "fs/newtree",
    "fs/placing",
    "fs/processes",
    "fs/trees",
    "platforms/file_names",
    "platforms/target",
    "publish/model",
    "publish/names",
    "spec/kinds",
    "spec/packing",
)
_PACKAGE = "venvstacks_dag"
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("deploy: Python 3.11 or newer is needed")

from venvstacks_dag.deploy.command import main

sys.exit(main())
"""
_SHEBANG = b"#!/usr/bin/env python3\n"
_TIME = (1980, 1, 1, 0, 0, 0)


def script_bytes() -> bytes:
    """The content of the file (PEP 441)."""
    sources = {"__main__.py": _MAIN.encode()}
    packages = {_PACKAGE, *(f"{_PACKAGE}/{name.rpartition('/')[0]}" for name in MODULES)}
    for package in packages:
        sources[f"{package.rstrip('/')}/__init__.py"] = b""
    for name in MODULES:
        source = files(_PACKAGE).joinpath(*f"{name}.py".split("/")).read_bytes()
        sources[f"{_PACKAGE}/{name}.py"] = source
    stream = io.BytesIO()
    stream.write(_SHEBANG)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(sources):
            info = zipfile.ZipInfo(path, _TIME)
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            archive.writestr(info, sources[path], zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def write_script(path: Path) -> None:
    """Write the file. Raises `DiskError`."""
    atomic_write(path, script_bytes(), mode=PROGRAM_MODE)
