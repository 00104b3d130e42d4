"""Scripts about files, their rules and owners."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

from upstream_forms import (
    add_attribute,
    console_json,
    flags_text,
    form,
    make_folders,
    set_content,
    set_times,
    unchanged,
    write_text,
)
from winlab.host import acl, paths, sids, timezones
from winlab.host.acl import Ace, Acl, Inheritance, Propagation
from winlab.host.drives import Share
from winlab.modules._registry import is_drive_path
from winlab.scripts import ScriptCall, ScriptResult

_INHERITANCE = {"None": 0, "ContainerInherit": 1, "ObjectInherit": 2}
_PROPAGATION = {"None": 0, "NoPropagateInherit": 1, "InheritOnly": 2}
# The moment that win_stat and win_find give their files: 2016-11-01 07:10:05.
_MOMENT = datetime(2016, 11, 1, 7, 10, 5, tzinfo=UTC).timestamp()


@form("c3491da1ec0e80ff5daecd8f0a967d76e20a992e8751e0d63224f65e46b259bd")
def acl_links(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_acl: a junction to a folder, and a symbolic link to the junction."""
    path = str(call.parameter("Path"))
    call.host.files.make_link(rf"{path}\junction", rf"{path}\target", "JunctionPoint", True)
    call.host.files.make_link(rf"{path}\symlink", rf"{path}\junction", "SymbolicLink", True)
    return unchanged(
        rf"Junction created for {path}\junction <<===>> {path}\target",
        rf"symbolic link created for {path}\symlink <<===>> {path}\junction",
    )


@form("e910fbf9cc0ab3314402ad26cb134f822339582677426333e1d975579f123e35", free=(0,))
def explicit_rules(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_acl: the rules of a file, folder or key that are not inherited, as JSON."""
    host, path = call.host, literals[0]
    is_key = is_drive_path(path)
    rules = host.registry.acl(path, call.session) if is_key else host.files.acl(path, call.session)
    names = acl.REGISTRY_RIGHTS if is_key else acl.FILE_RIGHTS
    return console_json(
        [
            {
                "rights": flags_text(ace.mask, names),
                "type": "Allow" if ace.allow else "Deny",
                "identity": host.accounts.display(ace.sid),
                "inheritance_flags": flags_text(int(ace.inheritance), _INHERITANCE),
                "propagation_flags": flags_text(int(ace.propagation), _PROPAGATION),
            }
            for ace in rules.explicit
        ]
    )


def _three_rules(call: ScriptCall, full: int, read: int) -> Acl:
    def rule(sid: str, mask: int) -> Ace:
        return Ace(sid, mask, True, Inheritance.BOTH, Propagation.NONE)

    aces = (rule(sids.SYSTEM, full), rule(call.session.sid, full), rule(sids.EVERYONE, read))
    return Acl(acl.canonical(aces), protected=True)


@form("51f79a3d2aa53d7ad4206584271abfd67de5595758f97505c7fa9206769bb34e")
def inheritance_folders(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_acl_inheritance: a folder with three rules and nothing inherited, a folder and a file in it."""
    files, path = call.host.files, str(call.parameter("Path"))
    if files.exists(path):
        files.delete(path, recursive=True, session=call.session, force=True)
    files.mkdir(path, session=call.session)
    read = acl.FILE_RIGHTS["Read"] | acl.SYNCHRONIZE
    files.set_acl(path, _three_rules(call, acl.FULL_CONTROL, read), call.session)
    files.mkdir(rf"{path}\folder", session=call.session)
    set_content(call, rf"{path}\folder\file.txt", "a")
    return unchanged(sids.SYSTEM, call.session.sid, sids.EVERYONE)


@form("df442c51d1bdcf58524779d8fcfb861579af3d7ccf6213aee46e9d427fe4e2cd")
def inheritance_keys(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_acl_inheritance: the same for a registry key and a key below it."""
    registry, path = call.host.registry, str(call.parameter("Path"))
    if registry.key_exists(path):
        registry.delete_key(path, session=call.session)
    registry.create_key(path, call.session)
    registry.set_acl(path, _three_rules(call, acl.KEY_ALL, acl.KEY_READ), call.session)
    registry.create_key(rf"{path}\folder", call.session)
    return unchanged(sids.SYSTEM, call.session.sid, sids.EVERYONE)


@form("bebfd2d402aec988bdb4212c8d18d6098311373ea2c34c689609219d2bcaca4d")
def weird_folder(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_copy: a folder with dangling and circular links, and one that only SYSTEM owns."""
    files, path = call.host.files, str(call.parameter("Path"))
    files.mkdir(path, session=call.session)
    files.make_link(rf"{path}\missing-link-file", "missing", "SymbolicLink")
    files.make_link(rf"{path}\missing-link-dir", "missing", "SymbolicLink", True)
    files.make_link(rf"{path}\recursive-link", path, "SymbolicLink", True)
    files.make_link(rf"{path}\link-file", "file.txt", "SymbolicLink")
    make_folders(call, path, ("folder", "nested", "locked"))
    for name in ("file.txt", r"nested\file.txt", r"locked\file.txt"):
        write_text(call, rf"{path}\{name}", "text")
    locked = rf"{path}\locked"
    files.set_acl(locked, Acl((), protected=True))
    files.set_owner(locked, sids.SYSTEM)
    return ScriptResult()


@form("57201e5cb8bb24ffe48521e4b767edb5d1f3013f42846a49759a7813784eafe0", free=(0,))
def hidden_file(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_file: an empty hidden file."""
    write_text(call, literals[0], "")
    call.host.files.set_attributes(literals[0], {"Hidden"}, call.session)
    return ScriptResult()


@form("56292067a05756043876cea52668ce2b6d4080660c300f1a0e076c5b9a56f864")
def owner_tree(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_owner: folders and files, and three folders that belong to SYSTEM alone."""
    files, path = call.host.files, str(call.parameter("Path"))
    if files.exists(path):
        files.delete(path, recursive=True, session=call.session, force=True)
    below = [
        rf"{top}{sub}" for top in ("folder", "folder with space") for sub in ("", r"\folder1", r"\folder2")
    ]
    make_folders(call, path, below)
    for folder in below:
        set_content(call, rf"{path}\{folder}\file.txt", "content")
    secure = (r"secure\folder 1\folder 2", r"secure\folder 1", "secure")
    files.mkdir(rf"{path}\{secure[0]}", session=call.session)
    for folder in secure:
        full = rf"{path}\{folder}"
        files.set_acl(full, Acl((Ace(sids.SYSTEM, acl.FULL_CONTROL),), protected=True))
        files.set_owner(full, sids.SYSTEM)
    return ScriptResult()


@form("1d6ecf086de7ee01115c724430ed7f985256f63248f6045e0af8cb0d72a05ce4", free=(0,))
def owner_name(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`(Get-Acl -LiteralPath PATH).Owner`."""
    return unchanged(call.host.accounts.display(call.host.files.owner(literals[0], call.session)))


@form("57943b320994b271510ef05c9096838ae108f82718e0cec30c6a5f34d3b2f2db", free=(0,))
def owner_sid(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """The owner's SID, by way of the name."""
    return unchanged(call.host.files.owner(literals[0], call.session))


@form("2f8d10c3aa1974d400774e99a1dde7489eb4684bf67d3381f47a8a9d6d7c6d75")
def secure_owners(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_owner: the owners of the three folders that were SYSTEM's."""
    path, names = str(call.parameter("Path")), ("secure", r"secure\folder 1", r"secure\folder 1\folder 2")
    return ScriptResult(output=[call.host.files.owner(rf"{path}\{name}") for name in names], changed=False)


@form("d8e72efc2fbe3e7da2a34c30c676c9c3e65134d26194238b18b751af63f1c6f2", free=(0,))
def slurp_file(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_slurp: one line in a new file."""
    if call.host.files.exists(literals[0]):
        call.host.files.delete(literals[0], session=call.session, force=True)
    set_content(call, literals[0], "Slurp this!")
    return ScriptResult()


@form("54f1070eb516221d17900788a371f9d79bab7270abd5f4dbf0b9be205eb57f8d")
def zip_entries(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_zip: names and sizes of what an archive holds."""
    data = call.host.files.read_bytes(str(call.parameter("Path")), call.session)
    with zipfile.ZipFile(io.BytesIO(data)) as content:
        found = [{"FullName": item.filename, "Length": item.file_size} for item in content.infolist()]
    return ScriptResult(output=found, changed=False)


@form("fe273370efe6a992847f2596656a9e986527de959c2cd34e51740fcb939cd1ee", free=(15,))
def find_tree(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_find: a tree with dates, attributes, a share and links."""
    host, files, root = call.host, call.host.files, literals[0]
    folders = (
        "nested", "single", r"link-dest\sub-link", "hard-link-dest", "junction-link-dest", "broken-link-dest",
        r"nested\sub-nest", r"nested\sub-nest\sub-sub-nest", r"shared\folder", "hidden", "date",
        r"emptynested\nest\dir1", r"emptynested\nest\dir2", r"zany\dir_one", r"zany\dir_two",
    )  # fmt: skip
    make_folders(call, root, folders)
    normal = (
        r"nested\file.ps1", r"nested\test.ps1", r"nested\out.log", r"nested\archive.log", r"nested\sub-nest\test.ps1",
        r"nested\sub-nest\FILE.ps1", r"nested\sub-nest\readonly.txt", r"nested\sub-nest\sub-sub-nest\test.ps1",
        r"link-dest\link.ps1", r"single\test.ps1", r"single\hidden.ps1", r"single\out_20161101-091005.log",
        r"hidden\out_20161101-091005.log", r"hard-link-dest\file-abc.log", r"zany\dir_file_one",
        r"zany\sample_file_one",
    )  # fmt: skip
    contents = {**dict.fromkeys(normal, "abcdefg1234567"), r"single\small.ps1": "a"}
    contents |= {r"date\new.ps1": "random text for new date", r"date\old.ps1": "random text for old date"}
    for name, text in contents.items():
        write_text(call, rf"{root}\{name}", text)
    set_content(call, rf"{root}\single\large.ps1", "abcdefghijklmnopqrstuvwxyz" * 10000)
    _share(call, "folder-share", rf"{root}\shared\folder")
    files.make_link(rf"{root}\nested\link", rf"{root}\link-dest", "SymbolicLink", True)
    files.make_link(rf"{root}\broken-link", rf"{root}\broken-link-dest", "SymbolicLink", True)
    files.make_link(
        rf"{root}\hard-link-dest\hard-link.log", rf"{root}\hard-link-dest\file-abc.log", "HardLink"
    )
    files.make_link(rf"{root}\junction-link", rf"{root}\junction-link-dest", "JunctionPoint", True)
    # `Get-Date` gives a local time.
    local = datetime(2016, 11, 1, 7, 10, 5, tzinfo=timezones.current_zone(host).rules)
    set_times(call, root, local.timestamp(), but=("new.ps1",))
    for name, attribute in (("hidden", "Hidden"), ("date", "Hidden"), (r"nested\archive.log", "Archive"),
                            (r"nested\sub-nest\readonly.txt", "ReadOnly"), (r"single\hidden.ps1", "Hidden")):  # fmt: skip
        add_attribute(call, rf"{root}\{name}", attribute)
    files.delete(rf"{root}\broken-link-dest", session=call.session, force=True)
    return ScriptResult()


def _share(call: ScriptCall, name: str, path: str) -> None:
    """`Win32_Share.Create` after `Delete` of one of the same name."""
    # `Win32_Share.Create` without `Access`: Everyone reads.
    call.host.files.shares[paths.fold(name)] = Share(name, path, access=("allow:read:S-1-1-0",))
    call.host.touch("files")


# The literals with the target's temporary folder, in the order of the text.
_STAT_FREE = (19, 21, 22, 23, 24, 25, 26, 27, 29, 30, 32)


def stat_tree(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_stat: a tree with dates, attributes, a share and links, and a folder for a user without rights."""
    files = call.host.files
    root, other = literals[10], r"C:\ansible\win_stat"
    folders = ("folder", "folder space", r"nested\nested", "shared", "hidden", "link-dest", "junction-dest")
    make_folders(call, root, folders)
    names = (
        r"nested\file.ps1", r"nested\hard-target.txt", r"nested\read-only.ps1", r"nested\archive.ps1",
        r"nested\hidden.ps1", r"nested\nested\file.ps1", r"folder space\file.ps1", r"link-dest\file.txt",
    )  # fmt: skip
    for name in names:
        write_text(call, rf"{root}\{name}", "abc")
    _share(call, "folder-share", literals[0])
    files.make_link(literals[1], literals[2], "SymbolicLink", True)
    files.make_link(literals[3], literals[4], "HardLink")
    files.make_link(literals[5], literals[6], "JunctionPoint", True)
    files.make_link(literals[7], r"..\..\link-dest", "SymbolicLink", True)
    files.make_link(literals[8], literals[9], "SymbolicLink", True)
    set_times(call, root, _MOMENT)
    for name, attribute in (("hidden", "Hidden"), (r"nested\read-only.ps1", "ReadOnly"),
                            (r"nested\archive.ps1", "Archive"), (r"nested\hidden.ps1", "Hidden")):  # fmt: skip
        add_attribute(call, rf"{root}\{name}", attribute)
    files.mkdir(other, session=call.session)
    files.mkdir(rf"{other}\link-dest", session=call.session)
    write_text(call, rf"{other}\file.ps1", "abc")
    files.make_link(rf"{other}\link", rf"{other}\link-dest", "SymbolicLink", True)
    set_times(call, other, _MOMENT)
    return ScriptResult()


form("1120182330ea320ae7d862a08177913be811b1942aac14a7389891f57e809f09", free=_STAT_FREE)(stat_tree)
