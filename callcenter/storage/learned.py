"""Since when each fact of the register is known: written where it changes, read for who must know how old a fact is.

A fact keeps its time while it stays as it is. Telling it again the same is no proof that anybody has looked.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, tuple_, update

from callcenter.storage import tables as t
from callcenter.storage.records import canonical, rfc3339

DATED = frozenset({"residents", "households", "contacts"})


def learn(connection: Connection, register: str, key: str, fields: Iterable[str], at: datetime) -> None:
    """These fields of this row have just become what they are; the others keep their time."""
    here = (t.learned.c.register == register) & (t.learned.c.id == key)
    before = connection.execute(select(t.learned.c.fields).where(here)).scalar()
    known = json.loads(before) if before else {}
    fields_text = canonical(known | dict.fromkeys(fields, rfc3339(at)))
    if before is None:
        connection.execute(insert(t.learned), [{"register": register, "id": key, "fields": fields_text}])
    else:
        connection.execute(update(t.learned).where(here).values(fields=fields_text))


def learned(connection: Connection, rows: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], dict[str, datetime]]:
    """(table, id) -> field -> since when. A row registered before this was written down is not among them."""
    c = t.learned.c
    query = select(c.register, c.id, c.fields).where(tuple_(c.register, c.id).in_(rows))
    return {
        (row.register, row.id): {name: datetime.fromisoformat(at) for name, at in json.loads(row.fields).items()}
        for row in connection.execute(query)
    }
