"""predictions.py FIELD < the object of `weirc explain --json`: FIELD is the smaller prediction for N, and the one that was taken."""
import json
import sys

choice = json.load(sys.stdin)["merging"]["N"]
smaller = min(("tiled_s", "as_written_s"), key=choice.get)
if smaller != sys.argv[1] or choice["merged"] != (smaller == "tiled_s") or choice["forced"] or choice[smaller] <= 0:
    sys.exit(str(choice))
