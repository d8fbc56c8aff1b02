"""The templates as Ansible renders them: the same as without it, nothing evaluated, and large messages in seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from integration.notification.conftest import unsafe
from integration.notification.rendering import LINK, ROLE, TEMPLATES, bundle, rendered, samples, words
from integration.notification.test_forms import HOSTILE, everywhere, message, outcome, rollout

pytestmark = pytest.mark.slow

_PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - ansible.builtin.copy:
        content: "{{ lookup('ansible.builtin.template', templates ~ item, template_vars={'message': notification_message | registry.docker_updater.notification_words(link)}) }}x"
        dest: "{{ folder }}/{{ item }}"
        mode: "0600"
      loop: "{{ names }}"
"""


def render(folder: Path, news: dict[str, Any], *names: str) -> dict[str, str]:
    """What Ansible makes of the templates, by name."""
    (folder / "play.yml").write_text(_PLAYBOOK)
    (folder / "vars.json").write_text(
        json.dumps(
            {
                "notification_message": unsafe(news),
                "templates": f"{ROLE}/templates/",
                "names": list(names),
                "folder": str(folder),
                "link": LINK,
            }
        )
    )
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *("-i", "localhost,", str(folder / "play.yml"), "-e", f"@{folder / 'vars.json'}"),
        ],
        env={**os.environ, "HOME": str(folder), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    # The `x` keeps a text that looks like JSON a text in every version of Ansible.
    return {name: (folder / name).read_text().removesuffix("x") for name in names}


def test_ansible_renders_a_hostile_message_as_plain_jinja_does_and_evaluates_none_of_it(
    tmp_path: Path,
) -> None:
    trap = tmp_path / "trap"
    text = " ".join(HOSTILE[:7]).replace("trap", str(trap)).replace("\ud800", "")
    news = everywhere(bundle(), text)

    made = render(tmp_path, news, *TEMPLATES)

    assert not trap.exists()
    said = words(news)
    for name in TEMPLATES:
        expected = rendered(name, said)
        if name.endswith(".json.j2"):
            assert json.loads(made[name]) == json.loads(expected)
        else:
            assert made[name].rstrip("\n") == expected.rstrip("\n")
    assert "{% for x in [1] %}FOUND{% endfor %}" in made["email.txt.j2"]


def test_the_samples_of_the_role_are_read_by_ansible_as_they_stand(tmp_path: Path) -> None:
    """Their hostile names are no templates there either."""
    play = tmp_path / "play.yml"
    tasks = [
        {"ansible.builtin.include_vars": str(ROLE / "vars" / "samples.yml")},
        {
            "ansible.builtin.copy": {
                "content": "{{ __notification_samples | to_json }}",
                "dest": str(tmp_path / "samples.json"),
                "mode": "0600",
            }
        },
    ]
    play.write_text(
        json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}])
    )
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(play)],
        env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_PYTHON_INTERPRETER": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "WARNING" not in done.stderr
    assert json.loads((tmp_path / "samples.json").read_text()) == samples()


def test_ten_thousand_targets_and_three_hundred_items_are_rendered_in_seconds(tmp_path: Path) -> None:
    targets = message(rollout(1, *(outcome(f"web{number}") for number in range(10_000))))
    items = message(*(rollout(number, *(outcome(f"web{n}") for n in range(5))) for number in range(300)))
    for news in (targets, items):
        begun = time.monotonic()
        made = render(tmp_path, news, "slack.json.j2")
        assert time.monotonic() - begun < 60
        assert "more: " in made["slack.json.j2"]
