"""TLS as a client of custodians, nodes and gateways: whom to believe, and what to show."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import Denied, InputError


def client_context(authorities: Path | None, certificate: Path | None) -> ssl.SSLContext | None:
    """Believes the authorities of that PEM file (the system's without one) and shows the certificate; None without both.

    Raises
    ------
    InputError
        ``bad_certificate_file``: a file that cannot be read as what it should be.
    """
    if authorities is None and certificate is None:
        return None
    try:
        context = ssl.create_default_context(cafile=authorities)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            "the certificates in MEDTWIN_CA or MEDTWIN_CERTIFICATE cannot be read",
            hint="each names a PEM file; the second holds certificate and key",
            kind="bad_certificate_file",
        ) from error
    return context


def check_guarded(urls: Sequence[str]) -> None:
    """Nobody on the way can listen: TLS, or this machine.

    Raises
    ------
    Denied
        ``plain_http``: one is elsewhere and without TLS.
    """
    for url in urls:
        if not _is_guarded(url):
            raise Denied(
                f"{url[:80]} is not this machine and has no TLS",
                hint="name it https://, its authority in MEDTWIN_CA",
                kind="plain_http",
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_guarded(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")
