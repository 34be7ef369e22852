// SPDX-License-Identifier: MIT
/* Leases of a VF, and what happens to its PF. */
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "config.h"
#include "harness.h"
#include "irq.h"
#include "lessee.h"
#include "reset.h"
#include "sriov.h"
#include "touch.h"

#define LENGTH (SRIOV_BAR_PAGES * PAGE)
#define SOON_MS patience_ms(20000)

#define word(map, offset) (&(map)[(offset) / sizeof(uint32_t)])

/* The PF and a VF open, the VF's BAR lent to a lessee and to ourselves. */
struct scene {
	struct barlease_device *pf, *vf;
	const char *pf_bdf, *vf_bdf;
	int fd;
	uint32_t *map;
	struct lessee lessee;
	uint32_t *their_map;
};

static void scene_lend(struct scene *scene)
{
	scene->vf_bdf = sriov_vf(0);
	scene->vf = sriov_open(scene->vf_bdf, TOKEN);
	scene->fd = lease_export(scene->vf, 0, 0, LENGTH);
	scene->map = lease_map_rw(scene->fd, 0, LENGTH);
	scene->their_map = lessee_start_mapped(&scene->lessee, scene->fd,
					       LENGTH);
	ASSERT_READS(word(scene->map, SRIOV_STATUS), SRIOV_STATUS_OFFLINE);
	ASSERT_WRITES(word(scene->map, SRIOV_TABLE), 0x1000);
}

static void scene_start(struct scene *scene)
{
	scene->pf_bdf = sriov_start();
	scene->pf = sriov_open(scene->pf_bdf, TOKEN);
	scene_lend(scene);
}

static void assert_lessee_reads(struct scene *scene, size_t offset,
				uint32_t expected)
{
	uint32_t found = 0;

	ASSERT_TOUCH(lessee_read(&scene->lessee, word(scene->their_map, offset),
				 &found), TOUCH_OK);
	ASSERT_EQ(found, expected);
}

static void assert_table_works(struct scene *scene)
{
	ASSERT_WRITES(word(scene->map, SRIOV_TABLE), 0x7000);
	assert_lessee_reads(scene, SRIOV_TABLE, 0x7000);
	ASSERT_WRITES(word(scene->map, SRIOV_TABLE), 0);
	assert_lessee_reads(scene, SRIOV_TABLE, 0);
}

static void assert_alive(struct scene *scene)
{
	ASSERT_READS(word(scene->map, SRIOV_STATUS), SRIOV_STATUS_OFFLINE);
	assert_lessee_reads(scene, SRIOV_STATUS, SRIOV_STATUS_OFFLINE);
	assert_table_works(scene);
}

static void assert_gone(struct scene *scene)
{
	ASSERT_GONE(scene->map);
	ASSERT_TOUCH(lessee_read(&scene->lessee, scene->their_map, NULL),
		     TOUCH_SIGBUS);
}

/* Nothing of it is left, and there is no way back. */
static void assert_ended(struct scene *scene)
{
	assert_gone(scene);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, scene->fd, 0),
		     ENODEV);
}

static void scene_end(struct scene *scene)
{
	lessee_end(&scene->lessee);
	munmap(scene->map, LENGTH);
	close(scene->fd);
	barlease_device_close(scene->vf);
	barlease_device_close(scene->pf);
	sriov_stop();
}

TEST(sriov_vf_lease_is_used_by_an_unprivileged_process_and_revoked)
{
	struct scene scene;

	scene_start(&scene);
	assert_lessee_reads(&scene, SRIOV_TABLE, 0x1000);
	ASSERT_TOUCH(lessee_write(&scene.lessee,
				  word(scene.their_map, SRIOV_TABLE), 0x2000),
		     TOUCH_OK);
	ASSERT_READS(word(scene.map, SRIOV_TABLE), 0x2000);

	ASSERT_SYS(lease_revoke(scene.vf, scene.fd));
	assert_ended(&scene);
	scene_end(&scene);
}

TEST(sriov_vf_lease_is_of_its_own_vf_alone)
{
	struct barlease_device *other;
	struct scene scene;
	uint32_t *map, *pf_map;
	int fd, pf_fd;

	scene_start(&scene);
	other = sriov_open(sriov_vf(1), TOKEN);
	fd = lease_export(other, 0, 0, LENGTH);
	map = lease_map_rw(fd, 0, LENGTH);
	pf_fd = lease_export(scene.pf, 0, 0, LENGTH);
	pf_map = lease_map_rw(pf_fd, 0, LENGTH);

	ASSERT_WRITES(word(map, SRIOV_TABLE), 0x3000);
	ASSERT_WRITES(word(pf_map, SRIOV_TABLE), 0x4000);
	ASSERT_READS(word(scene.map, SRIOV_TABLE), 0x1000);
	ASSERT_ERRNO(lease_revoke(scene.vf, fd), ENODEV);
	ASSERT_ERRNO(lease_revoke(scene.pf, scene.fd), ENODEV);

	ASSERT_SYS(lease_revoke(scene.vf, scene.fd));
	assert_ended(&scene);
	ASSERT_READS(word(map, SRIOV_TABLE), 0x3000);
	ASSERT_READS(word(pf_map, SRIOV_TABLE), 0x4000);

	munmap(map, LENGTH);
	munmap(pf_map, LENGTH);
	close(fd);
	close(pf_fd);
	barlease_device_close(other);
	scene_end(&scene);
}

/* There is none in a VF. QEMU's has one, and then all of its BAR reads 0. */
TEST(sriov_vf_has_no_memory_bit_that_ends_a_lease)
{
	struct scene scene;

	scene_start(&scene);
	ASSERT_OK(barlease_device_set_memory(scene.vf, false));
	ASSERT_TOUCH(touch_read(scene.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(lessee_read(&scene.lessee, scene.their_map, NULL),
		     TOUCH_OK);
	munmap(lease_map_rw(scene.fd, 0, LENGTH), LENGTH);
	ASSERT_OK(barlease_device_set_memory(scene.vf, true));
	assert_alive(&scene);
	scene_end(&scene);
}

TEST(sriov_memory_off_of_the_pf_ends_no_lease_of_a_vf)
{
	uint32_t *pf_map;
	struct scene scene;
	int pf_fd;

	scene_start(&scene);
	pf_fd = lease_export(scene.pf, 0, 0, LENGTH);
	pf_map = lease_map_rw(pf_fd, 0, LENGTH);
	ASSERT_OK(barlease_device_set_memory(scene.pf, false));
	ASSERT_GONE(pf_map);
	assert_alive(&scene);
	munmap(pf_map, LENGTH);
	close(pf_fd);
	scene_end(&scene);
}

static void vf_reset_zaps(void (*reset)(struct barlease_device *dev))
{
	struct scene scene;

	scene_start(&scene);
	ASSERT_EQ(touch_faults(scene.map), 0);
	reset(scene.vf);
	/* Taken away, and back at once: there is no memory bit to wait for. */
	ASSERT_EQ(touch_faults(scene.map), 1);
	ASSERT_READS(word(scene.map, SRIOV_TABLE), 0);
	assert_alive(&scene);
	scene_end(&scene);
}

TEST(sriov_vf_reset_by_ioctl_zaps_and_the_lease_comes_back)
{
	vf_reset_zaps(reset_by_ioctl);
}

TEST(sriov_vf_reset_by_flr_zaps_and_the_lease_comes_back)
{
	vf_reset_zaps(reset_by_flr);
}

/*
 * The reset of a PF takes its VFs along, and the kernel puts them back. VFIO
 * zaps nothing of theirs: a mapping stays, and reaches the VF as it is now.
 */
TEST(sriov_pf_reset_leaves_vf_leases_that_reach_the_new_vf)
{
	struct scene scene;

	scene.pf_bdf = sriov_start();
	ASSERT_OK(sriov_set_vfs("0"));
	sriov_allow_reset(true);
	scene.pf = sriov_open(scene.pf_bdf, TOKEN);
	ASSERT_OK(sriov_set_vfs("2"));
	scene_lend(&scene);

	reset_by_ioctl(scene.pf);
	ASSERT_OK(barlease_device_set_memory(scene.pf, true));
	sriov_revive();
	ASSERT_EQ(touch_faults(scene.map), 0);
	/* For QEMU, see above. */
	ASSERT_OK(barlease_device_set_memory(scene.vf, true));
	ASSERT_READS(word(scene.map, SRIOV_TABLE), 0);
	assert_table_works(&scene);
	ASSERT_SYS(lease_revoke(scene.vf, scene.fd));
	assert_ended(&scene);
	scene_end(&scene);
}

TEST(sriov_pf_close_leaves_vf_leases_and_ends_its_own)
{
	struct scene scene;
	uint32_t *pf_map;
	int pf_fd;

	scene_start(&scene);
	pf_fd = lease_export(scene.pf, 0, 0, LENGTH);
	pf_map = lease_map_rw(pf_fd, 0, LENGTH);
	ASSERT_TOUCH(touch_read(pf_map, NULL), TOUCH_OK);
	barlease_device_close(scene.pf);
	ASSERT_GONE(pf_map);
	assert_alive(&scene);
	munmap(pf_map, LENGTH);
	close(pf_fd);

	scene.pf = sriov_open(scene.pf_bdf, TOKEN);
	assert_alive(&scene);
	scene_end(&scene);
}

TEST(sriov_vf_close_ends_its_leases)
{
	struct scene scene;

	scene_start(&scene);
	barlease_device_close(scene.vf);
	assert_ended(&scene);
	scene.vf = sriov_open(scene.vf_bdf, TOKEN);
	assert_ended(&scene);
	scene_end(&scene);
}

TEST(sriov_pf_with_vfs_stays_in_full_power)
{
	struct scene scene;
	unsigned int at;

	scene_start(&scene);
	at = config_capability(scene.pf, PCI_CAP_ID_PM);
	config_write16(scene.pf, at + PCI_PM_CTRL,
		       config_read16(scene.pf, at + PCI_PM_CTRL) | 3);
	ASSERT_EQ(config_read16(scene.pf, at + PCI_PM_CTRL) & 3, 0);
	assert_alive(&scene);
	scene_end(&scene);
}

/* A process of its own, without our fds, that writes to sysfs. */
static pid_t start_vfs_off(void)
{
	pid_t pid = (pid_t)ASSERT_SYS(fork());

	if (!pid) {
		ASSERT_SYS(close_range(3, ~0U, 0));
		_exit(sriov_set_vfs("0") ? 1 : 0);
	}
	return pid;
}

static pid_t start_pf_unbind(const char *bdf)
{
	pid_t pid = (pid_t)ASSERT_SYS(fork());

	if (!pid) {
		ASSERT_SYS(close_range(3, ~0U, 0));
		_exit(device_unbind(bdf) ? 1 : 0);
	}
	return pid;
}

static void assert_done_soon(pid_t pid)
{
	long long end = now_ms() + SOON_MS;
	int status = 0;

	while (!ASSERT_SYS(waitpid(pid, &status, WNOHANG))) {
		ASSERT_COMPARE(now_ms(), <, end);
		sleep_ms(5);
	}
	ASSERT_EQ(status, 0);
}

static void await_event(int event)
{
	struct pollfd poll_event = { .fd = event, .events = POLLIN };

	ASSERT_EQ(ASSERT_SYS(poll(&poll_event, 1, SOON_MS)), 1);
}

/* The lessees stay: neither waits for them. */
static void vfs_go(pid_t (*start)(const char *bdf), bool pf_open)
{
	struct scene scene;
	pid_t remover;
	int event;

	scene_start(&scene);
	event = event_make();
	ASSERT_SYS(irq_wire(scene.vf, VFIO_PCI_REQ_IRQ_INDEX, 0, event));
	if (!pf_open) {
		barlease_device_close(scene.pf);
		scene.pf = NULL;
	}
	remover = start(scene.pf_bdf);
	await_event(event);
	/* It waits for the VF's owner; until then its leases work. */
	ASSERT_EQ(ASSERT_SYS(waitpid(remover, NULL, WNOHANG)), 0);
	assert_alive(&scene);

	close(event);
	barlease_device_close(scene.vf);
	scene.vf = NULL;
	assert_done_soon(remover);
	assert_ended(&scene);

	ASSERT_OK(device_bind(scene.pf_bdf));
	lessee_end(&scene.lessee);
	munmap(scene.map, LENGTH);
	close(scene.fd);
	barlease_device_close(scene.pf);
	sriov_stop();
}

static pid_t vfs_off(const char *bdf)
{
	(void)bdf;
	return start_vfs_off();
}

TEST(sriov_vfs_off_waits_for_a_vfs_owner_and_for_no_lessee)
{
	vfs_go(vfs_off, true);
}

TEST(sriov_pf_unbind_waits_for_a_vfs_owner_and_for_no_lessee)
{
	vfs_go(start_pf_unbind, false);
}

TEST(sriov_vfs_come_back_without_the_old_leases)
{
	struct scene scene;
	uint32_t *map;
	int fd;

	scene_start(&scene);
	barlease_device_close(scene.vf);
	ASSERT_OK(sriov_set_vfs("0"));
	assert_ended(&scene);
	ASSERT_OK(sriov_set_vfs("2"));

	scene.vf = sriov_open(sriov_vf(0), TOKEN);
	fd = lease_export(scene.vf, 0, 0, LENGTH);
	map = lease_map_rw(fd, 0, LENGTH);
	ASSERT_READS(word(map, SRIOV_STATUS), SRIOV_STATUS_OFFLINE);
	assert_ended(&scene);
	ASSERT_ERRNO(lease_revoke(scene.vf, scene.fd), ENODEV);
	munmap(map, LENGTH);
	close(fd);
	scene_end(&scene);
}
