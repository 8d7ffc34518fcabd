"""Does what an installer does with published archives, with nothing of this project.

usage: unpack.py ARTIFACTS TARGET

Reads the stack's manifest, checks and unpacks every layer's archive side by side, and runs each
layer's postinstall.py with the runtime's own Python, the runtime first.
"""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import zstandard


def main(artifacts: Path, target: Path) -> None:
    """Check, unpack and set up every layer of a published stack."""
    manifest = json.loads((artifacts / "__venvstacks__" / "venvstacks.json").read_text())
    target.mkdir(parents=True)
    for kind in ("runtimes", "frameworks", "applications"):
        for layer in manifest["layers"][kind]:
            data = (artifacts / layer["archive_name"]).read_bytes()
            if hashlib.sha256(data).hexdigest() != layer["archive_hashes"]["sha256"]:
                sys.exit(
                    f"{layer['archive_name']} does not have the digest that its manifest states"
                )
            with (
                zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(
                    io.BytesIO(data)
                ) as plain,
                tarfile.open(fileobj=plain, mode="r|") as archive,
            ):
                archive.extractall(target, filter="tar")
            runtime = next(
                other
                for other in manifest["layers"]["runtimes"]
                if other["install_target"] == layer["runtime_layer"]
            )
            python = target / runtime["install_target"] / "bin" / "python"
            postinstall = target / layer["install_target"] / "postinstall.py"
            subprocess.run([python, "-I", postinstall], check=True)
            print(f"unpacked {layer['archive_name']}")


main(Path(sys.argv[1]), Path(sys.argv[2]))
