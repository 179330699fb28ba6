"""What one would use instead of the workshop: its main routes in FastAPI, over SQLite in the same process, on uvicorn.

Written for `make bench`, as one would who knows FastAPI well and wants it fast: the answers' models are written as
JSON by pydantic's compiled core, SQLite is asked in place (a query by key takes less than handing it to a thread would)
over one connection whose statements stay prepared, and a save is one statement. The paths, the fields, the checks and
the answers are the workshop's. It does without what few would add: repeats (Idempotency-Key), quotas, daily figures.

    uvicorn --app-dir tests/bench reference:app

Settings, by environment: REFERENCE_DATABASE, a file; without one there is no store, and every query finds the one draft
that REFERENCE_DRAFT has as JSON. REFERENCE_KEY_SET (JSON), REFERENCE_ISSUER and REFERENCE_CLIENT_ID say whose tokens
are taken; without a key set a gateway in front has checked them, and names the user in X-User.
"""

import base64
import hashlib
import hmac
import http
import json
import os
import sqlite3
import time
from datetime import datetime, timedelta, timezone
from typing import Annotated, Literal
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from starlette.exceptions import HTTPException as StarletteHTTPException

# A save is on the disk before it is answered, as the workshop's engine has it: with NORMAL, a power failure would take
# answered saves away.
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS drafts (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, draft_name TEXT NOT NULL, draft_description TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'draft', parent_prompt_name TEXT, content_length INTEGER NOT NULL,
    test_count INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, expires_at TEXT NOT NULL, committed_prompt_name TEXT, committed_version INTEGER,
    committed_revision INTEGER, draft_content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS drafts_by_owner ON drafts (user_id, updated_at, id, status, expires_at);
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, chat_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, created_at TEXT NOT NULL,
    model TEXT, truncated INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS messages_by_chat ON messages (chat_id, id);
CREATE TABLE IF NOT EXISTS prompts (
    name TEXT PRIMARY KEY, prompt_id TEXT NOT NULL, user_id TEXT, title TEXT NOT NULL, description TEXT NOT NULL,
    is_default INTEGER NOT NULL DEFAULT 0, user_created INTEGER NOT NULL DEFAULT 1, version INTEGER NOT NULL,
    clone_count INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS prompts_by_change ON prompts (updated_at, name);
CREATE TABLE IF NOT EXISTS versions (
    name TEXT NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL, created_at TEXT NOT NULL,
    PRIMARY KEY (name, version));
"""
SUMMARY = """id, draft_name, draft_description, status, parent_prompt_name, content_length, test_count, revision,
    created_at, updated_at, expires_at"""
DRAFT = f"""{SUMMARY}, user_id, draft_content, id AS workshop_chat_id, committed_prompt_name, committed_version,
    committed_revision"""


class Database:
    """SQLite, asked in place. Each statement is a transaction by itself, but within `with database.transaction()`."""

    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(SCHEMA)

    def all(self, statement, **values):
        return [dict(row) for row in self.connection.execute(statement, values)]

    def one(self, statement, **values):
        row = self.connection.execute(statement, values).fetchone()
        return row and dict(row)

    def transaction(self):
        """Until the end of the `with` that it is for."""
        self.connection.execute("BEGIN IMMEDIATE")
        return self.connection


class Canned:
    """No store: every query finds the same."""

    def __init__(self, row):
        self.row = row

    def one(self, statement, **values):
        return self.row


PATH = os.environ.get("REFERENCE_DATABASE")
database = Database(PATH) if PATH else Canned(json.loads(os.environ["REFERENCE_DRAFT"]))
KEYS = jwt.PyJWKSet.from_json(os.environ["REFERENCE_KEY_SET"]) if "REFERENCE_KEY_SET" in os.environ else None
ISSUER, CLIENT_ID = os.environ.get("REFERENCE_ISSUER"), os.environ.get("REFERENCE_CLIENT_ID")
CURSOR_KEY = os.urandom(32)
app = FastAPI(title="Reference", openapi_url="/api/openapi.json")


def now():
    return datetime.now(timezone.utc)


def written(instant):
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def expiry(instant):
    return written(instant + timedelta(days=30))


def new_id(later=0):
    """A UUIDv7, so that ids sort by time; so many milliseconds later than now."""
    bits = time.time_ns() // 1_000_000 + later << 80 | int.from_bytes(os.urandom(10), "big")
    return str(UUID(int=bits & ~(0xF000 << 64) & ~(0b11 << 62) | 0x7000 << 64 | 0b10 << 62))


# Who asks, and how a refusal is worded


async def user(authorization: Annotated[str, Header()] = "", x_user: Annotated[str, Header()] = ""):
    if KEYS is None:
        return x_user
    try:
        scheme, _, token = authorization.partition(" ")
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        required = {"require": ["exp", "iat", "iss", "sub"], "verify_aud": False}
        claims = jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER, leeway=60, options=required)
        if scheme.lower() == "bearer" and claims["token_use"] == "access" and claims["client_id"] == CLIENT_ID:
            return claims["sub"]
    except (jwt.PyJWTError, KeyError):
        pass
    raise HTTPException(401, "Your sign-in is missing or has expired. Sign in and try again.")


User = Annotated[str, Depends(user)]


def problem(status, detail, headers=None, **more):
    title = http.HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": new_id(), **more}
    return JSONResponse(body, status, headers, "application/problem+json")


@app.exception_handler(StarletteHTTPException)
async def refused(_: Request, error: StarletteHTTPException):
    told = error.detail if isinstance(error.detail, dict) else {"detail": error.detail}
    return problem(error.status_code, headers=error.headers, **told)


@app.exception_handler(RequestValidationError)
async def invalid(_: Request, error: RequestValidationError):
    errors = [{"pointer": "/" + "/".join(map(str, each["loc"][1:])), "detail": each["msg"]} for each in error.errors()]
    return problem(422, "Some fields need another value.", errors=errors)


def seal(scope, place):
    tag = hmac.digest(CURSOR_KEY, f"{len(scope)} {scope}{place}".encode(), "sha256")[:16]
    return base64.urlsafe_b64encode(tag + place.encode()).decode()


def opened(scope, cursor):
    """Where the page before ended; after everything when there was none."""
    if cursor is None:
        return ("~", "~")
    try:
        place = base64.urlsafe_b64decode(cursor)[16:].decode()
    except ValueError:
        place = ""
    if not hmac.compare_digest(seal(scope, place).encode(), cursor.encode()):
        raise HTTPException(422, "This cursor is not one that this list gave.")
    return tuple(place.split("#"))


def cut(scope, found, limit, key, id):
    """A page of what was asked for with one more, and where the next one begins."""
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], last and seal(scope, f"{last[key]}#{last[id]}")


# What goes in and out

Prose = Annotated[str, StringConstraints(max_length=500)]
Content = Annotated[str, StringConstraints(max_length=100_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=100)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=5, max_length=100)]
PromptName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{3,50}$")]
Limit = Annotated[int, Query(ge=1, le=100)]
Status = Literal["draft", "testing", "ready", "committed"]


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Start(Input):
    starting_prompt: Content | None = None
    parent_prompt_name: str | None = None
    draft_name: Name | None = None
    requirements: Annotated[str, StringConstraints(max_length=10_000)] | None = None


class Edit(Input):
    draft_content: Content | None = None
    draft_name: Name | None = None
    draft_description: Prose | None = None
    status: Literal["draft", "testing", "ready"] | None = None

    @model_validator(mode="after")
    def changes_something(self):
        if not self.model_fields_set:
            raise ValueError("Nothing to save.")
        return self


class Commit(Input):
    name: PromptName
    title: Title
    description: Prose | None = None


class Started(BaseModel):
    draft_id: str
    chat_id: str
    draft_name: str
    status: Status
    initial_message: str
    reply_pending: bool
    revision: int
    created_at: str


class Summary(BaseModel):
    id: str
    draft_name: str
    draft_description: str
    status: Status
    parent_prompt_name: str | None
    content_length: int
    test_count: int
    revision: int
    created_at: str
    updated_at: str
    expires_at: str


class Draft(Summary):
    user_id: str
    draft_content: str
    workshop_chat_id: str
    committed_prompt_name: str | None
    committed_version: int | None
    committed_revision: int | None


class Drafts(BaseModel):
    drafts: list[Summary]
    total: int
    next_cursor: str | None


class Saved(BaseModel):
    message: str
    revision: int
    status: Status
    updated_at: str
    expires_at: str


class Committed(BaseModel):
    prompt_id: str
    name: str
    version: int
    message: str


class Prompt(BaseModel):
    name: str
    title: str
    description: str
    is_default: bool
    user_created: bool
    version: int
    clone_count: int
    created_at: str
    updated_at: str


class PromptWithText(Prompt):
    newest_version: int
    prompt_id: str
    is_own: bool
    content: str


class Prompts(BaseModel):
    prompts: list[Prompt]
    total: int
    next_cursor: str | None


class Message(BaseModel):
    id: str
    role: Literal["user", "assistant"]
    content: str
    created_at: str
    model: str | None
    truncated: bool
    usage: None = None


class History(BaseModel):
    chat_id: str
    messages: list[Message]
    total_messages: int
    next_cursor: str | None


# The routes


@app.get("/api/health")
async def health() -> dict[str, str]:
    return {"status": "ok", "version": "1"}


WORKSHOP = "/api/auspex/prompts/workshop"


@app.post(WORKSHOP + "/start", status_code=201)
async def start(user: User, asked: Start) -> Started:
    parent = None
    if asked.parent_prompt_name is not None:
        parent = database.one(
            "SELECT title, content FROM prompts JOIN versions USING (name, version) WHERE name = :name",
            name=asked.parent_prompt_name)
        if parent is None:
            raise HTTPException(422, "The library has no prompt of this name.")
    created, id, opening = now(), new_id(), "Let's design your prompt together."
    name = asked.draft_name or (f"Modified {parent['title']}"[:100] if parent else "Untitled draft")
    content = asked.starting_prompt or (parent["content"] if parent else "")
    said = [("assistant", opening)] + ([("user", asked.requirements)] if asked.requirements else [])
    with database.transaction():
        database.one(
            """INSERT INTO drafts (id, user_id, draft_name, parent_prompt_name, content_length, created_at, updated_at,
                   expires_at, draft_content)
               VALUES (:id, :user, :name, :parent, :length, :now, :now, :expires_at, :content)""",
            id=id, user=user, name=name, parent=asked.parent_prompt_name, length=len(content), now=written(created),
            expires_at=expiry(created), content=content)
        for place, (role, text) in enumerate(said):
            database.one(
                "INSERT INTO messages (id, chat_id, role, content, created_at) VALUES (:id, :chat, :role, :text, :now)",
                id=new_id(place), chat=id, role=role, text=text, now=written(created))
        if parent:
            database.one("UPDATE prompts SET clone_count = clone_count + 1 WHERE name = :name",
                         name=asked.parent_prompt_name)
    return Started(draft_id=id, chat_id=id, draft_name=name, status="draft", initial_message=opening,
                   reply_pending=len(said) > 1, revision=1, created_at=written(created))


@app.get(WORKSHOP + "/drafts")
async def list_drafts(user: User, status_filter: Status | None = None, limit: Limit = 20,
                      cursor: str | None = None) -> Drafts:
    scope = f"drafts/{status_filter}/{user}"
    updated_at, id = opened(scope, cursor)
    asked = {"user": user, "now": written(now())}
    mine = "user_id = :user AND expires_at > :now"
    if status_filter:
        mine, asked["status"] = mine + " AND status = :status", status_filter
    found = database.all(
        f"""SELECT {SUMMARY} FROM drafts WHERE {mine} AND (updated_at, id) < (:updated_at, :id)
            ORDER BY updated_at DESC, id DESC LIMIT :limit""",
        updated_at=updated_at, id=id, limit=limit + 1, **asked)
    total = database.one(f"SELECT count(*) AS total FROM drafts WHERE {mine}", **asked)["total"]
    drafts, next_cursor = cut(scope, found, limit, "updated_at", "id")
    return {"drafts": drafts, "total": total, "next_cursor": next_cursor}


def draft_of(user, id):
    draft = database.one(f"SELECT {DRAFT} FROM drafts WHERE id = :id AND user_id = :user AND expires_at > :now",
                         id=str(id), user=user, now=written(now()))
    if draft is None:
        raise HTTPException(404, "There is no such draft, or it is not yours.")
    return draft


def matches(header, tag):
    return header is not None and any(each.strip().removeprefix("W/") in ("*", tag) for each in header.split(","))


def revision_of(if_match):
    if if_match is None or if_match == "*":
        return None
    try:
        return int(if_match.removeprefix("W/").strip('"'))
    except ValueError:
        raise HTTPException(400, 'If-Match must name one revision, such as "3".') from None


def stale(current):
    told = {"detail": "The draft has changed since.", "current": current}
    return HTTPException(412, told, {"ETag": f'"{current["revision"]}"'})


@app.get(WORKSHOP + "/drafts/{id}")
async def get_draft(user: User, id: UUID, response: Response,
                    if_none_match: Annotated[str | None, Header()] = None) -> Draft:
    draft = draft_of(user, id)
    tag = f'"{draft["revision"]}"'
    if matches(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return draft


@app.put(WORKSHOP + "/drafts/{id}")
async def save_draft(user: User, id: UUID, edit: Edit, response: Response,
                     if_match: Annotated[str | None, Header()] = None) -> Saved:
    saved, revision = now(), revision_of(if_match)
    content = edit.draft_content
    draft = database.one(
        """UPDATE drafts SET draft_content = coalesce(:content, draft_content),
               content_length = coalesce(:length, content_length), draft_name = coalesce(:name, draft_name),
               draft_description = coalesce(:description, draft_description), revision = revision + 1,
               status = coalesce(:status, iif(status = 'committed' AND :content <> draft_content, 'draft', status)),
               updated_at = :now, expires_at = :expires_at
           WHERE id = :id AND user_id = :user AND expires_at > :now AND revision = coalesce(:revision, revision)
           RETURNING revision, status, updated_at, expires_at""",
        content=content, length=content and len(content), name=edit.draft_name, description=edit.draft_description,
        status=edit.status, now=written(saved), expires_at=expiry(saved), id=str(id), user=user, revision=revision)
    if draft is None:
        raise stale(draft_of(user, id))
    response.headers["ETag"] = f'"{draft["revision"]}"'
    return {"message": "Saved.", **draft}


@app.post(WORKSHOP + "/drafts/{id}/commit", status_code=201)
async def commit(user: User, id: UUID, asked: Commit, if_match: Annotated[str | None, Header()] = None) -> Committed:
    revision, committed = revision_of(if_match), written(now())
    with database.transaction():
        draft = draft_of(user, id)
        if revision not in (None, draft["revision"]):
            raise stale(draft)
        if len(draft["draft_content"].strip()) < 100:
            raise HTTPException(422, "A commit needs a prompt of at least 100 characters.")
        prompt = database.one("SELECT prompt_id, user_id, version FROM prompts WHERE name = :name", name=asked.name)
        came_from = (draft["committed_prompt_name"], draft["parent_prompt_name"])
        if prompt and (prompt["user_id"] != user or asked.name not in came_from):
            raise HTTPException(409, f"The library already has a prompt named {asked.name}.")
        prompt_id, version = (prompt["prompt_id"], prompt["version"] + 1) if prompt else (new_id(), 1)
        database.one(
            """INSERT INTO prompts (name, prompt_id, user_id, title, description, version, created_at, updated_at)
               VALUES (:name, :id, :user, :title, :description, :version, :now, :now)
               ON CONFLICT (name) DO UPDATE SET title = excluded.title, description = excluded.description,
                   version = excluded.version, updated_at = excluded.updated_at""",
            name=asked.name, id=prompt_id, user=user, title=asked.title, description=asked.description or "",
            version=version, now=committed)
        database.one("INSERT INTO versions VALUES (:name, :version, :content, :now)",
                     name=asked.name, version=version, content=draft["draft_content"], now=committed)
        database.one(
            """UPDATE drafts SET status = 'committed', committed_prompt_name = :name, committed_version = :version,
                   committed_revision = revision WHERE id = :id""", name=asked.name, version=version, id=str(id))
    return Committed(prompt_id=prompt_id, name=asked.name, version=version, message=f"{asked.name} is in the library.")


@app.get("/api/auspex/chat/sessions/{chat_id}/messages")
async def history(user: User, chat_id: UUID, limit: Limit = 20, cursor: str | None = None) -> History:
    chat, scope = draft_of(user, chat_id)["id"], f"chat/{chat_id}"
    created_at, id = opened(scope, cursor)
    found = database.all(
        """SELECT id, role, content, created_at, model, truncated FROM messages WHERE chat_id = :chat AND id < :id
           ORDER BY id DESC LIMIT :limit""", chat=chat, id=id, limit=limit + 1)
    total = database.one("SELECT count(*) AS total FROM messages WHERE chat_id = :chat", chat=chat)["total"]
    messages, next_cursor = cut(scope, found, limit, "created_at", "id")
    return {"chat_id": chat, "messages": messages[::-1], "total_messages": total, "next_cursor": next_cursor}


@app.get("/api/auspex/prompts")
async def list_prompts(user: User, limit: Limit = 20, cursor: str | None = None) -> Prompts:
    updated_at, name = opened("prompts", cursor)
    found = database.all(
        """SELECT * FROM prompts WHERE (updated_at, name) < (:updated_at, :name)
           ORDER BY updated_at DESC, name DESC LIMIT :limit""", updated_at=updated_at, name=name, limit=limit + 1)
    total = database.one("SELECT count(*) AS total FROM prompts")["total"]
    prompts, next_cursor = cut("prompts", found, limit, "updated_at", "name")
    return {"prompts": prompts, "total": total, "next_cursor": next_cursor}


@app.get("/api/auspex/prompts/{name}")
async def get_prompt(user: User, name: str, response: Response,
                     if_none_match: Annotated[str | None, Header()] = None) -> PromptWithText:
    prompt = database.one(
        "SELECT prompts.*, content FROM prompts JOIN versions USING (name, version) WHERE name = :name", name=name)
    if prompt is None:
        raise HTTPException(404, "There is no such prompt.")
    shown = {**prompt, "newest_version": prompt["version"], "is_own": prompt["user_id"] == user}
    tag = '"' + hashlib.sha256(repr(shown).encode()).hexdigest()[:16] + '"'
    if matches(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return shown
