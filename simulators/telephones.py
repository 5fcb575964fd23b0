"""How the people of a town behave when their telephone rings: drawn once from the seed, the same in every run."""

import csv
from collections.abc import Mapping
from pathlib import Path
from random import Random

from simulators.carrier.callees import Callee
from simulators.residents import SPARE_BRACELET
from simulators.town_files import CONTACTS

TALK_S = 45.0  # then they hang up, as people do: a seat that never does would take no further call
SPEAKS = Callee("speaks", says=("喂，你好",), rings_s=6, stays_s=TALK_S)
# Habits with their weights. Nobody is perfect: some do not hear it, some press the wrong key.
RESIDENTS: Mapping[Callee, int] = {
    SPEAKS: 12,
    Callee("press", digits=("5",), rings_s=8, stays_s=TALK_S): 3,
    Callee("silent", rings_s=7, stays_s=TALK_S): 2,
    Callee("ignore"): 3,
    Callee("busy"): 1,
}
HELPERS: Mapping[Callee, int] = {
    Callee("press", digits=("1",), rings_s=5, after_s=2): 8,
    Callee("press", digits=("3", "1"), rings_s=9, after_s=3): 2,
    Callee("press", digits=("2",), rings_s=6, after_s=2): 3,
    Callee("press", digits=("7", ""), rings_s=8): 1,
    Callee("ignore"): 3,
    Callee("busy"): 1,
    Callee("voicemail", rings_s=12): 1,
}
OPERATORS = Callee("answer", rings_s=3, stays_s=TALK_S)


def _drawn(dice: Random, habits: Mapping[Callee, int]) -> Callee:
    return dice.choices(list(habits), weights=list(habits.values()))[0]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def callees(directory: Path, seed: int) -> dict[str, Callee]:
    """Number -> who answers it. A telephone that two share behaves like the first of them."""
    dice = Random(f"telephones/{seed}")
    wearer = next((row["resident_id"] for row in _rows(directory / "devices.csv") if row["id"] == SPARE_BRACELET), "")
    found: dict[str, Callee] = {}
    for row in _rows(directory / "residents.csv"):
        habit = _drawn(dice, RESIDENTS)
        found.setdefault(row["phone"], habit)
        if row["id"] == wearer:  # whom a visitor presses for, and wants to hear
            found[row["phone"]] = SPEAKS
        for number in range(1, CONTACTS + 1):
            if phone := row[f"contact{number}_phone"]:
                found.setdefault(phone, _drawn(dice, HELPERS))
    for row in _rows(directory / "responders.csv"):
        found.setdefault(row["phone"], _drawn(dice, HELPERS))
    return found
