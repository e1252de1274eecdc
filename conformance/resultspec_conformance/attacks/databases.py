"""The door to what lies below a directory: files as they are, and the rows of SQLite databases one by one.

Somebody with access to a database file replaces a value in it by an SQL statement, not by overwriting pages.
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from ..storage import Files

_MAGIC = b"SQLite format 3\0"
_SIDE_FILES = ("-wal", "-shm", "-journal")
_MARK = "sqlite:"


class Below:
    """The door to a handler that keeps its values in files or SQLite databases below a directory.

    The name of a file is its path relative to the directory; the name of a stored text or BLOB of a database says in which
    file, table, row and column it is.

    Args:
        directory: The directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._files = Files(directory)
        self._texts: dict[str, bool] = {}

    def names(self) -> list[str]:
        """The names of all files but SQLite databases and what is beside databases, and of all texts and BLOBs in those."""
        files = self._files.names()
        databases = [name for name in files if self._is_database(name)]
        beside = {f"{name}{side}" for name in databases for side in _SIDE_FILES}
        beside |= {lock for name in files if is_lmdb(self.directory / name) for lock in _locks_of(name)}
        rows = [row for name in databases for row in self._rows(name)]
        return [*(name for name in files if name not in databases and name not in beside), *rows]

    def get(self, name: str) -> bytes:
        """The content of a file, a text or a BLOB.

        Raises:
            LookupError: The row is gone.
        """
        if not name.startswith(_MARK):
            return self._files.get(name)
        file, table, row, column = json.loads(name.removeprefix(_MARK))
        with closing(self._open(file)) as connection:
            select = f"SELECT {_quoted(column)} FROM {_quoted(table)} WHERE {_is(row)}"  # noqa: S608 - names that the database gave
            found = connection.execute(select, [*row.values()]).fetchone()
        if found is None:
            raise LookupError(f"there is no row {row} in {table}")
        content: bytes = found[0].encode("utf-8", "surrogatepass") if isinstance(found[0], str) else bytes(found[0])
        return content

    def set(self, name: str, content: bytes) -> None:
        """Replace the content of a file, or a text or BLOB; a text stays one where it can.

        A value that the database does not let be replaced, such as a key that is taken, stays as it is.
        """
        if not name.startswith(_MARK):
            self._files.set(name, content)
            return
        file, table, row, column = json.loads(name.removeprefix(_MARK))
        with closing(self._open(file)) as connection, suppress(sqlite3.IntegrityError):
            kind = f"SELECT typeof({_quoted(column)}) FROM {_quoted(table)} WHERE {_is(row)}"  # noqa: S608 - its own names
            found = connection.execute(kind, [*row.values()]).fetchone()
            was_text = self._texts.setdefault(name, found == ("text",))
            update = f"UPDATE {_quoted(table)} SET {_quoted(column)} = ? WHERE {_is(row)}"  # noqa: S608 - its own names
            connection.execute(update, [_as_text(content) if was_text else content, *row.values()])
            connection.commit()

    def remove(self, name: str) -> None:
        """Remove a file, or the row in which a text or BLOB is."""
        if not name.startswith(_MARK):
            self._files.remove(name)
            return
        file, table, row, _ = json.loads(name.removeprefix(_MARK))
        with closing(self._open(file)) as connection:
            connection.execute(f"DELETE FROM {_quoted(table)} WHERE {_is(row)}", [*row.values()])  # noqa: S608
            connection.commit()

    def _is_database(self, name: str) -> bool:
        with suppress(OSError), (self.directory / name).open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
        return False

    def _open(self, file: str) -> sqlite3.Connection:
        connection = sqlite3.connect(self.directory / file, timeout=5)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    def _rows(self, file: str) -> Iterator[str]:
        with closing(self._open(file)) as connection, suppress(sqlite3.DatabaseError):
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                columns = connection.execute(f"PRAGMA table_info({_quoted(table)})").fetchall()
                keys = _keys(connection, table, [column[1] for column in columns if column[5]])
                chosen = ", ".join(f"quote({_quoted(key)})" for key in keys)
                for column in [column[1] for column in columns if column[1] not in keys]:
                    kinds = f"typeof({_quoted(column)}) IN ('text', 'blob')"
                    for row in connection.execute(f"SELECT {chosen} FROM {_quoted(table)} WHERE {kinds}"):  # noqa: S608
                        yield _MARK + json.dumps([file, table, dict(zip(keys, row, strict=True)), column])


def _keys(connection: sqlite3.Connection, table: str, primary: list[str]) -> list[str]:
    """The columns that tell the rows of a table apart: their number, or the primary key where rows have none."""
    try:
        connection.execute(f"SELECT rowid FROM {_quoted(table)} LIMIT 0")  # noqa: S608 - a name that the database gave
    except sqlite3.OperationalError:
        return primary
    return ["rowid"]


def _is(row: dict[str, str]) -> str:
    """The condition that a row is the one of these keys, each as SQL writes it, whatever its type."""
    return " AND ".join(f"quote({_quoted(key)}) = ?" for key in row)


def is_lmdb(path: Path) -> bool:
    """Whether a file is a database of LMDB: the magic number of its first page follows the page's header."""
    with suppress(OSError), path.open("rb") as file:
        return int.from_bytes(file.read(20)[16:], sys.byteorder) == 0xBEEFC0DE
    return False


def _locks_of(database: str) -> tuple[str, str]:
    """Where LMDB keeps the locks of a database, which hold no value: who waits for a damaged one waits for ever."""
    return str(Path(database).with_name("lock.mdb")), f"{database}-lock"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _as_text(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content
