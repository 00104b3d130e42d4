r"""The configuration wizard of the ECMA Connector Host, run by an operator who has an answer sheet.

On a real host a person does this at the screen; there is no documented way without (domain/ecma_host.md 0.1).
`run` is that person: it types what the sheet says and stops where the wizard would. Sources:
domain/ecma_host.md 1.2 (run elevated; that run makes the event log), 1.5 (port, certificate), 2.1 (pages,
fields, limits), 3.1 (the file), 3.2 (copies in `Cache`), 4 (what a connector must satisfy). Assumed: 120 as
the smallest timer (2021 text), two years' validity of a generated certificate (documents; five have been
seen), that a DLL is checked for being there only, the words in `DeprovisioningModel` besides those of the
sample.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from winlab.errors import NotModelled, Win32Error, WinlabError
from winlab.host import certificate_store
from winlab.products import ecma_configuration, ecma_host, ecma_scim, ecma_source
from winlab.products.ecma_configuration import Connector, SelectedAttribute
from winlab.products.mim_configuration import ConfigurationError
from winlab.products.operator_answers import Answers, as_text

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

WIZARD = rf"{ecma_host.HOST_FOLDER}\Wizard\Microsoft.ECMA2Host.ConfigWizard.exe"
START, SETTINGS, PROPERTIES = "Start", "Settings", "Properties"
NEW_CONNECTOR = "New connector"
DEFAULT_PORT = 8585
SHORTEST_TOKEN = 12
SHORTEST_TIMER = DEFAULT_TIMER = 120
GENERATE = "generate certificate"
_VALIDITY = timedelta(days=2 * 365)
_KEY_BITS = 2048
_HIGHEST_PORT = 65535
# The name is a segment of the URL (domain/ecma_host.md 2.1) and a folder's name below Cache.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
_BAD_IN_ATTRIBUTES = re.compile(r"[.\[]")  # domain/ecma_host.md 4
# Where a parameter is asked for, by its use (domain/ecma_host.md 2.1); schema pages are numbered.
_PAGES = {
    "connectivity": ("Connectivity",),
    "capabilities": ("Capabilities",),
    "global": ("Global",),
    "partition": ("Partitions",),
    "run-step": ("Export", "Full import", "Delta import"),
}
_RUNS = (("Export", "Export"), ("FullImport", "Full import"), ("DeltaImport", "Delta import"))
_FLOWS = {"none": "None", "delete": "TreatAsHard", "": "None"}


@dataclass(frozen=True)
class WizardResult:
    """What the operator has made.

    Attributes:
        name: of the connector.
        url: of its SCIM endpoint, as the portal wants it.
        port: of the host.
        thumbprint: of the certificate.
        generated: whether the wizard made that certificate.
        files: what was written on the host.
        ignored: what stands on the sheet and has no field in the wizard.
        restart_needed: whether the service must be (re)started before the endpoint answers.
    """

    name: str
    url: str
    port: int
    thumbprint: str
    generated: bool
    files: tuple[str, ...]
    ignored: tuple[str, ...]
    restart_needed: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


def run(host: Host, session: Session, answers: Answers, xml: str = "") -> WizardResult:
    """Create a connector as the sheet says.

    Args:
        host: the host.
        session: the operator's logon.
        answers: the sheet, with the secrets that the operator types.
        xml: path on the host of the file that MIM exported; else the sheet's field `Start: New connector`.

    Raises:
        WinlabError: the wizard would not go on; nothing is written then.
        NotModelled: an answer that winlab has no imitation for.
    """
    with host.lock:
        operator = _Operator(host, session, answers)
        process = host.processes.start(WIZARD, f'"{WIZARD}"', session.account, session.logon_id)
        try:
            return operator.work(xml)
        finally:
            host.processes.end(process.pid, 0)
            host.save()


class _Operator:
    def __init__(self, host: Host, session: Session, answers: Answers) -> None:
        self._host = host
        self._session = session
        self._answers = answers
        state = host.products.get(ecma_host.STATE)
        if state is None or not host.files.is_file(WIZARD):
            raise self._stop("wizard", "not installed", "the ECMA Connector Host", "Run its set-up first")
        if not session.is_admin:
            raise self._stop("wizard", f"run by {session.account} without elevation", "an elevated run",
                             "Run it as administrator")  # fmt: skip
        self._state: dict[str, Any] = state

    def _stop(self, where: str, found: str, expected: str, step: str) -> WinlabError:
        return WinlabError(f"{self._host.name}: {where}: {found}; expected {expected}. {step}.")

    def work(self, xml: str) -> WizardResult:
        # An elevated start makes the event log, whatever comes of it.
        self._host.events.create_log(ecma_scim.LOG, (ecma_scim.SOURCE, "ConnectorsLog"))
        before = self._present()
        port = self._port(before)
        source = self._source(xml)
        connector = self._connector(source, before)
        thumbprint = self._certificate(before)
        generated = not thumbprint
        ignored = tuple(item for item in self._answers.unused() if not item.lower().startswith("portal"))
        # From here on things are written.
        if generated:
            thumbprint = self._generate()
        now = self._host.clock.utc()
        try:
            data = ecma_configuration.write(self._file(), connector, port, thumbprint, now)
        except ValueError as error:
            raise self._stop(
                self._answers.source, str(error), "text that XML can hold", "Correct it"
            ) from error
        self._host.files.write_bytes(ecma_host.CONFIGURATION, data, session=self._session, force=True)
        self._state["connectors"].append({"name": connector.name, "library": connector.library})
        self._host.touch("host")
        copies = ecma_host.copy_to_cache(self._host, self._session, ecma_host.ECMA_FOLDER, connector.name)
        self._host.events.write(
            ecma_scim.LOG, ecma_scim.SOURCE, 0, "information", f"Connector {connector.name} was created."
        )
        return WizardResult(
            name=connector.name,
            url=f"https://localhost:{port}/ecma2host_{connector.name}/scim",
            port=port,
            thumbprint=thumbprint,
            generated=generated,
            files=(ecma_host.CONFIGURATION, *copies),
            ignored=ignored,
        )

    def _file(self) -> bytes:
        files = self._host.files
        return files.read_bytes(ecma_host.CONFIGURATION) if files.is_file(ecma_host.CONFIGURATION) else b""

    def _present(self) -> ecma_configuration.Loaded | None:
        data = self._file()
        try:
            return ecma_configuration.read(data) if data else None
        except ConfigurationError as error:
            raise self._stop(
                ecma_host.CONFIGURATION, str(error), "the host's configuration", "Restore it from a backup"
            ) from error

    # The pages, in the wizard's order -----------------------------------------------------------------

    def _port(self, before: ecma_configuration.Loaded | None) -> int:
        text = self._answers.text(SETTINGS, "Port")
        present = before.port if before else DEFAULT_PORT
        port = int(text) if text.isascii() and text.isdigit() else (0 if text else present)
        where = f"{SETTINGS}: Port"
        if not 0 < port <= _HIGHEST_PORT:
            raise self._stop(where, repr(text), f"1 to {_HIGHEST_PORT}", "Correct the sheet")
        if before is not None and port != before.port:
            raise self._stop(
                where, str(port), f"{before.port}, which was set at the first run", "Correct the sheet"
            )
        holder = self._host.ports.all().get(port)
        if holder is not None and holder != self._host.services.holder(ecma_host.SERVICE):
            raise self._stop(where, f"{port} is in use by {holder}", "a free port", "Choose another")
        return port

    def _certificate(self, before: ecma_configuration.Loaded | None) -> str:
        r"""The thumbprint of the one to use; empty to generate one."""
        text = self._answers.text(SETTINGS, "Certificate").strip()
        if not text and before is not None:
            text = before.thumbprint
        if not text or text.lower() == GENERATE:
            return ""
        where = f"{SETTINGS}: Certificate"
        found = certificate_store.get(self._host, certificate_store.MY, text)
        if found is None or not certificate_store.private_key(self._host, found):
            raise self._stop(
                where, text, r"a certificate with its private key in LocalMachine\My", "Import it first"
            )
        if found.expires <= self._host.clock.utc():
            raise self._stop(
                where, f"{text} expired on {found.expires:%Y-%m-%d}", "a valid one", "Choose another"
            )
        return found.thumbprint

    def _generate(self) -> str:
        """What the button does: every click leaves one more in both stores (domain/ecma_host.md 1.5)."""
        name = self._host.computer_name
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = self._host.clock.utc()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=10))
            .not_valid_after(now + _VALIDITY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(key, hashes.SHA256())
        )
        der = certificate.public_bytes(serialization.Encoding.DER)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stored = certificate_store.add(self._host, certificate_store.MY, der, private)
        certificate_store.add(self._host, certificate_store.ROOT, der)
        return stored.thumbprint

    def _source(self, xml: str) -> ecma_source.Source:
        path = xml or self._answers.text(START, NEW_CONNECTOR)
        if not path:
            raise self._stop(
                f"{START}: {NEW_CONNECTOR}",
                "nothing",
                "the path of the XML on the host",
                "Add it, or pass --xml",
            )
        self._answers.field(START, NEW_CONNECTOR)
        try:
            return ecma_source.read(self._host.files.read_bytes(path, self._session))
        except Win32Error as error:
            raise self._stop(path, error.message, "the XML that MIM exported", "Stage it first") from error
        except ConfigurationError as error:
            raise self._stop(
                path, str(error), "a configured ECMA 2 management agent, root export-ma", "Export it again"
            ) from error

    def _connector(self, source: ecma_source.Source, before: ecma_configuration.Loaded | None) -> Connector:
        name = self._name(before)
        target, attributes, anchor, dn, autogenerated = self._object_type(source)
        hard, soft = self._deprovisioning()
        return Connector(
            name=name,
            token=self._token(),
            autosync_minutes=self._timer(),
            library=self._library(source),
            parameters=tuple(self._parameter(item) for item in source.parameters),
            runs=self._runs(source),
            object_type=target,
            anchor=anchor,
            dn=dn,
            dn_autogenerated=autogenerated,
            attributes=attributes,
            hard_delete=hard,
            soft_delete=soft,
            partition=source.partition,
        )

    def _name(self, before: ecma_configuration.Loaded | None) -> str:
        name = self._answers.text(PROPERTIES, "Name")
        where = f"{PROPERTIES}: Name"
        if not _NAME.fullmatch(name) or name.endswith((" ", ".")):
            raise self._stop(
                where, repr(name), "letters, digits, blanks, '.', '_' and '-'", "Correct the sheet"
            )
        taken = {item.name.lower() for item in before.connectors} if before else set()
        if name.lower() in taken:
            raise self._stop(where, f"{name} exists", "a name of its own", "Choose another")
        return name

    def _token(self) -> str:
        token = self._answers.text(PROPERTIES, "Secret token")
        # The token itself is never shown.
        if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise self._stop(
                f"{PROPERTIES}: Secret token",
                f"{len(token)} characters" if token else "nothing typed",
                f"at least {SHORTEST_TOKEN} ASCII characters without blanks",
                "Type it with --secret 'Properties/Secret token=NAME'",
            )
        return token

    def _timer(self) -> int:
        text = self._answers.text(PROPERTIES, "Autosync timer") or str(DEFAULT_TIMER)
        if not text.isascii() or not text.isdigit() or int(text) < SHORTEST_TIMER:
            raise self._stop(
                f"{PROPERTIES}: Autosync timer",
                text,
                f"minutes, {SHORTEST_TIMER} at least",
                "Correct the sheet",
            )
        return int(text)

    def _library(self, source: ecma_source.Source) -> str:
        self._answers.field(PROPERTIES, "Description")
        dll = self._answers.text(PROPERTIES, "Extension DLL") or source.dll
        folder = ecma_host.ECMA_FOLDER
        names = {item.lower(): item for item in self._host.files.listdir(folder)} if dll else {}
        if dll.lower() not in names or not dll.lower().endswith(".dll"):
            raise self._stop(
                f"{PROPERTIES}: Extension DLL",
                dll or "nothing",
                f"one of the DLLs in {folder}",
                "Stage it first",
            )
        return names[dll.lower()][: -len(".dll")]

    def _parameter(self, item: ecma_source.Parameter) -> ecma_source.Parameter:
        pages = (f"Schema {item.page}",) if item.use == "schema" else _PAGES.get(item.use, ())
        for page in pages:
            found = self._answers.parameter(page, item.name)
            if found is not None and found.get("value") is not None:
                return replace(item, value=as_text(found["value"]))
        if item.encrypted and item.use != "run-step":
            raise self._stop(
                f"{pages[0] if pages else item.use}: {item.name}",
                "nothing typed",
                "the value, which no export carries",
                f"Type it with --secret '{pages[0] if pages else item.use}/{item.name}=NAME'",
            )
        return item

    def _runs(self, source: ecma_source.Source) -> tuple[str, ...]:
        page = "Run profiles"
        ticked = tuple(
            name
            for name, field in _RUNS
            if self._answers.ticked(page, field, default=name == "Export" and source.export_enabled)
        )
        if "Export" not in ticked or not source.export_enabled:
            raise self._stop(f"{page}: Export", "off", "on, and a connector that exports", "Tick it")
        if len(ticked) > 1 and not source.import_enabled:
            raise self._stop(page, ", ".join(ticked[1:]), "no import: the connector has none", "Untick it")
        if "DeltaImport" in ticked and "FullImport" not in ticked:
            raise self._stop(
                f"{page}: Delta import", "on", "a full import as its base", "Tick Full import too"
            )
        return ticked

    def _object_type(
        self, source: ecma_source.Source
    ) -> tuple[str, tuple[SelectedAttribute, ...], str, str, bool]:
        page = "Object types"
        target = self._answers.text(page, "Target object")
        if target not in source.classes:
            raise self._stop(f"{page}: Target object", target or "nothing",
                             f"one of {', '.join(sorted(source.classes))}", "Correct the sheet")  # fmt: skip
        known = {item.name: item for item in source.classes[target]}
        anchor = self._answers.text(page, "Anchor")
        dn = self._answers.text(page, "DN") or anchor
        self._answers.field(page, "Query attribute")
        autogenerated = self._answers.ticked(page, "Autogenerated")
        chosen = self._selected(known)
        names = {row.attribute.name for row in chosen}
        for field, name in (("Anchor", anchor), ("DN", dn)):
            if name not in known and not (field == "DN" and name == "-dn-"):
                raise self._stop(
                    f"{page}: {field}", name or "nothing", f"an attribute of {target}", "Correct the sheet"
                )
        if known[anchor].multivalued:
            raise self._stop(
                f"{page}: Anchor", f"{anchor} has several values", "a single one", "Choose another"
            )
        # The wizard adds the anchor by itself: it stands among the attributes of the sample.
        rows = chosen if anchor in names else (SelectedAttribute(known[anchor]), *chosen)
        return target, rows, anchor, dn, autogenerated

    def _selected(self, known: Mapping[str, ecma_source.Attribute]) -> tuple[SelectedAttribute, ...]:
        page = "Select attributes"
        rows = []
        for entry in self._answers.fields(page):
            name = str(entry["field"])
            value = entry.get("value")
            if value is None or not self._answers.as_tick(page, name, value):
                continue
            where = f"{page}: {name}"
            if name not in known:
                raise self._stop(where, "not in the schema", "an attribute of the target object", "Remove it")
            if _BAD_IN_ATTRIBUTES.search(name):
                raise self._stop(where, "'.' or '[' in its name", "neither", "Remove it")
            rows.append(SelectedAttribute(known[name], bool(entry.get("treat_as_single_value", False))))
        if not rows:
            raise self._stop(page, "none", "at least one attribute", "Add one to the sheet")
        return tuple(sorted(rows, key=lambda row: row.attribute.name))

    def _deprovisioning(self) -> tuple[str, str]:
        page = "Deprovisioning"
        words = []
        for field in ("Delete flow", "Disable flow"):
            value = self._answers.text(page, field)
            if value.lower() == "set attribute value":
                raise NotModelled(f"{page}: {field}: {value}", "What the host writes for it is not known.")
            if value.lower() not in _FLOWS:
                raise self._stop(f"{page}: {field}", value, "None or Delete", "Correct the sheet")
            words.append(_FLOWS[value.lower()])
        return words[0], words[1]
