"""Sentences with a tag for each word: CoNLL-U files and plain columns, read and written without loss."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ostinato.data.findings import count
from ostinato.errors import ConfigError, DataError

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
EMPTY = "_"

Row = tuple[str, ...]
_ID = re.compile(r"(\d+)(?:([-.])(\d+))?")


@dataclass(frozen=True)
class Sentence:
    r"""One sentence as it stands in a file.

    Attributes:
        rows: ten cells each, as in CoNLL-U; those of multiword tokens (id 3-4) and empty nodes (id 3.1) are kept, and
            are no words.
        comments: lines before the words, each with its `#`.
        source: how messages name the file.
        line: line of the first row, from 1.

    Example:
        >>> (sentence,) = parse_conllu("1\tDogs\tdog\tNOUN" + "\t_" * 6)
        >>> sentence.words, sentence.column("upos")
        (['Dogs'], ['NOUN'])
    """

    rows: tuple[Row, ...]
    comments: tuple[str, ...] = ()
    source: str = "the text"
    line: int = 1

    @property
    def words(self) -> list[str]:
        """The words, which are what is tagged."""
        return self.column("form")

    def column(self, name: str) -> list[str]:
        """One cell of each word.

        Args:
            name: one of `COLUMNS`.

        Raises:
            ConfigError: there is no such column.
        """
        place = _place(name)
        return [row[place] for row in self.rows if row[0].isdigit()]

    def tags(self, name: str) -> list[str]:
        """One cell of each word, none of them empty.

        Raises:
            ConfigError: there is no such column.
            DataError: a word has no tag.
        """
        place = _place(name)
        for number, row in enumerate(self.rows):
            if row[0].isdigit() and row[place] == EMPTY:
                raise DataError(
                    f"{self.source}, line {self.line + number}: the word {row[1]!r} has no {name}; give it one, or "
                    "leave the sentence out"
                )
        return self.column(name)

    def with_column(self, name: str, values: Sequence[str]) -> Sentence:
        """The sentence with other cells in one column; everything else stays.

        Args:
            name: one of `COLUMNS`.
            values: one for each word.

        Raises:
            ConfigError: there is no such column, or not one value a word.
        """
        place, words = _place(name), len(self.words)
        if len(values) != words:
            raise ConfigError(
                f"there are {count(len(values), 'value')} for {count(words, 'word')}; give one for each"
            )
        left = iter(values)
        rows = tuple(
            (*row[:place], next(left), *row[place + 1 :]) if row[0].isdigit() else row for row in self.rows
        )
        return replace(self, rows=rows)


def read_sentences(path: str | Path, *, column: str = "upos") -> list[Sentence]:
    """Read tagged sentences: CoNLL-U, or words and tags with a tab between them and an empty line between sentences.

    Args:
        path: the file, possibly gzipped; CoNLL-U where a line has ten cells, otherwise one or two cells a line.
        column: where the tags of a plain file go.

    Raises:
        DataError: the file cannot be used; the message names the line.
    """
    text, source = read_text(Path(path))
    first = next((line for line in text.splitlines() if line and not line.startswith("#")), "")
    if first.count("\t") >= 2:
        return parse_conllu(text, source=source)
    return parse_plain(text, source=source, column=column)


def parse_conllu(text: str, *, source: str = "the text") -> list[Sentence]:
    """Sentences of a text in CoNLL-U.

    Args:
        text: the content of a file.
        source: how messages name it.

    Returns:
        The sentences; those without words are left out.

    Raises:
        DataError: a line does not have ten cells, or ids do not count up; the message names the line.

    References:
        Universal Dependencies, CoNLL-U format, https://universaldependencies.org/format.html.
    """
    return _parse(text, source, _conllu_row)


def parse_plain(text: str, *, source: str = "the text", column: str = "upos") -> list[Sentence]:
    r"""Sentences of a text with one word a line and perhaps a tag after a tab.

    Args:
        text: the content of a file; `#` begins no comment here.
        source: how messages name it.
        column: where the tags go.

    Raises:
        DataError: a line has more than two cells; the message names the line.

    Example:
        >>> [sentence.words for sentence in parse_plain("It\tPRON\nrains\tVERB\n\nYes\tINTJ")]
        [['It', 'rains'], ['Yes']]
    """
    place = _place(column)

    def make(line: str, number: int, where: str) -> Row:
        cells = line.split("\t")
        if len(cells) > 2 or not cells[0].strip():
            raise DataError(f"{where}: there are {len(cells)} cells; give a word, a tab and a tag")
        row = [str(number), cells[0], *[EMPTY] * 8]
        row[place] = cells[1].strip() or EMPTY if len(cells) == 2 else EMPTY
        return tuple(row)

    return _parse(text, source, make, comments=False)


def format_conllu(sentences: Iterable[Sentence]) -> str:
    """Sentences as CoNLL-U, comments, multiword tokens and empty nodes included.

    Args:
        sentences: as they were read, or with other tags.
    """
    return "".join(
        "".join(f"{line}\n" for line in (*sentence.comments, *("\t".join(row) for row in sentence.rows)))
        + "\n"
        for sentence in sentences
    )


def format_plain(sentences: Iterable[Sentence], *, column: str = "upos") -> str:
    """Sentences as words and tags with a tab between them, and an empty line after each sentence."""
    return "".join(
        "".join(f"{word}\t{tag}\n" for word, tag in zip(sentence.words, sentence.column(column), strict=True))
        + "\n"
        for sentence in sentences
    )


def is_plain(sentences: Sequence[Sentence]) -> bool:
    """Whether sentences hold nothing but words and one column of tags, so that a plain file can hold them."""
    return all(
        not sentence.comments and all(sum(cell != EMPTY for cell in row[2:]) <= 1 for row in sentence.rows)
        for sentence in sentences
    )


def _place(name: str) -> int:
    """The place of a column."""
    if name not in COLUMNS:
        raise ConfigError(f"the column is {name!r}; use one of {', '.join(COLUMNS)}")
    return COLUMNS.index(name)


def _parse(
    text: str, source: str, make: Callable[[str, int, str], Row], *, comments: bool = True
) -> list[Sentence]:
    """Cut lines into sentences at empty lines, and rows out of the others."""
    sentences: list[Sentence] = []
    notes: list[str] = []
    rows: list[Row] = []
    words = start = 0
    # Only these ends of lines: str.splitlines would also cut at characters that stand inside words.
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate([*lines, ""], 1):
        if not line.strip():
            if rows:
                sentences.append(Sentence(tuple(rows), tuple(notes), source, start))
            notes, rows, words = [], [], 0
        elif comments and line.startswith("#") and not rows:
            notes.append(line)
        else:
            start = start if rows else number
            rows.append(make(line, words + 1, f"{source}, line {number}"))
            words += rows[-1][0].isdigit()
    if not sentences:
        raise DataError(
            f"{source} has no sentences; give one word a line and an empty line after each sentence"
        )
    return sentences


def _conllu_row(line: str, number: int, where: str) -> Row:
    """The ten cells of a line."""
    cells = line.split("\t")
    if len(cells) != len(COLUMNS):
        raise DataError(
            f"{where}: there are {count(len(cells), 'cell')}, and CoNLL-U has {len(COLUMNS)} with tabs between"
        )
    found = _ID.fullmatch(cells[0])
    if found is None:
        raise DataError(
            f"{where}: the id is {cells[0]!r}; use a number, a range such as 3-4, or 3.1 for an empty node"
        )
    if not found[2] and int(found[1]) != number:
        raise DataError(
            f"{where}: the id is {cells[0]} where {number} is next; number the words of a sentence from 1"
        )
    if not cells[1]:
        raise DataError(f"{where}: the word is empty; write {EMPTY} for a word without letters")
    return tuple(cells)


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file, possibly gzipped, and its name for messages.

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    source = f"file '{path.name}'"
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot read {path} ({reason}); check the path") from error
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{source} is a damaged gzip file; write it again") from error
    try:
        return content.decode("utf-8-sig"), source
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{source}, line {line}: this is not UTF-8; save the file as UTF-8") from error
