"""The checker of trees finds each violation: made by hand, one at a time, in good trees."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.pypy_shapes import pypy_members
from tests.support.shapes import elf, macho, native, pe, shaped_members, universal
from tests.support.structure import RULES, Tree, check_layer, check_stack
from tests.support.structure_native import machines

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "trees.md"
WIN, LINUX, MAC = "win_amd64", "linux_x86_64", "macosx_arm64"
CONFIG = "share/venv/metadata/venvstacks_layer.json"
TAGS = {WIN: "win_amd64", LINUX: "manylinux_2_17_x86_64", MAC: "macosx_11_0_arm64"}
EXTENSIONS = {
    WIN: "_fast.cp312-win_amd64.pyd",
    LINUX: "_fast.cpython-312-x86_64-linux-gnu.so",
    MAC: "_fast.cpython-312-darwin.so",
}
LIBRARIES = {LINUX: "libspeed.so.1", MAC: "libspeed.1.dylib"}


class Good:
    """A runtime ``py``, a framework ``framework-fast`` and ``app-one``, without any fault."""

    def __init__(
        self, folder: Path, platform: str, *, finished: bool = False, pypy: bool = False
    ) -> None:
        self.folder, self.platform, self.finished, self.pypy = folder, platform, finished, pypy
        self.windows = platform == WIN
        self.version = "3.12.14" if pypy else "3.12.7"
        name = "pypy" if pypy else "python"
        self.site = "Lib/site-packages" if self.windows else f"lib/{name}3.12/site-packages"
        self.manifest: dict[str, Any] = {"layers": {}}
        self._runtime()
        self._layer("frameworks", "framework-fast", ())
        self._layer("applications", "app-one", ("framework-fast",), launch="one")
        self._package()
        self.write(f"app-one/{self.site}/one.py", b"print()\n")

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Rule and path of each violation."""
        found = check_stack(
            self.folder, self.platform, self.manifest, finished=self.finished, unwanted=["/build/"]
        )
        return [(fault.rule, fault.path) for fault in found]

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(data)
        place.chmod(mode)

    def link(self, path: str, target: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target)

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def entry(self, layer: str) -> dict[str, Any]:
        entries = (one for kind in self.manifest["layers"].values() for one in kind)
        return next(one for one in entries if one["layer_name"] == layer)

    def configure(self, layer: str, **changes: Any) -> None:
        path = self.folder / layer / CONFIG
        config = json.loads(path.read_bytes()) if path.exists() else {}
        self.write(f"{layer}/{CONFIG}", json.dumps(config | changes).encode())

    def _runtime(self) -> None:
        away = re.compile(r"pip|setuptools|wheel|hack|distutils|Scripts|__pycache__|config|2to3")
        members = (
            pypy_members(self.version, "8.0.0", self.platform)
            if self.pypy
            else shaped_members(self.version, self.platform)
        )
        for member in members:
            path = "py/" + member.name.partition("/")[2]
            # The folder itself, and debug information, as layers have none of either.
            if path == "py/" or path.endswith(".debug"):
                continue
            if away.search(path) and "ensurepip" not in path:
                continue
            if member.link:
                self.link(path, member.link)
            else:
                self.write(path, member.data.replace(b"/install", b""), member.mode)
        python = "python.exe" if self.windows else "bin/python"
        self._described("runtimes", "py", (), None, python=python, base_python=python)

    def _layer(
        self, kind: str, name: str, below: tuple[str, ...], launch: str | None = None
    ) -> None:
        if self.windows and self.pypy:
            for file in (self.folder / "py").iterdir():
                if file.suffix in (".exe", ".dll"):
                    self.write(f"{name}/Scripts/{file.name}", file.read_bytes(), 0o755)
        elif self.windows:
            for program in ("python.exe", "pythonw.exe"):
                launcher = self.folder / "py/Lib/venv/scripts/nt" / program
                self.write(f"{name}/Scripts/{program}", launcher.read_bytes(), 0o755)
        else:
            for path in ("python", "python_"):
                self.link(f"{name}/bin/{path}", "../../py/bin/python")
            for path in ("python3", "python3.12"):
                self.link(f"{name}/bin/{path}", "python")
        if below and not self.windows:
            shell, variable = (
                ("/bin/bash -p", "LD") if self.platform == LINUX else ("/bin/zsh -f", "DYLD")
            )
            script = f"#!{shell}\nfor layer in framework-fast/share/venv/dynlib; do :; done\n"
            script += f"export {variable}_LIBRARY_PATH\n"
            self.write(f"{name}/bin/python", script.encode(), 0o755)
        self._described(
            *(kind, name, below, launch),
            python="Scripts/python.exe" if self.windows else "bin/python",
            base_python="../py/python.exe" if self.windows else "../py/bin/python",
        )
        if self.finished:
            count = 1 + len(below)
            self.write(f"{name}/pyvenv.cfg", b"home = /somewhere\n")
            lines = "site.addsitedir('x')\n" * count
            self.write(f"{name}/{self.site}/sitecustomize.py", lines.encode())

    def _described(
        self, kind: str, name: str, below: tuple[str, ...], launch: str | None, **programs: str
    ) -> None:
        runtime = kind == "runtimes"
        entry: dict[str, Any] = {
            "layer_name": name,
            "install_target": name,
            "runtime_layer": "py",
            "python_implementation": f"{'pypy' if self.pypy else 'cpython'}@{self.version}",
            "bound_to_implementation": runtime or self.windows,
            "target_platform": self.platform,
        }
        if not runtime:
            entry["required_layers"] = list(below)
        if launch:
            entry["app_launch_module"] = launch
        self.manifest["layers"].setdefault(kind, []).append(entry)
        peers = [*below, *([] if runtime else ["py"])]
        dynlib = [] if self.windows else [f"../{one}/share/venv/dynlib" for one in below]
        self.configure(
            name,
            py_version=self.version,
            site_dir=self.site,
            pylib_dirs=[f"../{peer}/{self.site}" for peer in peers],
            dynlib_dirs=dynlib,
            **programs,
            **({"launch_module": launch} if launch else {}),
        )
        self.write(f"{name}/postinstall.py", b"# finishes the layer\n")

    def _package(self) -> None:
        """A wheel with an extension module and a shared library in the framework."""
        layer, site = "framework-fast", f"framework-fast/{self.site}"
        module = native(self.platform) if self.platform != MAC else macho(MAC, kind=8)
        tag, extension = f"cp312-cp312-{TAGS[self.platform]}", EXTENSIONS[self.platform]
        if self.pypy:
            tag = tag.replace("cp312-cp312", "pp312-pypy312_pp80")
            extension = re.sub("cp(ython-)?312", "pypy312-pp80", extension)
        files = {f"fast/{extension}": module, "fast/__init__.py": b"# fast\n"}
        if name := LIBRARIES.get(self.platform):
            files[f"fast/{name}"] = native(self.platform, salt=b"library")
            up = "../../../"
            self.link(f"{layer}/share/venv/dynlib/{name}", f"{up}{self.site}/fast/{name}")
        wheel = f"Wheel-Version: 1.0\nTag: {tag}\n".encode()
        files["fast-1.0.dist-info/WHEEL"] = wheel
        rows = [f"{path},{digest(data)},{len(data)}\n" for path, data in files.items()]
        files["fast-1.0.dist-info/RECORD"] = "".join(
            [*rows, "fast-1.0.dist-info/RECORD,,\n"]
        ).encode()
        for path, data in files.items():
            self.write(f"{site}/{path}", data)


def digest(data: bytes) -> str:
    raw = hashlib.sha256(data).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("platform", [WIN, LINUX, MAC])
@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("pypy", [False, True])
def test_good_trees_have_no_violations(
    tmp_path: Path, platform: str, finished: bool, pypy: bool
) -> None:
    good = Good(tmp_path, platform, finished=finished, pypy=pypy)
    assert good.faults == []
    if finished:
        good.write(f"app-one/{good.site}/__pycache__/one.cpython-312.pyc", b"code")
        assert good.faults == []


WIN_SITE, SITE = "Lib/site-packages", "lib/python3.12/site-packages"
Damage = Callable[[Good], object]


def two_accents(good: Good) -> None:
    good.write("app-one/e\u0301", b"")
    good.write("app-one/\xe9", b"")


def no_dlls(good: Good) -> None:
    for path in (good.folder / "py/DLLs").iterdir():
        path.unlink()


FAULTS: list[tuple[str, str, str, Damage]] = [
    ("bytecode", LINUX, f"app-one/{SITE}/__pycache__",
     lambda g: g.write(f"app-one/{SITE}/__pycache__/one.pyc", b"")),
    ("case", WIN, f"app-one/{WIN_SITE}/one.py",
     lambda g: g.write(f"app-one/{WIN_SITE}/One.py", b"")),
    ("case", MAC, "app-one/\xe9", two_accents),
    ("configuration", LINUX, f"app-one/{CONFIG}", lambda g: g.configure("app-one", site_dir="lib")),
    ("configuration", LINUX, f"app-one/{CONFIG}",
     lambda g: g.configure("app-one", base_python="../py/bin/python9")),
    ("configuration", LINUX, f"app-one/{CONFIG}",
     lambda g: g.configure("app-one", dynlib_dirs=["../../../etc"])),
    ("configuration", WIN, f"app-one/{CONFIG}",
     lambda g: g.configure("app-one", dynlib_dirs=["..\\py\\Lib"])),
    ("configuration", WIN, f"py/{CONFIG}", lambda g: g.write(f"py/{CONFIG}", b"{}")),
    ("configuration", WIN, f"py/{CONFIG}", lambda g: g.write(f"py/{CONFIG}", b"no json")),
    ("dynlib", WIN, "framework-fast/share/venv/dynlib",
     lambda g: g.write("framework-fast/share/venv/dynlib/a.dll", pe(WIN, dll=True))),
    ("dynlib", LINUX, "framework-fast/share/venv/dynlib/libx.so",
     lambda g: g.write("framework-fast/share/venv/dynlib/libx.so", elf(LINUX))),
    ("dynlib", MAC, "framework-fast/share/venv/dynlib/libspeed.so.1", lambda g: g.link(
        "framework-fast/share/venv/dynlib/libspeed.so.1",
        f"../../../{SITE}/fast/libspeed.1.dylib")),
    ("installers", LINUX, f"py/{SITE}/pip/x.py", lambda g: g.write(f"py/{SITE}/pip/x.py", b"")),
    ("installers", WIN, f"py/{WIN_SITE}/setuptools-70.0.dist-info/RECORD",
     lambda g: g.write(f"py/{WIN_SITE}/setuptools-70.0.dist-info/RECORD", b"")),
    ("interpreter", LINUX, "py/bin/python3.12", lambda g: g.remove("py/bin/python3.12")),
    ("interpreter", LINUX, "py/bin/python3", lambda g: g.remove("py/bin/python3")),
    ("interpreter", WIN, "py/pythonw.exe", lambda g: g.remove("py/pythonw.exe")),
    ("interpreter", LINUX, "framework-fast/bin/python",
     lambda g: g.link("framework-fast/bin/python", "../../py/bin/python3")),
    ("interpreter", LINUX, "framework-fast/bin/python_",
     lambda g: g.remove("framework-fast/bin/python_")),
    ("interpreter", MAC, "app-one/bin/python",
     lambda g: g.link("app-one/bin/python", "../../py/bin/python")),
    ("interpreter", MAC, "app-one/bin/python", lambda g: g.write(
        "app-one/bin/python", b"#!/bin/bash -p\nexport LD_LIBRARY_PATH\n", 0o755)),
    ("interpreter", LINUX, "app-one/bin/python", lambda g: g.write(
        "app-one/bin/python", b"#!/bin/bash -p\nexport LD_LIBRARY_PATH\n", 0o755)),
    ("launcher", WIN, "app-one/Scripts/python.exe",
     lambda g: g.write("app-one/Scripts/python.exe", pe(WIN, salt=b"another"), 0o755)),
    ("launcher", WIN, "app-one/Scripts/pythonw.exe",
     lambda g: g.remove("app-one/Scripts/pythonw.exe")),
    ("launcher", WIN, "py/Lib/venv/scripts/nt",
     lambda g: g.remove("py/Lib/venv/scripts/nt/python.exe")),
    ("launcher", WIN, "app-one/python312.dll",
     lambda g: g.write("app-one/python312.dll", pe(WIN, dll=True))),
    ("length", WIN, f"app-one/{WIN_SITE}/{'x' * 150}.py",
     lambda g: g.write(f"app-one/{WIN_SITE}/{'x' * 150}.py", b"")),
    ("libraries", WIN, "py/python312.dll", lambda g: g.remove("py/python312.dll")),
    ("libraries", WIN, "py/vcruntime140.dll", lambda g: g.remove("py/vcruntime140.dll")),
    ("libraries", MAC, "py/lib/python3.12/os.py", lambda g: g.remove("py/lib/python3.12/os.py")),
    ("libraries", WIN, "py/DLLs", no_dlls),
    ("links", WIN, f"app-one/{WIN_SITE}/two.py",
     lambda g: g.link(f"app-one/{WIN_SITE}/two.py", "one.py")),
    ("links", LINUX, "app-one/x", lambda g: g.link("app-one/x", "/etc/passwd")),
    ("links", LINUX, "app-one/x", lambda g: g.link("app-one/x", "../../x")),
    ("links", LINUX, "app-one/x", lambda g: g.link("app-one/x", "y")),
    ("local", LINUX, "app-one/pyvenv.cfg", lambda g: g.write("app-one/pyvenv.cfg", b"")),
    ("local", WIN, f"app-one/{WIN_SITE}/sitecustomize.py",
     lambda g: g.write(f"app-one/{WIN_SITE}/sitecustomize.py", b"")),
    ("machine", LINUX, f"app-one/{SITE}/x.so",
     lambda g: g.write(f"app-one/{SITE}/x.so", elf("linux_aarch64"))),
    ("machine", MAC, f"app-one/{SITE}/x.so", lambda g: g.write(f"app-one/{SITE}/x.so", elf(LINUX))),
    ("machine", MAC, f"app-one/{SITE}/x.dylib",
     lambda g: g.write(f"app-one/{SITE}/x.dylib", macho("macosx_x86_64"))),
    ("machine", WIN, f"app-one/{WIN_SITE}/x.PYD",
     lambda g: g.write(f"app-one/{WIN_SITE}/x.PYD", pe("win_arm64", dll=True))),
    ("machine", WIN, f"app-one/{WIN_SITE}/x.dll",
     lambda g: g.write(f"app-one/{WIN_SITE}/x.dll", b"MZ")),
    ("machine", WIN, "py/python.exe", lambda g: g.write("py/python.exe", b"#!/bin/sh\n", 0o755)),
    ("machine", LINUX, "py/bin/python3.12",
     lambda g: g.write("py/bin/python3.12", elf("linux_aarch64", kind=2), 0o755)),
    ("manifest", LINUX, "stray", lambda g: g.write("stray/x", b"")),
    ("manifest", LINUX, f"app-one/{CONFIG}",
     lambda g: g.entry("app-one").update(python_implementation="cpython@3.12.6")),
    ("manifest", LINUX, f"app-one/{CONFIG}",
     lambda g: g.entry("app-one").update(required_layers=[])),
    ("manifest", LINUX, f"app-one/{CONFIG}",
     lambda g: g.entry("app-one").update(app_launch_module="two")),
    ("manifest", LINUX, f"app-one/{CONFIG}",
     lambda g: g.entry("app-one").update(target_platform=MAC)),
    ("manifest", WIN, f"app-one/{CONFIG}",
     lambda g: g.entry("app-one").update(bound_to_implementation=False)),
    ("manifest", LINUX, f"app-one/{SITE}", lambda g: g.remove(f"app-one/{SITE}/one.py")),
    ("mode", LINUX, f"app-one/{SITE}/one.py",
     lambda g: g.write(f"app-one/{SITE}/one.py", b"", 0o600)),
    ("mode", MAC, "app-one/bin/python", lambda g: (g.folder / "app-one/bin/python").chmod(0o644)),
    *(
        ("names", WIN, f"app-one/{name}", lambda g, name=name: g.write(f"app-one/{name}", b""))
        for name in ("aux.txt", "com1", "a:b", "a?", "a.", "a ", "a\\b", "a\x01")
    ),
    ("postinstall", LINUX, "app-one/postinstall.py", lambda g: g.remove("app-one/postinstall.py")),
    ("record", LINUX, f"framework-fast/{SITE}/fast/__init__.py",
     lambda g: g.write(f"framework-fast/{SITE}/fast/__init__.py", b"# edited\n")),
    ("record", LINUX, f"framework-fast/{SITE}/fast/__init__.py",
     lambda g: g.remove(f"framework-fast/{SITE}/fast/__init__.py")),
    ("record", LINUX, f"framework-fast/{SITE}/fast-1.0.dist-info/MORE",
     lambda g: g.write(f"framework-fast/{SITE}/fast-1.0.dist-info/MORE", b"")),
    ("scripts", LINUX, "app-one/bin/flask",
     lambda g: g.write("app-one/bin/flask", b"#!/x\n", 0o755)),
    ("scripts", WIN, "app-one/Scripts/flask.exe",
     lambda g: g.write("app-one/Scripts/flask.exe", pe(WIN), 0o755)),
    ("scripts", WIN, "py/Scripts/pip.exe", lambda g: g.write("py/Scripts/pip.exe", pe(WIN), 0o755)),
    ("signature", MAC, f"app-one/{SITE}/x.dylib",
     lambda g: g.write(f"app-one/{SITE}/x.dylib", macho(MAC, signed=False))),
    ("start-up", LINUX, "py/pyvenv.cfg", lambda g: g.write("py/pyvenv.cfg", b"")),
    ("start-up", WIN, "py/python312._pth", lambda g: g.write("py/python312._pth", b"")),
    ("start-up", LINUX, "py/lib/python3.12/sitecustomize.py",
     lambda g: g.write("py/lib/python3.12/sitecustomize.py", b"")),
    ("suffix", LINUX, f"app-one/{SITE}/x.cpython-311-x86_64-linux-gnu.so",
     lambda g: g.write(f"app-one/{SITE}/x.cpython-311-x86_64-linux-gnu.so", elf(LINUX))),
    ("suffix", WIN, f"app-one/{WIN_SITE}/x.cp312-win_arm64.pyd",
     lambda g: g.write(f"app-one/{WIN_SITE}/x.cp312-win_arm64.pyd", pe(WIN, dll=True))),
    ("traces", LINUX, "app-one/x", lambda g: g.write("app-one/x", b"made in /build/x")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "platform", "path", "damage"), FAULTS)
def test_each_fault_is_found(
    tmp_path: Path, rule: str, platform: str, path: str, damage: Damage
) -> None:
    good = Good(tmp_path, platform)
    damage(good)
    assert any(
        found == rule and (place == path or place.startswith(f"{path}/"))
        for found, place in good.faults
    ), good.faults


FINISHED: list[tuple[str, str, str, Damage]] = [
    ("local", LINUX, "app-one/pyvenv.cfg", lambda g: g.remove("app-one/pyvenv.cfg")),
    ("local", LINUX, "app-one/pyvenv.cfg", lambda g: g.write("app-one/pyvenv.cfg", b"x = y\n")),
    ("local", WIN, f"app-one/{WIN_SITE}/sitecustomize.py",
     lambda g: g.remove(f"app-one/{WIN_SITE}/sitecustomize.py")),
    ("local", WIN, f"app-one/{WIN_SITE}/sitecustomize.py",
     lambda g: g.write(f"app-one/{WIN_SITE}/sitecustomize.py", b"site.addsitedir('x')\n")),
    ("start-up", LINUX, "py/pyvenv.cfg", lambda g: g.write("py/pyvenv.cfg", b"home = /x\n")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "platform", "path", "damage"), FINISHED)
def test_each_fault_of_finished_layers_is_found(
    tmp_path: Path, rule: str, platform: str, path: str, damage: Damage
) -> None:
    good = Good(tmp_path, platform, finished=True)
    damage(good)
    assert (rule, path) in good.faults


PYPY_SITE = "lib/pypy3.12/site-packages"
PYPY_FAULTS: list[tuple[str, str, str, Damage]] = [
    ("interpreter", WIN, "py/pypy3.12.exe", lambda g: g.remove("py/pypy3.12.exe")),
    ("interpreter", LINUX, "py/bin/pypy3.12", lambda g: g.remove("py/bin/pypy3.12")),
    ("interpreter", MAC, "py/bin/pypy3", lambda g: g.remove("py/bin/pypy3")),
    ("launcher", WIN, "app-one/Scripts/libpypy3.12-c.dll",
     lambda g: g.remove("app-one/Scripts/libpypy3.12-c.dll")),
    ("launcher", WIN, "app-one/Scripts/libffi-8.dll",
     lambda g: g.write("app-one/Scripts/libffi-8.dll", pe(WIN, dll=True), 0o755)),
    ("launcher", WIN, "app-one/Scripts/pypyw.exe",
     lambda g: g.write("app-one/Scripts/pypyw.exe", pe(WIN, salt=b"another"), 0o755)),
    ("launcher", WIN, "app-one/libpypy3.12-c.dll",
     lambda g: g.write("app-one/libpypy3.12-c.dll", pe(WIN, dll=True))),
    ("libraries", WIN, "py/libpypy3.12-c.dll", lambda g: g.remove("py/libpypy3.12-c.dll")),
    ("libraries", WIN, "py/Lib/site.py", lambda g: g.remove("py/Lib/site.py")),
    ("libraries", MAC, "py/bin/libpypy3.12-c.dylib",
     lambda g: g.remove("py/bin/libpypy3.12-c.dylib")),
    ("machine", WIN, "py/pypy.exe",
     lambda g: g.write("py/pypy.exe", pe("win_arm64"), 0o755)),
    ("manifest", WIN, f"app-one/{CONFIG}",
     lambda g: g.entry("app-one").update(python_implementation="pypy@3.12.13")),
    ("scripts", WIN, "app-one/Scripts/python2.exe",
     lambda g: g.write("app-one/Scripts/python2.exe", pe(WIN), 0o755)),
    ("scripts", LINUX, "py/bin/pip", lambda g: g.write("py/bin/pip", b"#!/x\n", 0o755)),
    ("suffix", WIN, f"app-one/{WIN_SITE}/x.pypy312-pp73-win_amd64.pyd",
     lambda g: g.write(f"app-one/{WIN_SITE}/x.pypy312-pp73-win_amd64.pyd", pe(WIN, dll=True))),
    ("suffix", LINUX, f"app-one/{PYPY_SITE}/x.cpython-312-x86_64-linux-gnu.so",
     lambda g: g.write(f"app-one/{PYPY_SITE}/x.cpython-312-x86_64-linux-gnu.so", elf(LINUX))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "platform", "path", "damage"), PYPY_FAULTS)
def test_each_fault_of_pypys_layers_is_found(
    tmp_path: Path, rule: str, platform: str, path: str, damage: Damage
) -> None:
    good = Good(tmp_path, platform, pypy=True)
    damage(good)
    assert (rule, path) in good.faults


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("py3-none-any", True),
        ("pp3-none-any", True),
        ("pp312-pypy312_pp80-win_amd64", True),
        ("pp312-pypy312_pp73-win_amd64", False),
        ("pp312-pypy312_pp80-win_arm64", False),
        ("cp312-cp312-win_amd64", False),
        ("cp312-abi3-win_amd64", False),
        ("cp3-none-win_amd64", False),
    ],
)
def test_tags_of_wheels_for_pypy(tmp_path: Path, tag: str, fits: bool) -> None:
    good = Good(tmp_path, WIN, pypy=True)
    path = f"framework-fast/{good.site}/fast-1.0.dist-info/WHEEL"
    good.write(path, f"Tag: {tag}\n".encode())
    assert (("tags", path) not in good.faults) is fits


@pytest.mark.parametrize(
    ("tag", "platform", "fits"),
    [
        ("py3-none-any", LINUX, True),
        ("py2.py3-none-any", LINUX, True),
        ("py2-none-any", LINUX, False),
        ("py313-none-any", LINUX, False),
        ("cp312-abi3-win_amd64", WIN, True),
        ("cp39-abi3-win_amd64", WIN, True),
        ("cp313-abi3-win_amd64", WIN, False),
        ("cp312-cp312-win_arm64", WIN, False),
        ("cp311-cp311-win_amd64", WIN, False),
        ("py3-none-win32", WIN, False),
        ("cp312-cp312-linux_x86_64", LINUX, True),
        ("cp312-cp312-manylinux1_x86_64", LINUX, True),
        ("cp312-cp312-musllinux_1_2_x86_64", LINUX, True),
        ("cp312-cp312-manylinux_2_17_aarch64", LINUX, False),
        ("cp312-cp312-macosx_11_0_universal2", MAC, True),
        ("cp312-cp312-macosx_10_9_x86_64", MAC, False),
        ("cp312-cp312-macosx_11_0_arm64", LINUX, False),
    ],
)
def test_tags_of_wheels(tmp_path: Path, tag: str, platform: str, fits: bool) -> None:
    good = Good(tmp_path, platform)
    lines = "".join(f"Tag: {one}\n" for one in expanded(tag))
    path = f"framework-fast/{good.site}/fast-1.0.dist-info/WHEEL"
    good.write(path, lines.encode())
    assert (("tags", path) not in good.faults) is fits


def expanded(tag: str) -> list[str]:
    interpreters, abi, platform = tag.split("-")
    return [f"{one}-{abi}-{platform}" for one in interpreters.split(".")]


def test_what_is_data_for_other_machines_can_be_named(tmp_path: Path) -> None:
    good = Good(tmp_path, LINUX)
    good.write(f"app-one/{SITE}/tool/arm/x.so", elf("linux_aarch64"))
    tree = Tree(folder=tmp_path / "app-one", platform=LINUX)
    assert [fault.rule for fault in check_layer(tree)] == ["machine"]
    excused = Tree(folder=tmp_path / "app-one", platform=LINUX, foreign=("*/tool/arm/*",))
    assert check_layer(excused) == []


def test_universal_files_are_for_both_machines() -> None:
    both = universal(macho("macosx_x86_64"), macho("macosx_arm64"))
    assert machines(both) == {("Mach-O", "x86_64"), ("Mach-O", "arm64")}
    java = b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(40)
    assert machines(java) == machines(b"") == machines(b"MZ") == machines(b"\x7fELF") == set()


def test_every_rule_is_tried_and_described() -> None:
    tried = {rule for rule, *_ in (*FAULTS, *FINISHED)} | {"tags"}
    described = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert tried == set(RULES)
    assert described == sorted(described)
    assert tuple(described) == RULES
