"""What the scenarios cannot show: what is asked when, what is told, and odd lower layers."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from packaging.pylock import Pylock
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support.fake_index import FakeIndex, FakePackage
from tests.support.reporting import RecordingReporter
from tests.unit.resolve.support import FOLDER, PYTHON, document, lock, lower, request, targets
from venvstacks_dag.errors import IndexFault, ResolutionFailed
from venvstacks_dag.index.model import CoreMetadata, WheelLink
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.resolve import solve, thorough
from venvstacks_dag.resolve.books import MetadataBook, PageBook
from venvstacks_dag.resolve.candidates import IndexedProject
from venvstacks_dag.resolve.lock import lock_layer
from venvstacks_dag.resolve.model import LayerLock, LowerLayer
from venvstacks_dag.resolve.offers import describe_offer
from venvstacks_dag.resolve.packages import shared_packages
from venvstacks_dag.resolve.request import request_digest
from venvstacks_dag.resolve.rules import TargetRules, Verdict


def test_pages_and_metadata_are_asked_for_once_and_only_where_needed() -> None:
    index = FakeIndex(["a 1.0 | b", "a 2.0 | b", "b 1.0", "b 2.0", "c 1.0"])
    lock_layer(request("a"), index, NullReporter(), workers=0)
    assert index.pages == ["a", "b"]
    assert index.metadata_read == ["a-2.0-py3-none-any.whl", "b-2.0-py3-none-any.whl"]


def test_metadata_is_read_ahead_once_and_its_errors_wait_until_they_count() -> None:
    packages = [
        FakePackage(name="a", version="2.0", requires=("b<2",)),
        FakePackage(name="b", version="2.0", broken="never needed"),
        FakePackage(name="b", version="1.0"),
        FakePackage(name="c", version="1.0", broken="needed"),
    ]
    index = FakeIndex(packages)
    made = lock_layer(request("a", "b"), index, NullReporter(), workers=2)
    assert [f"{p.name} {p.version}" for p in made.pylock.packages] == ["a 2.0", "b 1.0"]
    assert len(index.metadata_read) == len(set(index.metadata_read))
    with pytest.raises(ResolutionFailed, match="needed"):
        lock_layer(request("c"), FakeIndex(packages), NullReporter(), workers=2)


def test_metadata_that_is_still_in_the_queue_is_asked_for_at_once() -> None:
    begun, go_on = Event(), Event()

    class Slow(FakeIndex):
        def metadata(self, wheel: WheelLink) -> CoreMetadata:
            if wheel.name == "a":
                begun.set()
                assert go_on.wait(10)
            return super().metadata(wheel)

    index = Slow(["a 1.0", "b 1.0"])
    a, b = (index.project(canonicalize_name(name)) for name in "ab")
    assert a is not None
    assert b is not None
    with MetadataBook(index, workers=1) as book:
        book.expect(a.wheels[0])
        assert begun.wait(10)
        book.expect(b.wheels[0])
        read = book.read(b.wheels[0])
        assert not isinstance(read, str)
        assert read.name == "b"
        go_on.set()
        assert not isinstance(book.read(a.wheels[0]), str)
    assert sorted(index.metadata_read) == ["a-1.0-py3-none-any.whl", "b-1.0-py3-none-any.whl"]


def test_projects_are_announced_as_soon_as_their_names_are_known() -> None:
    index = FakeIndex(["a 1.0 | b | c", "b 1.0", "c 1.0", "d 1.0"])
    lock_layer(request("a", "d"), index, NullReporter(), workers=0)
    assert index.expected == ["a", "d", "b", "c"]


def test_pins_below_are_neither_announced_nor_asked_for() -> None:
    index = FakeIndex(["a 1.0 | b", "b 1.0"])
    lock_layer(
        request("a", lower=(lower("cpython-3.12", "b 1.0"),)), index, NullReporter(), workers=0
    )
    assert index.pages == ["a"]
    assert index.expected == ["a"]


def test_a_candidate_that_is_ruled_out_by_its_version_has_its_metadata_left_alone() -> None:
    index = FakeIndex(["a 1.0", "a 2.0", "b 1.0 | a<2"])
    lock_layer(request("b", "a<3"), index, NullReporter(), workers=0)
    assert "a-2.0-py3-none-any.whl" not in index.metadata_read[1:]


def test_the_lock_keeps_the_digest_of_its_request() -> None:
    asked = request("a", lock_folder=FOLDER)
    made = lock_layer(asked, FakeIndex(["a 1.0"]), NullReporter(), sources_json=["x"])
    assert made.input_digest == request_digest(asked, ["x"])
    assert made.folder == FOLDER


def test_equal_requests_give_equal_locks() -> None:
    packages = ["a 1.0 | b | c; os_name == 'nt'", "b 1.0", "c 1.0"]
    assert lock(packages, "a") == lock(list(reversed(packages)), "a")


def test_the_reporter_hears_of_each_target() -> None:
    reporter = RecordingReporter()
    lock_layer(request("a"), FakeIndex(["a 1.0"]), reporter)
    assert reporter.details == [f"app-x: 1 packages on {t.name}" for t in targets()]


def test_an_index_that_fails_stops_the_search() -> None:
    class Failing(FakeIndex):
        def metadata(self, wheel: WheelLink) -> CoreMetadata:
            raise IndexFault("the index is down")

    with pytest.raises(IndexFault, match="the index is down"):
        lock_layer(request("a"), Failing(["a 1.0", "a 2.0"]), NullReporter())


@pytest.mark.parametrize("rounds", [100, 0], ids=["resolvelib", "thorough"])
def test_metadata_is_read_ahead_by_the_batch_once_some_are_rejected(
    monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    expected: set[WheelLink] = set()
    ahead: list[int] = []

    def read(book: MetadataBook, wheel: WheelLink) -> CoreMetadata | str:
        ahead.append(len(expected))
        return book._index.metadata(wheel)

    monkeypatch.setattr(MetadataBook, "expect", lambda _, wheel: expected.add(wheel))
    monkeypatch.setattr(MetadataBook, "read", read)
    monkeypatch.setattr(solve, "MAX_ROUNDS", rounds)
    made = lock([*(f"a {n}.0 | gone" for n in range(1, 40)), "a 0.1"], "a", targets=targets()[:1])
    assert [f"{p.name} {p.version}" for p in made.pylock.packages] == ["a 0.1"]
    assert ahead[0] <= 3
    assert ahead[8] >= 16


@pytest.mark.parametrize("limit", ["MAX_ROUNDS", "MOST_DEAD_ENDS"])
def test_what_resolvelib_does_not_settle_soon_is_searched_thoroughly(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(solve, limit, 0)
    made = lock(["a 2.0 | b<1", "a 1.0 | b", "b 1.0"], "a")
    assert [f"{p.name} {p.version}" for p in made.pylock.packages] == ["a 1.0", "b 1.0"]


def test_final_releases_come_first_in_the_thorough_search_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solve, "MAX_ROUNDS", 0)
    packages = ["a 2.0 | b | c==1", "a 1.0 | b", "b 1.0 | c==2", "b 2.0rc1 | c==1", "c 1", "c 2"]
    made = lock(packages, "a")
    assert [f"{p.name} {p.version}" for p in made.pylock.packages] == ["a 1.0", "b 1.0", "c 2"]


def test_a_leap_over_the_culprit_is_made_good() -> None:
    """Found by brute force: resolvelib alone calls this impossible, but a 2.0 is a solution."""
    packages: list[FakePackage | str | dict[str, Any]] = [
        "a 1.0 | missing>=2.0",
        "a 2.0",
        "a 3.0 | b[x]<2.0",
        {"name": "b", "requires": ["a<2.0 ; extra == 'x'"], "extras": ["x"]},
        "c 2.0",
        {"name": "d", "version": "2.0", "requires": ["a ; extra == 'x'"], "extras": ["x"]},
    ]
    made = lock(packages, "c", "d==2.0", "d[x]>=2.0")
    assert [f"{p.name} {p.version}" for p in made.pylock.packages] == ["a 2.0", "c 2.0", "d 2.0"]


def test_pre_releases_are_tried_where_final_releases_lead_nowhere() -> None:
    made = lock(["c 3.0 | c<3", "c 4.0a1"], "c")
    assert [str(package.version) for package in made.pylock.packages] == ["4.0a1"]


def test_many_conflicts_move_a_project_to_the_front() -> None:
    versions = [f"a {n}.0 | b=={n}.0" for n in range(1, 9)]
    made = lock([*versions, "b 1.0", *(f"z{n} 1.0" for n in range(5))], "z1", "z2", "a", "b<2")
    assert {f"{p.name} {p.version}" for p in made.pylock.packages} >= {"a 1.0", "b 1.0"}


def test_a_layer_with_a_newer_floor_below_shares_its_package_all_the_same() -> None:
    newer = TargetPlatform(name="linux_x86_64", glibc=(2, 34))
    below = lower("cpython-3.12", "b 1.0", tags=["cp312-cp312-manylinux_2_34_x86_64"])
    below = replace(below, targets=(newer,))
    packages = [FakePackage(name="b", tags=("cp312-cp312-manylinux_2_34_x86_64",))]
    made = lock(packages, "b", lower=(below,), targets=targets(["linux_x86_64"]))
    assert [package.name for package in shared_packages(made)] == ["b"]


def test_a_layer_cannot_install_what_only_fits_the_newer_floor_below() -> None:
    newer = TargetPlatform(name="linux_x86_64", glibc=(2, 34))
    below = lower(
        "cpython-3.12",
        "b 1.0 ; sys_platform == 'linux'",
        tags=["cp312-cp312-manylinux_2_34_x86_64"],
    )
    below = replace(below, targets=(newer,))
    tags = ("cp312-cp312-manylinux_2_34_x86_64", "cp312-cp312-win_amd64")
    packages = [FakePackage(name="b", tags=tags)]
    with pytest.raises(ResolutionFailed) as caught:
        lock(packages, "b", lower=(below,), targets=targets(["linux_x86_64", "win_amd64"]))
    assert "b 1.0 has no wheel for linux_x86_64 that this layer may use" in str(caught.value)
    assert "cpython-3.12 pins it" in str(caught.value)


def test_local_wheels_below_are_found_from_the_folder_of_their_lock() -> None:
    name = "b-1.0-py3-none-any.whl"
    value = document(name)
    value["packages"][0]["index"] = "file:///project/wheels"
    value["packages"][0]["wheels"][0] = {
        "name": name,
        "path": f"../../wheels/{name}",
        "hashes": {"sha256": "0" * 64},
    }
    below = LowerLayer(
        env_name="cpython-3.12",
        lock=LayerLock(
            env_name="cpython-3.12",
            pylock=Pylock.from_dict(value),
            input_digest="",
            folder=FOLDER.with_name("cpython-3.12"),
        ),
    )
    made = lock(["b 1.0"], "b", lower=(below,), lock_folder=FOLDER)
    (shared,) = made.pylock.packages
    assert shared.index == "file:///project/wheels"
    assert [wheel.path for wheel in shared.wheels or ()] == [f"../../wheels/{name}"]


def test_what_wheels_say_of_python_is_kept_where_they_agree() -> None:
    def said(*texts: str | None) -> str | None:
        tags = ("cp312-cp312-win_amd64", "cp312-cp312-manylinux_2_17_x86_64")
        packages = [
            FakePackage(name="a", tags=(tag,), requires_python=text)
            for tag, text in zip(tags, texts, strict=True)
        ]
        made = lock(packages, "a", targets=targets(["linux_x86_64", "win_amd64"]))
        specifier = made.pylock.packages[0].requires_python
        return None if specifier is None else str(specifier)

    assert said(">=3.8", ">=3.8") == ">=3.8"
    assert said(">=3.8", ">=3.9") is None
    assert said(None, None) is None
    assert said("three", "three") is None
    assert said(">=3.8,<3.11", ">=3.8,<3.11") is None


def test_credentials_and_fragments_never_reach_a_lock() -> None:
    class Private(FakeIndex):
        def project(self, name: Any) -> Any:
            page = super().project(name)
            assert page is not None
            private = [
                replace(
                    wheel,
                    url=f"https://me:secret@files.example/{wheel.filename}#sha256=0",
                    index="https://me:secret@index.example/simple",
                )
                for wheel in page.wheels
            ]
            return replace(page, wheels=tuple(private))

    made = lock_layer(request("a"), Private(["a 1.0"]), NullReporter())
    (package,) = made.pylock.packages
    assert package.index == "https://index.example/simple"
    assert [w.url for w in package.wheels or ()] == ["https://files.example/a-1.0-py3-none-any.whl"]


def _project(name: str, *packages: FakePackage | str) -> IndexedProject:
    (target,) = targets(["linux_x86_64"])
    rules = TargetRules(target=target, python=PYTHON, ranks=tag_priorities(target, PYTHON))
    page = PageBook(FakeIndex(packages)).page(canonicalize_name(name))
    return IndexedProject(canonicalize_name(name), page, rules)


def test_a_page_is_searched_for_upper_bounds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    judge = TargetRules.judge

    def counting(rules: TargetRules, link: WheelLink) -> Verdict:
        judged.append(link.filename)
        return judge(rules, link)

    monkeypatch.setattr(TargetRules, "judge", counting)
    project = _project("a", *(f"a {n}.0" for n in range(1, 9)))
    for n in range(1, 9):
        # Below a version that is there, and above the next one: nothing fits.
        assert list(project.matches(SpecifierSet(f"<{n}.0,>{n - 1}.0"))) == []
    assert len(judged) == 8


def test_a_project_that_has_what_is_wanted_needs_no_explanation() -> None:
    offer = describe_offer(_project("a", "a 1.0"), SpecifierSet("<2"), ())
    assert (offer.lines, offer.nothing) == ((), False)


def test_a_project_with_nothing_usable_is_explained_whatever_is_wanted() -> None:
    unusable = FakePackage(name="a", tags=("cp312-cp312-win_amd64",))
    offer = describe_offer(_project("a", unusable), SpecifierSet(">2"), ())
    assert offer.lines == ("a 1.0: no wheel for this platform, only for win_amd64",)
    assert offer.nothing


def test_wheels_for_another_python_are_not_blamed_on_the_platform() -> None:
    old = FakePackage(name="a", tags=("cp311-cp311-manylinux_2_17_x86_64", "cp310-cp310-win_amd64"))
    offer = describe_offer(_project("a", old), SpecifierSet(), ())
    (line,) = offer.lines
    assert line == (
        "a 1.0: no wheel for Python 3.12 on this platform, only cp311-cp311-manylinux_2_17_x86_64"
    )
    assert "take another Python for the runtime" in offer.fixes[0]


def test_a_missing_project_without_any_index_says_so() -> None:
    offer = describe_offer(_project("a"), SpecifierSet(), ())
    assert offer.lines == ("no project a was found (asked: no index is set)",)


def test_many_different_stories_are_cut_short() -> None:
    names = ["linux_x86_64", "linux_aarch64", "win_amd64", "macosx_arm64"]
    conditions = [
        "platform_machine == 'x86_64'",
        "platform_machine == 'aarch64'",
        "platform_machine == 'AMD64'",
        "platform_machine == 'arm64'",
    ]
    asked = [f"a=={n}.0 ; {condition}" for n, condition in enumerate(conditions, 2)]
    with pytest.raises(ResolutionFailed) as caught:
        lock(["a 1.0"], *asked, targets=targets(names))
    assert "and more on the other platforms" in str(caught.value)
    assert "on macosx_arm64:" not in str(caught.value)


def _impossible() -> list[str]:
    """Nothing fits, and every version has to be looked at to know."""
    return [*(f"a {n}.0 | b=={n}.0" for n in range(1, 6)), "b 9.0"]


def test_the_thorough_search_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thorough, "MOST_STEPS", 3)
    with pytest.raises(ResolutionFailed) as caught:
        lock(_impossible(), "a")
    assert "given up after 3 choices of versions: there may be an answer" in str(caught.value)
    assert "bound a in the requirements" in str(caught.value)


def test_the_thorough_search_gives_up_nothing_that_it_has_not_tried() -> None:
    index = FakeIndex(_impossible())
    with pytest.raises(ResolutionFailed):
        lock_layer(request("a"), index, NullReporter(), workers=0)
    assert {name.split("-")[1] for name in index.metadata_read} == {f"{n}.0" for n in range(1, 6)}
