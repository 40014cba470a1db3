from __future__ import annotations

from collections.abc import Callable
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest

from local.functions.errors import AppLoadError, FunctionLoadError
from local.functions.host import FunctionHost
from local.functions.indexing import index_app
from local.functions.settings import Settings

NO_SETTINGS = Settings({})


def route(app: func.FunctionApp, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    return app.route(route="x", **options)


def index(decorate: Callable[[func.FunctionApp], Callable[..., Any]], handler: Callable[..., Any]) -> None:
    app = func.FunctionApp()
    decorate(app)(handler)
    index_app(app, NO_SETTINGS)


def with_nothing() -> str:
    return ""


def with_req(req: func.HttpRequest) -> str:
    return ""


def with_other(other: func.HttpRequest) -> str:
    return ""


def with_more(req: func.HttpRequest, more: int) -> str:
    return ""


def with_wrong_type(req: func.TimerRequest) -> str:
    return ""


def with_text(req: str) -> str:
    return req


def with_generic(req: list[str]) -> str:
    return ""


def with_out(req: func.Out[func.HttpRequest]) -> str:
    return ""


def with_wrong_context(req: func.HttpRequest, context: int) -> str:
    return ""


def with_unknown_annotation(req: Nowhere) -> str:  # type: ignore[name-defined]  # noqa: F821
    return ""


def with_wrong_return(req: func.HttpRequest) -> int:
    return 1


def with_text_return(req: func.HttpRequest) -> str:
    return ""


def with_out_return(req: func.HttpRequest) -> func.Out[str]:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        (with_nothing, "declared in the function decorators but not in Python: req"),
        (with_other, "declared in Python but not in the function decorators: other"),
        (with_more, "declared in Python but not in the function decorators: more"),
        (with_wrong_type, "'httpTrigger', does not match its Python annotation 'TimerRequest'"),
        (with_text, "'httpTrigger', does not match its Python annotation 'str'"),
        (with_generic, "does not match its Python annotation"),
        (with_out, "annotation in Python is azure.functions.Out"),
        (with_wrong_context, "expected to be of type azure.functions.Context"),
        (with_unknown_annotation, "annotations cannot be resolved: name 'Nowhere'"),
        (with_wrong_return, "return annotation 'int' does not match the binding type 'http'"),
        (with_out_return, "return annotation should not be azure.functions.Out"),
    ],
)
def test_mismatch_of_function_and_bindings_is_refused(handler: Callable[..., Any], problem: str) -> None:
    with pytest.raises(FunctionLoadError) as caught:
        index(route, handler)
    assert f"The '{handler.__name__}' function is in error" in str(caught.value)
    assert problem in str(caught.value)


def test_all_functions_in_error_are_told_of_together() -> None:
    app = func.FunctionApp()
    app.route(route="a")(with_more)
    app.route(route="b")(with_req)
    app.route(route="c")(with_wrong_return)
    with pytest.raises(AppLoadError) as caught:
        index_app(app, NO_SETTINGS)
    first, second = str(caught.value).splitlines()
    assert first.startswith("The 'with_more' function is in error")
    assert second.startswith("The 'with_wrong_return' function is in error")


def test_all_wrong_routes_and_schedules_are_told_of_together() -> None:
    app = func.FunctionApp()
    app.route(route="{id")(with_req)
    app.route(route="admin/x")(with_text_return)
    with pytest.raises(AppLoadError, match=r"(?s)'with_req'.*'with_text_return'"):
        FunctionHost(app)
    app = func.FunctionApp()
    for name in ("one", "two"):
        app.function_name(name)(app.timer_trigger("timer", schedule="never")(lambda timer: None))
    with pytest.raises(AppLoadError, match=r"(?s)'one'.*'two'"):
        FunctionHost(app)


def test_function_without_a_trigger_is_refused() -> None:
    app = func.FunctionApp()
    app.function_name("idle")(with_req)
    with pytest.raises(AppLoadError, match="idle does not have a trigger"):
        index_app(app, NO_SETTINGS)


def test_two_triggers_are_refused_by_the_sdk() -> None:
    app = func.FunctionApp()
    with pytest.raises(ValueError, match="A trigger was already registered"):
        app.timer_trigger("timer", schedule="0 * * * * *")(app.route(route="x")(with_req))


def test_duplicate_names_are_refused() -> None:
    app = func.FunctionApp()
    app.route(route="a")(with_req)
    app.route(route="b")(with_req)
    with pytest.raises(AppLoadError, match="with_req does not have a unique function name"):
        index_app(app, NO_SETTINGS)


def test_names_that_differ_in_case_only_are_duplicates() -> None:
    app = func.FunctionApp()
    app.function_name("Same")(app.route(route="a")(with_req))
    app.function_name("same")(app.route(route="b")(with_other_name))
    with pytest.raises(FunctionLoadError, match="unique"):
        index_app(app, NO_SETTINGS)


def with_other_name(req: func.HttpRequest) -> str:
    return ""


@pytest.mark.parametrize("name", ["host", "1st", "with space", "ä", "a" * 129])
def test_invalid_names_are_refused(name: str) -> None:
    with pytest.raises(FunctionLoadError, match="not a valid function name"):
        index(lambda app: lambda handler: app.function_name(name)(app.route(route="x")(handler)), with_req)


def test_unknown_binding_is_refused() -> None:
    def handler(msg: func.QueueMessage) -> None: ...

    with pytest.raises(FunctionLoadError, match="'queueTrigger' is not supported by this host"):
        index(lambda app: app.queue_trigger("msg", "q", "CONNECTION"), handler)


def test_durable_entities_are_refused() -> None:
    def work(context: str) -> str:
        return ""

    with pytest.raises(FunctionLoadError, match=r"'work'.*durable entities are not supported by this host"):
        index(lambda app: app.generic_trigger("context", type="entityTrigger"), work)


def test_context_of_an_orchestrator_has_to_be_called_so() -> None:
    def work(context: df.DurableOrchestrationContext) -> None: ...

    app = df.DFApp()
    app.orchestration_trigger(context_name="ctx")(work)
    with pytest.raises(FunctionLoadError, match="'context' parameter is expected to be of type"):
        FunctionHost(app)


def test_app_can_be_indexed_again() -> None:
    app = func.FunctionApp()
    app.route(route="x")(with_req)
    assert FunctionHost(app).functions[0].name == FunctionHost(app).functions[0].name == "with_req"


def test_blueprints_are_part_of_the_app() -> None:
    app, blueprint = func.FunctionApp(), func.Blueprint()  # type: ignore[no-untyped-call]
    blueprint.route(route="x")(with_req)
    app.register_functions(blueprint)
    assert [function.name for function in index_app(app, NO_SETTINGS)] == ["with_req"]


def test_settings_are_put_into_properties_but_not_into_routes() -> None:
    app = func.FunctionApp()
    app.route(route="%PREFIX%/items")(with_req)
    (function,) = index_app(app, NO_SETTINGS)
    assert function.trigger.properties["route"] == "%PREFIX%/items"

    app = func.FunctionApp()

    @app.timer_trigger("timer", schedule="%SCHEDULE%")
    def tick(timer: func.TimerRequest) -> None:
        pass

    (function,) = index_app(app, Settings({"SCHEDULE": "0 0 0 1 1 *"}))
    assert function.trigger.properties["schedule"] == "0 0 0 1 1 *"
    with pytest.raises(FunctionLoadError, match="'%SCHEDULE%' does not resolve to a value"):
        index_app(app, NO_SETTINGS)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"strategy": "fixed_delay", "max_retry_count": "3"}, "delay_interval is required"),
        ({"strategy": "exponential_backoff", "max_retry_count": "3"}, "minimum_interval is required"),
        ({"strategy": "linear", "max_retry_count": "3"}, "not 'linear'"),
        ({"strategy": "fixed_delay", "max_retry_count": "x", "delay_interval": "00:00:01"}, "whole number"),
        ({"strategy": "fixed_delay", "max_retry_count": "-2", "delay_interval": "00:00:01"}, "-1"),
        ({"strategy": "fixed_delay", "max_retry_count": "1", "delay_interval": "5"}, "time span"),
    ],
)
def test_malformed_retry_policy_is_refused(options: dict[str, Any], problem: str) -> None:
    app = func.FunctionApp()
    app.route(route="x")(app.retry(**options)(with_req))
    with pytest.raises(FunctionLoadError, match=problem):
        index_app(app, NO_SETTINGS)
