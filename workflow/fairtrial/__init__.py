"""fairtrial: fair, reproducible trials of image models.

Every error that a person can cause or repair is a FairtrialError; the command line
prints its message alone, without a traceback:

    FairtrialError
    ├── SettingsError      a key or value in params.yaml or config/ is wrong
    ├── DataError          images, annotations or a split are missing or wrong
    │   └── ChecksumError  a file is not the one that its manifest names
    ├── BackendError       a backend failed, or used other settings than the run's
    └── StoreError         an entry of the store cannot be used
"""

__version__ = "0.1.0"


class FairtrialError(Exception):
    """The message says what is wrong, where, and what would be right."""


class SettingsError(FairtrialError):
    """A key or a value in params.yaml or config/ is wrong."""


class DataError(FairtrialError):
    """Images, annotations or a split are missing or wrong."""


class ChecksumError(DataError):
    """A file is not the one that its manifest names."""


class BackendError(FairtrialError):
    """A backend failed, or used other settings than the run's."""


class StoreError(FairtrialError):
    """An entry of the store cannot be used."""
