"""Whole builds of layers with shared libraries in C: who finds which, and when it is an error."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import HOST_VERSION
from tests.support.index_server import LocalIndex
from tests.support.native import CAN_COMPILE, TAG, calling, number, shared
from tests.support.stacks import HOST, Outcome, Project, add_package, run_python, unpack

pytestmark = pytest.mark.skipif(not CAN_COMPILE, reason="needs a C compiler and Python's headers")

ASK = "import asking; print(asking.ask())"
SITE = f"lib/python{HOST_VERSION.rpartition('.')[0]}/site-packages"
DYNLIB = "share/venv/dynlib"


class Native:
    """A runtime, a framework and an application, with wheels of one's own."""

    def __init__(self, folder: Path, index: LocalIndex, store: Path) -> None:
        self.index, self.folder = index, folder
        self.project = Project(folder / "project", index=index.simple_url, cache=store)
        self.project.spec = {
            "runtimes": [{"name": "py", "python_implementation": HOST, "requirements": []}],
            "frameworks": [{"name": "low", "runtime": "py", "requirements": []}],
            "applications": [
                {
                    "name": "top",
                    "frameworks": ["low"],
                    "requirements": [],
                    "launch_module": "ask.py",
                }
            ],
        }
        self.project.write("ask.py", ASK)

    def wheel(
        self, layer: str, name: str, files: Mapping[str, bytes], version: str = "1.0"
    ) -> None:
        """Put a wheel on the index and require it in a layer."""
        add_package(
            self.index,
            self.folder / "wheels",
            name,
            version,
            tag=TAG,
            pure=False,
            files=dict(files),
        )
        requirements = self.project.layer(layer)["requirements"]
        requirements[:] = [
            *(r for r in requirements if not r.startswith(name)),
            f"{name}>={version}",
        ]

    def asking(self, library: tuple[str, bytes], **more: Any) -> bytes:
        """An extension module that calls ``answer`` of a library."""
        return calling("asking", "answer", [library], **more)

    def link(self) -> Outcome:
        """Lock, install and link all layers; packing them would only cost time here."""
        outcome = self.project.doit("link")
        assert outcome.code == 0, outcome.output
        return outcome

    def run(self) -> str:
        return self.project.run("app-top", "-P", "-m", "ask")

    def offered(self, layer: str = "framework-low") -> dict[str, str]:
        folder = self.project.tree(layer) / DYNLIB
        links = sorted(folder.iterdir()) if folder.is_dir() else []
        return {
            link.name: link.resolve().relative_to(folder.parents[2] / SITE).as_posix()
            for link in links
        }


@pytest.fixture
def native(tmp_path: Path, index: LocalIndex, user_store: Path) -> Native:
    return Native(tmp_path, index, user_store)


def test_an_extension_runs_against_a_versioned_library_of_a_lower_layer(native: Native) -> None:
    """The file is called otherwise than the module asks; what it needs lies where only it looks."""
    deep = number("deep", 42, soname="libdeep-1a2b.so.3")
    library = shared(
        "int deep(void); int answer(void) { return deep(); }",
        soname="libanswer.so.12",
        against=[("libdeep-1a2b.so.3", deep)],
        rpath="$ORIGIN/../answers.libs",
    )
    native.wheel(
        "framework-low",
        "answers",
        {"answers/libanswer-real.so": library, "answers.libs/libdeep-1a2b.so.3": deep},
    )
    native.wheel("app-top", "asks", {"asking.so": native.asking(("libanswer.so", library))})
    native.link()
    assert native.offered() == {
        "libanswer-real.so": "answers/libanswer-real.so",
        "libanswer.so.12": "answers/libanswer-real.so",
        "libdeep-1a2b.so.3": "answers.libs/libdeep-1a2b.so.3",
    }
    assert native.run() == "42\n"


def two_of_a_name(native: Native) -> None:
    """The framework has two different libanswer.so.1, and the application asks for one."""
    for name, value in (("one", 1), ("two", 2)):
        content = number("answer", value, soname="libanswer.so.1")
        native.wheel("framework-low", name, {f"{name}/libanswer.so.1": content})
    asked = number("answer", 0, soname="libanswer.so.1")
    native.wheel("app-top", "asks", {"asking.so": native.asking(("libanswer.so.1", asked))})


def test_a_name_that_is_ambiguous_is_an_error_where_it_is_needed(native: Native) -> None:
    two_of_a_name(native)
    failed = native.project.doit("link")
    assert failed.code != 0
    for part in (
        "app-top: ",
        f"{SITE}/asking.so (from asks) needs libanswer.so.1, but framework-low has different",
        f"{SITE}/one/libanswer.so.1 (from one)",
        f"{SITE}/two/libanswer.so.1 (from two)",
        'dynlib_exclude = ["two/libanswer.so.1"]',
    ):
        assert part in failed.output
    assert "link:framework-low" in failed.ran
    assert native.offered() == {}
    # As the message says:
    native.project.layer("framework-low")["dynlib_exclude"] = ["two/libanswer.so.1"]
    native.link()
    assert native.run() == "1\n"
    native.project.layer("framework-low")["dynlib_exclude"] = ["one/*"]
    native.link()
    assert native.run() == "2\n"


def test_nor_is_one_that_only_leads_to_an_ambiguous_name(native: Native) -> None:
    """The module asks for the one library of its name, which asks for one of two."""
    deep = {
        place: number("deep", value, soname="libdeep.so")
        for place, value in (("one", 1), ("two", 2))
    }
    for place, content in deep.items():
        native.wheel("framework-low", place, {f"{place}/libdeep.so": content})
    way = shared(
        "int deep(void); int answer(void) { return deep(); }",
        soname="libway.so.1",
        against=[("libdeep.so", deep["one"])],
    )
    native.wheel("framework-low", "way", {"way/libway.so.1": way})
    native.wheel("app-top", "asks", {"asking.so": native.asking(("libway.so.1", way))})
    failed = native.project.doit("link")
    assert failed.code != 0
    assert "needs libdeep.so by way of libway.so.1, but framework-low has" in failed.output
    native.project.layer("framework-low")["dynlib_exclude"] = ["one/*"]
    native.link()
    assert native.run() == "2\n"


def test_it_is_none_where_nothing_asks_for_it(native: Native) -> None:
    two_of_a_name(native)
    native.project.layer("app-top")["requirements"] = []
    native.link()
    assert native.offered() == {}
    assert (native.project.tree("app-top") / "bin" / "python").is_symlink()


def test_nor_where_a_module_finds_its_own(native: Native) -> None:
    two_of_a_name(native)
    own = number("answer", 3, soname="libanswer.so.1")
    module = native.asking(("libanswer.so.1", own), rpath="$ORIGIN/asks.libs")
    native.wheel("app-top", "asks", {"asking.so": module, "asks.libs/libanswer.so.1": own}, "1.1")
    native.link()
    assert native.run() == "3\n"


def test_a_lower_library_in_the_place_of_an_own_copy_is_told_of(native: Native) -> None:
    """With DT_RUNPATH, what LD_LIBRARY_PATH leads to comes first (ld.so(8))."""
    lower = number("answer", 1, soname="libanswer.so.1")
    own = number("answer", 3, soname="libanswer.so.1")
    native.wheel("framework-low", "one", {"one/libanswer.so.1": lower})
    module = native.asking(("libanswer.so.1", own), rpath="$ORIGIN/asks.libs")
    native.wheel("app-top", "asks", {"asking.so": module, "asks.libs/libanswer.so.1": own})
    built = native.link()
    assert native.run() == "1\n"
    assert "asking.so gets the libanswer.so.1 of framework-low, and not its own" in built.output
    native.project.layer("framework-low")["dynlib_exclude"] = ["one/*"]
    built = native.link()
    assert native.run() == "3\n"
    assert "not its own" not in built.output


def test_identical_copies_are_never_ambiguous(native: Native) -> None:
    content = number("answer", 5, soname="libanswer.so.1")
    for name in ("one", "two"):
        native.wheel("framework-low", name, {f"{name}/libanswer.so.1": content})
    native.wheel("app-top", "asks", {"asking.so": native.asking(("libanswer.so.1", content))})
    native.link()
    assert native.offered() == {"libanswer.so.1": "one/libanswer.so.1"}
    assert native.run() == "5\n"


def test_an_edit_of_a_library_that_nobody_asks_for_links_nothing_above_again(
    native: Native,
) -> None:
    two_of_a_name(native)
    native.project.layer("framework-low")["dynlib_exclude"] = ["two/*"]
    native.link()
    more = {"three/libthree.so": number("three", 3), "three/libfour.so": number("four", 4)}
    native.wheel("framework-low", "three", more)
    built = native.link()
    assert "link:framework-low" in built.ran
    assert "link:app-top" not in built.ran
    # A third library of the name that is asked for makes it unclear again: that is seen.
    native.wheel("framework-low", "four", {"four/libanswer.so.1": number("answer", 4)})
    failed = native.project.doit("link")
    assert failed.code != 0
    assert "needs libanswer.so.1" in failed.output


def test_what_is_the_systems_or_a_wheels_own_is_not_offered(native: Native) -> None:
    files = {
        "bundle/libstdc++.so.6": number("one", 1, soname="libstdc++.so.6"),
        "bundle/libc.so.6": number("two", 2, soname="libc.so.6"),
        "bundle.libs/libblas-1a2b3c4d.so.3": number("three", 3, soname="libblas-1a2b3c4d.so.3"),
        "bundle/program": b"\x7fELF" + b"\0" * 100,
        "bundle/module.abi3.so": number("four", 4),
    }
    native.wheel("framework-low", "bundle", files)
    native.link()
    assert native.offered() == {}
    assert (native.project.tree("app-top") / "bin" / "python").is_symlink()


# --- elsewhere ------------------------------------------------------------------------------


def answered(native: Native) -> None:
    library = number("answer", 7, soname="libanswer.so.12")
    native.wheel("framework-low", "answers", {"answers/libanswer.so.12": library})
    native.wheel("app-top", "asks", {"asking.so": native.asking(("libanswer.so.12", library))})


def test_layers_that_were_unpacked_moved_or_exported_run(native: Native, tmp_path: Path) -> None:
    answered(native)
    native.project.build()
    first = tmp_path / "first place"
    for layer in ("py", "framework-low", "app-top"):
        unpack(native.project.archive(layer), first)
    exported = native.project.command("local-export", "venvstacks.toml")
    assert exported.code == 0, exported.output
    moved = tmp_path / "moved"
    shutil.copytree(native.project.folder / "_export", tmp_path / "copied", symlinks=True)
    shutil.rmtree(native.project.folder / "_build")
    check(native.project.folder / "_export", finish=False)
    shutil.rmtree(native.project.folder / "_export")
    check(first)
    first.rename(moved)
    check(moved)
    check(tmp_path / "copied")


def check(folder: Path, *, finish: bool = True) -> None:
    """Run the application, after what has to be done at a new place."""
    runtime = folder / "py" / "bin" / "python"
    if finish:
        for layer in ("py", "framework-low", "app-top"):
            script = folder / layer / "postinstall.py"
            subprocess.run([runtime, "-I", "-S", script, "--no-compile"], check=True, env={})
    python = folder / "app-top" / "bin" / "python"
    assert run_python(python, "-P", "-m", "ask", cwd=folder.parent) == "7\n"
    text = run_python(python, "-m", "site")
    sites = [line.strip(" ',") for line in text.splitlines() if "site-packages'" in line]
    order = [folder / layer / SITE for layer in ("app-top", "framework-low", "py")]
    assert [path for path in sites if "USER_SITE" not in path] == [str(path) for path in order]


# --- doctor -------------------------------------------------------------------------------


def test_doctor_tells_who_finds_what(native: Native) -> None:
    answered(native)
    native.link()
    told = native.project.command("doctor", "venvstacks.toml")
    assert told.code == 0, told.output
    assert f"libanswer.so.12 -> framework-low: {SITE}/answers/libanswer.so.12" in told.output
    assert f"for {SITE}/asking.so (asks)" in told.output
    assert "Nothing is missing." in told.output
    data = json.loads(native.project.command("doctor", "--json", "venvstacks.toml").output)
    top = next(each for each in data["layers"] if each["layer"] == "app-top")
    [module] = top["binaries"]
    found = {need["name"]: need["found"] for need in module["needs"]}
    assert found["libanswer.so.12"] == "below"
    assert set(found.values()) <= {"below", "system"}


def test_doctor_fails_where_something_is_missing(native: Native) -> None:
    answered(native)
    native.project.layer("framework-low")["requirements"] = []
    native.link()
    told = native.project.command("doctor", "venvstacks.toml")
    assert told.code == 1
    assert "    libanswer.so.12\n" in told.output
    assert "1 library is missing." in told.output
    command = ("doctor", "-q", "--system", "libanswer.*", "venvstacks.toml")
    fine = native.project.command(*command)
    assert (fine.code, fine.output) == (0, "")


def test_doctor_needs_built_layers(native: Native) -> None:
    answered(native)
    told = native.project.command("doctor", "venvstacks.toml")
    assert told.code == 1
    assert "NotBuilt: these layers are not built: py, framework-low, app-top" in told.output


def test_links_of_an_earlier_version_are_made_anew(native: Native) -> None:
    """Its stamps say nothing of libraries."""
    answered(native)
    native.link()
    for layer in ("py", "framework-low", "app-top"):
        path = native.project.state(layer, "link.json")
        stamp = json.loads(path.read_text())
        stamp["parts"]["schema"] = 1
        del stamp["facts"]["libraries"], stamp["parts"]["ambiguous_below"]
        path.write_text(json.dumps(stamp))
    told = native.project.doit("info", "link:app-top")
    assert "has not run since it looks at libraries" in told.output
    assert native.project.command("doctor", "venvstacks.toml").code == 1
    assert native.link().ran == {"link:py", "link:framework-low", "link:app-top"}
    assert native.run() == "7\n"
