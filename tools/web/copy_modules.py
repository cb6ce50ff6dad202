"""Copies what the web page takes from npm: copy_modules.py NODE_MODULES TARGET. Modules import each other by their file
names there, as browsers know no names of packages, and a table of them (an import map) inside the document is what the
page's content security policy forbids.
"""

import json
import re
import shutil
import sys
from pathlib import Path

MODULES = {
    "preact": ("preact/dist/preact.mjs", "preact.js"),
    "preact/hooks": ("preact/hooks/dist/hooks.mjs", "hooks.js"),
    "@preact/signals-core": ("@preact/signals-core/dist/signals-core.mjs", "signals-core.js"),
    "@preact/signals": ("@preact/signals/dist/signals.mjs", "signals.js"),
    "htm": ("htm/dist/htm.mjs", "htm.js"),
}
FONTS = {
    "@fontsource-variable/inter": "inter-latin-wght-normal.woff2",
    "@fontsource-variable/jetbrains-mono": "jetbrains-mono-latin-wght-normal.woff2",
}
ICONS = (Path(__file__).parent / "icons.txt").read_text().split()


def main(modules: Path, target: Path) -> None:
    """Copy modules, fonts, icons and the licences of all."""
    target.mkdir(parents=True)
    for source, name in MODULES.values():
        text = re.sub(r"(from ?)\"([^\"]+)\"", _by_file, (modules / source).read_text())
        (target / name).write_text(re.sub(r"//# sourceMappingURL=.*", "", text))
    for package, name in FONTS.items():
        shutil.copy(modules / package / "files" / name, target / name)
    nodes = json.loads((modules / "lucide-static/icon-nodes.json").read_text())
    taken = json.dumps({name: nodes[name] for name in ICONS}, separators=(",", ":"))
    (target / "icons.js").write_text(f"export default {taken};\n")
    for package in ("preact", "@preact/signals", "@preact/signals-core", "htm", "lucide-static", *FONTS):
        shutil.copy(modules / package / "LICENSE", target / f"LICENSE.{package.strip('@').replace('/', '-')}")


def _by_file(found: re.Match[str]) -> str:
    return f'{found[1]}"./{MODULES[found[2]][1]}"'


main(Path(sys.argv[1]), Path(sys.argv[2]))
