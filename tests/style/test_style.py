# SPDX-License-Identifier: MIT
"""Do the checks of style and types complain of what they must?

python3 -m unittest tests/style/test_style.py
"""

import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/vm"))
from rig.common import build_dir  # noqa: E402

MODULE = {
    "Makefile": "modules:\n\t$(MAKE) -C $(KDIR) M=$(CURDIR) modules\n",
    "Kbuild": "obj-m := slip.o\n",
    "slip.c": """\
#include <linux/module.h>

int slip(const int __user *from);
int slip(const int __user *from)
{
	return *from;
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("reads from user space like from anywhere");
""",
}
IN_ANY_CODE = """\
// SPDX-License-Identifier: MIT
static int first(const int *from)
{
        return from[0];
}
"""
IN_THE_KERNEL = """\
// SPDX-License-Identifier: MIT
static int first(const int *from)
{
	uint32_t found = from[0];

	return found;
}
"""


def run(*command):
    """(status, output)"""
    done = subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=600, check=False)
    return done.returncode, done.stdout


def checkpatch(text, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write(text)
        file.flush()
        return run("scripts/checkpatch", *options, file.name)


class Style(unittest.TestCase):
    def test_sparse_fails_on_a_pointer_to_user_space_that_is_followed(self):
        # In one place, as what is built from it stays; made anew each time.
        top = build_dir() / "slip"
        (top / "kmod").mkdir(parents=True, exist_ok=True)
        for name, text in MODULE.items():
            (top / "kmod" / name).write_text(text)
        with open(top / "kmod/slip.c", "a", encoding="ascii") as file:
            print(f"#define MADE_AT {time.time_ns()}", file=file)
        build = ["tests/vm/module-build", "6.12", "--source", top]
        self.assertEqual(run(*build)[0], 0)
        status, out = run(*build, "--sparse")
        self.assertEqual(status, 1)
        self.assertIn("dereference of noderef expression", out)

    def test_checkpatch_fails_on_a_slip_in_any_code(self):
        for options in ([], ["--userspace"]):
            status, out = checkpatch(IN_ANY_CODE, *options)
            self.assertEqual(status, 1)
            self.assertIn("ERROR:CODE_INDENT", out)

    def test_checkpatch_asks_more_of_the_kernel_than_of_userspace(self):
        status, out = checkpatch(IN_THE_KERNEL)
        self.assertEqual(status, 1)
        self.assertIn("CHECK:PREFER_KERNEL_TYPES", out)
        self.assertEqual(checkpatch(IN_THE_KERNEL, "--userspace"), (0, ""))


if __name__ == "__main__":
    unittest.main()
