#!/usr/bin/env python3
"""Write the management agents of the lab: invented ones, in the shape of real exports.

The files are committed; this script is how they came about.

    inventories/lab/files/server-configuration/    MV.xml and MA-{GUID}.XML: imported on the empty server
    inventories/lab/files/management-agents/       what the long-running server holds
    winlab/src/winlab/media/sources/Contoso.Hr.xml the packaged management agent in the connector's set-up
"""

from __future__ import annotations

import argparse
from pathlib import Path

from management_agent_xml import (
    COMMON_BITS,
    PASSWORD,
    WARNING,
    ManagementAgent,
    Parameter,
    guid,
    import_flows,
    ma_config,
    ma_data,
    metaverse,
    wrapped,
)

REPOSITORY = Path(__file__).resolve().parent.parent

CONTOSO_HR = ManagementAgent(
    name="Contoso HR",
    object_type="user",
    anchor="employeeId",
    strings=(
        "accountName",
        "city",
        "costCentre",
        "department",
        "displayName",
        "givenName",
        "jobTitle",
        "mail",
        "mobile",
        "surname",
    ),
    unselected=("costCentre", "mobile"),
    dll="Contoso.Hr.Connector.dll",
    assembly_version="2.3.0.0",
    export_type=2,
    bits=COMMON_BITS,
    created="2024-03-11 08:14:02.113",
    modified="2024-03-11 09:41:37.480",
    version=3,
    subtype="Contoso HR (Contoso)",
    company="Contoso",
    description="Employees of the invented HR system",
    parameters=(
        Parameter("", "label", "connectivity", text="Where the HR service answers, and who asks."),
        Parameter(
            "Service address", "string", "connectivity", "https://hr.test.example/api", "", "^https://.+"
        ),
        Parameter("User name", "string", "connectivity", "svc-hr-sync"),
        Parameter("Password", "encrypted-string", "connectivity"),
        Parameter("", "divider", "connectivity"),
        Parameter("Country (ISO code)", "drop-down", "global", "DE", "", "AT,CH,DE", "DE"),
        Parameter("Include leavers", "checkbox", "global", "0", default="0"),
        Parameter("Only changes since: [days]", "string", "run-step", "", "", "^[0-9]*$"),
    ),
    export_flows=(("displayName", "displayName"), ("department", "department"), ("mail", "mail")),
    join=("employeeId", "employeeID"),
)

FABRIKAM_BADGES = ManagementAgent(
    name="Fabrikam Badges (plant & campus)",
    object_type="person",
    anchor="badgeNumber",
    strings=("colour", "firstName", "holder", "lastName", "site", "zone"),
    import_only=("lastSeen",),
    dll="Fabrikam.Badge.Connector.dll",
    assembly_version="3.0.2.0",
    export_type=3,
    bits=COMMON_BITS | PASSWORD,
    created="2017-06-19 13:02:48.017",
    modified="2023-11-02 16:20:09.650",
    version=41,
    description="Badges of both sites. Owner: plant security.",
    page_sizes=(250, 2500, 50, 500),
    parameters_ex=True,
    password=True,
    rules_extension="Adatum.Sync.Rules.dll",
    parameters=(
        Parameter("Badge server", "string", "connectivity", "badges.plant.test.example"),
        Parameter("Operator", "string", "connectivity", "mim-operator"),
        Parameter("Operator password", "encrypted-string", "connectivity"),
        Parameter("Second operator's password", "encrypted-string", "connectivity", None),
        Parameter("Zone plan", "drop-down", "schema", "Plant", "", "Campus,Plant", "Campus", 1),
        Parameter("Write audit trail?", "checkbox", "global", "1", default="1"),
        Parameter("Batch note", "text", "run-step", "nightly"),
    ),
    export_flows=(("firstName", "firstName"), ("lastName", "lastName"), ("zone", "badgeZone")),
    scripted_flows=(("holder", "displayName", "BadgeHolder"),),
    join=("holder", "accountName"),
    run_profiles=("Full Import", "Delta Synchronization", "Full Synchronization", "Export"),
)

DIRECTORY = guid(
    "CORP directory"
)  # another management agent of the long-running server; only its flows are seen


def packaged() -> str:
    """The packaged management agent behind an entry of the Create list: no name, no values."""
    whole = ma_data(CONTOSO_HR)
    schema = whole[whole.index(" <schema>") : whole.index(" <attribute-inclusion>")]
    config = ma_config(CONTOSO_HR)
    definitions = config[config.index("<parameter-definitions") : config.index("<parameter-values>")]
    extension = config[config.index("<file-type>") : config.index("<parameter-definitions")]
    return f"""<export-ma>
{WARNING}
<ma-data format="Packaged">
 <format-version>1</format-version>
 <internal-version>1</internal-version>
 <ma-companyname>Contoso</ma-companyname>
 <subtype>{CONTOSO_HR.subtype}</subtype>
 <ma-listname>{CONTOSO_HR.subtype}</ma-listname>
 <id>{guid("Contoso HR package")}</id>
 <category>Extensible2</category>
 <password-sync-allowed>0</password-sync-allowed>
{schema} <attribute-inclusion>
 </attribute-inclusion>
 <stay-disconnector />
 <join />
 <projection>
 </projection>
 <export-attribute-flow>
 </export-attribute-flow>
 <extension />
 <private-configuration>
  <MAConfig><importing></importing><exporting></exporting>{extension}{definitions}<parameter-values></parameter-values></MAConfig>
 </private-configuration>
 <ma-partition-data></ma-partition-data>
 <ma-run-data></ma-run-data>
 <export-type>{CONTOSO_HR.export_type}</export-type>
</ma-data>
</export-ma>
"""


def files() -> dict[str, str]:
    """All files, path below the repository to text with LF."""
    hr, badges = CONTOSO_HR, FABRIKAM_BADGES
    hr_flows = import_flows(
        [
            ("accountName", hr.id, "user", "accountName"),
            ("displayName", hr.id, "user", "displayName"),
            ("employeeID", hr.id, "user", "employeeId"),
        ],
        [hr.id],
    )
    badge_flows = import_flows(
        [
            ("accountName", DIRECTORY, "user", "sAMAccountName"),
            ("accountName", badges.id, "person", "holder"),
            ("badgeZone", badges.id, "person", "zone"),
            ("displayName", DIRECTORY, "user", "displayName"),
            ("firstName", DIRECTORY, "user", "givenName"),
            ("lastName", DIRECTORY, "user", "sn"),
        ],
        [DIRECTORY, badges.id],
    )
    lab = "inventories/lab/files"
    return {
        f"{lab}/server-configuration/MV.xml": wrapped(
            "saved-mv-configuration",
            "TEMPLATE01",
            "2024-03-11 09:43:10.297",
            metaverse(
                hr_flows,
                ["accountName", "department", "displayName", "employeeID", "mail", "givenName", "sn"],
            ),
        ),
        f"{lab}/server-configuration/MA-{hr.id}.XML": wrapped(
            "saved-ma-configuration", "TEMPLATE01", "2024-03-11 09:43:10.250", ma_data(hr)
        ),
        f"{lab}/management-agents/fabrikam-badges.export-ma.xml": wrapped(
            "export-ma",
            "MIM02",
            "2023-11-02 16:21:33.004",
            ma_data(badges),
            f"<mv-data>\n {badge_flows}\n</mv-data>",
        ),
        "winlab/src/winlab/media/sources/Contoso.Hr.xml": packaged(),
    }


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=REPOSITORY, help="folder to write below")
    options = parser.parse_args()
    for name, text in files().items():
        path = options.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("\n", "\r\n").encode("utf-8"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
