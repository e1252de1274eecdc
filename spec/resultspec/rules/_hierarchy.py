"""Which handler applies: the family *hierarchy*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="hierarchy.config-default",
        cls="hierarchy",
        level=Level.MUST,
        statement=("A task's output must be handled by the configuration's handler when neither the task nor the flow sets one."),
        law=code("""
            task, flow = Task(result_handler=None), Flow(result_handler=None)
            configuration = Configuration(result_handler=c)
            assert resolve(task=task, flow=flow, configuration=configuration) == c
            assert resolve(task=task, flow=None, configuration=configuration) == c
        """),
        intent=(
            "The intent of this rule is that results are handled even by those who never think about it. Without a "
            "default the first retry of the first flow fails for want of a handler."
        ),
        hints=(
            "Check that the configuration is asked last, and that it is asked at all for a task outside any flow.",
            "Check whether an unset flow or task brings a default handler of its own.",
        ),
    ),
    Rule(
        id="hierarchy.flow-over-config",
        cls="hierarchy",
        level=Level.MUST,
        statement="A flow's handler must be used over the configuration's for every task of the flow that sets none.",
        law=code("""
            task, flow = Task(result_handler=None), Flow(result_handler=b)
            configuration = Configuration(result_handler=c)
            assert resolve(task=task, flow=flow, configuration=configuration) == b
        """),
        intent=(
            "The intent of this rule is that one line keeps all the results of a flow where its owner wants them. A "
            "configuration that wins over it sends private data to the place that somebody else chose for the whole "
            "machine."
        ),
        hints=(
            ("Check that the flow's handler reaches the place where the task's output is written, also for tasks added later."),
            ("Check whether a task takes the configured handler at construction, so that it looks set when the flow is asked."),
        ),
    ),
    Rule(
        id="hierarchy.task-over-flow",
        cls="hierarchy",
        level=Level.MUST,
        statement="A task's handler must be used over the handler of its flow.",
        law=code("""
            task, flow = Task(result_handler=a), Flow(result_handler=b)
            configuration = Configuration(result_handler=c)
            assert resolve(task=task, flow=flow, configuration=configuration) == a
        """),
        intent=(
            "The intent of this rule is that the author of a task decides about its output, and is obeyed in every "
            "flow that uses the task. The one task whose output is too large, or too private, for the flow's handler "
            "is the reason to set one at all."
        ),
        requires=("hierarchy.task-over-config", "hierarchy.flow-over-config"),
        hints=(
            ("Check that the levels are asked in the order task, flow, configuration, and that the first that is set wins."),
            "Check whether adding a task to a flow replaces the handler of the task.",
        ),
    ),
    Rule(
        id="hierarchy.task-over-config",
        cls="hierarchy",
        level=Level.MUST,
        statement=("A task's handler must be used over the configuration's, within a flow that sets none and outside any flow."),
        law=code("""
            task, configuration = Task(result_handler=a), Configuration(result_handler=c)
            assert resolve(task=task, flow=Flow(result_handler=None), configuration=configuration) == a
            assert resolve(task=task, flow=None, configuration=configuration) == a
        """),
        intent=(
            "The intent of this rule is that what is written in the program holds on every machine. A user's "
            "configuration that replaces it makes the same task keep its output elsewhere for each person who runs it."
        ),
        hints=(
            "Check whether an environment variable or a user's file is applied after, and over, what the task says.",
            "Check whether a flow without a handler passes the configured one down to its tasks.",
        ),
    ),
    Rule(
        id="hierarchy.parameter-json",
        cls="hierarchy",
        level=Level.MUST,
        statement="A parameter must use the JSON handler, whatever the flow and the configuration set.",
        law=code("""
            assume(strict_json(v))
            flow, configuration = Flow(result_handler=b), Configuration(result_handler=c)
            handler = resolve(task=Parameter("x"), flow=flow, configuration=configuration)
            assert equal(json.loads(handler.write(v)), v)
        """),
        intent=(
            "The intent of this rule is that the inputs of a run can be inspected by the people who operate it. A "
            "parameter kept by the flow's handler shows up as the name of a file that they cannot open."
        ),
        hints=(
            "Check whether a parameter is resolved like any task, so that the flow's handler wins.",
            "Check whether a parameter accepts a handler from the decorator, the flow or the configuration.",
        ),
    ),
    Rule(
        id="hierarchy.output-owner",
        cls="hierarchy",
        level=Level.MUST,
        statement=(
            "An input that a downstream task caches must be written and read by the handler of the task that produced it."
        ),
        law=code("""
            upstream, downstream = returning(v, result_handler=a), failing_once(result_handler=b)
            run(downstream, x=upstream)
            cached = cached_inputs(downstream)["x"]
            assert cached.result_handler == a
            assert equal(a.read(cached.value), v)
        """),
        intent=(
            "The intent of this rule is that a value belongs to its producer, who alone knows what it is and where it "
            "is allowed to be kept. The handler of the consumer can be unfit for it, or can keep it where it was never "
            "meant to go."
        ),
        requires=("hierarchy.task-over-config",),
        hints=(
            (
                "Check whether the handler is taken from the task whose inputs are cached, and not from the task that "
                "returned each of them."
            ),
            (
                "Check that a result carries its handler along when it is passed downstream, also when it is mapped or "
                "sent to another process."
            ),
        ),
    ),
    Rule(
        id="hierarchy.unset-is-none",
        cls="hierarchy",
        level=Level.MUST,
        statement=("A level must count as not set exactly when its handler is None, so that a falsy handler object is used."),
        law=code("""
            assert not falsy
            configuration = Configuration(result_handler=c)
            task, flow = Task(result_handler=falsy), Flow(result_handler=b)
            assert resolve(task=task, flow=flow, configuration=configuration) is falsy
            task, flow = Task(result_handler=None), Flow(result_handler=falsy)
            assert resolve(task=task, flow=flow, configuration=configuration) is falsy
        """),
        intent=(
            "The intent of this rule is that every handler object counts. A handler with a length is falsy while it is "
            "empty, and a hierarchy written with `or` skips it, so that the first result goes to another place than "
            "the rest."
        ),
        requires=("hierarchy.task-over-config", "hierarchy.flow-over-config"),
        hints=(
            "Check whether the levels are joined by `or`, or tested by `if task.result_handler`.",
            'Check whether a default argument stands for "not set" in place of None.',
        ),
    ),
    Rule(
        id="hierarchy.per-flow",
        cls="hierarchy",
        level=Level.MUST,
        statement="A task that belongs to two flows must resolve in each of them by that flow's own handler.",
        law=code("""
            task, configuration = Task(result_handler=None), Configuration(result_handler=c)
            first, second = Flow(result_handler=a), Flow(result_handler=b)
            for flow in (first, second, first):
                assert resolve(task=task, flow=flow, configuration=configuration) == flow.result_handler
        """),
        intent=(
            "The intent of this rule is that tasks can be shared in a library. A flow that writes its handler into the "
            "task takes the task over, and the next flow keeps its results in the first one's place."
        ),
        requires=("hierarchy.flow-over-config",),
        hints=(
            "Check whether adding a task to a flow assigns to the result_handler of the task.",
            "Check whether the resolved handler is remembered for each task, and not for each task within a flow.",
        ),
    ),
    Rule(
        id="hierarchy.late-config",
        cls="hierarchy",
        level=Level.MUST,
        statement=(
            "The configuration must be consulted when a handler is resolved, not when a module is imported or a task "
            "is constructed."
        ),
        law=code("""
            configure(a)
            task, flow = Task(result_handler=None), Flow(result_handler=None)
            configure(c)
            assert resolve(task=task, flow=flow, configuration=current_configuration()) == c
        """),
        intent=(
            "The intent of this rule is that the configuration of the machine that runs the task applies, and not that "
            "of the machine where the flow was written. Tests, too, can set it without a careful order of imports."
        ),
        requires=("hierarchy.config-default",),
        hints=(
            "Check whether the configured handler is a default argument, a class attribute or a module constant.",
            "Check whether the configuration is cached at the first use and never read again.",
        ),
    ),
    Rule(
        id="hierarchy.invalid-config",
        cls="hierarchy",
        level=Level.MUST,
        statement="Resolving a handler from an unusable configuration must raise InvalidConfiguration.",
        law=code("""
            task, flow = Task(result_handler=None), Flow(result_handler=None)
            for configuration in unusable_configurations:
                with raises(InvalidConfiguration):
                    resolve(task=task, flow=flow, configuration=configuration)
        """),
        intent=(
            "The intent of this rule is that a misspelt name in a configuration is noticed before data is stored in "
            "the wrong place. An engine that falls back to its default sends results where the user has said, in "
            "writing, that they do not go."
        ),
        requires=("hierarchy.config-default",),
        hints=(
            (
                "Check whether an error while the configuration is read, or a handler is imported, is caught and a "
                "default is used."
            ),
            "Check that unknown keys, wrong types and an object without write and read are refused too.",
            "Check that the error names the file or variable, the key and what was expected, and chains its cause.",
        ),
    ),
    Rule(
        id="hierarchy.decorator",
        cls="hierarchy",
        level=Level.MUST,
        statement=("A task made with the decorator must have the handler that a task constructed with the same argument has."),
        law=code("""
            @task(result_handler=a)
            def decorated() -> None: ...
            assert decorated.result_handler == Task(result_handler=a).result_handler
            @task
            def plain() -> None: ...
            assert plain.result_handler is Task(result_handler=None).result_handler
        """),
        intent=(
            "The intent of this rule is that the two ways of making a task are one. A decorator that drops an argument "
            "which the constructor takes loses the handler without any error."
        ),
        requires=("hierarchy.task-over-config",),
        hints=(
            "Check that the decorator passes result_handler on to the constructor.",
            "Check that the decorator with parentheses, without them and with other options behaves alike.",
        ),
    ),
)
