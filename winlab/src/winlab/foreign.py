"""Functions of somebody else that winlab calls: behaviours of programs and scripts, templates.

What one of them raises is its author's to mend, and so the error names it; errors of winlab's own behaviours
are told as such by whoever called.
"""

from __future__ import annotations

import functools
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from winlab.errors import WinlabError

_PACKAGE = Path(__file__).resolve().parent
log = logging.getLogger(__name__)

Result = TypeVar("Result")


def name_of(function: Callable[..., Any]) -> str:
    """`package.module:function`, as a definition names it."""
    while isinstance(function, functools.partial):
        # A form is registered with what takes its literals.
        function = function.args[0] if function.args and callable(function.args[0]) else function.func
    kind = type(function)
    module = getattr(function, "__module__", None) or kind.__module__
    return f"{module}:{getattr(function, '__qualname__', kind.__qualname__)}"


def is_own(function: Callable[..., Any]) -> bool:
    """Whether it is part of winlab."""
    module = sys.modules.get(name_of(function).partition(":")[0])
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve().is_relative_to(_PACKAGE)


def mistake(where: str, function: Callable[..., Any], error: Exception) -> WinlabError:
    """What a foreign function has raised, as an error that names it; where it happened goes to the log."""
    # Without the message: arguments may hold secrets.
    stack = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s: %s\n%s", where, name_of(function), type(error).__name__, stack)
    return WinlabError(
        f"{where}: {name_of(function)}: {type(error).__name__}: {error}; expected a result. "
        "Correct that function; winlab.log has the place."
    )


def checked(where: str, function: Callable[..., Any], result: Any, wanted: type[Result]) -> Result:
    """A foreign function's result.

    Raises:
        WinlabError: it is of another kind.
    """
    if not isinstance(result, wanted):
        raise WinlabError(
            f"{where}: {name_of(function)}: {type(result).__name__}; expected a {wanted.__name__}. "
            "Correct what the function returns."
        )
    return result
