"""Whether the host's Python is still the one that was looked at: asked in each build.

So this module needs none of those that plan and pack, which take long to import.
"""

from __future__ import annotations

from venvstacks_dag.digest import sha256_json
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.runtimes.host_files import host_items
from venvstacks_dag.runtimes.host_libraries import library_candidates
from venvstacks_dag.runtimes.host_python import HostPython
from venvstacks_dag.runtimes.patchelf import patchelf_version

# Raise this when the same files would be packed in another way than before.
HOST_SCHEMA = 3


def fingerprint(host: HostPython) -> str:
    """A SHA-256 that changes whenever a file that may be packed was replaced or edited.

    It is made from paths, sizes and modification times alone. Raises what `make_plan` raises.
    """
    with disk_errors("read the build's own Python in", host.prefix):
        libraries = [(path, path.stat()) for path in library_candidates(host)]
    return sha256_json(
        {
            "schema": HOST_SCHEMA,
            "platform": host.platform,
            "version": str(host.python_version),
            "patchelf": patchelf_version(),
            "items": [
                [item.path, str(item.source), item.target, item.mode, item.size, item.mtime_ns]
                for item in host_items(host)
            ],
            "libraries": [[str(path), s.st_size, s.st_mtime_ns] for path, s in libraries],
        }
    )
