/* Hex of digests; hashing itself is codec's. */
#include <pannier/digest.h>
#include <string.h>

char *pnr_digest_to_hex(const pnr_digest *digest, char out_hex[PNR_DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < PNR_DIGEST_SIZE; i++) {
		out_hex[2 * i] = digits[digest->bytes[i] >> 4];
		out_hex[2 * i + 1] = digits[digest->bytes[i] & 15];
	}
	out_hex[2 * PNR_DIGEST_SIZE] = '\0';
	return out_hex;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool pnr_digest_from_hex(const char *hex, size_t length, pnr_digest *out_digest)
{
	pnr_digest digest;
	if (length != (size_t)2 * PNR_DIGEST_SIZE)
		return false;
	for (size_t i = 0; i < PNR_DIGEST_SIZE; i++) {
		int high = nibble(hex[2 * i]);
		int low = nibble(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		digest.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*out_digest = digest;
	return true;
}

bool pnr_digest_equal(const pnr_digest *a, const pnr_digest *b)
{
	return memcmp(a->bytes, b->bytes, PNR_DIGEST_SIZE) == 0;
}
