"""Public clinical data sets: whose they are, and how to get them from their publisher, checked and resumable.

What is checked: every file that is downloaded, by a SHA-256 pinned here. The digest of ``Outcomes-a.txt`` was computed
from the file itself; that of ``set-a.tar.gz`` is the one other users of the challenge publish, and has not been computed
by this project. Those of the other two sets were computed from their publishers' repositories at the commits named.
What is made from them (``set-a.csv.xz``) is not pinned: lzma versions may pack the same rows differently.
A set whose files are already in the folder is used as it is. Other sets are not here because no digest of the publisher's
file is known (readmission, heart failure, attendances) or no licence (glucose); docs/models.md tells their layout.
"""

from __future__ import annotations

import csv
import hashlib
import json
import lzma
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from .errors import NotFound, StorageError, VerificationError

ATTEMPTS = 4  # each goes on where the one before stopped
TIMEOUT_S = 30.0
MOST_MEMBER_BYTES = 1 << 20  # a stay has about 10 kB of text


@dataclass(frozen=True, slots=True)
class Source:
    """A file at its publisher's: address, SHA-256 in hex."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One data set.

    Parameters
    ----------
    name, title, licence : str
    page : str
        Where a person finds it.
    files : tuple of str
        What it is here, in ``folder / name``.
    sources : tuple of Source
    convert : callable
        Makes `files` from the downloaded sources; both folders are its arguments.
    """

    name: str
    title: str
    licence: str
    page: str
    files: tuple[str, ...]
    sources: tuple[Source, ...]
    convert: Callable[[Path, Path], None]

    def present(self, folder: Path) -> str:
        """``yes`` if every file is in `folder`, else ``no``."""
        return "yes" if all((folder / self.name / file).is_file() for file in self.files) else "no"


def get(name: str, folder: Path) -> Path:
    """The folder of a set, after fetching what is missing.

    Raises
    ------
    NotFound
        There is no such set.
    StorageError
        The publisher cannot be reached or refuses.
    VerificationError
        What came is not what is pinned.
    """
    if name not in CATALOGUE:
        raise NotFound(f"there is no data set {name!r}", hint=f"known: {', '.join(CATALOGUE)}", kind="unknown_dataset")
    return obtain(CATALOGUE[name], folder)


def obtain(dataset: Dataset, folder: Path) -> Path:
    """As :func:`get`, for a set given as a value."""
    target = folder / dataset.name
    if dataset.present(folder) == "yes":
        return target
    incoming = target / ".incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    with httpx.Client(follow_redirects=True, timeout=TIMEOUT_S) as client:
        for source in dataset.sources:
            try:
                download(client, source, incoming / source.name)
            except httpx.HTTPError as error:
                raise _unreachable(dataset, source, target, f"{type(error).__name__}: {error}") from error
            except _Refused as refusal:
                raise _unreachable(dataset, source, target, str(refusal)) from refusal
    dataset.convert(incoming, target)
    shutil.rmtree(incoming)
    return target


def download(client: httpx.Client, source: Source, path: Path) -> None:
    """Fetch one file to `path`, from where an earlier attempt stopped; nothing unchecked gets that name."""
    if path.is_file():
        return
    partial = path.with_name(path.name + ".part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_rest(client, source, partial)
            break
        except httpx.TransportError:
            if attempt == ATTEMPTS:
                raise
    found = _sha256(partial)
    if found != source.sha256:
        partial.unlink()
        raise VerificationError(
            f"{source.name} has the SHA-256 {found[:16]}…, not {source.sha256[:16]}…",
            hint=f"{source.url} changed or was altered on the way; it was deleted. Try again, or compare by hand",
            kind="wrong_digest",
        )
    partial.replace(path)


class _Refused(Exception):
    """The publisher answered, but not with the file."""


def _fetch_rest(client: httpx.Client, source: Source, partial: Path) -> None:
    have = partial.stat().st_size if partial.is_file() else 0
    asked = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
    with client.stream("GET", source.url, headers=asked) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is left to fetch; the digest decides
        if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise _Refused(f"it answered {response.status_code} {response.reason_phrase}")
        goes_on = response.status_code == httpx.codes.PARTIAL_CONTENT
        if goes_on and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise _Refused("it answered with another part of the file than was asked for")
        with partial.open("ab" if goes_on else "wb") as file:
            for chunk in response.iter_raw():  # as it comes, so that nothing received is lost
                file.write(chunk)


def _unreachable(dataset: Dataset, source: Source, target: Path, why: str) -> StorageError:
    return StorageError(
        f"{source.name} cannot be had from {source.url}: {why}",
        hint=f"try again (it goes on where it stopped); or get it by hand from {dataset.page}, put {' and '.join(dataset.files)} "
        f"into {target} or save {source.name} into {target / '.incoming'}; MEDTWIN_DATA names the folder {target.parent}",
        kind="dataset_unreachable",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- PhysioNet 2012 ------------------------------------------------------------------------

DESCRIPTORS = {"RecordID", "Age", "Gender", "Height", "Weight", "ICUType"}
LEFT_OUT = {"RecordID", "ICUType", ""}  # the models do not use the type of unit


def convert_icu2012(incoming: Path, target: Path) -> None:
    """One table of all stays, ``record_id,minute,parameter,value``, in the order of the stays' numbers."""
    partial = target / "set-a.csv.xz.part"
    with lzma.open(partial, "wt", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("record_id", "minute", "parameter", "value"))
        for stay, text in _members(incoming / "set-a.tar.gz"):
            rows.writerows(_stay(stay, text))
    shutil.copyfile(incoming / "Outcomes-a.txt", target / "outcomes-a.csv")
    partial.replace(target / "set-a.csv.xz")


def _members(archive: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(archive, "r:gz") as tar:
        texts = {}
        for member in tar:
            name = Path(member.name)
            if member.isfile() and name.suffix == ".txt" and name.stem.isdigit() and member.size <= MOST_MEMBER_BYTES:
                opened = tar.extractfile(member)
                assert opened is not None  # a regular file
                texts[name.stem] = opened.read().decode("utf-8")
    yield from sorted(texts.items(), key=lambda item: int(item[0]))


def _stay(stay: str, text: str) -> list[tuple[str, int, str, float]]:
    """Rows of one stay; none if nothing but its descriptors was recorded."""
    rows = []
    for time, parameter, value in csv.reader(text.splitlines()[1:]):
        if parameter not in LEFT_OUT:
            hours, minutes = time.split(":")
            rows.append((stay, 60 * int(hours) + int(minutes), parameter, float(value)))
    return rows if any(parameter not in DESCRIPTORS for _, _, parameter, _ in rows) else []


# -- a machine's temperature, and waveforms --------------------------------------------------

MACHINE = "machine_temperature_system_failure.csv"


def convert_machine(incoming: Path, target: Path) -> None:
    """The readings as they are, and of all the benchmark's labelled windows those of this machine."""
    windows = json.loads((incoming / "combined_windows.json").read_text("utf-8"))[f"realKnownCause/{MACHINE}"]
    (target / "failure_windows.json").write_text(json.dumps(windows, indent=1) + "\n", "utf-8")
    shutil.copyfile(incoming / MACHINE, target / "readings.csv")


def copy(incoming: Path, target: Path) -> None:
    """Every file as it came."""
    for path in incoming.iterdir():
        shutil.copyfile(path, target / path.name)


NAB = "https://raw.githubusercontent.com/numenta/NAB/ea702d75cc2258d9d7dd35ca8e5e2539d71f3140/"
WFDB = "https://raw.githubusercontent.com/MIT-LCP/wfdb-python/6850ad1aa0c1fcb2282b3625f767de98396cf740/sample-data/"
VENTMAP = "https://raw.githubusercontent.com/hahnicity/ventMAP/6f881a95adc78c4a84c4d3f82ca08e773192bfc8/ventmap/tests/samples/"
RECORDS = {
    "03700181.dat": "73053369fb56768e37d2165532d48f343d5fa9cbc6b550cba1c70ce3fd4fca41",
    "03700181.hea": "46225ef9e8c0cf5a3110c3f1ac1b218ff4dd611f024863cc5480d6981e5f631b",
    "100.atr": "8d8a5349fb16638ebbf649f1779d12e96d91b736b2aafe59db43719ae583d471",
    "100.dat": "b2ea3c250e56e48f4b7b90697832b8ecd1afa1e0bb31f2dcfea4ed6e1075a639",
    "100.hea": "95fbdda0454fffae1a2dab1a5ac53e924ae97691c028cdd3ee82f2446b73c066",
    "a103l.hea": "5616324d1378377cc5350ff267dff3baf6229034e5e1fef777ff16303c287e2e",
    "a103l.mat": "0ade6ade6c10ad729a69daf3a19ffbb0a0ceea9a1dcb1a27319a9b7b5bd90e64",
}
BREATHS = "ventilator_pb840.csv"
PHYSIONET_2012 = "https://physionet.org/files/challenge-2012/1.0.0/"
CATALOGUE: dict[str, Dataset] = {
    "icu2012": Dataset(
        name="icu2012",
        title="PhysioNet/CinC Challenge 2012, set A: the first 48 h of 4,000 adult intensive-care stays",
        licence="ODC-By 1.0",
        page="https://physionet.org/content/challenge-2012/1.0.0/",
        files=("set-a.csv.xz", "outcomes-a.csv"),
        sources=(
            Source(
                "set-a.tar.gz",
                PHYSIONET_2012 + "set-a.tar.gz",
                "8cb250f179cd0952b4b9ebcf8954b63d70383131670fac1cfee13deaa13ca920",
            ),
            Source(
                "Outcomes-a.txt",
                PHYSIONET_2012 + "Outcomes-a.txt",
                "2613ea60ccda29f87571a7d6b09ad130858a8ccd66325bd073365925026883c2",
            ),
        ),
        convert=convert_icu2012,
    ),
    "machine_temperature": Dataset(
        name="machine_temperature",
        title="Numenta Anomaly Benchmark: temperature of an industrial machine, with its failures",
        licence="MIT",
        page="https://github.com/numenta/NAB",
        files=("readings.csv", "failure_windows.json"),
        sources=(
            Source(
                MACHINE,
                f"{NAB}data/realKnownCause/{MACHINE}",
                "92bf5b87fc7f9bba8ca0b7ec63ccaac8cb4a1371a258e8c29a10ae9c018d82a4",
            ),
            Source(
                "combined_windows.json",
                f"{NAB}labels/combined_windows.json",
                "1e1fbc4601321aad8d0f8b3784c8134299379f68f6c1f7777565f8ffd57ab6b1",
            ),
        ),
        convert=convert_machine,
    ),
    "waveforms": Dataset(
        name="waveforms",
        title="Three PhysioNet records as wfdb-python carries them, and breaths of a Puritan Bennett 840 from ventMAP",
        licence="PhysioNet's open licences, told on each record's page; ventilator file GPL-3.0",
        page="https://github.com/MIT-LCP/wfdb-python/tree/main/sample-data",
        files=(*RECORDS, BREATHS),
        sources=(
            *(Source(name, WFDB + name, digest) for name, digest in RECORDS.items()),
            Source(
                BREATHS,
                VENTMAP + "jimmy-example-data.csv.test",
                "299199aa070c714f6f4dd4f2c8589cea975e48ea90d5b516ddbf52fa456fc4ad",
            ),
        ),
        convert=copy,
    ),
}
