// SPDX-License-Identifier: GPL-3.0-or-later
using System.Collections.Generic;
using Contoso.Json;

namespace Contoso.Hr.Protocol
{
    /// <summary>One employee as the invented HR system exchanges it.</summary>
    public sealed class EmployeeMessage
    {
        readonly SortedDictionary<string, string> fields = new SortedDictionary<string, string>();

        public string this[string name] { get { string value; return fields.TryGetValue(name, out value) ? value : null; } set { fields[name] = value; } }

        public string ToWire() { return JsonText.Write(fields); }
    }
}
