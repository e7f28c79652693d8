"""The manifests for Kubernetes: valid, in agreement with the image and the settings, nothing as root."""

from __future__ import annotations

import inspect
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from cursor_monitor import cli
from cursor_monitor.api import metrics
from cursor_monitor.api.permissions import role_for
from cursor_monitor.settings import VERSION, load_settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OURS = "cursor-monitor"
KUBERNETES = "1.32"  # the oldest version meant
Manifest = dict[str, Any]


def manifests() -> list[Manifest]:
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name not in ("kustomization.yaml", "secret.yaml"))
    return [part for path in files for part in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


ALL = manifests()
WORKLOADS = {one["metadata"]["name"]: one for one in ALL if one["kind"] in ("Deployment", "Job")}
KUSTOMIZATION: Manifest = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))


def of(kind: str, name: str) -> Manifest:
    return next(one for one in ALL if (one["kind"], one["metadata"]["name"]) == (kind, name))


def pod_of(workload: Manifest) -> Manifest:
    return workload["spec"]["template"]["spec"]


@pytest.mark.parametrize("manifest", ALL, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_each_is_what_kubernetes_takes(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_what_is_applied_is_there_and_of_this_version() -> None:
    there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
    assert {*KUSTOMIZATION["resources"]} == there | {"secret.yaml"}
    assert KUSTOMIZATION["images"] == [{"name": OURS, "newTag": VERSION}]
    assert {one["metadata"].get("namespace", OURS) for one in ALL} == {OURS}


def test_no_secret_is_kept_in_the_repository() -> None:
    assert subprocess.run(["git", "check-ignore", "-q", FOLDER / "secret.yaml"], cwd=ROOT, check=False).returncode == 0
    assert set(of("Secret", OURS)["stringData"].values()) == {""}


def test_settings_have_names_and_values_that_the_program_takes() -> None:
    given = {**of("ConfigMap", OURS)["data"], **of("Secret", OURS)["stringData"]}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert [name for name in given if f"\n{name}=" not in example] == []
    settings = load_settings(of("ConfigMap", OURS)["data"])
    assert (settings.requires_sign_in, settings.port) == (True, 3000)


@pytest.mark.parametrize("name", ["app", "worker", "migrate"])
def test_a_workload_runs_our_command_without_root_within_limits(name: str) -> None:
    pod = pod_of(WORKLOADS[name])
    (container,) = pod["containers"]
    assert container["args"] == [name]
    assert name in {command for command, *_ in cli._COMMANDS}
    assert container["image"] == OURS
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"--uid {pod['securityContext']['runAsUser']} " in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    kept = container["securityContext"]
    assert (kept["readOnlyRootFilesystem"], kept["allowPrivilegeEscalation"], kept["capabilities"]) == (
        True,
        False,
        {"drop": ["ALL"]},
    )
    assert {"requests", "limits"} <= container["resources"].keys()
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert "/data" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_selectors_find_the_pods_they_mean() -> None:
    labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in WORKLOADS.items()}
    for one in ALL:
        spec = one.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector")
        if one["kind"] in ("Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"):
            wanted = selector.get("matchLabels", selector)
            found = {name for name, have in labels.items() if wanted.items() <= have.items()}
            name = one["metadata"]["name"]
            assert found == ({*labels} if name == OURS else {name}), one["kind"]


def test_probes_ask_what_everybody_may_and_what_exists() -> None:
    (app,) = pod_of(WORKLOADS["app"])["containers"]
    paths = {app[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"/livez", "/readyz"}
    assert {role_for("GET", path) for path in paths} == {None}
    (worker,) = pod_of(WORKLOADS["worker"])["containers"]
    module = worker["livenessProbe"]["exec"]["command"][-1]
    assert (ROOT / (module.replace(".", "/") + ".py")).exists()
    assert pod_of(WORKLOADS["worker"])["terminationGracePeriodSeconds"] > load_settings({}).drain_seconds


def test_workers_are_scaled_by_a_figure_that_is_told() -> None:
    scaler = of("HorizontalPodAutoscaler", "worker")["spec"]
    figure = scaler["metrics"][0]["external"]["metric"]["name"]
    assert f'"{figure.removeprefix("cursor_monitor_")}"' in inspect.getsource(metrics)
    assert "replicas" not in WORKLOADS["worker"]["spec"], "the autoscaler's to say"
    assert WORKLOADS["app"]["spec"]["replicas"] == 1
