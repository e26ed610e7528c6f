"""What a person is told when something goes wrong: one sentence and an exit code.

Library code raises these; `railyard.cli` prints the message and exits with `exit_code`. Anything else that
reaches the command line is a defect of Railyard and keeps its traceback.
"""

EXIT_INTERRUPT = 130


class RailyardError(Exception):
    """A failure that is nobody's mistake (a full disk, a machine without enough memory)."""

    exit_code = 1


class UserError(RailyardError):
    """A mistake the user can mend: what, where, what was expected, what to do."""

    exit_code = 2
