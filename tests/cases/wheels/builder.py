"""Drafts of wheels, sound or not: what a case does not change is as the format wants it."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from venvstacks_dag.store import PinnedWheel

DIST_INFO = "demo-1.0.dist-info"
DATA = "demo-1.0.data"
METADATA = b"Metadata-Version: 2.3\nName: demo\nVersion: 1.0\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def same(raw: bytes) -> bytes:
    return raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A wheel of demo 1.0. ``files`` are added; ``rows`` replace or add lines of RECORD (None
    leaves one out); ``modes`` are Unix modes; ``again`` are members given a second time;
    ``edit`` is done to the finished file's bytes.
    """

    filename: str = "demo-1.0-py3-none-any.whl"
    pinned: tuple[str, str] = ("demo", "1.0")
    dist_info: str = DIST_INFO
    metadata: bytes | None = METADATA
    wheel: bytes | None = WHEEL
    files: Mapping[str, bytes] = field(default_factory=dict)
    rows: Mapping[str, str | None] = field(default_factory=dict)
    record: bytes | None = None
    modes: Mapping[str, int] = field(default_factory=dict)
    again: Mapping[str, bytes] = field(default_factory=dict)
    methods: Mapping[str, int] = field(default_factory=dict)
    comment: bytes = b""
    edit: Callable[[bytes], bytes] = same

    def pin(self, raw: bytes) -> PinnedWheel:
        name, version = self.pinned
        digest = hashlib.sha256(raw).hexdigest()
        return PinnedWheel(name=name, version=version, filename=self.filename, sha256=digest)

    def contents(self) -> dict[str, bytes]:
        members = {"demo/__init__.py": b"value = 1\n", **self.files}
        if self.metadata is not None:
            members[f"{self.dist_info}/METADATA"] = self.metadata
        if self.wheel is not None:
            members[f"{self.dist_info}/WHEEL"] = self.wheel
        members[f"{self.dist_info}/RECORD"] = (
            self.record if self.record is not None else self._record(members)
        )
        return members

    def _record(self, members: Mapping[str, bytes]) -> bytes:
        own = f"{self.dist_info}/RECORD"
        lines: dict[str, str | None] = {
            name: row(name, data)
            for name, data in members.items()
            if not name.endswith(("/", "/RECORD.jws", "/RECORD.p7s"))
        }
        lines[own] = f"{own},,"
        lines.update(self.rows)
        return "".join(f"{line}\n" for line in lines.values() if line is not None).encode(
            "utf-8", "surrogatepass"
        )

    def build(self) -> bytes:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w") as archive:
            for name, data in (*self.contents().items(), *self.again.items()):
                info = zipfile.ZipInfo("x", (2020, 1, 1, 0, 0, 0))
                # Not through the constructor, which makes names harmless.
                info.filename = name
                info.compress_type = self.methods.get(name, zipfile.ZIP_DEFLATED)
                info.external_attr = self.modes.get(name, 0o100644) << 16
                archive.writestr(info, data)
            archive.comment = self.comment
        return self.edit(sink.getvalue())


def row(name: str, data: bytes, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, data).digest()
    encoded = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    quoted = f'"{name}"' if "," in name else name
    return f"{quoted},{algorithm}={encoded},{len(data)}"
