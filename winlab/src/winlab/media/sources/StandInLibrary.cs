// SPDX-License-Identifier: GPL-3.0-or-later
// A library that exists so that its file, its assembly name and its version exist.
namespace Winlab.StandIn
{
    public static class Notice
    {
        public const string Text = "This assembly is a winlab stand-in and holds no code of the product whose name it bears.";
    }
}
