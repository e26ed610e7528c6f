"""The viewer's files are looked up, never joined; without a viewer a page says how to get it."""

import pytest
from fastapi import FastAPI
from reviewed import reviewed
from starlette.testclient import TestClient

from railyard.board.review.faults import answer_faults
from railyard.board.review.pages import add_pages


@pytest.fixture
def viewer(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html>viewer")
    (dist / "assets" / "app.js").write_text("0123456789")
    (dist / "link.txt").symlink_to(tmp_path / "secret.txt")
    app = FastAPI()
    add_pages(app, dist)
    answer_faults(app)
    return TestClient(app)


@pytest.mark.parametrize("path", ["/", "/index.html", "/view/sessions/a/runs/3?step=4"])
def test_the_viewer_is_at_the_root_and_its_own_places(viewer, path):
    assert viewer.get(path).text == "<!doctype html>viewer"


def test_its_files_have_their_types_and_ranges(viewer):
    found = viewer.get("/assets/app.js")
    assert found.headers["content-type"].startswith("text/javascript")
    part = viewer.get("/assets/app.js", headers={"range": "bytes=2-4"})
    assert (part.status_code, part.text) == (206, "234")
    assert viewer.get("/assets/app.js", headers={"range": "bytes=90-"}).status_code == 416


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/assets/..%2f..%2fsecret.txt", "/link.txt"],
)
def test_what_is_not_among_them_is_not_there(viewer, path):
    found = viewer.get(path)
    assert found.status_code == 404
    assert "secret" not in found.json()["detail"].removeprefix(path) or "not found" in found.json()["detail"]
    assert found.text != "secret"


def test_without_a_viewer_a_page_says_how_to_get_it(tmp_path):
    app = FastAPI()
    add_pages(app, tmp_path / "none")
    assert "npm ci --ignore-scripts" in TestClient(app).get("/").text


def test_the_page_of_the_api_names_every_endpoint():
    with reviewed(lambda: iter([])) as client:
        page, document = client.get("/docs").text, client.get("/openapi.json").json()
        assert client.get("/docs.css").headers["content-type"].startswith("text/css")
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page
