from __future__ import annotations

from collections.abc import Sequence

import azure.functions as func
import pytest

from local.functions.errors import FunctionLoadError
from local.functions.indexing import index_app
from local.functions.route_template import parse_template
from local.functions.routing import Router
from local.functions.settings import Settings


def router(*routes: tuple[str, str] | tuple[str, str, Sequence[str]], prefix: str = "api") -> Router:
    """A router for functions given as (name, route[, methods])."""
    app = func.FunctionApp()

    def handler(req: func.HttpRequest) -> str:
        return ""

    for name, route, *methods in routes:
        app.function_name(name)(app.route(route=route, methods=methods[0] if methods else None)(handler))
    return Router(index_app(app, Settings({})), prefix)


def chosen(router: Router, path: str, method: str = "GET") -> str | None:
    found = router.find(method, path)
    return found[0].function.name if found else None


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("items", "items", {}),
        ("items", "ITEMS", {}),
        ("items/{id}", "items/A-1", {"id": "A-1"}),
        ("items/{id}", "Items/x y", {"id": "x y"}),
        ("items/{id}", "items", None),
        ("items/{id}", "items/a/b", None),
        ("items/{id?}", "items", {}),
        ("items/{id?}", "items/7", {"id": "7"}),
        ("{area}/{page=1}/{size?}", "news", {"area": "news", "page": "1"}),
        ("{area}/{page=1}/{size?}", "news/2/30", {"area": "news", "page": "2", "size": "30"}),
        ("docs/{*path}", "docs/a/b.txt", {"path": "a/b.txt"}),
        ("docs/{**path}", "docs/a/b.txt", {"path": "a/b.txt"}),
        ("docs/{*path}", "docs", {}),
        ("docs/{*path=index}", "docs", {"path": "index"}),
        ("{*path}", "", {}),
        ("{*path}", "a/b", {"path": "a/b"}),
        ("files/{name}.{extension}", "files/a.b.txt", {"name": "a.b", "extension": "txt"}),
        ("files/{name}.{extension?}", "files/readme", {"name": "readme"}),
        ("files/{name}.{extension?}", "files/a.txt", {"name": "a", "extension": "txt"}),
        ("v{major:int}-{minor:int}", "v1-22", {"major": "1", "minor": "22"}),
        ("v{major:int}-{minor:int}", "v1-x", None),
        ("a/{{b}}/{c}", "a/{b}/1", {"c": "1"}),
        ("a//", "a", None),
    ],
)
def test_template_gives_the_parameters_of_a_path(template: str, path: str, values: dict[str, str] | None) -> None:
    if template.endswith("//"):
        assert parse_template(template).match(path) == {}
    else:
        assert parse_template(template).match(path) == values


@pytest.mark.parametrize(
    ("constraint", "accepted", "refused"),
    [
        ("int", ["0", "-12", "2147483647"], ["2147483648", "1.5", "x", "1_0"]),
        ("long", ["2147483648", "-9223372036854775808"], ["9223372036854775808", "1e3"]),
        ("bool", ["true", "False"], ["1", "yes"]),
        ("guid", ["0e8fe1b2-ec8c-4ba1-9e0f-1f2d4b5a6c7d", "0e8fe1b2ec8c4ba19e0f1f2d4b5a6c7d"], ["0e8fe1b2", "x"]),
        ("datetime", ["2026-01-31", "2026-01-31T10:00:00Z"], ["2026-13-01", "today"]),
        ("decimal", ["1", "-1.50", ".5"], ["1e5", "x"]),
        ("double", ["1e5", "-0.25"], ["x", ""]),
        ("float", ["1.5"], ["1.5.5"]),
        ("alpha", ["Abc"], ["a1", "ä"]),
        ("minlength(3)", ["abc"], ["ab"]),
        ("maxlength(3)", ["abc"], ["abcd"]),
        ("length(3)", ["abc"], ["ab", "abcd"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("min(18)", ["18"], ["17", "x"]),
        ("max(18)", ["18", "-5"], ["19"]),
        ("range(1,9)", ["1", "9"], ["0", "10", "1.5"]),
        (r"regex(^\d{{3}}-[a-z]$)", ["123-a", "123-A"], ["12-a", "123-ab"]),
        ("int:min(1)", ["1"], ["0", "x"]),
        ("file", ["a.txt"], ["a"]),
        ("nonfile", ["a"], ["a.txt"]),
        ("required", ["a"], []),
    ],
)
def test_constraint_accepts_and_refuses(constraint: str, accepted: list[str], refused: list[str]) -> None:
    template = parse_template(f"x/{{value:{constraint}}}")
    assert [template.match(f"x/{value}") for value in accepted] == [{"value": value} for value in accepted]
    assert [template.match(f"x/{value}") for value in refused] == [None] * len(refused)


@pytest.mark.parametrize(
    "template",
    [
        "{id",
        "id}",
        "{}",
        "a//b",
        "{id}/{ID}",
        "{*rest}/x",
        "{a}{b}",
        "x{*rest}",
        "{id:nothing}",
        "{id:length(x)}",
        "{id:min()}",
        "{id:regex([)}",
        "{id?=5}",
        "{a?}-{b}",
        ".{a?}",
        "{id:min(1}",
        "{*id?}",
    ],
)
def test_malformed_template_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_template(template)


def test_routes_are_tried_in_the_order_of_the_functions_names_whatever_their_case() -> None:
    routes = router(
        ("Recent", "items/recent"),
        ("number", "items/{id:int}"),
        ("one", "items/{id}"),
        ("two", "items/other"),
        ("z_all", "{*path}"),
    )
    assert chosen(routes, "/api/items/recent") == "one"
    assert chosen(routes, "/api/items/12") == "number"
    assert chosen(routes, "/api/items/other") == "one"
    assert chosen(routes, "/api/other/abc/x") == "z_all"
    assert chosen(routes, "/api") == "z_all"
    assert chosen(router(("b", "{a}/x"), ("A", "x/{b}"), ("c", "x/x")), "/api/x/x") == "A"


@pytest.mark.parametrize("prefix", ["", "api", "api/v1"])
def test_order_of_names_holds_among_parameters_and_literals_at_every_place(prefix: str) -> None:
    under = f"/{prefix}" if prefix else ""
    routes = router(("a", "{x}/{y:int}"), ("b", "one"), ("c", "one/{*rest}"), ("d", "{x}"), prefix=prefix)
    assert chosen(routes, f"{under}/one/5") == "a"
    assert chosen(routes, f"{under}/one") == "b"
    assert chosen(routes, f"{under}/one/x") == "c"
    assert chosen(routes, f"{under}/two/") == "d"


def test_a_route_takes_its_methods_only() -> None:
    routes = router(("read", "items/{id}", ["GET"]), ("write", "items/{id}", ["PUT", "DELETE"]), ("any", "any"))
    assert chosen(routes, "/api/items/1", "GET") == "read"
    assert chosen(routes, "/api/items/1", "DELETE") == "write"
    assert chosen(routes, "/api/items/1", "POST") is None
    assert chosen(routes, "/api/items/1", "HEAD") is None
    assert chosen(routes, "/api/any", "PATCH") == "any"


def test_a_literal_route_of_another_method_leaves_the_path_to_a_parameter() -> None:
    routes = router(("recent", "items/recent", ["GET"]), ("write", "items/{id}", ["PUT"]))
    assert chosen(routes, "/api/items/recent", "PUT") == "write"


@pytest.mark.parametrize("path", ["/api/items/", "/API/Items", "/api/items"])
def test_slash_at_the_end_and_case_do_not_matter(path: str) -> None:
    assert chosen(router(("items", "items/")), path) == "items"


@pytest.mark.parametrize("path", ["/items", "/api//items", "/api/items/x", "/", "/apiitems"])
def test_other_paths_are_not_found(path: str) -> None:
    assert chosen(router(("items", "items")), path) is None


def test_the_same_route_twice_is_refused_unless_the_methods_differ() -> None:
    with pytest.raises(FunctionLoadError, match=r"'second' function.*conflicts.*'first'"):
        router(("first", "items"), ("second", "Items", ["GET"]))
    router(("first", "items", ["POST"]), ("second", "Items", ["GET"]))


@pytest.mark.parametrize("route", ["admin/x", "Runtime"])
def test_reserved_routes_are_refused(route: str) -> None:
    with pytest.raises(FunctionLoadError, match="built in routes"):
        router(("first", route))


def test_route_with_a_leading_slash_needs_an_empty_prefix_as_on_the_real_host() -> None:
    with pytest.raises(FunctionLoadError, match="starts with a slash"):
        router(("first", "/items"))
    assert chosen(router(("first", "/items"), prefix=""), "/items") == "first"


def test_malformed_route_names_its_function() -> None:
    with pytest.raises(FunctionLoadError, match=r"'first' function.*\{id"):
        router(("first", "items/{id"))


@pytest.mark.parametrize(
    ("by_id", "recent", "surprises"),
    [
        ("items/{id}", "items/recent", 1),
        ("items/{id:int}", "items/recent", 0),
        ("{*path}", "items/recent", 1),
        ("items/{id}/x", "items/recent", 0),
        ("items/{id?}", "items", 1),
        ("other/{id}", "items/recent", 0),
        ("{kind}/recent", "items/{id}", 1),
        ("{kind}/{name}.txt", "items/{id}/x", 0),
    ],
)
def test_routes_that_a_less_specific_one_hides_are_pointed_out(by_id: str, recent: str, surprises: int) -> None:
    assert len(router(("a_by_id", by_id), ("recent", recent)).surprises) == surprises


def test_routes_whose_names_are_in_the_order_of_precedence_are_no_surprise() -> None:
    assert router(("recent", "items/recent"), ("z_by_id", "items/{id}")).surprises == []
    assert router(("a", "items/{id}", ["PUT"]), ("recent", "items/recent", ["GET"])).surprises == []
