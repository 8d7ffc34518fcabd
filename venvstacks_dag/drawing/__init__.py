"""The layers as Mermaid, DOT, JSON and HTML, and answers in words. Pure."""

from venvstacks_dag.drawing.as_json import answer_json, duplicates_json, graph_json
from venvstacks_dag.drawing.diagrams import dot, mermaid
from venvstacks_dag.drawing.libraries import libraries_json, libraries_text
from venvstacks_dag.drawing.page import page
from venvstacks_dag.drawing.words import answer_text, duplicates_text

__all__ = [
    "answer_json",
    "answer_text",
    "dot",
    "duplicates_json",
    "duplicates_text",
    "graph_json",
    "libraries_json",
    "libraries_text",
    "mermaid",
    "page",
]
