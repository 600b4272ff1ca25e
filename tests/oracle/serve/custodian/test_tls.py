"""TLS and mTLS to a custodian: who has no certificate of the right authority gets nothing, in either direction."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench.certificates import CLIENT, SERVER, authority, issued, written
from oracle.adapters.custodian_http import RemoteCustodian
from oracle.adapters.tls import client_context
from oracle.errors import Denied, InputError, StorageError
from oracle.serve.cli.doctor import _services
from oracle.serve.listening import Listening
from oracle.settings import Settings, open_custodians

from .serving import served


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Two authorities, a custodian's certificate, and two clients'."""
    ours, theirs, junk = authority("ours"), authority("somebody else"), tmp_path / "junk.pem"
    junk.write_text("junk")
    server = issued(ours, "custodian", [SERVER])
    client, strange = (issued(by, "hospital", [CLIENT]) for by in (ours, theirs))
    return {
        "ours": written(tmp_path / "ours.pem", ours[0]), "theirs": written(tmp_path / "theirs.pem", theirs[0]),
        "server": written(tmp_path / "server.pem", *server), "client": written(tmp_path / "client.pem", *client),
        "strange": written(tmp_path / "strange.pem", *strange), "junk": junk,
    }  # fmt: skip


def settings(url: str, **files: Path) -> Settings:
    """As a grantee's environment names them."""
    names = {"ca": "MEDTWIN_CA", "certificate": "MEDTWIN_CERTIFICATE"}
    return Settings.read({"MEDTWIN_CUSTODIANS": url} | {names[one]: str(path) for one, path in files.items()})


def asked(url: str, **files: Path) -> str:
    """The address that the custodian tells, over a connection as the settings want it."""
    (remote,) = open_custodians(settings(url, **files))
    with closing(remote._client):
        return remote.address


@pytest.fixture
def mutual(custodians: Any, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A custodian that takes clients of one authority only."""
    with served(custodians[0], monkeypatch, certificate=files["server"], clients=files["ours"]) as url:
        yield url.replace("http://", "https://")


def test_only_the_right_authority_is_believed(
    custodians: Any, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS the custodian answers who knows its authority; another authority, the system's or plain HTTP get nothing."""
    with served(custodians[0], monkeypatch, certificate=files["server"]) as plain:
        url = plain.replace("http://", "https://")
        assert asked(url, ca=files["ours"]) == custodians[0].address
        assert _services(settings(url, ca=files["ours"])) == "1 ready"
        for wrong in ({"ca": files["theirs"]}, {}):
            with pytest.raises(StorageError) as caught:
                asked(url, **wrong)
            assert caught.value.kind == "custodian_unreachable"
        with pytest.raises(StorageError), closing((remote := RemoteCustodian(plain))._client):
            _ = remote.address


def test_a_client_without_the_right_certificate_is_refused(
    custodians: Any, mutual: str, files: dict[str, Path]
) -> None:
    """mTLS: none, or one of another authority, gets no answer; nothing was logged for them."""
    assert asked(mutual, ca=files["ours"], certificate=files["client"]) == custodians[0].address
    for wrong in ({}, {"certificate": files["strange"]}):
        with pytest.raises(StorageError) as caught:
            asked(mutual, ca=files["ours"], **wrong)
        assert caught.value.kind == "custodian_unreachable"
    assert list(custodians[0].receipts()) == []


def test_old_versions_of_tls_are_refused(mutual: str, files: dict[str, Path]) -> None:
    """TLS 1.1 and before are not spoken."""
    old = ssl.create_default_context(cafile=files["ours"])
    old.load_cert_chain(files["client"])
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(StorageError), closing((remote := RemoteCustodian(mutual, old))._client):
        _ = remote.address
    chosen = client_context(files["ours"], None)
    assert chosen is not None and chosen.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_beyond_this_machine_there_is_no_plain_http(files: dict[str, Path]) -> None:
    """Neither asked nor offered: without TLS only loopback."""
    for url in ("http://keys.example:8701", "http://10.0.0.7:8701", "http://127.0.0.1.example:8701", "ftp://10.0.0.7"):
        with pytest.raises(Denied) as caught:
            open_custodians(settings(url))
        assert caught.value.kind == "plain_http"
    for fine in ("http://127.0.0.1:8701", "http://localhost:8701", "http://[::1]:8701", "https://keys.example:8701"):
        assert len(open_custodians(settings(fine))) == 1
    assert all(Listening(8701, host) for host in ("localhost", "127.0.0.1", "::1"))
    for host in ("0.0.0.0", "10.0.0.7", "::", "keys.example"):
        with pytest.raises(InputError) as refused:
            Listening(8701, host)
        assert refused.value.kind == "no_certificate"
        assert Listening(8701, host, files["server"]).certificate
    with pytest.raises(InputError):
        Listening(8701, "127.0.0.1", None, files["ours"])
    for files_ in ((files["ours"], None), (files["server"], files["junk"])):
        with pytest.raises(InputError) as unread:
            Listening(8701, "127.0.0.1", *files_)
        assert unread.value.kind == "bad_certificate_file"
    with pytest.raises(InputError) as bad:
        open_custodians(settings("https://x", ca=files["server"].with_name("none.pem")))
    assert bad.value.kind == "bad_certificate_file"
