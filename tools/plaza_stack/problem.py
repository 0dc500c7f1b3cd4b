"""The one error of the stack."""


class StackError(Exception):
    """Plaza cannot run; the text is one line for the person at the terminal, saying what to do."""
