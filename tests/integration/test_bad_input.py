"""What can go wrong is told in one message that names layer and cause, and leaves nothing."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index_server import LocalIndex, status
from tests.support.stacks import Outcome, Project, add_package, ended
from tests.support.wheels import make_wheel
from venvstacks_dag.platforms import host_platform


def check_refused(outcome: Outcome, code: int, *words: str) -> None:
    """A refusal as people should meet it: its exit code, its words, and no traceback."""
    assert outcome.code == code, outcome.output
    for word in words:
        assert word in outcome.output, outcome.output
    assert "Traceback" not in outcome.output


def remains(project: Project) -> set[str]:
    """Half-made things in the build and output folders, beside layers that are whole."""
    found = project.folder.rglob(".*")
    return {path.name for path in found if path.name.startswith((".staging", ".trash", ".partial"))}


# --- specifications ---------------------------------------------------------------------------


def test_all_mistakes_of_a_specification_are_told_at_once(project: Project) -> None:
    project.layer("py")["requirements"] = ["base =="]
    project.layer("framework-upper")["frameworks"] = ["nowhere"]
    project.layer("app-one").pop("launch_module")
    project.layer("app-two")["colour"] = "blue"
    check_refused(
        project.process("build"),
        3,
        "venvstacks.toml",
        "base ==",
        "nowhere",
        "launch_module",
        "colour",
    )
    assert not project.tree("py").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[[runtimes]\n", ["venvstacks.toml", "line 1"]),
        (b"\xff\xfe\x00", ["venvstacks.toml"]),
        (b"", ["venvstacks.toml"]),
        (None, ["venvstacks.toml", "there is no such file"]),
    ],
    ids=["no TOML", "no text", "empty", "missing"],
)
@pytest.mark.parametrize("command", [["build"], ["list"], ["clean"], ["info", "build"]])
def test_a_specification_that_cannot_be_read(
    project: Project, content: bytes | None, words: list[str], command: list[str]
) -> None:
    path = project.save()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    check_refused(project.doit_as_it_is(*command), 3, *words)


def test_a_mistake_does_not_harm_what_was_built_before(project: Project) -> None:
    project.build()
    before = project.archives(), project.trees(), project.locks()
    good = project.layer("app-one")["requirements"]
    project.layer("app-one")["requirements"] = ["helper =="]
    check_refused(project.doit("build"), 3, "app-one", "helper ==")
    assert (project.archives(), project.trees(), project.locks()) == before
    project.layer("app-one")["requirements"] = good
    assert project.build().did_nothing


def test_an_unknown_task_is_refused_without_a_traceback(project: Project) -> None:
    check_refused(project.process("build:app-nine"), 3, "build:app-nine")


# --- resolving --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "requirements", "words"),
    [
        ("app-one", ["helper", "no-such-package"], ["no-such-package"]),
        ("app-one", ["helper>=7"], ["helper>=7", "helper 1.0"]),
        (
            "framework-left",
            ["lefty", "base>=2"],
            ["base>=2", "base==1.0 is locked by runtime py (requirements[0])"],
        ),
        (
            "framework-right",
            ["only-windows"],
            ["only-windows 1.0: no wheel for this platform, only for win_amd64"],
        ),
        ("framework-right", ["broken-needs"], ["broken-needs", "missing-one"]),
    ],
    ids=["unknown package", "no such version", "lower layer", "other platform", "transitive"],
)
def test_requirements_that_cannot_be_met(
    project: Project,
    index: LocalIndex,
    tmp_path: Path,
    layer: str,
    requirements: list[str],
    words: list[str],
) -> None:
    add_package(index, tmp_path / "wheels", "only-windows", tag="py3-none-win_amd64")
    add_package(index, tmp_path / "wheels", "broken-needs", requires=["missing-one"])
    add_package(index, tmp_path / "wheels", "base", "2.0")
    project.layer("py")["requirements"] = ["base<2"]
    project.build()
    before = project.archives(), project.trees(), project.locks()
    project.layer(layer)["requirements"] = requirements
    refused = project.doit("build")
    check_refused(refused, 1, f"resolve:{layer} failed", f"{layer}: ", "why:", *words)
    assert str(project.state(layer, "resolve.log")) in refused.output
    assert (project.archives(), project.trees(), project.locks()) == before
    assert remains(project) == set()


# --- indexes ----------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_an_index_that_cannot_be_reached(project: Project) -> None:
    address = f"http://127.0.0.1:{closed_port()}/simple"
    project.environ |= {"PIP_INDEX_URL": address, "UV_DEFAULT_INDEX": address}
    check_refused(project.process("build"), 1, "resolve:py failed", "py: ", address, "refused")
    assert not project.lock("py").exists()
    assert remains(project) == set()


@pytest.mark.parametrize("code", [500, 503, 403])
def test_an_index_that_answers_with_an_error(
    project: Project, index: LocalIndex, code: int
) -> None:
    index.fail("/simple/righty/", status(code))
    refused = project.doit("build")
    check_refused(refused, 1, "framework-right: ", "righty", str(code), index.simple_url)
    assert not project.lock("framework-right").exists()
    assert remains(project) == set()


def test_no_login_is_ever_shown(project: Project, index: LocalIndex) -> None:
    address = f"http://someone:s3cret@127.0.0.1:{closed_port()}/simple"
    project.environ |= {"PIP_INDEX_URL": address, "UV_DEFAULT_INDEX": address}
    refused = project.doit("build", VENVSTACKS_DAG_DEBUG="1")
    assert refused.code == 1
    assert "s3cret" not in refused.output
    for path in (project.folder / "_build").rglob("*"):
        assert path.is_dir() or b"s3cret" not in path.read_bytes(), path


def test_a_wheel_with_other_bytes_than_promised(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    wrong = "0" * 64
    add_package(index, tmp_path / "wheels", "extra", sha256=wrong)
    project.layer("framework-right")["requirements"].append("extra")
    refused = project.doit("build")
    check_refused(refused, 1, "framework-right: ", "extra-1.0-py3-none-any.whl", "sha256", wrong)
    assert not project.tree("framework-right").exists()
    assert remains(project) == set()
    store = Path(project.environ["VENVSTACKS_DAG_CACHE"])
    assert not list(store.rglob(wrong))


def test_a_wheel_that_is_no_wheel(project: Project, index: LocalIndex, tmp_path: Path) -> None:
    path = tmp_path / "wheels" / "extra-1.0-py3-none-any.whl"
    path.write_bytes(b"<html>please log in</html>")
    index.add(path, metadata=b"Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
    project.layer("framework-right")["requirements"].append("extra")
    check_refused(project.doit("build"), 1, "framework-right: ", "extra-1.0-py3-none-any.whl")
    assert not project.tree("framework-right").exists()


def test_two_packages_that_claim_one_file(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    add_package(index, tmp_path / "wheels", "extra", files={"righty.py": "other = 1\n"})
    project.layer("framework-right")["requirements"].append("extra")
    check_refused(
        project.doit("build"), 1, "framework-right: ", "extra", "righty", "site-packages/righty.py"
    )


ENDLESS = "1" * 5000
HEAD = "Metadata-Version: 2.1\nName: righty\n"


@pytest.mark.parametrize(
    "metadata",
    [
        f"{HEAD}Version: {ENDLESS}\n",
        f"{HEAD}Version: 2.0\nRequires-Dist: base>={ENDLESS}\n",
        f"{HEAD}Version: 2.0\nRequires-Python: >={ENDLESS}\n",
        f"{HEAD}Version: 2.0\nRequires-Dist: base; python_version < '{ENDLESS}'\n",
        f"{HEAD}Version: 2.0\n\n" + "x" * (5 << 20),
    ],
    ids=["version", "requirement", "python", "marker", "length"],
)
def test_metadata_beyond_all_reason_rule_a_version_out(
    project: Project, index: LocalIndex, tmp_path: Path, metadata: str
) -> None:
    wheel = make_wheel(tmp_path / "odd", "righty", "2.0")
    index.add(wheel, metadata=metadata.encode())
    project.build()
    assert 'version = "1.0"' in project.lock("framework-right").read_text()
    project.layer("framework-right")["requirements"] = ["righty==2.0"]
    check_refused(project.doit("build"), 1, "framework-right", "righty-2.0-py3-none-any.whl")


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("toml", "a = " + "[" * 5000),
        ("toml", f"packages = {ENDLESS}"),
        ("toml", f"packages = [{{name = 'righty', version = '{ENDLESS}'}}]"),
        ("meta.json", "[" * 100_000),
        ("meta.json", '{"lock_version": ' + ENDLESS + "}"),
        ("meta.json", "LATE"),
    ],
    ids=["deep lock", "number", "version", "deep metadata", "lock version", "time"],
)
def test_locks_beyond_all_reason_are_made_anew(project: Project, suffix: str, content: str) -> None:
    project.build()
    lock = project.lock("framework-right")
    before = lock.read_bytes()
    odd = lock.with_suffix(f".{suffix}") if suffix != "toml" else lock
    if content == "LATE":
        content = re.sub(
            r'(locked_at": )"[^"]*"', r'\1"9999-12-31T23:59:59-23:59"', odd.read_text()
        )
    odd.write_text(content)
    done = project.doit("build")
    assert done.code == 0, done.output
    assert "unexpected" not in done.output
    assert lock.read_bytes() == before


def test_a_runtime_that_nobody_has(project: Project) -> None:
    project.layer("py")["python_implementation"] = "cpython@3.99.7"
    check_refused(
        project.doit("build"),
        1,
        "py: no provider has cpython@3.99.7",
        host_platform(),
        "archive",
        "pbs",
    )


# --- modules and folders ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "path"), [("app-one", "one.py"), ("app-two", "two"), ("app-two", "common.py")]
)
def test_a_missing_module(project: Project, layer: str, path: str) -> None:
    project.build()
    before = project.archives()
    place = project.folder / path
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    check_refused(project.doit("build"), 1, f"link:{layer} failed", f"{layer}: ", str(place))
    assert project.archives() == before


def test_a_missing_module_of_a_versioned_layer(project: Project) -> None:
    project.layer("app-one")["versioned"] = True
    project.build()
    (project.folder / "one.py").unlink()
    check_refused(project.doit("build"), 1, "app-one: ", str(project.folder / "one.py"))


def test_a_module_that_is_missing_from_the_start(project: Project) -> None:
    (project.folder / "one.py").unlink()
    check_refused(project.doit("build"), 3, "app-one", "launch_module", "one.py")
    assert not project.tree("py").exists()


def test_a_file_in_the_place_of_the_output_folder(project: Project) -> None:
    project.write("_artifacts", "not a folder")
    refused = project.process("build")
    check_refused(refused, 1, "archive:py failed", "py: ", "_artifacts", "move it away")
    assert (project.folder / "_artifacts").read_text() == "not a folder"


def test_a_file_in_the_place_of_the_build_folder(project: Project) -> None:
    project.write("_build", "not a folder")
    check_refused(project.process("build"), 3, "_build", "move it away")


def test_a_file_in_the_place_of_the_locks(project: Project) -> None:
    project.write("requirements", "not a folder")
    check_refused(project.process("build"), 1, "resolve:py failed", "py: ", "requirements")


def test_a_folder_in_the_place_of_a_lock(project: Project) -> None:
    project.lock("py").mkdir(parents=True)
    check_refused(project.process("build"), 1, "resolve:py failed", "py: ", "pylock.py.toml")


def test_a_folder_in_the_place_of_an_archive(project: Project) -> None:
    project.archive("py").mkdir(parents=True)
    check_refused(project.process("build"), 1, "archive:py failed", "py: ", "py.tar.zst")


def test_a_file_in_the_place_of_the_store(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "no store"
    place.write_text("not a folder")
    refused = project.process("build", VENVSTACKS_DAG_CACHE=str(place))
    check_refused(refused, 1, "py: ", "no store", "Not a directory")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of `size` at `folder`."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("place", ["store", "project/_build", "project/_artifacts"])
def test_a_full_disk(project: Project, index: LocalIndex, tmp_path: Path, place: str) -> None:
    big = {"big.bin": os.urandom(3_000_000)}
    add_package(index, tmp_path / "wheels", "extra", files=big)
    project.build()
    project.layer("framework-right")["requirements"].append("extra")
    folder = tmp_path / place
    shutil.rmtree(folder)
    with small_disk(folder, "2500k"):
        refused = project.doit("build")
        check_refused(refused, 1, "framework-right: ", "No space left", "free some space")
        assert not list(folder.rglob("*extra*"))
        assert not any(
            path.name.startswith((".staging", ".trash", ".partial")) for path in folder.rglob("*")
        )
    project.build()
    assert project.build().did_nothing


# --- tracebacks and pipes ---------------------------------------------------------------------


def test_tracebacks_are_shown_where_they_are_asked_for(project: Project) -> None:
    project.layer("app-one")["requirements"] = ["no-such-package"]
    check_refused(project.doit("resolve:app-one"), 1, "no-such-package")
    for refused in (
        project.doit("resolve:app-one", VENVSTACKS_DAG_DEBUG="1"),
        project.doit("run", "--debug", "resolve:app-one"),
        project.process("--debug", "resolve:app-one"),
    ):
        assert refused.code == 1
        assert "Traceback (most recent call last)" in refused.output
    project.layer("app-one").pop("requirements")
    assert "Traceback" not in project.doit("build").output
    assert "Traceback" in project.doit("build", VENVSTACKS_DAG_DEBUG="1").output


def test_what_nobody_thought_of_is_an_error_with_a_log(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("venvstacks_dag.resolve.lock_layer", fail)
    refused = project.doit("build")
    check_refused(refused, 2, "resolve:py failed", "py: ", "ZeroDivisionError: a bug")
    assert "Traceback" in project.state("py", "resolve.log").read_text()


@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_goes_away_gets_no_traceback(project: Project, lines: int) -> None:
    project.build()
    project.save()
    build = subprocess.Popen(
        [Path(sys.executable).with_name("doit"), "build"],
        cwd=project.folder,
        env=project.process_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert build.stdout is not None
    assert build.stderr is not None
    for _ in range(lines):
        build.stdout.readline()
    build.stdout.close()
    errors = build.stderr.read()
    build.stderr.close()
    build.wait()
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors


def test_later_layers_do_not_run_on_a_failed_one(project: Project) -> None:
    project.layer("framework-left")["requirements"] = ["no-such-package"]
    refused = ended(project.start("doit", "--continue", "build"))
    assert refused.code != 0
    assert "Traceback" not in refused.output
    assert "resolve:framework-left failed" in refused.output
    assert {"build:framework-right", "build:app-two"} <= refused.ran
    assert not any(task.endswith((":framework-upper", ":app-one")) for task in refused.ran)
    assert "publish" not in refused.ran
