"""doit's database, made safe to kill and to share.

doit's own backends write when a run ends, so a killed run forgets what it finished, and its
SQLite one gives up after five seconds when another process holds the file. This one commits
each task's record as soon as the task has ended, and waits.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from doit.dependency import DatabaseException, SqliteDB

_WAIT_SECONDS = 60


class CommittingSqliteDB(SqliteDB):  # type: ignore[misc]
    """doit's SQLite backend with a commit per task."""

    desc = "SQLite, committed after each task"

    def _sqlite3(self, name: str) -> sqlite3.Connection:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        connection: sqlite3.Connection = super()._sqlite3(name)
        try:
            connection.execute(f"pragma busy_timeout = {_WAIT_SECONDS * 1000}")
        except sqlite3.DatabaseError as error:  # pragma: no cover - doit has just used it
            raise DatabaseException(str(error)) from error
        return connection

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Record a value. The list of dependencies is what doit sets last, so it commits."""
        super().set(task_id, dependency, value)
        if dependency == "deps:":
            self._commit()

    def remove(self, task_id: str) -> None:
        """Forget a task, at once and for good."""
        super().remove(task_id)
        self._conn.commit()

    def _commit(self) -> None:
        for task_id in self._dirty:
            self._conn.execute(
                "insert or replace into doit values (?,?)",
                (task_id, self.codec.encode(self._cache[task_id])),
            )
        self._conn.commit()
        self._dirty.clear()
