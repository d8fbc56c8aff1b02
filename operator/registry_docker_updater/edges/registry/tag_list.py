"""The tags of a repository, page by page, as the OCI distribution specification has them ("Listing tags").

Distribution 2 gives all on one page whatever is asked for, others no more on a page than they like; some say ``null`` where
there is no tag. An order is no registry's promise.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json

from registry_docker_updater.core.references import is_tag
from registry_docker_updater.edges.web import Reply
from registry_docker_updater.errors import RepositoryUnavailable

_ON_A_PAGE, _MOST_PAGES = 1000, 500
_MOST_TAGS = 10_000
_LONGEST_QUERY = 2000
_NEXT = re.compile(r"""<([^<>]*)>[^,<]*;\s*rel="?next\b""", re.IGNORECASE)


def tag_pages(ask: Callable[[str], Reply], what: str) -> Iterator[tuple[str, ...]]:
    """Yield the tags, page by page; ``ask`` asks for the page of a query, and ``what`` names whose tags they are.

    A repository that is not there has none. Raises what ``ask`` does, and :class:`RepositoryUnavailable` where the answer is
    no list, or one that is too long: of a part of it, nobody could tell which tag is the newest.
    """
    query, asked, count = f"n={_ON_A_PAGE}", set[str](), 0
    while query:
        if query in asked or len(asked) == _MOST_PAGES:
            raise RepositoryUnavailable(f"{what} come on pages without an end")
        asked.add(query)
        reply = ask(query)
        if reply.status == 404:
            return
        tags = tags_in(reply.body) if reply.status == 200 else None
        if tags is None:
            raise RepositoryUnavailable(f"{what} are not told: the answer is {reply.status} and no list")
        count += len(tags)
        if count > _MOST_TAGS:
            raise RepositoryUnavailable(
                f"{what} are more than {_MOST_TAGS}: of new ones that are followed, only events tell; remove old tags to have"
                f" the list asked for, too"
            )
        yield tags
        query = next_query(", ".join(reply.headers.getlist("Link")))


def tags_in(body: bytes) -> tuple[str, ...] | None:
    """Read a page of tags; None where ``body`` is none. What is no tag is left out."""
    with contextlib.suppress(ValueError):
        content = decode_json(body)
        is_page = isinstance(content, dict) and ("tags" in content or "name" in content)
        tags = (content.get("tags") or []) if is_page else None
        if isinstance(tags, list):
            return tuple(tag for tag in tags if is_tag(tag))
    return None


def next_query(link: str) -> str:
    """Return the query of the next page, of what ``Link`` says; nothing where there is none.

    Only the query counts: nobody is sent to another server or path, and one behind a proxy need not know its own address.
    """
    found = _NEXT.search(link)
    with contextlib.suppress(ValueError):
        query = urlsplit(found[1]).query if found else ""
        return query if query.isascii() and query.isprintable() and len(query) <= _LONGEST_QUERY else ""
    return ""
