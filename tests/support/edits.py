"""What may happen to a stack between two builds: edits, losses, and builds of a part."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.support.elf import make_elf
from tests.support.index_server import LocalIndex
from tests.support.stacks import LAYERS, Project, add_package
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.tasks.settings import STATE


def make_rich(project: Project, index: LocalIndex, wheels: Path) -> Project:
    """The small stack with versioned layers, shared libraries, and more packages to choose."""
    add_package(index, wheels, "extra")
    for version in ("2.0", "3.0"):
        add_package(index, wheels, "lefty", version, requires=["base"])
    add_package(index, wheels, "base", "2.0")
    tag = f"py3-none-manylinux_2_17_{host_platform().removeprefix('linux_')}"
    libraries = {f"native/lib{n}.so.1": make_elf(soname=f"lib{n}.so.1") for n in "ab"}
    add_package(index, wheels, "native", tag=tag, files=libraries)
    project.layer("py")["requirements"] = ["base==1.0"]
    project.layer("framework-left").update(requirements=["lefty==1.0", "native"], versioned=True)
    project.layer("app-one")["versioned"] = True
    return project


class Edits:
    """Each public method is one edit of a rich project; `chance` decides on the rest."""

    def __init__(self, project: Project, chance: random.Random) -> None:
        self._project = project
        self._chance = chance
        self._build_dir = project.folder / "_build"
        self._state = self._build_dir / STATE

    def do(self, name: str) -> None:
        """Make the edit of that name."""
        getattr(self, name)()

    def module(self) -> None:
        path = self._chance.choice(["one.py", "common.py", "two/__init__.py", "two/more.py"])
        self._project.write(path, f"VALUE = {self._chance.randrange(3)}\n")

    def extra(self) -> None:
        layer = self._chance.choice(["py", "framework-left", "framework-right", "app-one"])
        items = self._project.layer(layer)["requirements"]
        if "extra==1.0" in items:
            items.remove("extra==1.0")
        else:
            items.append("extra==1.0")

    def version(self) -> None:
        wanted = self._chance.choice(["lefty==1.0", "lefty==2.0", "lefty==3.0", "lefty<3"])
        self._project.layer("framework-left")["requirements"][0] = wanted

    def lowest_version(self) -> None:
        wanted = self._chance.choice(["base==1.0", "base==2.0"])
        self._project.layer("py")["requirements"][0] = wanted

    def libraries(self) -> None:
        excluded: list[list[str]] = [[], ["liba.*"], ["*"]]
        self._project.layer("framework-left")["dynlib_exclude"] = self._chance.choice(excluded)

    def frameworks(self) -> None:
        framework = self._chance.choice(["left", "right", "upper"])
        self._project.layer("app-two")["frameworks"] = [framework]

    def order(self) -> None:
        self._project.layer("app-one")["frameworks"].reverse()

    def launch_module(self) -> None:
        self._project.layer("app-one")["launch_module"] = self._chance.choice(
            ["one.py", "common.py"]
        )

    def exclude_newer(self) -> None:
        day = self._chance.choice(["2024-06-01", "2024-07-01"])
        self._project.spec.setdefault("tool", {})["uv"] = {"exclude-newer": day}

    def archive_level(self) -> None:
        tool = self._project.spec.setdefault("tool", {})
        tool["venvstacks-dag"] = {"archive_level": self._chance.choice([1, 3])}

    def lost_stamp(self) -> None:
        found = self._state.glob("layers/*/*.json")
        self._one(path for path in found if not path.name.endswith(".files.json")).unlink()

    def lost_file(self) -> None:
        found = self._build_dir.rglob("*.py")
        self._one(path for path in found if STATE not in path.parts).unlink()

    def lost_output(self) -> None:
        found = (self._project.folder / "_artifacts").rglob("*")
        self._one(path for path in found if path.is_file()).unlink()

    def lost_lock(self) -> None:
        layer = self._chance.choice(LAYERS)
        shutil.rmtree(self._project.lock(layer).parent, ignore_errors=True)

    def lost_tree(self) -> None:
        shutil.rmtree(self._project.tree(self._chance.choice(LAYERS)), ignore_errors=True)

    def lost_records(self) -> None:
        (self._state / "doit.sqlite").unlink(missing_ok=True)

    def comment_in_a_lock(self) -> None:
        lock = self._project.lock(self._chance.choice(LAYERS))
        if lock.is_file():
            lock.write_text(f"# edited\n{lock.read_text()}")

    def part_of_a_build(self) -> None:
        self._project.doit(
            self._chance.choice(["resolve", "install", "link:app-one", "archive:framework-left"])
        )

    def _one(self, paths: Iterable[Path]) -> Path:
        return self._chance.choice(sorted(paths))


EDITS = tuple(name for name in vars(Edits) if not name.startswith("_") and name != "do")
