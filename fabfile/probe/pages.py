"""What a page needs to be seen: images, scripts and style sheets of its own site."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

# https://html.spec.whatwg.org/multipage/links.html#linkTypes: those that a browser fetches by itself.
FETCHED_LINKS = frozenset({"stylesheet", "icon", "manifest", "preload", "modulepreload"})


def assets(html: str, page: str) -> tuple[str, ...]:
    """Return the paths, with their queries, of what the page at the URL `page` loads from its own origin."""
    parser = _Assets()
    parser.feed(html)
    found = (same_origin(page, link) for link in parser.links)
    return tuple(dict.fromkeys(path for path in found if path))


def same_origin(page: str, link: str) -> str:
    """Return the path of `link` on the origin of the URL `page`; "" when it leads elsewhere."""
    try:
        here, there = urlsplit(page), urlsplit(urljoin(page, link.strip()))
    except ValueError:  # a broken link is not a reason to stop probing
        return ""
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return ""
    path = there.path or "/"
    return f"{path}?{there.query}" if there.query else path


class _Assets(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"img", "script"} and given.get("src"):
            self.links.append(given["src"])
        rel = set(given.get("rel", "").lower().split())
        if tag == "link" and given.get("href") and rel & FETCHED_LINKS:
            self.links.append(given["href"])
