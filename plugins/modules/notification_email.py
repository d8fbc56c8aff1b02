#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Send one e-mail, as plain text and HTML, through an SMTP server."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: notification_email
short_description: Send one e-mail, as plain text and HTML, through an SMTP server
version_added: "0.1.0"
description:
  - Sends one message to all recipients, with a plain text and an HTML part, and says what the server answered.
  - It speaks with the standard library only. Certificates are checked against the authorities that the
    machine trusts; C(SSL_CERT_FILE) in the environment names others.
  - Control characters in the subject become spaces, so that no text given here can add a header.
author: The registry-docker-updater developers (!UNKNOWN)
options:
  host:
    description: Name or address of the SMTP server.
    type: str
    required: true
  port:
    description: Port of the SMTP server. Without it, the one that is usual for the encryption, 587, 465 or 25.
    type: int
  encryption:
    description:
      - V(starttls) connects in clear text and encrypts before anything else is said; a server that does not offer
        it is an error. V(tls) encrypts from the first byte.
      - V(none) sends everything in clear text, the password as well.
    type: str
    choices: [starttls, tls, none]
    default: starttls
  username:
    description: Account to log in with. Without it, nobody is logged in.
    type: str
  password:
    description: Password of O(username).
    type: str
  sender:
    description: Address in the From header and in the envelope.
    type: str
    required: true
  recipients:
    description: Addresses in the To header and in the envelope.
    type: list
    elements: str
    required: true
  subject:
    description: Subject of the message.
    type: str
    required: true
  text:
    description: The message as plain text.
    type: str
    required: true
  html:
    description: The message as an HTML document.
    type: str
    required: true
  message_id:
    description:
      - The same for the same message to the same people; the header C(Message-ID) is made of it, so that one that was sent
        twice is shown once where the mail server or the reader looks at that. One of its own without it.
    type: str
  timeout:
    description: Seconds after which the server is given up, for the whole exchange.
    type: float
    default: 20
attributes:
  check_mode:
    description: Sends nothing, connects to nothing, and reports a change.
    support: full
  diff_mode:
    description: There is no state to compare.
    support: none
  idempotent:
    description: Every run sends a message.
    support: none
"""

EXAMPLES = r"""
- name: Tell the team by e-mail
  registry.docker_updater.notification_email:
    host: mail.example.com
    username: updater
    password: "{{ vaulted_password }}"
    sender: updater@example.com
    recipients: [team@example.com]
    subject: Image updated
    text: Everything runs the new image.
    html: <p>Everything runs the new image.</p>
  delegate_to: localhost
"""

RETURN = r"""
accepted:
  description: The recipients for whom the server took the message.
  returned: success
  type: list
  elements: str
refused:
  description: The recipients whom the server refused, each with its answer, when it took the message for others.
  returned: success
  type: dict
"""

import hashlib
import re
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.registry.docker_updater.plugins.module_utils.delivery.deadline import (
    TooLate,
    in_time,
)

_USUAL_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class NotSent(Exception):
    """Nobody got the message; the text says why, without a secret."""


def compose(options: Mapping[str, Any]) -> EmailMessage:
    """Build the message of the module's options; raises :class:`NotSent` for an address that is none."""
    message = EmailMessage()
    for header, name in (("From", "sender"), ("To", "recipients")):
        given = options[name]
        addresses = [given] if isinstance(given, str) else given
        for address in addresses:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(address)[1]) or not address.isprintable():
                raise NotSent(f"{name}: {address!r} is not an e-mail address")
        message[header] = ", ".join(addresses)
    message["Subject"] = _encodable(
        " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", options["subject"]).split())
    )
    message["Date"] = formatdate()
    message["Message-ID"] = _message_id(options["message_id"], parseaddr(options["sender"])[1])
    # RFC 3834: keeps out-of-office answers away.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_encodable(options["text"]))
    message.add_alternative(_encodable(options["html"]), subtype="html")
    return message


def _message_id(given: Optional[str], sender: str) -> str:
    """Make the header (RFC 5322, 3.6.4) of an id that may hold any text."""
    domain = sender.rpartition("@")[2]
    if not given:
        return make_msgid(domain=domain)
    return f"<{hashlib.sha256(given.encode('utf-8', 'replace')).hexdigest()[:32]}@{domain}>"


def send(message: EmailMessage, options: Mapping[str, Any]) -> Dict[str, str]:
    """Hand the message over; return whom the server refused, and its answer. Raises :class:`NotSent`."""
    host, port = options["host"], options["port"] or _USUAL_PORTS[options["encryption"]]
    server = f"mail server {host}:{port}"
    try:
        refused = in_time(lambda: _hand_over(message, host, port, options), options["timeout"])
    except TooLate as error:
        raise NotSent(f"{server} is given up: {error}") from error
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent(f"{server} refused every recipient: {_refusals(error.recipients)}") from error
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(f"{server} refused the login of {options['username']}: {_answer(error)}") from error
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{server} refused the message: {_answer(error)}") from error
    except smtplib.SMTPException as error:
        raise NotSent(f"{server}: {error}") from error
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"{server} shows a certificate that is not trusted: {error.verify_message}") from error
    except OSError as error:
        raise NotSent(f"cannot talk to {server}: {error.strerror or error}") from error
    except ValueError as error:
        raise NotSent(f"the message for {server} cannot be written: {error}") from error
    return {address: _answer(answer) for address, answer in refused.items()}


def _hand_over(
    message: EmailMessage, host: str, port: int, options: Mapping[str, Any]
) -> Mapping[str, Tuple[int, bytes]]:
    smtp = _connect(host, port, options)
    try:
        if options["username"]:
            smtp.login(options["username"], options["password"] or "")
        refused: Mapping[str, Tuple[int, bytes]] = smtp.send_message(message)
        # The message is the server's now: an answer to this that does not come must not have it sent once more.
        with suppress(OSError, smtplib.SMTPException):
            smtp.putcmd("quit")
    finally:
        smtp.close()
    return refused


def _connect(host: str, port: int, options: Mapping[str, Any]) -> smtplib.SMTP:
    timeout = options["timeout"]
    if options["encryption"] == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=ssl.create_default_context())
    smtp = smtplib.SMTP(host, port, timeout=timeout)
    if options["encryption"] == "starttls":
        try:
            smtp.starttls(context=ssl.create_default_context())
        except BaseException:
            smtp.close()
            raise
    return smtp


def _encodable(text: str) -> str:
    """JSON may hold half a surrogate pair, which no mail can."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _answer(answer: Any) -> str:
    code, text = (
        (answer.smtp_code, answer.smtp_error) if isinstance(answer, smtplib.SMTPResponseException) else answer
    )
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {' '.join(words.split())}"


def _refusals(refused: Mapping[str, Tuple[int, bytes]]) -> str:
    return ", ".join(f"{address} ({_answer(answer)})" for address, answer in refused.items())


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "port": {"type": "int"},
            "encryption": {"type": "str", "choices": ["starttls", "tls", "none"], "default": "starttls"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "sender": {"type": "str", "required": True},
            "recipients": {"type": "list", "elements": "str", "required": True},
            "subject": {"type": "str", "required": True},
            "text": {"type": "str", "required": True},
            "html": {"type": "str", "required": True},
            "message_id": {"type": "str"},
            "timeout": {"type": "float", "default": 20},
        },
        required_by={"password": "username"},
        supports_check_mode=True,
    )
    options = module.params
    try:
        message = compose(options)
        refused = {} if module.check_mode else send(message, options)
    except NotSent as error:
        module.fail_json(msg=str(error))
    for address, answer in refused.items():
        module.warn(f"{address} did not get the e-mail: {answer}")
    accepted = [address for address in options["recipients"] if parseaddr(address)[1] not in refused]
    module.exit_json(changed=True, accepted=accepted, refused=refused)


if __name__ == "__main__":
    main()
