// SPDX-License-Identifier: GPL-3.0-or-later
using System.Collections.Generic;
using System.Text;

namespace Contoso.Json
{
    /// <summary>Writes a flat object as JSON: as much as the HR connector's wire format needs.</summary>
    public static class JsonText
    {
        public static string Write(IDictionary<string, string> members)
        {
            StringBuilder text = new StringBuilder("{");
            foreach (KeyValuePair<string, string> member in members)
            {
                if (text.Length > 1) text.Append(',');
                Quote(text, member.Key).Append(':');
                if (member.Value == null) text.Append("null"); else Quote(text, member.Value);
            }
            return text.Append('}').ToString();
        }

        static StringBuilder Quote(StringBuilder text, string value)
        {
            text.Append('"');
            foreach (char c in value)
            {
                if (c == '"' || c == '\\') text.Append('\\').Append(c);
                else if (c < ' ') text.Append("\\u").Append(((int)c).ToString("x4"));
                else text.Append(c);
            }
            return text.Append('"');
        }
    }
}
