# SPDX-License-Identifier: Apache-2.0
"""The HTTP API of a registry, as far as a lab needs it: push, retag, delete, look up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests

from lab.errors import LabError
from lab.images import INDEX, MANIFEST, Image, digest_of, index

_OCI = "application/vnd.oci.image"
_ACCEPTED = f"{MANIFEST}, {INDEX}, {_OCI}.manifest.v1+json, {_OCI}.index.v1+json"
_TIMEOUT = 10


@dataclass(frozen=True)
class RegistryClient:
    """A registry at `address` ("host:port", plain HTTP), as nobody or as a user."""

    address: str
    username: str = ""
    password: str = ""

    def push(self, repository: str, tag: str, image: Image) -> str:
        """Push an image and return its digest. Raises `LabError` if the registry refuses anything."""
        self._push_blobs(repository, image)
        return self._put_manifest(repository, tag, image.manifest, MANIFEST)

    def push_index(self, repository: str, tag: str, images: Mapping[str, Image]) -> str:
        """Push an index of images by platform ("linux/amd64"), and the images; return its digest."""
        for image in images.values():
            self._push_blobs(repository, image)
            self._put_manifest(repository, image.digest, image.manifest, MANIFEST)
        return self._put_manifest(repository, tag, index(images), INDEX)

    def retag(self, source: str, tag: str, target: str, target_tag: str | None = None) -> str:
        """Give what `source:tag` is also the name `target:target_tag`, and return its digest.

        Nothing is uploaded: blobs are mounted from one repository into the other. Without a
        `target_tag` the tag stays.
        """
        return self._copy_manifest(source, tag, target, target_tag or tag)

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest a tag has now, or none if there is no such tag."""
        found = self._call("HEAD", f"{repository}/manifests/{tag}", {200, 404}, headers={"Accept": _ACCEPTED})
        return found.headers["Docker-Content-Digest"] if found.status_code == 200 else None

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest, and with it every tag it has."""
        self._call("DELETE", f"{repository}/manifests/{digest}", {202})

    def answers(self) -> bool:
        """Tell if a registry answers at the address, be it by asking for a password."""
        try:
            return self._ask("GET", f"http://{self.address}/v2/", timeout=2).status_code in {200, 401}
        except requests.RequestException:
            return False

    def _push_blobs(self, repository: str, image: Image) -> None:
        for blob in (image.config, *image.layers):
            digest = digest_of(blob)
            there = self._call("HEAD", f"{repository}/blobs/{digest}", {200, 404}).status_code == 200
            if not there:
                begun = self._call("POST", f"{repository}/blobs/uploads/", {202})
                self._call("PUT", begun.headers["Location"], {201}, params={"digest": digest}, data=blob)

    def _copy_manifest(self, source: str, reference: str, target: str, target_reference: str) -> str:
        found = self._call("GET", f"{source}/manifests/{reference}", {200}, headers={"Accept": _ACCEPTED})
        media_type, document = found.headers["Content-Type"], json.loads(found.content)
        for entry in document.get("manifests", ()):
            self._copy_manifest(source, entry["digest"], target, entry["digest"])
        for entry in (*filter(None, (document.get("config"),)), *document.get("layers", ())):
            mount = {"mount": entry["digest"], "from": source}
            self._call("POST", f"{target}/blobs/uploads/", {201}, params=mount)
        return self._put_manifest(target, target_reference, found.content, media_type)

    def _put_manifest(self, repository: str, reference: str, manifest: bytes, media_type: str) -> str:
        headers = {"Content-Type": media_type}
        self._call("PUT", f"{repository}/manifests/{reference}", {201}, data=manifest, headers=headers)
        return digest_of(manifest)

    def _call(
        self,
        method: str,
        path: str,
        expected: set[int],
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url = urljoin(f"http://{self.address}/v2/", path)
        credentials = (self.username, self.password) if self.username else None
        try:
            answer = self._ask(
                method, url, params=params, data=data, headers=headers, auth=credentials, timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            raise LabError(f"registry {self.address}: {error}") from error
        if answer.status_code not in expected:
            raise LabError(f"{method} {url}: {answer.status_code} {answer.text[:500]}")
        return answer

    def _ask(self, method: str, url: str, **options: Any) -> requests.Response:
        with requests.Session() as session:
            # No proxy leads to a lab; and the environment is not to be read while another thread changes it.
            session.trust_env = False
            return session.request(method, url, **options)
