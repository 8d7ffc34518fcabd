"""A project that is edited, built and looked at, with everything that belongs to one sequence."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from tests.oracle.goods import HOST, OLDER, PACKAGES, Goods, libraries
from tests.oracle.nursery import Ended, Nursery, Stop
from tests.support.index_server import LocalIndex
from tests.support.oracle_model import File, Lock, Options, Sources, layers_of, remembered_as

_RAN = re.compile(
    r"^ {2}((?:resolve|install|link|archive|build):\S+?|publish)(?:@\w+)? +[\d.]+ s\b", re.M
)
_PASSED_ON = ("PATH", "TMPDIR")


@dataclass(kw_only=True)
class Edited:
    """What a user edits, as far as it can be gone back to."""

    spec: dict[str, Any]
    files: dict[str, File]
    options: Options = field(default_factory=Options)
    runtimes: str = "plain"
    schemas: dict[str, int] = field(default_factory=dict)


class World:
    """One sequence's project, index and processes; the methods tell what lies on the disk."""

    def __init__(
        self, folder: Path, goods: Goods, nursery: Nursery, index: LocalIndex, edited: Edited
    ) -> None:
        self.root = folder
        self.folder = folder / "project"
        self.goods = goods
        self.nursery = nursery
        self.index = index
        self.edited = edited
        self.store = goods.store
        self.unpackers = False
        self._outputs = 0
        self.folder.mkdir(parents=True)

    # --- sources ----------------------------------------------------------------------

    def sources(self) -> Sources:
        """What the model is told."""
        return Sources(
            spec=deepcopy(self.edited.spec),
            files=dict(self.edited.files),
            options=self.edited.options,
            folder=str(self.folder),
            host=HOST,
            runtimes=self.goods.runtimes[self.edited.runtimes],
            libraries=libraries(),
            schemas=dict(self.edited.schemas),
        )

    def save(self, folder: Path | None = None) -> None:
        """Write the sources, as far as the disk has others (times must not matter)."""
        folder = folder or self.folder
        _write(folder / "venvstacks.toml", tomli_w.dumps(self.edited.spec))
        wanted = {folder / path: file for path, file in self.edited.files.items()}
        for place in ("apps", "more"):
            for path in sorted((folder / place).rglob("*"), reverse=True):
                if path.is_dir():
                    _remove_if_empty(path)
                elif path not in wanted:
                    path.unlink()
        for path, file in wanted.items():
            _write(path, file.text)
            path.chmod(0o755 if file.executable else 0o644)

    # --- builds -----------------------------------------------------------------------

    def start(
        self,
        *words: str,
        stop: Stop | None = None,
        edit: tuple[int, Path, str] | None = None,
        folder: Path | None = None,
    ) -> tuple[int, Path]:
        """Start ``doit`` with these words and the options; process and output."""
        self._outputs += 1
        output = self.root / f"output-{self._outputs}"
        output.touch()
        options = self.edited.options
        said = {"format": options.format, "profile": options.profile, "level": options.level}
        words = (
            *words,
            *(f"{name}={value}" for name, value in said.items() if value is not None),
            *([f"target={HOST}"] if options.tagged else []),
        )
        process = self.nursery.start(
            (folder or self.folder) / "venvstacks.toml",
            words,
            self.environ(),
            output,
            stop=stop,
            edit=edit,
            unpackers=self.unpackers,
            schemas=self.edited.schemas,
        )
        return process, output

    def ended(self, started: tuple[int, Path]) -> Ended:
        """Wait for a build."""
        process, output = started
        code = self.nursery.wait(process)
        return Ended(code=code, output=output.read_text("utf-8", "replace"))

    def doit(self, *words: str, stop: Stop | None = None, folder: Path | None = None) -> Ended:
        """Run ``doit`` with these words and the options."""
        return self.ended(self.start(*words, stop=stop, folder=folder))

    def environ(self) -> dict[str, str]:
        """All of a build's environment."""
        return {
            "HOME": str(self.root),
            "PIP_INDEX_URL": self.index.simple_url,
            "UV_DEFAULT_INDEX": self.index.simple_url,
            "PIP_RETRIES": "0",
            "PIP_KEYRING_PROVIDER": "disabled",
            "VENVSTACKS_DAG_CACHE": str(self.store),
            "VENVSTACKS_DAG_RUNTIMES": str(self.goods.runtime_folder(self.edited.runtimes)),
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        }

    @contextmanager
    def clone(self, *, locks: bool) -> Iterator[Path]:
        """A folder with the same sources, that nothing was built in; with the locks or not."""
        place = self.root / "clean"
        place.mkdir()
        try:
            self.save(place)
            if locks and (self.folder / "requirements").is_dir():
                shutil.copytree(self.folder / "requirements", place / "requirements")
            yield place
        finally:
            shutil.rmtree(place)

    # --- what lies there --------------------------------------------------------------

    def locks(self) -> dict[str, Lock]:
        """The locks that can be read, by layer."""
        found: dict[str, Lock] = {}
        for folder in _folders(self.folder / "requirements"):
            stem = f"pylock.{folder.name.replace('.', '_')}"
            try:
                lock = Lock(
                    text=(folder / f"{stem}.toml").read_text("utf-8"),
                    about=json.loads((folder / f"{stem}.meta.json").read_text("utf-8")),
                )
                assert lock.data
            except (OSError, ValueError):
                continue
            found[folder.name] = lock
        return found

    def numbers(self) -> dict[str, int]:
        """How often each layer's archive was made anew, as manifests say."""
        found: dict[str, int] = {}
        for layer in layers_of(self.edited.spec):
            with suppress(OSError, ValueError):
                found[layer] = json.loads(self.manifest(layer).read_text("utf-8"))["archive_build"]
        return found

    def lock_files(self, folder: Path | None = None) -> dict[str, bytes]:
        """The bytes of all locks and of what stands beside them, by path."""
        place = (folder or self.folder) / "requirements"
        files = sorted(path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}

    def stamps(self, tasks: Sequence[str]) -> dict[str, tuple[int, int] | None]:
        """Which stamp each task has, so that another one can be told from it."""
        return {task: self._stamp(task) for task in tasks}

    def stamp(self, task: str) -> Path:
        """Where a task's stamp lies."""
        stage, _, layer = task.partition(":")
        tag = remembered_as(task, tagged=self.edited.options.tagged) != task
        name = f"{stage}{'-tagged' if tag else ''}.json"
        return self.state / "layers" / (layer or ".stack") / name

    def _stamp(self, task: str) -> tuple[int, int] | None:
        try:
            status = self.stamp(task).stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    @property
    def state(self) -> Path:
        """Where stamps and the like lie."""
        return self.folder / "_build" / ".state"

    def tree(self, layer: str) -> Path:
        """A layer's environment."""
        return self.folder / "_build" / layer

    def manifest(self, layer: str) -> Path:
        """A layer's manifest, named as the options say."""
        tag = f"-{HOST}" if self.edited.options.tagged else ""
        return self.folder / "_artifacts" / "__venvstacks__" / "env_metadata" / f"{layer}{tag}.json"


def start_spec(second: str) -> dict[str, Any]:
    """What all sequences begin with; `second` is the folder of an index for some packages."""
    return {
        "runtimes": [
            {
                "name": "py",
                "python_implementation": f"cpython@{OLDER}",
                "requirements": ["base==1.0"],
                "platforms": [HOST],
            }
        ],
        "frameworks": [
            {"name": "f", "runtime": "py", "requirements": ["lib==1.0"]},
        ],
        "applications": [
            {
                "name": "a",
                "frameworks": ["f"],
                "requirements": ["helper==1.0"],
                "launch_module": "apps/one.py",
            },
        ],
        "tool": {"uv": {"index": [{"name": "second", "url": second, "explicit": True}]}},
    }


FILES: Mapping[str, File] = {
    "apps/one.py": File(text="print(1)\n"),
    "apps/two.py": File(text="print(2)\n"),
    "apps/pack/__init__.py": File(text=""),
    "apps/pack/__main__.py": File(text="print('pack')\n"),
    "apps/pack/data/table.txt": File(text="1 2 3\n"),
    "more/one.py": File(text="print(1)\n"),
    "more/helps.py": File(text="HELP = 1\n"),
    "apps/helps.py": File(text="HELP = 1\n"),
    "more/adds.py": File(text="ADDS = 1\n"),
}


@contextmanager
def new_world(folder: Path, goods: Goods, nursery: Nursery) -> Iterator[World]:
    """A project of three layers, with an index of its own."""
    with LocalIndex(cache_control="no-cache") as index:
        for package, version in PACKAGES:
            goods.serve(index, package, version, yanked=False)
        edited = Edited(spec=start_spec(str(goods.wheels)), files=dict(FILES))
        yield World(folder, goods, nursery, index, edited)


def ran(output: str) -> list[str]:
    """The tasks that a build says it ran."""
    return _RAN.findall(output)


def with_options(edited: Edited, **said: Any) -> None:
    """Say something else on the command line."""
    edited.options = replace(edited.options, **said)


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def _write(path: Path, text: str) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text("utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
