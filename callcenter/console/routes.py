"""What a route is: where, who may use it, what it is called in openapi.yaml, and what its id names."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from callcenter.console.roles import May

PUBLIC = "public"
LINKED = "linked"  # a link and its own cookie say who it is, and no other site has that cookie (docs/adr/0016)

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(NamedTuple):
    """`about` is the register of `{id}` (scope.REGISTERS): whoever does not see its area gets a 404."""

    method: str
    path: str
    needs: May | str  # or PUBLIC
    name: str
    handler: Handle
    about: str = ""
