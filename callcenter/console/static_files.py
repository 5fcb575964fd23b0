"""The files of the pages, read once at start: a page asks for a hundred, and none of them waits for the disk.

What lies on the disk later is served after the next start, so no page is ever made of two versions.
"""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from callcenter.console.problems import problem
from callcenter.console.routes import Handle

_IMPORT = re.compile(r"""^(?:import|export)\b[^"';=]*["']\./([\w.]+\.js)["']""", re.MULTILINE)
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript"}  # else a machine's own table may say otherwise


@dataclass(frozen=True, slots=True)
class File:
    """`tag`: changes with the bytes."""

    content_type: str
    tag: str
    body: bytes


def read(directory: Path) -> dict[str, File]:
    """Every file below it, by its path with slashes."""
    return {
        path.relative_to(directory).as_posix(): _file(path) for path in sorted(directory.rglob("*")) if path.is_file()
    }


def _file(path: Path) -> File:
    body = path.read_bytes()
    content_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(content_type, hashlib.sha256(body).hexdigest()[:32], body)


def needed_by(script: str, files: Mapping[str, File]) -> list[str]:
    """Our own scripts that this one imports, directly or not, and itself."""
    found: set[str] = set()
    left = [script]
    while left:
        name = left.pop()
        if name not in found and name in files:
            found.add(name)
            left += _IMPORT.findall(files[name].body.decode())
    return sorted(found)


def serving(files: Mapping[str, File]) -> Handle:
    """Answers `/static/{path}` from the table; what the browser has already is not sent again."""

    async def serve(request: web.Request) -> web.StreamResponse:
        file = files.get(request.match_info["path"])
        if file is None:
            return problem(404, "http", "there is no such file")
        headers = {"ETag": f'"{file.tag}"', "Cache-Control": "no-cache"}
        if any(known.value in (file.tag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, content_type=file.content_type, headers=headers)

    return serve
