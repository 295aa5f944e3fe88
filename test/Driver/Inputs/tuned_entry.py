"""Changes every entry of tune in a cache folder: tuned_entry.py FOLDER (MAPPING | --damage | --swap)."""
import hashlib
import pathlib
import sys

folder, action = sys.argv[1:]
entries = sorted(pathlib.Path(folder, "weir").glob("*.tuned"))
contents = [entry.read_bytes() for entry in entries]
for entry, own, other in zip(entries, contents, contents[1:] + contents[:1]):
    if action == "--damage":
        entry.write_bytes(own[:-9])
    elif action == "--swap":  # whole, but of another program
        assert own != other
        entry.write_bytes(other)
    else:
        digest = hashlib.sha256("".join(f"{len(part)}:{part}" for part in (entry.stem, action)).encode()).hexdigest()
        entry.write_text(f"{action}\n{digest}\n")
