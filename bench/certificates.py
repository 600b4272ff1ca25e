"""Certificates of authorities that live for a test."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Issued = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
LASTS = datetime.timedelta(days=2)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def authority(name: str) -> Issued:
    """A certificate authority of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _signed(_named(name), key, (None, key), _named(name), x509.BasicConstraints(True, 0)), key


def issued(by: Issued, name: str, usages: Sequence[x509.ObjectIdentifier], host: str = "127.0.0.1") -> Issued:
    """A certificate for an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = (
        x509.BasicConstraints(False, None), x509.ExtendedKeyUsage(usages),
        x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]),
    )  # fmt: skip
    return _signed(_named(name), key, by, by[0].subject, *extensions), key


def written(path: Path, certificate: x509.Certificate, key: Any = None) -> Path:
    """A PEM file: the certificate, then its key."""
    content = certificate.public_bytes(Encoding.PEM)
    if key is not None:
        content += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(content)
    return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _signed(subject: x509.Name, key: Any, by: Any, issuer: x509.Name, *extensions: Any) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - LASTS).not_valid_after(now + LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by[1].public_key()), False)
    )  # fmt: skip
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(by[1], hashes.SHA256())
