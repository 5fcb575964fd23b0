"""The pages' files: what each script needs is found, and the table answers for what is in it and nothing else."""

from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Request, Response

from callcenter.console import static_files
from callcenter.console.pages import SHELLS, STATIC


def asking(path: str, **headers: str) -> Request:
    return make_mocked_request("GET", f"/static/{path}", headers=headers, match_info={"path": path})


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "x.mjs").write_text("export {};")
    (tmp_path / "main.js").write_text('import { a,\n  b } from "./a.js";\nimport "x";\nexport * from "./b.js";\n')
    (tmp_path / "a.js").write_text('import { main } from "./main.js";\nconst late = () => import("./late.js");\n')
    (tmp_path / "b.js").write_text('/** @typedef {import("./types.js").T} T */\nexport const from = "./c.js";\n')
    for name in ("c.js", "late.js", "types.js"):
        (tmp_path / name).write_text("export {};")
    return tmp_path


def test_a_script_needs_what_it_imports_in_turn_and_not_what_it_may_ask_for_later(shelf: Path) -> None:
    assert static_files.needed_by("main.js", static_files.read(shelf)) == ["a.js", "b.js", "main.js"]


def test_every_page_needs_some_and_none_needs_the_responders() -> None:
    files = static_files.read(STATIC)
    needed = {script: static_files.needed_by(script, files) for _path, _name, script in SHELLS}
    assert all(script in own and "i18n.js" in own for script, own in needed.items())
    assert not any("responder.js" in own for own in needed.values())
    assert "live.js" in needed["main.js"]


async def test_what_is_in_the_table_is_answered_and_not_sent_twice(shelf: Path) -> None:
    serve = static_files.serving(static_files.read(shelf))
    (shelf / "a.js").write_text("another version")
    first = await serve(asking("a.js"))
    assert isinstance(first, Response)
    assert (first.status, first.content_type) == (200, "text/javascript")
    assert b"late.js" in first.body, "one page is made of one version"
    assert first.headers["Cache-Control"] == "no-cache"
    again = await serve(asking("a.js", **{"If-None-Match": first.headers["ETag"]}))
    assert (again.status, again.body) == (304, None)
    assert (await serve(asking("a.js", **{"If-None-Match": '"old"'}))).status == 200
    assert (await serve(asking("vendor/x.mjs"))).status == 200


@pytest.mark.parametrize("path", ["none.js", "vendor", "../main.js", "vendor/../main.js", "/etc/passwd", ""])
async def test_what_is_not_in_it_is_not_there(shelf: Path, path: str) -> None:
    serve = static_files.serving(static_files.read(shelf / "vendor" if path == "../main.js" else shelf))
    assert (await serve(asking(path))).status == 404
