"""Tables of both databases, and how a SQLite file is opened.

Two files, because they have two rhythms (ADR 8): readings commit in batches, trades commit at every event with
`synchronous=FULL`. Schema version 1 is written into `meta`; a newer file is refused, never guessed at.
"""

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Table, Text

from volthood.errors import LocalError

SCHEMA = 1

reading_tables = MetaData()
trade_tables = MetaData()

for _tables in (reading_tables, trade_tables):
    Table("meta", _tables, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

records = Table(
    "record",
    reading_tables,
    Column("node", LargeBinary, primary_key=True),
    Column("rseq", BigInteger, primary_key=True),
    Column("time_s", BigInteger, nullable=False),
    Column("is_slot", Boolean, nullable=False),
    Column("import_wh", BigInteger, nullable=False),
    Column("export_wh", BigInteger, nullable=False),
    Column("power_w", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
sa.Index("record_by_time", records.c.is_slot, records.c.time_s)

closed = Table(
    "closed",
    reading_tables,
    Column("node", LargeBinary, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("last", BigInteger, primary_key=True),
    Column("reason", Integer, nullable=False),
    sqlite_with_rowid=False,
)

history = Table(
    "history",
    reading_tables,
    Column("slot", BigInteger, primary_key=True),
    Column("load_wh", BigInteger, nullable=False),
    Column("pv_wh", BigInteger, nullable=False),
)

counters = Table(
    "counter", trade_tables, Column("name", Text, primary_key=True), Column("value", BigInteger, nullable=False)
)

posted = Table(
    "posted",
    trade_tables,
    Column("slot", BigInteger, primary_key=True),
    Column("gate", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

books = Table(
    "book",
    trade_tables,
    Column("slot", BigInteger, primary_key=True),
    Column("gate", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

deals = Table(
    "deal",
    trade_tables,
    Column("id", LargeBinary, primary_key=True),
    Column("slot", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),
    Column("buyer_signature", LargeBinary),
    Column("seller_signature", LargeBinary),
    Column("counted", Boolean, nullable=False),
    Column("voided", Boolean, nullable=False),
    Column("disputed", Boolean, nullable=False),
    Column("own_wh", BigInteger),
    Column("peer_wh", BigInteger),
    Column("peer_evidence", LargeBinary),
    Column("own_settlement", LargeBinary),
    Column("peer_settlement", LargeBinary),
    Column("expired", Boolean, nullable=False),
)

outbox = Table(
    "outbox",
    trade_tables,
    Column("recipient", LargeBinary, primary_key=True),
    Column("counter", BigInteger, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

seen = Table(
    "seen",
    trade_tables,
    Column("sender", LargeBinary, primary_key=True),
    Column("counter", BigInteger, primary_key=True),
)

seen_floors = Table(
    "seen_floor",
    trade_tables,
    Column("sender", LargeBinary, primary_key=True),
    Column("counter", BigInteger, nullable=False),
)

slot_notes = Table(
    "slot_note",
    trade_tables,
    Column("slot", BigInteger, primary_key=True),
    Column("gate", Integer, primary_key=True),
    Column("forecast_net_wh", BigInteger),
    Column("forecast_low_wh", BigInteger),
    Column("forecast_high_wh", BigInteger),
    Column("forecast_method", Text, nullable=False),
    Column("side", Integer, nullable=False),
    Column("order_wh", BigInteger, nullable=False),
    Column("limit_mct_per_kwh", BigInteger),
    Column("import_mct_per_kwh", BigInteger, nullable=False),
    Column("export_mct_per_kwh", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

round_notes = Table(
    "round_note",
    trade_tables,
    Column("slot", BigInteger, primary_key=True),
    Column("gate", Integer, primary_key=True),
    Column("orders", Integer, nullable=False),
    Column("bundles", Integer, nullable=False),
    Column("traded_wh", BigInteger, nullable=False),
    Column("price_mct_per_kwh", BigInteger),
    Column("book", LargeBinary, nullable=False),
)

convicted = Table(
    "convicted",
    trade_tables,
    Column("agent", LargeBinary, primary_key=True),
    Column("slot", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
)

events = Table(
    "event",
    trade_tables,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("time_s", BigInteger, nullable=False),
    Column("name", Text, nullable=False, index=True),
    Column("details", Text, nullable=False),
)

settings = Table("setting", trade_tables, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))


def open_sqlite(path: Path | None, tables: MetaData, *, read_only: bool = False) -> sa.Engine:
    """An engine on a SQLite file in WAL mode with synchronous=FULL, its tables made; in memory without a path.

    Raises:
        LocalError: the file cannot be opened, or belongs to a newer version.
    """
    if path is None:
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    elif read_only:
        engine = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", connect_args={"timeout": 5})
    else:
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 5})
    sa.event.listen(engine, "connect", _pragmas if not read_only else _read_only_pragmas)
    sa.event.listen(engine, "handle_error", _tell_who_is_to_blame)
    try:
        if not read_only:
            tables.create_all(engine)
        _check_schema(engine, tables, write=not read_only)
    except sa.exc.DatabaseError as error:
        raise LocalError(f"{path}: cannot open the database: {error.orig}") from error
    return engine


def _check_schema(engine: sa.Engine, tables: MetaData, *, write: bool) -> None:
    meta = tables.tables["meta"]
    with engine.begin() as connection:
        found = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema"))
        if found is None and write:
            connection.execute(meta.insert().values(key="schema", value=str(SCHEMA)))
        elif found is not None and int(found) > SCHEMA:
            raise LocalError(f"{engine.url.database}: written by a newer Volthood (schema {found}); update this one")


def _pragmas(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _tell_who_is_to_blame(context: sa.engine.ExceptionContext) -> None:
    """A full or failing disk, a locked or read-only file, a second version of a message: our own fault, by the file."""
    if isinstance(context.original_exception, (sqlite3.OperationalError, sqlite3.IntegrityError)):
        file = "memory" if context.engine is None else context.engine.url.database
        raise LocalError(f"{file}: {context.original_exception}") from context.original_exception


def _read_only_pragmas(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()
