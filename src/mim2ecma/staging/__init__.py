"""From inspection, closure and the listing of the ECMA host to a plan: what is added, replaced, kept or refused, and why."""
