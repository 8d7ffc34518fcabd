from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs
import pytest

from venvstacks_dag.errors import DigestMismatch, DiskError, StoreError
from venvstacks_dag.fs import place_file, staging_folder
from venvstacks_dag.store import ImageContent, ImageEntry, Store
from venvstacks_dag.store.images import IMAGE_SCHEMA

DATA = b"some bytes"
DIGEST = hashlib.sha256(DATA).hexdigest()
BAD_DIGESTS = ("", "abc", DIGEST.upper(), f"{DIGEST}\n", f"../{DIGEST[3:]}", "/" * 64)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def writer(data: bytes) -> Callable[[Path], None]:
    def fill(path: Path) -> None:
        path.write_bytes(data)

    return fill


def never(_path: Path) -> None:
    raise AssertionError("asked to fill what is there")


def one_file(folder: Path) -> ImageContent:
    (folder / "purelib/demo").mkdir(parents=True)
    (folder / "purelib/demo/run").write_bytes(DATA)
    (folder / "purelib/demo/x.py").write_bytes(DATA)
    entries = tuple(
        ImageEntry(scheme="purelib", path=path, mode=mode, size=len(DATA), sha256=DIGEST)
        for path, mode in (("demo/run", 0o755), ("demo/x.py", 0o644))
    )
    link = ImageEntry(scheme="root", path="bin/python", kind="link", target="python3")
    return ImageContent(entries=(*entries, link), properties=(("name", "demo"),))


def files_below(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_where_the_users_store_is(tmp_path: Path) -> None:
    assert Store.of_user({"VENVSTACKS_DAG_CACHE": str(tmp_path)}).root == tmp_path
    relative = Store.of_user({"VENVSTACKS_DAG_CACHE": "somewhere"}).root
    assert relative == Path("somewhere").absolute()
    usual = platformdirs.user_cache_path("venvstacks-dag", appauthor=False)
    assert Store.of_user({}).root == Store.of_user({"VENVSTACKS_DAG_CACHE": ""}).root == usual


def test_a_file_is_fetched_once(store: Store) -> None:
    assert store.blob(DIGEST) is None
    place = store.fetch(DIGEST, writer(DATA))
    assert place.read_bytes() == DATA
    assert stat.S_IMODE(place.stat().st_mode) == 0o444
    assert store.fetch(DIGEST, never) == place == store.blob(DIGEST)


def test_a_file_with_another_digest_is_not_kept(store: Store) -> None:
    with pytest.raises(DigestMismatch, match=f"expected sha256 {DIGEST}"):
        store.fetch(DIGEST, writer(b"other"))
    assert store.blob(DIGEST) is None
    assert files_below(store.root / "blobs") == []
    assert store.fetch(DIGEST, writer(DATA)).read_bytes() == DATA


def test_a_failing_download_leaves_nothing(store: Store) -> None:
    def fill(path: Path) -> None:
        path.write_bytes(DATA[:3])
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        store.fetch(DIGEST, fill)
    assert files_below(store.root / "blobs") == []


@pytest.mark.parametrize("digest", BAD_DIGESTS)
def test_what_is_no_digest_names_no_file(store: Store, digest: str) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.blob(digest),
        lambda: store.fetch(digest, never),
        lambda: store.check_blob(digest),
        lambda: store.image(digest),
        lambda: store.make_image(digest, one_file),
        lambda: store.cached("page", digest),
        lambda: store.keep("page", digest, b""),
    )
    for call in calls:
        with pytest.raises(StoreError, match="not a SHA-256"):
            call()
    assert not store.root.exists()


def test_cached_answers(store: Store) -> None:
    assert store.cached("page", DIGEST) is None
    store.keep("page", DIGEST, b"one")
    store.keep("page", DIGEST, b"two")
    assert store.cached("page", DIGEST) == b"two"
    assert store.cached("metadata", DIGEST) is None


def test_an_image_as_it_was_made(store: Store) -> None:
    assert store.image(DIGEST) is None
    image = store.make_image(DIGEST, one_file)
    assert store.image(DIGEST) == image
    assert [(entry.path, entry.mode, entry.kind) for entry in image.entries] == [
        ("demo/run", 0o755, "file"),
        ("demo/x.py", 0o644, "file"),
        ("bin/python", 0o644, "link"),
    ]
    assert image.entries[2].target == "python3"
    assert image.property("name") == "demo"
    with pytest.raises(KeyError):
        image.property("other")
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in image.folder.rglob("*")
        if path.is_file()
    }
    assert modes == {"run": 0o555, "x.py": 0o444, "image.json": 0o444}


def test_a_failing_unpacking_leaves_nothing(store: Store) -> None:
    def fill(folder: Path) -> ImageContent:
        one_file(folder)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.make_image(DIGEST, fill)
    assert store.image(DIGEST) is None
    assert files_below(store.root / "images") == []
    store.make_image(DIGEST, one_file)


def test_an_image_that_says_more_than_there_is(store: Store) -> None:
    def fill(folder: Path) -> ImageContent:
        content = one_file(folder)
        (folder / "purelib/demo/run").unlink()
        return content

    with pytest.raises(DiskError, match="cannot seal an image"):
        store.make_image(DIGEST, fill)
    assert store.image(DIGEST) is None


def test_an_image_that_does_not_stay_as_it_was_made(store: Store) -> None:
    def fill(folder: Path) -> ImageContent:
        content = one_file(folder)
        (folder / "purelib/demo/run").write_bytes(b"longer than it says")
        return content

    with pytest.raises(StoreError, match="not as it was made"):
        store.make_image(DIGEST, fill)


def test_images_of_another_schema_are_made_again(store: Store) -> None:
    image = store.make_image(DIGEST, one_file)
    description = image.folder / "image.json"
    raw = json.loads(description.read_bytes())
    description.chmod(0o644)
    description.write_text(json.dumps({**raw, "schema": 1}))
    assert store.image(DIGEST) is None
    assert store.make_image(DIGEST, one_file) == image


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", f'{{"schema": {IMAGE_SCHEMA}}}', f'{{"schema": {IMAGE_SCHEMA}, "entries": 3}}'],
)
def test_an_image_whose_description_is_damaged_is_made_again(store: Store, content: str) -> None:
    image = store.make_image(DIGEST, one_file)
    description = image.folder / "image.json"
    description.chmod(0o644)
    description.write_text(content)
    assert store.image(DIGEST) is None
    assert store.make_image(DIGEST, one_file) == image == store.image(DIGEST)


def test_an_image_without_a_readable_description_is_made_again(store: Store) -> None:
    image = store.make_image(DIGEST, one_file)
    (image.folder / "image.json").unlink()
    (image.folder / "image.json").mkdir()
    assert store.image(DIGEST) is None
    assert store.make_image(DIGEST, one_file) == image


def test_a_file_in_the_place_of_an_image_goes_away(store: Store) -> None:
    place = store.root / "images" / DIGEST[:2] / DIGEST
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")
    assert store.image(DIGEST) is None
    assert store.make_image(DIGEST, one_file).folder == place


def write_unnoticed(path: Path, data: bytes) -> None:
    """Change a file as an editor does that keeps its time."""
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_was_changed_behind_the_stores_back_is_found_by_reading(store: Store) -> None:
    image = store.make_image(DIGEST, one_file)
    assert store.check(image)
    file = image.file(image.entries[1])
    write_unnoticed(file, DATA.upper())
    assert store.image(DIGEST) == image
    assert not store.check(image)
    assert store.image(DIGEST) is None
    assert files_below(store.root / "images") == []
    assert not store.check(image)
    assert store.check(store.make_image(DIGEST, one_file))
    assert file.read_bytes() == DATA


def test_a_changed_file_is_dropped_and_fetched_again(store: Store) -> None:
    assert not store.check_blob(DIGEST)
    place = store.fetch(DIGEST, writer(DATA))
    assert store.check_blob(DIGEST)
    assert store.blob(DIGEST) == place
    write_unnoticed(place, DATA.upper())
    assert not store.check_blob(DIGEST)
    assert store.blob(DIGEST) is None
    assert files_below(store.root / "blobs") == []
    assert store.fetch(DIGEST, writer(DATA)).read_bytes() == DATA


def test_a_file_that_somebody_else_drops_is_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = store.fetch(DIGEST, writer(DATA))

    def dropped(_path: Path) -> str:
        place.unlink()
        raise FileNotFoundError

    monkeypatch.setattr("venvstacks_dag.store.store.sha256_file", dropped)
    assert not store.check_blob(DIGEST)


def test_what_killed_builds_left_of_a_digest_is_swept(store: Store) -> None:
    def left(room: str, digest: str) -> Path:
        parent = store.root / room / DIGEST[:2]
        with staging_folder(parent, digest[:32]) as folder:
            kept = folder.rename(parent / f"{folder.name}x")
        (kept / "purelib").mkdir()
        (kept / "purelib/x").write_bytes(DATA)
        (kept / "purelib/x").chmod(0o444)
        return kept

    other = DIGEST[:31] + ("0" if DIGEST[31] != "0" else "1") + DIGEST[32:]
    mine = [left("blobs", DIGEST), left("images", DIGEST)]
    others = [left("blobs", other), left("images", other)]
    store.fetch(DIGEST, writer(DATA))
    assert [path.exists() for path in mine + others] == [False, False, True, True]
    left("images", DIGEST)
    store.make_image(DIGEST, one_file)
    assert sorted(path.name for path in (store.root / "images" / DIGEST[:2]).iterdir()) == sorted(
        [DIGEST, others[1].name]
    )


def test_a_killed_build_leaves_what_the_next_one_sweeps(store: Store) -> None:
    left: list[Path] = []

    def fill(folder: Path) -> ImageContent:
        # As if the build were killed now: a copy stays under the name of the working folder.
        content = one_file(folder)
        left.append(Path(shutil.copytree(folder, f"{folder}x")))
        return content

    image = store.make_image(DIGEST, fill)
    assert left[0].is_dir()
    image.file(image.entries[0]).unlink()
    store.make_image(DIGEST, one_file)
    assert not left[0].exists()


@pytest.mark.parametrize("data", [b"other", b"changed in place"])
def test_an_image_that_was_written_to_is_made_again(
    store: Store, data: bytes, tmp_path: Path
) -> None:
    image = store.make_image(DIGEST, one_file)
    entry = image.entries[0]
    before = image.file(entry).read_bytes()
    tree_file = tmp_path / "linked"
    place_file(str(image.file(entry)), str(tree_file))
    tree_file.chmod(0o644)
    tree_file.write_bytes(data)
    assert store.image(DIGEST) is None
    assert store.make_image(DIGEST, one_file).file(entry).read_bytes() == before
    assert tree_file.read_bytes() == data


def test_an_image_that_lost_a_file_is_made_again(store: Store) -> None:
    image = store.make_image(DIGEST, one_file)
    image.file(image.entries[0]).unlink()
    assert store.image(DIGEST) is None


def test_many_threads_share_one_unpacking(store: Store) -> None:
    calls: list[int] = []
    gate = threading.Barrier(4)

    def fill(folder: Path) -> ImageContent:
        calls.append(1)
        time.sleep(0.05)
        return one_file(folder)

    def make(_index: int) -> object:
        gate.wait(timeout=10)
        return store.make_image(DIGEST, fill)

    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(make, range(4)))
    assert len(calls) == 1
    assert images == [store.image(DIGEST)] * 4


def test_many_threads_share_one_download(store: Store) -> None:
    calls: list[int] = []
    gate = threading.Barrier(4)

    def fill(path: Path) -> None:
        calls.append(1)
        time.sleep(0.05)
        path.write_bytes(DATA)

    def fetch(_index: int) -> Path:
        gate.wait(timeout=10)
        return store.fetch(DIGEST, fill)

    with ThreadPoolExecutor(4) as pool:
        places = set(pool.map(fetch, range(4)))
    assert (len(calls), places) == (1, {store.blob(DIGEST)})
