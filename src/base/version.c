#include <pannier/pannier.h>

const char *pnr_version(void)
{
	return PNR_VERSION;
}
