# SPDX-License-Identifier: MIT
"""Do the documents agree with the code where both say the same thing?

python3 -m unittest tests/documents/test_documents.py
"""

import pathlib
import re
import subprocess
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
MANUAL = TOP / "man" / "barlease-vfio-pci.4"
# Where the range of supported kernels is written down.
RANGES = ["man/barlease-vfio-pci.4", "docs/kernel.md"]
# Where it is said which of them are tested.
TESTED = [*RANGES, "README.md", "docs/design.md"]


def tested_kernels():
    names = re.findall(r"^\[(\d+)\.(\d+)\]$",
                       (TOP / "kmod" / "kernels").read_text(), re.MULTILINE)
    return sorted((int(major), int(minor)) for major, minor in names)


def messages():
    """What the driver says in the kernel's log, as written in the source."""
    for file in sorted((TOP / "kmod").rglob("*.[ch]")):
        # Strings that follow each other are one.
        text = re.sub(r'"\s*\n\s*"', "", file.read_text())
        for call in re.finditer(
                r'\b(?:pci|pr|dev)_(?:emerg|alert|crit|err|warn|notice|info)'
                r'(?:_once|_ratelimited)?\(((?:[^;])*?)\);', text):
            match = re.search(r'"((?:[^"\\]|\\.)*)"', call[1])
            yield file.name, match[1].removesuffix(r"\n")


class Documents(unittest.TestCase):
    def test_range_of_kernels_is_that_of_the_list(self):
        lowest, *_, highest = tested_kernels()
        wanted = "{}.{} to {}.{}".format(*lowest, *highest)
        for name in RANGES:
            with self.subTest(name=name):
                found = re.findall(r"\d+\.\d+ to \d+\.\d+",
                                   (TOP / name).read_text())
                self.assertEqual(set(found), {wanted})

    def test_documents_tell_the_tested_kernels_from_those_between(self):
        *others, highest = ["{}.{}".format(*kernel)
                            for kernel in tested_kernels()]
        wanted = f"{', '.join(others)} and {highest}"
        for name in TESTED:
            with self.subTest(name=name):
                text = " ".join((TOP / name).read_text().split())
                self.assertRegex(
                    text, rf"(Tested are|runs on) {re.escape(wanted)}[;.]"
                    r"[^;.]* between [^;.]*expected to build,[^.]*nobody")

    def test_what_a_revocation_does_not_end_is_in_each_document(self):
        security = MANUAL.read_text().split(".Sh SECURITY")[1] \
            .split(".Sh ")[0]
        design = (TOP / "docs" / "design.md").read_text() \
            .split("## What a lessee can still do")[1].split("\n## ")[0]
        interface = (TOP / "docs" / "interface.md").read_text() \
            .split("## What ends an access")[1].split("\n## ")[0]
        for name, text in (("manual", security), ("design", design),
                           ("interface", interface)):
            for word in ("type1", "KVM", "nested"):
                with self.subTest(name=name, word=word):
                    self.assertIn(word.lower(), text.lower())

    def test_version_in_dkms_conf_is_the_driver_s(self):
        # This is how dh_dkms reads it: it runs nothing.
        found = re.findall(r"PACKAGE_VERSION=([\"']?)(.*)\1",
                           (TOP / "dkms.conf").read_text())
        version = (TOP / "kmod" / "version").read_text().strip()
        self.assertEqual([match[1] for match in found], [version])

    def test_manual_page_is_free_of_lint(self):
        # Which other pages this machine has is not the page's business.
        out = subprocess.run(["mandoc", "-Tlint", "-W", "style", MANUAL],
                             capture_output=True, text=True, check=False)
        complaints = [line for line in (out.stdout + out.stderr).splitlines()
                      if "referenced manual not found" not in line
                      and "makewhatis" not in line]
        self.assertEqual(complaints, [])

    def test_manual_page_explains_each_message_of_the_driver(self):
        manual = re.findall(r"^\.It (.*)", MANUAL.read_text(), re.MULTILINE)
        manual = [line.replace(r"\(dq", r"\"") for line in manual]
        found = list(messages())
        self.assertGreater(len(found), 5)
        for file, message in found:
            with self.subTest(file=file, message=message):
                self.assertIn(message, manual)

    def test_manual_page_lists_each_parameter_in_the_source(self):
        source = set()
        for file in (TOP / "kmod").glob("*.c"):
            source.update(re.findall(r"^module_param\w*\((\w+)",
                                     file.read_text(), re.MULTILINE))
        section = MANUAL.read_text().split(".Ss Module parameters")[1] \
            .split(".El")[0]
        self.assertEqual(set(re.findall(r"^\.It Cm (\w+)", section,
                                        re.MULTILINE)), source)


if __name__ == "__main__":
    unittest.main()
