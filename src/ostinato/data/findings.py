"""What was found while reading: each a sentence, where it is, and what could be done."""

from dataclasses import dataclass, field

from ostinato.errors import DataError


@dataclass(frozen=True)
class Finding:
    """One thing found in the data.

    Args:
        kind: A word for the sort of thing: ``columns``, ``frequency``, ``gaps``, ``duplicates``, ...
        where: The line, column or series it concerns; empty when it concerns the whole file.
        text: One sentence without a full stop.
        fix: What to do about it; empty when nothing needs doing.
        problem: True if ``forecast`` would refuse the data because of it.
    """

    kind: str
    where: str
    text: str
    fix: str = ""
    problem: bool = False


@dataclass
class Log:
    """Collects findings; a problem stops the reading unless the log is lenient.

    Args:
        lenient: Record problems instead of raising them, as ``inspect`` needs.
    """

    lenient: bool = False
    findings: list[Finding] = field(default_factory=list)

    def note(self, kind: str, text: str, *, where: str = "", fix: str = "") -> None:
        """Record something found or mended that does not stop the reading."""
        self.findings.append(Finding(kind, where, text, fix))

    def problem(self, kind: str, text: str, *, where: str = "", fix: str = "") -> None:
        """Raise a DataError, or record the problem when lenient.

        Raises:
            DataError: The text and the fix as one sentence.
        """
        if not self.lenient:
            raise DataError(f"{text}; {fix}" if fix else text)
        self.findings.append(Finding(kind, where, text, fix, problem=True))


def count(number: int, noun: str) -> str:
    """Write a number with its noun, in the plural where needed.

    >>> count(1, "gap"), count(1200, "row"), count(2, "series")
    ('1 gap', '1,200 rows', '2 series')
    """
    plural = noun if number == 1 or noun.endswith("s") else f"{noun}s"
    return f"{number:,} {plural}"


def listing(names: list[str], most: int = 8) -> str:
    """Write names as a quoted list, cut after a few.

    >>> listing(["a", "b"])
    "'a' and 'b'"
    """
    quoted = [f"'{' '.join(name.split())}'" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(quoted)} and {len(names) - most} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
