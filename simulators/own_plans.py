"""Response plans of the town's residents: what somebody who comes, or calls, has to know and do for this person."""

from collections.abc import Iterator
from dataclasses import dataclass

from simulators.town import Resident


@dataclass(frozen=True, slots=True)
class OwnStep:
    """A line of the file of plans; facts in `done_by` fulfil it without a tick."""

    kind: str
    step: str
    zh: str
    en: str
    required: bool = True
    done_by: str = ""


# A condition -> its steps.
BY_CONDITION: dict[str, tuple[OwnStep, ...]] = {
    "慢阻肺": (
        OwnStep(
            "all",
            "oxygen",
            "家中有制氧机：问是否在吸氧、是否通电；远离明火",
            "Oxygen at home: ask whether it is worn and has power; no open flame",
        ),
        OwnStep("fire", "bottle", "告诉119：屋里有氧气瓶", "Tell 119 that there is an oxygen bottle in the house"),
    ),
    "2型糖尿病": (
        OwnStep(
            "all",
            "insulin",
            "打胰岛素：问今天打针和吃饭的时间；神志不清先疑低血糖",
            "Takes insulin: ask when the last dose and meal were; confused means low sugar until proved otherwise",
        ),
    ),
    "听力下降": (
        OwnStep(
            "all",
            "knock",
            "耳聋：听不到电话和门铃，上门用力敲窗",
            "Deaf: hears neither telephone nor bell, knock hard on the window",
            done_by="arrived",
        ),
    ),
}
# Words in the notes on getting in -> a step.
BY_NOTE: dict[str, OwnStep] = {
    "有狗": OwnStep(
        "all",
        "dog",
        "告诉上门的人：院里有狗，走东侧小门",
        "Tell who goes: a dog in the yard, use the side gate",
        required=False,
    ),
}
PLAN_FIELDS = ("resident", "kind", "position", "step", "zh", "en", "required", "done_by")


def own_steps(person: Resident) -> tuple[OwnStep, ...]:
    """Nothing for most; it follows from what is known of them, so a town of the same seed has the same plans."""
    found = [step for condition in person.health.conditions for step in BY_CONDITION.get(condition, ())]
    notes = person.household.entry_notes
    return (*found, *(step for word, step in BY_NOTE.items() if word in notes))


def plan_rows(people: tuple[Resident, ...]) -> Iterator[dict[str, object]]:
    for person in people:
        for position, one in enumerate(own_steps(person), start=1):
            yield {
                "resident": person.id,
                "kind": one.kind,
                "position": position,
                "step": one.step,
                "zh": one.zh,
                "en": one.en,
                "required": "yes" if one.required else "no",
                "done_by": one.done_by,
            }
