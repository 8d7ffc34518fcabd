"""What linking decides, without a disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import pytest

from tests.support.elf import make_elf
from tests.unit.link.builders import (
    ELF,
    EMPTY,
    PYTHON,
    RUNTIME,
    SITE,
    app_request,
    file_entry,
    installed,
    layout,
    lower,
    module,
    runtime_request,
)
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.errors import LinkError
from venvstacks_dag.fs import TreeManifest, parse_file_list
from venvstacks_dag.link import LibraryFacts, LinkModules, LinkPlan, LinkRequest, plan_links
from venvstacks_dag.link.conflicts import place_warnings
from venvstacks_dag.link.interpreter import wrapper_script
from venvstacks_dag.link.plan import postinstall_script
from venvstacks_dag.platforms import TargetPlatform

TREE = PurePosixPath("/build/app-x")
CONFIG = "share/venv/metadata/venvstacks_layer.json"
OWN_LIST = "share/venv/metadata/linked_files.json"
NOTHING = LinkModules()


def plan(request: LinkRequest, modules: LinkModules = NOTHING) -> LinkPlan:
    by_digest = {sha256_bytes(ELF): (LibraryFacts(machine="x86_64", soname="liba.so.1"),)}
    return plan_links(request, by_digest, modules, tree=TREE)


def content(planned: LinkPlan, path: str) -> bytes:
    found = next(one.content for one in planned.entries if one.entry.path == path)
    assert isinstance(found, bytes)
    return found


def targets(planned: LinkPlan) -> dict[str, str]:
    return {e.path: e.target for e in planned.manifest.entries if e.kind == "link"}


def config(planned: LinkPlan) -> Any:
    return json.loads(content(planned, CONFIG))


def test_a_runtime_gets_its_configuration_and_the_script() -> None:
    planned = plan(runtime_request())
    assert [entry.path for entry in planned.manifest.entries] == [
        "postinstall.py",
        OWN_LIST,
        CONFIG,
    ]
    assert config(planned) == {
        "python": "bin/python",
        "py_version": "3.11.7",
        "base_python": "bin/python",
        "site_dir": SITE,
        "pylib_dirs": [],
        "dynlib_dirs": [],
    }
    assert content(planned, "postinstall.py") == postinstall_script()


def test_a_layer_is_joined_to_those_below_it() -> None:
    planned = plan(app_request(lower("framework-b"), lower("framework-a"), RUNTIME))
    assert [(entry.path, entry.kind, entry.local) for entry in planned.manifest.entries] == [
        ("bin/python", "link", False),
        ("bin/python3", "link", False),
        ("bin/python3.11", "link", False),
        ("bin/python_", "link", False),
        (f"{SITE}/sitecustomize.py", "file", True),
        ("postinstall.py", "file", False),
        ("pyvenv.cfg", "file", True),
        (OWN_LIST, "file", False),
        (CONFIG, "file", False),
    ]
    listed = parse_file_list(content(planned, OWN_LIST))
    assert listed.entries == tuple(
        e for e in planned.manifest.entries if not e.local and e.path != OWN_LIST
    )
    assert targets(planned) == {
        "bin/python": "../../py/bin/python",
        "bin/python_": "../../py/bin/python",
        "bin/python3": "python",
        "bin/python3.11": "python",
    }
    assert config(planned)["pylib_dirs"] == [
        f"../framework-b/{SITE}",
        f"../framework-a/{SITE}",
        f"../py/{SITE}",
    ]
    assert config(planned)["base_python"] == "../py/bin/python"
    assert content(planned, "pyvenv.cfg").startswith(b"home = /build/py/bin\n")


def test_what_is_shipped_has_deployed_names_and_the_rest_those_of_the_build() -> None:
    framework = lower("framework-a", target="framework-a@3", libraries=("liba.so",))
    runtime = replace(RUNTIME, install_target="py@2")
    planned = plan(app_request(framework, runtime, target="app-x@1"))
    assert config(planned)["base_python"] == "../py@2/bin/python"
    assert config(planned)["pylib_dirs"] == [f"../framework-a@3/{SITE}", f"../py@2/{SITE}"]
    assert config(planned)["dynlib_dirs"] == ["../framework-a@3/share/venv/dynlib"]
    assert targets(planned)["bin/python_"] == "../../py@2/bin/python"
    assert b"framework-a@3/share/venv/dynlib" in content(planned, "bin/python")
    for path in ("pyvenv.cfg", f"{SITE}/sitecustomize.py"):
        assert b"@" not in content(planned, path)


def test_libraries_below_make_the_interpreter_a_script() -> None:
    below = (lower("framework-b", libraries=("libb.so",)), lower("framework-a"), RUNTIME)
    planned = plan(app_request(*below))
    entry = next(e for e in planned.manifest.entries if e.path == "bin/python")
    assert (entry.kind, entry.mode) == ("file", 0o755)
    assert config(planned)["dynlib_dirs"] == ["../framework-b/share/venv/dynlib"]
    assert targets(planned)["bin/python_"] == "../../py/bin/python"
    script = content(planned, "bin/python").decode()
    assert script == wrapper_script(layout().target, ("framework-b/share/venv/dynlib",))


def test_each_system_has_its_own_shell_and_variable() -> None:
    names = ("linux_x86_64", "macosx_arm64")
    targets = [
        *(TargetPlatform(name=name) for name in names),
        TargetPlatform(name="linux_x86_64", musl=(1, 2)),
    ]
    linux, macos, musl = (wrapper_script(target, ("it's/a b",)) for target in targets)
    assert musl.startswith("#!/bin/sh\n")
    assert musl.endswith('exec "$bin/python_" "$@"\n')
    assert "export LD_LIBRARY_PATH\n" in musl
    assert linux.startswith("#!/bin/bash -p\n")
    assert macos.startswith("#!/bin/zsh -f\n")
    assert "export LD_LIBRARY_PATH\n" in linux
    assert "export DYLD_LIBRARY_PATH\n" in macos
    for script in (linux, macos, musl):
        assert """for layer in 'it'"'"'s/a b'; do""" in script


def test_a_layers_own_libraries_are_linked_for_those_above() -> None:
    manifest = installed(f"{SITE}/a/liba.so.1.2", content=ELF)
    request = app_request(manifest=manifest)
    folder = "share/venv/dynlib"
    assert {k: v for k, v in targets(plan(request)).items() if k.startswith(folder)} == {
        f"{folder}/liba.so.1": f"../../../{SITE}/a/liba.so.1.2",
        f"{folder}/liba.so.1.2": f"../../../{SITE}/a/liba.so.1.2",
    }
    excluded = plan(replace(request, dynlib_exclude=("liba.*",)))
    assert not [path for path in targets(excluded) if path.startswith(folder)]


def test_a_conflict_of_libraries_matters_to_a_layer_above_that_needs_one() -> None:
    manifest = TreeManifest.of(
        [file_entry("a/liba.so", content=ELF), file_entry("b/liba.so", content=ELF + b"x")]
    )
    facts = {e.sha256: (LibraryFacts(machine="x86_64"),) for e in manifest.entries}
    below = plan_links(app_request(manifest=manifest), facts, NOTHING, tree=TREE)
    assert not [path for path in targets(below) if "dynlib" in path]
    framework = replace(lower("framework-a", manifest=manifest), offers=below.offers)
    content = make_elf(needed=["liba.so"])
    request = app_request(framework, RUNTIME, manifest=installed(f"{SITE}/c/c.so", content=content))
    needing = {sha256_bytes(content): (LibraryFacts(machine="x86_64", needed=("liba.so",)),)}
    with pytest.raises(LinkError, match=r"app-x: .*c/c\.so") as caught:
        plan_links(request, needing, NOTHING, tree=TREE)
    assert all(part in str(caught.value) for part in ("framework-a", "a/liba.so", "b/liba.so"))
    harmless = {sha256_bytes(content): (LibraryFacts(machine="x86_64", needed=("libx.so",)),)}
    assert plan_links(request, harmless, NOTHING, tree=TREE).manifest.entries


def test_modules_go_to_site_packages_under_their_names() -> None:
    modules = LinkModules(
        launch=module("app", "__main__.py", "sub/x.py", folder=True),
        support=(module("helper", executable=True),),
    )
    planned = plan(app_request(), modules)
    entries = {e.path: e for e in planned.manifest.entries}
    assert entries[f"{SITE}/app/sub/x.py"].sha256 == sha256_bytes(b"x")
    assert entries[f"{SITE}/helper.py"].mode == 0o755
    sources = {one.entry.path: one.content for one in planned.entries}
    assert sources[f"{SITE}/app/__main__.py"] == Path("/src/app/__main__.py")
    assert config(planned)["launch_module"] == "app"
    assert planned.warnings == ()


# --- Windows ----------------------------------------------------------------------------


def windows(*launchers: str) -> LinkRequest:
    manifest = installed(
        "python.exe", *(f"Lib/venv/scripts/nt/{name}" for name in launchers), package=""
    )
    framework = lower(
        "framework-a",
        platform="win_amd64",
        manifest=installed("Library/bin/a.dll", "Lib/site-packages/a.py"),
    )
    plain = lower("framework-b", platform="win_amd64")
    runtime = lower("py", runtime=True, platform="win_amd64", manifest=manifest)
    return app_request(framework, plain, runtime, platform="win_amd64")


@pytest.mark.parametrize(
    ("launchers", "sources"),
    [
        (("python.exe", "pythonw.exe"), ("python.exe", "pythonw.exe")),
        (("venvlauncher.exe", "venvwlauncher.exe"), ("venvlauncher.exe", "venvwlauncher.exe")),
        (("python.exe", "venvlauncher.exe"), ("venvlauncher.exe",)),
    ],
)
def test_windows_layers_have_copies_of_the_launcher(
    launchers: tuple[str, ...], sources: tuple[str, ...]
) -> None:
    planned = plan(windows(*launchers))
    copies = {one.entry.path: one for one in planned.entries if "Scripts" in one.entry.path}
    folder = Path("/build/py/Lib/venv/scripts/nt")
    assert [one.content for one in copies.values()] == [folder / name for name in sources]
    assert list(copies) == ["Scripts/python.exe", "Scripts/pythonw.exe"][: len(sources)]
    assert all(one.entry.mode == 0o755 and not one.entry.local for one in copies.values())


def test_a_runtime_without_launcher_is_refused() -> None:
    with pytest.raises(LinkError, match="py has no launcher") as caught:
        plan(windows("pythonw.exe"))
    assert "venvlauncher.exe" in str(caught.value)


def test_pypys_layers_for_windows_have_copies_of_its_programs_and_libraries() -> None:
    """As its `venv` copies them: Windows loads what lies beside a program."""
    own = ("python.exe", "pypy3.11w.exe", "libpypy3.11-c.dll", "LIBFFI-8.DLL")
    others = ("README.rst", "Lib/sqlite3.dll", "Lib/venv/scripts/nt/python.exe", "tcl/x.exe")
    manifest = TreeManifest.of(
        (
            *installed(*own, *others, package="").entries,
            *installed("tool.exe", "brought.dll", package="some").entries,
        )
    )
    runtime = lower("py", target="py@2", runtime=True, platform="win_amd64", manifest=manifest)
    python = replace(PYTHON, implementation="pypy")
    runtime = replace(runtime, layout=replace(runtime.layout, python=python))
    request = app_request(runtime, platform="win_amd64")
    planned = plan(replace(request, layout=replace(request.layout, python=python)))
    copies = {one.entry.path: one for one in planned.entries if "Scripts" in one.entry.path}
    assert sorted(copies) == sorted(f"Scripts/{name}" for name in own)
    for name in own:
        found = copies[f"Scripts/{name}"]
        # From the build folder, with the mode that the file has there.
        assert found.content == Path("/build/py") / name
        assert (found.entry.mode, found.shared, found.entry.local) == (0o644, True, False)
    assert config(planned)["base_python"] == "../py@2/python.exe"
    assert config(planned)["site_dir"] == "Lib/site-packages"


def test_windows_layers_are_configured_as_such() -> None:
    planned = plan(windows("python.exe"))
    assert config(planned) == {
        "python": "Scripts/python.exe",
        "py_version": "3.11.7",
        "base_python": "../py/python.exe",
        "site_dir": "Lib/site-packages",
        "pylib_dirs": [f"../{name}/Lib/site-packages" for name in _WINDOWS_LAYERS],
        "dynlib_dirs": ["../framework-a/Library/bin"],
    }
    assert targets(planned) == {}
    assert b"add_dll_directory" in content(planned, "Lib/site-packages/sitecustomize.py")


_WINDOWS_LAYERS = ("framework-a", "framework-b", "py")


# --- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "package", "planned"),
    [
        ("postinstall.py", "some", "postinstall.py"),
        ("pyvenv.cfg", "some", "pyvenv.cfg"),
        ("bin/python", "some", "bin/python"),
        ("bin", "some", "bin/python"),
        ("bin/python/x", "some", "bin/python"),
        ("share/venv", "some", OWN_LIST),
        (f"{SITE}/sitecustomize.py", "some", f"{SITE}/sitecustomize.py"),
        ("postinstall.py", "", "postinstall.py"),
    ],
)
def test_nothing_that_was_installed_is_written_over(path: str, package: str, planned: str) -> None:
    with pytest.raises(LinkError) as caught:
        plan(app_request(manifest=installed(path, package=package)))
    message = str(caught.value)
    assert f"would write {planned}" in message
    assert f"put {path}" in message
    assert ("the package some" if package else "the runtime") in message


@pytest.mark.parametrize(
    ("platform", "refused"),
    [("linux_x86_64", False), ("macosx_arm64", True)],
)
def test_case_counts_where_file_systems_mind_it(platform: str, refused: bool) -> None:
    request = app_request(manifest=installed("BIN/Python"), platform=platform)
    if refused:
        with pytest.raises(LinkError, match="BIN/Python"):
            plan(request)
    else:
        assert plan(request).entries


def test_neighbours_are_no_conflict() -> None:
    manifest = installed("bin/tool", f"{SITE}/app.pth", f"{SITE}/app_more/x.py", "share/venv2/x")
    assert plan(app_request(manifest=manifest), LinkModules(launch=module("app"))).entries


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{SITE}/app.py", "app"),
        (f"{SITE}/app/x.txt", "app"),
        (f"{SITE}/app.abi3.so", "app"),
        ("elsewhere", "sitecustomize"),
        ("elsewhere", "usercustomize"),
    ],
)
def test_a_module_may_not_have_anothers_name(path: str, name: str) -> None:
    for one in (module(name), module(name, "__init__.py", folder=True)):
        with pytest.raises(LinkError, match=f"imported as {name}"):
            plan(app_request(manifest=installed(path)), LinkModules(support=(one,)))


def test_modules_may_not_share_a_name() -> None:
    modules = LinkModules(
        launch=module("app"), support=(module("app", "__init__.py", folder=True),)
    )
    with pytest.raises(LinkError) as caught:
        plan(app_request(), modules)
    assert "/src/app.py" in str(caught.value)


def test_names_that_differ_in_case_are_one_on_macos() -> None:
    modules = LinkModules(support=(module("app"), module("App")))
    assert plan(app_request(), modules).entries
    with pytest.raises(LinkError, match="imported as App"):
        plan(app_request(platform="macosx_arm64"), modules)


@pytest.mark.parametrize("target", ["app\nx", "app\x7f", "a/../.."])
def test_names_that_cannot_be_configured_are_refused(target: str) -> None:
    framework = lower("framework-a", target=target)
    with pytest.raises(LinkError, match="app-x: the layer cannot be configured"):
        plan(app_request(framework, RUNTIME))


@pytest.mark.parametrize(
    "below",
    [(), (lower("framework-a"),), (RUNTIME, lower("framework-a")), (RUNTIME, RUNTIME)],
)
def test_the_runtime_is_the_lowest_layer(below: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="lowest"):
        LinkRequest(layout=layout(), env_name="x", install_target="x", below=below, installed=EMPTY)
    with pytest.raises(ValueError, match="lowest"):
        LinkRequest(
            layout=layout(runtime=True),
            env_name="x",
            install_target="x",
            below=(RUNTIME,),
            installed=EMPTY,
        )


# --- what is odd ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["lib/python3.11/platform.py", "lib/python3.11/test/__init__.py"])
def test_a_module_hidden_by_the_standard_library_is_pointed_out(path: str) -> None:
    name = PurePosixPath(path.removesuffix("/__init__.py")).stem
    runtime = replace(RUNTIME, installed=installed(path, package=""))
    planned = plan(app_request(runtime), LinkModules(support=(module(name), module("fine"))))
    assert len(planned.warnings) == 1
    assert f"module {name} cannot be imported" in planned.warnings[0]


def test_a_launch_folder_without_main_is_pointed_out() -> None:
    launch = module("app", "__init__.py", "sub/__main__.py", folder=True)
    support = module("b", "__init__.py", folder=True)
    planned = plan(app_request(), LinkModules(launch=launch, support=(support,)))
    assert len(planned.warnings) == 1
    assert "__main__.py" in planned.warnings[0]


@pytest.mark.parametrize(
    ("folder", "platform", "libraries", "told"),
    [
        ("/a:b/layers", "linux_x86_64", True, "':'"),
        ("/a;b/layers", "linux_x86_64", True, "';'"),
        ("/a:b/layers", "macosx_arm64", True, "':'"),
        ("/a;b/layers", "macosx_arm64", True, None),
        ("/a:b/layers", "linux_x86_64", False, None),
        ("/a b/layers", "linux_x86_64", True, None),
        ("/a:b/layers", "win_amd64", True, None),
    ],
)
def test_a_folder_in_which_libraries_are_not_found_is_pointed_out(
    folder: str, platform: str, libraries: bool, told: str | None
) -> None:
    request = replace(
        app_request(lower("py", runtime=True, platform=platform)),
        layout=layout(platform=platform),
        runs_here=True,
    )
    below = lower("framework-a", platform=platform, libraries=("liba.so",) if libraries else ())
    found = list(place_warnings(replace(request, below=(below, *request.below)), PurePath(folder)))
    assert len(found) == (told is not None)
    assert all(f"has {told} in it ({folder})" in warning for warning in found)
    # It is for where the layer lies: nobody knows that of layers for other machines.
    request = replace(request, below=(below, *request.below), runs_here=False)
    assert list(place_warnings(request, PurePath(folder))) == []


def test_pypy_and_other_versions_have_their_folders() -> None:
    version = replace(PYTHON, implementation="pypy", minor=12)
    its = replace(layout(), python=version)
    runtime = replace(RUNTIME, layout=replace(RUNTIME.layout, python=version))
    planned = plan(replace(app_request(runtime), layout=its))
    assert config(planned)["site_dir"] == "lib/pypy3.12/site-packages"
    assert targets(planned)["bin/python3.12"] == "python"
