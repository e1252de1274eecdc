"""Dagster: an IO manager that keeps values through any result handler.

The value goes to the handler; Dagster keeps the reference, as metadata of the output in its event log, where every process
that works with the same Dagster instance finds it again, and where it is seen in Dagster's user interface.
"""

import json
from typing import Any

from dagster import (
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    InputContext,
    IOManager,
    MetadataValue,
    OutputContext,
)
from resultspec import ResultHandler
from resultspec.errors import UnknownReference, WriteError

from ._naming import usable_handler

__all__ = ["ResultHandlerIOManager"]

_PAGE = 200


class ResultHandlerIOManager(IOManager):
    """Stores outputs of Dagster's ops and assets with a result handler, and loads them as inputs.

    It is an object, and no ``ConfigurableIOManager``: a handler is made in Python, of whatever arguments it takes, and not of
    a schema of plain fields. A ``ConfigurableIOManagerFactory`` whose ``create_io_manager`` returns it gives it one.

    Args:
        handler: Any handler that conforms to the specification. Where steps run in processes of their own, it is made anew in
            each, as all of Dagster's resources are.

    Raises:
        InvalidConfiguration: That is no handler.
    """

    def __init__(self, handler: ResultHandler[Any, Any]) -> None:
        self.handler = usable_handler(handler, f"A {type(handler).__qualname__}")

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Write an output with the handler, and leave its reference with Dagster.

        Args:
            context: Which output it is.
            obj: Its value; None is one.

        Raises:
            WriteError: The output is of several partitions at once, which one value cannot be told apart into.
            Exception: Whatever the handler raises.
        """
        if context.has_asset_partitions and len(context.asset_partition_keys) != 1:
            raise WriteError(
                f"{context.asset_key.to_user_string()} was made for {len(context.asset_partition_keys)} partitions in one run: "
                "let its backfill policy make one partition in a run"
            )
        # As text, for Dagster gives some keys of its own JSON a meaning.
        reference = json.dumps(self.handler.write(obj), allow_nan=False)
        context.add_output_metadata({_label(context.mapping_key): MetadataValue.text(reference)})

    def load_input(self, context: InputContext) -> Any:
        """Read an input with the handler.

        An asset is what its latest materialization left, of whichever run; the output of an op is that of its own run, or of
        the run that this one re-executes.

        Args:
            context: Which input it is.

        Returns:
            The value; where several partitions of an asset are taken, a dictionary of the values by partition, and where none
            is, as before the first of a series, None. So do Dagster's own IO managers.

        Raises:
            UnknownReference: Dagster knows no reference for the input.
            Exception: Whatever the handler raises.
        """
        if not context.has_asset_key:
            if context.upstream_output is None:
                raise UnknownReference("the input comes from no output: give it a value, or an input manager that needs none")
            return self._read(_of_output(context.instance, context.upstream_output))
        if not context.has_asset_partitions:
            return self._read(_of_asset(context.instance, context.asset_key, None))
        values = {
            partition: self._read(_of_asset(context.instance, context.asset_key, partition))
            for partition in context.asset_partition_keys
        }
        return values if len(values) > 1 else next(iter(values.values()), None)

    def _read(self, reference: str) -> Any:
        return self.handler.read(json.loads(reference))


def _label(mapping_key: str | None) -> str:
    """The name of the metadata: dynamic outputs of one name are told apart by nothing else that is in the event."""
    return "result_reference" if mapping_key is None else f"result_reference[{mapping_key}]"


def _of_asset(instance: DagsterInstance, asset: AssetKey, partition: str | None) -> str:
    """The reference that the latest materialization of an asset, or of a partition of it, has left."""
    wanted = AssetRecordsFilter(asset, asset_partitions=None if partition is None else [partition])
    records = instance.fetch_materializations(wanted, limit=1).records
    of_partition = "" if partition is None else f", partition {partition},"
    if not records:
        raise UnknownReference(
            f"the asset {asset.to_user_string()}{of_partition} was never materialized in this Dagster instance"
        )
    materialization = records[0].asset_materialization
    entry = materialization.metadata.get(_label(None)) if materialization else None
    if entry is None:
        raise UnknownReference(
            f"the latest materialization of the asset {asset.to_user_string()}{of_partition} holds no reference to its value: "
            "materialize it with this IO manager"
        )
    return str(entry.value)


def _of_output(instance: DagsterInstance, output: OutputContext) -> str:
    """The reference that the latest output of an op in its run has left."""
    label, cursor, more = _label(output.mapping_key), None, True
    while more:
        page = instance.get_records_for_run(output.run_id, cursor, DagsterEventType.HANDLED_OUTPUT, _PAGE, ascending=False)
        for record in page.records:
            event = record.event_log_entry.get_dagster_event()
            handled: Any = event.event_specific_data  # its class is not among Dagster's public names
            if (event.step_key, handled.output_name) == (output.step_key, output.name) and label in handled.metadata:
                return str(handled.metadata[label].value)
        cursor, more = page.cursor, page.has_more
    raise UnknownReference(
        f"the run {output.run_id} holds no reference to the output {output.name} of {output.step_key}: "
        "run that step again with this IO manager"
    )
