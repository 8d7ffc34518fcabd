from __future__ import annotations

from pathlib import Path

from tests.support.fake_index import FakeIndex, FakePackage
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import NetworkError
from venvstacks_dag.index import ProjectPage
from venvstacks_dag.inventory import WheelRequirements
from venvstacks_dag.store import PinnedWheel, Store


class Unreachable(FakeIndex):
    def project(self, name: str) -> ProjectPage | None:
        self.pages.append(name)
        raise NetworkError("no route", where=name)


def pinned(file: Path, *, path: Path | None = None) -> PinnedWheel:
    name, version, *_ = file.name.split("-")
    return PinnedWheel(
        name=name, version=version, filename=file.name, sha256=sha256_file(file), path=path
    )


def remote(package: FakePackage) -> PinnedWheel:
    [link] = package.links()
    assert link.sha256 is not None
    return PinnedWheel(
        name=link.name, version=str(link.version), filename=link.filename, sha256=link.sha256
    )


def test_files_at_hand_are_read_and_nobody_is_asked(tmp_path: Path) -> None:
    index, store = Unreachable([]), Store(tmp_path / "store")
    kept = make_wheel(tmp_path, "kept", requires=["spam>1"])
    wheel = pinned(kept)

    def fill(place: Path) -> None:
        kept.rename(place)

    store.fetch(wheel.sha256, fill)
    local = make_wheel(tmp_path, "local", requires=["eggs", "ham; extra == 'x'"], extras=["x"])
    ask = WheelRequirements(store, lambda layer: index)
    assert ask("py", wheel) == ("spam>1",)
    assert ask("py", pinned(local, path=local)) == ("eggs", "ham; extra == 'x'")
    assert (index.pages, ask.fault) == ([], None)


def test_the_index_of_the_layer_is_asked_once(tmp_path: Path) -> None:
    package = FakePackage.of("far 2.0 | near>=1")
    index = FakeIndex([package])
    asked: list[str] = []

    def index_of(layer: str) -> FakeIndex:
        asked.append(layer)
        return index

    ask = WheelRequirements(Store(tmp_path), index_of)
    assert ask("app-x", remote(package)) == ("near>=1",)
    assert ask("app-y", remote(package)) == ("near>=1",)
    assert (asked, index.pages) == (["app-x"], ["far"])


def test_another_file_of_the_same_name_is_not_taken_for_it(tmp_path: Path) -> None:
    index = FakeIndex(["far 2.0 | near"])
    ask = WheelRequirements(Store(tmp_path), lambda layer: index)
    assert ask("py", remote(FakePackage(name="far", version="2.0", salt="other"))) is None
    assert ask("py", remote(FakePackage(name="gone"))) is None
    assert ask.fault is None


def test_without_a_network_it_is_asked_once_for_all(tmp_path: Path) -> None:
    index = Unreachable([])
    ask = WheelRequirements(Store(tmp_path), lambda layer: index)
    for name in ("one", "two", "one"):
        assert ask("py", remote(FakePackage(name=name))) is None
    assert index.pages == ["one"]
    assert ask.fault is not None
    assert ask.fault.what == "no route"


def test_a_broken_wheel_hides_only_itself(tmp_path: Path) -> None:
    broken = tmp_path / "broken-1.0-py3-none-any.whl"
    broken.write_bytes(b"no zip")
    index = FakeIndex(["far 2.0 | near"])
    ask = WheelRequirements(Store(tmp_path), lambda layer: index)
    assert ask("py", pinned(broken, path=broken)) is None
    assert ask("py", remote(FakePackage.of("far 2.0 | near"))) == ("near",)
    assert ask.fault is not None
