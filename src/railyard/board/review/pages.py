"""Pages: the built viewer at `/`, and at `/docs` the API, told from the OpenAPI document without a script.

Files of the viewer are those that its folder holds when the server begins; a request's path is looked up among them.
"""

import mimetypes
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse

from railyard.board.review.problems import NotFound
from railyard.core.package import bundled

VIEWER = "ui/review/dist"
INDEX = "index.html"
METHODS = ("get", "post", "put", "delete")
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
code, h3 { font-family: ui-monospace, monospace; }
h3 { background: #f3f0ec; padding: .4rem .6rem; }
table { border-collapse: collapse; }
td, th { border: 1px solid #ddd; padding: .2rem .6rem; text-align: left; vertical-align: top; }
"""


def add_pages(app: FastAPI, viewer: Path | None = None) -> None:
    """Adds the pages; `viewer` is the folder of the built one."""
    files = _files(viewer or Path(bundled(VIEWER)))

    @app.get("/", include_in_schema=False)
    @app.get("/view/{rest:path}", include_in_schema=False)
    def index(rest: str = "") -> Response:
        if INDEX not in files:
            return HTMLResponse(MISSING)
        return FileResponse(files[INDEX], headers={"cache-control": "no-cache"})

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse(page_of(app.openapi()))

    @app.get("/docs.css", include_in_schema=False)
    def style() -> Response:
        return Response(STYLE, media_type="text/css")

    @app.get("/{name:path}", include_in_schema=False)
    def file(name: str) -> Response:
        if name not in files:
            raise NotFound(f"/{name[:80]} not found: /docs lists what there is")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return FileResponse(files[name], media_type=kind, headers={"cache-control": "max-age=3600"})


def _files(folder: Path) -> dict[str, Path]:
    """Regular files below a folder, by their paths in it."""
    found = sorted(folder.rglob("*")) if folder.is_dir() else []
    return {path.relative_to(folder).as_posix(): path for path in found if path.is_file() and not path.is_symlink()}


def _whole(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="/docs.css"></head><body>{body}</body></html>'
    )


MISSING = _whole(
    "Railyard review",
    "<h1>Railyard review</h1><p>The viewer is not built in this checkout. To build it, Node 20.19 or newer is needed:"
    "</p><p><code>cd ui/review &amp;&amp; npm ci --ignore-scripts &amp;&amp; npm run build</code></p>"
    '<p>Then start <code>railyard review</code> again. The API works without it: <a href="/docs">its page</a>, '
    '<a href="/openapi.json">its OpenAPI document</a>.</p>',
)


def page_of(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    schemas = document.get("components", {}).get("schemas", {})
    operations = [
        _operation(path, method, said[method])
        for path, said in document["paths"].items()
        for method in METHODS
        if method in said
    ]
    models = [_model(name, schema) for name, schema in sorted(schemas.items())]
    head = f"<h1>{escape(document['info']['title'])} {escape(document['info']['version'])}</h1>"
    about = f"<p>{escape(document['info'].get('description', ''))} <a href='/openapi.json'>openapi.json</a></p>"
    return _whole(document["info"]["title"], "".join([head, about, *operations, "<h2>Objects</h2>", *models]))


def _operation(path: str, method: str, said: dict[str, Any]) -> str:
    rows = [
        (escape(found["name"]), escape(found["in"]), _kind(found["schema"]), escape(found.get("description", "")))
        for found in said.get("parameters", [])
    ]
    for kind, content in said.get("requestBody", {}).get("content", {}).items():
        rows.append(("body", escape(kind), _kind(content.get("schema", {})), ""))
    answers = [
        (escape(status), escape(kind), _kind(content.get("schema", {})), escape(answer.get("description", "")))
        for status, answer in said["responses"].items()
        for kind, content in (answer.get("content") or {"": {}}).items()
    ]
    return (
        f"<h3>{method.upper()} {escape(path)}</h3><p>{escape(said.get('description', said.get('summary', '')))}</p>"
        f"{_table(('parameter', 'in', 'type', ''), rows)}{_table(('status', 'media type', 'object', ''), answers)}"
    )


def _model(name: str, schema: dict[str, Any]) -> str:
    rows = [
        (escape(key), _kind(said), escape(said.get("description", "")))
        for key, said in schema.get("properties", {}).items()
    ]
    return f"<h3 id='{escape(name)}'>{escape(name)}</h3><p>{escape(schema.get('description', ''))}</p>" + _table(
        ("key", "type", ""), rows
    )


def _kind(schema: dict[str, Any]) -> str:
    """A type in words; objects as links."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(map(_kind, choices))
    if "enum" in schema:
        return escape(" or ".join(map(str, schema["enum"])))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    default = f", default {escape(str(schema['default']))}" if schema.get("default") is not None else ""
    return escape(str(schema.get("type", "any"))) + default


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows]
    return f"<table><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>{''.join(lines)}</table>"
