"""The serial numbers of bills of materials, which show whether one was edited. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from venvstacks_dag.digest import sha256_json

# Serial numbers are UUIDs of content (RFC 9562, version 5) in a space of their own.
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:venvstacks-dag:bom")


def serial_number(bill: Mapping[str, Any]) -> str:
    """The URN of a bill, whatever number it has itself."""
    content = {key: value for key, value in bill.items() if key != "serialNumber"}
    return f"urn:uuid:{uuid.uuid5(_SPACE, sha256_json(content))}"
