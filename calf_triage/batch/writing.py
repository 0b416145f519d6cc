"""Where many answers go: CSV, JSON Lines or Parquet, frame by frame; and files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl
from pyarrow.parquet import ParquetWriter

from calf_triage.batch.reading import Format

BETWEEN: Final = ";"
"""What stands between the ids of one CSV cell; no id holds it."""


class Sink:
    """Writes frames of one schema, one after another. Every error of the stream comes through."""

    def __init__(self, format: Format, stream: BinaryIO) -> None:
        self._format, self._stream = format, stream
        self._begun = False
        self._parquet: ParquetWriter | None = None

    def write(self, frame: pl.DataFrame) -> None:
        """Writes a frame; of CSV and Parquet the first brings the names of the columns, even if it has no row."""
        if self._format == "parquet":
            table = frame.to_arrow()
            if self._parquet is None:
                self._parquet = ParquetWriter(self._stream, table.schema, compression="zstd")
            if table.num_rows:
                self._parquet.write_table(table)
            return
        # Within memory first: an error of the stream then is Python's own.
        held = io.BytesIO()
        if self._format == "csv":
            lists = pl.selectors.list()
            joined = frame.with_columns(lists.cast(pl.List(pl.String)).list.join(BETWEEN).replace("", None))
            joined.write_csv(held, include_header=not self._begun)
        else:
            frame.write_ndjson(held)
        self._begun = True
        self._stream.write(held.getbuffer())

    def close(self) -> None:
        """Writes what stands at the end. The stream stays open."""
        if self._parquet is not None:
            self._parquet.close()
        self._stream.flush()


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A new file that is on the disk when this ends, and gone if it ends by an error."""
    try:
        with path.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def put(path: Path, content: bytes) -> dict[str, object]:
    """Writes a file whole or not at all, in place of an earlier one; gives its size and hash."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with whole(temporary) as file:
        file.write(content)
    temporary.replace(path)
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def is_whole(path: Path, known: dict[str, object]) -> bool:
    """Whether a file is still what `put` wrote."""
    try:
        with path.open("rb") as file:
            return (
                os.fstat(file.fileno()).st_size == known["bytes"]
                and hashlib.file_digest(file, "sha256").hexdigest() == known["sha256"]
            )
    except OSError:
        return False


def publish(path: Path, to: Path, *, replace: bool) -> None:
    """Gives a whole file its last name. FileExistsError if that is taken and not to be replaced."""
    if replace:
        path.replace(to)
        return
    try:
        # Unlike a rename, a link never takes the place of what another program wrote meanwhile.
        os.link(path, to)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(to):
            raise FileExistsError(to) from None
        path.rename(to)
    else:
        path.unlink()
