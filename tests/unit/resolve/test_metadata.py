from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import tomli_w

from tests.unit.resolve.support import FOLDER, document, lock, lower, request, wheel_table
from venvstacks_dag.digest import canonical_json
from venvstacks_dag.errors import LockError
from venvstacks_dag.resolve.file_names import metadata_file_name, packages_file_name
from venvstacks_dag.resolve.lockfile import parse_lock
from venvstacks_dag.resolve.metadata import (
    LockMetadata,
    lock_input_hash,
    next_metadata,
    other_input_lines,
    packages_text,
    parse_metadata,
    render_metadata,
    requirements_hash,
    version_input_lines,
)
from venvstacks_dag.resolve.model import SHARED_CLAUSE, LayerLock

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PATH = FOLDER / "pylock.app-x.meta.json"


def sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def read(value: dict[str, Any]) -> LayerLock:
    return parse_lock(tomli_w.dumps(value).encode(), FOLDER / "pylock.app-x.toml", "app-x")


def following(previous: LockMetadata | None = None, **parts: Any) -> LockMetadata:
    values: dict[str, Any] = {
        "lock": lock(["a 1.0", "a 2.0"], "a==1.0"),
        "request": request("a==1.0"),
        "versioned": True,
        "version_inputs": ("env_name=app-x",),
        "now": NOW,
        **parts,
    }
    return next_metadata(previous, values.pop("lock"), values.pop("request"), **values)


def test_file_names() -> None:
    assert metadata_file_name("cpython-3.12") == "pylock.cpython-3_12.meta.json"
    assert packages_file_name("cpython-3.12") == "packages-cpython-3.12.txt"


def test_an_empty_lock_hashes_the_empty_string() -> None:
    assert requirements_hash(lock([])) == sha256("")


def test_requirements_are_hashed_sorted_and_with_nothing_between() -> None:
    value = document("b-1.0-py3-none-any.whl", "a-1.0-py3-none-any.whl")
    value["packages"][0]["marker"] = f"(os_name == 'nt') and {SHARED_CLAUSE}"
    value["packages"][1]["index"] = "https://index.example/simple"
    digests = [
        wheel_table(name)["hashes"]["sha256"]
        for name in ("a-1.0-py3-none-any.whl", "b-1.0-py3-none-any.whl")
    ]
    lines = [
        f"a-1.0-py3-none-any.whl:sha256:{digests[0]}",
        "a==1.0 from https://index.example/simple",
        f"b-1.0-py3-none-any.whl:sha256:{digests[1]}",
        "b==1.0 ; os_name == 'nt' from unspecified index",
    ]
    assert requirements_hash(read(value)) == sha256("".join(sorted(lines)))


@pytest.mark.parametrize(
    ("source", "listed"),
    [
        (
            {"url": "https://files.example/a-1.0%2Bcpu-py3-none-any.whl"},
            "a-1.0%2Bcpu-py3-none-any.whl",
        ),
        ({"path": "../w/a-1.0+cpu-py3-none-any.whl"}, "a-1.0+cpu-py3-none-any.whl"),
        (
            {"name": "a-1.0+cpu-py3-none-any.whl", "url": "https://files.example/x"},
            "a-1.0+cpu-py3-none-any.whl",
        ),
    ],
)
def test_wheels_are_hashed_under_the_name_that_venvstacks_takes(
    source: dict[str, str], listed: str
) -> None:
    wheel = {**source, "hashes": {"sha256": "0" * 64}}
    package = {"name": "a", "version": "1.0+cpu", "wheels": [wheel]}
    value = {"lock-version": "1.0", "created-by": "x", "packages": [package]}
    lines = [f"{listed}:sha256:{'0' * 64}", "a==1.0+cpu from unspecified index"]
    assert requirements_hash(read(value)) == sha256("".join(sorted(lines)))


def test_declared_requirements_are_hashed_as_packaging_spells_them() -> None:
    spelt = ["a[x,y]>=1,<2", "b @ https://files.example/b.whl#sha256=00", "A ; os_name=='nt'"]
    expected = 'A; os_name == "nt"' + "a[x,y]<2,>=1" + "b @ https://files.example/b.whl"
    assert lock_input_hash(spelt) == sha256(expected)
    assert lock_input_hash(reversed(spelt)) == lock_input_hash(spelt)


def test_other_inputs_are_listed_as_venvstacks_lists_them() -> None:
    below = (lower("framework-near"), lower("framework-far"), lower("cpython-3.12"))
    assert other_input_lines(request(lower=below)) == (
        "py_version=3.12",
        "cpython-3.12",
        "near",
        "far",
    )
    assert following().other_inputs_hash == sha256("py_version=3.12")


def test_version_inputs_are_listed_as_venvstacks_lists_them() -> None:
    assert version_input_lines("app-x", versioned=True, modules=("sha256:1",)) == (
        "env_name=app-x",
        "is_versioned_layer=True",
        "sha256:1",
    )


def test_a_first_lock_is_version_one_and_has_the_time_of_now() -> None:
    first = following()
    assert first.lock_version == 1
    assert first.locked_at == "2026-01-02T03:04:05+00:00"
    assert first.lock_input_hash == lock_input_hash(["a==1.0"])
    assert first.version_inputs_hash == sha256("env_name=app-x")


def test_times_are_in_utc() -> None:
    assert following(now=NOW.astimezone(timezone(timedelta(hours=5)))) == following()


def test_an_unchanged_lock_keeps_its_time_and_version() -> None:
    first = following()
    assert following(first, now=LATER) == first


def test_what_is_pinned_counts_a_versioned_layer_up() -> None:
    first = following()
    second = following(first, lock=lock(["a 1.0", "a 2.0"], "a"), now=LATER)
    assert (second.lock_version, second.locked_at) == (2, LATER.isoformat())
    third = following(second, lock=lock([]), now=LATER)
    assert third.lock_version == 3


def test_version_inputs_count_up_without_a_new_time() -> None:
    first = following()
    second = following(first, version_inputs=("env_name=app-x", "sha256:2"), now=LATER)
    assert (second.lock_version, second.locked_at) == (2, first.locked_at)


def test_another_spelling_of_the_requirements_changes_neither() -> None:
    first = following()
    second = following(first, request=request("a<=1.0"), now=LATER)
    assert (second.lock_version, second.locked_at) == (1, first.locked_at)
    assert second.lock_input_hash != first.lock_input_hash


def test_a_layer_that_is_not_versioned_stays_at_one() -> None:
    first = replace(following(), lock_version=7)
    assert following(first, versioned=False, lock=lock([])).lock_version == 1


def test_exclude_newer_caps_the_time() -> None:
    cap = NOW - timedelta(days=30)
    capped = request("a==1.0", exclude_newer=cap)
    assert following(request=capped).locked_at == cap.isoformat()
    assert following(following(), request=capped).locked_at == cap.isoformat()
    later = request("a==1.0", exclude_newer=LATER)
    assert following(request=later).locked_at == NOW.isoformat()


def test_metadata_round_trips_with_and_without_the_input_digest() -> None:
    ours = replace(following(), input_digest="abc")
    assert parse_metadata(render_metadata(ours), PATH, "app-x") == ours
    theirs = replace(ours, input_digest="")
    assert b"input_digest" not in render_metadata(theirs)
    assert parse_metadata(render_metadata(theirs), PATH, "app-x") == theirs


_GOOD = {
    "lock_input_hash": "sha256:0",
    "requirements_hash": "sha256:0",
    "other_inputs_hash": "sha256:0",
    "version_inputs_hash": "sha256:0",
    "lock_version": 1,
    "locked_at": "2026-01-02T03:04:05+00:00",
}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        canonical_json({**_GOOD, "lock_version": 0}),
        canonical_json({**_GOOD, "lock_version": True}),
        canonical_json({**_GOOD, "lock_version": "1"}),
        canonical_json({**_GOOD, "lock_version": 10**9 + 1}),
        canonical_json({**_GOOD, "locked_at": "yesterday"}),
        canonical_json({**_GOOD, "locked_at": "0001-01-01T00:00:00+23:59"}),
        canonical_json({**_GOOD, "locked_at": "9999-12-31T23:59:59-23:59"}),
        b"[" * 100_000,
        b'{"lock_version": ' + b"9" * 5000 + b"}",
        canonical_json({**_GOOD, "requirements_hash": None}),
        canonical_json({**_GOOD, "input_digest": 1}),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(data: bytes) -> None:
    with pytest.raises(LockError) as caught:
        parse_metadata(data, PATH, "app-x")
    assert (caught.value.where, caught.value.layer) == (str(PATH), "app-x")


def test_metadata_may_hold_what_this_version_does_not_know() -> None:
    data = canonical_json({**_GOOD, "new": 1})
    assert parse_metadata(data, PATH, "app-x").locked_at == _GOOD["locked_at"]


def test_the_summary_lists_own_pins_then_shared_ones() -> None:
    below = lower("cpython-3.12", "c 1.0", "d 1.0")
    made = lock(
        ["a 1.0 | b; os_name == 'nt' | d | c", "b 1.0", "c 1.0", "d 1.0"], "a", lower=(below,)
    )
    assert packages_text(made).splitlines() == [
        "# Packages of app-x, for reading: made by venvstacks-dag from the lock",
        "a==1.0",
        "b==1.0 ; sys_platform == 'win32'",
        "",
        "# Shared with lower layers",
        "c==1.0",
        "d==1.0",
    ]
    assert packages_text(made).endswith("d==1.0\n")
    assert packages_text(lock([])).count("\n") == 1
    left_out = packages_text(made, ["y; os_name == 'nt'", "x"]).removeprefix(packages_text(made))
    assert left_out == "\n# Left out on purpose\n# x\n# y; os_name == 'nt'\n"
