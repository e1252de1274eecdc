"""Handlers as the world writes them, each with exactly one defect: what the suite has to catch.

Each breaks the one rule that :data:`DEFECTIVE` names, and keeps every other rule of the classes core and shared. A defective
handler is a sound codec and a sound store with one thing done wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from ._wrong_keeping import (
    AbbreviatedNames,
    Asserts,
    BlockChecksums,
    CachedFunction,
    CachesWhatWasRead,
    CachesWhatWasWritten,
    ChunkNames,
    CircuitBreaker,
    CleansUpTheNewest,
    ColumnAffinity,
    ColumnNames,
    CompletesReference,
    CompressedInline,
    CopiesShallowly,
    CountsItsReads,
    CreatesItsDatabase,
    CreatesOnRead,
    DrainsDictionary,
    EmptyByDefault,
    EncodesLater,
    Exits,
    FallsBackToNewest,
    HandsOutItsOwn,
    HidesTheCause,
    KeepsHundredFiles,
    KeepsOneHour,
    KeepsOneMebibyte,
    KeepsRecentRows,
    KeepsTheLock,
    KeepsTheObject,
    KeepsThousandInMemory,
    KeepsView,
    KeyedByAddress,
    KeyedByCase,
    KeyedByContent,
    KeyedByEnds,
    KeyedByHash,
    KeyedByLength,
    KeyedByNormalForm,
    KeyedByShortDigest,
    ListsDirectory,
    LockFile,
    MapsForUpdate,
    NamedByDate,
    NamedByNanoseconds,
    NamedBySharedRandom,
    NothingForNothing,
    OneDocument,
    OpensItsLog,
    OpensNumbers,
    OpenStreams,
    OpenTransaction,
    OwnException,
    ParallelLists,
    PicklingErrors,
    PopsReference,
    PreviewInReference,
    ProbesDirectory,
    ReadOnce,
    RetriesForever,
    SortsToLog,
    SwallowsErrors,
    SwapsBytesInPlace,
    TellsStatsd,
    TrustsOffsets,
    TwoReads,
    ReadOnceIfLarge,
    KeyedByChecksum,
    KeyedByRepr,
    NumberedByInstance,
    MarksTheEnd,
    FreezesArrays,
    ForgetsTheName,
    KeepsLargeLists,
    OneEmptyForAll,
    CountsFromTheEnd,
    NamesArePatterns,
    QuotedIntoQuery,
    NothingForNoName,
    LeaksSlots,
    KeysInReference,
    NamesOfMebibytes,
    UncheckedFields,
    SendsToStatsd,
    ConnectsBeside,
)
from ._wrong_sharing import (
    AppendsWithoutLock,
    ComparesAnything,
    ComparesSerials,
    ComparesStatistics,
    ConnectionOfOneThread,
    CounterFile,
    DescribesNameOnly,
    DescribesPassword,
    DescribesWithPath,
    EqualToAll,
    EqualToItself,
    ForgetsOldEncoding,
    ForgetsOldFields,
    ForgetsOldNames,
    HashOfTheInstance,
    HoldsConnection,
    HoldsLambda,
    HoldsLock,
    LeavesItsLockBehind,
    IndexInMemory,
    LostIndexUpdates,
    ModuleDictionary,
    NameInAttribute,
    NumberedByProcess,
    OwnKey,
    OwnSession,
    PicklesAsDefault,
    PicklesPublicState,
    ProcessKey,
    ProcessScratch,
    RelativePath,
    RelativeToHere,
    SeededShards,
    SharedBuffer,
    SharedPosition,
    TemporaryByProcess,
    UnguardedCounter,
    WritesBehind,
    EmptyStaysHere,
    LargeStaysHere,
    OneCursor,
    SeeksAndReads,
    CountsWithoutLock,
    InheritedGenerator,
    DescribesAddress,
)
from ._wrong_values import (
    AnyArray,
    AnySample,
    AnyString,
    ApproximateInReference,
    ByteOrderMark,
    BytesReference,
    CoercedKeys,
    CommaSeparated,
    ComparedByIdentity,
    CyclicReference,
    DecodedByChunks,
    EmptyIsMissing,
    EnumValue,
    FieldsByPosition,
    FrozenSets,
    IgnoredSurrogates,
    KnownObjects,
    LocalClock,
    MemoryOrder,
    Milliseconds,
    NakedTuple,
    NestedTuples,
    NoBooleans,
    NoneAsText,
    NoneIsEmpty,
    NoneIsNoReference,
    NullColumn,
    NullForNaN,
    NumberedParts,
    NumpyBytes,
    NumpyOffset,
    OneColumnType,
    OneSystemCall,
    OrderedChecksum,
    OrNone,
    RealColumn,
    ReprForTheRest,
    RowForEachItem,
    StringKeys,
    StringsForTheRest,
    StringSubclassReference,
    StrippedText,
    TextColumn,
    TextForBytes,
    TextMode,
    TupleReference,
    UndecodableName,
    UnsignedZero,
    UnverifiedPickle,
    PartsAsTuple,
    KnownName,
    FullLastPart,
    NormalisedKeys,
    LargeIntoBuffer,
    LargeColumns,
    RemembersEqualValues,
    PlainReals,
    PlainTuples,
    AnyReal,
    AnyMoment,
)


def any_text() -> Any:
    """Draw strings, many of them with lone surrogates, which a set of all characters would hardly ever give."""
    from hypothesis import strategies as st

    return st.lists(st.characters() | st.sampled_from("\ud800\udcff")).map("".join)


def json_values() -> Any:
    """Draw strict JSON."""
    from hypothesis import strategies as st

    atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    return st.recursive(atoms, lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts), max_leaves=10)


def aware_moments() -> Any:
    """Draw datetimes, most of them with a time zone."""
    from hypothesis import strategies as st

    return st.datetimes(timezones=st.none() | st.just(timezone.utc) | st.just(timezone(timedelta(hours=2))))


def transposed_arrays() -> Any:
    """Draw arrays, those in Fortran order too."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as arrays

    drawn = arrays.arrays(np.int64, arrays.array_shapes(min_dims=0, max_dims=3, max_side=4))
    return st.builds(lambda array, turn: array.T.copy(order="K") if turn else array, drawn, st.booleans())


def mixed_numbers() -> Any:
    """Draw lists of small integers and floats."""
    from hypothesis import strategies as st

    return st.lists(st.integers(-1000, 1000) | st.floats())


def containers_with_bytes() -> Any:
    """Draw lists of bytes and numbers, and dictionaries of them."""
    from hypothesis import strategies as st

    parts = st.binary(max_size=8) | st.integers()
    return st.lists(parts) | st.dictionaries(st.text(max_size=4), parts)


CORE = frozenset({"core"})
SHARED = frozenset({"core", "shared"})
# The law of round-trip speaks of every value, None and empty ones included.
ROUND_TRIP = frozenset({"handler.round-trip"})


@dataclass(frozen=True)
class Defective:
    """A handler, and the one rule that it breaks.

    The last three say how to describe, to rebuild and to record, for the two rules that are not applicable without.
    """

    rule: str
    make: Callable[..., Any]
    values: Callable[[], Any] | None = None
    """Return a Hypothesis strategy; None: the domain is inferred from the annotation of write."""
    claims: frozenset[str] = SHARED
    also: frozenset[str] = frozenset()
    """Other rules that may honestly fail because of the same defect."""
    describe: Callable[[Any], Any] | None = None
    rebuild: Callable[[Any], Any] | None = None
    examples: int = 20
    """How many values the suite must draw to catch it; the number of writes goes by it."""
    hangs: bool = False
    """Whether a call never ends, so that the suite waits for as long as its limit."""
    golden: Callable[[Path], list[tuple[Any, Any]]] | None = None
    """Plant in a directory what an earlier release wrote, and return its references with their values."""


DEFECTIVE: tuple[Defective, ...] = (
    Defective("handler.json-reference", ApproximateInReference),
    Defective("handler.json-reference", TupleReference),
    Defective("handler.json-reference", BytesReference),
    Defective("handler.json-reference", NumberedParts),
    Defective("handler.json-reference", StringSubclassReference, json_values),
    Defective("handler.json-reference", UndecodableName),
    Defective("handler.json-reference", CyclicReference),
    Defective("handler.round-trip", TextColumn),
    Defective("handler.round-trip", OneSystemCall),
    Defective("handler.round-trip", DecodedByChunks),
    Defective("handler.round-trip", TextMode),
    Defective("handler.round-trip", ByteOrderMark),
    Defective("handler.round-trip", IgnoredSurrogates, any_text),
    Defective("handler.round-trip", StrippedText),
    Defective("handler.round-trip", NumpyBytes),
    Defective("handler.round-trip", NullForNaN),
    Defective("handler.round-trip", RealColumn),
    Defective("handler.round-trip", LocalClock, aware_moments),
    Defective("handler.round-trip", MemoryOrder, transposed_arrays),
    Defective("handler.type-fidelity", NestedTuples),
    Defective("handler.type-fidelity", StringKeys),
    Defective("handler.type-fidelity", UnsignedZero),
    Defective("handler.type-fidelity", NoBooleans),
    Defective("handler.type-fidelity", OneColumnType, mixed_numbers),
    Defective("handler.type-fidelity", EnumValue),
    Defective("handler.type-fidelity", TextForBytes, containers_with_bytes),
    Defective("handler.reference-transport", ComparedByIdentity, json_values),
    Defective("handler.reference-transport", OrderedChecksum),
    Defective("handler.reference-transport", KnownObjects, claims=CORE),
    Defective("handler.none", NullColumn, also=ROUND_TRIP),
    Defective("handler.none", NoneIsNoReference, claims=CORE, also=ROUND_TRIP),
    Defective("handler.none", NoneIsEmpty, also=frozenset({"handler.loud-refusal"})),
    Defective("handler.falsy-values", EmptyIsMissing, also=ROUND_TRIP),
    Defective("handler.falsy-values", CommaSeparated, also=ROUND_TRIP),
    Defective("handler.falsy-values", RowForEachItem, also=ROUND_TRIP),
    Defective("handler.repeatable-read", ReadOnce),
    Defective("handler.repeatable-read", TwoReads),
    Defective("handler.repeatable-read", OpenStreams, claims=CORE),
    Defective("handler.repeatable-read", CountsItsReads),
    Defective("handler.independent-writes", KeyedByCase),
    Defective("handler.independent-writes", KeyedByNormalForm),
    Defective("handler.independent-writes", KeyedByLength),
    Defective("handler.independent-writes", KeyedByHash),
    Defective("handler.independent-writes", KeyedByShortDigest, examples=100),
    Defective("handler.independent-writes", NamedByNanoseconds, json_values),
    Defective("handler.independent-writes", NamedBySharedRandom),
    Defective("handler.independent-writes", KeepsHundredFiles),
    Defective("handler.independent-writes", KeepsOneMebibyte),
    Defective("handler.independent-writes", KeepsOneHour),
    # The second read of the same reference object finds no name in it.
    Defective("handler.input-untouched", PopsReference, also=frozenset({"handler.repeatable-read"})),
    Defective("handler.input-untouched", CompletesReference),
    Defective("handler.input-untouched", DrainsDictionary),
    Defective("handler.input-untouched", SwapsBytesInPlace),
    Defective("handler.snapshot", KeepsTheObject, claims=CORE),
    Defective("handler.snapshot", CachesWhatWasWritten, json_values),
    Defective("handler.snapshot", KeepsView, claims=CORE),
    Defective("handler.snapshot", CopiesShallowly, claims=CORE),
    Defective("handler.fresh-read", HandsOutItsOwn, claims=CORE),
    Defective("handler.fresh-read", MapsForUpdate),
    Defective("handler.fresh-read", CachedFunction),
    Defective("handler.unknown-reference", SwallowsErrors),
    Defective("handler.unknown-reference", FallsBackToNewest),
    Defective("handler.unknown-reference", CreatesOnRead),
    Defective("handler.unknown-reference", TrustsOffsets),
    Defective("handler.malformed-reference", ListsDirectory),
    Defective("handler.malformed-reference", AbbreviatedNames),
    Defective("handler.malformed-reference", ColumnAffinity),
    Defective("handler.malformed-reference", OpensNumbers),
    Defective("handler.malformed-reference", Exits),
    Defective("handler.malformed-reference", RetriesForever),
    # Values outside the domain that are empty: set() and b"" become text too.
    Defective("handler.loud-refusal", StringsForTheRest, json_values, also=frozenset({"handler.falsy-values"})),
    Defective("handler.loud-refusal", UnverifiedPickle),
    Defective("handler.loud-refusal", AnyString),
    Defective("handler.loud-refusal", CoercedKeys),
    Defective("handler.loud-refusal", AnyArray),
    Defective("handler.loud-refusal", ReprForTheRest),
    Defective("handler.failed-write", KeepsTheLock, json_values, hangs=True),
    Defective("handler.failed-write", OneDocument, json_values),
    Defective("handler.failed-write", OpenTransaction),
    Defective("handler.failed-write", CircuitBreaker),
    Defective("handler.failed-write", CleansUpTheNewest),
    Defective("handler.bounded-reference", PreviewInReference),
    Defective("handler.bounded-reference", KeyedByContent),
    Defective("handler.bounded-reference", ChunkNames),
    Defective("handler.standard-errors", Asserts),
    Defective("handler.standard-errors", HidesTheCause, json_values),
    Defective("handler.standard-errors", CompressedInline),
    Defective("handler.passive-construction", CreatesItsDatabase),
    Defective("handler.passive-construction", TellsStatsd, json_values),
    Defective("handler.passive-construction", ProbesDirectory),
    Defective("shared.instance", OwnKey),
    Defective("shared.instance", IndexInMemory, json_values),
    Defective("shared.instance", WritesBehind),
    Defective("shared.pickle", HoldsLock),
    Defective("shared.pickle", LeavesItsLockBehind),
    Defective("shared.pickle", HoldsLambda),
    Defective("shared.pickle", HoldsConnection, json_values),
    Defective("shared.pickle", PicklesAsDefault),
    Defective("shared.process", RelativePath),
    Defective("shared.process", RelativeToHere),
    Defective("shared.process", SeededShards),
    Defective("shared.process", ModuleDictionary, json_values),
    Defective("shared.process", ProcessScratch),
    Defective("shared.threads", SharedBuffer),
    Defective("shared.threads", UnguardedCounter),
    Defective("shared.threads", ConnectionOfOneThread, json_values),
    Defective("shared.threads", SharedPosition),
    Defective("shared.processes", NumberedByProcess),
    Defective("shared.processes", CounterFile),
    Defective("shared.processes", TemporaryByProcess),
    Defective("shared.processes", LostIndexUpdates, json_values),
    Defective("shared.processes", AppendsWithoutLock),
    Defective("shared.equality", EqualToAll),
    Defective("shared.equality", EqualToItself),
    Defective("shared.equality", HashOfTheInstance, json_values),
    Defective("shared.equality", ComparesStatistics),
    Defective(
        "shared.describable",
        DescribesWithPath,
        describe=DescribesWithPath.describe,
        rebuild=lambda description: DescribesWithPath(Path(description["directory"])),
    ),
    Defective(
        "shared.describable",
        DescribesNameOnly,
        describe=DescribesNameOnly.describe,
        rebuild=lambda description: DescribesNameOnly(Path(description["directory"])),
    ),
    Defective(
        "shared.describable",
        DescribesPassword,
        json_values,
        describe=DescribesPassword.describe,
        rebuild=lambda description: DescribesPassword(Path(description["directory"])),
    ),
    Defective("shared.golden", ForgetsOldNames, json_values, golden=ForgetsOldNames.recorded),
    Defective("shared.golden", ForgetsOldEncoding, golden=ForgetsOldEncoding.recorded),
    Defective("shared.golden", ForgetsOldFields, golden=ForgetsOldFields.recorded),
)

# Defects that only show in large or falsy values, in subclasses, in what is refused, or when somebody hesitates.
SUBTLE: tuple[Defective, ...] = (
    Defective("handler.json-reference", PartsAsTuple),
    Defective("handler.json-reference", KnownName),
    Defective("handler.round-trip", FullLastPart),
    Defective("handler.round-trip", NormalisedKeys),
    Defective("handler.type-fidelity", LargeIntoBuffer),
    Defective("handler.type-fidelity", LargeColumns),
    Defective("handler.type-fidelity", RemembersEqualValues),
    Defective("handler.type-fidelity", PlainReals),
    Defective("handler.type-fidelity", PlainTuples),
    Defective("handler.loud-refusal", AnyReal),
    Defective("handler.loud-refusal", AnyMoment),
    Defective("handler.repeatable-read", ReadOnceIfLarge),
    Defective("handler.independent-writes", KeyedByChecksum),
    Defective("handler.independent-writes", KeyedByRepr),
    Defective("handler.independent-writes", NumberedByInstance, also=frozenset({"shared.instance"})),
    Defective("handler.input-untouched", MarksTheEnd),
    Defective("handler.input-untouched", FreezesArrays),
    Defective("handler.input-untouched", ForgetsTheName),
    Defective("handler.snapshot", KeepsLargeLists, claims=CORE),
    Defective("handler.fresh-read", OneEmptyForAll),
    Defective("handler.unknown-reference", CountsFromTheEnd, claims=CORE),
    Defective("handler.malformed-reference", NamesArePatterns),
    Defective("handler.malformed-reference", QuotedIntoQuery),
    Defective("handler.malformed-reference", NothingForNoName),
    Defective("handler.failed-write", LeaksSlots),
    Defective("handler.bounded-reference", KeysInReference),
    Defective("handler.bounded-reference", NamesOfMebibytes),
    Defective("handler.standard-errors", UncheckedFields),
    Defective("handler.passive-construction", SendsToStatsd),
    Defective("handler.passive-construction", ConnectsBeside),
    Defective("shared.instance", EmptyStaysHere),
    Defective("shared.instance", LargeStaysHere),
    Defective("shared.threads", OneCursor),
    Defective("shared.threads", SeeksAndReads),
    Defective("shared.threads", CountsWithoutLock),
    Defective("shared.processes", InheritedGenerator),
    Defective("shared.equality", ComparesAnything),
    Defective(
        "shared.describable",
        DescribesAddress,
        describe=DescribesAddress.describe,
        rebuild=lambda description: DescribesAddress(Path(description["directory"])),
    ),
)

# Further forms of the same defects, for a longer run.
MORE_DEFECTIVE: tuple[Defective, ...] = (
    Defective("handler.json-reference", NumpyOffset),
    Defective("handler.round-trip", Milliseconds),
    Defective("handler.type-fidelity", FrozenSets),
    Defective("handler.type-fidelity", NakedTuple),
    Defective("handler.reference-transport", FieldsByPosition),
    Defective("handler.none", NoneAsText, also=ROUND_TRIP),
    Defective("handler.falsy-values", OrNone, also=ROUND_TRIP),
    Defective("handler.independent-writes", KeyedByEnds),
    Defective("handler.independent-writes", NamedByDate),
    Defective("handler.independent-writes", KeepsRecentRows, examples=40),
    Defective("handler.independent-writes", KeepsThousandInMemory, claims=CORE, examples=100),
    Defective("handler.independent-writes", KeyedByAddress, claims=CORE, also=frozenset({"handler.type-fidelity"})),  # by chance
    Defective("handler.input-untouched", SortsToLog),
    Defective("handler.snapshot", EncodesLater, claims=CORE),
    Defective("handler.fresh-read", CachesWhatWasRead),
    Defective("handler.unknown-reference", EmptyByDefault, claims=CORE),
    Defective("handler.malformed-reference", NothingForNothing),
    Defective("handler.loud-refusal", AnySample),
    Defective("handler.failed-write", LockFile),
    Defective("handler.failed-write", ParallelLists, claims=CORE),
    Defective("handler.bounded-reference", ColumnNames),
    Defective("handler.bounded-reference", BlockChecksums),
    Defective("handler.standard-errors", OwnException),
    Defective("handler.standard-errors", PicklingErrors),
    Defective("handler.passive-construction", OpensItsLog),
    Defective("shared.instance", OwnSession),
    Defective("shared.pickle", PicklesPublicState),
    Defective("shared.process", ProcessKey),
    Defective("shared.threads", NameInAttribute),
    Defective("shared.equality", ComparesSerials),
)
