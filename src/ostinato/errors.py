"""The errors that ostinato raises on purpose.

    OstinatoError
    ├── ConfigError      a setting that cannot be used: horizon, level, option, unknown name
    ├── DataError        input that cannot be used: a file, a column, a row, a series
    ├── ModelFileError   a model file that is damaged, altered, or made by a newer version
    └── TrainingError    a run-time failure: the loss became NaN, a worker died

The first three are mistakes a person can mend in the call (the command line exits with 2);
the last is a failure while working (exit 1).
"""


class OstinatoError(Exception):
    """Any error that ostinato raises on purpose: what was wrong, where, and what to do."""


class ConfigError(OstinatoError):
    """A setting that cannot be used."""


class DataError(OstinatoError):
    """Input that cannot be used, with the file, line, column or series at fault."""


class ModelFileError(OstinatoError):
    """A model file that is damaged, altered, or made by a newer version."""


class TrainingError(OstinatoError):
    """Work that failed while running, such as a loss that became NaN."""
