"""The month as a table: per level who was asked, how soon somebody said yes, how soon somebody was there."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from benchmarks.month.checks import Need, Violation
from benchmarks.month.month import Month
from callcenter.storage import tables as t

SHOWN = 8  # violations with their history
BY_LADDER = "(ladder)"  # keyholders and neighbours whom the ladder rang, and duty phones


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def _three(values: Sequence[float]) -> str:
    if not values:
        return "      -      -      -"
    return "".join(f"{percentile(values, share):7.0f}" for share in (0.5, 0.9, 0.99))


def _offers(connection: Connection) -> list[Any]:
    o, a = t.offers.c, t.alerts.c
    query = select(o.alert_id, o.party, o.level, o.asked_at, o.accepted_at, a.opened_at).join(t.alerts)
    return list(connection.execute(query))


def _gaps(connection: Connection) -> Counter[str]:
    found = connection.execute(select(t.timeline.c.data).where(t.timeline.c.rule == "help.gap")).scalars()
    return Counter(str(json.loads(data)["level"]) for data in found)


def _lines_by_level(month: Month) -> list[str]:
    offers, gaps = month.centre.read(_offers), month.centre.read(_gaps)
    level_of = {(o.alert_id, o.party, o.accepted_at): o.level or BY_LADDER for o in offers if o.accepted_at}
    opened = {o.alert_id: o.opened_at for o in offers}
    arrived: dict[str, list[float]] = {}
    for one in month.journeys.arrivals:
        level = level_of.get((one.alert, one.party, one.accepted_at), "(duty, rang back)")
        if one.alert in opened:
            arrived.setdefault(level, []).append((one.at - opened[one.alert]).total_seconds())
    names = [*(level.id for level in month.centre.policy.levels), BY_LADDER]
    lines = [
        f"{'level':<12}{'asked':>7}{'yes':>6}   yes after alarm, s       yes after asked, s       "
        f"at the door after alarm, s  gaps",
        f"{'':<28}p50    p90    p99      p50    p90    p99       p50    p90    p99",
    ]
    for name in names:
        mine = [o for o in offers if (o.level or BY_LADDER) == name]
        yes = [o for o in mine if o.accepted_at]
        since_alarm = [(o.accepted_at - o.opened_at).total_seconds() for o in yes]
        since_asked = [(o.accepted_at - o.asked_at).total_seconds() for o in yes]
        lines.append(
            f"{name:<12}{len(mine):>7}{len(yes):>6}{_three(since_alarm)}   {_three(since_asked)}    "
            f"{_three(arrived.get(name, []))}{gaps[name]:>6}"
        )
    return lines


def _lines_of_needs(month: Month) -> list[str]:
    needs = month.checks.needs
    now = month.centre.clock.now()
    first = [need for need in needs if not need.late]
    how = Counter(need.how or "nobody" for need in first)
    lines = [f"emergencies {len(first)}: " + _shares(how, len(first))]
    late = [need for need in needs if need.late]
    lines.append(
        f"who said yes has not come in time {len(late)}: "
        + _shares(Counter(n.how or "nobody" for n in late), len(late))
    )
    for name, some in (("to a yes", _ended(first, "accepted")), ("to 120", _ended(first, "120"))):
        whole = [(need.until - need.since).total_seconds() for need in some if need.until]
        lines.append(f"  seconds from the alarm {name:<9} p50 p90 p99 {_three(whole)}")
    worst = max(needs, key=lambda need: need.seconds(now) / month.checks.limit_s(need), default=None)
    if worst:
        spent, limit = worst.seconds(now), month.checks.limit_s(worst)
        lines.append(
            f"worst time without anybody: {spent:.0f} s of the {limit:.0f} s that the policy allows, "
            f"ratio {spent / limit:.2f} (alert {worst.alert}, {worst.how or 'nobody'})"
        )
    return lines


def _ended(needs: Sequence[Need], how: str) -> list[Need]:
    return [need for need in needs if need.how == how]


def _shares(how: Counter[str], whole: int) -> str:
    return ", ".join(f"{name} {count} ({count / max(whole, 1):.1%})" for name, count in how.most_common())


def table(month: Month) -> str:
    plan, checks = month.plan, month.checks
    hung_up = checks.hung_up_s
    lines = [
        f"A month in virtual time: seed {plan.seed}, {plan.residents} residents, {plan.days} days, "
        f"{month.presses} presses, {month.network.counts['callers']} callers, {len(month.cases.all)} alerts",
        "",
        *_lines_by_level(month),
        "",
        *_lines_of_needs(month),
        f"still asked when somebody said yes: {len(hung_up)} telephones, silent after p50 p90 p99 {_three(hung_up)} s, "
        f"longest {max(hung_up, default=0):.1f} s",
        f"journeys: {len(month.journeys.arrivals)} arrived, {month.journeys.never} never came",
        "network: " + ", ".join(f"{name} {count}" for name, count in sorted(month.network.counts.items())),
        f"  rung while on a call for another alert: {checks.counts['rung while on another call']}",
        "desk: " + ", ".join(f"{name} {count}" for name, count in sorted(month.desk.counts.items())),
        "inputs: " + ", ".join(f"{name} {count}" for name, count in month.centre.inputs.most_common()),
        f"{month.centre.commits} commits, {month.centre.clock.steps} steps, {month.busy_s:.0f} s of processor time, "
        f"{month.wall_s:.0f} s of wall time; "
        f"last hash {month.last_hash}",
    ]
    return "\n".join(lines)


def _entries_of(connection: Connection, alert: str) -> list[Any]:
    e = t.timeline.c
    return list(connection.execute(select(e.at, e.rule, e.actor, e.data).where(e.alert_id == alert).order_by(e.n)))


def history(month: Month, alert: str) -> str:
    entries = month.centre.read(_entries_of, alert)
    lines = [f"  history of alert {alert}"]
    for at, rule, actor, data in entries:
        seconds = (at - entries[0].at).total_seconds()
        lines.append(f"    {seconds:8.1f} s  {rule:<24} {actor[:24]:<24} {_brief(json.loads(data))}")
    return "\n".join(lines)


def _brief(data: dict[str, Any]) -> str:
    call = data.pop("call", None)
    offer = data.pop("offer", None)
    if isinstance(call, dict):
        data = {"call": call["id"][-4:], "party": call["party"], "role": call["role"], "state": call["state"]} | data
    elif call:
        data = {"call": call[-4:]} | data
    if isinstance(offer, dict):
        data["level"] = offer["level"]
    return " ".join(f"{name}={value}" for name, value in data.items() if name != "name")[:150]


def failures(month: Month) -> str:
    """Empty when everything held; else the seed, what did not hold, and the histories."""
    violations: Sequence[Violation] = month.checks.violations
    if not violations:
        return ""
    by_check = Counter(one.check for one in violations)
    lines = [f"seed {month.plan.seed}: {len(violations)} times something did not hold"]
    lines += [f"  {count:>5}  {check}" for check, count in by_check.most_common()]
    shown: Counter[str] = Counter()
    for one in violations:
        shown[one.check] += 1
        if shown[one.check] > max(1, SHOWN // len(by_check)):
            continue
        lines.append(f"\n{one.check}: {one.says[:1500]}")
        if one.alert:
            lines.append(history(month, one.alert))
    return "\n".join(lines)
