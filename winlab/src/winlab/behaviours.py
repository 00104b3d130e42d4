"""What twins do because upstream's integration targets show it, and no line of a module's source says it.

An upstream test is evidence, a weaker one than the source: whoever changes one of these finds here what else
is known. `winlab evidence` prints the list; a test holds that the named file says so where it does it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One behaviour.

    Attributes:
        what: a sentence.
        file: where it is done, below `winlab/`.
        target: the upstream target that shows it.
        documented: what Microsoft's documents say, empty when nothing was found.
    """

    what: str
    file: str
    target: str
    documented: str = ""


BEHAVIOURS = (
    Behaviour(
        "Access rules and owner of a symbolic link or junction are its own, not those of its target.",
        "host/files.py",
        "win_acl",
        "nothing on GetNamedSecurityInfo; attributes are the link's own (Symbolic Link Effects on File "
        "Systems Functions, GetFileAttributes)",
    ),
    Behaviour(
        "The size of a folder counts the files behind links to folders.",
        "modules/_dotnet.py",
        "win_stat",
        "SearchOption.AllDirectories, which win_stat.ps1 line 143 asks for, takes in reparse points "
        "(SearchOption Enum)",
    ),
    Behaviour("A symbolic link to a file has the attribute Archive.", "host/links.py", "win_stat"),
    Behaviour(
        "A restart that is asked for in a logon from the network needs SeRemoteShutdownPrivilege.",
        "execution/raw.py",
        "win_reboot",
        "the policy Force shutdown from a remote system names the right; [MS-RSP] 3.2.4.1 asks for "
        "sufficient privileges without a name",
    ),
    Behaviour(
        "Windows before build 17763 reads no PKCS #12 file that is encrypted with AES.",
        "modules/_certificate_files.py",
        "win_certificate_store",
    ),
    Behaviour(
        "The usual stores of a service open before anybody has made them (in check mode nobody does).",
        "host/certificate_store.py",
        "win_certificate_store",
        "CertOpenStore: CERT_STORE_OPEN_EXISTING_FLAG fails for a store that does not exist; nothing on the "
        "predefined ones",
    ),
)
