"""When the pages are built again, and what a build may see and must leave alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cursor_monitor.runtime import pages, same_origin
from cursor_monitor.runtime.pages import PagesError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("cursor_monitor/pages/a.py", "cursor_monitor/services/b.py", "assets/styles.css", "rxconfig.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    index = tmp_path / pages.INDEX
    index.parent.mkdir(parents=True)
    index.write_text("<html>")
    (tmp_path / pages.STAMP).write_text(pages.fingerprint(tmp_path))
    return tmp_path


def test_built_pages_are_used_as_they_are(tree: Path) -> None:
    assert pages.is_built(tree)
    (tree / "cursor_monitor/services/b.py").write_text("2")
    (tree / "assets/external").mkdir()
    (tree / "assets/external/x.js").write_text("2")
    assert pages.is_built(tree)


@pytest.mark.parametrize("name", ["cursor_monitor/pages/a.py", "assets/styles.css", "rxconfig.py"])
def test_a_changed_source_means_a_new_build(tree: Path, name: str) -> None:
    (tree / name).write_text("2")
    assert not pages.is_built(tree)


def test_a_new_a_renamed_and_a_removed_source_mean_a_new_build(tree: Path) -> None:
    new = tree / "cursor_monitor/pages/new.py"
    new.write_text("")
    assert not pages.is_built(tree)
    new.unlink()
    assert pages.is_built(tree)
    (tree / "cursor_monitor/pages/a.py").rename(new)
    assert not pages.is_built(tree)


def test_a_missing_result_means_a_new_build(tree: Path) -> None:
    (tree / pages.INDEX).unlink()
    assert not pages.is_built(tree)


def test_a_build_sees_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in pages.SECRETS:
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", "/etc/ca.pem")
    environ = pages._environment(tmp_path)
    assert "hunter2" not in environ.values()
    assert environ["NODE_EXTRA_CA_CERTS"] == "/etc/ca.pem"


def test_files_that_reflex_writes_are_put_back(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("ours\n")
    with pages._as_it_was(tmp_path, (".gitignore", "requirements.txt")):
        (tmp_path / ".gitignore").write_text("ours\ntheirs\n")
        (tmp_path / "requirements.txt").write_text("reflex\n")
    assert (tmp_path / ".gitignore").read_text() == "ours\n"
    assert not (tmp_path / "requirements.txt").exists()


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("v22.22.0", True), ("v24.1.0", True), ("v22.21.9", False), ("v20.20.2", False), ("", False)],
)
def test_an_old_node_is_named_with_what_to_do(tmp_path: Path, version: str, accepted: bool) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    environ = {"PATH": f"{tmp_path}{os.pathsep}{os.defpath}"}
    if accepted:
        assert pages.check_node(environ) == version
        return
    with pytest.raises(PagesError, match=rf"{node} is Node .+, 22\.22 or newer is needed: run `make run`"):
        pages.check_node(environ)


def test_a_missing_node_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PagesError, match="Node is missing: run `make run`"):
        pages.check_node({"PATH": str(tmp_path)})


async def test_a_failed_build_shows_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A tree without an app: Reflex itself says so.
    shutil.copy(Path(pages.__file__).parents[2] / "pyproject.toml", tmp_path)
    monkeypatch.setattr(pages, "_npm_registry", lambda root, environ: "http://127.0.0.1:9/")
    with pytest.raises(PagesError, match=r"rxconfig[\s\S]*the pages could not be built \(code 1\); the whole log is "):
        await pages.build(tmp_path, tmp_path / "work")
    assert not (tmp_path / pages.STAMP).exists()


def test_the_installed_reflex_still_has_the_lines_that_are_changed() -> None:
    import reflex_base

    client = Path(reflex_base.__file__).parent / ".templates" / "web" / "utils" / "state.js"
    source = client.read_text(encoding="utf-8")
    changed = same_origin.follow_the_page(source)
    assert f"{same_origin.HOST_LINE}\n    {same_origin.PORT_LINE}" in changed
    assert 'endpoint.port = "";' not in changed
    assert same_origin.follow_the_page(changed) == changed


def test_a_reflex_without_those_lines_stops_the_build() -> None:
    with pytest.raises(RuntimeError, match=r"utils/state\.js of this version of Reflex has changed"):
        same_origin.follow_the_page("export const getBackendURL = (url) => url;")
