"""Checks an internal-audit bundle without the application: put beside the bundle's other files, run with Python 3.

    python verify.py

It needs nothing but Python. It looks at every file against the manifest, walks the audit chain from its start, finds
the place of each certificate in it, and adds the entries up to what each certified return said was spent.
"""

import csv
import hashlib
import json
import sys
from collections import defaultdict
from pathlib import Path

START = "0" * 64


def check_files(folder: Path) -> list[str]:
    """Each file as the manifest has it, none missing and none besides."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    problems = []
    for name, said in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != said["sha256"]:
            problems.append(f"{name} is not as it was put into the bundle")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    problems += [
        f"{name} is not in the manifest" for name in sorted(there - set(manifest["files"]) - {"manifest.json"})
    ]
    return problems


def check_chain(folder: Path) -> list[str]:
    """Each line of the audit chain follows the one before and says what it said; each certificate stands in it.

    So does the SHA-256 of the workbook that was certified: a workbook changed together with the manifest is found.
    """
    previous, hashes, sealed, erased = START, {0: START}, set(), False
    with (folder / "audit" / "lines.jsonl").open(encoding="utf-8") as lines:
        for seq, text in enumerate(lines, 1):
            line = json.loads(text)
            hashed = json.dumps(line["hashed"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            if line["hashed"][0] != previous or line["hashed"][2] != seq:
                return [f"audit line {seq} does not follow the line before it"]
            if hashlib.sha256(hashed.encode()).hexdigest() != line["hash"]:
                return [f"audit line {seq} was changed"]
            payload = line["payload"]
            if payload is not None:
                digest = hashlib.sha256((line["salt"] + payload).encode()).hexdigest()
                if digest != line["hashed"][-1]:
                    return [f"the details of audit line {seq} were changed"]
                sealed.add((json.loads(payload)["after"] or {}).get("sha256"))
            else:
                erased = True
            previous = hashes[seq] = line["hash"]
    problems = []
    for row in _rows(folder / "certificates.csv"):
        name = f"{row['Return']}, revision {row['Revision']}"
        if hashes.get(int(row["Audit line"])) != row["Audit hash"]:
            problems.append(f"{name}: its certificate names audit line {row['Audit line']}, which is another one here")
        content = folder / row["File"]
        if content.is_file() and hashlib.sha256(content.read_bytes()).hexdigest() != row["SHA-256"]:
            problems.append(f"{name}: {row['File']} is not the workbook that its certificate is of")
        if row["SHA-256"] not in sealed and not erased:  # a lawful erasure may have taken it
            problems.append(f"{name}: the audit chain has no certificate of its workbook")
    return problems


def check_figures(folder: Path) -> list[str]:
    """The entries up to each return's cut come to what it said was spent, line by line and quarter by quarter."""
    entries = defaultdict(list)
    for row in _rows(folder / "ledger" / "entries.csv"):
        key = (row["Holder"], row["Funding"], row["Quarter"])
        entries[key].append((int(row["Entry"]), int(row["Pence"])))
    problems = []
    for row in _rows(folder / "figures.csv"):
        if row["Section"] != "funding" or row["Figure"] != "spent" or row["Origin"] != "built":
            continue
        found = entries[row["Holder"], row["Line"], row["Quarter"]]
        pence = sum(amount for seq, amount in found if seq <= int(row["Cut"]))
        if pence != int(row["Value"]):
            problems.append(
                f"{row['Return']}, revision {row['Revision']}: {row['Line']} spent {row['Value']} pence in quarter "
                f"{row['Quarter']}, its entries come to {pence}"
            )
    return problems


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def main() -> int:
    folder = Path(__file__).resolve().parent
    wrong = 0
    for words, check in (
        ("Files are as the manifest has them", check_files),
        ("The audit chain holds, and every certificate stands in it", check_chain),
        ("Entries come to what each certified return said was spent", check_figures),
    ):
        problems = check(folder)
        said = [f"{'NO ' if problems else 'yes'}  {words}", *(f"     {problem}" for problem in problems)]
        sys.stdout.write("\n".join(said) + "\n")
        wrong += len(problems)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
