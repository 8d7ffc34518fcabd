"""HTML elements from plain values: whatever a text holds, it stays text. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from venvstacks_dag.errors import printable

Child = Element | str | None


def element(
    tag: str, *children: Child | Iterable[Child], **attributes: str | int | None
) -> Element:
    """An element. Attributes that are None are left out; ``_`` in their names stands for ``-``.

    A trailing ``_`` keeps names apart from Python's own words: ``class_``.
    """
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.rstrip("_").replace("_", "-"), printable(str(value)))
    for child in children:
        parts = [child] if isinstance(child, str | Element) or child is None else child
        for part in parts:
            _append(made, part)
    return made


def _append(parent: Element, child: Child) -> None:
    if isinstance(child, Element):
        parent.append(child)
    elif child is not None:
        text = printable(child)
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text


def document(root: Element) -> str:
    """A whole page: the library's serialiser escapes texts and attributes."""
    return f"<!DOCTYPE html>\n{tostring(root, encoding='unicode', method='html')}\n"
