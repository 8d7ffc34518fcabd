from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.index_server import Fault, LocalIndex, status
from tests.support.reporting import RecordingReporter
from tests.support.wheels import make_wheel
from venvstacks_dag.digest import sha256_bytes, sha256_file
from venvstacks_dag.errors import DigestMismatch, IndexFault, WheelRefused
from venvstacks_dag.index import (
    IndexReference,
    IndexSources,
    PackageIndex,
    WheelLink,
    open_index,
)
from venvstacks_dag.index.once import Once
from venvstacks_dag.net import HttpClient, NetSettings
from venvstacks_dag.net.urls import url_of_path
from venvstacks_dag.store import Store

SPAM = canonicalize_name("spam")
QUICK = NetSettings(retries=1, backoff=0.001, jitter=0.001, read_timeout=5, keyring="disabled")


class World:
    """A user with a store, a clock, and as many indexes as a test starts."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.store = Store(folder / "store")
        self.reporter = RecordingReporter()
        self.now = 1_000_000.0
        self._stack = stack
        self._made = 0

    def index(
        self,
        *,
        json: bool = True,
        metadata: bool = True,
        ranges: bool = True,
        etags: bool = True,
        login: tuple[str, str] | None = None,
        cache_control: str | None = None,
    ) -> LocalIndex:
        """A running index."""
        index = LocalIndex(
            json=json,
            metadata=metadata,
            ranges=ranges,
            etags=etags,
            login=login,
            cache_control=cache_control,
        )
        return self._stack.enter_context(index)

    def wheel(self, name: str = "spam", version: str = "1.0", *, size: int = 0) -> Path:
        """A new wheel, at least `size` bytes long, that requires eggs."""
        self._made += 1
        noise = {"noise.bin": os.urandom(size)} if size else None
        folder = self.folder / f"made{self._made}"
        return make_wheel(folder, name, version, files=noise, requires=["eggs>=1"])

    def client(self, *urls: str, find_links: tuple[str, ...] = ()) -> PackageIndex:
        """A new client that asks `urls` in order."""
        references = tuple(IndexReference(name=None, url=url) for url in urls)
        return self.open(IndexSources(indexes=references, find_links=find_links))

    def open(self, sources: IndexSources) -> PackageIndex:
        """A new client, as a later run of the program would have it."""
        downloader = self._stack.enter_context(HttpClient(QUICK))
        return self._stack.enter_context(
            open_index(
                sources, downloader, self.store, self.reporter, workers=4, clock=lambda: self.now
            )
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


def only(client: PackageIndex, name: str = "spam") -> WheelLink:
    """The one wheel that `client` finds."""
    page = client.project(canonicalize_name(name))
    assert page is not None
    (wheel,) = page.wheels
    return wheel


# --- pages ----------------------------------------------------------------------------


@pytest.mark.parametrize("json", [True, False], ids=["json", "html"])
def test_a_page_tells_everything(world: World, json: bool) -> None:
    index = world.index(json=json)
    served = index.add(
        world.wheel(),
        yanked="broken",
        upload_time="2024-05-06T07:08:09Z",
        requires_python=">=3.8,<4",
    )
    wheel = only(world.client(index.simple_url))
    assert wheel.filename == served.filename
    assert wheel.url == index.file_url(served.filename)
    assert wheel.index == index.simple_url
    assert (wheel.sha256, wheel.size) == (served.sha256, served.size if json else None)
    assert (wheel.requires_python, wheel.yanked) == (">=3.8,<4", "broken")
    assert wheel.upload_time is not None
    assert wheel.upload_time.isoformat() == "2024-05-06T07:08:09+00:00"
    assert wheel.metadata_sha256 == served.metadata_sha256


def test_sdists_are_told_apart(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    sdist = world.folder / "spam-2.0.tar.gz"
    sdist.write_bytes(b"x")
    index.add(sdist)
    page = world.client(index.simple_url).project(SPAM)
    assert page is not None
    assert page.sdist_only == {Version("2.0")}


def test_a_fresh_page_is_not_asked_for_again(world: World) -> None:
    index = world.index(cache_control="max-age=100")
    index.add(world.wheel())
    first = only(world.client(index.simple_url))
    world.now += 99
    assert only(world.client(index.simple_url)) == first
    assert len(index.requests) == 1


def test_a_stale_page_is_validated(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    first = only(world.client(index.simple_url))
    world.now += 601
    assert only(world.client(index.simple_url)) == first
    assert "if-none-match" in index.requests[1].headers
    world.now += 599
    assert only(world.client(index.simple_url)) == first
    assert len(index.requests) == 2
    world.now += 2
    index.add(world.wheel(version="2.0"))
    page = world.client(index.simple_url).project(SPAM)
    assert page is not None
    assert len(page.wheels) == 2


def test_a_page_that_led_to_a_failure_is_validated_next_time(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    only(world.client(index.simple_url))
    client = world.client(index.simple_url)
    only(client)
    assert len(index.requests) == 1
    client.distrust()
    only(world.client(index.simple_url))
    assert "if-none-match" in index.requests[1].headers
    # Now it is known to be fresh: what fails then is not for want of asking.
    only(world.client(index.simple_url))
    assert len(index.requests) == 2


def test_a_broken_page_is_asked_for_again(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    index.fail("/spam/", Fault(times=1, truncate_at=30, unannounced=True))
    only(world.client(index.simple_url))
    assert len(index.requests) == 2


def test_a_page_of_too_many_parts_is_refused(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    page = b'{"meta": {"api-version": "1.0"}, "files": [' + b"{}," * 1_000_000 + b"{}]}"
    index.fail("/spam/", Fault(body=page, headers={"Content-Type": "application/json"}))
    with pytest.raises(IndexFault, match="cannot say") as caught:
        world.client(index.simple_url).project(SPAM)
    assert "more than 2000000 parts" in str(caught.value)


def test_pages_that_must_not_be_stored_are_asked_for_anew(world: World) -> None:
    index = world.index(cache_control="no-store")
    index.add(world.wheel())
    only(world.client(index.simple_url))
    only(world.client(index.simple_url))
    assert len(index.requests) == 2


def test_a_missing_project_is_never_taken_for_granted(world: World) -> None:
    index = world.index()
    client = world.client(index.simple_url)
    assert client.project(SPAM) is None
    assert client.project(SPAM) is None
    assert len(index.requests) == 1
    index.add(world.wheel())
    assert world.client(index.simple_url).project(SPAM) is not None


def test_a_failing_index_is_not_replaced_by_what_is_kept(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    only(world.client(index.simple_url))
    world.now += 601
    index.fail("/spam/", status(500))
    with pytest.raises(IndexFault):
        world.client(index.simple_url).project(SPAM)


# --- several indexes ------------------------------------------------------------------


@pytest.mark.parametrize("code", [404, 410])
def test_the_first_index_that_has_the_name_wins(world: World, code: int) -> None:
    first, second, third = world.index(), world.index(), world.index()
    first.fail("/spam/", status(code))
    second.add(world.wheel())
    third.add(world.wheel(version="9.0"))
    client = world.client(first.simple_url, second.simple_url, third.simple_url)
    assert only(client).index == second.simple_url
    assert third.requests == []
    assert client.asked() == (first.simple_url, second.simple_url, third.simple_url)


def test_an_empty_page_has_the_name(world: World) -> None:
    first, second = world.index(), world.index()
    first.add_project("spam")
    second.add(world.wheel())
    page = world.client(first.simple_url, second.simple_url).project(SPAM)
    assert page is not None
    assert (page.index, page.wheels) == (first.simple_url, ())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(401), "give its login in netrc"),
        (status(403), "make it explicit"),
        (status(500), "HTTP status 500 (tried 2 times)"),
        (status(418), "HTTP status 418"),
        (status(304), "HTTP status 304"),
        (Fault(body=b"{broken"), "not valid JSON"),
        (Fault(body=b"x", headers={"Content-Type": "image/png"}), "image/png"),
        (Fault(reset=True), "the connection broke"),
        (Fault(truncate_at=5), "ended too early"),
    ],
    ids=["401", "403", "500", "418", "304", "json", "type", "reset", "truncated"],
)
def test_any_other_answer_stops_the_search(world: World, fault: Fault, said: str) -> None:
    first, second = world.index(), world.index()
    first.add(world.wheel())
    second.add(world.wheel())
    first.fail("/spam/", fault)
    client = world.client(first.with_login("user", "secret"), second.simple_url)
    for _ in range(2):
        with pytest.raises(IndexFault) as caught:
            client.project(SPAM)
        message = str(caught.value)
        assert said in message
        assert "spam" in message.splitlines()[0]
        assert first.simple_url in message
        assert "secret" not in message
    assert second.requests == []


def test_explicit_indexes_serve_only_their_packages(world: World) -> None:
    open_one, explicit = world.index(), world.index()
    explicit.add(world.wheel("ham"))
    explicit.add(world.wheel("spam"))
    open_one.add(world.wheel("ham"))
    open_one.add(world.wheel("spam"))
    client = world.open(
        IndexSources(
            indexes=(
                IndexReference(name="e", url=explicit.simple_url, explicit=True),
                IndexReference(name=None, url=open_one.simple_url),
            ),
            pins=((canonicalize_name("ham"), "e"),),
        )
    )
    assert only(client, "spam").index == open_one.simple_url
    assert only(client, "ham").index == explicit.simple_url
    assert client.asked() == (open_one.simple_url,)


def test_a_pinned_package_that_its_index_lacks_is_nowhere(world: World) -> None:
    other, pinned = world.index(), world.index()
    other.add(world.wheel())
    indexes = (
        IndexReference(name=None, url=other.simple_url),
        IndexReference(name="p", url=pinned.simple_url),
    )
    client = world.open(IndexSources(indexes=indexes, pins=((SPAM, "p"),)))
    assert client.project(SPAM) is None
    assert other.requests == []


def test_a_login_opens_pages_and_files_and_stays_hidden(world: World) -> None:
    index = world.index(login=("user", "secret"))
    index.add(world.wheel(size=40_000))
    client = world.client(index.with_login("user", "secret"))
    wheel = only(client)
    assert "secret" not in repr(wheel)
    assert client.metadata(wheel).requires_dist == ("eggs>=1",)
    assert client.asked() == (index.simple_url,)
    kept = [path for path in world.store.root.rglob("*") if path.is_file()]
    assert kept
    assert all(b"secret" not in path.read_bytes() for path in kept)


# --- folders and find-links -----------------------------------------------------------


def test_an_index_in_a_folder(world: World) -> None:
    root = world.folder / "mirror"
    wheel = make_wheel(root / "spam", "spam")
    make_wheel(root / "spam", "eggs")
    (root / "ham").mkdir()
    url = url_of_path(root)
    client = world.client(url)
    found = only(client)
    assert (found.url, found.index) == (url_of_path(wheel), url)
    assert (found.sha256, found.size) == (sha256_file(wheel), wheel.stat().st_size)
    assert client.metadata(found).requires_dist == ()
    assert client.project(canonicalize_name("none")) is None
    page = client.project(canonicalize_name("ham"))
    assert page is not None
    assert page.wheels == ()


def test_pages_in_folders_give_or_get_digests(world: World) -> None:
    root = world.folder / "mirror"
    (root / "spam").mkdir(parents=True)
    wheel = make_wheel(root / "files", "spam")
    fragment = f"#sha256={'ab' * 32}"
    (root / "spam" / "index.html").write_text(
        f'<a href="../files/{wheel.name}">x</a>'
        f'<a href="../files/spam-2.0-py3-none-any.whl{fragment}">x</a>'
        f'<a href="../files/spam-3.0-py3-none-any.whl">x</a>'
    )
    page = world.client(url_of_path(root)).project(SPAM)
    assert page is not None
    found = {str(wheel.version): wheel.sha256 for wheel in page.wheels}
    assert found == {"1.0": sha256_file(wheel), "2.0": "ab" * 32, "3.0": None}


def test_a_missing_index_folder_is_a_fault(world: World) -> None:
    with pytest.raises(IndexFault, match="spam") as caught:
        world.client(url_of_path(world.folder / "none")).project(SPAM)
    assert "no such folder" in str(caught.value)


def test_find_links_are_added_to_what_the_index_has(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    index.add(world.wheel(version="2.0"))
    links, more = world.folder / "links", world.folder / "more"
    local = make_wheel(links, "spam", "1.0", requires=["local"])
    make_wheel(more, "spam", "1.0")
    make_wheel(more, "spam", "3.0")
    make_wheel(more, "alone", "1.0")
    (more / "alone-0.5.tar.gz").write_bytes(b"")
    (more / "folder-1.0-py3-none-any.whl").mkdir()
    places = (url_of_path(links), url_of_path(more))
    client = world.client(index.simple_url, find_links=places)
    page = client.project(SPAM)
    assert page is not None
    assert page.index == index.simple_url
    assert [(wheel.index, str(wheel.version)) for wheel in page.wheels] == [
        (places[0], "1.0"),
        (places[1], "3.0"),
        (index.simple_url, "2.0"),
    ]
    assert page.wheels[0].sha256 == sha256_file(local)
    assert client.metadata(page.wheels[0]).requires_dist == ("local",)
    alone = client.project(canonicalize_name("alone"))
    assert alone is not None
    assert alone.index == places[1]
    assert alone.sdist_only == {Version("0.5")}
    assert client.project(canonicalize_name("folder")) is None
    assert client.asked() == (index.simple_url, *places)


def test_find_links_serve_without_any_index(world: World) -> None:
    index = world.index()
    index.add(world.wheel(version="2.0"))
    make_wheel(world.folder / "links", "spam")
    references = (IndexReference(name=None, url=index.simple_url),)
    client = world.open(
        IndexSources(
            indexes=references,
            find_links=(url_of_path(world.folder / "links"),),
            no_index=True,
        )
    )
    assert only(client).version == Version("1.0")
    assert index.requests == []
    assert client.asked() == (url_of_path(world.folder / "links"),)


def test_a_missing_find_links_folder_is_told_once(world: World) -> None:
    place = url_of_path(world.folder / "none")
    client = world.client(find_links=(place,))
    assert client.project(SPAM) is None
    assert client.project(canonicalize_name("eggs")) is None
    assert world.reporter.warnings == [
        f"find-links: there is nothing at {place}; it is skipped",
    ]


def test_a_find_links_page(world: World) -> None:
    index = world.index()
    served = index.add(world.wheel())
    (world.folder / "flat.html").write_text(
        f'<a href="{index.file_url(served.filename)}#sha256={served.sha256}">x</a>'
    )
    for place in (index.simple_url + "/spam/", url_of_path(world.folder / "flat.html")):
        wheel = only(world.client(find_links=(place,)))
        assert wheel.url == index.file_url(served.filename)
        assert wheel.sha256 == served.sha256
        assert wheel.index == place.rstrip("/")


def test_a_find_links_page_that_is_not_there(world: World) -> None:
    index = world.index()
    with pytest.raises(IndexFault, match="find-links"):
        world.client(find_links=(index.simple_url + "/none/",)).project(SPAM)


def test_digests_of_local_wheels_are_remembered_until_they_change(world: World) -> None:
    folder = world.folder / "links"
    first = make_wheel(folder, "spam")
    digest = sha256_file(first)
    place = url_of_path(folder)
    assert only(world.client(find_links=(place,))).sha256 == digest
    kept = [path for path in world.store.root.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [digest.encode()]
    kept[0].write_bytes(b"ab" * 32)
    assert only(world.client(find_links=(place,))).sha256 == "ab" * 32
    kept[0].write_bytes(b"damaged")
    assert only(world.client(find_links=(place,))).sha256 == digest
    make_wheel(folder, "spam", requires=["changed"])
    assert only(world.client(find_links=(place,))).sha256 == sha256_file(first) != digest


# --- metadata -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "ranges", "size", "expected"),
    [
        (True, True, 40_000, ["/files/spam-1.0-py3-none-any.whl.metadata"]),
        (False, True, 40_000, ["/files/spam-1.0-py3-none-any.whl"]),
        (False, False, 400_000, ["/files/spam-1.0-py3-none-any.whl"] * 2),
        (False, True, 0, ["/files/spam-1.0-py3-none-any.whl"]),
    ],
    ids=["beside", "ranges", "whole", "small"],
)
def test_metadata_by_every_path_and_once(
    world: World, metadata: bool, ranges: bool, size: int, expected: list[str]
) -> None:
    index = world.index(metadata=metadata, ranges=ranges)
    index.add(world.wheel(size=size))
    for _ in range(2):
        client = world.client(index.simple_url)
        found = client.metadata(only(client))
        assert (found.name, found.version) == ("spam", Version("1.0"))
        assert found.requires_dist == ("eggs>=1",)
        assert client.metadata(only(client)) is found
    assert index.paths()[1:] == expected


def test_a_host_without_ranges_is_remembered(world: World) -> None:
    index = world.index(metadata=False, ranges=False)
    index.add(world.wheel(size=400_000))
    index.add(world.wheel("ham", size=400_000))
    client = world.client(index.simple_url)
    for name in ("spam", "ham"):
        client.metadata(only(client, name))
    assert len(index.requests) == 5
    assert [request.path for request in index.requests if "range" in request.headers] == [
        "/files/spam-1.0-py3-none-any.whl"
    ]
    assert "byte ranges" in world.reporter.details[0]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(times=1, headers={"Content-Range": "bytes 0-1/2"}),
        status(416, times=1),
    ],
    ids=["other", "416"],
)
def test_ranges_that_stop_midway_give_way_to_the_whole_wheel(world: World, fault: Fault) -> None:
    index = world.index(metadata=False)
    # METADATA lies before 40 kB of licences, so outside of the tail.
    folder = "spam-1.0.dist-info"
    files = {f"{folder}/METADATA": b"", **{f"{folder}/{n}": os.urandom(4000) for n in range(10)}}
    served = index.add(make_wheel(world.folder, "spam", files=files, requires=["eggs>=1"]))
    client = world.client(index.simple_url)
    wheel = only(client)
    index.fail(".whl", Fault(times=1))
    index.fail(".whl", fault)
    assert client.metadata(wheel).requires_dist == ("eggs>=1",)
    assert index.paths()[1:] == ["/files/spam-1.0-py3-none-any.whl"] * 3
    assert served.sha256 is not None
    assert world.store.blob(served.sha256) is not None


def test_a_wheel_in_the_store_is_read_there(world: World) -> None:
    index = world.index()
    path = world.wheel(size=40_000)
    index.add(path)
    client = world.client(index.simple_url)
    wheel = only(client)
    assert wheel.sha256 is not None

    def fill(place: Path) -> None:
        place.write_bytes(path.read_bytes())

    world.store.fetch(wheel.sha256, fill)
    assert client.metadata(wheel).requires_dist == ("eggs>=1",)
    assert len(index.requests) == 1


def test_a_wheel_without_digest_is_read_but_not_kept(world: World) -> None:
    index = world.index(metadata=False, ranges=False)
    index.add(world.wheel(size=400_000), hashes=False)
    for _ in range(2):
        client = world.client(index.simple_url)
        wheel = only(client)
        assert wheel.sha256 is None
        assert client.metadata(wheel).requires_dist == ("eggs>=1",)
    assert len(index.requests) == 5
    assert not (world.store.root / "blobs").exists()
    assert not (world.store.root / "cache" / "metadata").exists()
    assert list(world.store.root.glob(".staging*")) == []


def test_one_index_does_not_speak_for_anothers_wheels(world: World) -> None:
    honest, liar = world.index(), world.index()
    path = world.wheel()
    honest.add(path)
    lie = b"Metadata-Version: 2.1\nName: spam\nVersion: 1.0\nRequires-Dist: malware\n"
    liar.add(path, metadata=lie)
    for index, requires in ((liar, "malware"), (honest, "eggs>=1")):
        client = world.client(index.simple_url)
        assert client.metadata(only(client)).requires_dist == (requires,)


def test_another_metadata_file_of_one_wheel_is_not_taken_for_the_kept_one(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    client = world.client(index.simple_url)
    wheel = only(client)
    assert client.metadata(wheel).requires_dist == ("eggs>=1",)
    with pytest.raises(DigestMismatch):
        client.metadata(replace(wheel, metadata_sha256="0" * 64))


def test_a_promised_metadata_file_that_is_missing_is_done_without(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    index.fail(".metadata", status(404))
    client = world.client(index.simple_url)
    assert client.metadata(only(client)).requires_dist == ("eggs>=1",)
    assert "not there" in world.reporter.details[0]


def test_a_metadata_file_without_digest_is_taken(world: World) -> None:
    index = world.index()
    served = index.add(world.wheel())
    page = index.simple_url + "/spam/"
    html = f'<a href="{index.file_url(served.filename)}" data-core-metadata="true">x</a>'
    index.fail("/spam/", Fault(body=html.encode(), headers={"Content-Type": "text/html"}))
    client = world.client(find_links=(page,))
    wheel = only(client)
    assert wheel.metadata_sha256 == ""
    assert client.metadata(wheel).requires_dist == ("eggs>=1",)
    assert index.paths()[-1].endswith(".metadata")
    # Nothing tells a damaged answer from a good one: it is asked for each time.
    index.requests.clear()
    client = world.client(find_links=(page,))
    client.metadata(only(client))
    assert index.paths()[-1].endswith(".metadata")


@pytest.mark.parametrize(
    ("ending", "fault", "kind", "said"),
    [
        (".metadata", Fault(body=b"Name: other\n"), DigestMismatch, "expected sha256"),
        (".metadata", status(403), IndexFault, "HTTP status 403"),
        (".metadata", status(500), IndexFault, "tried 2 times"),
        (".whl", status(404), IndexFault, "HTTP status 404"),
        (".whl", Fault(body=b"x" * 40_000), WheelRefused, "not a zip"),
    ],
    ids=["digest", "403", "500", "no wheel", "no zip"],
)
def test_metadata_that_cannot_be_had(
    world: World, ending: str, fault: Fault, kind: type[Exception], said: str
) -> None:
    index = world.index(metadata=ending == ".metadata")
    index.add(world.wheel(size=40_000))
    index.fail(ending, fault)
    client = world.client(index.simple_url)
    wheel = only(client)
    with pytest.raises(kind, match="spam") as caught:
        client.metadata(wheel)
    assert said in str(caught.value)
    assert world.store.blob(wheel.sha256 or "") is None


def test_a_damaged_metadata_file_is_asked_for_once_more(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    index.fail(".metadata", Fault(times=1, truncate_at=20, unannounced=True))
    client = world.client(index.simple_url)
    assert client.metadata(only(client)).requires_dist == ("eggs>=1",)


def test_a_small_wheel_with_other_content_is_refused(world: World) -> None:
    index = world.index(metadata=False)
    index.add(world.wheel(), sha256=sha256_bytes(b"other"))
    client = world.client(index.simple_url)
    with pytest.raises(DigestMismatch, match=r"spam 1\.0"):
        client.metadata(only(client))


def test_damaged_metadata_in_the_store_are_learnt_again(world: World) -> None:
    index = world.index()
    index.add(world.wheel())
    client = world.client(index.simple_url)
    client.metadata(only(client))
    (kept,) = (p for p in (world.store.root / "cache/metadata").rglob("*") if p.is_file())
    kept.write_bytes(b"{")
    client = world.client(index.simple_url)
    assert client.metadata(only(client)).requires_dist == ("eggs>=1",)


# --- at the same time -----------------------------------------------------------------


def test_pages_are_fetched_ahead_and_once(world: World) -> None:
    index = world.index()
    names = [canonicalize_name(f"spam{number}") for number in range(6)]
    for name in names:
        index.add(world.wheel(name))
    index.fail("/spam0/", Fault(times=1, delay=0.1))
    client = world.client(index.simple_url)
    client.prefetch(names)
    client.prefetch(names)
    assert [only(client, name).name for name in names] == names
    client.close()
    assert sorted(index.paths()) == [f"/simple/{name}/" for name in names]


def test_what_failed_ahead_is_told_when_it_is_needed(world: World) -> None:
    index = world.index()
    index.fail("/spam/", status(403))
    client = world.client(index.simple_url)
    client.prefetch([SPAM])
    client.close()
    assert world.reporter.details == ["spam: fetching its page ahead failed"]
    with pytest.raises(IndexFault):
        client.project(SPAM)
    assert len(index.requests) == 1


def test_a_wheel_far_from_the_end_takes_two_requests(world: World) -> None:
    index = world.index(metadata=False)
    folder = "spam-1.0.dist-info"
    files = {f"{folder}/METADATA": b"", f"{folder}/LICENSE": os.urandom(40_000)}
    index.add(make_wheel(world.folder, "spam", files=files, requires=["eggs>=1"]))
    client = world.client(index.simple_url)
    assert client.metadata(only(client)).requires_dist == ("eggs>=1",)
    ranges = [request.headers["range"] for request in index.requests[1:]]
    assert len(ranges) == 2
    first, last = ranges[1].removeprefix("bytes=").split("-")
    assert int(last) - int(first) < 1000


def test_importing_the_room_imports_no_client() -> None:
    code = (
        "import sys, venvstacks_dag.index\n"
        "sys.exit(any(name in sys.modules for name in ('requests', 'pypi_simple', 'bs4')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_work_is_done_once_for_all_threads() -> None:
    begun: list[str] = []
    gate = threading.Event()

    def work(key: str) -> int:
        begun.append(key)
        gate.wait(5)
        return len(begun)

    once = Once(work)
    results: list[int] = []
    timer = threading.Timer(0.05, gate.set)
    timer.start()
    in_threads(lambda: results.append(once.get("a")), 5)
    timer.join()
    assert results == [1] * 5
    assert begun == ["a"]
    assert "a" in once
    assert "b" not in once


def test_an_error_is_everybodys() -> None:
    def work(key: str) -> int:
        raise KeyboardInterrupt

    once = Once(work)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            once.get("a")
