"""A topic of Amazon SNS, which signs what it sends, and waits to be told that somebody wants it.

From Amazon SNS's developer guide, "Verifying the signatures of Amazon SNS messages" and "Subscribing an HTTPS endpoint":
which fields are signed, in which order, that the certificate is to come from SNS itself, and that a subscription is
confirmed by asking for its ``SubscribeURL``.
"""

import base64
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.pushes import Malformed
from registry_docker_updater.edges.identity.keys import Keys
from registry_docker_updater.edges.web import NoReply, Web

_log = logging.getLogger(__name__)
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_CERTIFICATE = re.compile(r"SimpleNotificationService-[0-9a-f]{32}\.pem")
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - SNS's own
# After a failure to confirm a subscription; SNS gives three days for it.
_PAUSES_SECONDS = (2.0, 10.0, 60.0, 600.0)
_MOST_CONFIRMING = 4
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]


class TopicIdentity:
    """The topic with the name ``topic``, an ARN. Safe for use by several threads."""

    is_signed = True
    proven_by = "signature (sns_topic)"

    def __init__(
        self, topic: str, keys: Keys, web: Web, wait: Callable[[float], object] = time.sleep
    ) -> None:
        """Take certificates from ``keys``, by :func:`read_certificate`; confirm subscriptions by ``web``.

        ``wait`` is called between two tries, with seconds.
        """
        self._topic, self._keys, self._web, self._wait = topic, keys, web, wait
        _, partition, _, region, *_ = topic.split(":")
        domain = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
        # Nothing is asked but the SNS whose topic it is.
        self._sns = f"https://sns.{region}.{domain}/"
        self._lock, self._asking = threading.Lock(), threading.Lock()
        self._confirming: set[str] = set()

    def prepare(self) -> None:
        """Do nothing: each message says by which certificate it is signed."""

    def proves(self, delivery: Delivery) -> bool:
        """Tell whether the topic signed a message; raises :class:`NotKnownYet`."""
        return self._message(delivery) is not None

    def welcome(self, delivery: Delivery) -> None:
        """Confirm the subscription where the topic asks for that, beside what goes on; raises :class:`NotKnownYet`.

        It asks once, so it is tried several times.
        """
        if b"SubscriptionConfirmation" not in delivery.body:
            return
        message = self._message(delivery)
        url = message["SubscribeURL"] if message and message["Type"] == "SubscriptionConfirmation" else ""
        with self._lock:
            if (
                not url.startswith(self._sns)
                or url in self._confirming
                or len(self._confirming) >= _MOST_CONFIRMING
            ):
                return
            self._confirming.add(url)
        threading.Thread(target=self._confirm, args=(url,), name="confirm", daemon=True).start()

    def _message(self, delivery: Delivery) -> Mapping[str, str] | None:
        # A stranger's body is not worth the time of its parsing.
        if self._topic.encode() not in delivery.body:
            return None
        try:
            message = delivery.content
        except Malformed:
            return None
        if not isinstance(message, dict) or message.get("TopicArn") != self._topic:
            return None
        text = to_sign(message)
        url, algorithm = message.get("SigningCertURL"), _HASHES.get(str(message.get("SignatureVersion")))
        if text is None or algorithm is None or not isinstance(url, str):
            return None
        if not url.startswith(self._sns) or not _CERTIFICATE.fullmatch(url.removeprefix(self._sns)):
            return None
        certificate = self._keys.key(url, "")
        is_right = certificate is not None and _is_signed_by(
            certificate, message.get("Signature"), text, algorithm
        )
        return message if is_right else None

    def _confirm(self, url: str) -> None:
        try:
            for pause in (*_PAUSES_SECONDS, None):
                try:
                    with self._asking:
                        status = self._web.ask("GET", url, {"User-Agent": "registry-docker-updater"}).status
                    why = f"it answers {status}"
                except NoReply as error:
                    status, why = 0, str(error)
                if status == 200:
                    _log.info("subscribed to %s", self._topic)
                    return
                after = (
                    f"in {pause:.0f} seconds it is tried again"
                    if pause
                    else "confirm it by hand, or subscribe again"
                )
                _log.error("cannot confirm the subscription to %s: %s; %s", self._topic, why, after)
                self._wait(pause or 0)
        finally:
            with self._lock:
                self._confirming.discard(url)


def to_sign(message: Mapping[str, Any]) -> bytes | None:
    """Return the text of a message that SNS signs; None where it is no message of SNS."""
    names = _SIGNED.get(str(message.get("Type")))
    if names is None:
        return None
    present = [name for name in names if name != "Subject" or message.get(name) is not None]
    if not all(isinstance(message.get(name), str) for name in present):
        return None
    return "".join(f"{name}\n{message[name]}\n" for name in present).encode("utf-8", "replace")


def read_certificate(body: bytes) -> Mapping[str, x509.Certificate]:
    """Return the certificate of SNS in PEM, under the empty name; raises :class:`ValueError` where it is none."""
    certificate = x509.load_pem_x509_certificate(body)
    if not isinstance(certificate.public_key(), rsa.RSAPublicKey):
        raise ValueError("its key is not of RSA")
    return {"": certificate}


def _is_signed_by(
    certificate: x509.Certificate, signature: Any, text: bytes, algorithm: hashes.HashAlgorithm
) -> bool:
    now, key = datetime.now(UTC), certificate.public_key()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return False
    try:
        given = base64.b64decode(signature, validate=True)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(given, text, padding.PKCS1v15(), algorithm)
            return True
    except (InvalidSignature, TypeError, ValueError):
        pass
    return False
