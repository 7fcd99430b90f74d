"""What a browser shows: a page to drop an image on, and the description of the API. Nothing is
loaded from elsewhere."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response

FOLDER = Path(__file__).parent
POLICY = "default-src 'self'; img-src 'self' blob:; media-src blob:; frame-ancestors 'none'"
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}


def add_pages(app: FastAPI, name: str) -> None:
    """Add the pages to an app. `name`: of the model."""

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        text = (FOLDER / "page.html").read_text(encoding="utf-8")
        return HTMLResponse(text.replace("{{name}}", escape(name)), headers=HEADERS)

    @app.get("/page.js", include_in_schema=False)
    async def script() -> Response:
        return Response((FOLDER / "page.js").read_bytes(), media_type="text/javascript")

    @app.get("/page.css", include_in_schema=False)
    async def style() -> Response:
        return Response((FOLDER / "page.css").read_bytes(), media_type="text/css")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(description(app.openapi()), headers=HEADERS)


def description(openapi: dict[str, Any]) -> str:
    """OpenAPI's description of the server as a page."""
    info = openapi["info"]
    operations = "".join(
        _operation(method, path, content)
        for path, methods in openapi["paths"].items()
        for method, content in methods.items()
    )
    schemas = "".join(
        f"<h3 id='{escape(name)}'>{escape(name)}</h3><p>{escape(schema.get('description', ''))}</p>"
        f"<pre>{escape(json.dumps(schema.get('properties', schema), indent=1))}</pre>"
        for name, schema in openapi["components"]["schemas"].items()
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        f"<title>{escape(info['title'])}</title><link rel='stylesheet' href='page.css'>"
        f"<main><h1>{escape(info['title'])}</h1><p>{escape(info['description'])} "
        "For programs: <a href='openapi.json'>openapi.json</a>. <a href='./'>Try it</a>.</p>"
        f"{operations}<h2>Schemas</h2>{schemas}</main></html>"
    )


def _operation(method: str, path: str, content: dict[str, Any]) -> str:
    parameters = [
        (each["name"], f"{each.get('description', '')} {json.dumps(each['schema'])}")
        for each in content.get("parameters", [])
    ]
    body = [("body", ", ".join(content.get("requestBody", {}).get("content", {})))]
    answers = [
        (status, f"{answer['description']}: {', '.join(answer.get('content', {}))}")
        for status, answer in content["responses"].items()
    ]
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
        for name, text in parameters + (body if body[0][1] else []) + answers
    )
    return (
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p>{escape(content.get('description', ''))}</p><table>{rows}</table>"
    )
