/*
 * The folder of a test, files and trees in it. Names begin there; what cannot be
 * done ends the test.
 */
#ifndef TESTS_FAULT_TREES_H
#define TESTS_FAULT_TREES_H

#include <stddef.h>
#include <stdint.h>

/** Print what is wrong and exit. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/** Make the folder; remove_tree("") removes it. */
void make_root(void);
/** A path in the test's folder; eight stay valid. */
const char *path(const char *name);
/** Run a line of shell, which must succeed. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** All bytes of a file, with a NUL behind them; free() it. */
char *read_all(const char *name, size_t *out_length);
void write_file(const char *name, const void *data, size_t length);
/** Random bytes, or a table with a column "itemkey": the same for the same @seed. */
void write_noise(const char *name, size_t length, unsigned seed);
void write_table(const char *name, size_t length, unsigned seed);

/** @hash, and @data behind what it is of. */
uint64_t mix(uint64_t hash, const void *data, size_t length);
/** The names, kinds and bytes of a folder and all below it, .pannier and temporaries left out. */
uint64_t tree_hash(const char *name);
/** The same with nothing left out. */
uint64_t tree_hash_all(const char *name);
/** Missing is fine. */
void remove_tree(const char *name);
/** Make @to what @from is, as `cp -a` into nothing would, at the price of what differs. */
void mirror(const char *from, const char *to);

#endif
