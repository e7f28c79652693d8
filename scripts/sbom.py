"""What the product is made of, as CycloneDX 1.6: Python packages with their licences, packages of the pages, images."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
_BASE = re.compile(r"^FROM (\S+:\S+)", re.MULTILINE)
Component = dict[str, Any]


def build() -> dict[str, Any]:
    """The whole document; the same for the same tree."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None  # noqa: S101 - without it there is no project
    components = sorted([*_python(), *_pages(), *_images()], key=lambda one: one["bom-ref"])
    root = {"type": "application", "bom-ref": "cursor-monitor", "name": "cursor-monitor", "version": version[1]}
    parts = [one["bom-ref"] for one in components]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_uuid(json.dumps(parts))}",
        "version": 1,
        "metadata": {"component": root},
        "components": components,
        "dependencies": [{"ref": "cursor-monitor", "dependsOn": parts}],
    }


def _python() -> Iterator[Component]:
    for name, version in _PIN.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")):
        yield _component("pypi", name.lower(), version, _licence(name))


def _licence(name: str) -> str | None:
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None  # of another platform than this one
    expression = found.get("License-Expression")
    if expression:
        return expression
    classifiers = [text.rpartition(" :: ")[2] for text in found.get_all("Classifier") or () if "License ::" in text]
    return classifiers[0] if classifiers else (found.get("License") or "").partition("\n")[0][:100] or None


def _pages() -> Iterator[Component]:
    lock = json.loads((ROOT / "reflex.lock" / "package-lock.json").read_text(encoding="utf-8"))
    seen: set[tuple[str, str]] = set()
    for path, facts in lock["packages"].items():
        name = path.rpartition("node_modules/")[2]
        if not path or facts.get("dev") or (name, facts["version"]) in seen:
            continue
        seen.add((name, facts["version"]))
        kind, _, digest = facts["integrity"].partition("-")
        component = _component("npm", name, facts["version"], facts.get("license"))
        if kind == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": _hex(digest)}]
        yield component


def _images() -> Iterator[Component]:
    for image in sorted(set(_BASE.findall((ROOT / "Dockerfile").read_text(encoding="utf-8")))):
        name, _, tag = image.partition(":")
        yield {**_component("docker", name, tag, None), "type": "container"}


def _component(kind: str, name: str, version: str, licence: str | None) -> Component:
    reference = f"pkg:{kind}/{quote(name, safe='/')}@{quote(version, safe='')}"
    found: Component = {"type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference}
    if licence:
        found["licenses"] = [{"license": {"name": licence}}]
    return found


def _hex(digest: str) -> str:
    import base64

    return base64.b64decode(digest).hex()


def _uuid(text: str) -> str:
    import uuid

    return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(build(), indent=1) + "\n")
