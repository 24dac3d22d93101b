#include "base/percent.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool pnr_percent_decode(char *text, bool plus)
{
	char *out = text;
	for (const char *in = text; *in != '\0'; in++) {
		if (*in == '%') {
			int high = hex_value(in[1]);
			int low = high < 0 ? -1 : hex_value(in[2]);
			if (low < 0 || high + low == 0)
				return false;
			*out++ = (char)(high * 16 + low);
			in += 2;
		} else {
			*out++ = plus && *in == '+' ? ' ' : *in;
		}
	}
	*out = '\0';
	return true;
}
