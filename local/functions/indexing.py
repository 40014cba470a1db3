"""Turns the decorated functions of an app into what the host runs, with the checks that the Python worker makes.

Source of the rules: `azure_functions_runtime/functions.py` (the worker's library) and `ScriptHost.ValidateFunction`
(the host). Every fault is a `FunctionLoadError` that names the function; several are told of together.
"""

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.decorators.function_app import Function, FunctionRegister

from local.functions.errors import AppLoadError, FunctionLoadError, for_each
from local.functions.http_streams import is_request, is_response, takes_streams
from local.functions.retry import RetryPolicy, function_retry_policy
from local.functions.settings import Settings

CLIENT = "durableClient"
DURABLE_TRIGGERS = frozenset({"orchestrationTrigger", "activityTrigger"})
"""Their functions return a value without a binding for it."""
TRIGGERS = frozenset({"httpTrigger", "cosmosDBTrigger", "timerTrigger"}) | DURABLE_TRIGGERS
_OTHERS = frozenset({"http", "cosmosDB", CLIENT})
_NAME = re.compile(r"(?!host$)[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)
RETURN = "$return"


@dataclass(frozen=True, slots=True)
class Binding:
    """One trigger, input or output; `properties` are named as in `function.json`, with app settings expanded."""

    name: str
    type: str
    is_output: bool
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function that has passed the checks and can be invoked.

    `inputs` are its input bindings without the trigger, `outputs` the parameters of type `func.Out`, `returns` the
    binding of its return value; `text_parameters` are annotated as `str` or `bytes`, and get JSON. `streams` says
    whether its app has HTTP streams switched on.
    """

    name: str
    call: Callable[..., Any]
    is_async: bool
    directory: str
    trigger: Binding
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    returns: Binding | None
    wants_context: bool
    text_parameters: frozenset[str]
    retry: RetryPolicy | None
    streams: bool = False

    @property
    def writes_data(self) -> bool:
        """Whether it has outputs that are not its HTTP response."""
        outputs = (*self.outputs, self.returns) if self.returns else self.outputs
        return any(binding.type != "http" for binding in outputs)

    @property
    def may_return(self) -> bool:
        """Whether something is made of its return value."""
        return self.returns is not None or self.trigger.type in DURABLE_TRIGGERS

    @property
    def wants_text(self) -> bool:
        """Whether the trigger's value is to be passed as JSON."""
        return self.trigger.name in self.text_parameters

    @property
    def bindings(self) -> list[Binding]:
        """All bindings, the trigger first."""
        return [self.trigger, *self.inputs, *self.outputs, *([self.returns] if self.returns else [])]


def index_app(app: FunctionRegister, settings: Settings) -> list[IndexedFunction]:
    """The functions of `app`, in order of definition. May be called again for the same app."""
    app.functions_bindings = None  # get_functions() takes the names of an earlier indexing for duplicates
    try:
        functions = app.get_functions()
    except ValueError as error:
        raise AppLoadError(str(error)) from error
    streams = takes_streams(function.get_user_function() for function in functions)
    indexed = for_each(lambda function: _index(function, settings, streams), functions)
    seen: set[str] = set()
    for function in indexed:
        if function.name.lower() in seen:
            raise FunctionLoadError(function.name, "the function name must be unique within the function app.")
        seen.add(function.name.lower())
    return indexed


def _index(function: Function, settings: Settings, streams: bool) -> IndexedFunction:
    name = str(function.get_function_name())
    if not _NAME.fullmatch(name):
        raise FunctionLoadError(name, f"'{name}' is not a valid function name: a letter, then letters, digits, _ or -.")
    bindings = [_binding(name, raw, settings) for raw in function.get_bindings_dict()["bindings"]]
    trigger = _check_kinds(name, bindings)
    call = function.get_user_function()
    wants_context = _check_parameters(name, call, [binding for binding in bindings if binding.name != RETURN], streams)
    returns = next((binding for binding in bindings if binding.name == RETURN), None)
    _check_return(name, call, returns, streams)
    return IndexedFunction(
        name=name,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        directory=str(inspect.getfile(inspect.unwrap(call))).rpartition("/")[0],
        trigger=trigger,
        inputs=tuple(b for b in bindings if not b.is_output and b is not trigger),
        outputs=tuple(b for b in bindings if b.is_output and b is not returns),
        returns=returns,
        wants_context=wants_context,
        text_parameters=_text_parameters(_annotations(name, call)),
        retry=_retry(name, function),
        streams=streams,
    )


def _binding(function_name: str, raw: Mapping[str, Any], settings: Settings) -> Binding:
    direction = str(raw.get("direction", "IN")).rpartition(".")[2]
    if direction == "INOUT":
        raise FunctionLoadError(function_name, f"binding {raw['name']}: 'inout' bindings are not supported.")
    try:
        properties = {key: _expand(value, settings) if key != "route" else value for key, value in raw.items()}
    except KeyError as error:
        raise FunctionLoadError(
            function_name, f"binding {raw['name']}: '%{error.args[0]}%' does not resolve to a value."
        ) from error
    return Binding(str(raw["name"]), str(raw["type"]), direction == "OUT", properties)


def _expand(value: Any, settings: Settings) -> Any:
    return settings.expand(value) if isinstance(value, str) else value


def _check_kinds(function_name: str, bindings: list[Binding]) -> Binding:
    """Checks the types and directions of the bindings; returns the trigger."""
    for binding in bindings:
        if binding.type == "entityTrigger":
            raise FunctionLoadError(function_name, "durable entities are not supported by this host.")
        if binding.type not in TRIGGERS | _OTHERS:
            raise FunctionLoadError(
                function_name,
                f"the binding type '{binding.type}' is not supported by this host; "
                f"it has {', '.join(sorted(TRIGGERS | _OTHERS))}.",
            )
        if binding.name == RETURN and not binding.is_output:
            raise FunctionLoadError(function_name, "the '$return' binding must have its direction set to 'out'.")
        if binding.type == "http" and not binding.is_output:
            raise FunctionLoadError(function_name, "an 'http' binding is an output.")
    triggers = [binding for binding in bindings if binding.type in TRIGGERS]
    if len(triggers) != 1:
        raise FunctionLoadError(function_name, f"a function has exactly one trigger, this one has {len(triggers)}.")
    names = [binding.name for binding in bindings]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise FunctionLoadError(function_name, f"several bindings are named {', '.join(sorted(twice))}.")
    return triggers[0]


def _check_parameters(function_name: str, call: Callable[..., Any], bindings: list[Binding], streams: bool) -> bool:
    """Compares the parameters with the bindings; returns whether the function asks for the invocation's context."""
    parameters = set(inspect.signature(call).parameters)
    annotations = _annotations(function_name, call)
    bound = {binding.name: binding for binding in bindings}
    wants_context = "context" in parameters and "context" not in bound
    if wants_context:
        parameters.remove("context")
        context_type = annotations.get("context", func.Context)
        if getattr(context_type, "__name__", "") != "Context":
            raise FunctionLoadError(
                function_name,
                f"the 'context' parameter is expected to be of type azure.functions.Context, got {context_type!r}.",
            )
    undeclared = parameters - set(bound)
    if undeclared:
        raise FunctionLoadError(
            function_name,
            "the following parameters are declared in Python but not in the function decorators: "
            f"{', '.join(sorted(undeclared))}.",
        )
    missing = set(bound) - parameters
    if missing:
        raise FunctionLoadError(
            function_name,
            "the following parameters are declared in the function decorators but not in Python: "
            f"{', '.join(sorted(missing))}.",
        )
    for name in parameters & set(annotations):
        _check_annotation(function_name, bound[name], annotations[name], streams)
    return wants_context


def _annotations(function_name: str, call: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(call)
    except (NameError, TypeError) as error:
        raise FunctionLoadError(function_name, f"its annotations cannot be resolved: {error}.") from error


def _check_annotation(function_name: str, binding: Binding, annotation: Any, streams: bool) -> None:
    is_out = getattr(typing.get_origin(annotation) or annotation, "__name__", "") == "Out"
    if binding.is_output and not is_out:
        raise FunctionLoadError(
            function_name,
            f"binding {binding.name} is declared to have the 'out' direction, "
            "but its annotation in Python is not azure.functions.Out.",
        )
    if is_out and not binding.is_output:
        raise FunctionLoadError(
            function_name,
            f"binding {binding.name} is declared to have the 'in' direction, "
            "but its annotation in Python is azure.functions.Out.",
        )
    value_type = annotation
    if is_out:
        arguments = typing.get_args(annotation)
        if len(arguments) != 1:
            raise FunctionLoadError(function_name, f"binding {binding.name} has the invalid annotation {annotation!r}.")
        value_type = arguments[0]
    if not _accepts(binding, value_type, streams):
        raise FunctionLoadError(
            function_name,
            f"the type of the {binding.name} binding, '{binding.type}', does not match its Python annotation "
            f"'{getattr(value_type, '__name__', value_type)}'.",
        )


def _accepts(binding: Binding, value_type: Any, streams: bool) -> bool:
    """Whether the SDK converts between the binding and a Python type. For data, `str` and `bytes` are JSON as it is."""
    if not isinstance(value_type, type):
        return False
    if streams and binding.type == "httpTrigger":
        return is_request(value_type)
    if streams and binding.type == "http":
        return is_response(value_type)
    if value_type in (str, bytes) and binding.type not in ("httpTrigger", "http"):
        return True
    registry = func.get_binding_registry()  # type: ignore[no-untyped-call]
    converter = registry.get(binding.type)
    check = converter.check_output_type_annotation if binding.is_output else converter.check_input_type_annotation
    return bool(check(value_type))


def _check_return(function_name: str, call: Callable[..., Any], returns: Binding | None, streams: bool) -> None:
    annotation = _annotations(function_name, call).get("return")
    if returns is None or annotation is None or annotation is type(None):
        return
    if typing.get_origin(annotation) is func.Out:
        raise FunctionLoadError(function_name, "the return annotation should not be azure.functions.Out.")
    if not _accepts(returns, annotation, streams):
        raise FunctionLoadError(
            function_name,
            f"the Python return annotation '{getattr(annotation, '__name__', annotation)}' does not match the "
            f"binding type '{returns.type}'.",
        )


def _text_parameters(annotations: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        name
        for name, kind in annotations.items()
        if kind in (str, bytes) or typing.get_args(kind) in ((str,), (bytes,))
    )


def _retry(function_name: str, function: Function) -> RetryPolicy | None:
    properties = function.get_settings_dict("retry_policy")
    if not properties:
        return None
    try:
        return function_retry_policy(properties)
    except ValueError as error:
        raise FunctionLoadError(function_name, f"retry: {error}") from error
