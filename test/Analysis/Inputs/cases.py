"""What the checks of derivation_cases.jsonl share: a row a cascade, its text in the field `attn`."""
import json
import pathlib
import subprocess
import tempfile


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def check_cases(cases, check, wanted=lambda case: True):
    """Prints what `check(case, path of its text)` finds wrong, None where nothing is; an exit status: 1 if something is, or if no row is wanted."""
    failures = checked = 0
    with tempfile.TemporaryDirectory() as folder:
        for case in filter(wanted, map(json.loads, pathlib.Path(cases).read_text().splitlines())):
            path = pathlib.Path(folder, f"{case['name']}.attn")
            path.write_text(case["attn"])
            checked += 1
            try:
                wrong = check(case, path)
            except RuntimeError as error:
                wrong = str(error)
            if wrong:
                failures += 1
                print(f"{case['name']}: {wrong}")
    print(f"{checked} cascades, {failures} differ")
    return 1 if failures or not checked else 0
