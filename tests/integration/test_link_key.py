"""The key that links are signed with: made once, and for the operator alone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry_docker_updater.edges.link_key import LINK_KEY, link_key
from registry_docker_updater.errors import UpdaterError


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    key = link_key(tmp_path)
    assert len(key) == 32
    assert link_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / LINK_KEY).stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [LINK_KEY]


def test_who_asks_for_it_at_the_same_time_gets_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(link_key, [tmp_path] * 32))) == 1


def test_what_is_no_key_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / LINK_KEY).write_bytes(b"short")
    with pytest.raises(UpdaterError, match=r"links\.key is no key of 32 bytes; remove it"):
        link_key(tmp_path)
    with pytest.raises(UpdaterError, match=r"nowhere/links\.key cannot be read or made"):
        link_key(tmp_path / "nowhere")
