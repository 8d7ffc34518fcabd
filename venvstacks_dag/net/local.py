"""``file:`` addresses: answers from the disk, in the same shape as those of a server."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag.digest import CHUNK
from venvstacks_dag.errors import NetworkError
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.net.download import Incoming
from venvstacks_dag.net.faults import fault_error
from venvstacks_dag.net.model import BrokenAnswer, Check, FilePart, Response
from venvstacks_dag.net.urls import path_of_url, redact

_TYPES = {".html": "text/html", ".htm": "text/html", ".json": "application/json"}


def local_path(url: str) -> Path:
    """The path behind a ``file:`` address. Raises `NetworkError` where it is another machine's."""
    try:
        return path_of_url(url)
    except ValueError as error:
        raise NetworkError(
            "a file: address cannot be used",
            where=redact(url),
            why=str(error),
            fix="mount the folder and give its local path",
        ) from error


def local_answer(url: str, check: Check | None = None) -> Response:
    """The file at `url`, or the status 404.

    Raises `DiskError` where it cannot be read, and what `check` raises.
    """
    path = local_path(url)
    if not path.is_file():
        return Response(url=url, status=404, headers={}, body=b"")
    with disk_errors("read", path):
        body = path.read_bytes()
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    response = Response(url=url, status=200, headers={"content-type": kind}, body=body)
    if check is not None:
        try:
            check(response)
        except BrokenAnswer as error:
            raise fault_error(url, error, tries=1) from error
    return response


def local_part(url: str, first: int, last: int | None) -> FilePart:
    """Some bytes of the file at `url`. Raises `NetworkError` where there is none, `DiskError`."""
    path = existing(url)
    with disk_errors("read", path), path.open("rb") as stream:
        total = path.stat().st_size
        start = max(0, total + first) if first < 0 else min(first, total)
        stream.seek(start)
        body = stream.read() if last is None else stream.read(max(0, last + 1 - start))
    return FilePart(first=start, total=total, body=body)


def existing(url: str) -> Path:
    """The file behind `url`. Raises `NetworkError` where there is none."""
    path = local_path(url)
    if not path.is_file():
        raise NetworkError("there is no such file", where=str(path), fix="check the path")
    return path


def copy_local(url: str, file: Incoming) -> None:
    """Receive the file behind `url`. Raises `NetworkError` where there is none, `DiskError`."""
    source = existing(url)
    with disk_errors("read", source), source.open("rb") as stream:
        file.start(etag=None, length=source.stat().st_size)
        while chunk := stream.read(CHUNK):
            file.take(chunk)
    file.prove()
