// SPDX-License-Identifier: GPL-3.0-or-later
// A connector in shape only: it declares the interfaces by which a host and a reader of metadata recognise one.
using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using Microsoft.MetadirectoryServices;

namespace Winlab.StandIn
{
    public class Connector : IMAExtensible2GetCapabilitiesEx, IMAExtensible2GetSchema, IMAExtensible2GetParameters,
        IMAExtensible2CallImport, IMAExtensible2CallExport
    {
        static Exception NotTheProduct() { return new NotSupportedException("winlab stand-in"); }

        public int ImportDefaultPageSize { get { return 100; } }
        public int ImportMaxPageSize { get { return 9999; } }
        public int ExportDefaultPageSize { get; set; }
        public int ExportMaxPageSize { get; set; }
        public MACapabilities GetCapabilitiesEx(KeyedCollection<string, ConfigParameter> configParameters) { throw NotTheProduct(); }
        public Schema GetSchema(KeyedCollection<string, ConfigParameter> configParameters) { throw NotTheProduct(); }
        public IList<ConfigParameterDefinition> GetConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page) { throw NotTheProduct(); }
        public ParameterValidationResult ValidateConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page) { throw NotTheProduct(); }
        public OpenImportConnectionResults OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep) { throw NotTheProduct(); }
        public GetImportEntriesResults GetImportEntries(GetImportEntriesRunStep importRunStep) { throw NotTheProduct(); }
        public CloseImportConnectionResults CloseImportConnection(CloseImportConnectionRunStep importRunStep) { throw NotTheProduct(); }
        public void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep) { throw NotTheProduct(); }
        public PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries) { throw NotTheProduct(); }
        public void CloseExportConnection(CloseExportConnectionRunStep exportRunStep) { throw NotTheProduct(); }
    }
}
