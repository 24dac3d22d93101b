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

/* Below 0: no digit. Hashes are random: no branches, which would be guessed wrong every second time. */
static int nibble(char c)
{
	int digit = c - '0', letter = c - 'a';
	int is_digit = (digit >= 0) & (digit < 10), is_letter = (letter >= 0) & (letter < 6);
	return is_digit * digit + is_letter * (letter + 10) + is_digit + is_letter - 1;
}

bool pnr_digest_from_hex(const char *hex, size_t length, pnr_digest *out_digest)
{
	pnr_digest digest;
	int all = 0;
	if (length != (size_t)2 * PNR_DIGEST_SIZE)
		return false;
	for (size_t i = 0; i < PNR_DIGEST_SIZE; i++) {
		int high = nibble(hex[2 * i]);
		int low = nibble(hex[2 * i + 1]);
		all |= high | low;
		digest.bytes[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
	}
	if (all < 0)
		return false;
	*out_digest = digest;
	return true;
}

bool pnr_digest_equal(const pnr_digest *a, const pnr_digest *b)
{
	return memcmp(a->bytes, b->bytes, PNR_DIGEST_SIZE) == 0;
}
