"""Builds without a network: what was fetched ahead is enough, and what is lacking is all named."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.integration.conftest import HOST_VERSION, TRIPLE
from tests.support.index_server import Fault, LocalIndex, status
from tests.support.runtimes import make_install_only, serving, write_checksums
from tests.support.stacks import ALL_TASKS, LAYERS, Outcome, Project, add_package, each
from venvstacks_dag.platforms import host_platform

PACKAGES = ("base", "lefty", "righty", "upper", "helper")
WHEELS = [f"the wheel {name}-1.0-py3-none-any.whl" for name in PACKAGES]


@contextmanager
def cut_off() -> Iterator[list[object]]:
    """No connection can be opened in the block; gives the addresses that were tried."""
    tried: list[object] = []

    def refuse(_: socket.socket, address: object) -> None:
        tried.append(address)
        raise OSError("cut off")

    with (
        mock.patch.object(socket.socket, "connect", refuse),
        mock.patch.object(socket, "getaddrinfo", lambda *args, **_: refuse(None, args)),  # type: ignore[arg-type]
    ):
        yield tried


def offline(project: Project, *arguments: str) -> Outcome:
    """Run doit without a network. Nothing may even try to use it."""
    with cut_off() as tried:
        outcome = project.doit(*arguments, VENVSTACKS_DAG_OFFLINE="1")
    assert tried == []
    assert "Traceback" not in outcome.output
    return outcome


def fetch(project: Project, *arguments: str) -> Outcome:
    """``doit fetch``, which must end well."""
    outcome = project.doit(*arguments, "fetch")
    assert outcome.code == 0, outcome.output
    return outcome


def test_after_fetch_a_clone_is_locked_and_built_without_a_network(
    project: Project, tmp_path: Path
) -> None:
    project.build()
    store = tmp_path / "store of another machine"
    clone = project.clone(tmp_path / "clone", cache=store)
    fetched = fetch(clone)
    assert "1 file" in fetched.output
    assert "The store has all 6 files" in fetched.output
    assert "all platforms of each layer need" in fetched.output
    # On a third machine, which got the store, there is neither a network nor a lock.
    for locks in (True, False):
        third = project.clone(tmp_path / f"third {locks}", cache=store, locks=locks)
        assert offline(third, "resolve").code == 0
        assert offline(third, "-a", "resolve").code == 0
        built = offline(third, "build")
        assert built.code == 0, built.output
        assert third.archives() == project.archives()
        assert {name: text for name, text in third.locks().items() if name.endswith("l")} == {
            name: text for name, text in project.locks().items() if name.endswith("l")
        }


def test_fetching_twice_does_nothing_and_what_was_lost_is_fetched_again(
    project: Project, index: LocalIndex
) -> None:
    fetch(project)
    index.requests.clear()
    again = fetch(project)
    assert again.did_nothing
    assert "The store has all 6 files" in again.output
    assert index.requests == []
    store = Path(project.environ["VENVSTACKS_DAG_CACHE"])
    shutil.rmtree(store / "blobs")
    told = project.doit("info", "fetch:app-one")
    assert "the store lacks the wheel helper-1.0-py3-none-any.whl" in told.output
    assert "1 file" in fetch(project).output
    files = [path for path in index.paths() if path.endswith(".whl")]
    assert sorted(files) == sorted(f"/files/{name}-1.0-py3-none-any.whl" for name in PACKAGES)


def test_the_command_fetches_for_the_platforms_that_are_asked_for(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    runtimes = tmp_path / "runtimes"
    for triple in (TRIPLE, "x86_64-pc-windows-msvc"):
        make_install_only(runtimes, HOST_VERSION, triple)
    write_checksums(runtimes)
    project.environ["VENVSTACKS_DAG_RUNTIMES"] = str(runtimes)
    project.spec = {"runtimes": [project.layer("py")]}
    project.layer("py")["requirements"] = ["native"]
    project.layer("py")["platforms"] = [host_platform(), "win_amd64"]
    for tag in ("py3-none-win_amd64", "py3-none-any"):
        add_package(index, tmp_path / tag, "native", tag=tag)
    spec = str(project.save())
    done = project.command("fetch", spec, "--target", "win_amd64")
    assert done.code == 0, done.output
    assert "win_amd64 need" in done.output
    assert [path for path in index.paths() if path.endswith(".whl")] == [
        "/files/native-1.0-py3-none-win_amd64.whl"
    ]
    done = project.command("fetch", spec, "--target", "all")
    assert "2 files" in done.output
    assert "2 there already" in done.output
    wrong = project.command("fetch", spec, "--target", "win32")
    assert wrong.code == 2
    assert "there is no platform 'win32' (there are: all, " in wrong.output
    assert "Traceback" not in wrong.output


def test_doit_fetches_for_the_platforms_that_are_asked_for(
    project: Project, tmp_path: Path
) -> None:
    project.save()
    done = project.process("fetch", f"target={host_platform()}")
    assert done.code == 0, done.output
    assert f"{host_platform()} need" in done.output
    shutil.rmtree(project.folder / "_build")
    nowhere: dict[str, Any] = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "UV_DEFAULT_INDEX": ""}
    built = project.process("offline=1", "build", **nowhere)
    assert built.code == 0, built.output
    shutil.rmtree(project.folder / "_build")
    spec = str(project.save())
    for words in (["lock"], ["build", "--publish"]):
        done = project.command(*words, "--offline", spec, **nowhere)
        assert done.code == 0, done.output


def test_runtimes_are_fetched_from_where_they_are_served(
    project: Project, tiny_runtimes: Path, tmp_path: Path
) -> None:
    with serving(tiny_runtimes) as address:
        project.environ["VENVSTACKS_DAG_RUNTIMES"] = address
        lost = offline(project, "resolve")
        fetch(project)
    built = offline(project, "build")
    assert built.code == 0, built.output
    assert lost.code != 0
    assert "/simple/base/" in lost.output
    # Without the archive, it is named with the wheels.
    empty = tmp_path / "empty"
    shutil.copytree(
        project.environ["VENVSTACKS_DAG_CACHE"],
        empty,
        ignore=shutil.ignore_patterns("blobs", "images"),
    )
    clone = project.clone(tmp_path / "clone", cache=empty)
    refused = offline(clone, "build")
    assert refused.code != 0
    assert f"for {host_platform()} ({address}/cpython-" in refused.output


def test_all_wheels_of_all_layers_that_are_lacking_are_named_at_once(
    project: Project, tmp_path: Path
) -> None:
    project.build()
    clone = project.clone(tmp_path / "clone", cache=tmp_path / "empty store")
    refused = offline(clone, "build")
    assert refused.code != 0
    assert "install:py failed" in refused.output
    assert "the network is not to be used, and the store lacks 5 things" in refused.output
    for wheel, layer in zip(WHEELS, LAYERS, strict=False):
        assert f"- {layer}: {wheel}" in refused.output
    assert f"run `venvstacks-dag fetch {clone.folder}/venvstacks.toml`" in refused.output
    assert not any(clone.tree(layer).exists() for layer in LAYERS)


def test_all_pages_that_are_lacking_are_named_as_far_as_they_are_known(project: Project) -> None:
    refused = offline(project, "build")
    assert refused.code != 0
    assert "resolve:py failed" in refused.output
    for name, layer in zip(PACKAGES, LAYERS, strict=False):
        assert f"- {layer}: the page " in refused.output
        assert f"/simple/{name}/" in refused.output
    assert not (project.folder / "requirements").exists() or not project.locks()


def test_metadata_that_are_lacking_are_named(project: Project, tmp_path: Path) -> None:
    project.doit("resolve")
    store = Path(project.environ["VENVSTACKS_DAG_CACHE"])
    shutil.rmtree(store / "cache" / "metadata")
    project.layer("framework-upper")["requirements"] = ["upper>0.5"]
    refused = offline(project, "resolve")
    assert refused.code != 0
    assert "framework-upper: the metadata of upper-1.0-py3-none-any.whl" in refused.output
    assert "1 thing\n" in refused.output


def test_locks_are_changed_without_a_network_as_far_as_what_was_kept_goes(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    add_package(index, tmp_path / "older", "helper", "0.9")
    project.build()
    # Kept, though the index says that its pages have to be asked for each time.
    project.layer("app-one")["requirements"] = ["helper<1", "righty"]
    changed = offline(project, "resolve")
    assert changed.code != 0
    assert "the metadata of helper-0.9-py3-none-any.whl" in changed.output
    project.layer("app-one")["requirements"] = ["helper>=1", "righty"]
    assert offline(project, "build").code == 0


def test_locking_afresh_keeps_the_pins_that_there_are(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    before = project.locks()
    add_package(index, tmp_path / "newer", "helper", "2.0")
    fetch(project)
    assert offline(project, "-a", "resolve").code == 0
    assert project.locks() == before


def test_an_index_that_lacks_a_package_is_remembered_for_builds_without_a_network(
    project: Project, index: LocalIndex
) -> None:
    with LocalIndex() as first:
        project.environ["UV_INDEX"] = first.simple_url
        project.doit("resolve")
        assert "/simple/base/" in first.paths()
    shutil.rmtree(project.folder / "requirements")
    assert offline(project, "resolve").code == 0
    assert len(project.locks()) == 3 * len(LAYERS)


def test_fetching_without_a_network_says_what_it_lacks(project: Project, tmp_path: Path) -> None:
    project.build()
    clone = project.clone(tmp_path / "clone", cache=tmp_path / "empty")
    refused = offline(clone, "fetch")
    assert refused.code != 0
    assert "the network is not to be used" in refused.output
    assert "base-1.0-py3-none-any.whl" in refused.output


def test_a_failing_index_does_not_keep_wheels_from_being_fetched(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.build()
    clone = project.clone(tmp_path / "clone", cache=tmp_path / "empty")
    index.fail("/simple/righty/", status(403))
    done = fetch(clone)
    assert "framework-right may not be locked without a network" in done.output
    built = offline(clone, "build")
    assert built.ran == ALL_TASKS - each("resolve", " ".join(LAYERS))


def test_a_wheel_that_cannot_be_fetched_keeps_no_other_one_of_its_layer_away(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    project.layer("framework-right")["requirements"] = ["righty", "helper", "extra"]
    add_package(index, tmp_path / "more", "extra")
    project.doit("resolve")
    clone = project.clone(tmp_path / "clone", cache=tmp_path / "empty")
    index.fail("righty-1.0-py3-none-any.whl", Fault(truncate_at=5))
    failed = clone.command("fetch", str(clone.save()))
    assert failed.code == 1
    assert "fetch:framework-right failed" in failed.output
    assert "righty-1.0-py3-none-any.whl cannot be fetched" in failed.output
    assert {"/files/helper-1.0-py3-none-any.whl", "/files/extra-1.0-py3-none-any.whl"} <= set(
        index.paths()
    )
    blobs = [path for path in (tmp_path / "empty" / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) >= 2


def test_a_page_that_led_to_a_failure_is_asked_for_again(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    index.cache_control = "max-age=600"
    project.doit("resolve")
    project.layer("framework-right")["requirements"] = ["righty>=2"]
    assert project.doit("resolve").code != 0
    add_package(index, tmp_path / "newer", "righty", "2.0")
    done = project.doit("resolve")
    assert done.code == 0, done.output
