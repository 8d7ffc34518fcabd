"""What a layer takes over from a base runtime: everything but the installers in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packaging.utils import canonicalize_name

from venvstacks_dag.platforms import LayerLayout
from venvstacks_dag.store.model import ImageEntry

_INSTALLERS = frozenset({"pip", "setuptools", "wheel"})
_FILES_OF_INSTALLERS = frozenset(
    {*_INSTALLERS, "pkg_resources", "_distutils_hack", "distutils-precedence.pth"}
)
_SCRIPTS_OF_INSTALLERS = re.compile(r"(pip|easy_install|wheel)[0-9.\-]*(\.exe)?\Z", re.IGNORECASE)


def kept_entries(entries: Iterable[ImageEntry], layout: LayerLayout) -> Iterator[ImageEntry]:
    """The entries of a runtime's image without pip, setuptools, wheel and their scripts.

    Layers install nothing at the target, and an installer there would write into a layer that
    others share.
    """
    site = f"{layout.site_packages}/"
    scripts = f"{layout.scripts_dir}/"
    for entry in entries:
        path = entry.path
        if path.startswith(site):
            left_out = _belongs_to_installer(path[len(site) :].partition("/")[0])
        else:
            left_out = path.startswith(scripts) and _is_installers_script(path[len(scripts) :])
        if not left_out:
            yield entry


def _is_installers_script(name: str) -> bool:
    return _SCRIPTS_OF_INSTALLERS.match(name) is not None


def _belongs_to_installer(top: str) -> bool:
    if top in _FILES_OF_INSTALLERS:
        return True
    stem, _, suffix = top.rpartition(".")
    if suffix not in ("dist-info", "egg-info"):
        return False
    return canonicalize_name(stem.partition("-")[0]) in _INSTALLERS
