# SPDX-License-Identifier: MIT
"""Do the documents agree with the code where both say the same thing?

python3 -m unittest tests/documents/test_documents.py
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/vm"))
from rig.common import build_dir  # noqa: E402

MANUAL = TOP / "man" / "barlease-vfio-pci.4"
BARLEASED_PAGE = TOP / "man/barleased.8"
POLICY_PAGE = TOP / "man/barlease.conf.5"
COMMAND_PAGE = TOP / "man/barlease.1"
BARLEASED = [BARLEASED_PAGE, POLICY_PAGE]
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


def library_pages():
    """The manual of the library, as it was built."""
    return sorted((build_dir() / "man").glob("*.[37]"))


def names(page):
    """What a page has in NAME."""
    head = page.read_text().split("\n.Nd ")[0]
    return re.findall(r"^\.Nm (\w+)", head, re.MULTILINE)


def lint(page):
    # Which other pages this machine has is not the page's business.
    out = subprocess.run(["mandoc", "-Tlint", "-W", "style", page],
                         capture_output=True, text=True, check=False)
    return [line for line in (out.stdout + out.stderr).splitlines()
            if "referenced manual not found" not in line
            and "makewhatis" not in line]


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
        overview = (TOP / "man/pages/barlease.7").read_text() \
            .split(".Ss What a lessee can still do")[1].split(".Ss ")[0]
        for name, text in (("manual", security), ("design", design),
                           ("interface", interface), ("overview", overview)):
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
        self.assertEqual(lint(MANUAL), [])

    def test_pages_of_barleased_are_free_of_lint(self):
        for page in (*BARLEASED, COMMAND_PAGE):
            with self.subTest(page=page.name):
                self.assertEqual(lint(page), [])

    def test_page_of_the_policy_has_all_keys_and_no_others(self):
        keys = set()
        for file in (TOP / "broker/policy").glob("key_*.c"):
            keys.update(re.findall(r'^\t\{ "([a-z-]+)", SECTION',
                                   file.read_text(), re.MULTILINE))
        page = POLICY_PAGE.read_text()
        self.assertGreater(len(keys), 15)
        # Those of allow are words in a list of their own.
        self.assertEqual(set(re.findall(r"^\.It Cm ([a-z-]+)", page,
                                        re.MULTILINE))
                         - {"user", "group", "cgroup", "anyone"}, keys)

    def test_unit_of_barleased_has_the_fds_that_its_defaults_take(self):
        unit = (TOP / "broker/system/barleased.service.in").read_text()
        code = (TOP / "broker/lender/limits.c").read_text()
        keep = (TOP / "broker/lender/keep.h").read_text()
        fds, = re.findall(r"^LimitNOFILE=(\d+)$", unit, re.MULTILINE)
        kept, = re.findall(r"^FileDescriptorStoreMax=(\d+)$", unit,
                           re.MULTILINE)
        connections, = re.findall(r"#define CONNECTIONS (\d+)", code)
        kept_max, = re.findall(r"#define KEEP_FDS_MAX (\d+)", keep)
        self.assertIn(f" --keep={kept} ", unit)
        self.assertLessEqual(int(kept), int(kept_max))
        # Each connection takes two, and more than a third must be left for
        # leases, or the default is lower than it says.
        self.assertGreaterEqual(int(fds), 3 * int(connections))
        self.assertGreaterEqual(int(fds), 2 * int(connections) + int(kept))

    def test_page_of_barleased_has_all_events_and_no_others(self):
        code = "".join(file.read_text()
                       for file in (TOP / "broker").rglob("*.c"))
        told = set()
        for call in re.findall(r"(?<!void )(?:log_begin|say|failure_log)\((.*?)\);", code,
                               re.DOTALL):
            told.update(re.findall(r'"([a-z-]+)"', call))
        section = BARLEASED_PAGE.read_text().split("The events are\n")[1] \
            .split(".El")[0]
        listed = {word for line in re.findall(r"^\.It Cm (.*)", section,
                                              re.MULTILINE)
                  for word in line.split(" , ")}
        self.assertEqual(told, listed)

    def test_policies_in_documents_are_right(self):
        for page in BARLEASED:
            text = re.search(r"^(\[Device .*?)(?:^END$|^\.Ed$)",
                             page.read_text(), re.MULTILINE | re.DOTALL)[1]
            # There is no such user and no such group here.
            text = text.replace("user:alice group:accel", "user:0 group:0")
            with self.subTest(page=page.name), \
                 tempfile.NamedTemporaryFile("w") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([build_dir() / "broker/barleased",
                                       "--check", file.name],
                                      capture_output=True, text=True,
                                      check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_pages_of_the_library_are_free_of_lint(self):
        self.assertGreater(len(library_pages()), 10)
        for page in library_pages():
            with self.subTest(page=page.name):
                self.assertEqual(lint(page), [])

    def test_each_function_of_the_library_has_one_page(self):
        exported = re.findall(r"^\t(barlease_\w+);",
                              (TOP / "lib/libbarlease.map").read_text(),
                              re.MULTILINE)
        self.assertGreater(len(exported), 50)
        named = [name for page in library_pages() for name in names(page)]
        for function in exported:
            with self.subTest(function=function):
                self.assertEqual(named.count(function), 1)

    def test_each_function_is_declared_and_explained_on_its_page(self):
        for page in library_pages():
            _, found, text = page.read_text().partition("\n.Sh SYNOPSIS\n")
            if not found or page.name == "libbarlease.3":
                continue
            declared, explained = text.split("\n.Sh DESCRIPTION\n")
            declared = re.findall(r"^\.F[no] (\w+)", declared, re.MULTILINE)
            for name in names(page):
                # Of those that are alike one stands for all.
                width = re.sub(r"(read|write)(8|16|64)", r"\g<1>32", name)
                kind = re.sub(r"_relaxed$|(?<=_each_).*", "", width)
                kind = re.sub("guarded_write32", "guarded_read32", kind)
                with self.subTest(page=page.name, name=name):
                    self.assertIn(width, declared)
                    self.assertTrue(kind in explained)

    def test_pages_refer_to_pages_that_there_are(self):
        known = {f"{name} {page.suffix[1:]}" for page in library_pages()
                 for name in [page.stem, *names(page)]}
        referred = {page.name: set(re.findall(r"Xr (\S+ \d)",
                                              page.read_text()))
                    for page in library_pages()}
        for name, others in referred.items():
            with self.subTest(page=name):
                ours = {other for other in others if "barlease" in other}
                for other in ours - known:
                    page = TOP / "man" / ".".join(other.split())
                    self.assertTrue(page.exists(), other)
        every = {f"{page.stem} {page.suffix[1:]}" for page in library_pages()}
        self.assertEqual(every - referred["libbarlease.3"], {"libbarlease 3"})

    def test_a_page_of_what_no_header_has_is_not_made(self):
        for wrong in ("@names barlease/map.h barlease_map_end2\n@synopsis",
                      "@type barlease_maps barlease/map.h", "@nonsense"):
            with self.subTest(wrong=wrong), \
                 tempfile.NamedTemporaryFile("w", suffix=".3") as file:
                print(wrong, file=file, flush=True)
                made = subprocess.run(
                    [sys.executable, TOP / "man/page.py", TOP / "include",
                     file.name], capture_output=True, text=True, check=False)
                self.assertEqual(made.returncode, 1)
                self.assertIn(file.name, made.stderr)

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
