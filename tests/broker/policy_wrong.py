# SPDX-License-Identifier: MIT
"""Policies that are wrong, and what is said of them.

Each is (name, text, what is said). DEVICE and POOL stand for sections that are
right; a line of what is said is "LINE: TEXT", and there is no other.
"""

DEVICE = """\
[Device accel]
backend = sim
size = 64M
"""
POOL = """\
[Pool queues]
device = accel
bar = 2
range = 1M+256K
slice = 4K
allow = anyone
"""
RIGHT = DEVICE + POOL # 9 lines


def changed(line, text):
    """The right one with a line replaced."""
    lines = RIGHT.splitlines()
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


def with_key(text):
    return RIGHT + text + "\n"


def second(text):
    return RIGHT + text


WRONG = [
    # Lines
    ("a_section_without_its_end", changed(4, "[Pool queues"),
     ['4: "[Pool queues": a section ends with ]']),
    ("a_section_that_a_comment_cuts_off", changed(4, "[Pool ;queues]"),
     ['4: "[Pool ;queues]": is no section, such as [Pool queues]']),
    ("text_behind_a_section", changed(4, "[Pool queues] bar = 2"),
     ['4: "bar = 2": does not belong behind a section']),
    ("a_line_that_is_nothing", with_key("whatever"),
     ['10: "whatever": is no key = value, no [Section] and no comment']),
    ("a_value_without_a_key", with_key("= 3"), ['10: "= 3": there is no key']),
    ("a_key_before_any_section", "bar = 2\n" + RIGHT,
     ["1: bar = 2: is in no section, such as [Pool queues]"]),
    ("a_control_character", with_key("grace = 1s\x1b[2J"),
     ["10: has a control character, 0x1b, at byte 11"]),
    ("a_zero_byte", with_key("grace = 1s\0"),
     ["10: has a control character, 0x00, at byte 11"]),
    ("a_carriage_return_inside", with_key("grace = 1s\rmode = 777"),
     ["10: has a control character, 0x0d, at byte 11"]),
    ("a_control_character_of_two_bytes", with_key("# \u009b2J"),
     ["10: has a control character, 0x9b, at byte 3"]),
    ("text_in_another_order", with_key("# \u202e txet"),
     ["10: has a control character, 0x202e, at byte 3"]),
    ("text_that_is_not_utf_8", with_key("socket = /run/\udcfc"),
     ["10: is not UTF-8 from byte 15 on, 0xfc"]),
    ("a_character_that_is_cut_off", with_key("# \udce2\udc82"),
     ["10: is not UTF-8 from byte 3 on, 0xe2"]),
    ("a_character_that_is_longer_than_it_need_be",
     with_key("# \udcc0\udcaf"), ["10: is not UTF-8 from byte 3 on, 0xc0"]),
    ("a_byte_order_mark_inside", changed(4, "\ufeff[Pool queues]"),
     ["4: has a byte order mark at byte 1, which belongs at the beginning of "
      "a file", *(f"{line}: {text}: is for a [{kind}], not for a [Device]"
                  for line, kind, text in (
                      (5, "Slice", "device = accel"), (6, "Slice", "bar = 2"),
                      (7, "Slice", "range = 1M+256K"),
                      (8, "Pool", "slice = 4K"),
                      (9, "Slice", "allow = anyone")))]),
    ("a_very_long_line", with_key("#" + "x" * 500000),
     ['10: "#xxxxxxxxxxxxxxxxxxx...": the line has 500001 bytes, and may have '
      '198']),
    ("a_long_line", with_key("#" + "x" * 198),
     ['10: "#xxxxxxxxxxxxxxxxxxx...": the line has 199 bytes, and may have '
      '198']),
    ("a_long_section", with_key("[Pool " + "x" * 44 + "]"),
     ["10: [Pool " + "x" * 44 + "...]: longer than 48 bytes"]),
    # Sections
    ("nothing", "", ["1: it lends nothing: there is no [Slice NAME] and no "
                     "[Pool NAME]"]),
    ("comments_only", "# a\n; b\n\n",
     ["1: it lends nothing: there is no [Slice NAME] and no [Pool NAME]"]),
    ("devices_only", DEVICE,
     ["1: it lends nothing: there is no [Slice NAME] and no [Pool NAME]"]),
    ("an_unknown_section_that_is_like_one", second("[pol x]\nkey = 1\n"),
     ["10: [pol x]: no such section; do you mean [Pool NAME]?"]),
    ("an_unknown_section", second("[Network]\nkey = 1\n"),
     ["10: [Network]: no such section; there are [Device NAME], [Slice NAME], "
      "[Pool NAME] and [Server]"]),
    ("a_server_that_is_misspelt", second("[server]\n"),
     ["10: [server]: no such section; do you mean [Server]?"]),
    ("a_server_with_a_name", second("[Server x]\n"),
     ["10: [Server x]: has a name; write [Server]"]),
    ("two_servers", second("[Server]\nmax-connections-per-user = 3\n"
                           "[Server]\nmax-connections = 2\n"),
     ["11: max-connections-per-user = 3: more than max-connections, 2",
      "12: [Server]: line 10 has this section already"]),
    ("no_connections", second("[Server]\nmax-connections = 0\n"),
     ["11: max-connections = 0: not a number from 1 to 4294967295"]),
    ("no_connections_of_a_user",
     second("[Server]\nmax-connections-per-user = many\n"),
     ["11: max-connections-per-user = many: not a number from 1 to "
      "4294967295"]),
    ("more_connections_of_a_user_than_of_all",
     second("[Server]\nmax-connections = 9\n"
            "max-connections-per-user = 10\n"),
     ["12: max-connections-per-user = 10: more than max-connections, 9"]),
    ("no_requests", second("[Server]\nmax-requests-per-second = 0\n"),
     ["11: max-requests-per-second = 0: not a number from 1 to 4294967295"]),
    ("a_misspelt_number_of_requests",
     second("[Server]\nmax-request-per-second = 9\n"),
     ["11: max-request-per-second = 9: no such key; do you mean "
      "max-requests-per-second?"]),
    ("a_key_of_the_server_elsewhere", with_key("max-connections = 9"),
     ["10: max-connections = 9: is for a [Server], not for a [Pool]"]),
    ("a_section_without_a_name", changed(1, "[Device]"),
     ["1: [Device]: has no name; write [Device NAME]",
      "5: device = accel: there is no [Device accel]"]),
    ("a_name_with_a_blank", changed(4, "[Pool que ues]"),
     ["4: [Pool que ues]: a name has letters, digits and . _ : @ + - only"]),
    ("a_name_with_a_slash", changed(4, "[Pool ../etc]"),
     ["4: [Pool ../etc]: a name has letters, digits and . _ : @ + - only"]),
    ("two_pools_of_one_name", RIGHT + POOL,
     ["10: [Pool queues]: the name is that of line 4",
      "13: range = 1M+256K: overlaps queues of line 4 on BAR 2 of accel"]),
    ("a_slice_with_the_name_of_a_pool",
     second("[Slice queues]\ndevice=accel\nbar=0\nrange=0+4K\n"
            "allow=anyone\n"),
     ["10: [Slice queues]: the name is that of line 4"]),
    ("two_devices_of_one_name", RIGHT + DEVICE,
     ["10: [Device accel]: the name is that of line 1"]),
    # Keys
    ("an_unknown_key_that_is_like_one", with_key("max_lease = 3"),
     ["10: max_lease = 3: no such key; do you mean max-leases?"]),
    ("an_unknown_key", with_key("color = red"),
     ["10: color = red: no such key"]),
    ("a_key_of_another_section", with_key("pci = 0000:01:00.0"),
     ["10: pci = 0000:01:00.0: is for a [Device], not for a [Pool]"]),
    ("a_slice_size_of_a_slice", changed(4, "[Slice queues]"),
     ["8: slice = 4K: is for a [Pool], not for a [Slice]"]),
    ("a_key_twice", with_key("bar = 2"),
     ["10: bar = 2: line 6 has this key already"]),
    ("a_key_without_a_value", changed(6, "bar ="), ["6: bar = : has no value"]),
    ("nobody_allowed", changed(9, "allow ="), ["9: allow = : has no value"]),
    ("a_pool_without_anything", DEVICE + "[Pool queues]\n",
     [f"4: [Pool queues]: lacks {key}"
      for key in ("device", "bar", "range", "slice", "allow")]),
    ("a_device_without_anything", "[Device accel]\n" + POOL,
     ["1: [Device accel]: lacks pci (or backend = sim and size)"]),
    # Devices
    ("no_pci_address", "[Device accel]\npci = 1:2\n" + POOL,
     ["2: pci = 1:2: not a PCI address, such as 0000:01:00.0"]),
    ("no_backend", changed(2, "backend = emulated"),
     ["2: backend = emulated: neither vfio nor sim (a simulated device)"]),
    ("a_simulated_device_with_an_address",
     changed(3, "size = 64M\npci = 0000:01:00.0"),
     ["4: pci = 0000:01:00.0: a simulated device has no PCI address"]),
    ("a_simulated_device_without_a_size", changed(3, ""),
     ["1: [Device accel]: lacks size, that of each simulated BAR"]),
    ("simulated_devices_that_begin_alike",
     second("[Device simulated-accel-1]\nbackend = sim\nsize = 4K\n"
            "[Device simulated-accel-2]\nbackend = sim\nsize = 4K\n"),
     ["13: [Device simulated-accel-2]: begins with the same 15 characters as "
      "that of line 10, and a simulated device has no more"]),
    ("a_real_device_with_a_size",
     "[Device accel]\npci = 0000:01:00.0\nsize = 64M\n" + POOL,
     ["3: size = 64M: a real device has its own; it is for backend = sim"]),
    ("a_real_device_without_an_address",
     "[Device accel]\nbackend = vfio\n" + POOL,
     ["1: [Device accel]: lacks pci"]),
    ("one_device_twice", "[Device other]\npci = 01:00.0\n"
     "[Device accel]\npci = 0000:01:00.0\n" + POOL,
     ["4: pci = 0000:01:00.0: is the device of line 1 already"]),
    ("a_device_of_no_size", changed(3, "size = 0"),
     ["3: size = 0: nothing; it must have a page or more"]),
    ("a_device_of_half_a_page", changed(3, "size = 6K"),
     ["3: size = 6K: not a multiple of the page size, 4096 bytes"]),
    ("a_device_that_is_no_file", changed(3, "size = 0x8000000000000000"),
     ["3: size = 0x8000000000000000: more than a simulated BAR can have"]),
    # Values of slices and pools
    ("an_unknown_device", changed(5, "device = acel"),
     ["5: device = acel: there is no [Device acel]; do you mean accel?"]),
    ("another_device", changed(5, "device = gpu"),
     ["5: device = gpu: there is no [Device gpu]"]),
    ("a_bar_that_is_none", changed(6, "bar = 6"),
     ["6: bar = 6: not a BAR, from 0 to 5"]),
    ("a_bar_that_is_no_number", changed(6, "bar = two"),
     ["6: bar = two: not a BAR, from 0 to 5"]),
    ("a_negative_bar", changed(6, "bar = -1"),
     ["6: bar = -1: not a BAR, from 0 to 5"]),
    ("two_bars_that_are_none",
     changed(6, "bar = 6") + POOL.replace("queues", "other")
     .replace("bar = 2", "bar = 7"),
     ["6: bar = 6: not a BAR, from 0 to 5",
      "12: bar = 7: not a BAR, from 0 to 5"]),
    ("a_range_without_a_length", changed(7, "range = 1M"),
     ["7: range = 1M: not OFFSET+LENGTH, such as 1M+256K"]),
    ("a_range_of_words", changed(7, "range = here+there"),
     ["7: range = here+there: not a number of bytes, decimal or 0x "
      "hexadecimal with an optional K, M, G or T"]),
    ("a_range_with_a_comment_of_another_kind",
     changed(7, "range = 1M+256K # there"),
     ["7: range = 1M+256K # there: not a number of bytes, decimal or 0x "
      "hexadecimal with an optional K, M, G or T"]),
    ("an_empty_range", changed(7, "range = 1M+0"),
     ["7: range = 1M+0: nothing; it must have a page or more"]),
    ("a_range_of_an_odd_offset", changed(7, "range = 1+256K"),
     ["7: range = 1+256K: not a multiple of the page size, 4096 bytes"]),
    ("a_range_of_an_odd_length", changed(7, "range = 1M+257"),
     ["7: range = 1M+257: not a multiple of the page size, 4096 bytes"]),
    ("a_range_around_the_end", changed(7, "range = 0xfffffffffffff000+8K"),
     ["7: range = 0xfffffffffffff000+8K: longer than 64 bits can tell"]),
    ("a_range_that_does_not_fit", changed(7, "range = 99999999999999999999+4K"),
     ["7: range = 99999999999999999999+4K: more than 64 bits hold"]),
    ("a_range_behind_the_device", changed(7, "range = 64M+4K"),
     ["7: range = 64M+4K: reaches behind the BARs of accel, 67108864 bytes"]),
    ("a_range_that_ends_behind_the_device", changed(7, "range = 65532K+8K"),
     ["7: range = 65532K+8K: reaches behind the BARs of accel, 67108864 "
      "bytes"]),
    ("ranges_that_overlap",
     second("[Slice one]\ndevice=accel\nbar=2\nrange=0+0x101000\n"
            "allow=anyone\n"),
     ["13: range = 0+0x101000: overlaps queues of line 4 on BAR 2 of accel"]),
    ("slices_that_do_not_divide_their_range", changed(8, "slice = 12K"),
     ["8: slice = 12K: does not divide the range, 262144 bytes"]),
    ("slices_of_no_size", changed(8, "slice = 0"),
     ["8: slice = 0: nothing; it must have a page or more"]),
    ("slices_of_half_a_page", changed(8, "slice = 2K"),
     ["8: slice = 2K: not a multiple of the page size, 4096 bytes"]),
    ("too_many_slices", "[Device accel]\nbackend = sim\nsize = 1G\n" +
     POOL.replace("1M+256K", "0+257M"),
     ["8: slice = 4K: makes 65792 slices, and a pool can have 65536"]),
    ("no_access", with_key("access = wo"),
     ["10: access = wo: neither rw nor ro"]),
    ("no_cache", with_key("cache = wb"),
     ["10: cache = wb: neither nc (non-cached) nor wc (write-combining)"]),
    ("neither_exclusive_nor_not", with_key("exclusive = maybe"),
     ["10: exclusive = maybe: neither yes nor no"]),
    ("neither_over_msix_nor_not", with_key("over-msix = 1"),
     ["10: over-msix = 1: neither yes nor no"]),
    ("no_leases", with_key("max-leases = 0"),
     ["10: max-leases = 0: not a number from 1 to 4294967295"]),
    ("more_leases_than_can_be", with_key("max-leases = 4294967296"),
     ["10: max-leases = 4294967296: not a number from 1 to 4294967295"]),
    ("leases_with_a_unit", with_key("max-leases = 4K"),
     ["10: max-leases = 4K: not a number from 1 to 4294967295"]),
    ("leases_of_a_group_by_word", with_key("max-leases-per-group = x"),
     ["10: max-leases-per-group = x: not a number from 1 to 4294967295"]),
    ("leases_of_a_cgroup_by_word", with_key("max-leases-per-cgroup = x"),
     ["10: max-leases-per-cgroup = x: not a number from 1 to 4294967295"]),
    ("negative_waiting", with_key("max-waiting = -1"),
     ["10: max-waiting = -1: not a number from 1 to 4294967295"]),
    ("a_time_without_a_unit", with_key("time-limit = 60"),
     ["10: time-limit = 60: not a number and ms, s, m, h or d, such as "
      "500ms"]),
    ("a_time_with_another_unit", with_key("grace = 1min"),
     ["10: grace = 1min: not a number and ms, s, m, h or d, such as 500ms"]),
    ("a_time_without_a_number", with_key("grace = s"),
     ["10: grace = s: not a number and ms, s, m, h or d, such as 500ms"]),
    ("a_negative_time", with_key("grace = -1s"),
     ["10: grace = -1s: not a number and ms, s, m, h or d, such as 500ms"]),
    ("a_time_that_is_too_long", with_key("time-limit = 36501d"),
     ["10: time-limit = 36501d: more than 36500d"]),
    ("a_time_that_does_not_fit", with_key("time-limit = 99999999999999999999s"),
     ["10: time-limit = 99999999999999999999s: more than 36500d"]),
    ("no_time_at_all", with_key("time-limit = 0s"),
     ["10: time-limit = 0s: no time at all; without this key there is no "
      "limit"]),
    ("a_socket_from_nowhere", with_key("socket = queues.sock"),
     ["10: socket = queues.sock: not the path of a socket from the root, "
      "such as /run/barlease/queues.sock"]),
    ("a_socket_that_is_a_folder", with_key("socket = /run/barlease/"),
     ["10: socket = /run/barlease/: not the path of a socket from the root, "
      "such as /run/barlease/queues.sock"]),
    ("a_socket_with_a_long_path", with_key("socket = /" + "x" * 107),
     ["10: socket = /" + "x" * 107 + ": has 108 bytes, and a socket's path "
      "can have 107"]),
    ("a_mode_of_other_digits", with_key("mode = 0680"),
     ["10: mode = 0680: not permissions in octal from 000 to 0777, such as "
      "0660"]),
    ("a_mode_of_too_many_digits", with_key("mode = 4755"),
     ["10: mode = 4755: not permissions in octal from 000 to 0777, such as "
      "0660"]),
    ("a_mode_of_letters", with_key("mode = rw-rw----"),
     ["10: mode = rw-rw----: not permissions in octal from 000 to 0777, such "
      "as 0660"]),
    ("an_unknown_group_of_a_socket", with_key("socket-group = no-such-group"),
     ["10: socket-group = no-such-group: there is no such group on this "
      "machine"]),
    ("sockets_of_two_modes",
     with_key("socket = /run/s\n[Slice one]\ndevice=accel\nbar=0\n"
              "range=0+4K\nallow=anyone\nsocket = /run/s\nmode = 0600"),
     ["17: mode = 0600: differs from queues of line 4, which has the same "
      "socket"]),
    ("sockets_of_two_groups",
     with_key("socket = /run/s\nsocket-group = 3\n[Slice one]\n"
              "device=accel\nbar=0\nrange=0+4K\nallow=anyone\n"
              "socket = /run/s"),
     ["12: [Slice one]: socket-group differs from queues of line 4, which "
      "has the same socket"]),
    # Who may
    ("an_unknown_user", changed(9, "allow = user:no-such-user"),
     ["9: allow = user:no-such-user: there is no such user on this machine"]),
    ("an_unknown_group", changed(9, "allow = group:no-such-group"),
     ["9: allow = group:no-such-group: there is no such group on this "
      "machine"]),
    ("an_id_that_stands_for_none", changed(9, "allow = user:4294967295"),
     ["9: allow = user:4294967295: there is no such user on this machine"]),
    ("somebody_of_no_kind", changed(9, "allow = user:0 alice"),
     ["9: allow = alice: none of user:NAME, group:NAME, cgroup:PATTERN and "
      "anyone"]),
    ("a_cgroup_from_nowhere", changed(9, "allow = cgroup:system.slice"),
     ["9: allow = cgroup:system.slice: the path of a cgroup begins with /"]),
    ("a_cgroup_that_no_path_is", changed(9, "allow = cgroup:/system.slice/"),
     ["9: allow = cgroup:/system.slice/: the path of a cgroup does not end "
      "with /"]),
    ("too_many_who_may",
     changed(9, "\n".join(["allow =" + " user:0" * 26] * 10)),
     ["18: allow = user:0: more than 256 in one section"] * 4),
    # All at once, in the order of lines
    ("several_mistakes", "[Device accel]\npci = x\n[Pool q]\ndevice = acel\n"
     "bar = 9\nrange = 4K\nslice = 3\nallow = all\n",
     ["2: pci = x: not a PCI address, such as 0000:01:00.0",
      "4: device = acel: there is no [Device acel]; do you mean accel?",
      "5: bar = 9: not a BAR, from 0 to 5",
      "6: range = 4K: not OFFSET+LENGTH, such as 1M+256K",
      "7: slice = 3: not a multiple of the page size, 4096 bytes",
      "8: allow = all: none of user:NAME, group:NAME, cgroup:PATTERN and "
      "anyone"]),
]

# What is right, though it may not look like that.
FINE = [
    ("the_shortest", RIGHT),
    ("without_a_newline_at_its_end", RIGHT.rstrip("\n")),
    ("a_byte_order_mark", "\ufeff" + RIGHT),
    ("text_of_other_letters", RIGHT + "# gr\u00fc\u00df \u4f60\U0001f600\n"),
    ("a_colon_for_an_equals_sign", RIGHT.replace(" = ", ": ")),
    ("lines_of_another_system", RIGHT.replace("\n", "\r\n")),
    ("indented_keys", RIGHT.replace("\nbar", "\n\t  bar")),
    ("an_indented_section", RIGHT.replace("[Pool", " \t[Pool")),
    ("blanks_around_everything",
     RIGHT.replace(" = ", "\t =  ").replace("1M+256K", "1M + 256K")
     .replace("[Pool queues]", "[ Pool  queues ]")),
    ("comments", "# one\n; two\n" + RIGHT.replace("\n", " ; three\n")),
    ("the_longest_line", with_key("#" + "x" * 197)),
    ("the_longest_section", changed(4, "[Pool " + "x" * 43 + "]")),
    ("a_server", second("[Server]\nmax-connections = 9\n"
                        "max-connections-per-user = 9\n"
                        "max-requests-per-second = 4294967295\n")),
    ("more_connections_of_a_user_than_of_all_by_default",
     second("[Server]\nmax-connections-per-user = 100000\n")),
    ("numbers_of_all_kinds", changed(7, "range = 0x100000+262144")),
    ("a_range_to_the_end", changed(7, "range = 0+64M")),
    ("ranges_side_by_side",
     second("[Slice one]\ndevice=accel\nbar=2\nrange=0+1M\nallow=anyone\n")),
    ("the_same_range_of_another_bar",
     second("[Slice one]\ndevice=accel\nbar=1\nrange=1M+1M\nallow=anyone\n")),
    ("the_same_range_of_another_device",
     second("[Device b]\nbackend=sim\nsize=4M\n"
            "[Slice one]\ndevice=b\nbar=2\nrange=1M+1M\nallow=anyone\n")),
    ("a_device_with_the_name_of_a_pool", RIGHT.replace("queues", "accel")),
    ("a_device_behind_what_is_of_it", POOL + DEVICE),
    ("the_longest_time", with_key("time-limit = 36500d")),
    ("no_grace", with_key("grace = 0ms")),
    ("allow_on_many_lines", with_key("allow = user:0 group:0\nallow = "
                                     "cgroup:/system.slice/app-*.service")),
    ("a_real_device", "[Device accel]\npci = 01:00.0\n" + POOL),
    ("all_keys", with_key(
        "access = ro\ncache = wc\nexclusive = no\nover-msix = yes\n"
        "max-leases = 16\nmax-leases-per-group = 17\n"
        "max-leases-per-cgroup = 18\nmax-waiting = 19\ntime-limit = 1h\n"
        "grace = 500ms\nsocket = /run/barlease/queues.sock\nmode = 0660\n"
        "socket-group = 0")),
]
