"""The command line."""

import argparse
import asyncio
import gc
import getpass
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from callcenter import (
    audit,
    backups,
    demo,
    doctor,
    drill_centre,
    metrics,
    people,
    provisions,
    restoring,
    synthetic,
)
from callcenter.alerts import policy_book
from callcenter.alerts.model import Kind
from callcenter.alerts.rules import Refused as Declined
from callcenter.centre import PARTS, Centre
from callcenter.clock import SystemClock, china, pause
from callcenter.console.auth import add_operator
from callcenter.console.roles import ROLES
from callcenter.people import key_safes
from callcenter.ports import FactorReset, SessionsEnded
from callcenter.privacy import KEY_FILE, read_key
from callcenter.storage import network
from callcenter.storage.copies import CopyFailed, damage, sqlite_file
from callcenter.storage.engine import connect
from callcenter.storage.reading import Reader
from callcenter.storage.retention import find, take_away
from callcenter.storage.schema import migrate
from callcenter.storage.unit import Unit
from callcenter.storage.writer import Unavailable, Writer
from config import logs, policies, settings
from config.policies import AlertPolicy
from config.settings import Settings
from devices.broker import BrokerFailed, port_is_free
from handlers import second_factors, signing_in
from handlers.retention import BETWEEN_S, TakenAway, due_rules, taken_away

VERSION = "0.1.0"
# The writer's thread and the event loop take turns; Python's 5 ms between turns would be most of a press's way.
THREAD_TURN_S = 0.0001


class Refused(Exception):
    """The command cannot be carried out; the text says why in one line."""


def _load() -> tuple[Settings, AlertPolicy]:
    chosen = settings.load()
    if isinstance(chosen, str):
        raise Refused(chosen)
    policy = policies.read(chosen.policy_file, kinds=frozenset(Kind))
    if isinstance(policy, str):
        raise Refused(policy)
    for fault in policy_book.faults(policy):
        raise Refused(f"{chosen.policy_file or policies.DEFAULT_FILE}: {fault.said}")
    as_json = chosen.log_format == "json" or (chosen.log_format == "auto" and not sys.stderr.isatty())
    logs.configure(chosen.log_level, json=as_json)
    try:
        chosen.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"CALLCENTER_DATA_DIR: {error}") from error
    return chosen, policy


def _migrate(chosen: Settings) -> None:
    if wrong := damage(chosen.database):
        raise Refused(
            f"the database {sqlite_file(chosen.database)} is damaged ({wrong}): move it with its -wal and -shm to "
            "another place, keep them, and run `python -m callcenter restore FILE` with the last backup"
        )
    try:
        migrate(chosen.database)
    except Exception as error:
        raise Refused(f"the database cannot be prepared: {error.__cause__ or error}".splitlines()[0]) from error


def _writer(chosen: Settings, policy: AlertPolicy) -> Writer:
    return Writer(connect(chosen.database, writer=True, size=1), node=chosen.node, policy=policy)


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
    chosen, policy = _load()
    parts = frozenset(arguments.only.split(",")) if arguments.only else PARTS
    _check_parts(chosen, parts)
    _check_ports(chosen)
    _migrate(chosen)
    _check_drill(chosen)
    writer = _writer(chosen, policy)
    synthetic.prepare(chosen, writer)
    writer.close()
    return _run_loop(chosen, policy, parts=parts)


def run_demo(_arguments: argparse.Namespace) -> int:
    chosen, policy = _load()
    return _run_demo(chosen, policy)


def _run_demo(chosen: Settings, policy: AlertPolicy, day: demo.Day | None = None) -> int:
    chosen = demo.with_telephone(chosen)
    _check_ports(chosen)
    _migrate(chosen)
    _check_drill(chosen)
    writer = _writer(chosen, policy)
    town = demo.prepare(chosen, writer, day)
    writer.close()
    return _run_loop(chosen, policy, town)


def run_drill(arguments: argparse.Namespace) -> int:
    """The demo's centre, marked, with a recorded day in the place of its town's own life."""
    chosen, policy = _load()
    if not chosen.drill:
        raise Refused("set CALLCENTER_DRILL=1 and a CALLCENTER_DATA_DIR of its own, or use `make drill`")
    if not arguments.file.is_file():
        raise Refused(f"{arguments.file}: there is no such file; write one with `export-day`")
    return _run_demo(chosen, policy, demo.Day(arguments.file, arguments.speed))


def export_day(arguments: argparse.Namespace) -> int:
    chosen, _policy = _load()
    read = Reader(connect(chosen.database, writer=False)).now
    lines = read(drill_centre.recorded, arguments.date, china())
    print(*lines, sep="\n")
    return 0


def probe(_arguments: argparse.Namespace) -> int:
    """Become the prober, a process of its own that knows only addresses and its password."""
    chosen = settings.load()
    if isinstance(chosen, str):
        raise Refused(chosen)
    if not chosen.synthetic_password.get_secret_value():
        raise Refused("CALLCENTER_SYNTHETIC_PASSWORD is needed, the same that the centre has")
    command, environment = synthetic.prober(chosen)
    os.execve(command[0], command, os.environ | environment)


def migrate_only(_arguments: argparse.Namespace) -> int:
    chosen, _policy = _load()
    _migrate(chosen)
    print("The database has the newest schema.")
    return 0


def _import(chosen: Settings, writer: Writer, kind: str, file: Path) -> people.Report:
    if kind != key_safes.KIND:
        return people.import_file(writer, kind, file)
    seal = read_key(chosen.data_dir, chosen.secret_key.get_secret_value())
    if isinstance(seal, str):
        raise Refused(seal)
    return key_safes.import_key_safes(writer, seal, file, SystemClock().now())


def import_people(arguments: argparse.Namespace) -> int:
    chosen, policy = _load()
    _migrate(chosen)
    try:
        report = _import(chosen, _writer(chosen, policy), arguments.kind, arguments.file)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{arguments.file}: {error}") from error
    for line, reason in report.wrong:
        print(f"{arguments.file}:{line}: {reason}", file=sys.stderr)
    print(
        f"{arguments.kind}: {report.added} added, {report.changed} changed, "
        f"{report.unchanged} unchanged, {len(report.wrong)} wrong"
    )
    return 1 if report.wrong else 0


def add_user(arguments: argparse.Namespace) -> int:
    if not arguments.name:
        raise Refused("--name is needed")
    chosen, policy = _load()
    _migrate(chosen)
    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else getpass.getpass("Password: ")
    if len(password) < 8:
        raise Refused("a password has at least 8 characters")
    with _writer(chosen, policy).transaction() as connection:
        if arguments.area and not network.subtree(connection, arguments.area):
            raise Refused(f"there is no area {arguments.area}; import areas or residents first")
        add_operator(
            connection,
            arguments.id,
            name=arguments.name,
            role=arguments.role,
            password=password,
            now=SystemClock().now(),
            area=arguments.area,
        )
    print(f"{arguments.id} may sign in as {arguments.role}{f' of {arguments.area}' if arguments.area else ''}.")
    return 0


def _done(wanted: object, does: Callable[[Unit, Any], Any]) -> Any:  # noqa: ANN401 (what the handler answers)
    """What the running centre would do with it, in a transaction of our own. Raises Refused."""
    chosen, policy = _load()
    _migrate(chosen)
    with _writer(chosen, policy).unit(SystemClock().now()) as unit:
        done = does(unit, wanted)
    if isinstance(done, Declined):
        raise Refused(done.detail)
    return done


def sign_out_user(arguments: argparse.Namespace) -> int:
    ended = _done(SessionsEnded(arguments.id), signing_in.end_all)
    print(f"{ended} sessions of {arguments.id} have ended; what they have in hand rings for others within a minute.")
    return 0


def reset_second_factor(arguments: argparse.Namespace) -> int:
    if not (arguments.reason or "").strip():
        raise Refused("--reason is needed: it stands in the timeline")
    _done(FactorReset(arguments.id, arguments.reason.strip(), None), second_factors.reset)
    print(f"{arguments.id} signs in with the password alone.")
    return 0


USER = {"add": add_user, "sign-out": sign_out_user, "reset-second-factor": reset_second_factor}


def change_user(arguments: argparse.Namespace) -> int:
    return USER[arguments.verb](arguments)


def verify_audit(_arguments: argparse.Namespace) -> int:
    chosen, _policy = _load()
    read = Reader(connect(chosen.database, writer=False)).now
    if not read(audit.exists):
        raise Refused("there is no log to verify; run `python -m callcenter migrate`")
    verdict = read(audit.verify)
    print(verdict.says)
    return 0 if verdict.whole else 1


def examine(_arguments: argparse.Namespace) -> int:
    chosen, _policy = _load()
    findings = doctor.examine(chosen, SystemClock().now() - timedelta(seconds=60))
    for finding in findings:
        print(f"{'ok  ' if finding.good else 'BAD '} {finding.says}")
    return 0 if all(finding.good for finding in findings) else 1


def back_up(arguments: argparse.Namespace) -> int:
    """Make a backup, say what is not in it, and take away old ones; a failed one takes nothing away."""
    chosen, policy = _load()
    now = SystemClock().now()
    made = backups.make(chosen, arguments.directory, now, release=VERSION, with_key=arguments.with_key)
    print(f"{arguments.directory / made.file}: {made.bytes} bytes, timeline to entry {made.head_n}, checked.")
    if not arguments.with_key:
        where = "CALLCENTER_SECRET_KEY" if chosen.secret_key.get_secret_value() else chosen.data_dir / KEY_FILE
        print(f"The key that opens sealed numbers is not in it: keep a copy of {where} in another place.")
    for name in backups.prune(arguments.directory, now, keep=arguments.keep, days=arguments.days):
        print(f"{name} is old and has been taken away.")
    try:
        backups.record(_writer(chosen, policy), made, SystemClock().now())
    except Unavailable as error:
        print(f"callcenter: the backup is good, but its age will not be shown: {error}", file=sys.stderr)
    return 0


def restore(arguments: argparse.Namespace) -> int:
    """Restore a backup into an empty database, prove it, and give the time since to the sweep."""
    chosen, policy = _load()
    done = restoring.restore(chosen, arguments.file, SystemClock().now(), policy)
    print(f"Restored {done.manifest.file}: timeline to entry {done.manifest.head_n}, proved by its hash.")
    if not done.same_key:
        key = chosen.data_dir / KEY_FILE
        print(f"Before you start the centre put its key back ({key}, or CALLCENTER_SECRET_KEY): this is not the one.")
    print(f"What was acknowledged since {done.since:%Y-%m-%d %H:%M:%S} UTC is not in it. Start the centre and open")
    print("the page /incidents: a gap is waiting there, and with it everybody who has to be asked.")
    return 0


def retain(_arguments: argparse.Namespace) -> int:
    """Take away now what the service takes away every night."""
    chosen, policy = _load()
    _migrate(chosen)
    writer, counts, now = _writer(chosen, policy), Counter[str](), SystemClock().now()
    read = Reader(connect(chosen.database, writer=False)).now
    for rule, before in due_rules(provisions.keep(chosen), now):
        while found := read(find, rule, before):
            with writer.transaction() as connection:
                counts[rule.name] += take_away(connection, rule, before, found, provisions.keep(chosen))
            pause(BETWEEN_S)
        print(f"{rule.name}: {counts[rule.name]} from before {before:%Y-%m-%d} ({rule.why})")
    if gone := {name: count for name, count in counts.items() if count}:
        with writer.unit(now) as unit:
            taken_away(unit, TakenAway(gone))
    return 0


def show_coverage(_arguments: argparse.Namespace) -> int:
    """Where and when nobody could be asked in the next seven days; exit code 1 when there is such a time."""
    chosen, policy = _load()
    read = Reader(connect(chosen.database, writer=False)).now
    found = read(network.coverage, policy.levels, SystemClock().now())
    names, zone = read(network.area_names), china()
    for hole in found:
        begins, ends = (at.astimezone(zone).strftime("%Y-%m-%d %H:%M") for at in (hole.starts, hole.ends))
        there = f"{hole.there} of {hole.wanted} there" if hole.there else "nobody there"
        print(f"{names[hole.area]} ({hole.area})  {hole.level:<10} {begins} to {ends}  {there}")
    print(f"{len(found)} holes in the next 7 days." if found else "No holes in the next 7 days.")
    return 1 if found else 0


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
    day = command("export-day", export_day, "Write what was pressed on one day, without a word about who, for a drill.")
    day.add_argument("date", type=date.fromisoformat, help="YYYY-MM-DD, a day of China")
    command("migrate", migrate_only, "Bring the database to the newest schema.")
    reading = command("import", import_people, "Read residents, devices, responders or plans from a CSV file.")
    reading.add_argument("kind", choices=sorted({*people.KINDS, key_safes.KIND}))
    reading.add_argument("file", type=Path)
    user = command(
        "user", change_user, "Add or change an operator, end all sessions of one, or take a lost second factor."
    )
    user.add_argument("verb", choices=[*USER])
    user.add_argument("id")
    user.add_argument("--name", help="of who is added")
    user.add_argument("--reason", help="why a second factor is taken away")
    user.add_argument("--role", choices=sorted(ROLES), default="operator")
    user.add_argument("--area", help="an area's id: they see its people, and those of the areas below it; without: all")
    user.add_argument("--password-stdin", action="store_true", help="read the password from the first line of input")
    auditing = command("audit", verify_audit, "Check that the timeline is unbroken and unaltered.")
    auditing.add_argument("verb", choices=["verify"])
    backing = command("backup", back_up, "Copy the database into a directory while the centre runs; remove old copies.")
    backing.add_argument("directory", type=Path)
    backing.add_argument("--keep", type=int, default=30, help="so many stay, the newest first (30)")
    backing.add_argument("--days", type=int, default=0, help="none older than this stays but the newest (0: all stay)")
    backing.add_argument("--with-key", action="store_true", help="put secret.key beside it: who has both reads all")
    restored = command("restore", restore, "Restore a backup into an empty database.")
    restored.add_argument("file", type=Path)
    command("retain", retain, "Take away what is older than it may be, as the service does every night.")
    command("coverage", show_coverage, "Show where nobody could be asked to go, in the next 7 days.")
    command("doctor", examine, "Check a deployment and say what to do.")
    return parser


def main() -> int:
    arguments = _parser().parse_args()
    try:
        does: Callable[[argparse.Namespace], int] = arguments.does
        return does(arguments)
    except (Refused, Unavailable, CopyFailed) as error:
        print(f"callcenter: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
