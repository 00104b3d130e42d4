// Feeds specifications and arguments to the real Ansible.Basic.AnsibleModule, one JSON request a line.
using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Management.Automation;
using System.Text;
using System.Web.Script.Serialization;
using Ansible.Basic;

public class Ended : Exception
{
    public int Code;
    public Ended(int code) { Code = code; }
}

public static class Driver
{
    static JavaScriptSerializer json = new JavaScriptSerializer() { MaxJsonLength = int.MaxValue };

    // As exec_wrapper.ps1 leaves them: hash tables of PowerShell ignore case, lists are arrays.
    static object AsPowerShell(object value)
    {
        var map = value as Dictionary<string, object>;
        if (map != null)
        {
            var table = new Hashtable(StringComparer.CurrentCultureIgnoreCase);
            foreach (var pair in map) table[pair.Key] = AsPowerShell(pair.Value);
            return table;
        }
        var list = value as ArrayList;
        if (list == null) return value;
        var array = new object[list.Count];
        for (int i = 0; i < array.Length; i++) array[i] = AsPowerShell(list[i]);
        return array;
    }

    static Hashtable AsSpec(object value)
    {
        var table = (Hashtable)AsPowerShell(value);
        SetDelegates(table);
        return table;
    }

    static void SetDelegates(Hashtable spec)
    {
        if ((spec["type"] as string) == "uint32")
            spec["type"] = new Func<object, uint>(v => Convert.ToUInt32(v));
        // win_pssession_configuration.ps1, lines 9 to 22.
        if ((spec["type"] as string) == "guid")
            spec["type"] = new Func<object, Guid>(
                v => Guid.ParseExact(v.ToString().Trim('}', '{').Replace("-", ""), "N"));
        if ((spec["type"] as string) == "version")
            spec["type"] = new Func<object, Version>(v => Version.Parse(v.ToString()));
        if ((spec["type"] as string) == "int64")
            spec["type"] = new Func<object, long>(v => Int64.Parse(v.ToString()));
        if ((spec["type"] as string) == "double")
            spec["type"] = new Func<object, double>(v => Double.Parse(v.ToString()));
        if (spec["options"] is Hashtable)
            foreach (DictionaryEntry entry in (Hashtable)spec["options"]) SetDelegates((Hashtable)entry.Value);
    }

    static object Order(Hashtable spec)
    {
        var names = new List<object>();
        if (spec["options"] is Hashtable)
            foreach (DictionaryEntry entry in (Hashtable)spec["options"])
                names.Add(new object[] { entry.Key, Order((Hashtable)entry.Value) });
        return names;
    }

    public static void Main()
    {
        var lines = new List<string>();
        AnsibleModule.Exit = code => { throw new Ended(code); };
        AnsibleModule.WriteLine = line => lines.Add(line);
        var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
        string request;
        while ((request = input.ReadLine()) != null)
        {
            var data = (Dictionary<string, object>)json.DeserializeObject(request);
            var answers = new List<object>();
            foreach (object arguments in (object[])data["cases"])
            {
                // The class changes the specification that it is given: each case gets a fresh one.
                lines.Clear();
                var answer = new Dictionary<string, object>();
                var spec = AsSpec(Lists(data["spec"]));
                var fragments = new List<IDictionary>();
                foreach (object fragment in (object[])data["fragments"]) fragments.Add(AsSpec(Lists(fragment)));
                try
                {
                    ScriptBlock.ComplexArgs = AsPowerShell(Lists(arguments));
                    var module = new AnsibleModule(new string[0], spec, fragments.ToArray());
                    answer["params"] = module.Params;
                    module.ExitJson();
                }
                catch (Ended end) { answer["rc"] = end.Code; }
                catch (Exception error) { answer["unhandled"] = error.Message; }
                answer["lines"] = lines.ToArray();
                if (answers.Count == 0) answer["order"] = Order(spec);
                answers.Add(answer);
            }
            output.WriteLine(json.Serialize(answers));
            output.Flush();
        }
    }

    // DeserializeObject gives arrays where ConvertFrom-Json gives lists; one form is enough above.
    static object Lists(object value)
    {
        var map = value as Dictionary<string, object>;
        if (map != null)
        {
            var copy = new Dictionary<string, object>();
            foreach (var pair in map) copy[pair.Key] = Lists(pair.Value);
            return copy;
        }
        var array = value as object[];
        if (array == null) return value;
        var list = new ArrayList();
        foreach (object item in array) list.Add(Lists(item));
        return list;
    }
}
