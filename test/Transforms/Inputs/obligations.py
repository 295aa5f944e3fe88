"""The obligations that a stream of a file at level streamed names are those of its rank's certificate."""
import json
import re
import sys

stream = re.search(r'attn\.stream "(\w+)" .*certificate \{(.*?)\} \{', open(sys.argv[1]).read())
named = {kind: json.loads(names) for kind, names in re.findall(r"(\w+) = (\[.*?\])", stream.group(2))}
certificate = next(c for c in json.load(open(sys.argv[2]))["certificates"] if c["rank"] == stream.group(1))
expected = {}
for obligation in certificate["obligations"]:
    names = expected.setdefault(obligation["kind"], [])
    if obligation["of"] not in names:
        names.append(obligation["of"])
assert expected == named, f"the certificate has {expected}, the stream {named}"
