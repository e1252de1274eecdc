"""Any conforming handler as the XCom backend of Airflow 3: the metadata database holds its references, never a value.

``AIRFLOW__CORE__XCOM_BACKEND=resultspec_reference.adapters.airflow.ResultHandlerXCom`` puts it in place, and
``AIRFLOW__RESULTSPEC__RESULT_HANDLER=module:attribute`` names the handler.
"""

import json
from functools import cache
from typing import Any, ClassVar

from airflow.sdk import BaseXCom, conf
from resultspec import ResultHandler
from resultspec.errors import InvalidConfiguration, InvalidReference, ReadError

from ._naming import named_handler, usable_handler

# The form in which Airflow's own backend writes objects of classes. It refuses to write a dictionary that has the first of
# these keys, so no plain XCom value can look like a reference; and where this backend was taken out of the configuration
# again, it refuses to read the form, rather than handing the reference to a task as if that were the value.
_FORM = {"__classname__": "resultspec_reference.adapters.airflow.ResultHandlerXCom", "__version__": 1}
_DATA = "__data__"


class ResultHandlerXCom(BaseXCom):
    """An XCom backend that writes values through a result handler, and keeps the reference in their place.

    XComs that are no such reference, as those from before the backend was installed, are read as Airflow reads them.
    The contract has no deletion: clearing a task removes its XComs, and leaves what the handler has stored.
    """

    result_handler: ClassVar[ResultHandler[Any, Any] | None] = None
    """The handler, where a subclass sets one. Otherwise it is the one that Airflow's option ``result_handler`` of the
    section ``resultspec`` names as ``module:attribute``: a handler, or a class or function that makes one."""

    @classmethod
    def serialize_value(cls, value: Any, **where: Any) -> Any:
        """Write a value through the handler.

        Args:
            value: What a task returns or pushes.
            **where: Which XCom of which task it is. References are self-contained, so nothing depends on it.

        Returns:
            The reference, as JSON text in the form of an object of Airflow's, which is what the metadata database holds.

        Raises:
            InvalidConfiguration: No usable handler is configured.
            Exception: Whatever the handler raises, as it is; it fails the task.
        """
        # As text, for a database's own JSON may alter numbers (1e22 becomes an integer) and refuse a NUL.
        return {**_FORM, _DATA: json.dumps(cls._handler().write(value), allow_nan=False)}

    @classmethod
    def deserialize_value(cls, result: Any) -> Any:
        """Read a value back.

        Args:
            result: Carries what the metadata database holds as its ``value``.

        Returns:
            The value that was written.

        Raises:
            InvalidConfiguration: No usable handler is configured.
            InvalidReference: What is stored has the form of a reference, but is none that this backend wrote.
            ReadError: The handler raised an error that Airflow would mistake; it is the cause.
            Exception: Whatever else the handler raises, as it is; it fails the task.
        """
        stored = result.value
        if not (isinstance(stored, dict) and stored.get("__classname__") == _FORM["__classname__"]):
            return BaseXCom.deserialize_value(result)
        try:
            if stored != {**_FORM, _DATA: stored[_DATA]}:
                raise ValueError("an unknown version, or another key")
            reference = json.loads(stored[_DATA])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidReference("The XCom has the form of a reference, but ResultHandlerXCom did not write it") from error
        try:
            return cls._handler().read(reference)
        except (IndexError, KeyError, StopIteration) as error:
            # Where Airflow walks over what mapped tasks returned, each of these would pass for its end, and lose the rest.
            raise ReadError("The result handler could not read the XCom's reference: see the cause") from error

    @classmethod
    def _handler(cls) -> ResultHandler[Any, Any]:
        if cls.result_handler is not None:
            return usable_handler(cls.result_handler, f"{cls.__qualname__}.result_handler")
        name = conf.get("resultspec", "result_handler", fallback=None)
        if not name:
            raise InvalidConfiguration(
                "No result handler is configured: set AIRFLOW__RESULTSPEC__RESULT_HANDLER to module:attribute, "
                "or result_handler in a subclass of ResultHandlerXCom"
            )
        return _named(name)


@cache
def _named(name: str) -> ResultHandler[Any, Any]:
    """The one handler of this process for a name: it may hold connections."""
    return named_handler(name, f"Airflow's option result_handler in [resultspec], {name!r},")
