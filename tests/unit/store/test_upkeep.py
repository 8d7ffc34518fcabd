"""Cleaning and checking a store, alone and beside builds."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from venvstacks_dag.errors import BuildFolderBusy, DiskError, StoreError
from venvstacks_dag.fs import place_file
from venvstacks_dag.store import Image, ImageContent, ImageEntry, Store
from venvstacks_dag.store.items import room_sizes, store_items
from venvstacks_dag.store.upkeep import collect, verify_store
from venvstacks_dag.store.usage import note_use, parse_age

DAY = 86400.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with a blob, an image and a page; whoever filled it has left."""
    filler = Store(tmp_path / "store")
    add_blob(filler, b"wheel")
    add_image(filler, b"module")
    filler.keep("pages", digest(b"page"), b"<html>")
    del filler
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    return Store(root)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def add_blob(store: Store, data: bytes) -> Path:
    def fill(path: Path) -> None:
        path.write_bytes(data)

    return store.fetch(digest(data), fill)


def add_image(store: Store, data: bytes) -> Image:
    def fill(folder: Path) -> ImageContent:
        (folder / "purelib").mkdir()
        (folder / "purelib/a.py").write_bytes(data)
        entry = ImageEntry(scheme="purelib", path="a.py", size=len(data), sha256=digest(data))
        return ImageContent(entries=(entry,))

    return store.make_image(digest(data), fill)


def age(store: Store, days: float) -> None:
    """Have everything in the store count as last used so long ago."""
    then = time.time() - days * DAY
    for item in store_items(store):
        marker = item.path / "image.json" if item.room == "images" else item.path
        os.utime(marker, (then, then))


def rooms(store: Store) -> list[str]:
    return [item.room for item in store_items(store)]


ALL = ["blobs", "images", "cache/pages"]


def test_what_is_used_stays(store: Store) -> None:
    assert collect(store, older_than=30 * DAY) == []
    age(store, 31)
    assert store.image(digest(b"module")) is not None
    removed = collect(store, older_than=30 * DAY)
    assert [one.room for one in removed] == ["blobs", "cache/pages"]
    assert rooms(store) == ["images"]


@pytest.mark.parametrize("room", ["blobs", "cache/pages"])
def test_each_kind_of_use_counts(store: Store, room: str) -> None:
    age(store, 31)
    if room == "blobs":
        assert store.blob(digest(b"wheel"))
    else:
        assert store.cached("pages", digest(b"page")) == b"<html>"
    collect(store, older_than=30 * DAY)
    assert rooms(store) == [room]


def test_fetching_what_is_there_is_a_use(store: Store) -> None:
    age(store, 31)
    add_blob(store, b"wheel")
    add_image(store, b"module")
    collect(store, older_than=30 * DAY)
    assert rooms(store) == ["blobs", "images"]


def test_a_dry_run_says_the_same_and_removes_nothing(store: Store) -> None:
    age(store, 31)
    told = collect(store, older_than=30 * DAY, dry_run=True)
    assert rooms(store) == ALL
    done = collect(store, older_than=30 * DAY)
    assert told == done
    assert rooms(store) == []


def test_everything_can_go_with_all_that_is_left_over(store: Store, root: Path) -> None:
    (root / "blobs/ab").mkdir()
    (root / "blobs/ab/.staging-x").mkdir()
    (root / "blobs/ab/.staging-x/part").write_bytes(b"123")
    (root / "cache/pages/ab").mkdir()
    (root / "cache/pages/ab/.partial-x").write_bytes(b"12")
    removed = {one.room: (one.count, one.size) for one in collect(store, older_than=None)}
    assert removed["unfinished"] == (2, 5)
    left = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert left == {"locks/gate.lock"}
    assert add_image(store, b"module").file(add_image(store, b"module").entries[0]).is_file()


def test_what_trees_share_is_not_freed(store: Store, tmp_path: Path) -> None:
    image = add_image(Store(store.root), b"x" * 5000)
    place_file(str(image.file(image.entries[0])), str(tmp_path / "linked"))
    removed = {one.room: one.size for one in collect(store, older_than=None)}
    assert removed["images"] < 5000
    assert (tmp_path / "linked").read_bytes() == b"x" * 5000


USER = """
import sys
from pathlib import Path
from venvstacks_dag.store import Store
store = Store(Path(sys.argv[1]))
assert store.image(sys.argv[2]) is not None
print("using", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def build(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has taken the image out of the store."""
    words = [sys.executable, "-c", USER, str(root), digest(b"module")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"using\n"
        yield process
        process.kill()


def test_nothing_goes_that_a_build_uses(store: Store, build: subprocess.Popen[bytes]) -> None:
    with pytest.raises(BuildFolderBusy, match="a build is using the store"):
        collect(store, older_than=None)
    (store.root / "images/ab").mkdir()
    (store.root / "images/ab/.staging-x").mkdir()
    assert collect(store, older_than=0) == []
    assert rooms(store) == ALL
    assert (store.root / "images/ab/.staging-x").is_dir()
    # What no build can be using goes nevertheless.
    age(store, 1)
    assert [one.room for one in collect(store, older_than=0)] == ALL


def test_a_killed_build_keeps_nothing(store: Store, build: subprocess.Popen[bytes]) -> None:
    build.kill()
    build.wait()
    collect(store, older_than=None)
    assert rooms(store) == []
    assert list((store.root / "locks/users").iterdir()) == []


def test_a_build_that_ended_well_leaves_nothing(
    store: Store, build: subprocess.Popen[bytes]
) -> None:
    assert build.stdin is not None
    build.stdin.close()
    assert build.wait() == 0
    assert list((store.root / "locks/users").iterdir()) == []


def test_newcomers_wait_while_it_is_cleaned(store: Store) -> None:
    order: list[str] = []

    def use() -> None:
        Store(store.root).image(digest(b"module"))
        order.append("used")

    with store.users.alone() as alone:
        assert alone
        thread = threading.Thread(target=use)
        thread.start()
        thread.join(0.3)
        order.append("cleaned")
    thread.join()
    assert order == ["cleaned", "used"]


def test_what_is_being_filled_stays(store: Store) -> None:
    age(store, 31)
    with Store(store.root).filling(digest(b"wheel")):
        collect(store, older_than=DAY)
        assert rooms(store) == ["blobs"]
    collect(store, older_than=DAY)
    assert rooms(store) == []


def test_builds_and_cleaning_side_by_side(store: Store) -> None:
    """Every image that a builder was given is whole, however often the store is cleaned."""
    stop, faults = time.monotonic() + 2, list[str]()

    def build(number: int) -> None:
        while time.monotonic() < stop:
            own = Store(store.root)
            for turn in range(5):
                data = b"%d" % (turn + number % 2)
                image = add_image(own, data)
                if image.file(image.entries[0]).read_bytes() != data:
                    faults.append("torn")

    def clean() -> None:
        while time.monotonic() < stop:
            try:
                collect(Store(store.root), older_than=None)
            except BuildFolderBusy:
                collect(Store(store.root), older_than=0)

    threads = [threading.Thread(target=build, args=(n,)) for n in range(3)]
    threads.append(threading.Thread(target=clean))
    failed: list[object] = []
    hook, threading.excepthook = threading.excepthook, failed.append
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        threading.excepthook = hook
    assert not failed
    assert not faults


# --- checking ---------------------------------------------------------------------------


def spoil(path: Path) -> None:
    """Other content with the same size and time."""
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"X" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_good_store(store: Store) -> None:
    seen: list[int] = []
    checked = verify_store(store, on_item=lambda: seen.append(1))
    assert (checked.count, checked.damaged, len(seen)) == (2, (), 2)


@pytest.mark.parametrize("room", ["blobs", "images"])
def test_damage_is_found_and_dropped(store: Store, room: str) -> None:
    item = next(item for item in store_items(store) if item.room == room)
    spoil(item.path / "purelib/a.py" if room == "images" else item.path)
    checked = verify_store(store)
    assert checked.damaged == (item,)
    assert not item.path.exists()
    assert len(rooms(store)) == 2
    assert verify_store(store).damaged == ()


def test_damage_that_cannot_be_dropped_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item in list(store_items(store))[:2]:
        spoil(item.path / "purelib/a.py" if item.room == "images" else item.path)
    drop = Store.drop

    def refuse(self: Store, place: Path) -> None:
        if "images" in place.parts:
            raise DiskError("cannot remove", where=str(place))
        drop(self, place)

    monkeypatch.setattr(Store, "drop", refuse)
    checked = verify_store(store)
    assert [item.room for item in checked.damaged] == ["blobs", "images"]
    assert [item.room for item in checked.kept] == ["images"]
    assert rooms(store) == ["images", "cache/pages"]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"schema": "4"}', b"[]"])
def test_an_image_without_its_description_is_damaged(store: Store, data: bytes) -> None:
    item = next(item for item in store_items(store) if item.room == "images")
    (item.path / "image.json").chmod(0o644)
    (item.path / "image.json").write_bytes(data)
    assert verify_store(store).damaged == (item,)


def test_a_file_that_is_gone_is_damage(store: Store) -> None:
    item = next(item for item in store_items(store) if item.room == "images")
    (item.path / "purelib/a.py").unlink()
    assert verify_store(store).damaged == (item,)


def test_images_of_other_versions_are_left_alone(store: Store) -> None:
    item = next(item for item in store_items(store) if item.room == "images")
    (item.path / "image.json").chmod(0o644)
    (item.path / "image.json").write_bytes(b'{"schema": 1}')
    assert verify_store(store).damaged == ()
    assert item.path.exists()


# --- sizes and ages ---------------------------------------------------------------------


def test_rooms_have_their_sizes(store: Store) -> None:
    sizes = {room.room: (room.count, room.size) for room in room_sizes(store)}
    assert sizes["blobs"] == (1, 5)
    assert sizes["cache/pages"] == (1, 6)
    assert sizes["images"][0] == 1
    assert sizes["images"][1] > len(b"module")
    assert room_sizes(Store(store.root / "none")) == ()


@pytest.mark.parametrize(
    ("text", "seconds"), [("0d", 0), ("12h", 43200), ("30d", 30 * DAY), (" 2w ", 14 * DAY)]
)
def test_ages(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5d", "30 d", "1y", "9999999d"])
def test_no_ages(text: str) -> None:
    with pytest.raises(StoreError, match="is no age"):
        parse_age(text)


def test_a_use_is_noted_once_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"")
    recent = time.time() - 60
    os.utime(path, (recent, recent))
    note_use(path)
    assert path.stat().st_mtime == pytest.approx(recent)
    old = time.time() - 2 * 3600
    os.utime(path, (old, old))
    note_use(path)
    assert path.stat().st_mtime > time.time() - 60
    note_use(tmp_path / "none")
