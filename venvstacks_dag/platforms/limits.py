"""What operating systems bear: lengths of paths and of variables, and what deployments leave."""

from __future__ import annotations

# Where layers are deployed is not known when they are built: about what
# C:\Users\<name>\AppData\Local\Programs\<product>\layers\ takes.
ASSUMED_ROOT = 64
# MAX_PATH is 260 characters with the NUL at the end; longer paths need a setting of the machine:
# https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
WINDOWS_PATH = 259
# One string of a new process's environment, on Linux (MAX_ARG_STRLEN, execve(2)).
ENVIRONMENT_STRING = 128 << 10
# What lies beside x.py once it is compiled: __pycache__\x.cpython-312.pyc
_BYTECODE = len("__pycache__/.cpython-312c")


def windows_length(archive_name: str) -> int:
    """The length of a member's path below the folder of the layers, once it is in use."""
    return len(archive_name) + (_BYTECODE if archive_name.endswith(".py") else 0)


def windows_room(length: int) -> int:
    """How long the folder of the layers may be, its separator included, for such a path."""
    return WINDOWS_PATH - length
