#!/usr/bin/env python3
"""Write the list of native modules that come with Windows, from the file list of Debian's package libwine.

    apt-get download libwine && dpkg -c libwine_*.deb > libwine.list
    python tools/build_windows_modules.py libwine.list

Wine names its libraries as Windows does. Left out here: wine's own, and those that redistributable packages
bring to Windows (Visual C++ runtimes, DirectX side libraries), because a host may lack them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "src/mim2ecma/assemblies/data/windows_modules.json"
NAME = re.compile(r"/x86_64-windows/([a-z0-9_.+-]+\.(?:dll|drv|ocx|cpl))$", re.MULTILINE)
NOT_WINDOWS = re.compile(
    r"wine|vulkan|opencl|unicows|wing32|ctl3d32|wpcap|d3dx|d3dcompiler_(?:33|34|35|36|37|38|39|40|41|42|43|46)|x3daudio|xactengine|xapofx"
    r"|xaudio2_[0-7]|xinput1_[123]|gamingtcui|dx8vb|msxml4|msnet32|svrapi|capi2032|ia2comproxy|threadpoolwinrt|cryptowinrt"
)
REDISTRIBUTABLE = re.compile(r"(?:atl|concrt|mfc|msvcm|msvcp|msvcr|vcomp|vcruntime|vccorlib)\d")
SYSTEM_RUNTIMES = {
    "msvcp60.dll",
    # C runtimes of .NET Framework's own, which code that was built with /clr may name.
    "msvcp120_clr0400.dll",
    "msvcp140_clr0400.dll",
    "msvcr100_clr0400.dll",
    "msvcr120_clr0400.dll",
    "ucrtbase_clr0400.dll",
    "vcruntime140_1_clr0400.dll",
    "vcruntime140_clr0400.dll",
}
# In Windows Server 2016 and later, not in wine's list: Active Directory, certificates, network management and
# runtime libraries that connectors call.
ADDED = (
    *(
        "activeds.dll",
        "bcryptprimitives.dll",
        "clr.dll",
        "clrjit.dll",
        "dsparse.dll",
        "dsrole.dll",
        "logoncli.dll",
        "mscorsvc.dll",
    ),
    *(
        "mscoreei.dll",
        "netjoin.dll",
        "profapi.dll",
        "samcli.dll",
        "samsrv.dll",
        "schedcli.dll",
        "sqlsrv32.dll",
        "wkscli.dll",
    ),
    *("wsmsvc.dll", "wsmauto.dll", "miutils.dll", "mimofcodec.dll"),
    *("browcli.dll", "certcli.dll", "clfsw32.dll", "credssp.dll", "dfscli.dll", "dhcpsapi.dll"),
    *("gpedit.dll", "nlaapi.dll", "ntlanman.dll", "ntmarta.dll", "tokenbinding.dll"),
)


def main() -> int:
    """Read the file list named on the command line and write the data file."""
    names = (
        set(NAME.findall(Path(sys.argv[1]).read_text(encoding="utf-8").casefold()))
        | set(ADDED)
        | SYSTEM_RUNTIMES
    )
    modules = sorted(
        name
        for name in names
        if not NOT_WINDOWS.search(name) and (name in SYSTEM_RUNTIMES or not REDISTRIBUTABLE.match(name))
    )
    content = {
        "origin": (
            "tools/build_windows_modules.py: names of Debian package libwine 8.0 without its own, completed "
            "there"
        ),
        "prefixes": ["api-ms-win-", "ext-ms-win-"],
        "redistributable": REDISTRIBUTABLE.pattern,
        "modules": modules,
    }
    TARGET.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(modules)} modules")
    return 0


if __name__ == "__main__":
    sys.exit(main())
