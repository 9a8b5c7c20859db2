"""Put GOV.UK Frontend's stylesheet and script into svd_tracker/static/govuk, without what is GOV.UK's alone.

    npm pack govuk-frontend@6.3.0 && tar xzf govuk-frontend-6.3.0.tgz
    python scripts/vendor_govuk.py package

A council is not GOV.UK, so it may not use the GDS Transport font, the crest or the icons. They are taken out of
the stylesheet here, and the script stops when anything of them is left. Run it again for a new version, after
raising VERSION to the one that the pinned govuk-frontend-jinja was made for. The output is the same every time.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

VERSION = "6.3.0"
OUT = Path(__file__).resolve().parent.parent / "svd_tracker" / "static" / "govuk"
FONTS = '-apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'
LEFT_OUT = ("GDS Transport", "@font-face", "crest", "url(/assets", "sourceMappingURL")

LICENCE = """\
The MIT License (MIT)

Copyright (C) 2017 Crown Copyright (Government Digital Service)

Permission is hereby granted, free of charge, to any person obtaining a copy of
this software and associated documentation files (the "Software"), to deal in
the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies
of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def without_branding(css: str) -> str:
    """The stylesheet without font notice, font faces, font name, crest and source map."""
    css = re.sub(r"/\*![^*]*Margaret Calvert[^*]*\*/", "", css)
    css = re.sub(r"@font-face\{[^}]*\}", "", css)
    css = re.sub(r"GDS Transport,arial,sans-serif", FONTS, css)
    css = re.sub(r"url\(/assets/images/govuk-crest\.svg\)", "none", css)
    return re.sub(r"/\*# sourceMappingURL=[^*]*\*/\s*", "", css).strip() + "\n"


def without_source_map(script: str) -> str:
    return re.sub(r"//# sourceMappingURL=\S+\s*$", "", script).strip() + "\n"


def main(package: Path) -> int:
    found = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    if found != VERSION:
        print(f"This is govuk-frontend {found}; {VERSION} is wanted.", file=sys.stderr)  # noqa: T201
        return 1
    dist = package / "dist" / "govuk"
    made = {
        "govuk-frontend.min.css": without_branding((dist / "govuk-frontend.min.css").read_text(encoding="utf-8")),
        "govuk-frontend.min.js": without_source_map((dist / "govuk-frontend.min.js").read_text(encoding="utf-8")),
        "LICENSE.txt": LICENCE,
    }
    for name, text in made.items():
        left = [mark for mark in LEFT_OUT if mark in text]
        if left:
            print(f"{name} still holds {', '.join(left)}. Nothing was written.", file=sys.stderr)  # noqa: T201
            return 1
    sums = "\n".join(
        f"| {name} | {hashlib.sha256(text.encode()).hexdigest()} |"
        for name, text in made.items()
        if name != "LICENSE.txt"
    )
    made["VERSION.md"] = (
        f"# GOV.UK Frontend {VERSION}\n\nMade by `python scripts/vendor_govuk.py` from the npm package of that version "
        "(MIT, LICENSE.txt).\nChanged: the GDS Transport font, the crest and the source maps are taken out; the system "
        "font is named instead.\nDo not edit by hand.\n\n| File | SHA-256 |\n|---|---|\n" + sums + "\n"
    )
    OUT.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (OUT / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python scripts/vendor_govuk.py <folder of the unpacked govuk-frontend package>")
    sys.exit(main(Path(sys.argv[1])))
