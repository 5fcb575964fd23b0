"""The vendored browser code is exactly what vendor.lock.json says, and the import map admits only that."""

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from callcenter.console.import_map import csp, import_map

ROOT = Path(__file__).resolve().parents[2]
LOCK = json.loads((ROOT / "vendor.lock.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def vendor() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("vendor", ROOT / "tools/vendor.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["vendor"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["vendor"]


@pytest.fixture
def copy(vendor: ModuleType, tmp_path: Path) -> Path:
    """A copy of everything `check` looks at, to be spoilt."""
    for name in (vendor.WISHES, vendor.LOCK, vendor.NOTICE):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / vendor.SHELF, tmp_path / vendor.SHELF)
    return tmp_path


def test_the_repository_is_as_locked(vendor: ModuleType) -> None:
    assert vendor.problems(ROOT) == []


def test_a_changed_byte_is_found(vendor: ModuleType, copy: Path) -> None:
    path = copy / vendor.SHELF / "htm-3.1.1/dist/htm.mjs"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    assert vendor.problems(copy) == ["htm-3.1.1/dist/htm.mjs: changed"]


def test_a_missing_and_an_unlisted_file_are_found(vendor: ModuleType, copy: Path) -> None:
    (copy / vendor.SHELF / "htm-3.1.1/LICENSE").unlink()
    (copy / vendor.SHELF / "htm-3.1.1/extra.js").write_text("1")
    assert vendor.problems(copy) == ["htm-3.1.1/LICENSE: missing", "htm-3.1.1/extra.js: not listed"]


def test_a_wish_that_was_not_fetched_is_found(vendor: ModuleType, copy: Path) -> None:
    wishes = copy / vendor.WISHES
    wishes.write_text(wishes.read_text("utf-8").replace('version = "3.1.1"', 'version = "3.1.2"'), "utf-8")
    assert vendor.problems(copy) == ["htm: vendor.toml and vendor.lock.json differ; run `add`"]


def test_an_edited_notice_is_found(vendor: ModuleType, copy: Path) -> None:
    with (copy / vendor.NOTICE).open("a") as notice:
        notice.write("also\n")
    assert vendor.problems(copy) == ["THIRD_PARTY.md: not as generated"]


def test_a_package_without_its_licence_is_refused(vendor: ModuleType) -> None:
    import io
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/dist/x.mjs")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"1"))
    package = {"name": "x", "version": "1", "licence": "MIT", "licence_file": "LICENSE", "files": ["dist/x.mjs"]}
    with pytest.raises(vendor.Refused, match="no licence file"):
        vendor.unpack(package, packed.getvalue())


def test_the_import_map_names_every_module_and_its_hash(vendor: ModuleType) -> None:
    made = import_map(LOCK)
    assert set(made["imports"]) == {
        "preact",
        "preact/hooks",
        "@preact/signals",
        "@preact/signals-core",
        "htm",
        "leaflet",
    }
    assert set(made["integrity"]) == set(made["imports"].values())
    for url, integrity in made["integrity"].items():
        path = ROOT / "callcenter/console" / url.removeprefix("/")
        assert vendor.digest("sha384", path.read_bytes()) == integrity


def test_the_policy_admits_this_import_map_only() -> None:
    text = json.dumps(import_map(LOCK))
    assert csp(text) != csp(text + " ")
    assert "unsafe" not in csp(text)
    assert csp(text).startswith("default-src 'none'; script-src 'self' 'sha256-")
