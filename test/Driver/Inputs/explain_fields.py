"""explain_fields.py FILE: whether the object of `weirc explain --json` has every field that scripts rely on, and some values."""
import json
import sys

explanation = json.load(open(sys.argv[1]))
for path in ("cascade", "ranks", "traversals.as_written", "traversals.derived", "traversals.lower_bound", "why_not_fewer", "domains",
             "state", "footprint_bytes", "flops", "bytes.compulsory", "bytes.mapping", "tiles.full", "tiles.partial", "tiles.empty",
             "mapping"):
    value = explanation
    for name in path.split("."):
        if value is None or name not in value:
            sys.exit(f"no field {path}")
        value = value[name]
for domain in explanation["domains"]:
    if sorted(domain) != ["density", "present", "set", "tensor", "total"]:
        sys.exit(f"a domain has the fields {sorted(domain)}")
print("every field is there")
scores = next(domain for domain in explanation["domains"] if domain["tensor"] == "S")
print(explanation["cascade"], explanation["ranks"], scores["present"], "of", scores["total"])
