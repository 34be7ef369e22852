// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attribute.h"
#include "binding.h"

bool driver_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= DRIVER_NAME_MAX || name[0] == '-')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_-") == length;
}

bool driver_exists(const struct machine *machine, const char *name)
{
	char path[PATH_MAX];

	return !path_print(path, "%s/bus/pci/drivers/%s", machine->sysfs,
			   name) &&
	       path_exists(path);
}

int driver_load(const char *name)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		execlp("modprobe", "modprobe", name, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ENOENT;
}

static int override_read(const struct machine *machine, const char *bdf,
			 char *name)
{
	char path[PATH_MAX];
	int err;

	err = path_print(path, "%s/bus/pci/devices/%s/driver_override",
			 machine->sysfs, bdf);
	if (err)
		return err;
	err = attribute_read(path, name, DRIVER_NAME_MAX);
	if (err)
		return err;
	if (!strcmp(name, "(null)"))
		name[0] = '\0';
	return 0;
}

static int override_write(const struct machine *machine, const char *bdf,
			  const char *name)
{
	char path[PATH_MAX];
	int err;

	err = path_print(path, "%s/bus/pci/devices/%s/driver_override",
			 machine->sysfs, bdf);
	if (err)
		return err;
	/* An empty write() does not reach the kernel; a newline clears. */
	return attribute_write(path, name[0] ? name : "\n");
}

/* @action is "bind" or "unbind". */
static int driver_tell(const struct machine *machine, const char *driver,
		       const char *action, const char *bdf)
{
	char path[PATH_MAX];
	int err;

	err = path_print(path, "%s/bus/pci/drivers/%s/%s", machine->sysfs,
			 driver, action);
	if (err)
		return err;
	return attribute_write(path, bdf);
}

/* Have the kernel look for a driver, as driver_override allows. */
static int drivers_probe(const struct machine *machine, const char *bdf)
{
	char path[PATH_MAX];
	int err;

	err = path_print(path, "%s/bus/pci/drivers_probe", machine->sysfs);
	if (err)
		return err;
	return attribute_write(path, bdf);
}

/* Whether the function has this driver now. */
static bool driver_is(const struct machine *machine, const char *bdf,
		      const char *driver)
{
	char path[PATH_MAX];
	char name[DRIVER_NAME_MAX];

	if (path_print(path, "%s/bus/pci/devices/%s/driver", machine->sysfs,
		       bdf) ||
	    link_name(path, name, sizeof(name)))
		return false;
	return !strcmp(name, driver);
}

/* Whether its driver offers it through VFIO: there is a device for that. */
static bool is_offered(const struct machine *machine, const char *bdf)
{
	char path[PATH_MAX];

	return !path_print(path, "%s/bus/pci/devices/%s/vfio-dev",
			   machine->sysfs, bdf) &&
	       path_exists(path);
}

/* A signal between two steps would leave the function with half of them. */
static void signals_hold(sigset_t *former)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, former);
}

int binding_former(const struct machine *machine,
		   const struct function *function, struct former *former)
{
	strcpy(former->driver, function->driver);
	return override_read(machine, function->bdf, former->override);
}

static int change_steps(const struct machine *machine, const char *bdf,
			const char *driver, const struct former *former,
			const char **step)
{
	int err;

	*step = "setting driver_override";
	err = override_write(machine, bdf, driver);
	if (err)
		return err;

	if (former->driver[0]) {
		*step = "unbinding the former driver";
		err = driver_tell(machine, former->driver, "unbind", bdf);
		if (err)
			goto err_override;
	}

	*step = "binding the new driver";
	err = drivers_probe(machine, bdf);
	/* The kernel answers "done" also when the driver refused. */
	if (!err && !driver_is(machine, bdf, driver))
		err = -ENODEV;
	if (err)
		goto err_driver;

	/* Nothing would lend the BARs then, and nothing undo this. */
	*step = "looking for a VFIO device";
	if (!is_offered(machine, bdf)) {
		err = -EPROTONOSUPPORT;
		goto err_driver;
	}
	return 0;

err_driver:
	override_write(machine, bdf, former->override);
	if (driver_is(machine, bdf, driver))
		driver_tell(machine, driver, "unbind", bdf);
	if (former->driver[0])
		driver_tell(machine, former->driver, "bind", bdf);
	return err;
err_override:
	override_write(machine, bdf, former->override);
	return err;
}

int binding_change(const struct machine *machine, const char *bdf,
		   const char *driver, const struct former *former,
		   const char **step)
{
	sigset_t signals;
	int err;

	signals_hold(&signals);
	err = change_steps(machine, bdf, driver, former, step);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	return err;
}

static int restore_steps(const struct machine *machine,
			 const struct function *function,
			 const struct former *former, const char **step)
{
	int err;

	if (function->driver[0]) {
		*step = "unbinding the driver";
		err = driver_tell(machine, function->driver, "unbind",
				  function->bdf);
		if (err)
			return err;
	}
	*step = "restoring driver_override";
	err = override_write(machine, function->bdf,
			     former ? former->override : "");
	if (err)
		return err;

	*step = "binding the former driver";
	if (!former)
		return drivers_probe(machine, function->bdf);
	if (!former->driver[0])
		return 0;
	return driver_tell(machine, former->driver, "bind", function->bdf);
}

int binding_restore(const struct machine *machine,
		    const struct function *function,
		    const struct former *former, const char **step)
{
	sigset_t signals;
	int err;

	signals_hold(&signals);
	err = restore_steps(machine, function, former, step);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	return err;
}
