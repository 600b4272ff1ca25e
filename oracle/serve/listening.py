"""Where and how a service listens: on loopback, or to others over TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from ..adapters.tls import is_loopback
from ..errors import InputError


@dataclass(frozen=True, slots=True)
class Listening:
    """Address and port; `certificate` holds certificate and key, `clients` the authority of those it takes (mTLS).

    Raises
    ------
    InputError
        ``no_certificate``: open to others, or for certain clients only, and there is none. ``bad_certificate_file``: a
        file that cannot be read as what it should be.
    """

    port: int
    host: str = "127.0.0.1"
    certificate: Path | None = None
    clients: Path | None = None

    def __post_init__(self) -> None:
        if self.certificate is None and (self.clients is not None or not is_loopback(self.host)):
            raise InputError(
                f"{self.host} is open to others and there is no certificate",
                hint="add --certificate FILE, or listen on 127.0.0.1 behind a TLS proxy",
                kind="no_certificate",
            )

        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate)
            if self.clients is not None:
                context.load_verify_locations(self.clients)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                "the files of --certificate or --clients cannot be read",
                hint="each is a PEM file; the first holds certificate and key",
                kind="bad_certificate_file",
            ) from error

    def __str__(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.host}:{self.port}"

    def config(self, app: ASGIApp, *, connections: int) -> uvicorn.Config:
        """What the server is given."""
        return uvicorn.Config(
            app,
            host=self.host,
            port=self.port,
            ssl_certfile=self.certificate,
            ssl_ca_certs=str(self.clients) if self.clients else None,
            ssl_cert_reqs=ssl.CERT_REQUIRED if self.clients else ssl.CERT_NONE,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=5,
            limit_concurrency=connections,
        )
