"""What the door takes of the settings: who may send events and who may read, and the certificate."""

from collections.abc import Mapping
from datetime import datetime

from cryptography.x509 import load_pem_x509_certificates

from registry_docker_updater.clock import steady_clock
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.edges.identity.keys import Keys
from registry_docker_updater.edges.identity.oidc import TokenIdentity, read_keys
from registry_docker_updater.edges.identity.sns import TopicIdentity, read_certificate
from registry_docker_updater.edges.web import Web
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.access import Access, Proxy, Right, Token
from registry_docker_updater.http.entrance import Certificate
from registry_docker_updater.http.guard import Identity, Source
from registry_docker_updater.settings.model import Settings
from registry_docker_updater.settings.registry import Registry

Identities = dict[str, Identity]


def sources(settings: Settings, identities: Identities | None = None) -> Mapping[str, Source]:
    """Return the registries that may send; raises :class:`UpdaterError`.

    Of ``identities`` those are used that are the same, with the keys that they have; others are put there.
    """
    known: Identities = {} if identities is None else identities
    try:
        return {
            name: Source(
                name=name,
                sender=FORMATS[registry.format],
                secrets=registry.secrets,
                networks=registry.networks,
                is_open=registry.insecure,
                can_be_asked=registry.sweep_interval is not None,
                verify=registry.verify is not False,
                identity=_identity(registry, known),
            )
            for name, registry in settings.registries.items()
        }
    except ValueError as error:
        raise UpdaterError(f"registries: {error}") from None


def _identity(registry: Registry, known: Identities) -> Identity | None:
    if registry.oidc:
        expected = registry.oidc.expected
        keys = Keys(Web(), read_keys, steady_clock())
        return known.setdefault(repr(expected), TokenIdentity(expected, keys))
    if registry.sns_topic:
        keys = Keys(Web(), read_certificate, steady_clock())
        return known.setdefault(registry.sns_topic, TopicIdentity(registry.sns_topic, keys, Web()))
    return None


def access(settings: Settings) -> Access:
    """Return who may see what is known; raises :class:`UpdaterError`."""
    given = settings.listen.access
    if given is None:
        return Access()
    try:
        tokens = [
            Token(one.name or f"token {number} of listen.access.{name}", one.read(), right)
            for name, right, some in (
                ("read", Right.READ, given.read),
                ("operate", Right.OPERATE, given.operate),
            )
            for number, one in enumerate(some, start=1)
        ]
    except ValueError as error:
        raise UpdaterError(f"listen.access: {error}") from None
    asking = given.proxy
    proxy = Proxy(asking.header, asking.networks, asking.operators) if asking else None
    return Access(tokens, proxy, given.names)


def certificate_ends(settings: Settings) -> datetime | None:
    """Return when the certificate ends that TLS is served with, where it is; raises :class:`UpdaterError`."""
    tls = settings.listen.tls
    if tls is None:
        return None
    try:
        return load_pem_x509_certificates(tls.certificate.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError) as error:
        raise UpdaterError(f"listen.tls.certificate: {error}") from None


def certificate(settings: Settings) -> Certificate | None:
    """Return what TLS is served with, where it is."""
    tls = settings.listen.tls
    if tls is None:
        return None
    return Certificate(str(tls.certificate), str(tls.key), str(tls.clients) if tls.clients else None)
