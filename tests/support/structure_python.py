"""Rules about what makes a folder a Python layer: configuration, packages, local files."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.support.structure_interpreter import interpreter_faults
from tests.support.structure_tree import CONFIG, Tree, Violation

_INSTALLERS = ("pip", "setuptools", "wheel", "pkg_resources", "_distutils_hack")
_KEYS = ("python", "py_version", "base_python", "site_dir", "pylib_dirs", "dynlib_dirs")
_LIBRARY_NAMES = {
    "linux": re.compile(r"[^/]+\.so(\.[^/]+)?\Z"),
    "macosx": re.compile(r".+\.dylib\Z"),
}


def python_faults(tree: Tree) -> Iterator[Violation]:
    """What keeps the layer from being one."""
    yield from _configuration(tree)
    if not tree.short:
        return
    yield from interpreter_faults(tree)
    if tree.is_runtime:
        yield from _installers(tree)
        yield from _start_up(tree)
    yield from _local(tree)
    yield from _dynlib(tree)
    # Only those at the top: packages carry others inside themselves.
    for path in tree.files:
        if re.fullmatch(rf"{re.escape(tree.site)}/[^/]+\.dist-info/RECORD", path):
            yield from _distribution(tree, path.removesuffix("/RECORD"))


def _configuration(tree: Tree) -> Iterator[Violation]:
    if "postinstall.py" not in tree.files:
        yield tree.wrong("postinstall.py", "postinstall", "missing")
    missing = [key for key in _KEYS if key not in tree.config]
    if missing:
        yield tree.wrong(CONFIG, "configuration", f"there is no {', '.join(missing)}")
        return
    texts = [tree.config[key] for key in ("python", "base_python", "site_dir")]
    for text in (*texts, *tree.config["pylib_dirs"], *tree.config["dynlib_dirs"]):
        parts = PurePosixPath(text).parts
        inner = parts[2:] if parts[:1] == ("..",) else parts
        if text.startswith("/") or "\\" in text or ":" in text or ".." in inner or not inner:
            yield tree.wrong(CONFIG, "configuration", f"{text!r} is no path below the layers")
        elif not tree.peer(text).exists() and text not in tree.config["pylib_dirs"]:
            yield tree.wrong(CONFIG, "configuration", f"there is no {text}")
    own = {"site_dir": tree.site, "python": _python(tree)}
    for key, expected in own.items():
        if tree.config[key] != expected:
            yield tree.wrong(CONFIG, "configuration", f"{key} is not {expected}")


def _python(tree: Tree) -> str:
    if not tree.windows:
        return "bin/python"
    return "python.exe" if tree.is_runtime else "Scripts/python.exe"


def _installers(tree: Tree) -> Iterator[Violation]:
    for path in tree.files:
        name = path.removeprefix(f"{tree.site}/")
        if name != path and re.split(r"[/.-]", name)[0] in _INSTALLERS:
            yield tree.wrong(path, "installers", "layers are not installed into")


def _start_up(tree: Tree) -> Iterator[Violation]:
    for path in tree.entries:
        folder, _, name = path.lower().rpartition("/")
        at_top = tree.windows and not folder
        if path == "pyvenv.cfg" or (
            at_top and (name.endswith("._pth") or name == "pybuilddir.txt")
        ):
            yield tree.wrong(path, "start-up", "the interpreter would look elsewhere")
        if folder == tree.library.lower() and name.startswith(("sitecustomize", "usercustomize")):
            yield tree.wrong(path, "start-up", "hides that of the layers")


def _local(tree: Tree) -> Iterator[Violation]:
    """A finished layer that is no runtime has both files, any other has none of them."""
    wanted = tree.finished and not tree.is_runtime
    for path in ("pyvenv.cfg", f"{tree.site}/sitecustomize.py"):
        if (path in tree.entries) is not wanted:
            yield tree.wrong(path, "local", "missing" if wanted else "is written at the target")
    cfg, custom = (tree.files.get(p) for p in ("pyvenv.cfg", f"{tree.site}/sitecustomize.py"))
    if wanted and cfg and "\nhome = " not in f"\n{cfg.read_text('utf-8')}":
        yield tree.wrong("pyvenv.cfg", "local", "leads nowhere")
    adds = custom.read_text("utf-8").count("addsitedir(") if wanted and custom else 0
    if wanted and adds != len(tree.config["pylib_dirs"]):
        yield tree.wrong(f"{tree.site}/sitecustomize.py", "local", "does not add the layers below")


def _dynlib(tree: Tree) -> Iterator[Violation]:
    prefix = "share/venv/dynlib/"
    inside = [path for path in tree.entries if path.startswith(prefix)]
    if tree.windows:
        yield from (tree.wrong(path, "dynlib", "not on Windows") for path in inside)
        return
    pattern = _LIBRARY_NAMES[tree.platform.partition("_")[0]]
    for path in inside:
        if path not in tree.links or not tree.links[path].startswith("../../../"):
            yield tree.wrong(path, "dynlib", "no link to a file of the layer")
        if not pattern.match(path.removeprefix(prefix)):
            yield tree.wrong(path, "dynlib", "no name of a shared library")


def _distribution(tree: Tree, folder: str) -> Iterator[Violation]:
    rows = list(csv.reader(io.StringIO(tree.files[f"{folder}/RECORD"].read_text("utf-8"))))
    listed = {_normal(f"{tree.site}/{row[0]}") for row in rows if row}
    for row in rows:
        if len(row) == 3 and row[1]:
            yield from _row_faults(tree, _normal(f"{tree.site}/{row[0]}"), row[1])
    for path in tree.files:
        if path.startswith(f"{folder}/") and path not in listed:
            yield tree.wrong(path, "record", "RECORD does not list it")
    wheel = tree.files.get(f"{folder}/WHEEL")
    tags = re.findall(r"^Tag: *(\S+)", wheel.read_text("utf-8"), re.M) if wheel else []
    if not any(_fits(tree, tag) for tag in tags):
        yield tree.wrong(f"{folder}/WHEEL", "tags", f"for {', '.join(tags) or 'nothing'}")


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _row_faults(tree: Tree, path: str, stated: str) -> Iterator[Violation]:
    if path not in tree.files:
        yield tree.wrong(path, "record", "RECORD lists it, but it is not there")
        return
    algorithm, _, digest = stated.partition("=")
    found = hashlib.new(algorithm, tree.files[path].read_bytes()).digest()
    if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != digest:
        yield tree.wrong(path, "record", "other bytes than RECORD states")


def _fits(tree: Tree, tag: str) -> bool:
    interpreter, abi, platform = tag.split("-")
    major, minor = (int(part) for part in tree.short.split("."))
    cp = f"cp{major}{minor}"
    if abi == "none":
        own = "pp" if tree.pypy else "cp"
        match = re.fullmatch(rf"(py|{own}){major}(\d*)", interpreter)
        python = match is not None and (not match[2] or int(match[2]) <= minor)
    elif tree.pypy:
        python = (interpreter, abi) == (f"pp{major}{minor}", tree.pypy_abi.replace("-", "_"))
    elif abi == "abi3":
        match = re.fullmatch(r"cp3(\d+)", interpreter)
        python = match is not None and int(match[1]) <= minor
    else:
        python = (interpreter, abi) == (cp, cp)
    if platform == "any" or tree.windows:
        return python and platform in ("any", tree.platform)
    machine = tree.platform.partition("_")[2]
    kinds = {"arm64": "arm64|universal2", "x86_64": "x86_64|universal2|intel|fat64|universal"}
    pattern = (
        rf"macosx_\d+_\d+_({kinds[machine]})"
        if tree.mac
        else rf"((many|musl)linux[^-]*|linux)_{machine}"
    )
    return python and re.fullmatch(pattern, platform) is not None
