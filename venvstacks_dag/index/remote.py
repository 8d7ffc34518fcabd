"""One index asked for one project: over the network with a cache, or in a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from packaging.utils import NormalizedName

from venvstacks_dag.digest import sha256_json
from venvstacks_dag.errors import IndexFault, MissingOffline, NetworkError
from venvstacks_dag.index.kept import KeptPage, kept_page
from venvstacks_dag.index.listing import Listing
from venvstacks_dag.index.local import folder_listing, with_local_digests
from venvstacks_dag.index.pages import ACCEPT, BrokenPage, UnusablePage, parse_page
from venvstacks_dag.index.sources import IndexReference
from venvstacks_dag.net import Downloader, Response, redact, without_login
from venvstacks_dag.net.model import BrokenAnswer
from venvstacks_dag.net.urls import is_file_url, path_of_url, url_of_path
from venvstacks_dag.store import Store

_KIND = "pages"
# "There is no such project" (PEP 503); everything else leaves open whether there is one.
_NOT_THERE = frozenset({404, 410})
_OTHERWISE = (
    "; if it answers so for packages that it does not have, make it explicit and bind its "
    "packages to it under [tool.uv.sources]"
)
_FIXES = {
    401: f"give its login in netrc or in its address{_OTHERWISE}",
    403: f"check whether its login may read the project{_OTHERWISE}",
}


class PageSource:
    """Listings of projects from indexes, and of whole find-links places."""

    def __init__(self, downloader: Downloader, store: Store, clock: Callable[[], float]) -> None:
        self._downloader = downloader
        self._store = store
        self._clock = clock
        self._unasked: set[str] = set()

    def project(self, index: IndexReference, name: NormalizedName) -> Listing | None:
        """What `index` lists for a project, or None where it says that it has no such project.

        A page without files counts as having the project (PEP 503 gives a project its page,
        and uv takes it so): the name is taken there, and asking further would let another
        index supply it. Raises `IndexFault`.
        """
        subject = f"the index cannot say what it has of {name}"
        if is_file_url(index.url):
            return self._from_folder(index, name, subject)
        return self._page(_below(index.url, name), subject, index.address)

    def place(self, url: str, name: NormalizedName) -> Listing | None:
        """What a find-links place lists (of a folder: for one project), or None if it is missing.

        Raises `IndexFault`.
        """
        if is_file_url(url):
            path = path_of_url(url)
            if path.is_dir():
                return folder_listing(path, name, self._store)
            if not path.is_file():
                return None
        subject = "a find-links page cannot be used"
        listing = self._page(url, subject, without_login(url))
        if listing is None:
            raise _fault(subject, url, "it is not there (HTTP status 404)", "check its address")
        return listing

    def _from_folder(
        self, index: IndexReference, name: NormalizedName, subject: str
    ) -> Listing | None:
        root = path_of_url(index.url)
        if not root.is_dir():
            raise _fault(subject, index.url, "there is no such folder", "check its path")
        folder: Path = root / name
        if not folder.is_dir():
            return None
        if (folder / "index.html").is_file():
            return self._page(url_of_path(folder / "index.html"), subject, index.address)
        return folder_listing(folder, name, self._store)

    def _page(self, url: str, subject: str, where: str) -> Listing | None:
        """The page at `url`, from the store while it is fresh; None where there is none."""
        key = sha256_json(without_login(url))
        on_disk = is_file_url(url)
        kept = None if on_disk else self._kept(key)
        if kept is not None and kept.is_fresh(self._clock()):
            self._unasked.add(key)
            return kept.listing
        headers = {"Accept": ACCEPT, **({} if kept is None else kept.validators())}
        try:
            answer, listing = self._asked(url, headers, subject, where)
        except MissingOffline:
            if kept is None:
                raise
            return kept.listing
        now = self._clock()
        if answer.status in _NOT_THERE:
            if not on_disk:
                # Never fresh: a project that appears must be seen at once, not be shadowed.
                gone = KeptPage(listing=None, fetched=now, fresh_until=now)
                self._store.keep(_KIND, key, gone.to_bytes())
            return None
        if answer.status == 304 and kept is not None:
            listing = kept.listing
        if listing is None:
            why = f"it answered with HTTP status {answer.status}"
            raise _fault(subject, where, why, _FIXES.get(answer.status, "check its address"))
        listing = with_local_digests(listing, self._store)
        new = None if on_disk else kept_page(listing, answer.headers, now)
        if new is not None:
            self._store.keep(_KIND, key, new.to_bytes())
        return listing

    def _asked(
        self, url: str, headers: Mapping[str, str], subject: str, where: str
    ) -> tuple[Response, Listing | None]:
        """The answer, and the listing where it is a page. Raises `IndexFault`."""
        listings: list[Listing] = []

        def check(answer: Response) -> None:
            if answer.status == 200:
                listings.append(_parsed(answer, subject, where))

        try:
            answer = self._downloader.get(url, headers=headers, check=check)
        except IndexFault:
            raise
        except NetworkError as error:
            raise _fault(subject, where, error.why or error.what, error.fix) from error
        return answer, listings[-1] if listings else None

    def _kept(self, key: str) -> KeptPage | None:
        data = self._store.cached(_KIND, key)
        return None if data is None else KeptPage.from_bytes(data)

    def distrust(self) -> None:
        """Have the pages that were used without asking asked for again, next time.

        What they led to has failed, and the reason may be that they are out of date.
        """
        for key in self._unasked:
            if (kept := self._kept(key)) is not None:
                self._store.keep(_KIND, key, replace(kept, fresh_until=kept.fetched).to_bytes())


def _parsed(answer: Response, subject: str, where: str) -> Listing:
    """The page of an answer. Raises `BrokenAnswer` or `IndexFault`."""
    try:
        return parse_page(answer.body, answer.headers.get("content-type", "text/html"), answer.url)
    except BrokenPage as error:
        raise BrokenAnswer(str(error)) from error
    except UnusablePage as error:
        raise _fault(
            subject,
            where,
            str(error),
            "check that the address is that of a simple repository (it often ends in /simple)",
        ) from error


def _below(url: str, name: NormalizedName) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}/"))


def _fault(subject: str, url: str, why: str, fix: str | None) -> IndexFault:
    return IndexFault(subject, where=redact(url), why=why, fix=fix)
