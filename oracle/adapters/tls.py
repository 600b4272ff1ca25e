"""TLS as a client of custodians: whom to believe, and what to show."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import InputError


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


def is_guarded(url: str) -> bool:
    """Whether nobody on the way can listen: TLS, or this machine."""
    parts = urlsplit(url)
    try:
        local = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = parts.hostname == "localhost"
    return parts.scheme == "https" or local
