"""Handlers whose reference holds the value."""

import ast
import asyncio
import base64
import binascii
import copy
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, Literal, NewType, NotRequired, TypedDict, TypeVar, cast

from attrs import frozen
from resultspec import JSON, ResultHandler

from ._common import check_plain, dump, from_json, load, standard_errors, to_json

_T = TypeVar("_T")


def _exactly(kind: type[_T], value: object) -> _T:
    """Return a value of exactly this class."""
    if type(value) is not kind:
        raise TypeError(f"expected exactly {kind.__name__}, not {type(value).__qualname__}")
    return value


def _text(value: object) -> str:
    """Return text that JSON can carry."""
    text = _exactly(str, value)
    text.encode()
    return text


def _integer(value: object) -> int:
    """Return an int that has a decimal form in every process."""
    number = _exactly(int, value)
    if number.bit_length() > 4096:
        raise ValueError("the number is too large")
    return number


@dataclass(frozen=True)
class JsonText:
    """The reference is JSON text, also of numbers and None."""

    def write(self, value: JSON, /) -> str:
        return to_json(value)

    def read(self, reference: str, /) -> JSON:
        return from_json(reference)


@dataclass(frozen=True)
class JsonItself:
    """The reference is the JSON value itself, so that no JSON value is malformed and None refers to None."""

    def write(self, value: JSON, /) -> JSON:
        to_json(value)
        return copy.deepcopy(value)

    def read(self, reference: JSON, /) -> JSON:
        to_json(reference)
        return copy.deepcopy(reference)


@dataclass(frozen=True)
class PickleText:
    """A pickle in base64, with a checksum before it, for `Any` value."""

    def write(self, value: Any, /) -> str:
        data = dump(value)
        return f"{zlib.crc32(data):08x}:{base64.b64encode(data).decode()}"

    def read(self, reference: str, /) -> Any:
        if type(reference) is not str or reference[8:9] != ":":
            raise ValueError("not a reference of this handler")
        data = base64.b64decode(reference[9:], validate=True)
        if reference[:8] != f"{zlib.crc32(data):08x}":
            raise ValueError("the reference is damaged")
        return load(data)


class ZlibText:
    """Compressed text in base85, lone surrogates included; identity equality."""

    def write(self, value: str, /) -> str:
        return base64.b85encode(zlib.compress(_exactly(str, value).encode("utf-8", "surrogatepass"))).decode()

    def read(self, reference: str, /) -> str:
        try:
            inflater = zlib.decompressobj()
            data = inflater.decompress(base64.b85decode(_exactly(str, reference)))
        except zlib.error as error:
            raise ValueError("the reference is damaged") from error
        if not inflater.eof or inflater.unused_data:
            raise ValueError("the reference is cut or has a tail")
        return data.decode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Literals:
    """Python source text; whatever `literal_eval` does not give back is refused, such as sets, NaN and datetimes."""

    @standard_errors
    def write(self, value: object, /) -> str:
        check_plain(value, sets=False)
        text = ascii(value)
        if ascii(ast.literal_eval(text)) != text:
            raise TypeError("the value has no literal form")
        return text

    @standard_errors
    def read(self, reference: str, /) -> object:
        back: object = ast.literal_eval(_exactly(str, reference))
        if ascii(back) != reference:
            raise ValueError("not a reference of this handler")
        return back


@dataclass(frozen=True)
class Envelope:
    """A versioned dict as the reference, with floats in hexadecimal so that NaN and infinities survive."""

    def write(self, value: dict[str, float], /) -> Mapping[str, JSON]:
        items = _exactly(dict, value).items()
        return {"v": 1, "data": {_text(key): _exactly(float, number).hex() for key, number in items}}

    def read(self, reference: Mapping[str, JSON], /) -> dict[str, float]:
        if type(reference) is not dict or reference.keys() != {"v", "data"} or _integer(reference["v"]) != 1:
            raise ValueError("not an envelope of this handler")
        items = _exactly(dict, reference["data"]).items()
        return {_text(key): _from_hex(number) for key, number in items}


@standard_errors
def _from_hex(reference: object) -> float:
    number = float.fromhex(_exactly(str, reference))
    if number.hex() != reference:
        raise ValueError("not a reference of this handler")
    return number


@dataclass(frozen=True)
class IntItself:
    """The reference is an integer: the value."""

    def write(self, value: int, /) -> int:
        return _integer(value)

    def read(self, reference: int, /) -> int:
        return _integer(reference)


class Bits:
    """Booleans as the references 0 and 1; the methods are static."""

    @staticmethod
    def write(value: bool, /) -> int:
        return int(_exactly(bool, value))

    @staticmethod
    def read(reference: int, /) -> bool:
        return (False, True)[range(2).index(_exactly(int, reference))]


class HexFloats:
    """Floats in hexadecimal; the methods belong to the class."""

    @classmethod
    def write(cls, value: float, /) -> str:
        return _exactly(float, value).hex()

    @classmethod
    def read(cls, reference: str, /) -> float:
        return _from_hex(reference)


@frozen
class TextItself:
    """Text is its own reference, so that the empty reference is fine; lone surrogates are refused."""

    def write(self, value: str, /) -> str:
        return _text(value)

    def read(self, reference: str, /) -> str:
        return _text(reference)


class SlotsOnly:
    """Bytes as base64; no `__dict__`, no weak references, an equality of its own and therefore no hash."""

    __slots__ = ()

    def write(self, value: bytes, /) -> str:
        return base64.urlsafe_b64encode(_exactly(bytes, value)).decode()

    def read(self, reference: str, /) -> bytes:
        data = binascii.a2b_base64(_exactly(str, reference).translate({ord("-"): "+", ord("_"): "/"}))
        if self.write(data) != reference:
            raise ValueError("not a reference of this handler")
        return data

    def __eq__(self, other: object) -> bool:
        return type(other) is SlotsOnly


@dataclass(frozen=True)
class Moments:
    """Datetimes, naive or in UTC, the fold included; every other time zone is refused."""

    def write(self, value: datetime, /) -> Mapping[str, JSON]:
        moment = _exactly(datetime, value)
        if moment.tzinfo is not None and moment.tzinfo is not UTC:
            raise ValueError("only naive moments and those in UTC are kept here")
        return {"iso": moment.isoformat(), "fold": moment.fold}

    def read(self, reference: Mapping[str, JSON], /) -> datetime:
        if type(reference) is not dict:
            raise TypeError("the reference must be an object")
        moment = datetime.fromisoformat(_exactly(str, reference["iso"])).replace(fold=_integer(reference["fold"]))
        if self.write(moment) != reference:
            raise ValueError("not a reference of this handler")
        return moment


@dataclass(frozen=True)
class Decimals:
    """Decimals as text; signs of zero, exponents and signalling NaNs survive."""

    def write(self, value: Decimal, /) -> str:
        return str(_exactly(Decimal, value))

    @standard_errors
    def read(self, reference: str, /) -> Decimal:
        number = Decimal(_exactly(str, reference))
        if str(number).upper() != reference.upper():
            raise ValueError("not a reference of this handler")
        return number


class Fractions(ResultHandler[Fraction, str]):
    """Inherits from the Protocol."""

    def write(self, value: Fraction, /) -> str:
        return f"{_integer(_exactly(Fraction, value).numerator)}/{_integer(value.denominator)}"

    @standard_errors
    def read(self, reference: str, /) -> Fraction:
        numerator, _, denominator = _exactly(str, reference).partition("/")
        value = Fraction(int(numerator), int(denominator))
        if self.write(value) != reference:
            raise ValueError("not a reference of this handler")
        return value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


class Integers:
    """A list of integers is its own reference; the handler is falsy."""

    def write(self, value: list[int], /) -> list[JSON]:
        return [_integer(number) for number in _exactly(list, value)]

    def read(self, reference: list[JSON], /) -> list[int]:
        return [_integer(number) for number in _exactly(list, reference)]

    def __bool__(self) -> bool:
        return False


class Pairs:
    """Names its parameters as it likes and lets them be passed by name; has a length, which is 0."""

    def write(self, pair: tuple[int, str]) -> str:
        number, text = _exactly(tuple, pair)
        return f"{_integer(number)}:{_text(text)}"

    def read(self, where: str) -> tuple[int, str]:
        number, colon, text = _text(where).partition(":")
        pair = (int(number), text)
        if not colon or self.write(pair) != where:
            raise ValueError("not a reference of this handler")
        return pair

    def __len__(self) -> int:
        return 0


class Colour(Enum):
    """A domain of three."""

    RED = "r"
    GREEN = "g"
    BLUE = None


class Colours:
    """Members of an Enum by name; can be called, which is the same as writing."""

    def write(self, value: Colour, /) -> str:
        return _exactly(Colour, value).name

    def read(self, reference: str, /) -> Colour:
        return Colour[_exactly(str, reference)]

    __call__ = write


@dataclass(frozen=True, slots=True)
class Reading:
    """A domain of two fields."""

    sensor: str
    celsius: float


@dataclass(frozen=True)
class Readings:
    """A dataclass as an object with its fields."""

    def write(self, value: Reading, /) -> dict[str, str]:
        reading = _exactly(Reading, value)
        return {"sensor": _text(reading.sensor), "celsius": _exactly(float, reading.celsius).hex()}

    def read(self, reference: dict[str, str], /) -> Reading:
        if _exactly(dict, reference).keys() != {"sensor", "celsius"}:
            raise KeyError("the reference lacks a field, or has one too many")
        return Reading(_text(reference["sensor"]), _from_hex(reference["celsius"]))


@frozen
class Place:
    """A domain of two fields, in attrs."""

    name: str
    floors: tuple[int, ...]


@frozen
class Places:
    """A frozen attrs class as a list."""

    def write(self, value: Place, /) -> list[JSON]:
        place = _exactly(Place, value)
        return [_text(place.name), *(_integer(floor) for floor in _exactly(tuple, place.floors))]

    def read(self, reference: list[JSON], /) -> Place:
        name, *floors = _exactly(list, reference)
        return Place(_text(name), tuple(_integer(floor) for floor in floors))


@dataclass(frozen=True)
class Maybe:
    """Text or None, as a list of one or none."""

    def write(self, value: None | str, /) -> list[JSON]:
        return [] if value is None else [_text(value)]

    def read(self, reference: list[JSON], /) -> None | str:
        if len(_exactly(list, reference)) > 1:
            raise ValueError("not a reference of this handler")
        return _text(reference[0]) if reference else None


UserId = NewType("UserId", int)


@dataclass(frozen=True)
class UserIds:
    """A NewType, with a prefix."""

    def write(self, value: UserId, /) -> str:
        return f"user-{_integer(value)}"

    def read(self, reference: str, /) -> UserId:
        number = int(_exactly(str, reference).removeprefix("user-"))
        if self.write(UserId(number)) != reference:
            raise ValueError("not a reference of this handler")
        return UserId(number)


class Person(TypedDict):
    """A domain with an optional key."""

    name: str
    age: int
    tags: NotRequired[list[str]]


@dataclass(frozen=True)
class People:
    """A TypedDict as JSON text."""

    def write(self, value: Person, /) -> str:
        person = _exactly(dict, value)
        if not {"name", "age"} <= person.keys() <= {"name", "age", "tags"}:
            raise ValueError("a person has a name, an age, and perhaps tags")
        _exactly(str, person["name"]), _integer(person["age"])
        for tag in _exactly(list, person.get("tags", [])):
            _exactly(str, tag)
        return to_json(person)

    def read(self, reference: str, /) -> Person:
        person: Any = from_json(reference)
        self.write(person)
        return cast(Person, person)


Size = Literal["small", "medium", "large"]


@dataclass(frozen=True)
class Sizes:
    """A Literal as its position."""

    def write(self, value: Size, /) -> int:
        return ["small", "medium", "large"].index(_exactly(str, value))

    def read(self, reference: int, /) -> Size:
        sizes: dict[int, Size] = {0: "small", 1: "medium", 2: "large"}
        return sizes[_exactly(int, reference)]


@dataclass(frozen=True)
class Labels:
    """A set of text as a sorted list."""

    def write(self, value: set[str], /) -> list[JSON]:
        return [*sorted(_text(label) for label in _exactly(set, value))]

    def read(self, reference: list[JSON], /) -> set[str]:
        labels = {_text(label) for label in _exactly(list, reference)}
        if self.write(labels) != reference:
            raise ValueError("not a reference of this handler")
        return labels


class NotEmpty:
    """Refuses None, everything falsy and everything above a megabyte, loudly; takes options that nobody need give."""

    def write(self, value: object, /, *, ttl: float | None = None) -> Mapping[str, JSON]:
        text = PickleText().write(value)
        if not value or len(text) > 1_000_000:
            raise ValueError("empty and very large values are refused")
        return {"pickle": text}

    def read(self, reference: Mapping[str, JSON], /, default: None = None, **options: object) -> object:
        if type(reference) is not dict or reference.keys() != {"pickle"}:
            raise ValueError("not a reference of this handler")
        value: object = PickleText().read(reference["pickle"])
        return value


class TransferError(Exception):
    """Belongs to nobody's hierarchy."""


class NotFoundByUs(TransferError):
    """Another one."""


class OwnErrors:
    """Raises errors of its own, which derive from Exception only."""

    def write(self, value: JSON, /) -> str:
        try:
            return to_json(value).encode().hex()
        except Exception as error:
            raise TransferError("cannot be carried") from error

    def read(self, reference: str, /) -> JSON:
        try:
            return from_json(bytes.fromhex(_exactly(str, reference)).decode())
        except Exception as error:
            raise NotFoundByUs("cannot be read") from error


class Delegating:
    """Has no `write` and `read` of its own: hands them on from another handler as they are asked for."""

    def __init__(self) -> None:
        self._inner = PickleText()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._inner, name)


class _Only:
    """There is one of it in a process, and pickles refer to it by name."""

    def write(self, value: JSON, /) -> Mapping[str, JSON]:
        return {"json": to_json(value)}

    def read(self, reference: Mapping[str, JSON], /) -> JSON:
        if type(reference) is not dict or len(reference) != 1:
            raise ValueError("not a reference of this handler")
        return from_json(reference["json"])

    def __reduce__(self) -> str:
        return "ONLY"


ONLY = _Only()


def _write_reversed(value: str, /) -> str:
    return _text(value)[::-1]


def functions() -> SimpleNamespace:
    """Return a handler that is no class of its own: two functions in a namespace."""
    return SimpleNamespace(write=_write_reversed, read=_write_reversed)


@dataclass(frozen=True)
class AsyncJson:
    """An async twin that yields to the loop before it answers."""

    async def write(self, value: JSON, /) -> str:
        await asyncio.sleep(0)
        return to_json(value)

    async def read(self, reference: str, /) -> JSON:
        await asyncio.sleep(0)
        return from_json(reference)


class Compact:
    """JSON in UTF-16 code units, a reference of nothing but integers; its repr is hostile to terminals and markup."""

    def write(self, value: JSON, /) -> list[JSON]:
        data = to_json(value).encode("utf-16-le")
        return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]

    @standard_errors
    def read(self, reference: list[JSON], /) -> JSON:
        data = b"".join(_integer(unit).to_bytes(2, "little") for unit in _exactly(list, reference))
        return from_json(data.decode("utf-16-le"))

    def __repr__(self) -> str:
        return "[/bold]\x1b[31m{0} %s %(x)d ]]>\n<script> \N{PILE OF POO}"
