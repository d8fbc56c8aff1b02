# SPDX-License-Identifier: Apache-2.0
"""Images without a pull: one static busybox, a file /version, and any configuration.

An image is a value. The same content gives the same digest, today and tomorrow: nothing in it depends on
the time, and the file system is in two layers, of which the large one is the same for all.
"""

import functools
import gzip
import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_BUSYBOX = Path("/bin/busybox")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}

# Ends at once when told to: a shell that sleeps in the foreground would not, and costs ten seconds each time.
SLEEP = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def native_architecture() -> str:
    """This machine's architecture, as Docker calls it."""
    machine = platform.machine()
    return _MACHINES.get(machine, machine)


@dataclass(frozen=True)
class Image:
    """An image: the bytes of its configuration and of its compressed layers."""

    architecture: str
    config: bytes
    layers: tuple[bytes, ...]

    @property
    def manifest(self) -> bytes:
        return _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _descriptor(_CONFIG, self.config),
                "layers": [_descriptor(_LAYER, layer) for layer in self.layers],
            }
        )

    @property
    def digest(self) -> str:
        """The digest of the manifest: what a push of this image gives."""
        return digest_of(self.manifest)


def build(
    version: str = "1", config: Mapping[str, Any] | None = None, *, architecture: str | None = None
) -> Image:
    """Make an image with `version` in the file /version, in the label `version` and in $VERSION.

    `config` is as in an image's JSON: Env (added to ours), Cmd, Entrypoint, Labels, Healthcheck (times in
    nanoseconds), Volumes, ExposedPorts, User, WorkingDir, StopSignal… Without Cmd and Entrypoint the image
    sleeps until it is stopped. Another architecture is one by name only: the program stays this machine's.
    """
    layers = (_busybox_layer(), _layer({"version": f"{version}\n".encode()}))
    given = dict(config or {})
    merged = {
        **({} if "Cmd" in given or "Entrypoint" in given else {"Cmd": ["/bin/sh", "-c", SLEEP]}),
        **given,
        "Env": ["PATH=/bin", f"VERSION={version}", *given.get("Env", ())],
        "Labels": {"version": version, **given.get("Labels", {})},
    }
    architecture = architecture or native_architecture()
    document = {
        "architecture": architecture,
        "os": "linux",
        "created": "2000-01-01T00:00:00Z",
        "config": merged,
        "rootfs": {"type": "layers", "diff_ids": [digest_of(gzip.decompress(layer)) for layer in layers]},
        "history": [{"created_by": "busybox"}, {"created_by": f"version {version}"}],
    }
    return Image(architecture, _json(document), layers)


def index(images: Mapping[str, Image]) -> bytes:
    """The index of images by platform ("linux/amd64")."""
    entries = []
    for name, image in images.items():
        os_name, architecture = name.split("/", 1)
        where = {"os": os_name, "architecture": architecture}
        entries.append({**_descriptor(MANIFEST, image.manifest), "platform": where})
    return _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})


def good(version: str, config: Mapping[str, Any] | None = None) -> Image:
    """Sleeps until it is stopped, and stops at once."""
    return build(version, config)


def crashing(version: str, config: Mapping[str, Any] | None = None) -> Image:
    """Exits with 1 as soon as it is started."""
    return build(version, {**(config or {}), "Cmd": ["/bin/sh", "-c", "echo cannot work >&2; exit 1"]})


def healthy(version: str, config: Mapping[str, Any] | None = None) -> Image:
    """Is found healthy about a second after its start."""
    return build(version, {**(config or {}), "Healthcheck": _healthcheck("true")})


def never_healthy(version: str, config: Mapping[str, Any] | None = None) -> Image:
    """Runs, and is found unhealthy about two seconds after its start."""
    return build(version, {**(config or {}), "Healthcheck": _healthcheck("echo not well; exit 1", retries=2)})


def slow(version: str, seconds: int, config: Mapping[str, Any] | None = None) -> Image:
    """Is "starting" for `seconds`, and healthy after that."""
    command = f"(sleep {seconds}; : > /tmp/ready) & {SLEEP}"
    check = _healthcheck("test -e /tmp/ready", start_period=seconds + 60)
    return build(version, {**(config or {}), "Cmd": ["/bin/sh", "-c", command], "Healthcheck": check})


def _healthcheck(command: str, *, retries: int = 1, start_period: int = 0) -> dict[str, Any]:
    second = 10**9
    return {
        "Test": ["CMD-SHELL", command],
        "Interval": second,
        "Timeout": 5 * second,
        "StartPeriod": start_period * second,
        "Retries": retries,
    }


@functools.cache
def _busybox_layer() -> bytes:
    try:
        applets = subprocess.run([_BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout
        program = _BUSYBOX.read_bytes()
    except OSError as error:
        raise LabError(f"no {_BUSYBOX}: `python -m lab setup` installs a static one") from error
    links = {f"bin/{name}": "busybox" for name in sorted(applets.split()) if name != "busybox"}
    return _layer({"bin/busybox": program, "tmp/.keep": b""}, links=links)


def _layer(files: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """A compressed layer with programs and links, the same bytes for the same content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for folder in sorted({name.rpartition("/")[0] for name in files} - {""}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return gzip.compress(buffer.getvalue(), compresslevel=6, mtime=0)


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(content), "digest": digest_of(content)}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
