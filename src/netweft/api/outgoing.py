"""Answers of HTTP: written in the form that a request asks for, and sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from netweft.api import codec, json_codec
from netweft.api.codec import Form
from netweft.api.faults import Answer
from netweft.api.incoming import Incoming
from netweft.api.routes import ADDITIONS, Many, Raw, Route, Stream
from netweft.api.schema import Value


@dataclass(slots=True)
class Outgoing:
    """What a request came to; ``content`` is the answer's value as it is sent, of type ``media``."""

    answer: Answer | Raw | Stream
    headers: dict[str, str] = field(default_factory=dict)
    route: Route | None = None
    content: bytes = b""
    media: str = ""


async def send_answer(incoming: Incoming, done: Outgoing, scope: Scope, receive: Receive, send: Send) -> int:
    """Send an answer; returns its status. A whole one goes without Starlette, whose way to it takes longer."""
    headers = {**done.headers, "Correlation-Id": incoming.correlation_id}
    answer = done.answer
    if isinstance(answer, Stream):
        headers["Cache-Control"] = "no-store"
        stream = StreamingResponse(answer.parts(), headers=headers, media_type="text/event-stream")
        await stream(scope, receive, send)
        return stream.status_code
    if isinstance(answer, Raw):
        status, content, media = 200, answer.content, answer.media
    else:
        status, content, media = answer.status, done.content, done.media
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    fields.append((b"content-length", str(len(content)).encode()))
    if media:
        fields.append((b"content-type", media.encode("latin-1")))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": content})
    return status


def written(incoming: Incoming, done: Outgoing) -> Outgoing:
    """An answer with its content, which takes long for a large one: to be called in a thread of a request."""
    if isinstance(done.answer, Answer) and done.answer.value is not None:
        done.content, done.media = _encoded(incoming, done.route, done.answer.value)
    return done


def _encoded(incoming: Incoming, route: Route | None, value: Value | list[Value]) -> tuple[bytes, str]:
    if incoming.path.startswith(ADDITIONS):
        return json_codec.write_plain(value), Form.JSON.value
    gives = route.gives if route is not None else None
    kind = gives.of if isinstance(gives, Many) else type(value)
    return codec.write(incoming.form, cast("type[Value]", kind), value, incoming.base), incoming.form.value
