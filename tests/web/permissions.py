"""Every way in: which routes there are, and a request to each that reaches its permission check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import FastAPI

from atisbo.web import pages

TABLE = Path(__file__).parent / "permissions.txt"
ENDLESS = ("/api/v1/events",)
"""Streams that are not asked by those who may, because they would not end."""


_KNOWN = {
    "application": "eye",
    "view": "mask.png",
    "file": "x.jpg",
    "job_id": "7",
    "number": "1",
    "side": "picture",
}
"""What stands for a name in an address or a body; everything else that is named is a new identity."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    body: dict[str, Any]
    """Arguments of the request beside its address."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def page(self) -> bool:
        return not self.path.startswith(("/api/", "/v2"))

    @property
    def address(self) -> str:
        return re.sub(r"\{([^}:]+)[^}]*\}", lambda gap: _KNOWN.get(gap[1], str(uuid4())), self.path)


def routes(app: FastAPI) -> list[Route]:
    """Those of the document, and those of the pages."""
    document = app.openapi()
    found = [
        Route(method.upper(), path, _body(document, said))
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    ]
    for router in pages.routers:
        for route in router.routes:
            for method in sorted(getattr(route, "methods", set()) - {"HEAD"}):
                body = {"data": {"application": "eye"}} if method == "POST" else {"params": {"application": "eye"}}
                found.append(Route(method, str(getattr(route, "path", "")), body))
    return found


def _body(document: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """The smallest body that the document lets pass, and the query that has to be there."""
    needed = [one for one in said.get("parameters", ()) if one.get("required") and one["in"] == "query"]
    query = {one["name"]: _named(document, one["name"], one["schema"]) for one in needed}
    more: dict[str, Any] = {"params": query} if query else {}
    content = said.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        more["json"] = _example(document, content["application/json"]["schema"])
    elif "multipart/form-data" in content:
        schema = _resolved(document, content["multipart/form-data"]["schema"])
        more["files"] = {
            name: ("x.jpg", b"bytes")
            for name, one in schema["properties"].items()
            if name in schema.get("required", ()) and "binary" in str(one)
        } or {"file": ("x.jpg", b"bytes")}
    elif "application/x-www-form-urlencoded" in content:
        more["data"] = _example(document, content["application/x-www-form-urlencoded"]["schema"])
    return more


def _named(document: dict[str, Any], name: str, schema: dict[str, Any]) -> Any:
    return _KNOWN["application"] if name == "application" else _example(document, schema)


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return found


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    schema = _resolved(document, schema)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _example(document, schema[key][0])
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        wanted = schema.get("required", ())
        parts = schema.get("properties", {}).items()
        return {name: _named(document, name, one) for name, one in parts if name in wanted}
    if kind == "array":
        return [_example(document, schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        formats = {"uuid": str(uuid4()), "date": "2024-01-01"}
        return formats.get(schema.get("format", ""), "x" * schema.get("minLength", 1))
    return {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.0), "boolean": True}.get(str(kind))
