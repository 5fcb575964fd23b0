"""A village with telephones on SQLite, and the ways in which its people ring the centre."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from callcenter.alerts.call_model import Call, Role
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from simulators.carrier.callees import Callee
from simulators.carrier.legs import Leg
from tests.telephone.exchange import (
    ANN_PHONE,
    DAUGHTER,
    DISTRICT,
    DOCTOR,
    HOTLINE,
    NEIGHBOURS,
    RESIDENT,
    SON,
    STATION,
    Exchange,
    fill,
)

PATIENT = Callee("silent")  # says nothing, presses nothing, waits
GOES = Callee("press", digits=("1",), rings_s=1, early=True)
RINGS_LONG = Callee("ignore")


@asynccontextmanager
async def village(
    directory: Path, *, more: Callable[[Connection], None] | None = None, risk: str = "normal", **options: Any
) -> AsyncIterator[Exchange]:
    url = f"sqlite:///{directory / 'village.db'}"
    fill(url, risk=risk)
    if more:
        change(url, more)
    async with Exchange(url, directory, **options) as exchange:
        yield exchange


@asynccontextmanager
async def attended(
    url: str, directory: Path, *, settings: Mapping[str, Any] | None = None, **limits: int
) -> AsyncIterator[Exchange]:
    """The resident speaks, Ann is ready, everybody else lets it ring."""
    async with Exchange(url, directory, settings=settings, limits=limits) as made:
        made.callees(RINGS_LONG, DAUGHTER, SON, DOCTOR, STATION, DISTRICT, *NEIGHBOURS)
        made.callees(Callee("speaks", says=("喂",), rings_s=2), RESIDENT)
        made.callees(Callee("answer", rings_s=2), ANN_PHONE)
        await made.seat()
        yield made


def change(url: str, how: Callable[[Connection], None]) -> None:
    engine = connect(url, writer=True, size=1)
    with engine.begin() as connection:
        how(connection)
    engine.dispose()


def another_resident(connection: Connection, phone: str, *, id: str = "r-2", name: str = "李建国") -> None:
    """Lives in the same house."""
    connection.execute(t.residents.insert(), {"id": id, "household_id": "h-1", "name": name, "phone": phone})


def rings(exchange: Exchange, number: str, to: str = HOTLINE, callee: Callee = PATIENT) -> Leg:
    return exchange.carrier.call_in(number, to, callee)


async def call_of(exchange: Exchange, leg: Leg) -> Call:
    """The row of an inbound call, as soon as there is one."""
    return await exchange.until(
        lambda: next((call for call in exchange.calls() if call.provider_ref == leg.sid), None), what="its row"
    )


def operators_legs(exchange: Exchange, alert: str | None = None) -> list[Call]:
    return [call for call in exchange.calls(alert) if call.role is Role.OPERATOR]


def joined(exchange: Exchange, alert: str) -> set[Role]:
    """Who can talk to somebody."""
    return {call.role for call in exchange.calls(alert) if call.joined_at}


def rows(exchange: Exchange, table: Any) -> list[dict[str, Any]]:
    return exchange.read(lambda connection: [dict(row) for row in connection.execute(select(table)).mappings()])


def data_of(exchange: Exchange, rule: str) -> list[dict[str, Any]]:
    """What the timeline keeps of every entry of this rule."""
    return [json.loads(entry.data) for entry in exchange.entries() if entry.rule == rule]
