from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.index import check_told
from venvstacks_dag.index.metadata import metadata_to_json
from venvstacks_dag.index.model import CoreMetadata
from venvstacks_dag.index.told import METADATA_KIND, metadata_key
from venvstacks_dag.store import PinnedWheel, Store

HEAD = b"Metadata-Version: 2.1\nName: spam\nVersion: 1.0\n"
INDEX = "https://index.example/simple"
PIN = PinnedWheel(
    name="spam",
    version="1.0",
    filename="spam-1.0-py3-none-any.whl",
    sha256="a" * 64,
    url="https://files.example/spam-1.0-py3-none-any.whl",
    index=INDEX,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def tell(store: Store, *needs: str, python: str | None = None) -> None:
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    told = CoreMetadata(
        name=canonicalize_name("spam"),
        version=Version("1.0"),
        requires_dist=needs,
        requires_python=python,
    )
    store.keep(METADATA_KIND, metadata_key(INDEX, PIN.sha256), metadata_to_json(told, None))


def test_what_was_not_told_cannot_be_wrong(store: Store) -> None:
    check_told(store, [PIN], lambda _: pytest.fail("there is nothing to compare with"))


def test_the_same_in_other_words_is_the_same(store: Store) -> None:
    tell(store, "eggs >=1", 'ham; os_name == "nt"')
    own = HEAD + b"Requires-Dist: ham ; os_name=='nt'\nRequires-Dist: eggs>=1\n"
    check_told(store, [PIN], lambda _: own)


def test_that_all_agreed_is_remembered_for_the_same_words(store: Store) -> None:
    tell(store, "eggs>=1")
    own = HEAD + b"Requires-Dist: eggs>=1\n"
    check_told(store, [PIN], lambda _: own)
    check_told(store, [PIN], lambda _: pytest.fail("it was compared before"))
    tell(store, "malware")
    with pytest.raises(WheelRefused):
        check_told(store, [PIN], lambda _: own)


@pytest.mark.parametrize(
    ("told", "python", "own", "said"),
    [
        (("malware",), None, b"", "the index said malware (Python any), the wheel says nothing"),
        ((), None, b"Requires-Dist: eggs\n", "nothing more (Python any), the wheel says eggs"),
        (("eggs>=1",), None, b"Requires-Dist: eggs>=2\n", "said eggs>=1"),
        ((), ">=3.8", b"Requires-Python: >=3.9\n", "(Python >=3.8)"),
        (tuple(f"p{number}" for number in range(9)), None, b"", "p4, ... (Python any)"),
    ],
)
def test_a_wheel_that_needs_something_else_is_refused_until_it_is_locked_again(
    store: Store, told: tuple[str, ...], python: str | None, own: bytes, said: str
) -> None:
    tell(store, *told, python=python)
    for _ in range(2):
        with pytest.raises(WheelRefused) as caught:
            check_told(store, [PIN], lambda _: HEAD + own)
        assert said in str(caught.value)
        assert PIN.filename in str(caught.value)
        assert INDEX in str(caught.value)
        assert "lock afresh" in str(caught.value)
