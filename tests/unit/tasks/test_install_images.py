"""The images that the install stage takes out of the store."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.wheels import make_wheel
from tests.unit.tasks.builders import make_context
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import DigestMismatch, WheelRefused
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.store import Image, PinnedWheel
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.stages import installing

SPEC = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.12.7"
requirements = []
"""


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    (tmp_path / "venvstacks.toml").write_text(SPEC)
    return make_context(tmp_path, VENVSTACKS_DAG_CACHE=str(tmp_path / "store"))


@pytest.fixture
def pin(tmp_path: Path) -> PinnedWheel:
    path = make_wheel(tmp_path / "wheels", "demo")
    return PinnedWheel(
        name="demo", version="1.0", filename=path.name, sha256=sha256_file(path), path=path
    )


def images(context: BuildContext, *pins: PinnedWheel) -> tuple[Image, ...]:
    return installing._images(context, list(pins), NullReporter())


def spoil(path: Path) -> None:
    """Change a file's content, and keep its size and time."""
    before = path.stat()
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("warm", [False, True])
def test_a_digest_under_another_packages_pin(
    context: BuildContext, pin: PinnedWheel, warm: bool
) -> None:
    foreign = replace(pin, name="victim", filename="victim-1.0-py3-none-any.whl")
    if warm:
        images(context, pin)
        with pytest.raises(WheelRefused, match=r"victim-1\.0-py3-none-any\.whl is not the wheel"):
            images(context, foreign)
    with pytest.raises(WheelRefused, match="victim"):
        images(context, pin, foreign)
    assert [image.property("name") for image in images(context, pin)] == ["demo"]


def test_a_wheel_that_changed_in_the_store_is_fetched_again(
    context: BuildContext, pin: PinnedWheel
) -> None:
    (before,) = images(context, pin)
    blob = context.store.blob(pin.sha256)
    assert blob is not None
    spoil(blob)
    before.file(before.entries[0]).unlink()
    assert images(context, pin) == (before,)
    assert context.store.check_blob(pin.sha256)


def test_a_wheel_that_will_not_fit_is_fetched_again_once(
    context: BuildContext, pin: PinnedWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that does not keep what is written."""
    from venvstacks_dag import index

    fetched: list[Path] = []
    wheel_file = index.wheel_file

    def failing(*args: object) -> Path:
        path = wheel_file(*args)  # type: ignore[arg-type]
        fetched.append(path)
        spoil(path)
        return path

    monkeypatch.setattr(index, "wheel_file", failing)
    with pytest.raises(DigestMismatch, match="does not have the content") as caught:
        images(context, pin)
    assert len(fetched) == 2
    assert caught.value.where == str(fetched[0])
