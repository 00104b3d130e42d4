r"""Whose a file in the ECMA folder is: the vendor's, ours, or somebody else's.

A listing of a fresh `Service\ECMA` is not published (domain/ecma_host.md 3.2), so names decide where no list
of what the agent package brought is given. When in doubt a file is foreign, and foreign files are not
touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from mim2ecma.assemblies.host import HostFile, path_key
from mim2ecma.assemblies.known import is_product_name


class Owner(StrEnum):
    """Whose a file is."""

    VENDOR = "vendor"
    OURS = "ours"
    FOREIGN = "foreign"


VENDOR_NAMES = re.compile(
    r"(?:Microsoft\..*|System\..*|Newtonsoft\.Json\.dll|netstandard\.dll)\Z", re.IGNORECASE
)
"""Files that the agent package is known, or likely, to bring."""


class Owners:
    """Decides for one host."""

    def __init__(self, ours: Iterable[HostFile] = (), vendor: Iterable[HostFile] = ()) -> None:
        """Take what earlier runs staged, and what is known to come from the agent package."""
        self._ours = {file.key: file.sha256 for file in ours}
        self._vendor = {file.key for file in vendor}
        self._vendor_names = {file.name.casefold() for file in vendor}

    def of(self, file: HostFile) -> Owner:
        """Return the owner of a file that lies on the host.

        A file that we staged is ours only while its content is what we put there: whoever changed it has
        taken it over.
        """
        if file.key in self._vendor:
            return Owner.VENDOR
        if file.sha256 is not None and self._ours.get(file.key) == file.sha256:
            return Owner.OURS
        if self._vendor_names:
            # A list of the package's files says all there is to say; names are for hosts without one.
            return Owner.VENDOR if is_product_name(file.name) else Owner.FOREIGN
        return Owner.VENDOR if VENDOR_NAMES.match(file.name) else Owner.FOREIGN

    def was_ours(self, path: str) -> bool:
        """True when an earlier run staged a file at this path, whatever lies there now."""
        return path_key(path) in self._ours
