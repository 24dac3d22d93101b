/*
 * Every command while memory runs out: allocation number N fails once. The
 * allocations of our own code fail one by one; those that libraries make, most
 * of them while they start, are sampled.
 */
#include "harness.h"
#include "trees.h"
#include <stdio.h>

#ifdef SANITIZED

int main(void)
{
	printf("skipped: the sanitizer has the allocator to itself; the release build runs this\n");
	return SKIPPED;
}

#else

#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define LEAD 60    /* of each library and command fail one by one: while it starts it is weakest */
#define SAMPLES 40 /* of the rest */

/* Whose code asks for memory. */
static const struct {
	const char *name;
	const char *file; /* part of the file's name */
} owners[] = {
	{ "Pannier", NULL },    { "SQLite", "libsqlite3" }, { "cJSON", "libcjson" },
	{ "OpenSSL", "libcrypto" }, { "libzip", "libzip" }, { "zlib", "libz." },
	{ "libdeflate", "libdeflate" }, { "zstd", "libzstd" }, { "libc", "libc.so" },
};
#define OWNERS (sizeof owners / sizeof owners[0])

static struct {
	uintptr_t start, end;
} code[OWNERS];

static const fault *armed;

static int note_code(struct dl_phdr_info *info, size_t size, void *user)
{
	(void)size;
	(void)user;
	for (size_t i = 0; i < OWNERS; i++) {
		bool program = info->dlpi_name[0] == '\0';
		if (owners[i].file == NULL ? !program : program || strstr(info->dlpi_name, owners[i].file) == NULL)
			continue;
		for (int h = 0; h < info->dlpi_phnum; h++) {
			if (info->dlpi_phdr[h].p_type != PT_LOAD || (info->dlpi_phdr[h].p_flags & PF_X) == 0)
				continue;
			code[i].start = info->dlpi_addr + info->dlpi_phdr[h].p_vaddr;
			code[i].end = code[i].start + info->dlpi_phdr[h].p_memsz;
		}
	}
	return 0;
}

static bool may_allocate(const void *caller)
{
	if (armed == NULL || shared->over)
		return true;
	uintptr_t place = (uintptr_t)caller;
	if (place < code[armed->how].start || place >= code[armed->how].end)
		return true;
	if (atomic_fetch_add(&shared->calls, 1) + 1 != armed->n)
		return true;
	/* libzip 1.7.3 takes a zip that it has no memory for as none: wrong, but never right. */
	shared->forgivable = strcmp(owners[armed->how].name, "libzip") == 0;
	shared->fired = true;
	errno = ENOMEM;
	return false;
}

INTERPOSE void *malloc(size_t size)
{
	return may_allocate(__builtin_return_address(0)) ? __libc_malloc(size) : NULL;
}

INTERPOSE void *calloc(size_t count, size_t size)
{
	return may_allocate(__builtin_return_address(0)) ? __libc_calloc(count, size) : NULL;
}

INTERPOSE void *realloc(void *memory, size_t size)
{
	return may_allocate(__builtin_return_address(0)) ? __libc_realloc(memory, size) : NULL;
}

static void arm(const fault *f)
{
	shared->call = owners[f->how].name;
	armed = f;
}

int main(int argc, char **argv)
{
	long total = 0;
	set_up();
	(void)dl_iterate_phdr(note_code, NULL);
	for (const command *c = commands; c->name != NULL; c++) {
		if (argc > 1 && strcmp(argv[1], c->name) != 0)
			continue;
		for (size_t i = 0; i < OWNERS; i++) {
			fault f = { owners[i].name, arm, 0, (int)i, false, false };
			if (argc > 2 && strcmp(argv[2], f.name) != 0)
				continue;
			long calls = fault_count(c, &f);
			long stride = i == 0 ? 1 : calls / SAMPLES + 1;
			total += fault_loop(c, f, LEAD, stride);
		}
	}
	tear_down();
	printf("%ld allocations failed\n", total);
	if (argc == 1 && total < 500)
		die("only %ld allocations failed", total);
	return 0;
}

#endif
