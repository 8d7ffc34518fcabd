"""Which files belong to launch and support modules, and their digests."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from venvstacks_dag.errors import LinkError
from venvstacks_dag.link import module_digest, module_sources, read_module


def hex_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A package outside of any repository."""
    folder = tmp_path / "project" / "app"
    (folder / "data").mkdir(parents=True)
    (folder / "__main__.py").write_bytes(b"main")
    (folder / "run.sh").write_bytes(b"sh")
    (folder / "run.sh").chmod(0o755)
    (folder / "data" / "x.txt").write_bytes(b"x")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"")
    return folder


def names(path: Path) -> list[str]:
    return [source.relative for source in module_sources(path)]


def test_a_file_is_a_module_of_one(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_bytes(b"pass")
    assert names(path) == ["main.py"]
    module = read_module(path)
    assert (module.name, module.is_folder) == ("main", False)
    assert [(f.source.path, f.size, f.sha256, f.mode) for f in module.files] == [
        (path, 4, hex_of(b"pass"), 0o644)
    ]


def test_a_folder_is_walked_in_a_fixed_order(app: Path) -> None:
    assert names(app) == ["app/__main__.py", "app/data/x.txt", "app/run.sh"]
    module = read_module(app)
    assert (module.name, module.is_folder) == ("app", True)
    assert [file.mode for file in module.files] == [0o644, 0o644, 0o755]


def test_outside_of_a_repository_only_bytecode_is_left_out(app: Path) -> None:
    (app / ".gitignore").write_text("*\n")
    assert names(app) == ["app/.gitignore", "app/__main__.py", "app/data/x.txt", "app/run.sh"]


def test_in_a_repository_what_git_ignores_is_left_out(app: Path) -> None:
    (app.parent / ".git").mkdir()
    (app.parent / ".gitignore").write_text("*.log\n")
    (app / "data" / ".gitignore").write_text("*.txt\n!keep.txt\n")
    for path in ("x.log", "data/keep.txt", ".gitattributes"):
        (app / path).write_bytes(b"")
    assert names(app) == ["app/__main__.py", "app/data/keep.txt", "app/run.sh"]


def test_digests_of_a_file_are_the_ones_venvstacks_makes(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_bytes(b"pass")
    expected = hex_of(b"main.py" + b"sha256:" + hex_of(b"pass").encode())
    assert module_digest(path) == f"sha256:{expected}"


def test_digests_of_a_folder_are_the_ones_venvstacks_makes(app: Path) -> None:
    parts = ["app", "__main__.py", f"sha256:{hex_of(b'main')}"]
    parts += ["run.sh", f"sha256:{hex_of(b'sh')}"]
    parts += ["data", "x.txt", f"sha256:{hex_of(b'x')}"]
    assert module_digest(app) == f"sha256/{hex_of(''.join(parts).encode())}"


def test_folders_that_nothing_is_shipped_of_do_not_count(app: Path) -> None:
    """Clones by git do not have them, and are not to count another version."""
    before = module_digest(app)
    (app / "empty" / "deeper").mkdir(parents=True)
    (app / "old" / "__pycache__").mkdir(parents=True)
    (app / "old" / "__pycache__" / "x.pyc").write_bytes(b"")
    assert module_digest(app) == before
    (app / "empty" / "deeper" / "x").write_text("")
    assert module_digest(app) != before


def test_the_module_digest_sees_modes_as_well(app: Path) -> None:
    before, published = read_module(app).digest, module_digest(app)
    (app / "__main__.py").chmod(0o755)
    assert read_module(app).digest != before
    assert module_digest(app) == published


def test_links_within_the_folder_are_read_through(app: Path) -> None:
    (app / "again.py").symlink_to("__main__.py")
    (app / "more").symlink_to("data")
    module = read_module(app)
    digests = {file.source.relative: file.sha256 for file in module.files}
    assert digests["app/again.py"] == hex_of(b"main")
    assert digests["app/more/x.txt"] == hex_of(b"x")


def test_a_module_may_be_a_link_itself(app: Path) -> None:
    (app.parent.parent / "tool").symlink_to(app)
    assert names(app.parent.parent / "tool")[0] == "tool/__main__.py"


@pytest.mark.parametrize(
    ("link", "target", "why"),
    [
        ("out.py", "../secret.py", "out of the module's folder"),
        ("out.py", "/etc/passwd", "out of the module's folder"),
        ("gone.py", "nothing.py", "leads to nothing"),
        ("data/up", "..", "leads back"),
        ("self", "self", "leads to nothing"),
    ],
)
def test_links_that_are_refused(app: Path, link: str, target: str, why: str) -> None:
    (app.parent / "secret.py").write_bytes(b"")
    (app / link).symlink_to(target)
    with pytest.raises(LinkError, match=why) as caught:
        module_sources(app)
    assert link in str(caught.value)
    with pytest.raises(LinkError, match=why):
        module_digest(app)


def test_links_that_lead_to_one_another_are_refused(app: Path) -> None:
    (app / "other").mkdir()
    (app / "data" / "to_other").symlink_to("../other")
    (app / "other" / "to_data").symlink_to("../data")
    with pytest.raises(LinkError, match="leads back"):
        module_sources(app)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
@pytest.mark.parametrize("name", [b"a\nb.py", b"a\\b.py", b"\xff.py", b"a\x7f.py"])
def test_names_that_no_archive_may_hold_are_refused(app: Path, name: bytes) -> None:
    os.close(os.open(os.fsencode(app) + b"/" + name, os.O_CREAT))
    with pytest.raises(LinkError, match="name") as caught:
        module_sources(app)
    assert str(caught.value).isascii()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_special_files_are_refused(app: Path) -> None:
    os.mkfifo(app / "pipe.py")
    with pytest.raises(LinkError, match="neither a file nor a folder"):
        module_sources(app)
    with pytest.raises(LinkError, match="neither a file nor a folder"):
        module_sources(app / "pipe.py")


def test_a_missing_module_is_refused(tmp_path: Path) -> None:
    for ask in (module_sources, module_digest, read_module):
        with pytest.raises(LinkError, match="not there"):
            ask(tmp_path / "gone.py")


def test_a_folder_without_files_is_refused(app: Path) -> None:
    (app.parent / ".git").mkdir()
    (app.parent / ".gitignore").write_text("app/\n")
    with pytest.raises(LinkError, match="git ignores"):
        module_sources(app)


@pytest.mark.parametrize("name", ["main.txt", "main", "a.b.py", ".py"])
def test_files_that_cannot_be_imported_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(LinkError, match="cannot be imported"):
        read_module(tmp_path / name)


def test_a_folder_with_a_dot_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "a.b").mkdir()
    (tmp_path / "a.b" / "__main__.py").write_bytes(b"")
    with pytest.raises(LinkError, match="cannot be imported"):
        read_module(tmp_path / "a.b")
