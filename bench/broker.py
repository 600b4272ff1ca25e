"""A real mosquitto with TLS and a password, on a free loopback port; it keeps its queues through a restart."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from oracle.adapters.process import free_port, last_words, running, wait_until

from .certificates import SERVER, authority, issued, written

USER, PASSWORD = "ward", "of the tests only"
START_S = 20.0


class Broker(NamedTuple):
    """Where it is, and whom it trusts."""

    url: str
    port: int
    authority: Path


@contextmanager
def mosquitto(folder: Path) -> Iterator[Broker]:
    """Start it; its queue survives a subscriber that is away."""
    broker, command = prepare(folder)
    with running(command, log=folder / "mosquitto.log") as process:
        assert wait_until(lambda: listens(broker.port), process, START_S), last_words(folder / "mosquitto.log")
        yield broker


def prepare(folder: Path) -> tuple[Broker, list[str]]:
    """Its files, and what runs it."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
    assert program, "mosquitto is not installed (Debian: apt install mosquitto)"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    ours, port = authority("broker of the tests"), free_port()
    trusted = written(folder / "authority.pem", ours[0])
    both = written(folder / "server.pem", *issued(ours, "broker", [SERVER]))
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), USER, PASSWORD], check=True, capture_output=True)
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
        f"certfile {both}\nkeyfile {both}\nuser root\n"
        f"max_inflight_messages 20\nmax_queued_messages 0\npersistence true\npersistence_location {folder}/\n"
    )
    url = f"mqtts://{USER}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}"
    return Broker(url, port, trusted), [program, "-c", str(config)]


def listens(port: int) -> bool:
    """Whether somebody does there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def connect(broker: Broker, name: str) -> mqtt.Client:
    """A device's connection, made again whenever it is lost."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name)
    client.username_pw_set(USER, PASSWORD)
    client.tls_set(ca_certs=str(broker.authority))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    return client
