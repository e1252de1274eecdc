"""What is stored of states: every wire form in one place."""

from datetime import datetime
from typing import Any

from cattrs import Converter
from resultspec import JSON, ResultHandler
from resultspec.errors import InvalidConfiguration

from .._noresult import NoResult, NoResultType
from .._results import HandledResult, Result
from .._stored import StoredFormError
from ._states import Cached, Cause, Failed, Pending, Retrying, Running, State, Success, TriggerFailed

Form = dict[str, JSON]


class HandlerOf:
    """Which handler keeps what, for stored results whose handler has no stored form of its own.

    Attributes:
        output: The handler of the task's own output.
        inputs: The handler of each input, by place.
    """

    def __init__(self, output: ResultHandler[Any, Any] | None, inputs: dict[str, ResultHandler[Any, Any]]) -> None:
        self.output = output
        self.inputs = inputs


def to_form(state: State[Any], converter: Converter) -> Form:
    """The stored form of a state, which holds handled data only (``engine.only-handled-stored``).

    The forms::

        Pending, Running      {"state": "pending"}, {"state": "running", "attempt": 1}
        Success, Cached       {"state": "success", "result": a result's form}
        Retrying              {"state": "retrying", "attempt": 1, "due": "2030-01-01T00:00:00+00:00", "cause": a cause's form,
                               "inputs": {"x": a result's form, "y": [the forms of a mapped output's results]}}
        Failed                {"state": "failed", "cause": {"error": "ValueError", "where": "file.py:1 in f"}}
        TriggerFailed         {"state": "trigger-failed", "upstream": "the name of a task"}

    A result's form is that of :func:`resultspec_reference.make_converter`; where its handler has no stored form,
    ``handler`` is null, and the handler is found again in the flow.

    Raises:
        StoredFormError: The state holds a raw result.
    """
    form: Form = {"state": state.kind}
    match state:
        case Running() | Retrying():
            form["attempt"] = state.attempt
        case Success():
            form["result"] = _result_form(state._result, converter)
        case TriggerFailed():
            form["upstream"] = state.upstream
        case _:
            pass
    if isinstance(state, Retrying | Failed):
        form["cause"] = {"error": state.cause.error, "where": state.cause.where}
    if isinstance(state, Retrying):
        form["due"] = state.due.isoformat()
        form["inputs"] = {place: _input_form(given, converter) for place, given in state.cached_inputs.items()}
    return form


def from_form(form: Any, converter: Converter, handler_of: HandlerOf) -> State[Any]:
    """The state that a stored form stands for.

    Raises:
        StoredFormError: It is none.
    """
    try:
        return _state(form, converter, handler_of)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoredFormError("This is not the stored form of a state") from error


def _state(form: Any, converter: Converter, handler_of: HandlerOf) -> State[Any]:
    match form["state"]:
        case "pending":
            return Pending()
        case "running":
            return Running(attempt=form["attempt"])
        case "success":
            return Success(result=_result(form["result"], converter, handler_of.output))
        case "cached":
            return Cached(result=_result(form["result"], converter, handler_of.output))
        case "retrying":
            inputs = {place: _input(given, converter, handler_of.inputs.get(place)) for place, given in form["inputs"].items()}
            due = datetime.fromisoformat(form["due"])
            return Retrying(attempt=form["attempt"], due=due, cached_inputs=inputs, cause=Cause(**form["cause"]))
        case "failed":
            return Failed(cause=Cause(**form["cause"]))
        case "trigger-failed":
            return TriggerFailed(upstream=form["upstream"])
        case other:
            raise ValueError(f"no state is called {other!r}")


def _result_form(result: "Result[Any, Any] | NoResultType", converter: Converter) -> JSON:
    try:
        form: JSON = converter.unstructure(result)
        return form
    except StoredFormError:
        if result is NoResult or not isinstance(result, HandledResult):
            raise
        return {"type": "result", "value": result.value, "handler": None}


def _input_form(given: "Result[Any, Any] | list[Result[Any, Any]]", converter: Converter) -> JSON:
    if isinstance(given, list):
        return [_result_form(one, converter) for one in given]
    return _result_form(given, converter)


def _result(form: Any, converter: Converter, handler: ResultHandler[Any, Any] | None) -> Result[Any, Any]:
    if form["handler"] is None:
        if handler is None:
            raise InvalidConfiguration("A stored result's handler has no stored form, and the flow does not name it any more")
        return Result(form["value"], True, handler)
    return converter.structure(form, Result[Any, Any])


def _input(
    form: Any, converter: Converter, handler: ResultHandler[Any, Any] | None
) -> "Result[Any, Any] | list[Result[Any, Any]]":
    if isinstance(form, list):
        # What isinstance makes of it is list[Any] to mypy alone.
        return [_result(one, converter, handler) for one in form]  # pyright: ignore[reportUnknownVariableType]
    return _result(form, converter, handler)
