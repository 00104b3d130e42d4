// The few types of System.Management.Automation that Ansible.Basic.cs names, so that it compiles without PowerShell.
using System;
using System.Collections;
using System.Collections.Generic;

namespace System.Management.Automation
{
    public class PSObject
    {
        public object BaseObject;
    }

    public class InvocationInfo
    {
        public string PositionMessage = "";
    }

    public class ErrorRecord
    {
        public InvocationInfo InvocationInfo = new InvocationInfo();
        public object CategoryInfo = "";
        public object FullyQualifiedErrorId = "";
        public string ScriptStackTrace = "";
    }

    // Only `$complex_args` is ever asked for: the driver puts it here.
    public class ScriptBlock
    {
        public static object ComplexArgs;

        public static ScriptBlock Create(string text)
        {
            return new ScriptBlock();
        }

        public List<PSObject> Invoke(params object[] arguments)
        {
            return new List<PSObject>() { new PSObject() { BaseObject = ComplexArgs } };
        }
    }

    namespace Runspaces
    {
        public class Runspace
        {
            public static Runspace DefaultRunspace = null;
        }
    }
}
