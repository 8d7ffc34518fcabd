"""Another table of runtimes for pbs-installer, in place of the one that it carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pbs_installer import _versions

_READ = _versions.get_python_versions.__wrapped__


def use_pbs_index(monkeypatch: pytest.MonkeyPatch, table: Sequence[Mapping[str, Any]]) -> None:
    """Have pbs-installer read `table`, each time it is asked.

    It keeps what it has read for each mirror's address, and a port may come again.
    """
    monkeypatch.setattr(_versions, "_read_versions_payload", lambda: table)
    monkeypatch.setattr(_versions, "get_python_versions", _READ)
