"""What is new in a lock: told once it changed, kept while it stays, and an input of nothing."""

from __future__ import annotations

from typing import Any

from venvstacks_dag.tasks.news import news_since, with_news


def facts(content: str, **versions: str) -> dict[str, Any]:
    """The facts of a lock; of a version, the digest follows unless it is given (``1.0+b``)."""
    pins = [
        {"name": name, "version": text.partition("+")[0], "sha256": text}
        for name, text in versions.items()
    ]
    return {"content": content, "wheels": {"linux_x86_64": pins, "win_amd64": pins[:1]}}


OLD = facts("1", numpy="1.0", pandas="2.0", same="1")
NEW = facts("2", numpy="2.0", extra="1.0", same="1")


def test_versions_of_what_changed_are_told() -> None:
    found = with_news(OLD, NEW)
    assert news_since(found, "1") == {
        "extra": [None, "1.0"],
        "numpy": ["1.0", "2.0"],
        "pandas": ["2.0", None],
    }
    assert news_since(found, "0") == {}, "of other locks nothing is known"
    assert {name: found[name] for name in NEW} == NEW


def test_another_file_of_the_same_version_is_news() -> None:
    found = with_news(OLD, facts("2", numpy="1.0+b", pandas="2.0", same="1"))
    assert news_since(found, "1") == {"numpy": ["1.0", "1.0"]}


def test_platforms_may_have_versions_of_their_own() -> None:
    new = facts("2", numpy="2.0", pandas="2.0", same="1")
    new["wheels"]["win_amd64"] = [{"name": "numpy", "version": "1.0", "sha256": "1.0"}]
    assert news_since(with_news(OLD, new), "1") == {"numpy": ["1.0", "1.0, 2.0"]}


def test_news_stay_while_the_lock_does() -> None:
    found = with_news(OLD, NEW)
    again = with_news(found, NEW)
    assert news_since(again, "1") == news_since(found, "1")
    assert with_news(NEW, NEW) == NEW


def test_first_locks_and_other_stages_have_no_news() -> None:
    assert with_news(None, NEW) == NEW
    assert with_news({"tree": "0"}, {"tree": "1"}) == {"tree": "1"}
    assert news_since(NEW, "1") == {}
