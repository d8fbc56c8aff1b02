"""Deliveries that come as a form: what GitHub and Gitea send as ``application/x-www-form-urlencoded`` when told to.

The JSON is then the form's only field, ``payload``.
"""

import binascii
from dataclasses import replace

from registry_docker_updater.core.events.delivery import Delivery

_FORM = "application/x-www-form-urlencoded"
_FIELD = b"payload="


def without_form(delivery: Delivery) -> Delivery:
    """Return the delivery with the form's JSON as its body, or as it is when it is no such form. Raises nothing.

    Strangers may have sent it. Reading a form with urllib would take many times the body in memory; percent-encoding differs
    from quoted-printable in its mark alone, which is read as fast as it comes.
    """
    kind = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM or not delivery.body.startswith(_FIELD):
        return delivery
    value = delivery.body[len(_FIELD) :].partition(b"&")[0]
    quoted = value.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"=")
    return replace(delivery, body=binascii.a2b_qp(quoted))
