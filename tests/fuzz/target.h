/* What every fuzz target is: a function, which aborts when something does not hold. */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)               \
	do {                             \
		if (!(condition))        \
			abort();         \
	} while (0)

#endif
