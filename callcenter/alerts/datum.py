"""Positions as they lie on the earth: GCJ-02 and BD-09, in which Chinese devices and maps give them, to WGS 84.

Between them lie several hundred metres, which is another house. There is no closed way back from GCJ-02: the offset
is taken off again and again until it no longer moves, which is exact to centimetres after a few rounds.
"""

from collections.abc import Callable, Mapping
from math import atan2, cos, hypot, pi, radians, sin, sqrt

from callcenter.alerts.ranking import Spot

AXIS_M, ECCENTRICITY2 = 6_378_245.0, 0.00669342162296594323  # Krasovsky 1940, as GCJ-02 has it
BD_TURN = pi * 3000 / 180
BD_NORTH, BD_EAST = 0.006, 0.0065
ROUNDS = 6


def is_in_china(spot: Spot) -> bool:
    """The box outside which GCJ-02 is WGS 84."""
    return 0.8293 <= spot.lat <= 55.8271 and 72.004 <= spot.lon <= 137.8347


def _waves(x: float, pairs: tuple[tuple[float, float], ...]) -> float:
    return sum(high * sin(x * pi * often) for high, often in pairs) * 2 / 3


def _offset(spot: Spot) -> tuple[float, float]:
    """Degrees by which GCJ-02 lies off at a place."""
    x, y = spot.lon - 105, spot.lat - 35
    short = _waves(x, ((20, 6), (20, 2)))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + short
    north += _waves(y, ((20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30)))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + short
    east += _waves(x, ((20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30)))
    lat = radians(spot.lat)
    curved = 1 - ECCENTRICITY2 * sin(lat) ** 2
    north_m = AXIS_M * (1 - ECCENTRICITY2) / (curved * sqrt(curved))
    east_m = AXIS_M / sqrt(curved) * cos(lat)
    return north / north_m * 180 / pi, east / east_m * 180 / pi


def to_gcj02(spot: Spot) -> Spot:
    """From WGS 84."""
    if not is_in_china(spot):
        return spot
    north, east = _offset(spot)
    return Spot(spot.lat + north, spot.lon + east)


def from_gcj02(spot: Spot) -> Spot:
    if not is_in_china(spot):
        return spot
    found = spot
    for _ in range(ROUNDS):
        off = to_gcj02(found)
        found = Spot(found.lat - (off.lat - spot.lat), found.lon - (off.lon - spot.lon))
    return found


def from_bd09(spot: Spot) -> Spot:
    x, y = spot.lon - BD_EAST, spot.lat - BD_NORTH
    far = hypot(x, y) - 0.00002 * sin(y * BD_TURN)
    turn = atan2(y, x) - 0.000003 * cos(x * BD_TURN)
    return from_gcj02(Spot(far * sin(turn), far * cos(turn)))


_FROM: Mapping[str, Callable[[Spot], Spot]] = {"gcj02": from_gcj02, "bd09": from_bd09}


def to_wgs84(spot: Spot, datum: str | None) -> Spot:
    """A device that does not say in what it measures is taken to measure in WGS 84."""
    convert = _FROM.get(datum or "")
    return convert(spot) if convert else spot
