// SPDX-License-Identifier: GPL-3.0-or-later
// An invented connector of another vendor: object type "person", anchor badgeNumber, asks for a password and a zone.
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Security;
using Fabrikam.Badge.Client;
using Microsoft.MetadirectoryServices;

namespace Fabrikam.Badge
{
    public class BadgeConnector : IMAExtensible2GetCapabilitiesEx, IMAExtensible2GetSchema, IMAExtensible2GetParametersEx,
        IMAExtensible2CallImport, IMAExtensible2CallExport, IMAExtensible2Password
    {
        readonly List<BadgeRecord> written = new List<BadgeRecord>();

        public int ImportDefaultPageSize { get { return 250; } }
        public int ImportMaxPageSize { get { return 2500; } }
        public int ExportDefaultPageSize { get { return 50; } set { } }
        public int ExportMaxPageSize { get { return 500; } set { } }

        public MACapabilities GetCapabilitiesEx(KeyedCollection<string, ConfigParameter> configParameters)
        {
            return new MACapabilities
            {
                ConcurrentOperation = true, DistinguishedNameStyle = MADistinguishedNameStyle.Generic, ExportType = MAExportType.ObjectReplace,
                SupportImport = true, SupportExport = true, SupportPassword = true,
            };
        }

        public Schema GetSchema(KeyedCollection<string, ConfigParameter> configParameters)
        {
            SchemaType person = SchemaType.Create("person", true);
            person.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("badgeNumber", AttributeType.String));
            foreach (string name in new[] { "colour", "firstName", "holder", "lastName", "site", "zone" })
                person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute(name, AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("lastSeen", AttributeType.String, AttributeOperation.ImportOnly));
            Schema schema = Schema.Create();
            schema.Types.Add(person);
            return schema;
        }

        public IList<ConfigParameterDefinition> GetConfigParametersEx(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page, int pageNumber)
        {
            List<ConfigParameterDefinition> definitions = new List<ConfigParameterDefinition>();
            if (page == ConfigParameterPage.Connectivity)
            {
                definitions.Add(ConfigParameterDefinition.CreateStringParameter("Badge server", null, null));
                definitions.Add(ConfigParameterDefinition.CreateEncryptedStringParameter("Operator password", null));
            }
            else if (page == ConfigParameterPage.Schema && pageNumber == 1)
            {
                definitions.Add(ConfigParameterDefinition.CreateDropDownParameter("Zone plan", "Campus,Plant", false, "Campus"));
            }
            return definitions;
        }

        public ParameterValidationResult ValidateConfigParametersEx(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page, int pageNumber)
        {
            return new ParameterValidationResult { Code = ParameterValidationResultCode.Success };
        }

        public OpenImportConnectionResults OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep) { return new OpenImportConnectionResults(); }
        public GetImportEntriesResults GetImportEntries(GetImportEntriesRunStep importRunStep) { return new GetImportEntriesResults { CSEntries = new List<CSEntryChange>(), MoreToImport = false }; }
        public CloseImportConnectionResults CloseImportConnection(CloseImportConnectionRunStep importRunStep) { return new CloseImportConnectionResults(); }
        public void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep) { written.Clear(); }

        public PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries)
        {
            PutExportEntriesResults results = new PutExportEntriesResults();
            foreach (CSEntryChange entry in csentries)
            {
                written.Add(new BadgeRecord { BadgeNumber = entry.DN });
                results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(entry.Identifier, null, MAExportError.Success));
            }
            return results;
        }

        public void CloseExportConnection(CloseExportConnectionRunStep exportRunStep) { }

        public ConnectionSecurityLevel GetConnectionSecurityLevel() { return ConnectionSecurityLevel.SecureConnection; }
        public void OpenPasswordConnection(KeyedCollection<string, ConfigParameter> configParameters, Partition partition) { }
        public void ClosePasswordConnection() { }
        public void SetPassword(CSEntry csentry, SecureString newPassword, PasswordOptions options) { }
        public void ChangePassword(CSEntry csentry, SecureString oldPassword, SecureString newPassword) { }
    }
}
