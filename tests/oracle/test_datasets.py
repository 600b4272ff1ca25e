"""Data sets against a publisher on this machine: resuming, digests, refusals, conversion."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from oracle import datasets
from oracle.datasets import CATALOGUE, Dataset, Source, obtain
from oracle.errors import NotFound, StorageError, VerificationError
from oracle.training import machine

BODY = bytes(range(256)) * 1000


@dataclass
class Publisher:
    """A web server that can break off, ignore ranges or refuse; it remembers what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    break_off_at: list[int] = field(default_factory=list)
    ranges: bool = True
    status: int = 0


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """A publisher that serves until the test ends."""
    state = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.asked.append((self.path, asked))
            body = state.files.get(self.path)
            if state.status or body is None:
                self.send_error(state.status or 404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.ranges else 0
            if start >= len(body) and start:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            stop = state.break_off_at.pop(0) if state.break_off_at else len(body)
            self.wfile.write(body[start:stop])

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def _copy(incoming: Path, target: Path) -> None:
    (target / "made").write_bytes((incoming / "raw").read_bytes())


@pytest.fixture
def dataset(publisher: Publisher) -> Dataset:
    """A set of one file at the publisher."""
    publisher.files["/raw"] = BODY
    source = Source("raw", publisher.url + "/raw", hashlib.sha256(BODY).hexdigest())
    return Dataset("tiny", "A tiny set", "CC0", publisher.url, ("made",), (source,), _copy)


def test_obtain_writes_the_publishers_bytes(dataset: Dataset, tmp_path: Path) -> None:
    """What is here afterwards is what the publisher has, and nothing else is left."""
    assert dataset.present(tmp_path) == "no"

    folder = obtain(dataset, tmp_path)

    assert (folder / "made").read_bytes() == BODY
    assert [path.name for path in folder.iterdir()] == ["made"]
    assert dataset.present(tmp_path) == "yes"


def test_obtain_again_asks_nobody(dataset: Dataset, publisher: Publisher, tmp_path: Path) -> None:
    """A set that is here is not fetched."""
    obtain(dataset, tmp_path)
    publisher.asked.clear()

    obtain(dataset, tmp_path)

    assert publisher.asked == []


def test_obtain_goes_on_within_a_run_where_it_was_interrupted(
    dataset: Dataset, publisher: Publisher, tmp_path: Path
) -> None:
    """A connection that breaks is taken up at the byte it broke."""
    publisher.break_off_at = [100_000, 200_000]

    folder = obtain(dataset, tmp_path)

    assert (folder / "made").read_bytes() == BODY
    assert [asked for _, asked in publisher.asked] == [None, "bytes=100000-", "bytes=200000-"]


def test_obtain_goes_on_in_the_next_run(dataset: Dataset, publisher: Publisher, tmp_path: Path) -> None:
    """What an earlier run left is kept and only the rest is asked for."""
    publisher.break_off_at = [50_000] + [0] * (datasets.ATTEMPTS - 1)
    with pytest.raises(StorageError):
        obtain(dataset, tmp_path)
    publisher.asked.clear()

    folder = obtain(dataset, tmp_path)

    assert (folder / "made").read_bytes() == BODY
    assert publisher.asked == [("/raw", "bytes=50000-")]


def test_obtain_starts_over_when_ranges_are_ignored(dataset: Dataset, publisher: Publisher, tmp_path: Path) -> None:
    """A publisher that sends the whole file again does not corrupt it."""
    publisher.ranges = False
    publisher.break_off_at = [100_000]

    assert (obtain(dataset, tmp_path) / "made").read_bytes() == BODY


def test_obtain_takes_a_complete_partial_file(dataset: Dataset, publisher: Publisher, tmp_path: Path) -> None:
    """A run killed between the last byte and the check needs no byte more."""
    incoming = tmp_path / "tiny" / ".incoming"
    incoming.mkdir(parents=True)
    (incoming / "raw.part").write_bytes(BODY)

    assert (obtain(dataset, tmp_path) / "made").read_bytes() == BODY


def test_obtain_refuses_a_wrong_digest(dataset: Dataset, publisher: Publisher, tmp_path: Path) -> None:
    """Altered bytes are deleted, never converted, and a second run starts from nothing."""
    publisher.files["/raw"] = BODY[:-1] + b"!"

    with pytest.raises(VerificationError) as refused:
        obtain(dataset, tmp_path)

    assert refused.value.kind == "wrong_digest"
    assert list((tmp_path / "tiny" / ".incoming").iterdir()) == []
    assert dataset.present(tmp_path) == "no"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_obtain_says_what_to_do_when_refused(
    dataset: Dataset, publisher: Publisher, tmp_path: Path, status: int
) -> None:
    """The hint names the page, the folder and the variable."""
    publisher.status = status

    with pytest.raises(StorageError, match=str(status)) as refused:
        obtain(dataset, tmp_path)

    assert refused.value.kind == "dataset_unreachable"
    assert all(word in refused.value.hint for word in (publisher.url, str(tmp_path / "tiny"), "MEDTWIN_DATA"))


def test_obtain_says_what_to_do_when_nobody_listens(dataset: Dataset, tmp_path: Path) -> None:
    """No network is a StorageError with a hint, not a traceback."""
    closed = replace(dataset.sources[0], url="http://127.0.0.1:9/raw")

    with pytest.raises(StorageError) as refused:
        obtain(replace(dataset, sources=(closed,)), tmp_path)

    assert "MEDTWIN_DATA" in refused.value.hint


def test_get_refuses_an_unknown_name(tmp_path: Path) -> None:
    """The known names are told."""
    with pytest.raises(NotFound) as refused:
        datasets.get("nothing", tmp_path)

    assert "icu2012" in refused.value.hint


def test_machine_is_converted_to_what_training_reads(publisher: Publisher, tmp_path: Path) -> None:
    """Of all the benchmark's windows those of this machine; the readings as they are."""
    readings = b"timestamp,value\n2013-12-02 21:15:00,73.9\n2013-12-02 21:20:00,74.9\n"
    windows = {
        "realKnownCause/machine_temperature_system_failure.csv": [
            ["2013-12-02 21:16:00.000000", "2013-12-02 21:30:00"]
        ],
        "realKnownCause/nyc_taxi.csv": [["2014-11-01 00:00:00", "2014-11-02 00:00:00"]],
    }
    bodies = {datasets.MACHINE: readings, "combined_windows.json": json.dumps(windows).encode()}
    publisher.files |= {f"/{name}": body for name, body in bodies.items()}
    sources = tuple(
        Source(name, f"{publisher.url}/{name}", hashlib.sha256(body).hexdigest()) for name, body in bodies.items()
    )
    obtain(replace(CATALOGUE["machine_temperature"], sources=sources), tmp_path)
    read = machine.read(tmp_path)

    assert read.degrees.tolist() == [73.9, 74.9] and read.failing.tolist() == [False, True]
    assert len(read.windows) == 1


def test_waveforms_are_kept_as_they_came(publisher: Publisher, tmp_path: Path) -> None:
    """Nothing converted, nothing else beside."""
    whole = CATALOGUE["waveforms"]
    publisher.files |= {f"/{one.name}": one.name.encode() for one in whole.sources}
    sources = tuple(
        Source(one.name, f"{publisher.url}/{one.name}", hashlib.sha256(one.name.encode()).hexdigest())
        for one in whole.sources
    )
    folder = obtain(replace(whole, sources=sources), tmp_path)

    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == {name: name for name in whole.files}


def test_catalogue_is_well_formed() -> None:
    """Every set has a licence, a page, https sources and full digests."""
    for name, one in CATALOGUE.items():
        assert one.name == name and one.licence and one.page.startswith("https://") and one.files
        for source in one.sources:
            assert source.url.startswith("https://") and len(bytes.fromhex(source.sha256)) == 32


def test_convert_icu2012_reads_the_publishers_form(tmp_path: Path) -> None:
    """Stays in order of number; record number and unit type left out; a stay without measurements dropped."""
    stays = {
        "132540": "00:00,RecordID,132540\n00:00,Age,76\n00:00,ICUType,2\n01:07,HR,88\n47:59,HR,90.5\n",
        "132539": "00:00,RecordID,132539\n00:00,Gender,0\n00:07,GCS,15\n",
        "140501": "00:00,RecordID,140501\n00:00,Age,65\n00:00,ICUType,3\n",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for stay, lines in stays.items():
            text = ("Time,Parameter,Value\n" + lines).encode()
            info = tarfile.TarInfo(f"./set-a/{stay}.txt")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    (tmp_path / "set-a.tar.gz").write_bytes(gzip.compress(packed.getvalue()))
    (tmp_path / "Outcomes-a.txt").write_text("RecordID\n132539\n")

    datasets.convert_icu2012(tmp_path, tmp_path)

    assert lzma.decompress((tmp_path / "set-a.csv.xz").read_bytes()).decode() == (
        "record_id,minute,parameter,value\n132539,0,Gender,0.0\n132539,7,GCS,15.0\n"
        "132540,0,Age,76.0\n132540,67,HR,88.0\n132540,2879,HR,90.5\n"
    )
    assert (tmp_path / "outcomes-a.csv").read_text() == "RecordID\n132539\n"
