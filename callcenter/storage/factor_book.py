"""Statements about second factors. A code is taken by one update, so that of two requests with it one is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from callcenter.storage import tables as t

_F, _R = t.second_factors.c, t.recovery_codes.c


@dataclass(frozen=True, slots=True)
class Factor:
    """`sealed`: the secret; empty: none. `since`: confirmed; None: not asked for. `recovery`: how many are left."""

    sealed: bytes
    since: datetime | None
    excused_until: datetime | None
    recovery: int


NONE = Factor(b"", None, None, 0)


def factor(connection: Connection, operator: str) -> Factor:
    row = connection.execute(select(t.second_factors).where(_F.operator_id == operator)).first()
    if row is None:
        return NONE
    left = select(func.count()).where(_R.operator_id == operator, _R.used_at.is_(None))
    return Factor(bytes(row.secret_sealed), row.confirmed_at, row.excused_until, connection.execute(left).scalar_one())


def _put(connection: Connection, operator: str, **values: object) -> None:
    if not connection.execute(update(t.second_factors).where(_F.operator_id == operator).values(**values)).rowcount:
        usual = {"secret_sealed": b"", "last_step": 0}
        connection.execute(insert(t.second_factors).values(operator_id=operator, **(usual | values)))


def begin(connection: Connection, operator: str, sealed: bytes) -> None:
    _put(connection, operator, secret_sealed=sealed, confirmed_at=None, last_step=0)


def confirm(connection: Connection, operator: str, step: int, recovery: Iterable[str], now: datetime) -> None:
    _put(connection, operator, confirmed_at=now, last_step=step, excused_until=None)
    connection.execute(delete(t.recovery_codes).where(_R.operator_id == operator))
    connection.execute(insert(t.recovery_codes), [{"operator_id": operator, "code_hash": one} for one in recovery])


def take_away(connection: Connection, operator: str, excused_until: datetime | None) -> None:
    _put(connection, operator, secret_sealed=b"", confirmed_at=None, last_step=0, excused_until=excused_until)
    connection.execute(delete(t.recovery_codes).where(_R.operator_id == operator))


def take_step(connection: Connection, operator: str, step: int) -> bool:
    """Whether the app's code of this step counts; afterwards neither it nor an older one does again."""
    fresh = (_F.operator_id == operator, _F.confirmed_at.is_not(None), _F.last_step < step)
    return connection.execute(update(t.second_factors).where(*fresh).values(last_step=step)).rowcount == 1


def take_recovery(connection: Connection, operator: str, code_hash: str, now: datetime) -> bool:
    """Whether there is this recovery code and nobody has used it; now somebody has."""
    unused = (_R.operator_id == operator, _R.code_hash == code_hash, _R.used_at.is_(None))
    return connection.execute(update(t.recovery_codes).where(*unused).values(used_at=now)).rowcount == 1
