"""Statements of the hot path, compiled once by SQLAlchemy and run on the driver's own cursor.

Executing through SQLAlchemy costs 0.15 ms a statement, this 0.02 ms, and a press needs ten (docs/adr/0008).
The statements are the same Core expressions as everywhere, for whatever database is connected.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ClauseElement, Connection, Dialect, Float, Insert, Select, bindparam
from sqlalchemy.types import TypeEngine

Process = Callable[[Any], Any] | None
MOST_ROWS = 32  # inserted by one statement
FLOAT8 = 701  # what a Float column is on PostgreSQL; its processor wants to know
LARGEST_LIST = 256  # keys looked up by one statement


@dataclass(frozen=True, slots=True)
class _Compiled:
    """SQL text, and how to turn a row's values into parameters in the order or under the names it wants."""

    sql: str
    values: tuple[tuple[str, Process], ...]  # in the order the text wants them
    positional: bool
    results: tuple[Process, ...]
    one_row: str  # of an INSERT with positional parameters: "(?, ?)", which may be repeated; else empty
    constants: dict[str, Any]  # what the statement itself says, such as the "" of coalesce(name, "")

    def parameters(self, row: dict[str, Any]) -> Any:  # noqa: ANN401
        if self.constants:
            row = self.constants | row
        if self.positional:
            return tuple([process(row[name]) if process else row[name] for name, process in self.values])
        return {name: process(row[name]) if process else row[name] for name, process in self.values}

    def result(self, row: Sequence[Any]) -> tuple[Any, ...]:
        pairs = zip(row, self.results, strict=True)
        return tuple([process(value) if process else value for value, process in pairs])


def _bind(kind: TypeEngine[Any], dialect: Dialect) -> Process:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _result(kind: TypeEngine[Any], dialect: Dialect) -> Process:
    return kind.dialect_impl(dialect).result_processor(dialect, FLOAT8 if isinstance(kind, Float) else None)


def _one_row(sql: str) -> str:
    """The parameters behind VALUES, when nothing follows them."""
    _, found, row = sql.partition(" VALUES ")
    return row if found and row.endswith(")") else ""


def _compile(statement: ClauseElement, dialect: Dialect, columns: Sequence[str] | None) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(columns) if columns else None)
    names = tuple(compiled.positiontup if compiled.positional else compiled.binds)
    results = (
        tuple(_result(c.type, dialect) for c in statement.selected_columns) if isinstance(statement, Select) else ()
    )
    return _Compiled(
        sql=str(compiled),
        values=tuple((name, _bind(compiled.binds[name].type, dialect)) for name in names),
        positional=compiled.positional,
        results=results,
        one_row=_one_row(str(compiled)) if compiled.positional and isinstance(statement, Insert) else "",
        constants={name: bind.value for name, bind in compiled.binds.items() if not bind.required},
    )


class Prepared:
    """One statement. Every value it needs is a named parameter of the rows it is run with."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._statement, self._columns = statement, columns
        self._by_dialect: dict[str, _Compiled] = {}

    def _compiled(self, connection: Connection) -> _Compiled:
        dialect = connection.dialect
        found = self._by_dialect.get(dialect.name)
        if found is None:
            found = self._by_dialect[dialect.name] = _compile(self._statement, dialect, self._columns)
        return found

    def run(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Once for each row."""
        if not rows:
            return
        compiled = self._compiled(connection)
        cursor = connection.connection.cursor()
        if len(rows) == 1:
            cursor.execute(compiled.sql, compiled.parameters(rows[0]))
        elif compiled.one_row:
            self._insert_together(cursor, compiled, rows)
        else:
            cursor.executemany(compiled.sql, [compiled.parameters(row) for row in rows])
        cursor.close()

    @staticmethod
    def _insert_together(cursor: Any, compiled: _Compiled, rows: Sequence[dict[str, Any]]) -> None:  # noqa: ANN401
        """Several rows a step: after every step of SQLite the thread has to wait for its turn again."""
        start = 0
        while start < len(rows):
            length = min(MOST_ROWS, 1 << ((len(rows) - start).bit_length() - 1))  # powers of two: few texts
            values = [value for row in rows[start : start + length] for value in compiled.parameters(row)]
            cursor.execute(compiled.sql + f", {compiled.one_row}" * (length - 1), values)
            start += length

    def rows(self, connection: Connection, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        compiled = self._compiled(connection)
        cursor = connection.connection.cursor()
        cursor.execute(compiled.sql, compiled.parameters(values))
        found = [compiled.result(row) for row in cursor.fetchall()]
        cursor.close()
        return found


class PreparedLookup:
    """Rows by a list of keys. Lists are padded to powers of two, so that few texts serve all lengths.

    `build` makes the statement for the parameters of one list; a key of several columns has several.
    """

    def __init__(
        self, build: Callable[[Sequence[tuple[BindParameter[Any], ...]]], ClauseElement], *, width: int = 1
    ) -> None:
        self._build, self._width = build, width
        self._by_length: dict[int, Prepared] = {}

    def _prepared(self, length: int) -> Prepared:
        found = self._by_length.get(length)
        if found is None:
            binds: list[tuple[BindParameter[Any], ...]] = [
                tuple(bindparam(f"k{i}_{j}", unique=False) for j in range(self._width)) for i in range(length)
            ]
            found = self._by_length[length] = Prepared(self._build(binds))
        return found

    def _parts(self, keys: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Prepared, dict[str, Any]]]:
        wanted = list(keys)
        for start in range(0, len(wanted), LARGEST_LIST):
            part = wanted[start : start + LARGEST_LIST]
            length = 1 << (len(part) - 1).bit_length()
            padded = part + part[-1:] * (length - len(part))
            values = {f"k{i}_{j}": value for i, key in enumerate(padded) for j, value in enumerate(key)}
            yield self._prepared(length), values

    def rows(self, connection: Connection, keys: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        for prepared, values in self._parts(keys):
            yield from prepared.rows(connection, values)

    def run(self, connection: Connection, keys: Iterable[tuple[Any, ...]], values: dict[str, Any]) -> None:
        """For a statement that changes rows: the same `values` for all of them."""
        for prepared, wanted in self._parts(keys):
            prepared.run(connection, [wanted | values])
