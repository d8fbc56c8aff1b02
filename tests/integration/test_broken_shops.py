"""What a shop's hosts and ansible.cfg break, by the real Ansible: each is told with its cause, and nothing is silent."""

from dataclasses import replace

import pytest

from integration.conftest import Site, by_hand
from integration.shops import Shop
from registry_docker_updater.activities.discovery import NobodyAsked, discover
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.runs import reasons
from registry_docker_updater.errors import UpdaterError
from unit.builders import HOST

pytestmark = pytest.mark.slow

SHIM = r"""#!/bin/sh
printf '\033[31mpyenv: python3.11: command not found\033[0m\n\nThe `python3.11` command exists in: 3.11.4\n' >&2
exit 127
"""
# What Python 3.6 says, after the lines of its source.
OLD = r"""#!/bin/sh
printf '  File "x.py", line 3\n    password="hunter2"\nSyntaxError: future feature annotations is not defined\n' >&2
exit 1
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (None, "not found"),
        (SHIM, "pyenv: python3.11: command not found The `python3.11` command exists in: 3.11.4"),
        (OLD, "SyntaxError: future feature annotations is not defined"),
        ("#!/bin/sh\n", "No start of json char found"),
    ],
)
def test_a_host_without_a_python_that_serves_is_told_by_what_it_printed_and_with_the_remedy(
    shop: Shop, program: str | None, said: str
) -> None:
    interpreter = shop.folder / "python"
    if program:
        interpreter.write_text(program)
        interpreter.chmod(0o755)
    shop.write(
        "ping",
        f"    - ansible.builtin.ping:\n      vars: {{ansible_python_interpreter: {interpreter}}}\n",
    )
    (failed,) = shop.run("ping").results
    reason = reasons.of_result(failed.result)
    assert said in reason
    assert "ansible_python_interpreter" in reason
    assert "hunter2" not in reason
    assert reason.isprintable()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[defaults\nforks = 5\n", "File contains no section headers"),
        ("[defaults]\nforks\n", "Error reading config file"),
        ("[defaults]\nforks = many\n", "many"),
        ("[defaults]\nforks = 0\n", "(--forks) must be >= 1"),
        ("[defaults]\nlocal_tmp = /proc/none\n", "Unable to create local directories"),
    ],
)
def test_a_broken_ansible_cfg_is_told_with_its_cause(shop: Shop, content: str, said: str) -> None:
    (shop.folder / "ansible.cfg").write_text(content)
    shop.write("discover", "    - ansible.builtin.debug: {msg: hello}\n")
    with pytest.raises(NobodyAsked, match="before any host answered") as refused:
        discover(shop.playbooks, shop.runs, "all", utc_now)
    assert said in str(refused.value)
    with pytest.raises(UpdaterError) as unlisted:
        shop.playbooks.hosts("all")
    assert said in str(unlisted.value) or "forks = 0" in content


def test_a_comment_in_another_encoding_breaks_nothing(shop: Shop) -> None:
    (shop.folder / "ansible.cfg").write_bytes("# für alle\n[defaults]\nforks = 5\n".encode("latin-1"))
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n")
    assert [one.result for one in shop.run("hello").results] == [{"msg": "hello"}]


@pytest.mark.parametrize("tags", ["run = deploy", "skip = all", "skip = always,all", "run = never"])
def test_tags_in_an_ansible_cfg_leave_out_nothing_of_ours(shop: Shop, tags: str) -> None:
    (shop.folder / "ansible.cfg").write_text(f"[tags]\n{tags}\n[defaults]\ndisplay_ok_hosts = no\n")
    shop.environment |= {"ANSIBLE_RUN_TAGS": "deploy", "ANSIBLE_SKIP_TAGS": "all"}
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n")
    assert [one.result for one in shop.run("hello").results] == [{"msg": "hello"}]


@pytest.mark.parametrize("hosts", ["all", ("one", "two")])
def test_a_scan_that_nobody_answered_is_an_error_however_well_it_ended(
    shop: Shop, hosts: str | tuple[str, ...]
) -> None:
    shop.write("discover", "    - ansible.builtin.debug: {msg: hello}\n      when: false\n")
    with pytest.raises(NobodyAsked, match="without asking any host"):
        discover(shop.playbooks, shop.runs, hosts, utc_now)


def test_a_rollout_that_nobody_answered_says_so(shop: Shop) -> None:
    shop.write("update", "    - ansible.builtin.set_fact: {nothing: to be told}\n")
    ended = shop.run("update")
    assert ended.status == "successful"
    assert "without asking any host" in (ended.refusal or "")
    assert replace(ended, status="canceled").refusal is None


@pytest.mark.parametrize("tags", ["run = deploy", "skip = deploy"])
def test_tags_in_an_ansible_cfg_leave_out_nothing_by_hand(site: Site, tags: str) -> None:
    site.add_host("one", f"{HOST}/test/app:1")
    (site.folder / "ansible.cfg").write_text(f"[tags]\n{tags}\n")
    done = by_hand(site, "discover.yml")
    assert "Keep what was found" in done.stdout, done.stdout + done.stderr
