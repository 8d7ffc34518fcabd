"""How a file of the store gets into a tree: shared, cloned, or copied."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from typing import Final, Literal, get_args

from venvstacks_dag.errors import DiskError

LinkMode = Literal["auto", "hardlink", "reflink", "copy"]
LINK_MODES: Final[tuple[LinkMode, ...]] = get_args(LinkMode)
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EACCES}


def place_file(source: str, destination: str, mode: LinkMode = "auto") -> None:
    """Give `destination` content, mode and times of `source`, in the way that `mode` names.

    "hardlink" makes a second name of the same file, "reflink" a file of its own that shares its
    blocks on the disk until one of them is written to (Btrfs, XFS, APFS, ReFS), "copy" a file
    with nothing in common; "auto" is the first of them that works here. `destination` must not
    exist; its folder must. Raises `OSError` (callers that place many files wrap the loop in
    `disk_errors` once), and `DiskError` where the disk cannot do what was asked for.
    """
    _PLACERS[mode](source, destination)


def _auto(source: str, destination: str) -> None:
    for place in (_hardlink, _reflink):
        try:
            place(source, destination)
        except DiskError:
            continue
        return
    _copy(source, destination)


def _hardlink(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise _unable("hard links", "hardlink", destination, error) from error


def _reflink(source: str, destination: str) -> None:
    try:
        import reflink_copy  # noqa: PLC0415 - compiled, and rarely needed
    except ImportError as error:
        # The deployer as one file has the standard library alone.
        raise _unable("reflinks", "reflink", destination, OSError(str(error))) from error
    status = os.stat(source)  # noqa: PTH116 - no Path where ten thousands of files are placed
    if os.path.lexists(destination):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), destination)
    try:
        reflink_copy.reflink(source, destination)
    except OSError as error:
        if _number(error) in (errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise OSError(_number(error), os.strerror(_number(error)), source) from error
        raise _unable("reflinks", "reflink", destination, error) from error
    _take_over(status, destination)


def _number(error: OSError) -> int:
    """What is wrong, as the system numbers it: the library has that in its words only."""
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else error.errno or 0


def _copy(source: str, destination: str) -> None:
    status = os.stat(source)  # noqa: PTH116 - as above
    if os.path.lexists(destination):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), destination)
    shutil.copyfile(source, destination)
    _take_over(status, destination)


def _take_over(status: os.stat_result, destination: str) -> None:
    # The mode comes last: Windows sets no times of files that are read-only.
    os.utime(destination, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.chmod(destination, status.st_mode & 0o777)  # noqa: PTH101 - as above


def _unable(what: str, mode: LinkMode, destination: str, error: OSError) -> DiskError:
    return DiskError(
        f"no {what} can be made from the store to here",
        where=os.path.dirname(destination),  # noqa: PTH120 - as above
        why=f"{error.strerror or error} (link_mode is {mode!r})",
        fix="move the store (VENVSTACKS_DAG_CACHE) or the build folder to one disk that can, or "
        "leave link_mode at 'auto'",
    )


_PLACERS: dict[LinkMode, Callable[[str, str], None]] = {
    "auto": _auto,
    "hardlink": _hardlink,
    "reflink": _reflink,
    "copy": _copy,
}
