"""The OpenAPI description of what can be asked over HTTP, made of the endpoints and of the types of what they answer.

As the OpenAPI specification 3.1 has it, whose schemas are JSON Schema.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, get_args

from pydantic import TypeAdapter

from registry_docker_updater.http.bodies import Body
from registry_docker_updater.http.endpoints import Endpoint, Error, Problem
from registry_docker_updater.http.query import Parameter

_SCHEMAS = "#/components/schemas/"
_TAG = "The entity tag of the answer: whoever gives it the next time is sent nothing that is the same."
_IF_NONE_MATCH = Parameter(
    "If-None-Match", {"type": "string"}, "The entity tags of what is there already, or *.", "header"
)


def description(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """Return the description of ``endpoints``, of the ``version`` of the operator."""
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "registry-docker-updater",
            "version": version,
            "description": "What was pushed, what the fleet runs, and what became of it.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    kind, error = ("application/problem+json", Problem) if one.is_strict else ("application/json", Error)
    refused = {
        str(status): {"description": why, "content": {kind: {"schema": _schema(error, schemas)}}}
        for status, why in sorted(one.refusals.items())
    }
    answered: dict[str, Any] = {
        "description": HTTPStatus(one.status).phrase,
        "content": {kind: {"schema": _schema(one.content, schemas)} for kind in one.kinds},
    }
    body: dict[str, Any] = {
        "description": one.takes,
        "required": one.body is None or bool(one.body.model_json_schema().get("required")),
        "content": {"application/json": {"schema": _body_schema(one.body, schemas) if one.body else {}}},
    }
    if one.status in (201, 202) and one.is_strict:
        answered["headers"] = {
            "Location": {"schema": {"type": "string"}, "description": "Where it is shown."}
        }
    if one.is_conditional:
        refused["304"] = {"description": "It is as the entity tag says that was given."}
        answered["headers"] = {"ETag": {"schema": {"type": "string"}, "description": _TAG}}
    parameters = [*one.parameters, *([_IF_NONE_MATCH] if one.is_conditional else [])]
    return {
        "operationId": re.sub(r"\W+", "_", f"{one.method.lower()}{one.path}").strip("_"),
        "summary": one.summary,
        "parameters": [_parameter(given) for given in parameters],
        "responses": {str(one.status): answered, **refused},
        "security": [{"token": []}] if one.needs else [],
        **({"requestBody": body} if one.takes else {}),
    }


def _parameter(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.where,
        "required": one.where == "path" or one.is_required,
        "description": one.description,
        "schema": one.schema,
    }


def _body_schema(body: type[Body], schemas: dict[str, Any]) -> Mapping[str, Any]:
    schemas[body.__name__] = body.model_json_schema(ref_template=_SCHEMAS + "{model}")
    return {"$ref": _SCHEMAS + body.__name__}


def _schema(content: Any, schemas: dict[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a type; those that have names go to ``schemas``."""
    made = TypeAdapter(content).json_schema(mode="serialization", ref_template=_SCHEMAS + "{model}")
    schemas.update(made.pop("$defs", {}))
    name = made.get("title")
    # Those of a page have one name for pages of everything.
    if made.get("type") != "object" or not name or get_args(content):
        return made
    schemas[name] = made
    return {"$ref": _SCHEMAS + name}
