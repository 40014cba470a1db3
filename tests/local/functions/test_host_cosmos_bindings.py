from __future__ import annotations

from typing import Any

import azure.functions as func
import pytest

from local.functions.errors import FunctionLoadError
from local.functions.host import FunctionHost
from tests.local.functions.host_helpers import Feed, client_of, feed_app, until

WHERE: dict[str, Any] = {"connection": "COSMOS", "database_name": "%DATABASE%", "container_name": "items"}


async def answer(host: FunctionHost, url: str) -> tuple[int, str]:
    async with host, client_of(host) as client:
        response = await client.get(url)
    return response.status_code, response.text


def reader(**properties: Any) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.route(route="items/{pk}/{id?}")
    @app.cosmos_db_input("docs", **{**WHERE, **properties})
    def read(req: func.HttpRequest, docs: func.DocumentList) -> str:
        return ",".join(document["id"] for document in docs) if docs is not None else "nothing"

    return app


async def test_document_is_read_by_id_and_partition_key(feed: Feed) -> None:
    await feed.write("a", "b")
    app = reader(id="{id}", partition_key="{pk}")
    assert await answer(FunctionHost(app, settings=feed.settings), "/api/items/p/a") == (200, "a")
    assert await answer(FunctionHost(app, settings=feed.settings), "/api/items/p/x") == (200, "nothing")


async def test_query_has_parameters_from_the_route_and_the_query_string(feed: Feed) -> None:
    await feed.write("a", "b", "c")
    await feed.write("b2", pk="q")
    app = reader(sql_query="SELECT * FROM c WHERE c.pk = {pk} AND c.id >= {from} ORDER BY c.id")
    host = FunctionHost(app, settings=feed.settings)
    assert await answer(host, "/api/items/p?from=b") == (200, "b,c")
    assert await answer(FunctionHost(app, settings=feed.settings), "/api/items/p") == (500, "")


async def test_query_may_be_confined_to_a_partition(feed: Feed) -> None:
    await feed.write("a")
    await feed.write("b", pk="q")
    host = FunctionHost(reader(partition_key="{pk}"), settings=feed.settings)
    assert await answer(host, "/api/items/q") == (200, "b")


async def test_documents_are_passed_as_text_if_the_parameter_is_a_str(feed: Feed) -> None:
    app = func.FunctionApp()

    @app.route(route="items/{id}")
    @app.cosmos_db_input("doc", **WHERE, id="{id}", partition_key="p")
    def read(req: func.HttpRequest, doc: str) -> str:
        return doc

    await feed.write("a")
    status, text = await answer(FunctionHost(app, settings=feed.settings), "/api/items/a")
    assert status == 200
    assert text.startswith('{"id": "a", "pk": "p"')


async def test_documents_are_written(feed: Feed) -> None:
    app = func.FunctionApp()

    @app.route(route="write")
    @app.cosmos_db_output("one", **WHERE)
    @app.cosmos_db_output("many", **WHERE)
    @app.cosmos_db_output("text", **WHERE)
    @app.cosmos_db_output("unset", **WHERE)
    def write(
        req: func.HttpRequest,
        one: func.Out[func.Document],
        many: func.Out[func.DocumentList],
        text: func.Out[str],
        unset: func.Out[func.Document],
    ) -> str:
        one.set(func.Document.from_dict({"id": "one", "pk": "p"}))
        many.set(func.DocumentList([func.Document.from_dict({"id": name, "pk": "p"}) for name in ("two", "three")]))
        text.set('[{"id": "four", "pk": "p"}]')
        return "written"

    assert await answer(FunctionHost(app, settings=feed.settings), "/api/write") == (200, "written")
    found = {item["id"] async for item in feed.items.read_all_items()}
    assert found == {"one", "two", "three", "four"}


async def test_returned_documents_of_a_feed_function_are_written(feed: Feed) -> None:
    app, decorator = feed_app()

    @decorator
    @app.cosmos_db_output(
        "$return", **{**WHERE, "container_name": "copies"}, create_if_not_exists=True, partition_key="/id"
    )
    def copy(docs: func.DocumentList) -> func.DocumentList:
        return func.DocumentList([func.Document.from_dict({"id": f"copy-{document['id']}"}) for document in docs])

    await feed.write("a")

    async def is_copied() -> bool:
        containers = [container["id"] async for container in feed.database.list_containers()]
        if "copies" not in containers:
            return False
        copies = feed.database.get_container_client("copies")
        return [item["id"] async for item in copies.read_all_items()] == ["copy-a"]

    async with FunctionHost(app, settings=feed.settings):
        await until(is_copied)


async def test_what_is_not_a_document_is_a_failure(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    app = func.FunctionApp()

    @app.route(route="write")
    @app.cosmos_db_output("out", **WHERE)
    def write(req: func.HttpRequest, out: func.Out[func.Document]) -> str:
        out.set({"id": "a", "pk": "p"})  # type: ignore[arg-type]
        return "written"

    assert (await answer(FunctionHost(app, settings=feed.settings), "/api/write"))[0] == 500
    assert 'unsupported type "cosmosDB" for Python type "dict"' in caplog.text


@pytest.mark.parametrize("query", ["SELECT * FROM c WHERE c.id >= {Query.from}", 'SELECT {"a": c.id} AS b FROM c'])
async def test_braces_in_sql_are_names_of_binding_data_as_on_the_real_host(feed: Feed, query: str) -> None:
    host = FunctionHost(reader(sql_query=query), settings=feed.settings)
    assert await answer(host, "/api/items/p?from=a") == (500, "")


async def test_names_come_from_the_body_the_headers_and_the_host(feed: Feed) -> None:
    app = func.FunctionApp()

    @app.route(route="find")
    @app.cosmos_db_input("docs", **WHERE, id="{doc.id}", partition_key="{Headers.x-pk}")
    @app.cosmos_db_input("others", **WHERE, sql_query="SELECT {sys.methodname} AS name, {rand-guid} AS guid FROM c")
    def find(req: func.HttpRequest, docs: func.DocumentList, others: func.DocumentList) -> str:
        return f"{docs[0]['id']} {others[0]['name']} {len(others[0]['guid'])}"

    await feed.write("a")
    async with FunctionHost(app, settings=feed.settings) as host, client_of(host) as client:
        found = await client.post("/api/find", json={"doc": {"id": "a"}}, headers={"X-PK": "p"})
    assert (found.status_code, found.text) == (200, "a find 36")


async def test_texts_that_look_like_dates_are_rewritten_where_the_host_reads_or_writes_json(feed: Feed) -> None:
    app = func.FunctionApp()

    @app.route(route="items/{id}")
    @app.cosmos_db_input("doc", **WHERE, id="{id}", partition_key="p")
    @app.cosmos_db_output("copy", **WHERE)
    def read(req: func.HttpRequest, doc: func.DocumentList, copy: func.Out[str]) -> str:
        copy.set('{"id": "copy", "pk": "p", "at": "2026-11-30T10:00:00.50Z"}')
        return str(doc[0]["at"])

    await feed.items.create_item({"id": "a", "pk": "p", "at": "2026-11-30T12:00:00.000+02:00"})
    assert await answer(FunctionHost(app, settings=feed.settings), "/api/items/a") == (200, "2026-11-30T10:00:00+00:00")
    assert (await feed.items.read_item("copy", "p"))["at"] == "2026-11-30T10:00:00.5Z"


async def test_one_output_that_is_wrong_does_not_keep_another_from_being_stored(feed: Feed) -> None:
    app = func.FunctionApp()

    @app.route(route="write")
    @app.cosmos_db_output("text", **WHERE)
    @app.cosmos_db_output("raw", **WHERE)
    @app.cosmos_db_output("good", **WHERE)
    def write(req: func.HttpRequest, text: func.Out[str], raw: func.Out[bytes], good: func.Out[func.Document]) -> str:
        text.set(func.Document.from_dict({"id": "document-as-text", "pk": "p"}))  # type: ignore[arg-type]
        raw.set(b'{"id": "bytes", "pk": "p"}')
        good.set(func.Document.from_dict({"id": "good", "pk": "p"}))
        return "written"

    assert await answer(FunctionHost(app, settings=feed.settings), "/api/write") == (500, "")
    assert [item["id"] async for item in feed.items.read_all_items()] == ["good"]


async def test_container_is_made_with_a_partition_key_only(feed: Feed) -> None:
    app = func.FunctionApp()

    @app.route(route="write")
    @app.cosmos_db_output("out", **{**WHERE, "container_name": "nowhere"}, create_if_not_exists=True)
    def write(req: func.HttpRequest, out: func.Out[func.Document]) -> str:
        out.set(func.Document.from_dict({"id": "a"}))
        return "written"

    assert await answer(FunctionHost(app, settings=feed.settings), "/api/write") == (500, "")
    assert "nowhere" not in [container["id"] async for container in feed.database.list_containers()]


async def test_missing_container_is_named(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    app = func.FunctionApp()

    @app.route(route="write")
    @app.cosmos_db_output("out", **{**WHERE, "container_name": "nowhere"})
    def write(req: func.HttpRequest, out: func.Out[str]) -> str:
        out.set('{"id": "a"}')
        return "written"

    assert (await answer(FunctionHost(app, settings=feed.settings), "/api/write"))[0] == 500
    assert "The container 'nowhere'" in caplog.text


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"connection": "NOWHERE"}, "'NOWHERE' is neither"),
        ({"container_name": ""}, "'containerName' is"),
    ],
)
def test_malformed_binding_is_refused(properties: dict[str, Any], problem: str) -> None:
    settings = {"COSMOS": "AccountEndpoint=http://x/;AccountKey=k;", "DATABASE": "d"}
    with pytest.raises(FunctionLoadError, match=problem):
        FunctionHost(reader(**properties), settings=settings)


def test_output_without_out_is_refused() -> None:
    app = func.FunctionApp()

    @app.route(route="write")
    @app.cosmos_db_output("out", "C", "d", "c")
    def write(req: func.HttpRequest, out: func.Document) -> str:
        return ""

    with pytest.raises(FunctionLoadError, match=r"'out' direction.*is not azure\.functions\.Out"):
        FunctionHost(app)
