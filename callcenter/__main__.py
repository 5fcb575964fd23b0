"""The command line."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

from callcenter import (
    chores,
    demo,
    doctor,
    drill_centre,
    metrics,
    people,
    synthetic,
)
from callcenter.centre import PARTS, Centre
from callcenter.console.roles import ROLES
from callcenter.deployment import VERSION, Refused, bring_up, load, when_there, writer_of
from callcenter.people import key_safes
from callcenter.storage.copies import CopyFailed
from callcenter.storage.engine import connect
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable
from config import settings
from config.policies import AlertPolicy
from config.settings import Settings
from devices.broker import BrokerFailed, port_is_free

# The writer's thread and the event loop take turns; Python's 5 ms between turns would be most of a press's way.
THREAD_TURN_S = 0.0001


def _check_ports(chosen: Settings) -> None:
    ports = {"CALLCENTER_HTTP_PORT": (chosen.http_host, chosen.http_port)}
    if chosen.embedded_broker:
        ports["CALLCENTER_MQTT_PORT"] = (chosen.mqtt_host, chosen.mqtt_port)
    for name, (host, port) in ports.items():
        if not port_is_free(host, port):
            raise Refused(f"port {port} on {host} is taken; choose another with {name}")


async def _run(chosen: Settings, policy: AlertPolicy, beside: demo.Town | None, parts: frozenset[str]) -> int:
    """Run the centre, and the demo's town beside it, until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics.build.info({"version": VERSION})
    metrics.disk_free.set_function(lambda: doctor.free_bytes(chosen))
    centre = Centre(chosen, policy, parts=parts)
    try:
        await centre.start()
        if beside:
            await beside.start()
        stopping = asyncio.ensure_future(stop.wait())
        failing = asyncio.ensure_future(centre.wait())
        await asyncio.wait((stopping, failing), return_when=asyncio.FIRST_COMPLETED)
        return 0 if stopping.done() else 1
    finally:
        if beside:
            await beside.stop()
        await centre.stop()


def _run_loop(
    chosen: Settings, policy: AlertPolicy, beside: demo.Town | None = None, parts: frozenset[str] = PARTS
) -> int:
    sys.setswitchinterval(THREAD_TURN_S)
    gc.freeze()  # what is loaded by now stays; looking through it again and again would only make presses wait
    try:
        with asyncio.Runner() as runner:  # not uvloop: it goes deaf on a socket that was reset (docs/adr/0012)
            code = runner.run(_run(chosen, policy, beside, parts))
    except (BrokerFailed, Unavailable, OSError) as error:
        raise Refused(str(error)) from error
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is stored and stopped; a thread that still waits for a dead database must not keep us


def _check_parts(chosen: Settings, parts: frozenset[str]) -> None:
    if unknown := parts - PARTS:
        raise Refused(f"--only: there is no {', '.join(sorted(unknown))}; there are {', '.join(sorted(PARTS))}")
    if parts != PARTS and (chosen.embedded_broker or chosen.database.startswith("sqlite")):
        raise Refused("--only: parts of a centre share CALLCENTER_DATABASE_URL (PostgreSQL) and CALLCENTER_MQTT_URL")


def _check_drill(chosen: Settings) -> None:
    """Nobody practises where somebody real is registered."""
    if not chosen.drill:
        return
    if why := Reader(connect(chosen.database, writer=False)).now(drill_centre.refusal):
        raise Refused(why)


def serve(arguments: argparse.Namespace) -> int:
    chosen, policy = load()
    parts = frozenset(arguments.only.split(",")) if arguments.only else PARTS
    _check_parts(chosen, parts)
    _check_ports(chosen)

    def prepare() -> None:
        bring_up(chosen)
        _check_drill(chosen)
        with closing(writer_of(chosen, policy)) as writer:
            synthetic.prepare(chosen, writer)

    when_there(chosen, prepare)
    return _run_loop(chosen, policy, parts=parts)


def run_demo(_arguments: argparse.Namespace) -> int:
    chosen, policy = load()
    return _run_demo(chosen, policy)


def _run_demo(chosen: Settings, policy: AlertPolicy, day: demo.Day | None = None) -> int:
    chosen = demo.with_telephone(chosen)
    _check_ports(chosen)
    bring_up(chosen)
    _check_drill(chosen)
    writer = writer_of(chosen, policy)
    town = demo.prepare(chosen, writer, day)
    writer.close()
    return _run_loop(chosen, policy, town)


def run_drill(arguments: argparse.Namespace) -> int:
    """The demo's centre, marked, with a recorded day in the place of its town's own life."""
    chosen, policy = load()
    if not chosen.drill:
        raise Refused("set CALLCENTER_DRILL=1 and a CALLCENTER_DATA_DIR of its own, or use `make drill`")
    if not arguments.file.is_file():
        raise Refused(f"{arguments.file}: there is no such file; write one with `export-day`")
    return _run_demo(chosen, policy, demo.Day(arguments.file, arguments.speed))


def probe(_arguments: argparse.Namespace) -> int:
    """Become the prober, a process of its own that knows only addresses and its password."""
    chosen = settings.load()
    if isinstance(chosen, str):
        raise Refused(chosen)
    if not chosen.synthetic_password.get_secret_value():
        raise Refused("CALLCENTER_SYNTHETIC_PASSWORD is needed, the same that the centre has")
    command, environment = synthetic.prober(chosen)
    os.execve(command[0], command, os.environ | environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m callcenter", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, does: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(does=does)
        return added

    serving = command("serve", serve, "Run the centre.")
    serving.add_argument(
        "--only", metavar="PART,...", help=f"not all of {', '.join(sorted(PARTS))}: some other process"
    )
    command("demo", run_demo, "Run the centre with a small simulated town.")
    command("synthetic", probe, "Press the test alarm every minute, beside the centre, and say when it is missed.")
    drill = command("drill", run_drill, "Run a marked centre to practise in, and play a recorded day in it.")
    drill.add_argument("file", type=Path, help="what export-day has written")
    drill.add_argument("--speed", type=float, default=1.0, help="10: an hour takes six minutes")
    day = command(
        "export-day", chores.export_day, "Write what was pressed on one day, without a word about who, for a drill."
    )
    day.add_argument("date", type=date.fromisoformat, help="YYYY-MM-DD, a day of China")
    command("migrate", chores.migrate_only, "Bring the database to the newest schema.")
    reading = command("import", chores.import_people, "Read residents, devices, responders or plans from a CSV file.")
    reading.add_argument("kind", choices=sorted({*people.KINDS, key_safes.KIND}))
    reading.add_argument("file", type=Path)
    user = command(
        "user", chores.change_user, "Add or change an operator, end all sessions of one, or take a lost second factor."
    )
    user.add_argument("verb", choices=[*chores.USER])
    user.add_argument("id")
    user.add_argument("--name", help="of who is added")
    user.add_argument("--reason", help="why a second factor is taken away")
    user.add_argument("--role", choices=sorted(ROLES), default="operator")
    user.add_argument("--area", help="an area's id: they see its people, and those of the areas below it; without: all")
    user.add_argument("--password-stdin", action="store_true", help="read the password from the first line of input")
    auditing = command("audit", chores.verify_audit, "Check that the timeline is unbroken and unaltered.")
    auditing.add_argument("verb", choices=["verify"])
    backing = command(
        "backup", chores.back_up, "Copy the database into a directory while the centre runs; remove old copies."
    )
    backing.add_argument("directory", type=Path)
    backing.add_argument("--keep", type=int, default=30, help="so many stay, the newest first (30)")
    backing.add_argument("--days", type=int, default=0, help="none older than this stays but the newest (0: all stay)")
    backing.add_argument("--with-key", action="store_true", help="put secret.key beside it: who has both reads all")
    restored = command("restore", chores.restore, "Restore a backup into an empty database.")
    restored.add_argument("file", type=Path)
    command("retain", chores.retain, "Take away what is older than it may be, as the service does every night.")
    command("coverage", chores.show_coverage, "Show where nobody could be asked to go, in the next 7 days.")
    command("doctor", chores.examine, "Check a deployment and say what to do.")
    return parser


def main() -> int:
    arguments = _parser().parse_args()
    try:
        does: Callable[[argparse.Namespace], int] = arguments.does
        return does(arguments)
    except (Refused, Unavailable, CopyFailed) as error:
        print(f"callcenter: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before anything was started; afterwards it is an orderly end
        return 130


if __name__ == "__main__":
    sys.exit(main())
