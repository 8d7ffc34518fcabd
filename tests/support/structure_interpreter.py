"""Rules about what runs a layer: the interpreter of a runtime, and what leads others to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.support.structure_tree import Tree, Violation

# On Windows, what belongs to an interpreter.
_AT_TOP = re.compile(r"((python|pypy|libpypy|libffi|vcruntime)[^/]*)\.(exe|dll)", re.IGNORECASE)
_HEADS = {"linux": "#!/bin/bash", "macosx": "#!/bin/zsh"}


def interpreter_faults(tree: Tree) -> Iterator[Violation]:
    """What keeps the layer from being run, or would be run in its place."""
    yield from (_runtime if tree.is_runtime else _environment)(tree)
    yield from _scripts(tree)


def _runtime(tree: Tree) -> Iterator[Violation]:
    programs, libraries = _posix_files(tree)
    if tree.windows:
        programs, libraries = (_pypy_windows_files if tree.pypy else _windows_files)(tree)
    if tree.windows and not tree.pypy:
        if not any(path.startswith("DLLs/") for path in tree.files):
            yield tree.wrong("DLLs", "libraries", "no extension modules")
        if _launcher(tree, "python.exe") is None:
            yield tree.wrong("Lib/venv/scripts/nt", "launcher", "the runtime has none")
    modules = [f"{tree.library}/{name}.py" for name in ("os", "site", "encodings/__init__")]
    for rule, paths in (("interpreter", programs), ("libraries", [*libraries, *modules])):
        for path in paths:
            if path not in tree.files:
                yield tree.wrong(path, rule, "missing")
    for path in () if tree.windows else _runtime_names(tree):
        if not (tree.folder / path).is_file():
            yield tree.wrong(path, "interpreter", "missing")


def _posix_files(tree: Tree) -> tuple[list[str], list[str]]:
    """Programs and libraries that a runtime must have. CPython's library may be in its program."""
    return [f"bin/{tree.program}"], [f"bin/{tree.pypy_library}"] if tree.pypy else []


def _windows_files(tree: Tree) -> tuple[list[str], list[str]]:
    nodot = tree.short.replace(".", "")
    libraries = [f"python{nodot}.dll", "python3.dll", "vcruntime140.dll"]
    return ["python.exe", "pythonw.exe"], libraries


def _pypy_windows_files(tree: Tree) -> tuple[list[str], list[str]]:
    programs = ["python.exe", "pythonw.exe", f"{tree.program}.exe"]
    return programs, [tree.pypy_library, "libffi-8.dll"]


def _runtime_names(tree: Tree) -> Iterator[str]:
    """What the interpreter is also called by, on systems that have links."""
    yield from ("bin/python", "bin/python3")
    if tree.pypy:
        yield from (f"bin/{name}" for name in ("pypy", "pypy3", f"pypy{tree.short}"))
        yield f"bin/python{tree.short}"


def _environment(tree: Tree) -> Iterator[Violation]:
    if tree.windows:
        names = tree.runtime.interpreter_files if tree.pypy else ("python.exe", "pythonw.exe")
        for name in names:
            yield from _launcher_faults(tree, name)
        for path in tree.entries:
            if _AT_TOP.fullmatch(path):
                yield tree.wrong(path, "launcher", "only the runtime has this")
        return
    base = f"../../{tree.runtime.folder.name}/bin/python"
    links = {"bin/python_": base, "bin/python3": "python", f"bin/python{tree.short}": "python"}
    for path, target in links.items():
        if tree.links.get(path) != target:
            yield tree.wrong(path, "interpreter", f"no link to {target}")
    if "bin/python" in tree.files:
        yield from _wrapper_faults(tree)
    elif tree.links.get("bin/python") != base:
        yield tree.wrong("bin/python", "interpreter", f"neither a link to {base} nor a script")
    elif tree.config["dynlib_dirs"]:
        yield tree.wrong("bin/python", "interpreter", "a link, though there are libraries below")


def _wrapper_faults(tree: Tree) -> Iterator[Violation]:
    text = tree.files["bin/python"].read_text("utf-8")
    system = tree.platform.partition("_")[0]
    variable = "DYLD_LIBRARY_PATH" if system == "macosx" else "LD_LIBRARY_PATH"
    if not text.startswith(_HEADS[system]) or not re.search(rf"^export {variable}$", text, re.M):
        yield tree.wrong("bin/python", "interpreter", f"no {_HEADS[system]} that sets {variable}")
    if not tree.entries["bin/python"].st_mode & 0o100:
        yield tree.wrong("bin/python", "mode", "cannot be run")
    for folder in tree.config["dynlib_dirs"]:
        if folder.removeprefix("../") not in text:
            yield tree.wrong("bin/python", "interpreter", f"says nothing of {folder}")


def _launcher(tree: Tree, name: str) -> bytes | None:
    """The launcher of virtual environments that the runtime in `tree` has."""
    window = "w" if name == "pythonw.exe" else ""
    for source in (f"venv{window}launcher.exe", name):
        path = tree.folder / "Lib/venv/scripts/nt" / source
        if path.is_file():
            return path.read_bytes()
    return None


def _launcher_faults(tree: Tree, name: str) -> Iterator[Violation]:
    path, base = f"Scripts/{name}", tree.runtime
    if tree.pypy:
        expected: bytes | None = base.interpreter_files[name].read_bytes()
    else:
        expected = _launcher(base, name)
    have = tree.files[path].read_bytes() if path in tree.files else None
    if have != expected:
        what = "missing" if have is None else "not the launcher that the runtime has"
        yield tree.wrong(path, "launcher", what)


def _scripts(tree: Tree) -> Iterator[Violation]:
    folder = "Scripts" if tree.windows else "bin"
    names = {"python", "python3", f"python{tree.short}"}
    if tree.windows and tree.is_runtime:
        names = set()
    elif tree.windows:
        own = tree.runtime.interpreter_files if tree.pypy else ()
        names = {"python.exe", "pythonw.exe", *own}
    elif not tree.is_runtime:
        names.add("python_")
    elif tree.pypy:
        names |= {"pypy", "pypy3", f"pypy{tree.short}"}
        names.add(tree.pypy_library)
    for path in tree.entries:
        top, _, name = path.partition("/")
        # Windows does not tell `bin` from `BIN`, and has data of packages in it.
        if top.lower() == folder.lower() and name and name not in names:
            yield tree.wrong(path, "scripts", "layers have none")
