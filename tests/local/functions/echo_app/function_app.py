"""Says what it was asked, by routes of every kind, and answers in every way that a handler can.

The answers in `recorded.jsonl` are those that the real host and its Python worker gave for this app.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
QUIET = {"host", "user-agent", "accept-encoding", "connection"}


def said(req: func.HttpRequest, name: str) -> func.HttpResponse:
    headers = {key: value for key, value in sorted(req.headers.items()) if key.lower() not in QUIET}
    out: dict[str, Any] = {
        "fn": name,
        "method": req.method,
        "url": req.url.split("://", 1)[-1].split("/", 1)[-1],
        "params": dict(req.params),
        "route": dict(req.route_params),
        "headers": headers,
        "body": base64.b64encode(req.get_body()).decode(),
    }
    try:
        out["form"] = {key: req.form.getlist(key) for key in req.form}
        out["files"] = {key: [file.filename, file.read().decode("latin-1")] for key, file in req.files.items()}
    except Exception as error:
        out["form"] = repr(type(error).__name__)
    try:
        out["json"] = req.get_json()
    except ValueError:
        out["json"] = "no"
    return func.HttpResponse(json.dumps(out, sort_keys=True), mimetype="application/json")


def echo(name: str, route: str | None, methods: list[str] | None = None, level: func.AuthLevel | None = None) -> None:
    def handler(req: func.HttpRequest) -> func.HttpResponse:
        return said(req, name)

    handler.__name__ = name
    options: dict[str, Any] = {"route": route, "methods": methods, "auth_level": level}
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    app.function_name(name)(app.route(**given)(handler))


ROUTES: list[tuple[str, str | None, list[str] | None]] = [
    ("bare", None, None),
    ("any_method", "any", None),
    ("only_get", "one", ["GET"]),
    ("post_one", "one", ["POST"]),
    ("rest", "rest/{*path}", None),
    ("must_rest", "must/{*path:minlength(2)}", None),
    ("item_int", "item/{id:int}", None),
    ("item_text", "item/{id}", None),
    ("item_new", "item/new", None),
    ("opt", "opt/{a?}", None),
    ("opt_int", "optint/{a:int?}", None),
    ("defaulted", "dflt/{a=seven}", None),
    ("guid", "guid/{g:guid}", None),
    ("alpha", "alpha/{x:alpha}", None),
    ("exactly", "len/{x:length(3)}", None),
    ("between", "between/{x:length(2,4)}", None),
    ("at_least", "min/{x:min(5)}", None),
    ("ranged", "range/{x:range(5,9)}", None),
    ("regexed", r"rx/{x:regex(^\d{{2}}$)}", None),
    ("boolean", "bool/{x:bool}", None),
    ("dated", "date/{x:datetime}", None),
    ("decimals", "dec/{x:decimal}", None),
    ("longs", "long/{x:long}", None),
    ("doubles", "double/{x:double}", None),
    ("floats", "float/{x:float}", None),
    ("filed", "file/{x:file}", None),
    ("nonfile", "nonfile/{x:nonfile}", None),
    ("required", "req/{x:required}", None),
    ("both", "both/{x:int:min(10)}", None),
    ("complex", "cx/{a}-{b}", None),
    ("ext", "ext/{name}.{kind?}", None),
    ("cased", "Cased/Path", None),
    ("two", "two/{a}/{b}", None),
    ("two_lit", "two/x/{b}", None),
    ("two_lit2", "two/{a}/y", None),
    ("deep", "deep/{a}/{*more}", None),
    ("spaced", "with space/x", None),
    ("lower_methods", "lm", ["get", "post"]),
    ("accent", "café/{x}", None),
]
for name, route, methods in ROUTES:
    echo(name, route, methods)
echo("keyed", "keyed", level=func.AuthLevel.FUNCTION)
echo("admin_only", "topmost", level=func.AuthLevel.ADMIN)

ANSWERS: dict[str, Callable[[], Any]] = {
    "none_body": lambda: func.HttpResponse(),
    "text": lambda: func.HttpResponse("héllo"),
    "latin": lambda: func.HttpResponse("héllo", charset="latin-1"),
    "bytes": lambda: func.HttpResponse(b"\x00\xff\x01", mimetype="application/octet-stream"),
    "empty_bytes": lambda: func.HttpResponse(b""),
    "s201": lambda: func.HttpResponse("made", status_code=201, headers={"Location": "/api/any"}),
    "s204": lambda: func.HttpResponse(status_code=204),
    "s204_body": lambda: func.HttpResponse("no", status_code=204),
    "s304": lambda: func.HttpResponse(status_code=304, headers={"ETag": '"1"'}),
    "s418": lambda: func.HttpResponse("tea", status_code=418),
    "s599": lambda: func.HttpResponse("odd", status_code=599),
    "s700": lambda: func.HttpResponse("odd", status_code=700),
    "s100": lambda: func.HttpResponse("odd", status_code=100),
    "s0": lambda: func.HttpResponse("odd", status_code=0),
    "ct_header": lambda: func.HttpResponse("{}", headers={"Content-Type": "application/problem+json"}),
    "ct_both": lambda: func.HttpResponse(
        "{}", headers={"Content-Type": "application/problem+json"}, mimetype="text/csv"
    ),
    "ct_lower": lambda: func.HttpResponse("{}", headers={"content-type": "text/markdown"}),
    "cl_wrong": lambda: func.HttpResponse("abcdef", headers={"Content-Length": "3"}),
    "date": lambda: func.HttpResponse(
        "x", headers={"X-One": "a", "Cache-Control": "no-store", "Vary": "Origin", "ETag": 'W/"2"'}
    ),
    "header_accent": lambda: func.HttpResponse("x", headers={"X-One": "é"}),
    "header_break": lambda: func.HttpResponse("x", headers={"X-One": "a\r\nX-Two: b"}),
    "header_int": lambda: func.HttpResponse("x", headers={"X-One": 5}),  # type: ignore[dict-item]
    "header_empty": lambda: func.HttpResponse("x", headers={"X-One": ""}),
    "header_space": lambda: func.HttpResponse("x", headers={"X One": "a"}),
    "cookie_expires": lambda: func.HttpResponse(
        "x",
        headers={"Set-Cookie": "a=1; Expires=Wed, 21 Oct 2037 07:28:00 GMT; Max-Age=60; Secure; Domain=example.com"},
    ),
    "cookie_odd": lambda: func.HttpResponse("x", headers={"Set-Cookie": 'a="b c"; SameSite=None'}),
    "cookie": lambda: func.HttpResponse("x", headers={"Set-Cookie": "a=1; Path=/; HttpOnly; SameSite=Lax"}),
    "string": lambda: "plain",
    "mapping": lambda: {"a": 1},
    "sequence": lambda: [1, 2],
    "bytestring": lambda: b"ab",
    "json_text": lambda: func.HttpResponse(json.dumps({"a": "é"}), mimetype="application/json"),
    "big": lambda: func.HttpResponse("x" * 3_000_000),
    "redirect": lambda: func.HttpResponse(status_code=302, headers={"Location": "/api/any?x=é"}),
    "server": lambda: func.HttpResponse("x", headers={"Server": "mine"}),
}


@app.route(route="answer/{kind}")
def answer(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    kind = req.route_params["kind"]
    if kind == "raises":
        raise RuntimeError("told to")
    if kind == "exits":
        raise SystemExit(3)
    return ANSWERS[kind]()


@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("x")
    for header, value in (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/b"), ("X-Many", "1"), ("X-Many", "2")):
        response.headers.add(header, value)
    return response


@app.route(route="typed")
def typed(req: func.HttpRequest) -> str:
    return "typed"


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(float(req.params.get("s", "0.1")))
    return func.HttpResponse("slept")
