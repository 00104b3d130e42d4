"""The shape of management agents in real exports, filled with invented ones.

Order and set of children, the single-line schema and MAConfig, blank lines and quotes are those of the product; the
facts are in domain/ma_xml.md 2 to 10. Called by `build_management_agents.py`.
"""
# ruff: noqa: E501 -- what the product writes on one line stands on one line here

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

STRING_SYNTAX = "1.3.6.1.4.1.1466.115.121.1.15"
NAMESPACE = uuid.UUID("8d9f3b52-6d3c-4f0e-9a1d-5a0b6f1c2e77")  # ours; makes the GUIDs the same each time

WARNING = """<!--WARNING>
!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!
!!
!! The contents of this file should not be edited.
!! Any such modifications to this file may result in errors during import.
!!
!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!
</WARNING-->"""

# Bits of domain/ma_xml.md 8.
NO_HIERARCHY, GENERIC_DN, PASSWORD, CONCURRENT = 0x8, 0x30, 0x800, 0x8000
BASELINE, SCHEMA_DISCOVERY, NO_PARTITIONS, NORMALISED_DN = 0x20000, 0x40000, 0x01000000, 0x80000000
IMMEDIATE_CONFIRMATION = 0x1  # only in the engine's mask
COMMON_BITS = (
    NO_HIERARCHY | GENERIC_DN | CONCURRENT | BASELINE | SCHEMA_DISCOVERY | NO_PARTITIONS | NORMALISED_DN
)


def guid(what: str) -> str:
    """A GUID in the product's spelling that depends on `what` alone."""
    return "{" + str(uuid.uuid5(NAMESPACE, what)).upper() + "}"


@dataclass(frozen=True)
class Parameter:
    """A connector parameter: definition and value (None: never filled in, so absent from the values)."""

    name: str
    type: str
    use: str
    value: str | None = ""
    text: str = ""
    validation: str = ""
    default: str = ""
    page: int | None = None


@dataclass(frozen=True)
class ManagementAgent:
    """One management agent."""

    name: str
    object_type: str
    anchor: str
    strings: tuple[str, ...]
    dll: str
    assembly_version: str
    export_type: int
    bits: int
    created: str
    modified: str
    version: int
    parameters: tuple[Parameter, ...]
    import_only: tuple[str, ...] = ()
    unselected: tuple[str, ...] = ()
    subtype: str = ""
    company: str = ""
    description: str = ""
    page_sizes: tuple[int, int, int, int] = (500, 5000, 100, 1000)
    parameters_ex: bool = False
    password: bool = False
    rules_extension: str = ""
    export_flows: tuple[tuple[str, str], ...] = ()
    scripted_flows: tuple[tuple[str, str, str], ...] = ()
    join: tuple[str, str] | None = None
    run_profiles: tuple[str, ...] = ("Full Import", "Full Synchronization", "Export")
    key: str = field(default="", kw_only=True)

    @property
    def id(self) -> str:
        """The management agent's GUID."""
        return guid(self.key or self.name)

    @property
    def attributes(self) -> tuple[str, ...]:
        """All attributes of the schema in the order the connector names them."""
        return (*self.strings, *self.import_only, self.anchor)

    @property
    def selected(self) -> list[str]:
        """What the administrator has ticked."""
        return sorted([a for a in self.attributes if a not in self.unselected] + ["export_password"])


def dsml(agent: ManagementAgent) -> str:
    """The connector's schema, on one line as the engine writes it."""

    def reference(name: str) -> str:
        anchor = str(name == agent.anchor).lower()
        tail = ' ms-dsml:allowedOperation="ImportOnly"' if name in agent.import_only else ""
        return f'<dsml:attribute ref="#{name}" required="{anchor}" ms-dsml:isAnchor="{anchor}"{tail} />'

    def attribute_type(name: str, flags: str = "") -> str:
        return (
            f'<dsml:attribute-type id="{name}" single-value="true"{flags}><dsml:name>{name}</dsml:name>'
            f"<dsml:syntax>{STRING_SYNTAX}</dsml:syntax></dsml:attribute-type>"
        )

    immutable = ' ms-dsml:immutable="true"'
    types = "".join(
        attribute_type(name, immutable if name == agent.anchor or name in agent.import_only else "")
        for name in agent.attributes
    )
    types += attribute_type("export_password", ' ms-dsml:encrypted="true" ms-dsml:export-only="true"')
    references = "".join(map(reference, agent.attributes))
    return (
        '<dsml:dsml xmlns:ms-dsml="http://www.microsoft.com/MMS/DSML" xmlns:dsml="http://www.dsml.org/DSML">'
        '<dsml:directory-schema ms-dsml:no-objectclass-validation="true">'
        f'<dsml:class id="{agent.object_type}" type="structural" ms-dsml:locked="1"><dsml:name>{agent.object_type}</dsml:name>'
        f'{references}<dsml:attribute ref="#export_password" required="false" /></dsml:class>{types}'
        "</dsml:directory-schema></dsml:dsml>"
    )


def element(name: str, text: object = "", attributes: str = "") -> str:
    """An element with text; never the self-closing form, as in MAConfig."""
    return f"<{name}{attributes}>{escape(str(text))}</{name}>"


def definition(parameter: Parameter) -> str:
    """One entry of `parameter-definitions`."""
    page = element("page-number", parameter.page) if parameter.page is not None else ""
    tail = element("dropdown-extensible", 0) if parameter.type == "drop-down" else ""
    return (
        "<parameter>"
        + element("name", parameter.name)
        + element("use", parameter.use)
        + page
        + element("type", parameter.type)
        + element("validation", parameter.validation)
        + element("text", parameter.text)
        + element("default-value", parameter.default)
        + tail
        + "</parameter>"
    )


def value(parameter: Parameter) -> str:
    """One entry of `parameter-values`; an encrypted value never leaves the server."""
    flags = f' name="{escape(parameter.name)}" type="{parameter.type}" use="{parameter.use}"'
    if parameter.page is not None:
        flags += f' page-number="{parameter.page}"'
    if parameter.type == "encrypted-string":
        return element("parameter", "", flags + ' encrypted="1"')
    return element("parameter", parameter.value or "", flags)


def ma_config(agent: ManagementAgent) -> str:
    """`private-configuration/MAConfig`, on one line."""
    kind, owner = agent.object_type, ' data-owner="ISV"'
    names = [*agent.attributes, "export_password"]
    listed = "".join(element("attribute", name) for name in names)
    mandatory = "".join(
        element("attribute", name, f' mandatory="{-1 if name == agent.anchor else 0}"') for name in names
    )
    described = "".join(
        f'<attribute cd_name="{name}" sample_data="" binary="0" multi_valued="0" file_reference="0" '
        f'selected="{-1 if name in agent.selected else 0}" lower_bound="" upper_bound="" type="String" user_define="0" />'
        for name in sorted(names)
    )
    anchor = f'<anchor><attribute object_class="{kind}">{agent.anchor}</attribute></anchor>'
    wizard = (
        "<ui-data><xmlwizard><properties><sample_file></sample_file><code_page_description></code_page_description></properties>"
        f'<partitions><partition cd_name="default" guid="{guid(agent.name + "/ui partition")}" version="0">'
        f"<object_class>{kind}</object_class></partition></partitions><primary_class_mappings>"
        f'<mapping object_class="{kind}" primary_class="{kind}" user_define="0">{listed}</mapping></primary_class_mappings>'
        f'<object_classes><object_class cd_name="{kind}" selected="-1" user_define="0" configured="-1" anchor="" dn_as_anchor="0">'
        f"{mandatory}</object_class></object_classes><attributes>{described}</attributes>{anchor}</xmlwizard></ui-data>"
    )
    importing = (
        f"<importing>{anchor}<per-class-settings><class><name>{kind}</name><anchor><attribute>{agent.anchor}</attribute></anchor>"
        "</class></per-class-settings></importing><exporting></exporting><ldap-dn>0</ldap-dn>"
        "<change_type_attribute></change_type_attribute><add_change_type_value>Add</add_change_type_value>"
        "<modify_change_type_value>Modify</modify_change_type_value><delete_change_type_value>Delete</delete_change_type_value>"
        f"<primary_class_mappings><mapping><primary_class>{kind}</primary_class><oc-value>{kind}</oc-value></mapping>"
        "</primary_class_mappings><enable-unapplied-merge>0</enable-unapplied-merge>"
    )
    enabled = "1" if agent.password else ""
    password = (
        "<password-extension-config><password-extension-enabled>0</password-extension-enabled>"
        + element("dll", "", owner)
        + f"<password-set-enabled>{enabled}</password-set-enabled><password-change-enabled>{enabled}</password-change-enabled>"
        "<connection-info><connect-to></connect-to><user></user></connection-info><timeout>0</timeout></password-extension-config>"
    )
    sizes = agent.page_sizes
    extension = (
        "<file-type>Extensible2</file-type><extension-config>"
        + element("filename", agent.dll, owner)
        + element("import-default-page-size", sizes[0])
        + element("import-max-page-size", sizes[1])
        + element("export-default-page-size", sizes[2])
        + element("export-max-page-size", sizes[3])
        + element("export-mode", "call-based", owner)
        + element("import-mode", "call-based")
        + element("export-enabled", 1, owner)
        + element("import-enabled", 1, owner)
        + element("capability-bits", agent.bits)
        + element("export-type", agent.export_type)
        + "<discovery-partition></discovery-partition><discovery-schema>extensibility</discovery-schema>"
        "<discovery-hierarchy></discovery-hierarchy>"
        + element("password-management-enabled", enabled)
        + element("assembly-version", agent.assembly_version)
        + element("supports-parameters-ex", int(agent.parameters_ex))
        + "</extension-config>"
    )
    definitions = (
        '<parameter-definitions refreshSchema="0" refreshPartition="0" refreshConnectivityParameters="0" '
        'refreshGlobalParameters="0" refreshOtherParameters="0" refreshSchemaParameters="0" refreshCapabilitiesParameters="0">'
        + "".join(map(definition, agent.parameters))
        + "</parameter-definitions>"
    )
    held = [p for p in agent.parameters if p.value is not None and p.type not in ("label", "divider")]
    secrets_first = sorted(held, key=lambda p: p.type != "encrypted-string")
    values = "<parameter-values>" + "".join(
        value(p) for p in secrets_first if p.use not in ("run-step", "partition")
    )
    visible = "".join(element("attribute", name) for name in (agent.anchor, *agent.attributes[:-1]))
    return (
        f"<MAConfig>{wizard}{importing}{password}{extension}{definitions}{values}</parameter-values>"
        f"<default_visible_attributes>{visible}</default_visible_attributes>"
        "<case_normalize_dn_for_anchor>1</case_normalize_dn_for_anchor></MAConfig>"
    )


def rules(agent: ManagementAgent) -> str:
    """Join, projection and flows: rules of the synchronization engine, none of which a connector host knows."""
    kind = agent.object_type
    if agent.join:
        attribute, mv_attribute = agent.join
        join = f""" <join>
 <join-profile cd-object-type="{kind}">
  <join-criterion join-cri-type="none" id="{guid(agent.name + "/join")}">
   <search mv-object-type="person">
    <attribute-mapping mv-attribute="{mv_attribute}">
     <direct-mapping>
      <src-attribute>{attribute}</src-attribute>
     </direct-mapping>
    </attribute-mapping>
   </search>
   <resolution type="none">
    <script-context></script-context>
   </resolution>
  </join-criterion>
 </join-profile>
</join>"""
    else:
        join = " <join />"
    projection = (
        f' <projection><class-mapping type="declared" id="{guid(agent.name + "/projection")}" cd-object-type="{kind}">'
        "<mv-object-type>person</mv-object-type></class-mapping></projection>"
    )
    flows = "".join(
        f"""  <export-flow cd-attribute="{attribute}" id="{guid(f"{agent.name}/export/{attribute}")}" suppress-deletions="false">
   <direct-mapping>
    <src-attribute>{source}</src-attribute>
   </direct-mapping>
  </export-flow>
"""
        for attribute, source in agent.export_flows
    ) + "".join(
        f"""  <export-flow cd-attribute="{attribute}" id="{guid(f"{agent.name}/export/{attribute}")}" suppress-deletions="true">
   <scripted-mapping>
    <src-attribute>{source}</src-attribute>
    <script-context>{context}</script-context>
   </scripted-mapping>
  </export-flow>
"""
        for attribute, source, context in agent.scripted_flows
    )
    export = (
        f""" <export-attribute-flow>
 <export-flow-set cd-object-type="{kind}" mv-object-type="person">
{flows} </export-flow-set>
</export-attribute-flow>"""
        if flows
        else " <export-attribute-flow />"
    )
    return f"{join}\n{projection}\n{export}"


def partition(agent: ManagementAgent) -> str:
    """The one partition, selected, of a connector without partition support."""
    kind = agent.object_type
    return f""" <ma-partition-data>
 <partition>
  <id>{guid(agent.name + "/partition")}</id>
  <name>default</name>
  <creation-time>{agent.created}</creation-time>
  <last-modification-time>{agent.modified}</last-modification-time>
  <version>{agent.version}</version>
  <selected>1</selected>
  <filter>
   <object-classes>
    <object-class>{kind}</object-class>
   </object-classes>
   <containers>
    <exclusions/>
    <inclusions>
     <inclusion></inclusion>
    </inclusions>
   </containers>
  </filter>
  <custom-data>
   <ecma-partition-data><dn>default</dn><name>default</name><is-domain>1</is-domain></ecma-partition-data>
  </custom-data>
  <allowed-operations>1073741854</allowed-operations>
  <current>
   <batch-number>{agent.version + 1}</batch-number>
   <sequence-number>0</sequence-number>
  </current>
  <last-successful-batch>{agent.version}</last-successful-batch>
  <filter-hints>
   <object-classes>
    <object-class>
     <name>{kind}</name>
     <hierarchy>
      <object-class>{kind}</object-class>
     </hierarchy>
     <included>1</included>
    </object-class>
   </object-classes>
  </filter-hints>
 </partition>
</ma-partition-data>"""


STEPS = {
    "Full Import": ('<step-type type="full-import"><import-subtype>to-cs</import-subtype></step-type>', 0),
    "Full Synchronization": (
        '<step-type type="apply-rules"><apply-rules-subtype>reevaluate-flow-connectors</apply-rules-subtype></step-type>',
        None,
    ),
    "Delta Synchronization": (
        '<step-type type="apply-rules"><apply-rules-subtype>apply-pending</apply-rules-subtype></step-type>',
        None,
    ),
    "Export": ('<step-type type="export"></step-type>', 2),
}


def run_profiles(agent: ManagementAgent) -> str:
    """Run profiles with their page sizes and run-step parameters."""
    text = " <ma-run-data>\n"
    for name in agent.run_profiles:
        step, size_index = STEPS[name]
        size = 1 if size_index is None else agent.page_sizes[size_index]
        timeout = "" if size_index is None else "<timeout>0</timeout>"
        values = "".join(value(p) for p in agent.parameters if p.use == "run-step" and p.value is not None)
        text += f""" <run-configuration>
  <id>{guid(f"{agent.name}/run/{name}")}</id>
  <name>{name}</name>
  <creation-time>{agent.created}</creation-time>
  <version>1</version>
  <last-modification-time>{agent.created}</last-modification-time>
  <configuration><step>{step}<threshold><batch-size>{size}</batch-size></threshold><partition>{guid(agent.name + "/partition")}</partition><custom-data><extensible2-step-data>{timeout}<batch-size>{0 if size_index is None else size}</batch-size></extensible2-step-data><parameter-values>{values}</parameter-values></custom-data></step></configuration>
 </run-configuration>
"""
    return text + "</ma-run-data>"


def ma_data(agent: ManagementAgent) -> str:
    """The element `ma-data` as server and single exports share it."""
    extension = (
        f""" <extension>
  <assembly-name>{agent.rules_extension}</assembly-name>
  <application-protection>low</application-protection>
 </extension>"""
        if agent.rules_extension
        else " <extension />"
    )
    inclusion = "".join(element("attribute", name) for name in agent.selected)
    return f"""<ma-data>
 <format-version>1</format-version>
 <id>{agent.id}</id>
 <name>{escape(agent.name)}</name>
 <category>Extensible2</category>
 <subtype>{escape(agent.subtype)}</subtype>
 <ma-listname>{escape(agent.subtype)}</ma-listname>
 <ma-companyname>{escape(agent.company)}</ma-companyname>
 <creation-time>{agent.created}</creation-time>
 <last-modification-time>{agent.modified}</last-modification-time>
 <version>{agent.version}</version>
 <internal-version>{1 if agent.subtype else 0}</internal-version>
 <password-sync-allowed>0</password-sync-allowed>
 <schema>
  {dsml(agent)}
 </schema>
 <attribute-inclusion>{inclusion}</attribute-inclusion>
 <stay-disconnector />
{rules(agent)}
 <provisioning-cleanup type="declared"><action>make-normal-disconnector</action></provisioning-cleanup>
{extension}
 <controller-configuration>
 <application-protection>low</application-protection>
 <application-architecture>process</application-architecture>
</controller-configuration>

 <description>{escape(agent.description)}</description>
 <ma-ui-settings><account-joiner-queries><attributes></attributes><filters max_mv_search_results=""></filters></account-joiner-queries></ma-ui-settings>
 <private-configuration>
  {ma_config(agent)}
 </private-configuration>
 <SyncConfig-refresh-schema>0</SyncConfig-refresh-schema>
{partition(agent)}

{run_profiles(agent)}

 <capabilities-mask>{agent.bits | IMMEDIATE_CONFIRMATION:x}</capabilities-mask>
 <export-type>{agent.export_type}</export-type>
 <dn-construction/>
 <password-sync><maximum-retry-count>10</maximum-retry-count><retry-interval>60</retry-interval><allow-low-security>0</allow-low-security><unlock-account>0</unlock-account></password-sync>
 <component_mappings />
</ma-data>"""


def import_flows(flows: Iterable[tuple[str, str, str, str]], agents: Iterable[str]) -> str:
    """All import flows of a server, on one line.

    Args:
        flows: metaverse attribute, management agent GUID, its object type, its attribute.
        agents: GUIDs of all management agents of the server.
    """
    text = '<import-attribute-flow><import-flow-set mv-object-type="person">'
    grouped: dict[str, list[tuple[str, str, str]]] = {}
    for mv_attribute, agent, kind, attribute in flows:
        grouped.setdefault(mv_attribute, []).append((agent, kind, attribute))
    for mv_attribute, sources in grouped.items():
        text += f'<import-flows mv-attribute="{mv_attribute}" type="ranked">'
        for agent, kind, attribute in sources:
            text += (
                f'<import-flow src-ma="{agent}" cd-object-type="{kind}" id="{guid(f"{agent}/{mv_attribute}")}">'
                f"<direct-mapping><src-attribute>{attribute}</src-attribute></direct-mapping></import-flow>"
            )
        text += "</import-flows>"
    text += "</import-flow-set><per-ma-options>"
    for agent in agents:
        text += f'<ma-options ma-id="{agent}"><enable-recall>true</enable-recall></ma-options>'
    return text + "</per-ma-options></import-attribute-flow>"


def metaverse(flows: str, attributes: Iterable[str]) -> str:
    """The element `mv-data` of a server export's MV.xml."""
    names = sorted(set(attributes))
    references = "".join(f'<dsml:attribute ref="#{name}" required="false" />' for name in names)
    types = "".join(
        f'<dsml:attribute-type id="{name}" single-value="true" ms-dsml:indexable="true"><dsml:name>{name}</dsml:name>'
        f"<dsml:syntax>{STRING_SYNTAX}</dsml:syntax></dsml:attribute-type>"
        for name in names
    )
    return f"""<mv-data>
 <format-version>1</format-version>
 <version>3</version>
 <schema>
  <dsml:dsml xmlns:dsml="http://www.dsml.org/DSML" xmlns:ms-dsml="http://www.microsoft.com/MMS/DSML"><dsml:directory-schema><dsml:class id="person" type="structural"><dsml:name>person</dsml:name>{references}</dsml:class>{types}</dsml:directory-schema></dsml:dsml>
 </schema>
 {flows}
 <provisioning type="none" />
 <mv-deletion />
 <extension />
 <password-change-history-size>24</password-change-history-size>
 <password-sync>
  <password-sync-enabled>0</password-sync-enabled>
 </password-sync>
</mv-data>"""


def wrapped(root: str, server: str, date: str, *content: str) -> str:
    """A whole file with its root; blank lines as the product writes them."""
    return (
        f"<{root} server='{server}' export-date='{date}'>\n{WARNING}\n"
        + "\n\n".join(content)
        + f"\n\n</{root}>\n"
    )
