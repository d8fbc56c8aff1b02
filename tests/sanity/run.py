"""Run ``ansible-test sanity`` on the collection as it is built; the environments that it makes stay in ``.venv/sanity``.

What it says of a file that is as we want it stands in ``ignore-VERSION.txt``, each with the reason.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".venv/sanity"
BESIDE = Path(sys.executable).parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# It would download a script that puts pip into an empty environment. Python brings one along.
PIP = "import ensurepip\nensurepip.bootstrap()\n"


def main() -> int:
    """Build, unpack, and run what the command line names: all tests by default. Return the exit code."""
    version = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"]
    script = HOME / f".ansible/test/cache/get_pip_{version.replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(PIP)
    environment = {**os.environ, "HOME": str(HOME), "PATH": f"{BESIDE}:{os.environ['PATH']}"}
    # Outside of the checkout: what git ignores would not be looked at.
    with tempfile.TemporaryDirectory() as place:
        build = ["ansible-galaxy", "collection", "build", "--output-path", place, str(ROOT)]
        subprocess.run(build, env=environment, check=True, stdout=subprocess.DEVNULL)
        (built,) = Path(place).glob("*.tar.gz")
        collection = Path(place, "ansible_collections/registry/docker_updater")
        with tarfile.open(built) as archive:
            archive.extractall(collection, filter="data")
        shutil.copytree(
            ROOT / "tests/sanity", collection / "tests/sanity", ignore=shutil.ignore_patterns("*.py*")
        )
        command = ["ansible-test", "sanity", "--color", "no", "--python", PYTHON, *sys.argv[1:]]
        return subprocess.run(command, cwd=collection, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
