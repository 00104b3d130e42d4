// SPDX-License-Identifier: GPL-3.0-or-later
namespace Fabrikam.Badge.Client
{
    /// <summary>One record of the invented badge system.</summary>
    public sealed class BadgeRecord
    {
        public string BadgeNumber { get; set; }
        public string Holder { get; set; }
        public string Zone { get; set; }
    }
}
