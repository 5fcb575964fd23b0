"""What axe finds wrong on a page as it is shown now. The walk of all screens is test_accessibility.py."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa")


def violations(page: Page, tags: tuple[str, ...] = ()) -> list[str]:
    """By the rules with these tags, or by all. What is right is not worked out: that was half of the time."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if tags:
        options["runOnly"] = {"type": "tag", "values": list(tags)}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
