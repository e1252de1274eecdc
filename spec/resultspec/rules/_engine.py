"""What a workflow engine does with results: the family *engine*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="engine.state-result",
        cls="engine",
        level=Level.MUST,
        statement=(
            "A state must hold its task's result in `_result` and that result's value in `result`, and NoResult in "
            "both before computation."
        ),
        law=code("""
            pending, *_, state = run(returning(v, result_handler=h))
            assert pending._result is NoResult and pending.result is NoResult
            assert equal(state.result, state._result.value)
            assert equal(state._result.read().value, v)
        """),
        intent=(
            "The intent of this rule is that people and programs find a task's output in one place, whichever engine "
            "ran it. A state that answers None before its task has run cannot be told from one whose task returned "
            "None."
        ),
        hints=(
            "Check that the initial state holds NoResult and not None.",
            "Check that `result` is taken from the underlying result, and not kept as a second copy that can differ.",
            "Check that every state of a finished task holds its result, also one that came from a cache.",
        ),
    ),
    Rule(
        id="engine.only-handled-stored",
        cls="engine",
        level=Level.MUST,
        statement="An engine must store and send handled data only, and no raw data.",
        law=code("""
            assume(external(h))
            run(returning(v, result_handler=h))
            assert not reveals(stored_by_engine(), v)
        """),
        intent=(
            "The intent of this rule is that people who hand their flows to an engine keep control of their data. What "
            "the engine stores, sends or queues is a reference that the user's own handler made; the data itself stays "
            "where that handler put it."
        ),
        hints=(
            "Check that every result is written before the state that holds it is stored or sent.",
            (
                "Check whether raw data leaves by another way: a state's message, a log, an exception's arguments, a "
                "task's arguments."
            ),
            "Check whether states are pickled as a whole, with their raw results inside.",
        ),
    ),
    Rule(
        id="engine.retry-inputs",
        cls="engine",
        level=Level.MUST,
        statement=(
            "An engine must cache the inputs of a task that waits for a retry, each by its producer's handler, and "
            "read them back for the retry."
        ),
        law=code("""
            upstream, downstream = returning(v, result_handler=a), failing_once(result_handler=b)
            run(downstream, x=upstream)
            assert v in values_written(a) and v not in values_written(b)
            assert v in values_read(a)
            assert inputs_seen(downstream) == [v, v]
        """),
        intent=(
            "The intent of this rule is that a retry neither computes the upstream tasks again nor runs without its "
            "inputs. Cached by the wrong handler, an input ends up in a place where it was not allowed to go, or "
            "cannot be kept at all."
        ),
        requires=("engine.only-handled-stored", "hierarchy.output-owner"),
        hints=(
            ("Check that every input is written when the task enters the retrying state, and not the failed input alone."),
            "Check that each input is written by the handler of the task that returned it.",
            "Check whether the retry takes the inputs from memory, so that what was cached is never read.",
        ),
    ),
    Rule(
        id="engine.cached-output",
        cls="engine",
        level=Level.MUST,
        statement="An engine must read a valid cached output through its handler instead of computing the task again.",
        law=code("""
            task = returning(v, result_handler=h, cache=True)
            first, second = run(task)[-1], run(task)[-1]
            assert len(inputs_seen(task)) == 1
            assert v in values_read(h)
            assert equal(second._result.read().value, v)
        """),
        intent=(
            "The intent of this rule is that a cache saves the work that it was asked to save, and gives a downstream "
            "task the value and not the reference. Work that is done twice can also have effects twice."
        ),
        requires=("engine.state-result", "engine.only-handled-stored"),
        hints=(
            "Check that the cached state is found by its key and validated before the task is run.",
            "Check that the cached result is read by its own handler before its value is passed on.",
            "Check whether a cached None or another falsy value is taken for a miss.",
        ),
    ),
    Rule(
        id="engine.upstream-none",
        cls="engine",
        level=Level.MUST,
        statement="An engine must pass an upstream None to a task as None.",
        law=code("""
            downstream = recording()
            run(downstream, x=returning(None, result_handler=h))
            assert inputs_seen(downstream) == [None]
        """),
        intent=(
            "The intent of this rule is that a task that returns None has returned a value. An engine that takes None "
            "for a missing input skips the task, drops the argument or runs the upstream task again."
        ),
        hints=(
            "Check whether inputs that are None are left out of the call.",
            "Check whether a None result is taken for NoResult, in memory or when it is loaded.",
        ),
    ),
    Rule(
        id="engine.raw-to-tasks",
        cls="engine",
        level=Level.MUST,
        statement="A task body must receive raw values only, never a reference and never NoResult.",
        law=code("""
            downstream = failing_once(result_handler=b)
            run(downstream, x=returning(v, result_handler=a))
            assert len(inputs_seen(downstream)) == 2
            for x in inputs_seen(downstream):
                assert same(x, v)
        """),
        intent=(
            "The intent of this rule is that tasks are plain functions that know nothing of handlers. A reference is a "
            "perfectly good str or dict, so a task that is given one often goes on to compute nonsense."
        ),
        hints=(
            (
                "Check that every input is read before the body is called: on a retry, from a cache, after mapping and "
                "in another process."
            ),
            "Check whether a task runs although an upstream task has no result; NoResult is not an input.",
        ),
    ),
    Rule(
        id="engine.write-failure",
        cls="engine",
        level=Level.MUST,
        statement="An engine must fail the task whose result its handler could not write, and keep the cause.",
        law=code("""
            state = run(returning(v, result_handler=unwritable(error), cache=True))[-1]
            assert failed(state)
            assert error in causes(state)
        """),
        intent=(
            "The intent of this rule is that a result that is not kept is not reported as kept. An engine that logs "
            "the failure and goes on leaves a successful run whose output nobody can read."
        ),
        requires=("engine.state-result",),
        hints=(
            ("Check whether the call to write is outside the part of the runner that turns exceptions into failed states."),
            "Check whether the error is caught, logged and dropped, or replaced without `from error`.",
            "Check whether the raw value is stored instead when the write fails.",
        ),
    ),
    Rule(
        id="engine.read-failure",
        cls="engine",
        level=Level.MUST,
        statement="An engine must fail the task whose input its handler could not read, and keep the cause.",
        law=code("""
            downstream = failing_once(result_handler=b)
            state = run(downstream, x=returning(v, result_handler=unreadable(error)))[-1]
            assert failed(state)
            assert error in causes(state)
        """),
        intent=(
            "The intent of this rule is that a task never runs without the inputs it was promised. An engine that "
            "passes None, the reference or a default in place of a lost value gives a wrong answer where an error was "
            "due."
        ),
        requires=("engine.state-result",),
        hints=(
            ("Check whether the call to read is outside the part of the runner that turns exceptions into failed states."),
            "Check whether an unreadable input is replaced by None, by NoResult or by its reference.",
            "Check whether the error crashes the runner, so that the task stays in the running state for ever.",
        ),
    ),
    Rule(
        id="engine.fresh-process",
        cls="engine",
        level=Level.MUST,
        statement="An engine must be able to resume a run in another process from what it has stored.",
        law=code("""
            downstream = failing_once(result_handler=b)
            in_fresh_process(lambda: run_until_retry(downstream, x=returning(v, result_handler=a)))
            state = in_fresh_process(resume)[-1]
            assert not failed(state)
            assert same(inputs_seen(downstream)[-1], v)
        """),
        intent=(
            "The intent of this rule is that a run outlives the process in which it began: a worker is replaced, a "
            "machine restarts, a retry is due tomorrow. What exists in memory alone is then gone, and so is every "
            "handler that cannot be found from what was stored."
        ),
        requires=("engine.state-result", "engine.retry-inputs"),
        hints=(
            (
                "Check that states are stored with their handled results, and that each result names a handler that "
                "can be rebuilt."
            ),
            "Check whether a resumed task takes its inputs from memory, and finds none.",
            ("Check whether the handler of a resumed input is resolved from the consumer or from the current configuration."),
        ),
    ),
    Rule(
        id="engine.parameter-inspectable",
        cls="engine",
        level=Level.MUST,
        statement="An engine must store a parameter as JSON text in which a person can read its value.",
        law=code("""
            assume(strict_json(v))
            downstream = failing_once(result_handler=b)
            run(downstream, x=Parameter("x"), parameters={"x": v})
            assert equal(json.loads(cached_inputs(downstream)["x"].value), v)
        """),
        intent=(
            "The intent of this rule is that the people who operate a run can see with which inputs it ran. That is "
            "what the exception for parameters in the hierarchy is for; encoded, pickled or kept elsewhere, they serve "
            "nobody."
        ),
        requires=("hierarchy.parameter-json",),
        hints=(
            "Check that a parameter is written by the JSON handler and not by the handler of the flow.",
            "Check whether the JSON text is encoded once more on its way into the store, as base64 or pickle.",
        ),
    ),
    Rule(
        id="engine.mapped-owner",
        cls="engine",
        level=Level.MAY,
        statement="An engine may keep the producer's handler for the elements of a mapped output.",
        law=code("""
            downstream = failing_once(result_handler=b)
            run(mapped(downstream), x=returning([v, w], result_handler=a))
            for element in (v, w):
                assert element in values_written(a)
                assert element not in values_written(b)
        """),
        intent=(
            "The intent of this rule is that mapping a task over a list does not change who owns the data in it. Each "
            "element is a part of what the producer returned, and its owner's wish where to keep it holds for the "
            "parts as for the whole."
        ),
        requires=("engine.retry-inputs",),
        hints=(
            "Check whether a result made for an element is given the handler of the mapped task, or none.",
            "Check that an element is written on its own, so that one retry does not need the whole list.",
        ),
    ),
)
