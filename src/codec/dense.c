#include "codec/dense.h"
#include <string.h>

/* Less than this cannot be judged, and is cheap to compress. */
#define LEAST ((size_t)32 << 10)

/* Frequencies are looked at by pieces: text in one corner must not drown in noise elsewhere. */
#define PIECE ((size_t)32 << 10)

/* How far a match of DEFLATE reaches. */
#define WINDOW ((size_t)32 << 10)
#define TABLE_BITS 12

/*
 * With N bytes of which value v occurs c(v) times, X = 256 * sum c(v)^2 / N^2 - 1
 * is 0 for perfectly even frequencies. Near that, the best code for single bytes
 * saves X / (16 ln 2) of the size. Noise has X = 255 / N on average, 0.008 here;
 * from 1/64 on, where a code could save 0.14 %, the piece counts as uneven.
 */
static bool is_even(const uint8_t *data, size_t length)
{
	uint32_t counts[4][256] = { { 0 } }; /* four, so that equal neighbours do not wait for each other */
	size_t i = 0;
	for (; i + 4 <= length; i += 4)
		for (size_t lane = 0; lane < 4; lane++)
			counts[lane][data[i + lane]]++;
	for (; i < length; i++)
		counts[0][data[i]]++;
	uint64_t sum = 0;
	for (size_t v = 0; v < 256; v++) {
		uint64_t count = (uint64_t)counts[0][v] + counts[1][v] + counts[2][v] + counts[3][v];
		sum += count * count;
	}
	uint64_t square = (uint64_t)length * length;
	return sum * 256 <= square + square / 64;
}

static uint32_t load4(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * Every eighth four-byte string is remembered, every one is looked up. One that
 * is found within a match's reach therefore stands for eight bytes that matches
 * could cover. Noise has none.
 */
static bool recurs(const uint8_t *data, size_t length)
{
	struct { uint32_t string, place; } seen[1 << TABLE_BITS] = { { 0, 0 } };
	size_t found = 0; /* an empty slot answers to zeros only, which even data hardly has */
	for (size_t i = 0; i + 4 <= length; i++) {
		uint32_t string = load4(data + i);
		size_t slot = string * UINT32_C(0x9E3779B1) >> (32 - TABLE_BITS);
		/* No branch: this is as likely as not in the data where it matters. */
		found += (seen[slot].string == string) & (i - seen[slot].place <= WINDOW);
		if (i % 8 == 0) {
			seen[slot].string = string;
			seen[slot].place = (uint32_t)i;
		}
	}
	return found * 8 >= length / 500;
}

bool pnr_data_is_dense(const uint8_t *data, size_t length)
{
	if (length < LEAST)
		return false;
	for (size_t start = 0, size; start < length; start += size) {
		/* The last piece takes the rest in: a short one would look uneven by chance. */
		size = length - start < 2 * PIECE ? length - start : PIECE;
		if (!is_even(data + start, size))
			return false;
	}
	return !recurs(data, length);
}
