"""The default index: the address that a published client library exports."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

_LIBRARY = "pypi_simple"
_CONSTANT = re.compile(r"""^PYPI_SIMPLE_ENDPOINT\b[^=]*=\s*(["'])(\S+?)\1\s*$""", re.MULTILINE)


def default_index() -> str:
    """The address, read from the library's source.

    To import the library would load the parsers that it stands on, which takes longer than a
    whole lock from the store does. That is done only where the source does not tell.
    """
    spec = find_spec(_LIBRARY)
    if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
        found = _CONSTANT.search(Path(spec.origin).read_text("utf-8"))
        if found is not None:
            return found[2]
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415 - see above

    return PYPI_SIMPLE_ENDPOINT
