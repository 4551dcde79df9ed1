"""Install the Debian programs that the tests look through: a browser and independent judges of PDF and XML.

As root on Debian they are installed. Elsewhere it says what is missing and which tests will be skipped;
with CI set, anything missing is an error.
"""

import os
import shutil
import subprocess
import sys

# program: (Debian package, what is skipped without it)
TOOLS = {
    "chromium": ("chromium", "kiểm thử trong trình duyệt"),
    "pdfsig": ("poppler-utils", "pdfsig, so sánh PDF"),
    "qpdf": ("qpdf", "qpdf --check"),
    "xmlsec1": ("xmlsec1", "xmlsec1 --verify"),
    "certutil": ("libnss3-tools", "pdfsig với chuỗi tin cậy"),
    "softhsm2-util": ("softhsm2", "ký bằng token và HSM (SoftHSM2)"),
    "openssl": ("openssl", "openssl cms/ts -verify"),
}


def missing() -> list[str]:
    return [program for program in TOOLS if shutil.which(program) is None]


def install(programs: list[str]) -> None:
    packages = sorted({TOOLS[program][0] for program in programs})
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=False, stdout=subprocess.DEVNULL, env=environment)
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment)


def main() -> int:
    absent = missing()
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Cài công cụ cho kiểm thử:", ", ".join(absent))
        install(absent)
        absent = missing()
    for program in absent:
        package, skipped = TOOLS[program]
        print(f"Thiếu {program} (gói {package}): bỏ qua {skipped}.")
    return 1 if absent and os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
