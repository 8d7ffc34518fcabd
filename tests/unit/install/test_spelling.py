"""Folders whose names are one at the target."""

from __future__ import annotations

from venvstacks_dag.install.spelling import FolderSpelling


def test_the_first_spelling_holds_for_each_folder_on_the_way() -> None:
    spelling = FolderSpelling(["Lib/site-packages"])
    assert spelling.place("lib/Site-Packages/Pkg/x.py") == "Lib/site-packages/Pkg/x.py"
    assert spelling.place("LIB/site-packages/pkg/Y.py") == "Lib/site-packages/Pkg/Y.py"
    assert spelling.place("LIB") == "LIB", "a file's own name is not touched"


def test_folders_may_lie_as_deep_as_paths_may_be_long() -> None:
    deep = "a/" * 2000
    spelling = FolderSpelling(["lib"])
    assert spelling.place(f"{deep}x.py") == f"{deep}x.py"
    assert spelling.place(f"{deep.upper()}y.py") == f"{deep}y.py"
