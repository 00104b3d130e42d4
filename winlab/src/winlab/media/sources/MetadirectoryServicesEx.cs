// SPDX-License-Identifier: GPL-3.0-or-later
// The call interface between the synchronization engine and an ECMA 2 connector, as far as connectors need it
// to be compiled: names and signatures of the published reference, no behaviour of the product behind them.
using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Security;

namespace Microsoft.MetadirectoryServices
{
    public enum AttributeType { Unknown = 0, String = 1, Integer = 2, Reference = 3, Binary = 4, Boolean = 5, Undefined = 6 }
    public enum AttributeOperation { ImportExport = 0, ImportOnly = 1, ExportOnly = 2 }
    public enum AttributeModificationType { Unconfigured = 0, Add = 1, Replace = 2, Update = 3, Delete = 4 }
    public enum ConfigParameterPage { Connectivity = 0, Global = 1, Partition = 2, RunStep = 3, Capabilities = 4, Schema = 5 }
    public enum ConfigParameterType { String = 0, EncryptedString = 1, DropDown = 2, CheckBox = 3, Text = 4, File = 5, Label = 6, Divider = 7 }
    public enum ConnectionSecurityLevel { NotSecure = 0, SecureConnection = 1, AuthenticatedConnection = 2 }
    public enum MADistinguishedNameStyle { None = 0, Generic = 1, Ldap = 2 }
    public enum MAExportError { Success = 0, ExportErrorInvalidDN = 1, ExportErrorDuplicateAnchor = 2, ExportErrorConnectedDirectoryError = 3 }
    public enum MAExportType { AttributeUpdate = 1, AttributeReplace = 2, ObjectReplace = 3, MultivaluedReferenceAttributeUpdate = 5 }
    public enum MAImportError { Success = 0, ImportErrorCustomStopRun = 1, ImportErrorCustomContinueRun = 2 }
    [Flags] public enum MANormalizations { None = 0, Uppercase = 1, RemoveAccents = 2 }
    public enum MAObjectConfirmation { Normal = 0, NoDeleteConfirmation = 1, NoAddAndDeleteConfirmation = 2 }
    public enum ObjectModificationType { Unconfigured = 0, None = 1, Add = 2, Replace = 3, Update = 4, Delete = 5 }
    public enum OperationType { Full = 0, FullObject = 1, Delta = 2, FullExport = 3 }
    public enum ParameterValidationResultCode { Success = 0, Failure = 1 }
    [Flags] public enum PasswordOptions { None = 0, UnlockAccount = 1, ForceChangeAtLogOn = 2, ValidatePassword = 4 }
    public enum ValueModificationType { Unconfigured = 0, Add = 1, Delete = 2 }

    public interface IMAExtensible2GetCapabilities { MACapabilities Capabilities { get; } }
    public interface IMAExtensible2GetCapabilitiesEx { MACapabilities GetCapabilitiesEx(KeyedCollection<string, ConfigParameter> configParameters); }
    public interface IMAExtensible2GetSchema { Schema GetSchema(KeyedCollection<string, ConfigParameter> configParameters); }
    public interface IMAExtensible2GetPartitions { IList<Partition> GetPartitions(KeyedCollection<string, ConfigParameter> configParameters); }
    public interface IMAExtensible2GetHierarchy { IList<HierarchyNode> GetHierarchy(KeyedCollection<string, ConfigParameter> configParameters, HierarchyNode rootNode); }

    public interface IMAExtensible2GetParameters
    {
        IList<ConfigParameterDefinition> GetConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page);
        ParameterValidationResult ValidateConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page);
    }

    public interface IMAExtensible2GetParametersEx
    {
        IList<ConfigParameterDefinition> GetConfigParametersEx(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page, int pageNumber);
        ParameterValidationResult ValidateConfigParametersEx(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page, int pageNumber);
    }

    public interface IMAExtensible2CallImport
    {
        int ImportDefaultPageSize { get; }
        int ImportMaxPageSize { get; }
        OpenImportConnectionResults OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep);
        GetImportEntriesResults GetImportEntries(GetImportEntriesRunStep importRunStep);
        CloseImportConnectionResults CloseImportConnection(CloseImportConnectionRunStep importRunStep);
    }

    public interface IMAExtensible2CallExport
    {
        int ExportDefaultPageSize { get; set; }
        int ExportMaxPageSize { get; set; }
        void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep);
        PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries);
        void CloseExportConnection(CloseExportConnectionRunStep exportRunStep);
    }

    public interface IMAExtensible2FileImport { ImportResults ImportFile(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep); }
    public interface IMAExtensible2FileExport { ExportResults ExportFile(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep); }

    public interface IMAExtensible2Password
    {
        ConnectionSecurityLevel GetConnectionSecurityLevel();
        void OpenPasswordConnection(KeyedCollection<string, ConfigParameter> configParameters, Partition partition);
        void ClosePasswordConnection();
        void SetPassword(CSEntry csentry, SecureString newPassword, PasswordOptions options);
        void ChangePassword(CSEntry csentry, SecureString oldPassword, SecureString newPassword);
    }

    public interface IMASynchronization
    {
        void Initialize();
        void Terminate();
        bool ShouldProjectToMV(CSEntry csentry, out string MVObjectType);
        bool FilterForDisconnection(CSEntry csentry);
        void MapAttributesForJoin(string FlowRuleName, CSEntry csentry, ref ValueCollection values);
        bool ResolveJoinSearch(string joinCriteriaName, CSEntry csentry, MVEntry[] rgmventry, out int imventry, ref string MVObjectType);
        void MapAttributesForImport(string FlowRuleName, CSEntry csentry, MVEntry mventry);
        void MapAttributesForExport(string FlowRuleName, MVEntry mventry, CSEntry csentry);
        DeprovisionAction Deprovision(CSEntry csentry);
    }

    public interface IMVSynchronization
    {
        void Initialize();
        void Terminate();
        void Provision(MVEntry mventry);
        bool ShouldDeleteFromMV(CSEntry csentry, MVEntry mventry);
    }

    public enum DeprovisionAction { Disconnect = 0, ExplicitDisconnect = 1, Delete = 2 }

    public abstract class CSEntry { public abstract string ObjectType { get; } }
    public abstract class MVEntry { public abstract string ObjectType { get; } }
    public abstract class ValueCollection { public abstract void Add(string value); }

    public class AnchorAttribute { public string Name { get; set; } public object Value { get; set; } }

    public class AttributeChange
    {
        public string Name { get; set; }
        public AttributeModificationType ModificationType { get; set; }
        public IList<ValueChange> ValueChanges { get; private set; }
        public AttributeChange() { ValueChanges = new List<ValueChange>(); }
    }

    public class ValueChange { public object Value { get; set; } public ValueModificationType ModificationType { get; set; } }

    public class CSEntryChange
    {
        public string DN { get; set; }
        public string ObjectType { get; set; }
        public Guid Identifier { get; set; }
        public ObjectModificationType ObjectModificationType { get; set; }
        public IList<AnchorAttribute> AnchorAttributes { get; private set; }
        public IList<AttributeChange> AttributeChanges { get; private set; }
        public static CSEntryChange Create() { return new CSEntryChange(); }
        protected CSEntryChange() { AnchorAttributes = new List<AnchorAttribute>(); AttributeChanges = new List<AttributeChange>(); }
    }

    public class CSEntryChangeResult
    {
        public Guid Identifier { get; private set; }
        public MAExportError ErrorCode { get; private set; }
        public static CSEntryChangeResult Create(Guid identifier, IList<AttributeChange> attributeChanges, MAExportError errorCode)
        {
            return new CSEntryChangeResult { Identifier = identifier, ErrorCode = errorCode };
        }
    }

    public class ConfigParameter { public string Name { get; set; } public string Value { get; set; } public SecureString SecureValue { get; set; } public bool IsEncrypted { get; set; } }

    public class ConfigParameterDefinition
    {
        public string Name { get; private set; }
        public ConfigParameterType Type { get; private set; }
        public string Validation { get; private set; }
        public string DefaultValue { get; private set; }
        static ConfigParameterDefinition Make(string name, ConfigParameterType type, string validation, string defaultValue)
        {
            return new ConfigParameterDefinition { Name = name, Type = type, Validation = validation, DefaultValue = defaultValue };
        }
        public static ConfigParameterDefinition CreateStringParameter(string name, string validation, string defaultValue) { return Make(name, ConfigParameterType.String, validation, defaultValue); }
        public static ConfigParameterDefinition CreateEncryptedStringParameter(string name, string validation) { return Make(name, ConfigParameterType.EncryptedString, validation, null); }
        public static ConfigParameterDefinition CreateCheckBoxParameter(string name, bool defaultValue) { return Make(name, ConfigParameterType.CheckBox, null, defaultValue ? "1" : "0"); }
        public static ConfigParameterDefinition CreateDropDownParameter(string name, string choices, bool extensible, string defaultValue) { return Make(name, ConfigParameterType.DropDown, choices, defaultValue); }
        public static ConfigParameterDefinition CreateTextParameter(string name, string defaultValue) { return Make(name, ConfigParameterType.Text, null, defaultValue); }
        public static ConfigParameterDefinition CreateLabelParameter(string label) { return Make(label, ConfigParameterType.Label, null, null); }
        public static ConfigParameterDefinition CreateDividerParameter() { return Make(null, ConfigParameterType.Divider, null, null); }
    }

    public class ParameterValidationResult
    {
        public ParameterValidationResultCode Code { get; set; }
        public string ErrorMessage { get; set; }
        public string ErrorParameter { get; set; }
    }

    public class MACapabilities
    {
        public bool ConcurrentOperation { get; set; }
        public bool DeltaImport { get; set; }
        public MADistinguishedNameStyle DistinguishedNameStyle { get; set; }
        public bool ExportPasswordInFirstPass { get; set; }
        public MAExportType ExportType { get; set; }
        public bool FullExport { get; set; }
        public bool NoReferenceValuesInFirstExport { get; set; }
        public MANormalizations Normalizations { get; set; }
        public MAObjectConfirmation ObjectConfirmation { get; set; }
        public bool ObjectRename { get; set; }
        public bool SupportExport { get; set; }
        public bool SupportHierarchy { get; set; }
        public bool SupportImport { get; set; }
        public bool SupportPartitions { get; set; }
        public bool SupportPassword { get; set; }
    }

    public class Schema
    {
        public KeyedCollection<string, SchemaType> Types { get; private set; }
        class TypeCollection : KeyedCollection<string, SchemaType> { protected override string GetKeyForItem(SchemaType item) { return item.Name; } }
        public static Schema Create() { return new Schema { Types = new TypeCollection() }; }
    }

    public class SchemaType
    {
        public string Name { get; private set; }
        public bool Locked { get; private set; }
        public KeyedCollection<string, SchemaAttribute> Attributes { get; private set; }
        class AttributeCollection : KeyedCollection<string, SchemaAttribute> { protected override string GetKeyForItem(SchemaAttribute item) { return item.Name; } }
        public static SchemaType Create(string typeName, bool lockAnchorAttributeDefinition)
        {
            return new SchemaType { Name = typeName, Locked = lockAnchorAttributeDefinition, Attributes = new AttributeCollection() };
        }
    }

    public class SchemaAttribute
    {
        public string Name { get; private set; }
        public AttributeType DataType { get; private set; }
        public AttributeOperation AllowedAttributeOperation { get; private set; }
        public bool IsAnchor { get; private set; }
        public bool IsMultiValued { get; private set; }
        static SchemaAttribute Make(string name, AttributeType type, AttributeOperation operation, bool anchor, bool multi)
        {
            return new SchemaAttribute { Name = name, DataType = type, AllowedAttributeOperation = operation, IsAnchor = anchor, IsMultiValued = multi };
        }
        public static SchemaAttribute CreateAnchorAttribute(string name, AttributeType dataType) { return Make(name, dataType, AttributeOperation.ImportExport, true, false); }
        public static SchemaAttribute CreateAnchorAttribute(string name, AttributeType dataType, AttributeOperation operation) { return Make(name, dataType, operation, true, false); }
        public static SchemaAttribute CreateSingleValuedAttribute(string name, AttributeType dataType) { return Make(name, dataType, AttributeOperation.ImportExport, false, false); }
        public static SchemaAttribute CreateSingleValuedAttribute(string name, AttributeType dataType, AttributeOperation operation) { return Make(name, dataType, operation, false, false); }
        public static SchemaAttribute CreateMultiValuedAttribute(string name, AttributeType dataType) { return Make(name, dataType, AttributeOperation.ImportExport, false, true); }
        public static SchemaAttribute CreateMultiValuedAttribute(string name, AttributeType dataType, AttributeOperation operation) { return Make(name, dataType, operation, false, true); }
    }

    public class Partition { public string DN { get; set; } public string Name { get; set; } public Guid Identifier { get; set; } }
    public class HierarchyNode { public string DN { get; set; } public string DisplayName { get; set; } }
    public class OpenImportConnectionRunStep { public string CustomData { get; set; } public OperationType ImportType { get; set; } public int PageSize { get; set; } public Partition StepPartition { get; set; } }
    public class OpenImportConnectionResults { public string CustomData { get; set; } }
    public class GetImportEntriesRunStep { public string CustomData { get; set; } }
    public class GetImportEntriesResults { public string CustomData { get; set; } public bool MoreToImport { get; set; } public IList<CSEntryChange> CSEntries { get; set; } }
    public class CloseImportConnectionRunStep { public string CustomData { get; set; } }
    public class CloseImportConnectionResults { public string CustomData { get; set; } }
    public class OpenExportConnectionRunStep { public int BatchSize { get; set; } public OperationType ExportType { get; set; } public Partition StepPartition { get; set; } }
    public class CloseExportConnectionRunStep { public string CustomData { get; set; } }
    public class PutExportEntriesResults
    {
        public IList<CSEntryChangeResult> CSEntryChangeResults { get; private set; }
        public PutExportEntriesResults() { CSEntryChangeResults = new List<CSEntryChangeResult>(); }
    }
    public class ImportResults { public string FileName { get; set; } }
    public class ExportResults { public string FileName { get; set; } }

    public sealed class MAUtils { MAUtils() { } public static string MAFolder { get { return "."; } } }

    public class ExtensibleExtensionException : Exception
    {
        public ExtensibleExtensionException() { }
        public ExtensibleExtensionException(string message) : base(message) { }
        public ExtensibleExtensionException(string message, Exception innerException) : base(message, innerException) { }
    }

    public class EntryPointNotImplementedException : Exception { }
}
