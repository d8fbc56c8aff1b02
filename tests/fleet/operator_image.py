# SPDX-License-Identifier: Apache-2.0
"""The operator's image, built from the checkout by `make image`, on a Debian that debootstrap made.

It becomes a value as other images of the lab are: what differs from it in its configuration costs no build.
"""

import functools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab import roots
from lab.commands import run_logged
from lab.images import Image, native_architecture
from lab.places import cache, locked

ROOT = Path(__file__).parents[2]
_BASE, _BUILT = "localhost/debian", "localhost/registry-docker-updater"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


@functools.cache
def built() -> Image:
    """The image that the checkout makes. The first build on a machine takes some minutes, the next one seconds."""
    place = cache() / "operator-image"
    place.mkdir(parents=True, exist_ok=True)
    with locked(cache() / "operator-image.lock"):
        base = roots.provide("trixie", print, roots.BARE)
        _provide_base(place, base)
        # This machine's, which the way to the package index may need.
        given = place / "certificates"
        given.mkdir(exist_ok=True)
        shutil.copyfile(_CERTIFICATES, given / "all.crt")
        arguments = (
            *("--layers", "--isolation=chroot", "--network=host", f"--volume={given}:/mnt:ro"),
            *("--build-arg=PIP_CERT=/mnt/all.crt", f"--build-arg=BASE={_BASE}"),
        )
        make = ("make", "--no-print-directory", "-C", str(ROOT), "image", f"IMAGE={_BUILT}")
        builder = f"IMAGE_BUILDER={' '.join(_buildah(place))}"
        run_logged((*make, builder, f"IMAGE_ARGUMENTS={' '.join(arguments)}"), _log(place), timeout=1200)
        return _exported(place)


def variant(image: Image, **config: Any) -> Image:
    """The same image with these parts of its configuration in the place of its own."""
    document = json.loads(image.config)
    document["config"] = {**document["config"], **config}
    return replace(image, config=json.dumps(document).encode())


def _provide_base(place: Path, base: Path) -> None:
    """Make an image of a root, unless there is one of it."""
    done = place / f"base-{base.name}"
    if done.exists():
        return
    containerfile = place / "base.containerfile"
    containerfile.write_text("FROM scratch\nCOPY . /\n")
    arguments = ("build", "--isolation=chroot", f"--file={containerfile}", f"--tag={_BASE}", str(base))
    run_logged((*_buildah(place), *arguments), _log(place), timeout=300)
    done.touch()


def _exported(place: Path) -> Image:
    folder = place / "export"
    shutil.rmtree(folder, ignore_errors=True)
    run_logged((*_buildah(place), "push", "--format=v2s2", _BUILT, f"dir:{folder}"), _log(place), timeout=300)
    manifest = json.loads((folder / "manifest.json").read_text())

    def blob(descriptor: dict[str, Any]) -> bytes:
        return Path(folder, str(descriptor["digest"]).removeprefix("sha256:")).read_bytes()

    image = Image(
        native_architecture(), blob(manifest["config"]), tuple(blob(layer) for layer in manifest["layers"])
    )
    shutil.rmtree(folder)
    return image


def _buildah(place: Path) -> tuple[str, ...]:
    """It keeps what it makes in a place of its own, apart from the machine's other images."""
    return ("buildah", f"--root={place}/storage", f"--runroot={place}/run", "--storage-driver=overlay")


def _log(place: Path) -> str:
    return str(place / "build.log")
