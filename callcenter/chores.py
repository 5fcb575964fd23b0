"""Commands that do one thing to a deployment and end."""

import argparse
import getpass
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from callcenter import (
    audit,
    backups,
    doctor,
    drill_centre,
    people,
    provisions,
    restoring,
)
from callcenter.alerts.rules import Refused as Declined
from callcenter.clock import SystemClock, china, pause
from callcenter.console.auth import add_operator
from callcenter.deployment import VERSION, Refused, bring_up, load, writer_of
from callcenter.people import key_safes
from callcenter.ports.signing_in import FactorReset, SessionsEnded
from callcenter.privacy import KEY_FILE, read_key
from callcenter.storage import network
from callcenter.storage.engine import connect
from callcenter.storage.reading import Reader
from callcenter.storage.retention import find, take_away
from callcenter.storage.unit import Unit
from callcenter.storage.writer import Unavailable, Writer
from config.settings import Settings
from handlers import second_factors, signing_in
from handlers.retention import BETWEEN_S, TakenAway, due_rules, taken_away


def export_day(arguments: argparse.Namespace) -> int:
    chosen, _policy = load()
    read = Reader(connect(chosen.database, writer=False)).now
    lines = read(drill_centre.recorded, arguments.date, china())
    print(*lines, sep="\n")
    return 0


def migrate_only(_arguments: argparse.Namespace) -> int:
    chosen, _policy = load()
    bring_up(chosen)
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
    chosen, policy = load()
    bring_up(chosen)
    try:
        report = _import(chosen, writer_of(chosen, policy), arguments.kind, arguments.file)
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
    chosen, policy = load()
    bring_up(chosen)
    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else getpass.getpass("Password: ")
    if len(password) < 8:
        raise Refused("a password has at least 8 characters")
    with writer_of(chosen, policy).transaction() as connection:
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
    chosen, policy = load()
    bring_up(chosen)
    with writer_of(chosen, policy).unit(SystemClock().now()) as unit:
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
    chosen, _policy = load()
    read = Reader(connect(chosen.database, writer=False)).now
    if not read(audit.exists):
        raise Refused("there is no log to verify; run `python -m callcenter migrate`")
    verdict = read(audit.verify)
    print(verdict.says)
    return 0 if verdict.whole else 1


def examine(_arguments: argparse.Namespace) -> int:
    chosen, _policy = load()
    findings = doctor.examine(chosen, SystemClock().now() - timedelta(seconds=60))
    for finding in findings:
        print(f"{'ok  ' if finding.good else 'BAD '} {finding.says}")
    return 0 if all(finding.good for finding in findings) else 1


def back_up(arguments: argparse.Namespace) -> int:
    """Make a backup, say what is not in it, and take away old ones; a failed one takes nothing away."""
    chosen, policy = load()
    now = SystemClock().now()
    made = backups.make(chosen, arguments.directory, now, release=VERSION, with_key=arguments.with_key)
    print(f"{arguments.directory / made.file}: {made.bytes} bytes, timeline to entry {made.head_n}, checked.")
    if not arguments.with_key:
        where = "CALLCENTER_SECRET_KEY" if chosen.secret_key.get_secret_value() else chosen.data_dir / KEY_FILE
        print(f"The key that opens sealed numbers is not in it: keep a copy of {where} in another place.")
    for name in backups.prune(arguments.directory, now, keep=arguments.keep, days=arguments.days):
        print(f"{name} is old and has been taken away.")
    try:
        backups.record(writer_of(chosen, policy), made, SystemClock().now())
    except Unavailable as error:
        print(f"callcenter: the backup is good, but its age will not be shown: {error}", file=sys.stderr)
    return 0


def restore(arguments: argparse.Namespace) -> int:
    """Restore a backup into an empty database, prove it, and give the time since to the sweep."""
    chosen, policy = load()
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
    chosen, policy = load()
    bring_up(chosen)
    writer, counts, now = writer_of(chosen, policy), Counter[str](), SystemClock().now()
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
    chosen, policy = load()
    read = Reader(connect(chosen.database, writer=False)).now
    found = read(network.coverage, policy.levels, SystemClock().now())
    names, zone = read(network.area_names), china()
    for hole in found:
        begins, ends = (at.astimezone(zone).strftime("%Y-%m-%d %H:%M") for at in (hole.starts, hole.ends))
        there = f"{hole.there} of {hole.wanted} there" if hole.there else "nobody there"
        print(f"{names[hole.area]} ({hole.area})  {hole.level:<10} {begins} to {ends}  {there}")
    print(f"{len(found)} holes in the next 7 days." if found else "No holes in the next 7 days.")
    return 1 if found else 0
