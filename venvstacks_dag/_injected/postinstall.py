"""Finish a layer where it is deployed: run this file with the Python of its runtime layer.

What a layer ships says where its peers are relative to itself. A virtual environment needs
absolute paths in two files, so these are written here: ``pyvenv.cfg``, which leads the
interpreter to its home, and ``sitecustomize.py``, which adds the layers below to `sys.path`.
Then the layer's modules are compiled, for which another Python hands over to the runtime's. Run it
for the runtime layer first, then upwards, best with ``-I -S`` so that nothing but this file runs;
again after the layers have moved. Layers that
will be moved, or cannot be written later, get files without absolute paths (``--relative``).

A copy of this file lies at the top of each layer. It uses the standard library only, and runs on
all Pythons from 3.8 on, PyPy's too.
"""

from __future__ import annotations

import sys

# Before 3.11 only isolation (-I) keeps the folder out.
if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    # Python puts this file's folder, the layer, in front of the standard library: a module
    # that some package dropped there must not be taken for one of those imported below.
    del sys.path[0]

import argparse
import gc
import importlib.util
import json
import marshal
import os
import re
import signal
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib.util import MAGIC_NUMBER
from pathlib import Path, PurePath
from types import CodeType
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

LAYER_CONFIG = "share/venv/metadata/venvstacks_layer.json"
_UNCHECKED = (1).to_bytes(4, "little")
# Never through a link that somebody put there.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_WORTH_A_WORKER = 20  # so many modules take as long as the start of a process
_MOST_PARTS = 200  # of two bytes each: a pipe takes them at once, on every system
# Set for the runtime's Python by another one that was to finish the layer.
_HANDED_OVER = "VENVSTACKS_DAG_HANDED_OVER"
_VERSION = re.compile(r"\d+\.\d+\.\d+\Z", re.ASCII)


class LayerConfigError(Exception):
    """The layer's configuration cannot be used; the message says why."""


# No dataclass: it takes longer to import what makes them than to finish a small layer.
class Layer(NamedTuple):
    """A layer's configuration with its paths made absolute.

    ``python`` runs the layer, ``base_python`` is the runtime's; in a runtime they are the same.
    ``py_version`` is X.Y.Z. ``pylib_dirs`` and ``dynlib_dirs`` are those of the layers below.
    """

    folder: PurePath
    python: PurePath
    py_version: str
    base_python: PurePath
    site_dir: PurePath
    pylib_dirs: tuple[PurePath, ...]
    dynlib_dirs: tuple[PurePath, ...]

    @property
    def is_runtime(self) -> bool:
        """Whether the layer is a base runtime, which needs no configuration of its own."""
        return self.python == self.base_python

    @property
    def is_windows(self) -> bool:
        """Whether the layer is one for Windows."""
        return self.python.suffix.lower() == ".exe"


def resolve_layer(folder: PurePath, config: Mapping[str, Any]) -> Layer:
    """The layer that lies in the absolute `folder` and has the values of `config`.

    Raises `LayerConfigError` for values of the wrong kind, paths that leave the folder the
    layers lie in, and paths that cannot stand in a line of ``pyvenv.cfg``.
    """
    if not folder.is_absolute():
        raise LayerConfigError(f"the layer's folder is not absolute: {str(folder)!r}")
    refuse_unwritable(str(folder))
    version = _text(config, "py_version")
    if not _VERSION.match(version):
        raise LayerConfigError(f"py_version is not X.Y.Z: {version!r}")
    return Layer(
        folder=folder,
        python=_peer_path(folder, _text(config, "python")),
        py_version=version,
        base_python=_peer_path(folder, _text(config, "base_python")),
        site_dir=_peer_path(folder, _text(config, "site_dir")),
        pylib_dirs=tuple(_peer_path(folder, text) for text in _texts(config, "pylib_dirs")),
        dynlib_dirs=tuple(_peer_path(folder, text) for text in _texts(config, "dynlib_dirs")),
    )


def _text(config: Mapping[str, Any], key: str) -> str:
    value = config.get(key)
    if not isinstance(value, str) or not value:
        raise LayerConfigError(f"{key} is missing or not a text")
    return value


def _texts(config: Mapping[str, Any], key: str) -> list[str]:
    value = config.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise LayerConfigError(f"{key} is missing or not a list of texts")
    return value


def _peer_path(folder: PurePath, text: str) -> PurePath:
    """`text` below `folder`, or below a peer where it starts with ``../<peer>/``."""
    refuse_unwritable(text)
    parts = text.split("/")
    base = folder
    if parts[0] == "..":
        base, parts = folder.parent, parts[1:]
    # A drive or a backslash would start the path anew, or climb, on Windows.
    if not parts or any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
        raise LayerConfigError(f"a path leads out of the folder of the layers: {text!r}")
    return base.joinpath(*parts)


def refuse_unwritable(text: str) -> None:
    """Raise `LayerConfigError` for a path that cannot stand in a line of ``pyvenv.cfg``."""
    for character in text:
        code = ord(character)
        # Control characters end a line or a value; lone surrogates stand for bytes that are not
        # UTF-8, which the interpreter could not read back from `pyvenv.cfg`.
        if code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000:
            raise LayerConfigError(f"a path holds a character that no layer may have: {text!r}")


_IMPORTS = ("", "import os", "import site", "import sys", "")
# A layer that was reached by a link is looked for where the link led then: a program that was
# started keeps to what it was started from when the link comes to lead elsewhere.
_STAY = (
    "sys.path[:] = [here if os.path.realpath(path) == here else path for path in sys.path]",
    "",
)
# CPython has Windows search the folders that were added, but not PATH. PyPy loads modules in a way
# by which it is the other way round (LOAD_WITH_ALTERED_SEARCH_PATH); old ones cannot add folders.
_DLL_FOLDERS = (
    "libraries = [path for path in libraries if os.path.isdir(path)]",
    "if sys.implementation.name == 'pypy':",
    "    others = os.environ.get('PATH', '').split(os.pathsep)",
    "    others = [path for path in others if path and path not in libraries]",
    "    os.environ['PATH'] = os.pathsep.join([*libraries, *others])",
    "for path in libraries:",
    "    try:",
    "        os.add_dll_directory(path)",
    "    except AttributeError:",
    "        pass",
)


def pyvenv_cfg(layer: Layer) -> str:
    """The text of ``pyvenv.cfg`` (PEP 405), which makes the layer a virtual environment."""
    return (
        f"home = {layer.base_python.parent}\n"
        "include-system-site-packages = false\n"
        f"version = {layer.py_version}\n"
        f"executable = {layer.base_python}\n"
    )


def sitecustomize(layer: Layer) -> str:
    """The source of ``sitecustomize.py``, which adds the layers below in import order.

    Paths become ASCII string literals, so that no character of theirs can end one.
    """
    lines = [
        '"""Written when the layer was put in its place: adds the layers below."""',
        *_IMPORTS,
        f"here = {str(layer.site_dir)!a}",
        *_STAY,
        *(f"site.addsitedir({str(folder)!a})" for folder in layer.pylib_dirs),
    ]
    if layer.is_windows and layer.dynlib_dirs:
        literals = "".join(f"    {str(folder)!a},\n" for folder in layer.dynlib_dirs)
        lines += ["", f"libraries = [\n{literals}]", *_DLL_FOLDERS]
    return "\n".join(lines) + "\n"


def relative_sitecustomize(layer: Layer) -> str:
    """As `sitecustomize`, for a layer that may lie anywhere: it looks where it is itself."""
    lines = [
        '"""Adds the layers below, wherever they lie together with this one."""',
        *_IMPORTS,
        "here = os.path.dirname(os.path.realpath(__file__))",
        *_STAY,
    ]
    for folder in layer.pylib_dirs:
        way = os.path.relpath(folder, layer.site_dir)
        lines.append(f"site.addsitedir(os.path.normpath(os.path.join(here, {way!a})))")
    return "\n".join(lines) + "\n"


def relative_files(layer: Layer) -> tuple[tuple[PurePath, bytes], ...]:
    """Path and content of the files of a layer that may be moved; none for a runtime.

    Without ``home``, CPython looks for its standard library from where the interpreter's link
    leads (python/cpython issue 135773), and `site` takes the folder of ``pyvenv.cfg`` as prefix.
    """
    if layer.is_runtime:
        return ()
    settings = f"include-system-site-packages = false\nversion = {layer.py_version}\n"
    return (
        (layer.folder / "pyvenv.cfg", settings.encode()),
        (layer.site_dir / "sitecustomize.py", relative_sitecustomize(layer).encode()),
    )


def local_files(layer: Layer) -> tuple[tuple[PurePath, bytes], ...]:
    """Path and content of the files that hold absolute paths; none for a runtime."""
    if layer.is_runtime:
        return ()
    return (
        (layer.folder / "pyvenv.cfg", pyvenv_cfg(layer).encode()),
        (layer.site_dir / "sitecustomize.py", sitecustomize(layer).encode()),
    )


def read_layer(folder: Path) -> Layer:
    """The layer in `folder`, as its configuration has it. Raises `LayerConfigError`."""
    path = folder / LAYER_CONFIG
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise LayerConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise LayerConfigError(f"{path} does not hold an object")
    return resolve_layer(folder, config)


def configure(layer: Layer, *, relative: bool = False) -> None:
    """Write the layer's local files. What is right already is left alone.

    Raises `LayerConfigError` where the runtime layer is not beside the layer, or where a layer
    cannot do without absolute paths, and `OSError`.
    """
    if relative and not layer.is_runtime and not Path(layer.python).is_symlink():
        raise LayerConfigError(
            f"only a layer whose Python is a link can do without absolute paths: {layer.python}"
        )
    if not Path(layer.base_python).is_file():
        raise LayerConfigError(f"the runtime layer is not there: no {layer.base_python}")
    for path, content in relative_files(layer) if relative else local_files(layer):
        _drop_bytecode(Path(path), content)
        _write(Path(path), content)


def _drop_bytecode(path: Path, content: bytes) -> None:
    """Forget what was compiled of a module: unchecked bytecode would keep its old paths in use.

    That of the very same `content` stays: a layer that is as it should be may be read-only.
    """
    same = _holds(path, content)
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        head = compiled.read_bytes()[4:16]
        if not same or (head[:4] == _UNCHECKED and head[4:] != importlib.util.source_hash(content)):
            compiled.unlink(missing_ok=True)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes() == content


def _write(path: Path, content: bytes) -> None:
    """Make `path` a file for all to read, unless it holds `content` already. Raises `OSError`."""
    if not _holds(path, content):
        _replace(path, content)


def _replace(path: Path, content: bytes) -> None:
    # By rename, so that an interpreter that starts meanwhile never reads half a file, and so that
    # a file which shares its content with another layer by a hard link is left alone.
    temporary = path.parent / f".{path.name[:60]}.{os.getpid()}"
    try:
        with os.fdopen(_new_file(temporary), "wb") as stream:
            stream.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            # Users know nothing of the temporary file.
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _new_file(path: Path) -> int:
    try:
        return os.open(path, _NEW, 0o600)
    except FileNotFoundError:
        _make_folder(path.parent)
    except FileExistsError:
        # A process that was killed, and had the number of this one, left it.
        path.unlink()
    return os.open(path, _NEW, 0o600)


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for all to read whatever the umask is."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def compile_bytecode(layer: Layer) -> None:
    """Compile the layer's modules; files that are no valid Python are passed over.

    The bytecode is not checked against its source when it is loaded (PEP 552, unchecked), as
    the files of a layer do not change in place: so all of it is made anew each time, and written
    where it is not the same as before. Raises `LayerConfigError` if another Python is running than
    the one that will load it, or if not all of it could be written.
    """
    if not _is_own_python(layer):
        running = "{}.{}".format(*sys.version_info)
        raise LayerConfigError(
            f"this is Python {running}, but the layer is for {layer.py_version}: "
            f"run it with {layer.base_python}"
        )
    # A runtime's site-packages lies within its standard library.
    top = Path(layer.site_dir.parent if layer.is_runtime else layer.site_dir)
    modules = _modules(top)
    collects = gc.isenabled()
    try:
        # What compiles makes no cycles, and looking for them takes a twentieth of the time.
        gc.disable()
        _compile_all(modules, partial(compile_module, folder=str(layer.folder)))
    except OSError as error:
        raise LayerConfigError(
            f"bytecode cannot be written to {error.filename}: {error.strerror} "
            "(--no-compile leaves it out)"
        ) from error
    finally:
        if collects:
            gc.enable()


def _is_own_python(layer: Layer) -> bool:
    """Whether the bytecode of the running Python is what the layer's would load."""
    return layer.py_version.rpartition(".")[0] == "{}.{}".format(*sys.version_info)


def _run_with_base(layer: Layer, arguments: list[str]) -> int | None:
    """Do it all with the runtime's Python; its exit code, None where it cannot be run here."""
    import subprocess  # noqa: PLC0415 - takes as long to import as a small layer to finish

    command = [str(layer.base_python), "-I", "-S", "-B", os.path.realpath(__file__), *arguments]
    try:
        return subprocess.run(
            command, env={**os.environ, _HANDED_OVER: "1"}, check=False
        ).returncode
    except OSError:
        return None


def _compile_all(modules: list[str], compile_one: Callable[[str], None]) -> None:
    """Call `compile_one` for each module, in several processes where that is worth it."""
    workers = min(_processors(), len(modules) // _WORTH_A_WORKER)
    if workers > 1 and hasattr(os, "fork"):
        done = _compile_in_copies(modules, compile_one, workers)
    elif workers > 1 and sys.version_info >= (3, 11):
        done = _compile_in_a_pool(modules, compile_one)
    else:
        done = False
    # What a worker could not do is done, or said, here. Of what is there, nothing is written twice.
    for path in () if done else modules:
        compile_one(path)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _compile_in_copies(
    modules: list[str], compile_one: Callable[[str], None], workers: int
) -> bool:
    """Let copies of this process help it; whether all of them did what they took.

    They share a pipe with what is to be done, and need nothing else of the system: no threads and
    no semaphores, which a small container may not have, and for which executors of the standard
    library wait without an end.
    """
    parts = min(len(modules), _MOST_PARTS)
    helpers: list[int] = []
    try:
        reader, writer = os.pipe()
    except OSError:
        return False
    try:
        os.write(writer, b"".join(part.to_bytes(2, "little") for part in range(parts)))
        os.close(writer)
        with suppress(OSError), catch_warnings():
            # Of threads, which a copy has none of: a deployment watches over its script with one.
            simplefilter("ignore")
            for _ in range(workers - 1):
                helpers.append(_helper(reader, parts, modules, compile_one))
        _take_parts(reader, parts, modules, compile_one)
        done = True
        while helpers:
            done = _ended_well(helpers.pop()) and done
        return done
    finally:
        os.close(reader)
        for helper in helpers:
            with suppress(OSError):
                os.kill(helper, signal.SIGKILL)
                os.waitpid(helper, 0)


def _ended_well(process: int) -> bool:
    try:
        return os.waitpid(process, 0)[1] == 0
    except ChildProcessError:
        return False  # Whoever started this script ignores how processes end, and so does it.


def _helper(reader: int, parts: int, modules: list[str], compile_one: Callable[[str], None]) -> int:
    """The process number of a copy of this process that compiles as long as something is left."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        _take_parts(reader, parts, modules, compile_one)
        code = 0
    finally:
        # It must never go on with what the other process is doing.
        os._exit(code)


def _take_parts(
    reader: int, parts: int, modules: list[str], compile_one: Callable[[str], None]
) -> None:
    while part := os.read(reader, 2):
        for path in modules[int.from_bytes(part, "little") :: parts]:
            compile_one(path)


def _compile_in_a_pool(modules: list[str], compile_one: Callable[[str], None]) -> bool:
    # Worker processes must not look for modules in the current folder; before 3.11 they cannot be
    # kept from it.
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        # Where nothing is compiled yet, it takes long to import.
        from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

        with ProcessPoolExecutor(initializer=gc.disable) as pool:
            list(pool.map(compile_one, modules, chunksize=8))
    except (ImportError, OSError, RuntimeError):
        return False
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before
    return True


def _modules(top: Path) -> list[str]:
    """The modules below `top`, the largest first, so that no worker has one left at the end."""
    found: list[tuple[int, str]] = []
    # A fifth of the time that `Path.rglob` takes, in which the other processors have to wait.
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith(".py"):
                path = f"{folder}{os.sep}{name}"
                with suppress(OSError):
                    status = os.stat(path)  # noqa: PTH116 - no Path in this loop
                    if stat.S_ISREG(status.st_mode):
                        found.append((-status.st_size, path))
    return [path for _, path in sorted(found)]


def compile_module(path: str, folder: str) -> None:
    """Write the bytecode of one module of the layer in `folder`. Raises `OSError`."""
    try:
        source = Path(path).read_bytes()
        # Python puts in the full path when it loads a module. So the bytecode is the same wherever
        # the layer lies, and may be shared.
        content = bytecode(source, os.path.relpath(path, folder).replace(os.sep, "/"))
    except Exception:  # whatever the compiler makes of files that are no modules
        return
    target = Path(importlib.util.cache_from_source(path))
    if not _says_the_same(target, content):
        _replace(target, content)


def bytecode(source: bytes, name: str) -> bytes:
    """The bytecode of a module: the same for the same source and Python, whatever ran before.

    Raises what compilers raise.
    """
    code = compile(source, name, "exec", dont_inherit=True)
    # `marshal` marks what is referred to more than once, also from elsewhere in the process: as
    # names are, which all modules share. Since Python 3.11 it marks all of those.
    kept = _strings(code) if sys.version_info < (3, 11) else []
    data = marshal.dumps(code)
    del kept
    return MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source) + data


def _strings(code: CodeType) -> list[str]:
    found: list[str] = []
    left: list[Any] = [code]
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, (tuple, frozenset)):
            left.extend(value)
        elif isinstance(value, CodeType):
            found += (value.co_filename, value.co_name, getattr(value, "co_qualname", ""))
            found += value.co_names
            found += value.co_varnames
            found += value.co_cellvars
            found += value.co_freevars
            left.extend(value.co_consts)
    return found


def _says_the_same(path: Path, content: bytes) -> bool:
    """Whether bytecode differs in nothing that counts.

    Old Pythons leave the order of sets open; newer ones, by their random hashes, whether equal
    sets are one, and, by what else is imported, how a name is kept.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        old = path.read_bytes()
        if old == content:
            return True  # So it is of nearly all when the script is run again.
        return old[:16] == content[:16] and marshal.loads(old[16:]) == marshal.loads(content[16:])  # noqa: S302
    except (OSError, EOFError, ValueError, TypeError):
        return False


def main(arguments: list[str] | None = None) -> int:
    """Run the script; 0 if the layer is ready for use."""
    parser = argparse.ArgumentParser(
        description="Finish this layer where it lies. Run it with the runtime layer's Python."
    )
    compiling = "do not compile the layer's modules"
    parser.add_argument("--no-compile", action="store_true", help=compiling)
    parser.add_argument(
        "--relative",
        action="store_true",
        help="write no absolute paths, so that the layers may be moved together",
    )
    words = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(words)
    try:
        # Links are followed: the peers lie beside the folder itself, not beside a link to it.
        layer = read_layer(Path(os.path.realpath(__file__)).parent)
        if not (options.no_compile or _is_own_python(layer) or _HANDED_OVER in os.environ):
            code = _run_with_base(layer, words)
            if code is not None:
                return code
        configure(layer, relative=options.relative)
        if not options.no_compile:
            compile_bytecode(layer)
    except (LayerConfigError, OSError) as error:
        print(f"postinstall: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
