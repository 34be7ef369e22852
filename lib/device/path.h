/* SPDX-License-Identifier: MIT */
#ifndef BARLEASE_PATH_H
#define BARLEASE_PATH_H

/**
 * path_print() - put a path together
 * @path: where to put it, PATH_MAX bytes
 * @format: as printf()
 *
 * Return: 0, or -ENAMETOOLONG.
 */
__attribute__((format(printf, 2, 3))) int path_print(char *path,
						     const char *format, ...);

#endif /* BARLEASE_PATH_H */
