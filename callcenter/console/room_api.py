"""The wallboard's figures and the supervisor's room, in scope. Described by openapi.yaml."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from callcenter.clock import Clock
from callcenter.console import room_views as views
from callcenter.console.auth import SIGNED_IN
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.storage import room_queries
from callcenter.storage.reading import Reader
from callcenter.storage.scope import Scope

ON_A_WALL = 8  # rows that can be read from 6 m
HOUR = timedelta(hours=1)


def _wall(connection: Connection, now: datetime, scope: Scope) -> dict[str, Any]:
    return views.wall_view(
        now,
        room_queries.waiting(connection, scope),
        room_queries.queue(connection, scope, ON_A_WALL),
        room_queries.desks(connection, now),
        room_queries.callers(connection, scope),
        room_queries.answers(connection, now - HOUR, scope),
    )


def _room(connection: Connection, now: datetime, scope: Scope) -> dict[str, Any]:
    answers = room_queries.answers(connection, now - HOUR, scope)
    desks = room_queries.desks(connection, now)
    queue = room_queries.queue(connection, scope, room_queries.SHOWN)
    callers, waiting = room_queries.callers(connection, scope), room_queries.waiting(connection, scope)
    return views.wall_view(now, waiting, queue, desks, callers, answers) | {
        "queue": [views.queue_view(row) | {"alert_id": row["alert_id"]} for row in queue],
        "desks": [views.room_desk_view(desk) for desk in desks],
        "breaches": views.breaches(answers, now),
        "left": [views.left_view(row) for row in room_queries.left(connection, now, scope)],
    }


@dataclass(frozen=True, slots=True)
class RoomApi:
    """`state`: what every beat says too: health, flood mode, the test alarm."""

    read: Reader
    clock: Clock
    state: Callable[[], dict[str, Any]]

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", "/api/v1/wall", May.SEE_WALL, "getWall", self.wall),
            Route("GET", "/api/v1/room", May.RUN_ROOM, "getRoom", self.room),
        )

    async def wall(self, request: web.Request) -> web.Response:
        found = await self.read(_wall, self.clock.now(), request[SIGNED_IN].scope)
        return web.json_response(found | self.state())

    async def room(self, request: web.Request) -> web.Response:
        found = await self.read(_room, self.clock.now(), request[SIGNED_IN].scope)
        return web.json_response(found | self.state())
