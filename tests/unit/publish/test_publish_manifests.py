"""Manifests from what is known about layers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from venvstacks_dag.errors import PublishError
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.publish import (
    AppModules,
    LayerManifest,
    PublishedArchive,
    SupportModule,
    app_modules,
    archive_file_name,
    layer_manifest,
    next_archive_build,
    stack_manifest,
)

LINUX = TargetPlatform(name="linux_x86_64")
WINDOWS = TargetPlatform(name="win_amd64")
LOCKED_AT = datetime(2025, 8, 27, 2, 30, tzinfo=timezone(timedelta(hours=2)))
ARCHIVE = PublishedArchive(
    build=3, name="app-hello@2.tar.zst", platform="linux_x86_64", size=1234, sha256="ab" * 32
)
APP = AppModules(launch_module="hello", launch_module_hash="sha256:01")


def manifest(
    name: str = "app-hello",
    *,
    target: TargetPlatform = LINUX,
    version: int = 2,
    install_target: str | None = None,
    required: tuple[str, ...] | None = ("framework-http",),
    app: AppModules | None = APP,
    archive: PublishedArchive | None = ARCHIVE,
) -> LayerManifest:
    made = layer_manifest(
        layer_name=name,
        install_target=install_target or name,
        target=target,
        requirements_hash="sha256:00",
        lock_version=version,
        locked_at=LOCKED_AT,
        runtime_layer="cpython-3.11",
        python_implementation="cpython@3.11.14",
        required_layers=required,
        app=app,
    )
    return replace(made, archive=archive)


def runtime(name: str = "cpython-3.11") -> LayerManifest:
    return manifest(name, required=None, app=None, archive=None)


COMMON: dict[str, Any] = {
    "requirements_hash": "sha256:00",
    "lock_version": 2,
    "locked_at": "2025-08-27T00:30:00+00:00",
    "runtime_layer": "cpython-3.11",
    "python_implementation": "cpython@3.11.14",
}
ARCHIVED: dict[str, Any] = {
    "archive_build": 3,
    "archive_name": "app-hello@2.tar.zst",
    "target_platform": "linux_x86_64",
    "archive_size": 1234,
    "archive_hashes": {"sha256": "ab" * 32},
}


def test_a_runtime() -> None:
    assert runtime().as_json() == COMMON | {
        "layer_name": "cpython-3.11",
        "install_target": "cpython-3.11",
        "bound_to_implementation": True,
    }


def test_a_framework_right_on_its_runtime_requires_no_layers() -> None:
    made = manifest("framework-http", required=(), app=None, archive=None)
    assert made.as_json() == COMMON | {
        "layer_name": "framework-http",
        "install_target": "framework-http",
        "bound_to_implementation": False,
        "required_layers": [],
    }


def test_an_application_with_everything() -> None:
    modules = app_modules(
        "src/hello.py",
        "sha256:01",
        {"z/support.py": "sha256:02", "a/pkg": "sha256/03", "B.x.py": "sha256:04"},
    )
    made = manifest(install_target="app-hello@2", app=modules)
    assert made.as_json() == {
        **COMMON,
        **ARCHIVED,
        "layer_name": "app-hello",
        "install_target": "app-hello@2",
        "bound_to_implementation": False,
        "required_layers": ["framework-http"],
        "app_launch_module": "hello",
        "app_launch_module_hash": "sha256:01",
        "app_support_modules": [
            {"name": "B.x", "hash": "sha256:04"},
            {"name": "pkg", "hash": "sha256/03"},
            {"name": "support", "hash": "sha256:02"},
        ],
    }


def test_an_application_without_support_modules_does_not_mention_them() -> None:
    assert "app_support_modules" not in manifest().as_json()
    assert app_modules("../../main.py", "sha256:01", {}) == AppModules(
        launch_module="main", launch_module_hash="sha256:01"
    )


def test_on_windows_every_layer_is_bound_to_its_python() -> None:
    assert manifest(target=WINDOWS).bound_to_implementation is True
    assert manifest(target=LINUX).bound_to_implementation is False


def test_a_lock_time_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        layer_manifest(
            layer_name="a",
            install_target="a",
            target=LINUX,
            requirements_hash="",
            lock_version=1,
            locked_at=LOCKED_AT.replace(tzinfo=None),
            runtime_layer="a",
            python_implementation="",
        )
    assert LOCKED_AT.astimezone(UTC).isoformat() == manifest().locked_at


@pytest.mark.parametrize(
    "made",
    [
        runtime(),
        manifest(),
        manifest("framework-http", required=("b", "a"), app=None),
        manifest(
            app=AppModules(
                launch_module="m",
                launch_module_hash="sha256:5",
                support_modules=(SupportModule(name="s", hash="sha256:6"),),
            )
        ),
        replace(manifest(), excluded_packages=("a", "b"), overrides=("c>=1",)),
    ],
)
def test_manifests_are_read_as_they_were_written(made: LayerManifest) -> None:
    assert LayerManifest.from_json(json.loads(json.dumps(made.as_json()))) == made
    assert LayerManifest.from_json({**made.as_json(), "key": "of a later version"}) == made


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_name": None}, "'layer_name' must be a text"),
        ({"lock_version": "2"}, "'lock_version' must be a whole number"),
        ({"lock_version": True}, "'lock_version' must be a whole number"),
        ({"bound_to_implementation": 1}, "'bound_to_implementation' must be true or false"),
        ({"required_layers": "framework-http"}, "'required_layers' must be a list"),
        ({"excluded_packages": "a"}, "'excluded_packages' must be a list"),
        ({"overrides": [1]}, "'overrides' must be a list of texts"),
        ({"required_layers": [1]}, "'required_layers' must be a list of texts"),
        ({"app_support_modules": {}}, "'app_support_modules' must be a list"),
        ({"app_support_modules": ["x"]}, "something else where a JSON object"),
        ({"app_support_modules": [{"name": "x"}]}, "lacks 'hash'"),
        ({"archive_hashes": "ab"}, "something else where a JSON object"),
        ({"archive_hashes": {"md5": "ab"}}, "lacks 'sha256'"),
        ({"archive_hashes": {"sha256": "AB" * 32}}, "not described rightly"),
        ({"archive_size": -1}, "not described rightly"),
        ({"archive_build": 0}, "not described rightly"),
        ({"archive_build": 1.0}, "'archive_build' must be a whole number"),
        ({"archive_name": "../x.tar"}, "no file name: '../x.tar'"),
        ({"archive_name": "a/x.tar"}, "no file name: 'a/x.tar'"),
        ({"install_target": "/etc"}, "no file name: '/etc'"),
        ({"install_target": ".."}, "no file name: '..'"),
        ({"layer_name": ""}, "no file name: ''"),
        ({"runtime_layer": "a\nb"}, r"no file name: 'a\\nb'"),
        ({"required_layers": ["a", "C:x"]}, "no file name: 'C:x'"),
    ],
)
def test_manifests_that_are_none(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PublishError, match=message):
        LayerManifest.from_json(manifest().as_json() | change)


@pytest.mark.parametrize("key", [*COMMON, *ARCHIVED, "app_launch_module_hash"])
def test_manifests_that_lack_something(key: str) -> None:
    value = manifest().as_json()
    del value[key]
    if key == "archive_name":
        assert LayerManifest.from_json(value).archive is None
        return
    with pytest.raises(PublishError, match=f"lacks '{key}'") as caught:
        LayerManifest.from_json(value)
    assert caught.value.layer == "app-hello"


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_values_that_are_no_objects(value: object) -> None:
    with pytest.raises(PublishError, match="JSON object"):
        LayerManifest.from_json(value)


# --- archives -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("previous", "version", "sha256", "expected"),
    [
        (None, 2, "ab" * 32, 1),
        (runtime(), 2, "ab" * 32, 1),
        (manifest(), 2, "ab" * 32, 3),
        (manifest(), 2, "cd" * 32, 4),
        (manifest(), 3, "ab" * 32, 1),
        (manifest(), 1, "cd" * 32, 1),
    ],
)
def test_archive_builds(
    previous: LayerManifest | None, version: int, sha256: str, expected: int
) -> None:
    build = next_archive_build(previous, lock_version=version, archive_sha256=sha256)
    assert build == expected


@pytest.mark.parametrize(
    ("tagged", "name"),
    [(False, "app-hello@2.tar.xz"), (True, "app-hello@2-linux_x86_64-4.tar.xz")],
)
def test_archive_names(tagged: bool, name: str) -> None:
    assert archive_file_name("app-hello@2", "linux_x86_64", 4, "tar.xz", tagged=tagged) == name


# --- stacks -------------------------------------------------------------------------------------


def test_a_stack_lists_layers_by_category_in_their_order() -> None:
    layers = [
        manifest("app-b"),
        runtime(),
        manifest("framework-z", app=None),
        manifest("app-a"),
        manifest("framework-y", app=None),
    ]
    made = stack_manifest(layers)
    assert list(made) == ["layers"]
    assert {
        category: [layer["layer_name"] for layer in listed]
        for category, listed in made["layers"].items()
    } == {
        "runtimes": ["cpython-3.11"],
        "frameworks": ["framework-z", "framework-y"],
        "applications": ["app-b", "app-a"],
    }


def test_an_empty_stack_has_all_categories() -> None:
    assert stack_manifest([]) == {"layers": {"runtimes": [], "frameworks": [], "applications": []}}


@pytest.mark.parametrize(
    "layers",
    [
        [manifest("app-a"), manifest("app-a")],
        [manifest("app-a"), manifest("app-b", install_target="app-a")],
    ],
)
def test_layers_that_would_share_a_folder(layers: list[LayerManifest]) -> None:
    with pytest.raises(PublishError, match="'app-a'"):
        stack_manifest(layers)


def test_manifests_tell_of_amendments_only_where_there_are_any() -> None:
    plain = manifest().as_json()
    amended = replace(manifest(), excluded_packages=("a",), overrides=("c>=1",)).as_json()
    assert amended == {**plain, "excluded_packages": ["a"], "overrides": ["c>=1"]}
