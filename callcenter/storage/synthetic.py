"""The centre's own test alarm: its device, its presser, and when it last came all the way through (docs/adr/0027)."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from callcenter.alerts.model import SYNTHETIC, State
from callcenter.storage import tables as t
from callcenter.storage.sessions import PROBER

DEVICE = f"{SYNTHETIC}-1"
ACCOUNT = SYNTHETIC
# One a minute is half a million a year. The timeline keeps what happened; of the rest the newest are enough.
KEPT = timedelta(hours=1)


def register(connection: Connection) -> None:
    """Its device, of nobody; the account is made like any operator's."""
    if connection.execute(select(t.devices.c.id).where(t.devices.c.id == DEVICE)).first() is None:
        connection.execute(insert(t.devices).values(id=DEVICE, family=SYNTHETIC))
        connection.execute(insert(t.device_state).values(device_id=DEVICE))


def take_away(connection: Connection) -> None:
    """Nobody may press it any more. Its device stays: a press that is still on the way is a test, and no stranger's."""
    account = (t.operators.c.id == ACCOUNT, t.operators.c.role == PROBER)
    its = select(t.operators.c.id).where(*account)
    for table in (t.sessions, t.recovery_codes, t.second_factors):
        connection.execute(delete(table).where(table.c.operator_id.in_(its)))
    connection.execute(delete(t.operators).where(*account))


def last_success(connection: Connection) -> datetime | None:
    """When one was last closed by who pressed it; before the first, when it was set up. None: it is not."""
    since: datetime | None = connection.execute(
        select(t.operators.c.created_at).where(t.operators.c.id == ACCOUNT, t.operators.c.role == PROBER)
    ).scalar()
    if since is None:
        return None
    closed = (
        select(func.max(t.alerts.c.resolved_at))
        .join(t.signals, t.signals.c.alert_id == t.alerts.c.id)
        .where(t.signals.c.device_id == DEVICE, t.alerts.c.state == State.CLOSED.value, t.alerts.c.drill)
    )
    last: datetime | None = connection.execute(closed).scalar()
    return max(last, since) if last else since


def tidy(connection: Connection, device: str, now: datetime) -> None:
    """Forget those that are over, but for the newest."""
    old = (t.signals.c.device_id == device, t.signals.c.received_at < now - KEPT)
    over = select(t.signals.c.alert_id).where(*old)
    connection.execute(delete(t.alerts).where(t.alerts.c.id.in_(over), t.alerts.c.state == State.CLOSED.value))
    connection.execute(delete(t.signals).where(*old))
