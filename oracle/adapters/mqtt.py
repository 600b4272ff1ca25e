"""Batches and readings from an MQTT broker, at least once: what is not durable here is not acknowledged there.

A broker holds back what follows when too much is unacknowledged, and keeps everything for a gateway that is away
(one session, quality of service 1). So a full disk here is a queue there, and nothing is lost in between.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ..errors import InputError, StorageError

TOPICS = ("medtwin/batches", "medtwin/readings")
TAKEN = "medtwin/taken/"
"""Followed by a device's address: the number of its newest batch that the gateway has, kept by the broker."""
PATIENCE_S = 30.0
"""For what comes too early, or while nothing can be taken; then the next in line must not wait longer for it."""
KEEP_ALIVE_S = 30

Put = Callable[[bytes], bool]
"""Takes a message, or says that it should come again."""


class MqttStream:
    """A subscriber with a lasting session.

    Parameters
    ----------
    url : str
        ``mqtts://user:password@host:8883``, or ``mqtt://`` on loopback.
    name : str
        Of the session; the same after a restart.
    put : callable
        True if the message is durable, or of no use; False if it should come again.
    authority : Path, optional
        Certificates to trust instead of the system's.
    """

    def __init__(self, url: str, name: str, put: Put, authority: Path | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise InputError(f"{parts.scheme}:// is no broker", hint="write mqtts://user:password@host:8883")
        if parts.scheme == "mqtt" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise InputError("a broker on another machine is reached by TLS", hint="write mqtts://", kind="no_tls")
        self._put, self._lock, self._again = put, threading.Lock(), list[tuple[float, Any]]()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False, manual_ack=True)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set(ca_certs=str(authority) if authority else None)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._arrived
        try:
            self._client.connect_async(
                parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883), KEEP_ALIVE_S
            )
            self._client.loop_start()
        except (OSError, ValueError) as error:
            raise StorageError(f"the broker cannot be used: {error}", hint="see MEDTWIN_MQTT") from error

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return bool(self._client.is_connected())

    def retry(self) -> None:
        """Offer again what could not be taken; what waited too long is let go, as its device still has it."""
        with self._lock:
            waiting, self._again = self._again, []
            for since_s, message in waiting:
                if self._put(message.payload) or time.monotonic() - since_s > PATIENCE_S:
                    self._client.ack(message.mid, message.qos)
                else:
                    self._again.append((since_s, message))

    def tell(self, device: str, sequence: int) -> None:
        """Let a device know what it need not keep."""
        self._client.publish(TAKEN + device, str(sequence), qos=1, retain=True)

    def close(self) -> None:
        """Leave; the broker keeps what comes."""
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        with self._lock:
            self._again = []  # the broker sends them again
        client.subscribe([(topic, 1) for topic in TOPICS])

    def _arrived(self, client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        with self._lock:
            if not self._again and self._put(bytes(message.payload)):
                client.ack(message.mid, message.qos)
                return
            self._again.append((time.monotonic(), message))
