"""check_svg.py FILE: whether it is a well-formed picture below a megabyte, whose shapes lie inside it; prints how many of each there are."""
import re
import sys
import xml.etree.ElementTree as ElementTree

data = open(sys.argv[1], "rb").read()
if len(data) >= 1 << 20:
    sys.exit(f"{len(data)} bytes are no small picture")
root = ElementTree.fromstring(data)
SVG = "{http://www.w3.org/2000/svg}"
if root.tag != SVG + "svg":
    sys.exit(f"the root is {root.tag}")
left, top, width, height = map(float, root.get("viewBox").split())
counts = {}
for kind in ("full", "partial", "data", "inside"):
    rects = []
    for path in root.iter(SVG + "path"):
        if path.get("class") == kind:
            rects += re.findall(r"M([-\d.e]+) ([-\d.e]+)h([-\d.e]+)v([-\d.e]+)h-[-\d.e]+z", path.get("d"))
    for x, y, w, h in (map(float, rect) for rect in rects):
        if not (left <= x and x + w <= left + width and top <= y and y + h <= top + height and w > 0 and h > 0):
            sys.exit(f"a {kind} rectangle lies outside: {x} {y} {w} {h}")
    counts[kind] = len(rects)
for element in root.iter(SVG + "rect"):
    if element.get("x") and float(element.get("x")) + float(element.get("width")) > width + 1e-6:
        sys.exit("a box lies outside")
counts["equations"] = sum(group.get("class") == "equation" for group in root.iter(SVG + "g"))
counts["traversals"] = sum(rect.get("class") == "traversal" for rect in root.iter(SVG + "rect"))
print(", ".join(f"{kind} {count}" for kind, count in counts.items() if kind != "data"))
