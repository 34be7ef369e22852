/* SPDX-License-Identifier: MIT */
/* Small files that the command leaves for a later one, or for others. */
#ifndef CLI_SAVED_FILE_H
#define CLI_SAVED_FILE_H

/**
 * saved_file_write() - put a file into its place, in one step
 * @folder: where; made if it is not there, but not the one that it is in
 * @name: of the file. Until all of the new one is on the disk it is called
 *	".NAME.new".
 * @text: what is in it
 *
 * Whatever the umask is, everybody may read the file and a folder that was made.
 *
 * Return: 0, when it would be there after a crash as well; -ENAMETOOLONG; or
 * -errno. What was there before is still there then, unless it was the folder
 * that could not be flushed (-EIO as a rule).
 */
int saved_file_write(const char *folder, const char *name, const char *text);

/**
 * saved_file_remove() - remove a file
 * @folder: where
 * @name: of the file
 *
 * Return: 0, when it would not be there after a crash either; -ENOENT when there
 * is none; or -errno.
 */
int saved_file_remove(const char *folder, const char *name);

#endif /* CLI_SAVED_FILE_H */
