"""Stacks to build for real: a small specification as data, and doit or the command run on it.

    project = Project(folder, index=index.simple_url, cache=store)
    project.layer("app-one")["requirements"] = ["helper"]
    built = project.doit("build")
    assert built.code == 0
    assert built.ran == {"resolve:app-one", ...}

`doit` runs in this process, which is quick; `process` and `command` are what a user types.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import tomli_w
import zstandard
from doit import doit_cmd
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from doit.exceptions import InvalidDodoFile

from tests.support.index_server import LocalIndex
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.tasks import stack

ROOT = Path(__file__).parents[2]
DODO = """\
from venvstacks_dag.tasks import stack

globals().update(stack("venvstacks.toml"))
"""
HOST = "cpython@host"
_RAN = re.compile(
    r"^ {2}((?:resolve|install|link|archive|build|export):\S+|publish\S*|local-export) +[\d.]+ s\b",
    re.M,
)
_PREFIXES = {"runtimes": "", "frameworks": "framework-", "applications": "app-"}
# What would make a build depend on the machine that tests it.
_PASSED_ON = ("PATH", "TMPDIR", "SYSTEMROOT", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended. ``output`` is all that the user saw."""

    code: int
    output: str

    @property
    def tasks(self) -> list[str]:
        """The tasks that ran, in the order in which they ended."""
        return _RAN.findall(self.output)

    @property
    def ran(self) -> set[str]:
        """The tasks that ran."""
        return set(self.tasks)

    @property
    def did_nothing(self) -> bool:
        """Whether the run says that all was up to date."""
        return self.code == 0 and not self.tasks and "Nothing to do" in self.output


class Project:
    """A folder with a specification, its modules and a `dodo.py` of two lines.

    ``spec`` is written to ``venvstacks.toml`` at each run, so tests just change it; ``environ``
    is all of the environment that the build sees.
    """

    def __init__(self, folder: Path, *, index: str, cache: Path, python: str = HOST) -> None:
        self.folder = folder
        self.spec: dict[str, Any] = small_stack(python)
        self.environ: dict[str, str] = {
            "HOME": str(folder),
            "PIP_INDEX_URL": index,
            "UV_DEFAULT_INDEX": index,
            "PIP_RETRIES": "0",
            "PIP_KEYRING_PROVIDER": "disabled",
            "VENVSTACKS_DAG_CACHE": str(cache),
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        }
        folder.mkdir(parents=True, exist_ok=True)
        self.write("dodo.py", DODO)
        for path, text in MODULES.items():
            self.write(path, text)

    # --- the specification ------------------------------------------------------------

    def write(self, path: str, text: str) -> Path:
        """Write a file below the project's folder."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return place

    def layer(self, env_name: str) -> dict[str, Any]:
        """The table of a layer, to be changed."""
        for kind, tables in self.spec.items():
            if kind in _PREFIXES:
                for table in tables:
                    if _PREFIXES[kind] + table["name"] == env_name:
                        found: dict[str, Any] = table
                        return found
        raise KeyError(env_name)

    def remove(self, env_name: str) -> None:
        """Take a layer out of the specification."""
        table = self.layer(env_name)
        for tables in self.spec.values():
            if isinstance(tables, list) and table in tables:
                tables.remove(table)

    def save(self) -> Path:
        """Write the specification, unless it holds just that (times must not matter)."""
        path = self.folder / "venvstacks.toml"
        text = tomli_w.dumps(self.spec)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
        return path

    def clone(self, folder: Path, *, cache: Path | None = None, locks: bool = True) -> Project:
        """What a version control would hold of this project, in another folder."""
        made = ["_build", "_artifacts", "__pycache__", *([] if locks else ["requirements"])]
        self.save()
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(*made))
        clone = Project.__new__(Project)
        clone.folder = folder
        clone.spec = self.spec
        clone.environ = {**self.environ, "HOME": str(folder)}
        if cache is not None:
            clone.environ["VENVSTACKS_DAG_CACHE"] = str(cache)
        return clone

    # --- runs -------------------------------------------------------------------------

    def doit(self, *arguments: str, **environ: str) -> Outcome:
        """Write the specification and run doit in this process."""
        self.save()
        return self.doit_as_it_is(*arguments, **environ)

    def doit_as_it_is(self, *arguments: str, **environ: str) -> Outcome:
        """Run doit on whatever the specification's file holds."""
        output = io.StringIO()
        with (
            mock.patch.dict(os.environ, {**self.environ, **environ}, clear=True),
            mock.patch.object(sys, "argv", ["doit", *arguments]),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
        ):
            code = run_doit(self.folder / "venvstacks.toml", arguments)
        return Outcome(code=code, output=output.getvalue())

    def build(self, *arguments: str, **environ: str) -> Outcome:
        """``doit build``, which must end well."""
        outcome = self.doit(*arguments, "build", **environ)
        assert outcome.code == 0, outcome.output
        return outcome

    def start(
        self,
        program: str,
        *arguments: str,
        cwd: Path | None = None,
        umask: int = -1,
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start ``doit`` or ``venvstacks-dag`` as a user would, in the project's folder."""
        self.save()
        return subprocess.Popen(
            [Path(sys.executable).with_name(program), *arguments],
            cwd=cwd or self.folder,
            env={**self.process_environ(), **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=umask,
            start_new_session=True,
        )

    def process_environ(self) -> dict[str, str]:
        """The environment for a program of its own."""
        return {**self.environ, "PYTHONPATH": str(ROOT)}

    def process(self, *arguments: str, cwd: Path | None = None, **environ: str) -> Outcome:
        """Run ``doit`` as a program, in the project's folder."""
        return ended(self.start("doit", *arguments, cwd=cwd, environ=environ))

    def command(self, *arguments: str, cwd: Path | None = None, **environ: str) -> Outcome:
        """Run ``venvstacks-dag`` as a program."""
        return ended(self.start("venvstacks-dag", *arguments, cwd=cwd, environ=environ))

    # --- results ----------------------------------------------------------------------

    def tree(self, layer: str) -> Path:
        """A layer's environment."""
        return self.folder / "_build" / layer

    def state(self, layer: str, name: str) -> Path:
        """A stamp, a manifest or a log of a layer."""
        return self.folder / "_build" / ".state" / "layers" / layer / name

    def lock(self, layer: str) -> Path:
        """A layer's lock."""
        return self.folder / "requirements" / layer / f"pylock.{layer.replace('.', '_')}.toml"

    def archive(self, target: str) -> Path:
        """The archive of a deployed layer."""
        return self.folder / "_artifacts" / f"{target}.tar.zst"

    def archives(self) -> dict[str, str]:
        """The digest of each archive there is."""
        found = sorted((self.folder / "_artifacts").glob("*.tar.zst"))
        return {path.name: sha256_file(path) for path in found}

    def locks(self) -> dict[str, bytes]:
        """The bytes of all locks and what belongs to them."""
        folder = self.folder / "requirements"
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    def trees(self) -> dict[str, tuple[str, int, str]]:
        """All that is in the environments: kind, mode, and content or target by path."""
        found: dict[str, tuple[str, int, str]] = {}
        for tree in sorted((self.folder / "_build").iterdir()):
            if tree.name != ".state":
                found |= snapshot(tree, self.folder / "_build")
        return found

    def run(self, layer: str, *arguments: str) -> str:
        """What a layer's Python prints."""
        return run_python(self.tree(layer) / "bin" / "python", *arguments)


def ended(process: subprocess.Popen[str], *, timeout: float = 120) -> Outcome:
    """Wait for a program that `Project.start` started."""
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    return Outcome(code=process.returncode, output=output)


def kill(process: subprocess.Popen[str]) -> None:
    """End a program and all that it started, without any warning."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def run_python(python: Path, *arguments: str, cwd: Path | None = None) -> str:
    """What a layer's Python prints; nothing of the tests' environment reaches it."""
    done = subprocess.run(
        [python, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ``.tar.zst`` as an installer would: with a zstd and a tar of its own."""
    import tarfile

    folder.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        tar.extractall(folder, filter="tar")


def snapshot(tree: Path, base: Path) -> dict[str, tuple[str, int, str]]:
    """All files and links of a tree, without what Python compiled while it ran."""
    return dict(_entries(tree, base))


def _entries(tree: Path, base: Path) -> Iterator[tuple[str, tuple[str, int, str]]]:
    for path in [tree] if tree.is_symlink() else sorted(tree.rglob("*")):
        name = path.relative_to(base).as_posix()
        if path.is_symlink():
            yield name, ("link", 0, str(path.readlink()))
        elif path.is_file() and "__pycache__" not in path.parts:
            # A hard link to the store is read-only, a file of link's own is not.
            executable = path.stat().st_mode & 0o100
            yield name, ("file", executable, sha256_file(path))


def run_doit(spec: Path, arguments: Sequence[str]) -> int:
    """Run doit on a specification in this process; its exit code."""
    # Variables are there before a dodo.py is read.
    doit_cmd.reset_vars()
    for word in arguments:
        name, is_variable, value = word.partition("=")
        if is_variable and not name.startswith("-"):
            doit_cmd.set_var(name, value)
    try:
        namespace = stack(str(spec))
    except InvalidDodoFile as error:
        # As doit does where a dodo.py raises it; the two lines of ours are not read here.
        print(f"ERROR: {error}")
        return 3
    # doit would write to what was standard output when it was imported.
    namespace["DOIT_CONFIG"]["outfile"] = sys.stdout
    code = DoitMain(ModuleTaskLoader(namespace), config_filenames=()).run(list(arguments))
    return code or 0  # Some commands give None, with which a program ends well, too.


# --- the small stack: a diamond with two applications ---------------------------------------

MODULES = {
    "one.py": """\
import json, sys
import base, lefty, righty, upper, helper, where
import importlib.util

if __name__ == "__main__":
    print(json.dumps({
        "prefix": sys.prefix,
        "version": sys.version.split()[0],
        "packages": {m.__name__: m.version for m in (base, lefty, righty, upper, helper)},
        "where": where.name,
        "pip": importlib.util.find_spec("pip") is not None,
        "path": sys.path,
    }))
""",
    "two/__init__.py": "",
    "two/__main__.py": "import common, righty\nprint(common.GREETING, righty.version)\n",
    "common.py": "GREETING = 'hello'\n",
}


def small_stack(python: str = HOST) -> dict[str, Any]:
    """A runtime, two frameworks on it, one on one of these, and two applications."""
    return {
        "runtimes": [{"name": "py", "python_implementation": python, "requirements": ["base"]}],
        "frameworks": [
            {"name": "left", "runtime": "py", "requirements": ["lefty"]},
            {"name": "right", "runtime": "py", "requirements": ["righty"]},
            {"name": "upper", "frameworks": ["left"], "requirements": ["upper"]},
        ],
        "applications": [
            {
                "name": "one",
                "frameworks": ["upper", "right"],
                "requirements": ["helper"],
                "launch_module": "one.py",
            },
            {
                "name": "two",
                "frameworks": ["right"],
                "requirements": [],
                "launch_module": "two",
                "support_modules": ["common.py"],
            },
        ],
    }


LAYERS = ("py", "framework-left", "framework-right", "framework-upper", "app-one", "app-two")


def each(stages: str, layers: str) -> set[str]:
    """``each("install link", "py app-one")``: the names of these stages of these layers."""
    return {f"{stage}:{layer}" for stage in stages.split() for layer in layers.split()}


ALL_TASKS = each("resolve install link archive build", " ".join(LAYERS)) | {"publish"}


def add_small_packages(index: LocalIndex, folder: Path) -> None:
    """Put the packages of the small stack, in one version each, on an index."""
    needs: Mapping[str, Sequence[str]] = {
        "base": (),
        "lefty": ("base",),
        "righty": ("base",),
        "upper": ("lefty",),
        "helper": (),
    }
    for name, requires in needs.items():
        add_package(index, folder, name, requires=requires, where=name != "helper")


def add_package(
    index: LocalIndex,
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    where: bool = False,
    sha256: str | None = None,
    **more: Any,
) -> Path:
    """Make a wheel and put it on the index. With `where`, a module of that name tells its own.

    A `sha256` is what the index says of it, right or wrong.
    """
    files = {f"{name.replace('-', '_')}.py": f"version = {version!r}\n"}
    if where:
        files["where.py"] = f"name = {name!r}\n"
    files |= more.pop("files", {})
    wheel = make_wheel(folder, name, version, requires=requires, files=files, **more)
    index.add(wheel, upload_time="2024-05-01T00:00:00Z", sha256=sha256)
    return wheel
