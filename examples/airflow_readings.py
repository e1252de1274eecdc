"""Tasks of Airflow that hand on, by reference, what JSON cannot carry.

To run it without a server, from ``$AIRFLOW_HOME/dags``::

    pip install 'resultspec[airflow]'
    export AIRFLOW__CORE__XCOM_BACKEND=resultspec_reference.adapters.airflow.ResultHandlerXCom
    export AIRFLOW__RESULTSPEC__RESULT_HANDLER=resultspec_reference:LocalResultHandler
    airflow db migrate
    airflow dags test readings
"""

from decimal import Decimal

from airflow.sdk import dag, get_current_context, task


@task(multiple_outputs=False)  # the dictionary is one value: not one XCom for each of its keys
def measure() -> dict[tuple[str, int], Decimal]:
    """Return readings under keys that JSON does not have."""
    return {("north", 1): Decimal(2).sqrt(), ("south", 1): Decimal(3).sqrt()}


@task
def add_up() -> Decimal:
    """Pull the readings here, so that Airflow does not note them as an argument of this task."""
    readings = get_current_context()["ti"].xcom_pull(task_ids="measure")
    return sum(readings.values(), start=Decimal())


@task
def publish(total: Decimal) -> None:
    """Take the total as an argument, of which Airflow notes the text as this task's rendered field."""
    print(f"The total is {total!r}")


@dag(schedule=None)
def readings() -> None:
    """Measure, add up, publish."""
    total = add_up()
    measure() >> total
    publish(total)


readings()
