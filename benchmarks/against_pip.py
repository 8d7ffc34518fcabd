"""Whether many different wheels are installed as pip installs them, file by file.

    python -m benchmarks.against_pip [--names FILE] [--wheels FOLDER] [NAME ...]

The newest wheel of each name for this Python and machine is fetched with pip, installed with pip
alone into an empty environment, and unpacked into a tree by way of a store. Both must have the
same files with the same bytes; RECORD must have the same rows. Left out are scripts, which layers
do not have, and what tells who installed (INSTALLER, direct_url.json). Needs a package index,
unless the wheels are there already. Prints Markdown; ends with 1 where there are differences.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_wheel_filename

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.install import InstallRequest, install_layer, wheel_image
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform, host_platform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import PinnedWheel, Store

NAMES = Path(__file__).with_name("wheels.txt")
# Which installer it was, and where from, is the business of each.
_INSTALLERS_OWN = ("INSTALLER", "direct_url.json")
_OUR_LIST = "share/venv/metadata/installed_files.json"
_SCRIPTS = ("bin/", "Scripts/")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One wheel: how many files both have, and what is different."""

    wheel: str
    files: int
    differences: tuple[str, ...]


def fetch(names: Iterable[str], folder: Path) -> list[Path]:
    """The newest wheel of each project, from `folder` if it is there already."""
    wheels = []
    for name in names:
        found = _wheel_of(name, folder)
        if found is None:
            words = ("download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", str(folder))
            subprocess.run((sys.executable, "-m", "pip", *words, name), check=True)
            found = _wheel_of(name, folder)
            assert found is not None, name
        wheels.append(found)
    return wheels


def _wheel_of(name: str, folder: Path) -> Path | None:
    wheels = sorted(folder.glob("*.whl"))
    return next((each for each in wheels if parse_wheel_filename(each.name)[0] == name), None)


def compare(wheel: Path, working: Path) -> Comparison:
    """Install the wheel in both ways below `working`, and hold the trees beside each other."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    pin = PinnedWheel(
        name=name, version=str(version), filename=wheel.name, sha256=sha256_file(wheel)
    )
    theirs, scripts = _with_pip(wheel, working / "pip")
    try:
        ours = _with_us(wheel, pin, working)
    except VenvstacksDagError as error:
        return Comparison(wheel=wheel.name, files=0, differences=(f"refused: {error.why}",))
    differences = tuple(_differences(ours, theirs, scripts))
    return Comparison(wheel=wheel.name, files=len(ours), differences=differences)


def _with_us(wheel: Path, pin: PinnedWheel, working: Path) -> dict[str, bytes]:
    version = PythonVersion.parse("cpython@" + ".".join(map(str, sys.version_info[:3])))
    layout = LayerLayout(
        target=TargetPlatform(name=host_platform()), python=version, is_runtime=False
    )
    image = wheel_image(Store(working / "store"), wheel, pin, NullReporter())
    request = InstallRequest(
        layout=layout,
        env_name="framework-one",
        runtime=None,
        wheels=(image,),
        requested=frozenset({pin.name}),
        destination=working / "tree",
    )
    install_layer(request, NullReporter())
    files = _contents(request.destination)
    del files[_OUR_LIST]
    return files


def _with_pip(wheel: Path, folder: Path) -> tuple[dict[str, bytes], frozenset[str]]:
    """All files but scripts that pip makes, and the scripts' paths."""
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", folder), check=True)
    before = set(_contents(folder))
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    words = ("install", "--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel))
    subprocess.run(
        (sys.executable, "-m", "pip", "--isolated", "--python", python, *words), check=True
    )
    made = {path: data for path, data in _contents(folder).items() if path not in before}
    scripts = frozenset(path for path in made if path.startswith(_SCRIPTS))
    return made, scripts


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _differences(
    ours: dict[str, bytes], theirs: dict[str, bytes], scripts: frozenset[str]
) -> Iterator[str]:
    # A file of the data scheme may lie in bin too, and is no script then.
    left_out = scripts - ours.keys()
    for path in sorted(ours.keys() | (theirs.keys() - left_out)):
        if path.endswith(tuple(f".dist-info/{name}" for name in _INSTALLERS_OWN)):
            continue
        if path not in theirs or path not in ours:
            yield f"{path}: {'only pip' if path in theirs else 'pip does not'} install it"
        elif path.endswith(".dist-info/RECORD"):
            yield from _record_differences(path, ours[path], theirs[path], left_out)
        elif ours[path] != theirs[path]:
            yield f"{path}: other bytes"


def _record_differences(
    path: str, ours: bytes, theirs: bytes, left_out: frozenset[str]
) -> Iterator[str]:
    site = path.split("/")[:-2]
    for row in sorted(_rows(ours) ^ _rows(theirs)):
        place = os.path.normpath("/".join([*site, row[0]]))
        if place not in left_out and not row[0].endswith(_INSTALLERS_OWN):
            whose = "ours" if row in _rows(ours) else "pip's"
            yield f"{path}: {','.join(row)} only in {whose}"


def _rows(record: bytes) -> set[tuple[str, ...]]:
    rows = csv.reader(io.StringIO(record.decode(), newline=""))
    # Bytecode that is in the wheel is in pip's RECORD, and left out by us with the files.
    return {tuple(row) for row in rows if "/__pycache__/" not in f"/{row[0]}"}


def table(comparisons: Iterable[Comparison]) -> Iterator[str]:
    """The result as Markdown."""
    found = list(comparisons)
    yield "| wheels | files | equal | different |"
    yield "|---|---|---|---|"
    different = [one for one in found if one.differences]
    files = sum(one.files for one in found)
    yield f"| {len(found)} | {files:,} | {len(found) - len(different)} | {len(different)} |"
    yield ""
    for one in different:
        for difference in one.differences[:10]:
            yield f"* {one.wheel}: {difference}"
        if len(one.differences) > 10:
            yield f"* {one.wheel}: and {len(one.differences) - 10} more"


def main() -> int:
    """The command: 1 where something is installed in another way than pip does."""
    parser = argparse.ArgumentParser(description="install many wheels, and compare with pip")
    parser.add_argument("name", nargs="*", help="these projects only")
    parser.add_argument("--names", type=Path, default=NAMES, help="a file with one name a line")
    parser.add_argument("--wheels", type=Path, help="keeps the wheels for other runs")
    options = parser.parse_args()
    names = options.name or options.names.read_text("utf-8").split()
    comparisons = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.wheels or Path(temporary) / "wheels"
        folder.mkdir(parents=True, exist_ok=True)
        for wheel in fetch(names, folder):
            working = Path(temporary) / "work"
            comparisons.append(compare(wheel, working))
            shutil.rmtree(working)
    sys.stdout.write("\n".join([*table(comparisons), ""]))
    return 1 if any(one.differences for one in comparisons) else 0


if __name__ == "__main__":
    sys.exit(main())
