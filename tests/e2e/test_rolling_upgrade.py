"""Two processes of an old release become two of this one, one after another and over two schemas, while people press,
work and watch. Nobody is told of an error, and nothing is lost.
"""

import random
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.people import Seat, Watcher
from tests.chaos.town import Pulse
from tests.chaos.wires import Wires
from tests.e2e.books import Answers, Books, judge
from tests.e2e.fleet import Fleet
from tests.processes import ROOT, Mosquitto, Postgres, Service, free_port, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.long]

# The last commits of main at which the newest migration was 0014 and 0015; after them comes what is checked out.
RELEASES = ("afed4d1", "2fa52be")
NODES = ("a", "b")


class Strict(Seat):
    """Writes down whatever is no answer: only a lost race (409) is part of the work."""

    def get(self, path: str, *, seconds: float = 15) -> tuple[int, bytes]:
        status, body = super().get(path, seconds=seconds)
        self._judge(status, path, body)
        return status, body

    def act(self, alert: str, action: str, *, seconds: float = 15, **more: str) -> int:
        status = super().act(alert, action, seconds=seconds, **more)
        self._judge(status, action, b"")
        return status

    def _judge(self, status: int, what: str, body: bytes) -> None:
        if status not in (200, 409):
            self.__dict__.setdefault("errors", []).append(
                f"{self.who}: {what} was answered with {status} {body[:200]!r}"
            )


def checked_out(commit: str, into: Path) -> Path:
    """The tree of a release; skipped loudly where the history is not there."""
    if subprocess.run(["git", "cat-file", "-e", commit], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip(f"commit {commit} is not in this clone's history")
    into.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(into)], input=archive.stdout, check=True)
    return into


def test_releases_change_under_load_without_an_error(
    postgres: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees = [checked_out(commit, tmp_path / commit) for commit in RELEASES] + [ROOT]
    url = postgres.create()
    with ExitStack() as clean_up:
        broker = Mosquitto(tmp_path)
        broker.start()
        clean_up.callback(broker.stop)
        services = {name: _service(name, tmp_path, url, broker.port) for name in NODES}
        _register(tmp_path, url, trees[0])
        for service in services.values():
            clean_up.callback(service.stop)
            service.tree = trees[0]
            service.start()
        pulse = Pulse({name: service.http_port for name, service in services.items()})
        clean_up.callback(pulse.close)
        strings = Wires()
        clean_up.callback(strings.close)
        desk = strings.string([service.http_port for service in services.values()], well=pulse.is_well)
        wait_for(lambda: pulse.ready_for(NODES), what="readiness")
        fleet = clean_up.enter_context(Fleet(broker.port, every_s=1.0))
        http = f"http://127.0.0.1:{desk.port}"
        seats = [Strict(http, f"operator{n}", random.Random(n), every_s=0.4) for n in (1, 2)]
        looker = Strict(http, "supervisor1", random.Random(0))
        for seat in (*seats, looker):
            seat.sign_in(seat.who)
        watcher = clean_up.enter_context(Watcher(http, looker.token))
        with ExitStack() as shift:
            for seat in seats:
                shift.enter_context(seat)
            for tree in trees[1:]:
                for service in services.values():
                    assert service.stop() == 0, service.log()
                    service.tree = tree
                    service.start()
                    wait_for(lambda port=service.http_port: pulse.is_well(port), what="a process in its place")
            fleet.settle()
        books = Books(url)
        wait_for(lambda: not books.pending() and watcher.last >= books.timeline()[-1].n, what="rest", seconds=90)
        for service in services.values():
            assert service.stop() == 0, service.log()
        if books.pending():  # a deadline came between the rest and the stop
            services["a"].start()
            wait_for(lambda: not books.pending(), what="rest")
            services["a"].stop()
    answers = Answers([one for seat in seats for one in seat.answers.done], [])
    errors = [one for seat in seats for one in seat.__dict__.get("errors", ())]
    slowest = max(press.acks[0][0] - press.pressed for press in fleet.presses)
    said = [
        f"{len(fleet.presses)} presses, the slowest stored after {slowest:.1f} s",
        f"{len(answers.done)} actions, {len(errors)} errors",
        f"the console saw {watcher.entries} entries, resumed {watcher.resumed} times, began anew {watcher.anew} times",
    ]
    with capsys.disabled():
        print("", *said, sep="\n")
    assert not errors
    assert not [*watcher.wrong, *judge(fleet, books, answers)]


def _service(name: str, directory: Path, url: str, mqtt_port: int) -> Service:
    mqtt = f"mqtt://127.0.0.1:{mqtt_port}"
    made = Service(directory / name, url, mqtt, http_port=free_port(), extra={"CALLCENTER_NODE": name})
    made.from_nothing = True
    return made


def _register(directory: Path, url: str, tree: Path) -> None:
    """By the old release itself, on its own schema."""
    made = Service(directory / "made", url, tree=tree)
    program = (
        "from tests.processes import Service; from pathlib import Path; "
        f"Service(Path({str(directory / 'made')!r}), {url!r}).register()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tree, env=made.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
