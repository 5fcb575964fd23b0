"""The browser's import map and the content security policy that admits it, from vendor.lock.json."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

VENDOR_URL = "/static/vendor"


def import_map(lock: Mapping[str, Any]) -> dict[str, Any]:
    """What bare module names mean, and the hash each vendored module must have to be run."""
    imports: dict[str, str] = {}
    integrity: dict[str, str] = {}
    for package in lock["packages"]:
        for specifier, path in package["modules"].items():
            url = f"{VENDOR_URL}/{package['directory']}/{path}"
            imports[specifier] = url
            integrity[url] = package["files"][path]
    return {"imports": dict(sorted(imports.items())), "integrity": dict(sorted(integrity.items()))}


def csp(import_map_json: str, pictures: str = "") -> str:
    """The policy for pages that carry exactly this import map, to the byte. `pictures`: whose may be shown too."""
    digest = base64.b64encode(hashlib.sha256(import_map_json.encode()).digest()).decode()
    return (
        "default-src 'none'; "
        f"script-src 'self' 'sha256-{digest}'; "
        "style-src 'self'; "
        "connect-src 'self'; "
        f"img-src 'self' data: blob:{pictures and f' {pictures}'}; "
        "base-uri 'none'; "
        "form-action 'self'; "
        "frame-ancestors 'none'"
    )
