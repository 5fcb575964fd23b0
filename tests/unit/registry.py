"""An empty registry into which a test reads files."""

from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from callcenter.people import Report, import_file
from callcenter.storage import tables as t
from callcenter.storage.writer import Writer

HEAD = "id,name,household_id,address,area"


class Town:
    """An empty database and the files read into it."""

    def __init__(self, directory: Path, writer: Writer) -> None:
        self.directory, self.writer = directory, writer

    def read(self, kind: str, *lines: str, encoding: str = "utf-8") -> Report:
        path = self.directory / f"{kind}.csv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return import_file(self.writer, kind, path)

    def residents(self, *lines: str, head: str = HEAD) -> Report:
        return self.read("residents", head, *lines)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        with self.writer.transaction() as connection:
            found = connection.execute(select(table).order_by(next(iter(table.primary_key)))).mappings()
            return [dict(row) for row in found]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        return {table.name: self.rows(table) for table in t.metadata.sorted_tables}


def counts(report: Report) -> tuple[int, int, int]:
    return report.added, report.changed, report.unchanged
