"""The examples in the READMEs of the roles, as somebody pastes them into a folder of their own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ROLES = tuple(sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "README.md").exists()))

_BLOCK = re.compile(r"^```yaml\n(# ([a-z-]+\.yml).*?)^```$", re.MULTILINE | re.DOTALL)


def paste(role: str, folder: Path) -> list[Path]:
    """Write each example of a role's README as the file that its first line names; return the plays among them."""
    readme = (ROOT / "roles" / role / "README.md").read_text()
    for content, name in _BLOCK.findall(readme):
        (folder / name).write_text(content)
    return [
        folder / name
        for content, name in _BLOCK.findall(readme)
        if f"ansible-playbook -i INVENTORY {name}" in content
    ]


def run_play(play: Path, inventory: dict[str, Any], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a play of a shop's own with the collection, and nothing else of ours: neither our ansible.cfg nor our folders."""
    hosts = play.with_name("hosts.json")
    hosts.write_text(json.dumps(inventory))
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(hosts), str(play), *arguments],
        cwd=play.parent,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
