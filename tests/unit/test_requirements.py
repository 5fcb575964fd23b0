"""The console's twenty-five requirements (docs/console.md): each has a test that names it, as in `test_r04_r05_...`."""

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
DOCUMENT = TESTS.parent / "docs" / "console.md"


def test_each_requirement_of_the_console_has_a_test_by_its_number() -> None:
    listed = set(re.findall(r"^(\d+)\. ", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    prefixes = (
        re.findall(r"def test_((?:r\d\d_)+)", path.read_text(encoding="utf-8")) for path in TESTS.rglob("test_*.py")
    )
    named = {str(int(number)) for found in prefixes for prefix in found for number in re.findall(r"\d\d", prefix)}
    assert len(listed) == 25
    assert named == listed
