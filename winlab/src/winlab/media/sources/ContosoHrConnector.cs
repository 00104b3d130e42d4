// SPDX-License-Identifier: GPL-3.0-or-later
// An invented connector: object type "user" with single-valued strings, anchor employeeId.
using System.Collections.Generic;
using System.Collections.ObjectModel;
using Contoso.Hr.Protocol;
using Microsoft.MetadirectoryServices;

namespace Contoso.Hr.Connector
{
    public class HrConnector : IMAExtensible2GetCapabilities, IMAExtensible2GetSchema, IMAExtensible2GetParameters,
        IMAExtensible2CallImport, IMAExtensible2CallExport
    {
        const string Anchor = "employeeId";
        static readonly string[] Strings =
            { "accountName", "city", "costCentre", "department", "displayName", "givenName", "jobTitle", "mail", "mobile", "surname" };
        readonly List<EmployeeMessage> store = new List<EmployeeMessage>();

        public int ImportDefaultPageSize { get { return 500; } }
        public int ImportMaxPageSize { get { return 5000; } }
        public int ExportDefaultPageSize { get { return 100; } set { } }
        public int ExportMaxPageSize { get { return 1000; } set { } }

        public MACapabilities Capabilities
        {
            get
            {
                return new MACapabilities
                {
                    ConcurrentOperation = true, DistinguishedNameStyle = MADistinguishedNameStyle.Generic, ExportType = MAExportType.AttributeReplace,
                    SupportImport = true, SupportExport = true, DeltaImport = false,
                };
            }
        }

        public Schema GetSchema(KeyedCollection<string, ConfigParameter> configParameters)
        {
            SchemaType user = SchemaType.Create("user", true);
            user.Attributes.Add(SchemaAttribute.CreateAnchorAttribute(Anchor, AttributeType.String));
            foreach (string name in Strings) user.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute(name, AttributeType.String));
            Schema schema = Schema.Create();
            schema.Types.Add(user);
            return schema;
        }

        public IList<ConfigParameterDefinition> GetConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            List<ConfigParameterDefinition> definitions = new List<ConfigParameterDefinition>();
            if (page == ConfigParameterPage.Connectivity)
            {
                definitions.Add(ConfigParameterDefinition.CreateStringParameter("Service address", "^https://.+", "https://hr.test.example/api"));
                definitions.Add(ConfigParameterDefinition.CreateStringParameter("User name", null, null));
                definitions.Add(ConfigParameterDefinition.CreateEncryptedStringParameter("Password", null));
            }
            return definitions;
        }

        public ParameterValidationResult ValidateConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            return new ParameterValidationResult { Code = ParameterValidationResultCode.Success };
        }

        public OpenImportConnectionResults OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep) { return new OpenImportConnectionResults(); }
        public GetImportEntriesResults GetImportEntries(GetImportEntriesRunStep importRunStep) { return new GetImportEntriesResults { CSEntries = new List<CSEntryChange>(), MoreToImport = false }; }
        public CloseImportConnectionResults CloseImportConnection(CloseImportConnectionRunStep importRunStep) { return new CloseImportConnectionResults(); }
        public void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep) { store.Clear(); }

        public PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries)
        {
            PutExportEntriesResults results = new PutExportEntriesResults();
            foreach (CSEntryChange entry in csentries)
            {
                EmployeeMessage message = new EmployeeMessage();
                message[Anchor] = entry.DN;
                store.Add(message);
                results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(entry.Identifier, null, MAExportError.Success));
            }
            return results;
        }

        public void CloseExportConnection(CloseExportConnectionRunStep exportRunStep) { }
    }
}
