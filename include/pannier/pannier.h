/* Pannier: everything. */
#ifndef PANNIER_PANNIER_H
#define PANNIER_PANNIER_H

#include <pannier/delta.h>
#include <pannier/digest.h>
#include <pannier/error.h>
#include <pannier/fsck.h>
#include <pannier/history.h>
#include <pannier/model.h>
#include <pannier/package.h>
#include <pannier/progress.h>
#include <pannier/remote.h>
#include <pannier/report.h>
#include <pannier/store.h>

PNR_BEGIN_DECLS

/** Version of the library that is running, such as "0.1.0". Static. */
PNR_API const char *pnr_version(void);

PNR_END_DECLS
#endif
