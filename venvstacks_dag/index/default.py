"""The default index: the address that a published client library exports."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

_LIBRARY, _CONSTANT = "pypi_simple", "PYPI_SIMPLE_ENDPOINT"


def default_index() -> str:
    """The address, read from the library's source.

    To import the library would load the parsers that it stands on, which takes longer than a
    whole lock from the store does. That is done only where the source does not tell.
    """
    spec = find_spec(_LIBRARY)
    if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
        for node in ast.parse(Path(spec.origin).read_bytes()).body:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(address)))
                    | ast.AnnAssign(
                        target=ast.Name(id=name), value=ast.Constant(value=str(address))
                    )
                ) if name == _CONSTANT:
                    return address
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415 - see above

    return PYPI_SIMPLE_ENDPOINT
