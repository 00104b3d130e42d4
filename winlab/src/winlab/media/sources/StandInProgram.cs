// SPDX-License-Identifier: GPL-3.0-or-later
// An executable that only says what it is. On a simulated host winlab knows it by its SHA-256 and acts for it;
// started anywhere else it must not pretend to be the product whose name it bears.
using System;
using System.Reflection;

namespace Winlab.StandIn
{
    static class Program
    {
        const int NotTheProduct = 2;

        static int Main()
        {
            string name = Assembly.GetExecutingAssembly().GetName().Name;
            Console.Error.WriteLine(name + " is a winlab stand-in. It does nothing outside a simulated host.");
            return NotTheProduct;
        }
    }
}
