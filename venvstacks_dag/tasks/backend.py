"""doit's database, made safe to kill, to lose and to share.

doit's own backends write when a run ends, so a killed run forgets what it finished, and its
SQLite one gives up after five seconds when another process holds the file. This one commits
each task's record as soon as the task has ended, and waits.

What is in it can be lost at any time: stamps say what is up to date, and a task whose record is
missing has it written anew. So a damaged file is thrown away, and a record that cannot be
written (no space left) is let go.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from doit.dependency import DatabaseException, SqliteDB
from doit.exceptions import InvalidDodoFile

_WAIT_SECONDS = 60
# What SQLite takes on Unix (512), less the name of its journal.
_LONGEST_PATH = 504


class CommittingSqliteDB(SqliteDB):  # type: ignore[misc]
    """doit's SQLite backend with a commit per task."""

    desc = "SQLite, committed after each task"

    def _sqlite3(self, name: str) -> sqlite3.Connection:
        try:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            return self._opened(name)
        except (sqlite3.Error, DatabaseException) as error:
            if "locked" in str(error):
                raise _unusable(name, error) from error
            with suppress(OSError):
                Path(name).unlink()
        except OSError as error:
            raise _unusable(name, error) from error
        try:
            return self._opened(name)
        except (sqlite3.Error, DatabaseException) as error:
            raise _unusable(name, error) from error

    def _opened(self, name: str) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._sqlite3(name)
        connection.execute(f"pragma busy_timeout = {_WAIT_SECONDS * 1000}")
        # Not to wait for the disk at each task: what a power failure takes is written anew, and a
        # killed run's records are with the system already.
        connection.execute("pragma synchronous = off")
        return connection

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Record a value. The list of dependencies is what doit sets last, so it commits."""
        super().set(task_id, dependency, value)
        if dependency == "deps:":
            self._commit()

    def remove(self, task_id: str) -> None:
        """Forget a task, at once and for good."""
        with suppress(sqlite3.Error):
            super().remove(task_id)
            self._conn.commit()

    def dump(self) -> None:
        """Write what is left and close."""
        self._commit()
        self._conn.close()

    def _commit(self) -> None:
        with suppress(sqlite3.Error):
            for task_id in self._dirty:
                self._conn.execute(
                    "insert or replace into doit values (?,?)",
                    (task_id, self.codec.encode(self._cache[task_id])),
                )
            self._conn.commit()
        self._dirty.clear()


class PlainAboutRecords:
    """Mixed into doit's commands: a database of another kind is a message, not a traceback."""

    def execute(self, params: Any, args: list[str]) -> int:
        """As doit's. Raises `InvalidDodoFile` where the database is not what `--backend` reads."""
        try:
            result: int = super().execute(params, args)  # type: ignore[misc]
        except DatabaseException as error:
            # doit has the file removed. It may well be good, and what is on record in it, too.
            fix = "leave out --backend, or name another file for its records with --db-file"
            raise _unusable(params["dep_file"], error, fix) from error
        return result


def _unusable(name: str, error: Exception, fix: str | None = None) -> InvalidDodoFile:
    if len(os.fsencode(name)) > _LONGEST_PATH:
        fix = f"build in a folder with a shorter path: SQLite takes {_LONGEST_PATH} bytes at most"
    # doit shows this one without a traceback.
    return InvalidDodoFile(
        "the task database cannot be used\n"
        f"  where: {name}\n"
        f"  why: {' '.join(str(error).split())}\n"
        f"  fix: {fix or 'free some space, and check who may write there'}"
    )
