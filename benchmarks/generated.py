"""Stacks of any size, made by a program: shaped like real ones, with nothing to fetch."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

# Frameworks stand on each other in pairs, applications on a pair and one more: five layers deep.
_CHAIN = 2
DODO = 'from venvstacks_dag.tasks import stack\n\nglobals().update(stack("venvstacks.toml"))\n'
_WHEEL = """\
Wheel-Version: 1.0
Generator: bench
Root-Is-Purelib: true
Tag: py3-none-any
"""


def write_project(folder: Path, layers: int, wheels: Path | None = None) -> int:
    """A project of that many layers in `folder`. Returns how many edges its graph has.

    It can be listed; with `wheels`, those of `tiny_wheels`, it can be built on the host's Python.
    """
    folder.mkdir(parents=True)
    tables = list(_tables(layers, built=wheels is not None))
    text = "\n".join(text for text, _ in tables)
    if wheels is not None:
        text += f'\n[tool.uv]\nno-index = true\nfind-links = ["{wheels}"]\n'
    (folder / "venvstacks.toml").write_text(text, "utf-8")
    (folder / "app.py").write_text("print('hello')\n", "utf-8")
    (folder / "dodo.py").write_text(DODO, "utf-8")
    return sum(edges for _, edges in tables)


def tiny_wheels(folder: Path, layers: int) -> None:
    """A wheel with one module for each layer of a project of up to that many layers."""
    folder.mkdir(parents=True)
    for number in range(layers):
        write_wheel(folder, f"package_{number}", {f"package_{number}.py": b"VALUE = 1\n"})


def write_wheel(folder: Path, name: str, files: Mapping[str, bytes]) -> None:
    """A wheel of version 1.0 with `files`, not compressed."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    described = {
        **files,
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": _WHEEL.encode(),
    }
    rows = [_row(path, data) for path, data in described.items()]
    record = "".join([*rows, f"{info}/RECORD,,\n"])
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, data in {**described, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(path, data)


def _row(path: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def _tables(layers: int, *, built: bool) -> Iterator[tuple[str, int]]:
    """One runtime, a third frameworks, the rest applications; each with its number of edges."""
    frameworks = max(1, layers // 3)
    python = "cpython@host" if built else "cpython@3.12.7"
    words = [f"package-{number}" for number in range(layers)]
    if not built:
        words = ["numpy>=1.26"]
        words += [f"package-{place}>=1.{place % 9}" for place in range(frameworks)]
        words += ["rich>=13; os_name != 'x'"] * layers
    more = "" if built else ', "httpx"'
    wanted = iter(words)

    def table(kind: str, name: str, below: str) -> str:
        requirements = f'requirements = ["{next(wanted)}"{more}]'
        return f'[[{kind}]]\nname = "{name}"\n{below}\n{requirements}\n'

    yield table("runtimes", "python", f'python_implementation = "{python}"'), 0
    for place in range(frameworks):
        below = 'runtime = "python"' if place % _CHAIN == 0 else f'frameworks = ["f{place - 1}"]'
        yield table("frameworks", f"f{place}", below), 1
    for place in range(layers - 1 - frameworks):
        first = place % frameworks
        second = (first // _CHAIN + 1) * _CHAIN % frameworks
        names = [first] if first // _CHAIN == second // _CHAIN else [first, second]
        listed = ", ".join(f'"f{name}"' for name in names)
        below = f'frameworks = [{listed}]\nlaunch_module = "app.py"'
        yield table("applications", f"a{place}", below), len(names)
