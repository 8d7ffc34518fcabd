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
            if isinstance(node, ast.AnnAssign | ast.Assign) and _is_it(node):
                if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                    return node.value.value
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415 - see above

    return PYPI_SIMPLE_ENDPOINT


def _is_it(node: ast.AnnAssign | ast.Assign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == _CONSTANT for target in targets)
