/* Hex of digests; hashing itself is codec's. */
#include <pannier/digest.h>
#include <string.h>

/* Hashes are random, and lists have very many: no branches, no tables, so that a compiler takes many digits at once. */
static char digit(unsigned value)
{
	return (char)(value + '0' + (value > 9) * ('a' - '0' - 10u));
}

char *pnr_digest_to_hex(const pnr_digest *digest, char out_hex[PNR_DIGEST_HEX_SIZE])
{
	for (size_t i = 0; i < PNR_DIGEST_SIZE; i++) {
		out_hex[2 * i] = digit(digest->bytes[i] >> 4);
		out_hex[2 * i + 1] = digit(digest->bytes[i] & 15);
	}
	out_hex[2 * PNR_DIGEST_SIZE] = '\0';
	return out_hex;
}

/* Of what is no digit it is anything. */
static unsigned value(char c)
{
	return ((unsigned char)c & 15) + ((unsigned char)c >> 6) * 9u;
}

bool pnr_digest_from_hex(const char *hex, size_t length, pnr_digest *out_digest)
{
	pnr_digest digest;
	char again[PNR_DIGEST_HEX_SIZE];
	if (length != (size_t)2 * PNR_DIGEST_SIZE)
		return false;
	for (size_t i = 0; i < PNR_DIGEST_SIZE; i++)
		digest.bytes[i] = (uint8_t)(value(hex[2 * i]) << 4 | value(hex[2 * i + 1]));
	if (memcmp(pnr_digest_to_hex(&digest, again), hex, length) != 0)
		return false;
	*out_digest = digest;
	return true;
}

bool pnr_digest_equal(const pnr_digest *a, const pnr_digest *b)
{
	return memcmp(a->bytes, b->bytes, PNR_DIGEST_SIZE) == 0;
}
