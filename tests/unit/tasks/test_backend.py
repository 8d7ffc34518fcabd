"""doit's database: every task's record is on disk as soon as the task has ended."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from doit.dependency import JSONCodec
from doit.exceptions import InvalidDodoFile

from venvstacks_dag.tasks.backend import CommittingSqliteDB


def open_database(path: Path) -> CommittingSqliteDB:
    return CommittingSqliteDB(str(path), JSONCodec())


def record(database: CommittingSqliteDB, task: str) -> None:
    """What doit sets when a task has ended, in its order."""
    database.set(task, "checker:", "StampChecker")
    database.set(task, "deps:", ["a", "b"])


def test_folders_are_made(tmp_path: Path) -> None:
    open_database(tmp_path / "deep" / "er" / "doit.sqlite")
    assert (tmp_path / "deep" / "er" / "doit.sqlite").is_file()


@pytest.mark.skipif(os.name == "nt", reason="the limit is another one there")
def test_a_path_that_is_too_long_is_named_as_such(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["d" * 100] * 6)
    with pytest.raises(InvalidDodoFile, match="build in a folder with a shorter path"):
        open_database(deep / "doit.sqlite")


def test_a_record_is_there_at_once_for_others(tmp_path: Path) -> None:
    path = tmp_path / "doit.sqlite"
    first = open_database(path)
    record(first, "install:py")
    # No dump, no close: as if the process had been killed now.
    second = open_database(path)
    assert second.get("install:py", "deps:") == ["a", "b"]
    assert second.in_("install:py")


def test_half_a_record_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "doit.sqlite"
    open_database(path).set("install:py", "checker:", "StampChecker")
    assert not open_database(path).in_("install:py")


def test_a_removed_record_is_gone_at_once(tmp_path: Path) -> None:
    path = tmp_path / "doit.sqlite"
    first = open_database(path)
    record(first, "install:py")
    record(first, "link:py")
    first.remove("install:py")
    second = open_database(path)
    assert not second.in_("install:py")
    assert second.in_("link:py")


def test_what_is_committed_survives_the_end_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "doit.sqlite"
    first = open_database(path)
    record(first, "install:py")
    first.dump()
    assert open_database(path).get("install:py", "deps:") == ["a", "b"]


def test_it_waits_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "doit.sqlite"
    database = open_database(path)
    other = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    other.execute("begin exclusive")

    def release() -> None:
        time.sleep(0.2)
        other.execute("rollback")

    thread = threading.Thread(target=release)
    thread.start()
    record(database, "install:py")
    thread.join()
    other.close()
    assert open_database(path).in_("install:py")
