"""Which libraries belong to the system of a target: never offered by a layer, never missing.

On Linux these are what wheels may expect of the system by their platform tag. A layer's own copy
of one would be taken by everything that runs with the layer's ``LD_LIBRARY_PATH``, the programs
that it starts included. An older libstdc++ breaks what was made for the system's newer one; another
libGL does not fit the driver; a second C library breaks everything. The other way round nothing is
lost: a wheel above that keeps to its tag works with the system's. So they are not offered, also
where a wheel carries a copy, which its own modules may find by their rpath.
"""

from __future__ import annotations

import re

from venvstacks_dag.platforms import TargetPlatform

# PEP 600 leaves the list to auditwheel: lib_whitelist in its manylinux-policy.json (6.8), which is
# the same for all glibc from 2.24 on; libcrypt left that list with glibc 2.28's distributions.
_MANYLINUX_NAMES = """
libatomic.so.1 libgcc_s.so.1 libstdc++.so.6 libm.so.6 libmvec.so.1 libanl.so.1 libdl.so.2
librt.so.1 libc.so.6 libnsl.so.1 libutil.so.1 libpthread.so.0 libresolv.so.2 libexpat.so.1
libz.so.1 libX11.so.6 libXext.so.6 libXrender.so.1 libICE.so.6 libSM.so.6 libGL.so.1
libgobject-2.0.so.0 libgthread-2.0.so.0 libglib-2.0.so.0
"""
_MANYLINUX = frozenset(_MANYLINUX_NAMES.split())
# The same for PEP 656, where the C library is one file under several names.
_MUSLLINUX = frozenset({"libc.so", "libz.so.1"})
# The loader itself, by the names that it has for all machines.
_GLIBC_LOADER = re.compile(r"(ld-linux[\w-]*\.so\.\d+|ld64\.so\.\d+)\Z", re.ASCII)
_MUSL_LOADER = re.compile(r"(ld-musl-\w+\.so\.1|libc\.musl-\w+\.so\.1)\Z", re.ASCII)
# What else belongs to some C library, in any version: a second one in a process breaks it.
_C_LIBRARY = re.compile(
    r"lib(c|m|mvec|dl|rt|pthread|util|nsl|resolv|anl|BrokenLocale|thread_db|c_malloc_debug"
    r"|nss_(files|dns|compat|db|hesiod))(-2\.\d+)?\.so(\.\d+)?\Z",
    re.ASCII,
)
# The NVIDIA driver's own libraries: they must fit the kernel's module, so no wheel carries them.
# Programs for CUDA need them of each machine that they run on, and only there.
_DRIVER = re.compile(r"lib(cuda|nvidia-ml|nvcuvid|nvidia-encode|nvidia-ptxjitcompiler)\.so\.1\Z")

# In /usr/lib of macOS 13, by the names that wheels carry, too. DYLD_LIBRARY_PATH goes by a file's
# name alone and before the path that is asked for, so that a copy would replace the system's
# for the system's own frameworks.
_MACOS_LEAF = re.compile(
    r"(libSystem(\.B)?|libc\+\+(\.1)?|libc\+\+abi|libobjc(\.A)?|libz(\.1(\.[\d.]+)?)?"
    r"|libbz2(\.1\.0(\.\d)?)?|liblzma(\.5)?|libiconv(\.2(\.4\.0)?)?|libcharset(\.1)?"
    r"|libsqlite3(\.0)?|libxml2(\.2)?|libxslt(\.1)?|libexslt(\.0)?|libexpat(\.1)?|libedit(\.3)?"
    r"|libncurses(\.5(\.4)?)?|libpanel(\.5\.4)?|libform(\.5\.4)?|libmenu(\.5\.4)?"
    r"|libcurl(\.4)?|libffi|libresolv(\.9)?|libutil(1\.0)?|libarchive(\.2)?|libcompression"
    r"|libpcap(\.A)?|libcups(\.2)?|libgssapi_krb5|libkrb5|libm|libpthread|libdl|libc)\.dylib\Z"
)
_MACOS_FOLDERS = ("/usr/lib/", "/System/")

# Sets of names that stand for others (API sets), then what System32 has on Windows 10 and later:
# what programs link to, not the thousands that nothing outside of Windows asks for by name.
_API_SET = re.compile(r"(api|ext)-ms-[\w.-]+\.dll\Z", re.ASCII)
_WINDOWS_NAMES = """
aclui activeds adsldpc advapi32 amsi apphelp atl authz avicap32 avifil32 avrt bcp47langs bcrypt
bcryptprimitives bluetoothapis browcli cabinet certcli cfgmgr32 clbcatq cldapi clusapi combase
comctl32 comdlg32 coremessaging credui crypt32 cryptbase cryptdll cryptnet cryptsp cryptui
cryptxml cscapi d2d1 d3d10 d3d10_1 d3d10core d3d11 d3d11on12 d3d12 d3d8 d3d9 d3dcompiler_47
davhlpr dbgcore dbgeng dbghelp dciman32 dcomp ddraw deviceaccess devobj dfscli dhcpcsvc dhcpcsvc6
dinput dinput8 directmanipulation directml dnsapi dot3api dpapi dsound dsparse dsprop dsreg dsrole
dsuiext dwmapi dwrite dxcore dxgi dxva2 eappcfg efsutil elscore esent evr faultrep fltlib fontsub
fwpuclnt gdi32 gdi32full gdiplus glu32 hid hlink hnetcfg httpapi icu icuin icuuc iertutil imagehlp
imm32 inputhost iphlpapi iscsidsc kerberos kernel.appcore kernel32 kernelbase ksuser ktmw32
loadperf logoncli lz32 magnification mapi32 mf mfcore mfplat mfreadwrite mlang mmdevapi mpr mprapi
msacm32 mscms mscoree msctf msdelta msdmo msdrm msi msimg32 mspatcha msvcp_win msvcrt msvfw32
mswsock ncrypt ndfapi netapi32 netutils newdev ninput normaliz ntdll ntdsapi ntlanman ntmarta
odbc32 odbccp32 ole32 oleacc oleaut32 oledlg opengl32 pdh portabledeviceapi powrprof profapi
propsys psapi query qwave rasapi32 rasdlg resutils rpcns4 rpcrt4 rstrtmgr rtutils rtworkq samcli
schannel sechost secur32 sensapi sensorsapi setupapi sfc sfc_os shcore shdocvw shell32 shfolder
shlwapi slc snmpapi spoolss srclient srvcli sspicli sti sxs t2embed tapi32 tbs tdh tokenbinding
twinapi twinapi.appcore txfw32 ucrtbase uiautomationcore uiribbon urlmon user32 userenv usp10
uxtheme vaultcli version vfw32 virtdisk vssapi wcmapi wdscore webauthn webservices websocket
wecapi wer wevtapi wimgapi win32u winbio windows.storage windowscodecs windowscodecsext winhttp
wininet winmm winnsi winscard winsqlite3 winsta wintrust wintypes winusb wkscli wlanapi wldap32
wldp wmi wmvcore wofutil ws2_32 wscapi wsdapi wsnmp32 wsock32 wtsapi32 xaudio2_8 xaudio2_9
xinput1_4 xinput9_1_0 xmllite xolehlp xpsprint
"""
_WINDOWS = frozenset(f"{name}.dll" for name in _WINDOWS_NAMES.split()) | {
    "bthprops.cpl",
    "winspool.drv",
    # Of graphics drivers, as above: only there where the hardware is.
    "nvcuda.dll",
    "nvcuvid.dll",
    "nvencodeapi64.dll",
    "nvml.dll",
    "opencl.dll",
    "vulkan-1.dll",
}


def is_system_library(name: str, target: TargetPlatform) -> bool:
    """Whether the loader of `target` finds what a binary asks for as `name` in the system.

    `name` is as the binary spells it: on macOS a path, on Windows in any case.
    """
    if target.is_windows:
        folded = name.lower()
        return folded in _WINDOWS or _API_SET.match(folded) is not None
    if target.system == "macos":
        return name.startswith(_MACOS_FOLDERS)
    return _is_of_linux(name, target)


def may_be_offered(name: str, target: TargetPlatform) -> bool:
    """Whether a layer may lead others to a library of its own under this file name."""
    if target.is_windows:
        return not is_system_library(name, target)
    if target.system == "macos":
        return _MACOS_LEAF.match(name) is None
    foreign = (_C_LIBRARY, _GLIBC_LOADER, _MUSL_LOADER)
    return not (_is_of_linux(name, target) or any(each.match(name) for each in foreign))


def _is_of_linux(name: str, target: TargetPlatform) -> bool:
    names, loader = (_MUSLLINUX, _MUSL_LOADER) if target.uses_musl else (_MANYLINUX, _GLIBC_LOADER)
    return any((name in names, loader.match(name), _DRIVER.match(name)))
