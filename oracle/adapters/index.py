"""An index of the suite's events in SQLite or PostgreSQL: the chain's own words, found without reading the chain again.

What epochs and bundles list is in it as well, as far as somebody read the lists (:mod:`oracle.reports.lists`).
It follows from a checkpoint. What a reorganisation took is taken out, back to the newest checkpoint that the chain
still has; so the index is always the events of one branch up to one block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import cbor2
import sqlalchemy as sa

from ..errors import ChainError, StorageError
from ..ports import Chain, Event, Head
from ..records import Deployment

C = TypeVar("C", bound=Chain)
BLOCKS_AT_ONCE = 2_000
CHECKPOINTS_KEPT = 4_096
"""Blocks back to which a reorganisation is mended; deeper ones need a new index."""

_tables = sa.MetaData()
_deployment = sa.Table("deployment", _tables, sa.Column("name", sa.Text, primary_key=True))
_checkpoint = sa.Table(
    "checkpoint", _tables, sa.Column("block", sa.BigInteger, primary_key=True), sa.Column("hash", sa.LargeBinary)
)
_event = sa.Table(
    "event", _tables,
    sa.Column("block", sa.BigInteger, primary_key=True), sa.Column("log_index", sa.BigInteger, primary_key=True),
    sa.Column("contract", sa.Text), sa.Column("name", sa.Text), sa.Column("transaction_hash", sa.LargeBinary),
    sa.Column("time_s", sa.BigInteger), sa.Column("args", sa.LargeBinary),
)  # fmt: skip
_fact = sa.Table(
    "fact", _tables,
    sa.Column("block", sa.BigInteger, primary_key=True), sa.Column("log_index", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text),
)  # fmt: skip
_list = sa.Table(
    "list", _tables,
    sa.Column("block", sa.BigInteger, primary_key=True), sa.Column("log_index", sa.BigInteger, primary_key=True),
)  # fmt: skip
_entry = sa.Table(
    "entry", _tables,
    sa.Column("block", sa.BigInteger, primary_key=True), sa.Column("log_index", sa.BigInteger, primary_key=True),
    sa.Column("place", sa.BigInteger, primary_key=True), sa.Column("twin_id", sa.Text), sa.Column("args", sa.LargeBinary),
)  # fmt: skip
LISTS = ("EpochAnchored", "BundlePosted")
"""Events that name a list in the store."""


class EventIndex:
    """The database. `url` is SQLAlchemy's: ``sqlite:///file`` or ``postgresql+psycopg://user@host/name``."""

    def __init__(self, url: str, deployment: Deployment) -> None:
        self._first = deployment.block
        place = sa.make_url(url)
        if place.database and place.drivername == "sqlite" and place.database != ":memory:":
            Path(place.database).parent.mkdir(parents=True, exist_ok=True)
        with _reporting():
            self._engine = sa.create_engine(place)
            try:
                with self._engine.begin() as connection:
                    _migrate(connection)
                    _belongs(connection, f"{deployment.genesis.hex()}-{deployment.contracts['DataAnchor']}")
            except BaseException:
                self._engine.dispose()
                raise

    def head(self) -> Head | None:
        """The block up to which it is whole."""
        with self._connection() as connection:
            row = connection.execute(sa.select(_checkpoint).order_by(_checkpoint.c.block.desc()).limit(1)).first()
        return Head(row.block, bytes(row.hash), 0) if row else None

    def follow(self, chain: Chain) -> int:
        """Read what is new, and take out what is no longer; how many events were read.

        Raises
        ------
        ChainError
            The chain does not answer, or was reorganised deeper than is kept (``reorg_too_deep``).
        """
        self._mend(chain)
        last, newest, read = self.head(), chain.head().number, 0
        since = last.number + 1 if last else self._first
        while since <= newest:
            until = min(newest, since + BLOCKS_AT_ONCE - 1)
            end = chain.head(until)
            found = chain.everything(since, until)
            if chain.head(until).hash != end.hash:  # reorganised while it was read
                return read
            self._write(found, end)
            since, read = until + 1, read + len(found)
        return read

    def events(
        self, contract: str, name: str, *, since: int, until: int, match: Mapping[str, Any], newest: int = 0
    ) -> list[Event]:
        """As the chain would tell them, oldest first; with `newest`, at most so many of the last."""
        asked = sa.select(_event).where(
            _event.c.contract == contract, _event.c.name == name, _event.c.block >= since, _event.c.block <= until
        )
        for key, value in match.items():
            fact = _fact.alias()
            asked = asked.where(
                sa.exists().where(
                    fact.c.block == _event.c.block, fact.c.log_index == _event.c.log_index,
                    fact.c.name == key, fact.c.value == _text(value),
                )
            )  # fmt: skip
        return self._found(asked, (_event.c.block, _event.c.log_index), newest)

    def unread(self) -> list[Event]:
        """Those whose lists are not in it."""
        without = ~sa.exists().where(_list.c.block == _event.c.block, _list.c.log_index == _event.c.log_index)
        asked = sa.select(_event).where(_event.c.name.in_(LISTS), without)
        return self._found(asked, (_event.c.block, _event.c.log_index))

    def put_list(self, event: Event, entries: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """What an event's list holds: twins and facts. Nothing happens if the event is gone meanwhile, or has its list."""
        place = {"block": event.block, "log_index": event.log_index}
        rows = [
            {**place, "place": at, "twin_id": _text(twin), "args": cbor2.dumps(args)}
            for at, (twin, args) in enumerate(entries)
        ]
        here = sa.select(_event.c.transaction_hash).filter_by(**place)
        with self._connection() as connection:
            known = connection.execute(here).scalar()
            if known is None or bytes(known) != event.transaction or connection.execute(
                sa.select(_list).filter_by(**place)
            ).first():  # fmt: skip
                return
            connection.execute(_list.insert(), place)
            if rows:
                connection.execute(_entry.insert(), rows)

    def entries(self, name: str, *, twin_id: int | None = None, newest: int = 0) -> list[Event]:
        """What is listed by events of this name, each with its own facts instead of theirs, oldest first."""
        columns = [column for column in _event.c if column.name != "args"]
        same = sa.and_(_entry.c.block == _event.c.block, _entry.c.log_index == _event.c.log_index)
        asked = sa.select(*columns, _entry.c.args).join(_entry, same).where(_event.c.name == name)
        if twin_id is not None:
            asked = asked.where(_entry.c.twin_id == _text(twin_id))
        return self._found(asked, (_event.c.block, _event.c.log_index, _entry.c.place), newest)

    def lists_without(self, twin_id: int) -> set[tuple[int, int]]:
        """Places of the lists that were read and do not name a twin."""
        named = sa.exists().where(
            _entry.c.block == _list.c.block, _entry.c.log_index == _list.c.log_index, _entry.c.twin_id == _text(twin_id)
        )
        with self._connection() as connection:
            return {(row.block, row.log_index) for row in connection.execute(sa.select(_list).where(~named))}

    def count(self) -> int:
        """Events in it."""
        with self._connection() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(_event)).scalar_one())

    def close(self) -> None:
        """Let go of connections."""
        self._engine.dispose()

    # -- inside ------------------------------------------------------------------------

    def _mend(self, chain: Chain) -> None:
        """Back to the newest checkpoint that the chain has too."""
        with self._connection() as connection:
            kept = connection.execute(sa.select(_checkpoint).order_by(_checkpoint.c.block.desc())).all()
        newest = chain.head().number
        for row in kept:
            if row.block <= newest and chain.head(row.block).hash == bytes(row.hash):
                break
        else:
            if not kept or kept[-1].block - BLOCKS_AT_ONCE <= self._first:
                self._cut(self._first - 1)
                return
            raise ChainError(
                f"the chain was reorganised below block {kept[-1].block}",
                hint="look at the chain; then make a new index: name another one in MEDTWIN_INDEX",
                kind="reorg_too_deep",
            )
        if row is not kept[0]:
            self._cut(row.block)

    def _cut(self, block: int) -> None:
        with self._connection() as connection:
            for table in (_entry, _list, _fact, _event, _checkpoint):
                connection.execute(table.delete().where(table.c.block > block))

    def _write(self, found: Sequence[Event], end: Head) -> None:
        events = [
            {"block": one.block, "log_index": one.log_index, "contract": one.contract, "name": one.name,
             "transaction_hash": one.transaction, "time_s": one.time_s, "args": cbor2.dumps(one.args)}
            for one in found
        ]  # fmt: skip
        facts = [
            {"block": one.block, "log_index": one.log_index, "name": key, "value": _text(value)}
            for one in found
            for key, value in one.args.items()
            if isinstance(value, str | int | bytes)
        ]
        with self._connection() as connection:
            for table, rows in ((_event, events), (_fact, facts)):
                if rows:
                    connection.execute(table.insert(), rows)
            connection.execute(_checkpoint.insert(), {"block": end.number, "hash": end.hash})
            connection.execute(_checkpoint.delete().where(_checkpoint.c.block < end.number - CHECKPOINTS_KEPT))

    def _found(self, asked: sa.Select[Any], order: Sequence[sa.Column[Any]], newest: int = 0) -> list[Event]:
        turned = [column.desc() for column in order] if newest else order
        with self._connection() as connection:
            rows = connection.execute(asked.order_by(*turned).limit(newest or None)).all()
        found = [
            Event(row.contract, row.name, cbor2.loads(row.args), row.block, row.log_index, bytes(row.transaction_hash),
                  row.time_s)
            for row in rows
        ]  # fmt: skip
        return found[::-1] if newest else found

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        with _reporting(), self._engine.begin() as connection:
            yield connection


class IndexedChain:
    """A chain whose old events come from the index; all else is the chain's own.

    The index is used as far as the chain still has the block it ends with; if it cannot be used, the chain is asked.
    Not for custodians: what they decide by is the chain alone.
    """

    def __init__(self, chain: Chain, index: EventIndex) -> None:
        self._chain, self.index = chain, index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def events(
        self, contract: str, name: str, *, since: int = 0, until: int | None = None, **match: Any
    ) -> list[Event]:
        asked = partial(self._chain.events, contract, name, until=until, **match)
        try:
            newest = self._chain.head().number
            end = self._end(newest)
            if end is None:
                return asked(since=since)
            last = end.number if until is None else min(until, end.number)
            known = self.index.events(contract, name, since=since, until=last, match=match)
        except StorageError:  # it is slower without an index, not wrong
            return asked(since=since)
        whole = end.number == newest if until is None else end.number >= until
        return known if whole else known + asked(since=max(since, end.number + 1))

    def naming(self, events: Sequence[Event], twin_id: int) -> list[Event]:
        try:
            others = self.index.lists_without(twin_id) if events and self._end(self._chain.head().number) else ()
        except StorageError:
            others = ()
        return [one for one in events if (one.block, one.log_index) not in others]

    def _end(self, newest: int) -> Head | None:
        """The block that the index ends with, if the chain has it too."""
        end = self.index.head()
        if end is None or end.number > newest or self._chain.head(end.number).hash != end.hash:
            return None
        return end


def indexed(chain: C, index: EventIndex) -> C:
    """The chain with its old events from the index."""
    return cast(C, IndexedChain(chain, index))  # it answers all that the chain does


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _migrate(connection: sa.Connection) -> None:
    """To the newest step, in the transaction that is open."""
    from alembic import command  # half a second that commands without an index do not have to wait
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _belongs(connection: sa.Connection, name: str) -> None:
    """Mark a new database as this deployment's; another's is refused."""
    found = connection.execute(sa.select(_deployment.c.name)).scalar()
    if found is None:
        connection.execute(_deployment.insert(), {"name": name})
    elif found != name:
        raise StorageError(
            "the index is of another deployment", hint="name another one in MEDTWIN_INDEX", kind="other_deployment"
        )


@contextmanager
def _reporting() -> Iterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        raise StorageError(
            f"the index cannot be used: {str(error).splitlines()[0][:160]}",
            hint="see whether MEDTWIN_INDEX names a database that is there; for PostgreSQL: pip install 'medtwin[postgres]'",
            kind="index_failed",
        ) from error
