"""The real default index: what our own server imitates must be true there."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvstacks_dag.digest import sha256_file
from venvstacks_dag.index import layer_sources, open_index, wheel_file
from venvstacks_dag.net import HttpClient, NetSettings
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.spec.model import UvSettings
from venvstacks_dag.store import PinnedWheel, Store

pytestmark = pytest.mark.network


def test_a_page_metadata_and_a_wheel(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sources = layer_sources(UvSettings(), base=PurePosixPath("/"), environ={})
    with (
        HttpClient(NetSettings.from_environ(os.environ)) as client,
        open_index(sources, client, store, NullReporter()) as index,
    ):
        page = index.project(canonicalize_name("jinja2"))
        assert page is not None
        wheel = next(wheel for wheel in page.wheels if wheel.version == Version("3.1.4"))
        assert wheel.sha256 is not None
        assert wheel.upload_time is not None
        assert wheel.upload_time.year == 2024
        metadata = index.metadata(wheel)
        assert metadata.requires_dist == ("MarkupSafe>=2.0", 'Babel>=2.7 ; extra == "i18n"')
        assert metadata.extras == {"i18n"}
        pinned = PinnedWheel(
            name="jinja2",
            version="3.1.4",
            filename=wheel.filename,
            sha256=wheel.sha256,
            url=wheel.url,
            size=wheel.size,
        )
        assert sha256_file(wheel_file(store, client, pinned)) == wheel.sha256
        assert index.project(canonicalize_name("venvstacks-dag-no-such-project")) is None


def test_a_large_page_is_the_same_from_the_store(tmp_path: Path) -> None:
    sources = layer_sources(UvSettings(), base=PurePosixPath("/"), environ={})
    name = canonicalize_name("numpy")
    with HttpClient(NetSettings.from_environ(os.environ)) as client:
        pages = []
        for _ in range(2):
            with open_index(sources, client, Store(tmp_path), NullReporter()) as index:
                pages.append(index.project(name))
    assert pages[0] is not None
    assert len(pages[0].wheels) > 1000
    assert pages[0] == pages[1]
