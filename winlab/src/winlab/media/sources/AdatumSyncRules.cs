// SPDX-License-Identifier: GPL-3.0-or-later
// A rules extension: it lies in the same folder and refers to the same library as a connector, and is none.
using Microsoft.MetadirectoryServices;

namespace Adatum.Sync.Rules
{
    public class RulesExtension : IMASynchronization
    {
        public void Initialize() { }
        public void Terminate() { }
        public bool ShouldProjectToMV(CSEntry csentry, out string MVObjectType) { MVObjectType = "person"; return true; }
        public bool FilterForDisconnection(CSEntry csentry) { return false; }
        public void MapAttributesForJoin(string FlowRuleName, CSEntry csentry, ref ValueCollection values) { }
        public bool ResolveJoinSearch(string joinCriteriaName, CSEntry csentry, MVEntry[] rgmventry, out int imventry, ref string MVObjectType) { imventry = -1; return false; }
        public void MapAttributesForImport(string FlowRuleName, CSEntry csentry, MVEntry mventry) { }
        public void MapAttributesForExport(string FlowRuleName, MVEntry mventry, CSEntry csentry) { }
        public DeprovisionAction Deprovision(CSEntry csentry) { return DeprovisionAction.Disconnect; }
    }
}
