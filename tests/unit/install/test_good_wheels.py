from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from tests.cases.wheels.builder import DIST_INFO, Draft
from tests.cases.wheels.good import GOOD_WHEELS, GoodWheel
from tests.support.reporting import RecordingReporter
from venvstacks_dag.errors import DigestMismatch, DiskError, WheelRefused
from venvstacks_dag.install import check_pin, wheel_image
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import Image, Store


def make(draft: Draft, folder: Path) -> Image:
    raw = draft.build()
    path = folder / "blob"
    path.write_bytes(raw)
    return wheel_image(Store(folder / "store"), path, draft.pin(raw), NullReporter())


@pytest.mark.parametrize("case", GOOD_WHEELS, ids=lambda case: case.name)
def test_taken(case: GoodWheel, tmp_path: Path) -> None:
    image = make(case.draft, tmp_path)
    modes = {f"{entry.scheme}/{entry.path}": entry.mode for entry in image.entries}
    assert case.has.items() <= modes.items()
    assert not modes.keys() & set(case.lacks)
    for name, value in case.properties.items():
        assert dict(image.properties).get(name, "") == value
    on_disk = {
        path.relative_to(image.folder).as_posix()
        for path in image.folder.rglob("*")
        if path.is_file()
    }
    assert on_disk == {*modes, "image.json"}
    for entry in image.entries:
        data = image.file(entry).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (entry.sha256, entry.size)
        writable = stat.S_IMODE(image.file(entry).stat().st_mode) & 0o222
        assert not writable


def test_the_order_of_members_plays_no_part(tmp_path: Path) -> None:
    files = {f"demo/{name}.py": name.encode() for name in "cab"}
    one = make(Draft(files=files), tmp_path)
    other = make(Draft(files=dict(sorted(files.items()))), tmp_path)
    assert one.digest != other.digest
    assert one.entries == other.entries
    assert list(one.entries) == sorted(one.entries, key=lambda entry: (entry.scheme, entry.path))


def test_import_lines_are_reported(tmp_path: Path) -> None:
    draft = Draft(files={"demo.pth": b"import demo\n"})
    raw = draft.build()
    (tmp_path / "blob").write_bytes(raw)
    reporter = RecordingReporter()
    for _ in range(2):
        store = Store(tmp_path / "store")
        wheel_image(store, tmp_path / "blob", draft.pin(raw), reporter)
    told = [line for line in reporter.details if "demo.pth" in line]
    assert len(told) == 2
    # It was unpacked once only.
    assert sum("unpacking" in line for line in reporter.details) == 1


def test_a_file_with_another_digest_is_not_looked_into(tmp_path: Path) -> None:
    raw = Draft().build()
    (tmp_path / "blob").write_bytes(Draft(files={"a.py": b""}).build())
    with pytest.raises(
        DigestMismatch, match="does not have the content that the lock pins"
    ) as caught:
        wheel_image(Store(tmp_path / "store"), tmp_path / "blob", Draft().pin(raw), NullReporter())
    assert caught.value.where == str(tmp_path / "blob")


def test_pins_of_one_digest_and_two_names(tmp_path: Path) -> None:
    """The image is there already, so that nobody looks into the wheel again."""
    image = make(Draft(), tmp_path)
    pin = Draft().pin(Draft().build())
    check_pin(image, pin)
    check_pin(image, replace(pin, name="Demo", version="1.0"))
    store = Store(tmp_path / "store")
    for name, version in (("victim", "1.0"), ("demo", "2.0")):
        wrong = replace(
            pin, name=name, version=version, filename=f"{name}-{version}-py3-none-any.whl"
        )
        with pytest.raises(WheelRefused, match="is not the wheel that the lock pins") as caught:
            wheel_image(store, tmp_path / "blob", wrong, NullReporter())
        assert caught.value.where == str(image.folder)
        for part in (f"{name} {version}", pin.sha256, "that of demo 1.0"):
            assert part in (caught.value.why or "")
    with pytest.raises(WheelRefused, match=r"the lock pins victim 1\.0 to a file of this name"):
        check_pin(image, replace(pin, name="victim"))


def test_a_pin_of_what_is_no_wheel(tmp_path: Path) -> None:
    image = make(Draft(), tmp_path)
    runtime = replace(image, properties=(("version", "1.0"),))
    with pytest.raises(WheelRefused, match="that of no wheel"):
        check_pin(runtime, Draft().pin(Draft().build()))


def test_a_missing_file_is_the_disks_fault(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match=r"cannot unpack demo-1\.0"):
        wheel_image(Store(tmp_path / "store"), tmp_path / "gone", Draft().pin(b""), NullReporter())


def test_a_name_the_host_cannot_keep_apart_is_the_disks_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a host that ignores case, with a wheel for Linux that needs it."""
    draft = Draft(
        filename="demo-1.0-py3-none-manylinux2014_x86_64.whl",
        files={"demo/A.h": b"a", "demo/a.h": b"b"},
    )

    def folding_open(file: str, mode: str, buffering: int) -> IO[bytes]:
        return Path(file.replace("A.h", "a.h")).open(mode, buffering)

    monkeypatch.setattr("venvstacks_dag.install.wheel.open", folding_open, raising=False)
    with pytest.raises(DiskError, match="cannot unpack"):
        make(draft, tmp_path)


def test_what_a_wheel_says_of_itself_is_kept(tmp_path: Path) -> None:
    image = make(Draft(), tmp_path)
    assert image.property("dist_info") == DIST_INFO
    with pytest.raises(KeyError):
        image.property("pth_imports")
