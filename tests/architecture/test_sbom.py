"""What the product says it is made of is what is locked."""

from __future__ import annotations

import json
import re
from pathlib import Path

from scripts.sbom import build

ROOT = Path(__file__).resolve().parents[2]


def test_every_locked_package_is_in_it_once_and_it_is_the_same_each_time() -> None:
    found = build()
    references = [one["purl"] for one in found["components"]]
    assert len(references) == len(set(references))
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert {f"pkg:pypi/{name.lower()}@{version}" for name, version in pins} <= set(references)
    lock = json.loads((ROOT / "reflex.lock" / "package-lock.json").read_text(encoding="utf-8"))
    assert sum(one["purl"].startswith("pkg:npm/") for one in found["components"]) > len(lock["packages"]) // 3
    by_name = {one["name"]: one for one in found["components"]}
    assert "MIT" in by_name["fastapi"]["licenses"][0]["license"]["name"]
    assert len(by_name["react"]["hashes"][0]["content"]) == 128
    assert build() == found
