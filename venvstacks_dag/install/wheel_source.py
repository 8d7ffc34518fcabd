"""A wheel's file as a source for installer: each member is inflated once, and checked as it is."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from installer.sources import WheelContentElement, WheelSource

from venvstacks_dag.digest import CHUNK
from venvstacks_dag.install.faults import WheelFault
from venvstacks_dag.install.inspect import INSTALLERS_FILES, InspectedWheel
from venvstacks_dag.install.record import Recorded, record_hash
from venvstacks_dag.install.zip_walk import STORED, Member


class MemberStream:
    """The content of one member, from its wheel's stream.

    The last `read` (which returns nothing) proves that the data ended where it had to and had
    the size, the checksum and the hash that it had to have; each raises `WheelFault` if not.
    """

    def __init__(self, stream: BinaryIO, member: Member, recorded: Recorded | None = None) -> None:
        self.member = member
        self._stream = stream
        self._recorded = recorded
        self._position = member.start
        self._left = member.packed
        self._decoder = None if member.method == STORED else zlib.decompressobj(-zlib.MAX_WBITS)
        self._hasher = hashlib.new(recorded.algorithm) if recorded else None
        self._crc = 0
        self._size = 0

    def read(self, size: int = CHUNK) -> bytes:
        """At most `size` bytes of what is left, b"" at the end."""
        data = self._next(size)
        if not data:
            self._prove()
            return b""
        self._size += len(data)
        if self._size > self.member.size:
            raise WheelFault("more content than declared", member=self.member.name)
        self._crc = zlib.crc32(data, self._crc)
        if self._hasher is not None:
            self._hasher.update(data)
        return data

    def read_all(self) -> bytes:
        """All of the content."""
        return b"".join(iter(self.read, b""))

    def _next(self, size: int) -> bytes:
        decoder = self._decoder
        if decoder is None:
            return self._packed(size)
        while not decoder.eof:
            packed = decoder.unconsumed_tail or self._packed(CHUNK)
            try:
                data = decoder.decompress(packed, size)
            except zlib.error as error:
                raise WheelFault(f"broken data: {error}", member=self.member.name) from error
            if data:
                return data
            if not packed:
                raise WheelFault("compressed data that is cut off", member=self.member.name)
        return b""

    def _packed(self, size: int) -> bytes:
        if not self._left:
            return b""
        # Other members may have been read from the stream in between.
        self._stream.seek(self._position)
        data = self._stream.read(min(size, self._left))
        if not data:
            raise WheelFault("the file ends too early", member=self.member.name)
        self._position += len(data)
        self._left -= len(data)
        return data

    def _prove(self) -> None:
        name = self.member.name
        if self._left or (self._decoder is not None and self._decoder.unused_data):
            raise WheelFault("bytes after the end of its compressed data", member=name)
        if self._size != self.member.size:
            raise WheelFault("less content than declared", member=name)
        if self._crc != self.member.crc:
            raise WheelFault("content that does not fit its checksum", member=name)
        if self._recorded is not None and self._hasher is not None:
            if self._recorded.size != self._size:
                raise WheelFault("content that does not have the size in RECORD", member=name)
            if self._recorded.digest != self._hasher.hexdigest():
                raise WheelFault("content that does not fit its hash in RECORD", member=name)


class WheelFileSource(WheelSource):
    """The files of an inspected wheel, for installer.

    Bytecode and what only installers may write are left out, but proved like the rest.
    """

    def __init__(self, wheel: InspectedWheel, stream: BinaryIO) -> None:
        super().__init__(wheel.name, wheel.version)
        self._wheel = wheel
        self._stream = stream

    @property
    def dist_info_dir(self) -> str:
        """The folder as the wheel spells it."""
        return self._wheel.dist_info

    @property
    def data_dir(self) -> str:
        """The folder as the wheel spells it, whether there is one or not."""
        return self._wheel.data_dir

    @property
    def dist_info_filenames(self) -> list[str]:
        """What installer may read: no entry points, since layers have no scripts."""
        return ["WHEEL"]

    def read_dist_info(self, filename: str) -> str:
        """The part of WHEEL that installer asks for, as it was understood here."""
        assert filename == "WHEEL"
        return wheel_text(root_is_purelib=self._wheel.root_is_purelib)

    def get_contents(self) -> Iterator[WheelContentElement]:
        """The members that are installed; each stream must be read to its end."""
        for member in self._wheel.files:
            recorded = self._wheel.record.get(member.name)
            stream = MemberStream(self._stream, member, recorded)
            if self._is_left_out(member.name):
                while stream.read():
                    pass
                continue
            digest, size = "", ""
            if recorded is not None and recorded.algorithm == "sha256":
                digest, size = record_hash(recorded.digest), str(recorded.size)
            yield (member.name, digest, size), cast("BinaryIO", stream), member.executable

    def _is_left_out(self, name: str) -> bool:
        folder, _, file = name.rpartition("/")
        if "__pycache__" in folder.split("/"):
            return True
        return folder == self._wheel.dist_info and file in INSTALLERS_FILES


def wheel_text(*, root_is_purelib: bool) -> str:
    """The lines of a WHEEL file that decide where the root goes."""
    return f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(root_is_purelib).lower()}\n"
