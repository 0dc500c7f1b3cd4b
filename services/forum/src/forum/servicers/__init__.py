"""One servicer per proto service: parse, open the unit of work, call the domain, convert."""
