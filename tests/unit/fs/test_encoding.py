from __future__ import annotations

import pytest

from venvstacks_dag.errors import DiskError
from venvstacks_dag.fs import check_names_encoding


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf_8"])
def test_utf_8_by_any_name(encoding: str) -> None:
    check_names_encoding(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1", "ANSI_X3.4-1968"])
def test_others_are_refused(encoding: str) -> None:
    with pytest.raises(DiskError) as refused:
        check_names_encoding(encoding)
    assert encoding in str(refused.value)
    assert "PYTHONUTF8=1" in str(refused.value)
