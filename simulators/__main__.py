"""The simulators' command line: `python -m simulators town|run|press|scenario|load|carrier|prober|replay`."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from config import logs
from devices.events import AckLevel, SignalKind
from simulators.bracelet import Bracelet
from simulators.carrier.account import Account, Number
from simulators.carrier.callees import NATURES, Callee
from simulators.carrier.server import Carrier
from simulators.connection import Broker
from simulators.device import Habits
from simulators.home_phone import HomePhone
from simulators.living_town import LivingTown, TownPlan
from simulators.load import LoadPlan, Login, run_load
from simulators.presses import Press, now
from simulators.prober import Plan, prove
from simulators.replay import Replay, Unusable, read_day
from simulators.residents import SPARE_BRACELET, build_town
from simulators.scenarios import SCENARIOS, make_device, play
from simulators.telephones import callees
from simulators.town_files import read_fleet, write_town

END_WITHIN_S = 1.5
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _town(args: argparse.Namespace) -> int:
    write_town(build_town(args.seed, args.residents), args.out, password=args.password)
    return 0


async def _until_told_to_end(work: Coroutine[Any, Any, int]) -> int:
    """SIGTERM and SIGINT cancel the work; work that does not end in time is left where it is."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    if not told.is_set():
        waiting.cancel()
        return await task
    task.cancel()
    await asyncio.wait((task,), timeout=END_WITHIN_S)
    if not task.done():
        sys.stderr.flush()
        os._exit(0)  # a broker that answers nothing would hold us for longer than anybody waits
    with suppress(asyncio.CancelledError):
        await task
    return 0


def _run(args: argparse.Namespace) -> int:
    plan = TownPlan(
        args.mqtt,
        args.http,
        args.town,
        args.password,
        args.seed,
        args.pace,
        carrier=args.carrier,
        operators=tuple(args.operator),
    )

    async def live() -> int:
        await LivingTown(plan).run()
        return 0

    return asyncio.run(_until_told_to_end(live()))


async def _with_device(
    args: argparse.Namespace, family: str, *, story: Callable[[Any], Coroutine[Any, Any, tuple[Press, ...]]]
) -> int:
    """Connect a device, let the story happen, and print every ack until all presses are as far as wanted."""
    device = make_device(family, args.mqtt, device_id=args.device, password=args.password, habits=Habits())
    running = asyncio.create_task(device.run())
    telling = asyncio.create_task(_tell_acks(device))
    try:
        presses = await story(device)
        far_enough = [await _gets_to(press, AckLevel(args.until), timeout=args.timeout) for press in presses]
        await asyncio.sleep(0.05)  # let the last line be told
        return 0 if all(far_enough) else 1
    finally:
        for task in (telling, running):
            task.cancel()
        await asyncio.wait((telling, running), timeout=END_WITHIN_S)


async def _gets_to(press: Press, level: AckLevel, *, timeout: float) -> bool:
    if level is AckLevel.STORED:
        return await press.reaches_centre(timeout=timeout)
    return await press.reaches(level, timeout=timeout)


async def _tell_acks(device: Bracelet | HomePhone) -> None:
    sent = told = 0
    while True:
        for line in [f"sent {p.kind} {p.ref}" for p in device.presses[sent:]]:
            print(line, flush=True)
            sent += 1
        acks = sorted(
            ((ack, press.ref) for press in device.presses for ack in press.acks),
            key=lambda pair: pair[0].heard_at,
        )
        for ack, ref in acks[told:]:
            print(f"{ack.level} {ref} alert={ack.alert}", flush=True)
        told = len(acks)
        await asyncio.sleep(0.02)


def _press(args: argparse.Namespace) -> int:
    async def story(device: Bracelet) -> tuple[Press, ...]:
        return (device.signal(device.body(args.kind, src="button")),)

    return asyncio.run(_until_told_to_end(_with_device(args, "bracelet", story=story)))


def _scenario(args: argparse.Namespace) -> int:
    async def story(device: Bracelet | HomePhone) -> tuple[Press, ...]:
        await asyncio.wait_for(device.online.wait(), args.timeout)
        return await play(args.name, device, pace=args.pace)

    return asyncio.run(_until_told_to_end(_with_device(args, SCENARIOS[args.name].family, story=story)))


def _load(args: argparse.Namespace) -> int:
    login = Login(args.client_id, args.username, args.password)
    named = [device.id for device in read_fleet(args.town) if device.family == "bracelet"] if args.town else []
    devices = named or [f"b-{number:04d}" for number in range(1, args.devices + 1)]
    plan = LoadPlan(
        args.mqtt,
        devices,
        presses_s=args.presses,
        seconds=args.seconds,
        heartbeats_s=args.heartbeats,
        connections=args.connections,
        login=login,
    )
    try:
        result = asyncio.run(run_load(plan))
    except (OSError, TimeoutError) as error:
        print(f"the broker cannot be reached: {error}", file=sys.stderr)
        return 1
    if args.out:
        args.out.write_text(json.dumps({"published": result.published, "acknowledged": result.acknowledged}))
    print(json.dumps(result.summary() | {"ended_at": now().isoformat()}))
    return 1 if result.broke else 0


def _carrier(args: argparse.Namespace) -> int:
    number = Number(args.voice_url, args.fallback_url, args.status_url)
    account = Account(args.account, args.token, dict.fromkeys(args.number, number))
    default = Callee(args.callee, digits=tuple(args.digits.split(",")) if args.digits else ())

    people = callees(args.town, args.seed) if args.town else {}

    async def serve() -> int:
        carrier = Carrier(account, seed=args.seed, pace=args.pace, default=default)
        for number, callee in people.items():
            carrier.set_callee(number, callee)
        await carrier.start(args.host, args.port)
        print(f"carrier at {carrier.url}", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            await carrier.stop()
        return 0

    return asyncio.run(_until_told_to_end(serve()))


def _prober(args: argparse.Namespace) -> int:
    """Its secrets come in the environment: a command line is read by everybody on the machine."""
    secret = os.environ.get("CALLCENTER_SYNTHETIC_PASSWORD", "")
    url = os.environ.get("CALLCENTER_MQTT_URL", "")
    command = os.environ.get("CALLCENTER_SYNTHETIC_COMMAND", "")
    try:
        plan = Plan(Broker.at(url), args.http, args.device, args.username, secret, command, args.every)
    except ValueError as error:
        print(f"CALLCENTER_MQTT_URL: {error}", file=sys.stderr)
        return 2
    return asyncio.run(_until_told_to_end(prove(plan, urlsplit(url).password or secret)))


def _broker(url: str) -> Broker:
    try:
        return Broker.at(url)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_town(commands: Commands) -> None:
    town = commands.add_parser("town", help="write a made-up town as CSV files")
    town.add_argument("--seed", type=int, default=1)
    town.add_argument("--residents", type=int, default=200)
    town.add_argument("--out", type=Path, required=True)
    _add_connection(town, _town)


def _add_run(commands: Commands) -> None:
    run = commands.add_parser("run", help="let a town live: devices, presses and scripted operators")
    run.add_argument("--http", required=True, metavar="http://HOST:PORT")
    run.add_argument("--town", type=Path, required=True, help="directory with the CSV files of `town`")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--pace", type=float, default=1.0, help="2: twice as much happens")
    run.add_argument("--carrier", default="", metavar="http://HOST:PORT", help="neighbours read their messages there")
    run.add_argument("--operator", action="append", default=[], help="scripted; none: only people work the alerts")
    _add_connection(run, _run, mqtt=True, log_level="INFO")


def _add_press(commands: Commands) -> None:
    press = commands.add_parser("press", help="press once, repeat until stored, print every ack")
    press.add_argument("--device", default=SPARE_BRACELET)
    press.add_argument("--kind", choices=[kind.value for kind in SignalKind], default="sos")
    _add_patience(press)
    _add_connection(press, _press, mqtt=True)


def _add_scenario(commands: Commands) -> None:
    scenario = commands.add_parser("scenario", help="play a scenario on one device")
    scenario.add_argument("name", choices=list(SCENARIOS))
    scenario.add_argument("--device", required=True)
    scenario.add_argument("--pace", type=float, default=1.0, help="10 tells it ten times as fast")
    _add_patience(scenario)
    _add_connection(scenario, _scenario, mqtt=True)


def _add_load(commands: Commands) -> None:
    load = commands.add_parser("load", help="a bounded open-loop load")
    load.add_argument("--presses", type=float, default=50, help="a second")
    load.add_argument("--heartbeats", type=float, default=0, help="a second")
    load.add_argument("--seconds", type=float, default=10)
    load.add_argument("--devices", type=int, default=500, help="b-0001 and up, without --town")
    load.add_argument("--town", type=Path, help="press the bracelets of this town")
    load.add_argument("--connections", type=int, default=2)
    load.add_argument("--client-id", default="load")
    load.add_argument("--username", default="")
    load.add_argument("--out", type=Path, help="write the times of every message as JSON")
    _add_connection(load, _load, mqtt=True)


def _add_carrier(commands: Commands) -> None:
    carrier = commands.add_parser("carrier", help="a phone carrier that speaks Twilio's REST and TwiML")
    carrier.add_argument("--host", default="127.0.0.1")
    carrier.add_argument("--port", type=int, default=0, help="0: a free one, which is printed")
    carrier.add_argument("--account", required=True, metavar="AC...")
    carrier.add_argument("--token", required=True)
    carrier.add_argument("--number", action="append", default=[], help="a number of the account; may be repeated")
    carrier.add_argument("--voice-url", default="", help="asked what to do with calls to the account's numbers")
    carrier.add_argument("--fallback-url", default="")
    carrier.add_argument("--status-url", default="")
    carrier.add_argument("--callee", choices=list(NATURES), default="answer", help="what everybody does when called")
    carrier.add_argument("--town", type=Path, help="directory of a town: its people answer in their own ways")
    carrier.add_argument("--digits", default="", help="what --callee press presses at each question: 1,3")
    carrier.add_argument("--seed", type=int, default=1)
    carrier.add_argument("--pace", type=float, default=1.0, help="100: 25 s of ringing take a quarter of a second")
    _add_connection(carrier, _carrier, log_level="INFO")


def _add_prober(commands: Commands) -> None:
    prober = commands.add_parser("prober", help="press the centre's test alarm again and again, and say when it fails")
    prober.add_argument("--http", required=True, metavar="http://HOST:PORT")
    prober.add_argument("--device", required=True)
    prober.add_argument("--username", required=True)
    prober.add_argument("--every", type=float, default=60.0, help="seconds")
    _add_connection(prober, _prober, log_level="INFO")


def _replay(args: argparse.Namespace) -> int:
    try:
        day = read_day(args.file)
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    replay = Replay(day, args.town, args.mqtt, args.password, args.speed)

    async def play() -> int:
        return 0 if await replay.run() == len(day) else 1

    return asyncio.run(_until_told_to_end(play()))


def _add_replay(commands: Commands) -> None:
    replay = commands.add_parser("replay", help="play a recorded day again, by the devices of a town")
    replay.add_argument("file", type=Path, help="what `python -m callcenter export-day` has written")
    replay.add_argument("--town", type=Path, required=True, help="directory of a town")
    replay.add_argument("--speed", type=_speed, default=1.0, help="10: an hour takes six minutes")
    _add_connection(replay, _replay, mqtt=True, log_level="INFO")


def _speed(given: str) -> float:
    speed = float(given)
    if not 0 < speed <= 10_000:
        raise argparse.ArgumentTypeError("between 0 and 10000")
    return speed


def _add_patience(command: argparse.ArgumentParser) -> None:
    levels = [level.value for level in AckLevel]
    command.add_argument("--until", choices=levels, default="stored", help="end when it has got this far")
    command.add_argument("--timeout", type=float, default=600)


def _add_connection(
    command: argparse.ArgumentParser,
    function: Callable[[argparse.Namespace], int],
    *,
    mqtt: bool = False,
    log_level: str = "WARNING",
) -> None:
    password = os.environ.get("CALLCENTER_DEMO_PASSWORD", "")
    command.add_argument("--password", default=password, help="else CALLCENTER_DEMO_PASSWORD")
    command.add_argument("--log-level", default=os.environ.get("CALLCENTER_LOG_LEVEL", log_level))
    if mqtt:
        command.add_argument("--mqtt", type=_broker, required=True, metavar="mqtt://HOST:PORT")
    command.set_defaults(command=function)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for add in (_add_town, _add_run, _add_press, _add_scenario, _add_load, _add_carrier, _add_prober, _add_replay):
        add(commands)
    args = parser.parse_args()
    as_text = {"text": True, "json": False}.get(os.environ.get("CALLCENTER_LOG_FORMAT", ""), sys.stderr.isatty())
    logs.configure(args.log_level, json=not as_text)  # like the centre, beside which the town lives
    return int(args.command(args))


if __name__ == "__main__":
    raise SystemExit(main())
