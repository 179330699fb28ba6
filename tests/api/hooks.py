"""What schemathesis is told about this API while it runs: real things to name, what a schema can't say, and a count.

`run.py` names this file in the configuration it writes, and passes what it made in the environment."""

import atexit
import json
import os
import urllib.parse
from collections import Counter, defaultdict

import jsonschema_rs
import schemathesis
from schemathesis.core import NOT_SET

# By operation: for each path parameter, one that is there.
THERE = json.loads(os.environ["API_TEST_THERE"])
PUBLISHER = os.environ["API_TEST_PUBLISHER"]

# Places that name other things. That there is no such thing is told as 422 with the place, because nothing of the
# path is missing; which names there are, and which keys were used before, a schema can't say.
# What columns are taken for has a form that is said in words.
NAMES_SOMETHING = {"/model", "/topic", "/parent_prompt_name", "/url", "/columns", "Idempotency-Key"}

# Of its body the document says that it is text or bytes, which every body is.
FILES = "articles-import"

# One event of a stream, which OpenAPI 3.1 has no word for, and 3.2 has.
EVENT = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "string", "pattern": r'^\{"(content|done|error)":'}},
}

counts = defaultdict(Counter)
document = {}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Each path parameter gets an example that is there: without, nearly every answer would be 404."""
    document.update(raw_schema)
    for verbs in raw_schema["paths"].values():
        for operation in verbs.values():
            content = operation["responses"].get("200", {}).get("content", {})
            if "text/event-stream" in content:
                content["text/event-stream"] = {"itemSchema": EVENT}
            examples = THERE.get(operation["operationId"], {})
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in examples:
                    parameter["example"] = examples[parameter["name"]]


@schemathesis.serializer(
    "application/x-ndjson",
    "text/tab-separated-values",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Feeds are fetched when they are followed: every address on the web becomes one of the publisher's here, so that
    nobody else is sent anything."""
    if case.operation.definition.raw["operationId"] == "feeds-follow" and isinstance(case.body, dict):
        url = case.body.get("url")
        if isinstance(url, str) and url.strip().lower().startswith("http") and not url.startswith(PUBLISHER):
            case.body["url"] = f"{PUBLISHER}/{urllib.parse.quote(url, safe='')}"


@schemathesis.hook
def after_call(context, case, response):
    counts[case.operation.label][f"{response.status_code // 100}xx"] += 1


@schemathesis.hook
def filter_failure(context, failure, case, response):
    kind = type(failure).__name__
    if kind == "RejectedPositiveData" and no_schema_can_say(case, response):
        return False
    if kind == "AcceptedNegativeData" and is_right_as_taken(case, response):
        return False
    counts[case.operation.label]["failures"] += 1
    return True


def no_schema_can_say(case, response):
    """Whether a request that fits the document was refused for what no document can say."""
    if response.status_code == 400:
        # A cursor is signed.
        return "The cursor is not one of this list" in response.text
    if response.status_code != 422:
        return False
    if case.operation.definition.raw["operationId"] == FILES:
        # Which columns there are, the document says in words.
        return True
    body = case.body if isinstance(case.body, dict) else {}
    errors = response.json().get("errors", [])
    return bool(errors) and all(
        error["pointer"] in NAMES_SOMETHING
        # What is wrong is in the store: the draft is too short to be tested or committed.
        or error["pointer"] == "/draft_content" and "draft_content" not in body
        # JSON Schema calls 5.0 an integer. Here it is refused, in words.
        or "floating point" in error["detail"]
        # To set nothing to nothing.
        or error["pointer"] == "" and not any(value is not None for value in body.values())
        for error in errors
    )


def is_right_as_taken(case, response):
    """Whether a request that doesn't fit the document does, as the workshop takes it: without the space around a
    text, an empty query parameter as none, and of one that is repeated the first."""
    address = urllib.parse.urlsplit(response.request.url)
    asked = {}
    for name, value in urllib.parse.parse_qsl(address.query, keep_blank_values=True):
        asked.setdefault(name, value)
    for parameter in case.operation.definition.raw["parameters"]:
        values = {"path": case.path_parameters, "query": asked, "header": case.headers}[parameter["in"]] or {}
        value = values.get(parameter["name"])
        if value is None or value == "" and parameter["in"] == "query":
            continue
        if not fits(parameter["schema"], str(value).strip()):
            return False
    body = case.operation.definition.raw.get("requestBody", {})
    content = body.get("content", {})
    if case.body is NOT_SET:
        return not body.get("required", False)
    if case.operation.definition.raw["operationId"] == FILES:
        return True
    if case.media_type not in content:
        return not content
    return fits(content[case.media_type]["schema"], trimmed(case.body))


def fits(schema, value):
    if schema.get("type") == "integer" and isinstance(value, str) and value.isdecimal():
        value = int(value)
    return jsonschema_rs.is_valid({**schema, "components": document["components"]}, value)


def trimmed(value):
    if isinstance(value, dict):
        return {name: trimmed(inner) for name, inner in value.items()}
    return value.strip() if isinstance(value, str) else value


@atexit.register
def write():
    with open(os.environ["API_TEST_COUNTS"], "w") as file:
        json.dump(counts, file)
