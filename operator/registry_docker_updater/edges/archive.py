"""The file of a backup: a compressed tar with a seal at its end, written as a whole or not at all, and read with suspicion.

The seal is the SHA-256 of all before it, as another member of gzip's, which whoever unpacks the file by hand never sees. The
check sums of gzip do not cover every byte of it.
"""

import gzip
import hashlib
import io
import os
import shutil
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from registry_docker_updater.core.audit.backups import (
    DESCRIPTION,
    LARGEST_DESCRIPTION,
    Backup,
    read_description,
    refused,
)
from registry_docker_updater.edges.workplaces import see_to_disk
from registry_docker_updater.errors import UpdaterError

_READ_TOGETHER = 2**20
# How every file of gzip begins (RFC 1952, 2.3.1).
_GZIP = b"\x1f\x8b"
_LEVEL = 6
# What is no backup, whatever it is: what reading it can end in.
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError)


class Archive:
    """An archive that is being written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        """Write into ``tar``."""
        self._tar = tar

    def add(self, name: str, file: IO[bytes]) -> None:
        """Add a file from where it is opened; raises :class:`OSError`."""
        found = os.fstat(file.fileno())
        self._add(name, found.st_size, found.st_mtime, file)

    def add_content(self, name: str, content: bytes, at: float) -> None:
        """Add a file of that content; raises :class:`OSError`."""
        self._add(name, len(content), at, io.BytesIO(content))

    def _add(self, name: str, size: int, at: float, file: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, int(at), 0o600
        self._tar.addfile(member, file)
        _forget_members(self._tar)


@contextmanager
def new_archive(path: Path, *, may_replace: bool) -> Iterator[Archive]:
    """Give an archive to add files to, which is whole at ``path`` in the end, or not there at all.

    It is for its owner alone. Raises :class:`UpdaterError` where it cannot be written, or, unless it ``may_replace`` that,
    where a file is there.
    """
    part = None
    try:
        _refuse_to_replace(path, may_replace)
        descriptor, part = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            sealed = _Sealed(file)
            with tarfile.TarFile(fileobj=sealed, mode="w", format=tarfile.GNU_FORMAT) as tar:
                yield Archive(tar)
            sealed.finish()
            file.flush()
            os.fsync(file.fileno())
        _refuse_to_replace(path, may_replace)
        Path(part).replace(path)
        part = None
        see_to_disk(path.parent)
    except OSError as error:
        raise UpdaterError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        if part:
            Path(part).unlink(missing_ok=True)


def is_sealed(path: Path) -> bool:
    """Tell whether every byte of an archive is as it was written; raises :class:`UpdaterError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            left = os.fstat(file.fileno()).st_size - len(_seal(hashlib.sha256()))
            digest = hashlib.sha256()
            while left > 0 and (some := file.read(min(left, _READ_TOGETHER))):
                digest.update(some)
                left -= len(some)
            return file.read() == _seal(digest)
    except OSError as error:
        raise UpdaterError(f"cannot read {path}: {error.strerror}") from None


def may_be_archive(path: Path) -> bool:
    """Tell whether a file can have been an archive before it was changed or cut; raises :class:`UpdaterError` where it cannot be read.

    It begins or ends like one, or is empty.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_GZIP))
            file.seek(max(os.fstat(file.fileno()).st_size - len(_seal(hashlib.sha256())), 0))
            return _GZIP in (start, file.read(len(_GZIP))) or not start
    except OSError as error:
        raise UpdaterError(f"cannot read {path}: {error.strerror}") from None


def described(path: Path) -> Backup:
    """Return what a backup says of itself; raises :class:`UpdaterError` where it cannot be read, or is none."""
    try:
        with tarfile.open(path, mode="r|gz") as tar:
            member = tar.next()
            first = tar.extractfile(member) if member and member.name == DESCRIPTION else None
            return read_description(first.read(LARGEST_DESCRIPTION) if first else b"")
    except (*_UNREADABLE, OSError) as error:
        raise UpdaterError(f"{path} is no backup, or was cut: {error}") from None


def unpack(path: Path, folder: Path) -> Iterator[str]:
    """Unpack what may be in a backup into an empty ``folder``, a file at a time; yield the name of each.

    Raises :class:`UpdaterError` at the first member that may not be, before anything of it is written.
    """
    try:
        with (
            path.open("rb") as file,
            gzip.GzipFile(fileobj=file) as unzipped,
            tarfile.open(fileobj=unzipped, mode="r|") as tar,
        ):
            is_first = True
            while (member := tar.next()) is not None:
                _refuse(path, member, folder, is_first=is_first)
                there = folder / member.name
                # Ours from the first on: tarfile would make them for all to read.
                for parent in reversed(there.relative_to(folder).parents):
                    (folder / parent).mkdir(mode=0o700, exist_ok=True)
                member.mode = 0o600
                tar.extract(member, folder, filter="data")
                see_to_disk(there)
                _forget_members(tar)
                is_first = False
                yield member.name
    except _UNREADABLE as error:
        raise UpdaterError(f"{path} is no backup, or was cut: {error}") from None
    except OSError as error:
        raise UpdaterError(f"cannot unpack {path} into {folder.parent}: {error.strerror or error}") from None


def _refuse(path: Path, member: tarfile.TarInfo, folder: Path, *, is_first: bool) -> None:
    is_file = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
    is_there = os.path.lexists(folder / member.name)
    why = refused(member.name, member.size, is_file=is_file, is_first=is_first, is_there=is_there)
    if why:
        raise UpdaterError(f"{path} is refused: {why}")
    if member.size > shutil.disk_usage(folder).free:
        raise UpdaterError(f"there is no room in {folder.parent} for {member.name}, of {member.size:,} bytes")


def _forget_members(tar: tarfile.TarFile) -> None:
    """Keep in memory none of those that are done with."""
    tar.members = []  # type: ignore[attr-defined]


def _refuse_to_replace(path: Path, may_replace: bool) -> None:  # noqa: FBT001 - handed on
    if os.path.lexists(path) and not may_replace:
        raise UpdaterError(f"{path} is there already; --force replaces it")


def _seal(digest: "hashlib._Hash") -> bytes:
    """Return a member of gzip's that holds a digest, uncompressed: of one digest, always the same bytes."""
    text = digest.hexdigest().encode()
    stored = struct.pack("<BHH", 1, len(text), 0xFFFF ^ len(text)) + text
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored + struct.pack("<II", zlib.crc32(text), len(text))


class _Sealed(io.RawIOBase):
    """Compresses what is written, writes that to a file, and the seal at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest, self._count = file, hashlib.sha256(), 0
        self._compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self._put(self._compress.compress(data))
        self._count += len(data)
        return len(data)

    def tell(self) -> int:
        return self._count

    def finish(self) -> None:
        self._put(self._compress.flush())
        self._file.write(_seal(self._digest))

    def _put(self, compressed: bytes) -> None:
        self._digest.update(compressed)
        self._file.write(compressed)
