"""Which names belong to the system of a target."""

from __future__ import annotations

import pytest

from venvstacks_dag.link.system import is_system_library, may_be_offered
from venvstacks_dag.platforms import TargetPlatform

GLIBC = TargetPlatform(name="linux_x86_64")
MUSL = TargetPlatform(name="linux_aarch64", musl=(1, 2))
MACOS = TargetPlatform(name="macosx_arm64")
WINDOWS = TargetPlatform(name="win_arm64")


@pytest.mark.parametrize(
    ("name", "target", "is_system", "offered"),
    [
        ("libc.so.6", GLIBC, True, False),
        ("ld-linux-x86-64.so.2", GLIBC, True, False),
        ("libstdc++.so.6", GLIBC, True, False),
        ("libz.so.1", GLIBC, True, False),
        ("libcuda.so.1", GLIBC, True, False),
        # Parts of other C libraries: not there, and yet nothing to lead others to.
        ("libc.musl-x86_64.so.1", GLIBC, False, False),
        ("libnsl.so.2", GLIBC, False, False),
        ("libssl.so.3", GLIBC, False, True),
        ("libcudart.so.12", GLIBC, False, True),
        ("libc.so", MUSL, True, False),
        ("libc.musl-aarch64.so.1", MUSL, True, False),
        ("ld-musl-aarch64.so.1", MUSL, True, False),
        # Alpine has them as packages only, so that musllinux wheels bring their own.
        ("libstdc++.so.6", MUSL, False, True),
        ("libc.so.6", MUSL, False, False),
        ("/usr/lib/libSystem.B.dylib", MACOS, True, True),
        ("/System/Library/Frameworks/Accelerate.framework/Accelerate", MACOS, True, True),
        ("@rpath/libc++.1.dylib", MACOS, False, True),
        ("libc++.1.dylib", MACOS, False, False),
        ("libomp.dylib", MACOS, False, True),
        ("KERNEL32.dll", WINDOWS, True, False),
        ("api-ms-win-crt-runtime-l1-1-0.dll", WINDOWS, True, False),
        ("winspool.drv", WINDOWS, True, False),
        # Part of a redistributable, which wheels bring along, and so does Python.
        ("VCRUNTIME140.dll", WINDOWS, False, True),
        ("MSVCP140.dll", WINDOWS, False, True),
    ],
)
def test_names_of_the_system(
    name: str, target: TargetPlatform, is_system: bool, offered: bool
) -> None:
    assert is_system_library(name, target) is is_system
    assert may_be_offered(name, target) is offered


# What the binaries of pywin32, PyQt6, PySide6, pyarrow, Open3D, pywinpty, ruff and others ask for.
ASKED_FOR = """
aclui activeds combase fontsub icu icuuc ktmw32 loadperf lz32 mmdevapi ndfapi query sfc
uiautomationcore webauthn webservices windowscodecs winusb mfplat mfcore dxcore sechost cldapi
"""


@pytest.mark.parametrize("name", [*(f"{each}.dll" for each in ASKED_FOR.split()), "bthprops.cpl"])
def test_windows_own_libraries_are_not_missing(name: str) -> None:
    assert is_system_library(name.upper(), WINDOWS)
    assert not may_be_offered(name, WINDOWS)


@pytest.mark.parametrize(
    "name", ["vcruntime140_1.dll", "msvcp140_1.dll", "concrt140.dll", "vcomp140.dll", "mfc140u.dll",
             "msvcr100.dll", "libpq.dll", "xinput1_3.dll", "python312.dll"]
)  # fmt: skip
def test_redistributables_are_not_of_windows(name: str) -> None:
    assert not is_system_library(name, WINDOWS)
