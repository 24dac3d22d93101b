-- Pannier's index, version 4: remotes, what is known to be on them, and what was sent and fetched.

CREATE TABLE remote ( -- Places that packages are pushed to and pulled from.
  id INTEGER PRIMARY KEY, -- names the remote inside this database only
  name TEXT NOT NULL UNIQUE, -- that the user gave it
  url TEXT NOT NULL, -- where it is; never with a user, a password or a key
  added_at TEXT NOT NULL, -- when
  CHECK (added_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT;

CREATE TABLE remote_blob ( -- Content, of assets and of packages' texts, that is known to be on a remote, each in one form. What is there is asked before a push relies on it.
  remote_id INTEGER NOT NULL REFERENCES remote (id), -- the remote
  hash TEXT NOT NULL, -- SHA-256 of the content, which this store need not have
  size INTEGER NOT NULL, -- bytes of the content
  form TEXT NOT NULL, -- 'gzip' or 'stored': whole; 'patch'
  base TEXT, -- of a patch: SHA-256 of the content that it applies to, which has a row of its own; NULL: whole
  depth INTEGER NOT NULL, -- 0: whole; n: a patch on content of depth n - 1
  stored_hash TEXT, -- SHA-256 of the object as it was pushed; another encoding of the content may be there. NULL: a text that others pushed
  stored_size INTEGER, -- bytes of that object; NULL: likewise
  confirmed_at TEXT NOT NULL, -- when it was last known to be there
  PRIMARY KEY (remote_id, hash),
  CHECK (length(hash) = 64 AND hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (size >= 0),
  CHECK (form IN ('gzip', 'stored', 'patch')),
  CHECK ((form = 'patch') = (base IS NOT NULL)),
  CHECK ((form = 'patch') = (depth > 0)),
  CHECK (depth BETWEEN 0 AND 8),
  CHECK (length(base) = 64 AND base NOT GLOB '*[^0-9a-f]*'),
  CHECK (length(stored_hash) = 64 AND stored_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (stored_size >= 0),
  CHECK ((stored_hash IS NULL) = (stored_size IS NULL)),
  CHECK (confirmed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT, WITHOUT ROWID;

CREATE TABLE remote_package ( -- Packages that are known to be on a remote, whole.
  remote_id INTEGER NOT NULL REFERENCES remote (id), -- the remote
  package_hash TEXT NOT NULL, -- packageHash; this store need not have the package
  manifest_hash TEXT NOT NULL, -- SHA-256 of its manifest.json: one for each archive
  archive_hash TEXT NOT NULL, -- SHA-256 of its zip
  text_hash TEXT NOT NULL, -- SHA-256 of its text there: content, and kept here when room is made, as later texts go as patches on it
  name TEXT NOT NULL, -- of the model
  at TEXT NOT NULL, -- when it was pushed or pulled here, the last time
  PRIMARY KEY (remote_id, package_hash, manifest_hash),
  CHECK (length(package_hash) = 64 AND package_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (length(manifest_hash) = 64 AND manifest_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (length(archive_hash) = 64 AND archive_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (length(text_hash) = 64 AND text_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT, WITHOUT ROWID;
CREATE INDEX remote_package_by_name ON remote_package (remote_id, name, at);
CREATE INDEX remote_package_by_time ON remote_package (remote_id, at);
CREATE INDEX remote_package_by_package ON remote_package (package_hash);
CREATE INDEX remote_package_by_text ON remote_package (text_hash);

CREATE TABLE transfer ( -- Every push and pull, and what it took.
  id INTEGER PRIMARY KEY, -- grows with time
  remote TEXT NOT NULL, -- name of the remote, which may have been removed since
  url TEXT NOT NULL, -- where it was then
  direction TEXT NOT NULL, -- 'push' or 'pull'
  package_hash TEXT NOT NULL, -- packageHash
  archive_hash TEXT NOT NULL, -- of the zip that was meant
  at TEXT NOT NULL, -- when it began
  seconds REAL NOT NULL, -- how long it took
  blobs_needed INTEGER NOT NULL, -- different contents that the package has
  blobs_sent INTEGER NOT NULL, -- of these, how many were moved: the others were on the other side
  blobs_patched INTEGER NOT NULL, -- of those that were moved, how many as patches
  bytes_sent INTEGER NOT NULL, -- bytes that were moved
  bytes_full INTEGER NOT NULL, -- bytes that moving the package whole would have taken
  outcome TEXT NOT NULL, -- 'done'; else why it ended: not_found, corrupt, io, ...
  CHECK (direction IN ('push', 'pull')),
  CHECK (length(package_hash) = 64 AND package_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (length(archive_hash) = 64 AND archive_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CHECK (seconds >= 0),
  CHECK (blobs_needed >= 0 AND blobs_sent >= 0 AND blobs_patched >= 0 AND bytes_sent >= 0 AND bytes_full >= 0)
) STRICT;
CREATE INDEX transfer_by_package ON transfer (package_hash);

CREATE VIEW remote_missing ( -- The assets of the packages here whose content is not known to be on a remote.
  remote, -- name of the remote
  package_hash, -- packageHash
  path, -- in the package
  hash, -- of the content
  size -- bytes
) AS
SELECT remote.name, package.package_hash, path.text, blob.hash, blob.size
  FROM remote
  CROSS JOIN package
  JOIN package_asset ON package_asset.package_id = package.id
  JOIN asset ON asset.id = package_asset.asset_id
  JOIN path ON path.id = asset.path_id
  JOIN blob ON blob.id = asset.blob_id
 WHERE NOT EXISTS (SELECT 1 FROM remote_blob WHERE remote_blob.remote_id = remote.id AND remote_blob.hash = blob.hash);

CREATE VIEW transfer_savings ( -- What pushing and pulling took, and what moving whole packages would have taken.
  remote, -- name of the remote
  direction, -- 'push' or 'pull'
  transfers, -- how many that ended well; others do not count
  seconds, -- that they took
  bytes_sent, -- bytes that they moved
  bytes_full, -- bytes of the packages whole
  saved -- the share of these that was not moved, from 0 to 1
) AS
SELECT transfer.remote, transfer.direction, count(*), sum(transfer.seconds), sum(transfer.bytes_sent),
       sum(transfer.bytes_full), 1.0 - 1.0 * sum(transfer.bytes_sent) / max(sum(transfer.bytes_full), 1)
  FROM transfer
 WHERE transfer.outcome = 'done'
 GROUP BY transfer.remote, transfer.direction;

-- Pushing a package is no news of its model. These views are as before, but for that.

DROP VIEW asset_history;
CREATE VIEW asset_history ( -- Every version of every asset that was ever logged, the oldest first; pushes do not count.
  path, -- in the package
  hash, -- of the content
  size, -- bytes
  first_at, -- of the first log entry whose package holds this version
  last_at, -- of the newest one
  first_package, -- packageHash of the first one
  last_package, -- packageHash of the newest one
  packages -- how many different packages hold it
) AS
SELECT version.path, blob.hash, blob.size, first.at, last.at, first_package.package_hash,
       last_package.package_hash, version.packages
  FROM (SELECT path.text AS path, asset.blob_id AS blob_id, min(log.id) AS first_id, max(log.id) AS last_id,
               count(DISTINCT log.package_id) AS packages
          FROM path
          JOIN asset ON asset.path_id = path.id
          JOIN package_asset ON package_asset.asset_id = asset.id
          JOIN log ON log.package_id = package_asset.package_id AND log.event <> 'push'
         GROUP BY path.text, asset.blob_id) AS version
  JOIN blob ON blob.id = version.blob_id
  JOIN log AS first ON first.id = version.first_id
  JOIN log AS last ON last.id = version.last_id
  JOIN package AS first_package ON first_package.id = first.package_id
  JOIN package AS last_package ON last_package.id = last.package_id
 ORDER BY version.path, version.first_id;

DROP VIEW package_changes;
CREATE VIEW package_changes ( -- What each log entry changed against the entry before it of the same model. A push changes nothing.
  entry, -- log.id
  at, -- of the entry
  name, -- of the model
  change, -- 'added', 'changed' or 'removed'
  path, -- of the asset
  old_hash, -- of the content before; NULL: added
  new_hash, -- of the content after; NULL: removed
  old_size, -- bytes; NULL: added
  new_size -- bytes; NULL: removed
) AS
SELECT log.id, log.at, log.name, iif(old.id IS NULL, 'added', 'changed'), path.text, old_blob.hash, new_blob.hash,
       old_blob.size, new_blob.size
  FROM log
  LEFT JOIN log AS before ON before.id =
       (SELECT max(earlier.id) FROM log AS earlier WHERE earlier.name = log.name AND earlier.id < log.id
           AND earlier.event <> 'push')
  JOIN package_asset ON package_asset.package_id = log.package_id
  JOIN asset AS new ON new.id = package_asset.asset_id
  JOIN path ON path.id = new.path_id
  JOIN blob AS new_blob ON new_blob.id = new.blob_id
  LEFT JOIN asset AS old ON old.id = -- CROSS JOIN: by path, not through all of the older package
       (SELECT same_path.id FROM asset AS same_path CROSS JOIN package_asset AS held
         WHERE same_path.path_id = new.path_id AND held.asset_id = same_path.id
           AND held.package_id = before.package_id)
  LEFT JOIN blob AS old_blob ON old_blob.id = old.blob_id
 WHERE NOT EXISTS (SELECT 1 FROM package_asset AS held
                    WHERE held.asset_id = package_asset.asset_id AND held.package_id = before.package_id)
   AND old.blob_id IS NOT new.blob_id
   AND log.event <> 'push'
UNION ALL
SELECT log.id, log.at, log.name, 'removed', path.text, old_blob.hash, NULL, old_blob.size, NULL
  FROM log
  JOIN log AS before ON before.id =
       (SELECT max(earlier.id) FROM log AS earlier WHERE earlier.name = log.name AND earlier.id < log.id
           AND earlier.event <> 'push')
  JOIN package_asset ON package_asset.package_id = before.package_id
  JOIN asset AS old ON old.id = package_asset.asset_id
  JOIN path ON path.id = old.path_id
  JOIN blob AS old_blob ON old_blob.id = old.blob_id
 WHERE NOT EXISTS (SELECT 1 FROM package_asset AS held
                    WHERE held.asset_id = package_asset.asset_id AND held.package_id = log.package_id)
   AND NOT EXISTS (SELECT 1 FROM asset AS same_path CROSS JOIN package_asset AS held
                    WHERE same_path.path_id = old.path_id AND held.asset_id = same_path.id
                      AND held.package_id = log.package_id)
   AND log.event <> 'push';

-- Room is made by giving up packages that can be had again. All rows but these stay as they are.

CREATE TABLE evicted_package ( -- Packages whose content need not be kept; the next pull, apply or pack of one ends that.
  package_id INTEGER PRIMARY KEY REFERENCES package (id), -- the package
  evicted_at TEXT NOT NULL, -- when it was given up
  CHECK (evicted_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT;

CREATE TABLE evicted_encoding ( -- Encodings whose bytes are gone, until the same bytes are stored again.
  encoding_id INTEGER PRIMARY KEY REFERENCES encoding (id), -- the encoding; its data is NULL, its file is no more
  evicted_at TEXT NOT NULL, -- when they were removed
  CHECK (evicted_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT;

-- What comes back may come in other bytes: then there is another zip of the same choice.
DROP INDEX archive_by_choice;
CREATE UNIQUE INDEX archive_by_choice
    ON archive (package_id, coalesce(sources_id, 0), options, created_at, archive_hash);

-- These views tell of encodings: of those whose bytes are there.

DROP VIEW package_contents;
CREATE VIEW package_contents ( -- The assets of every package.
  package_hash, -- packageHash
  position, -- from 0, in manifest order
  path, -- in the package
  type, -- config, model, wasm, python, assumption or policy
  hash, -- of the content
  size, -- bytes
  stored_size, -- bytes of its smallest encoding in the store; NULL: it was given up to make room
  uses -- JSON: who in the config needs it
) AS
SELECT package.package_hash, package_asset.position, path.text, asset.type, blob.hash, blob.size,
       (SELECT min(encoding.stored_size) FROM encoding WHERE encoding.blob_id = blob.id
           AND encoding.id NOT IN (SELECT encoding_id FROM evicted_encoding)), asset.uses
  FROM package
  JOIN package_asset ON package_asset.package_id = package.id
  JOIN asset ON asset.id = package_asset.asset_id
  JOIN path ON path.id = asset.path_id
  JOIN blob ON blob.id = asset.blob_id;

DROP VIEW blob_usage;
CREATE VIEW blob_usage ( -- Every blob, what it costs, and in how many packages it is.
  hash, -- of the content
  size, -- bytes
  encodings, -- in how many ways it is kept; 0: it was given up to make room
  stored_size, -- bytes of all of them
  packages -- that hold it; 0: a manifest, or content that no package holds
) AS
SELECT blob.hash, blob.size,
       (SELECT count(*) FROM encoding WHERE encoding.blob_id = blob.id
           AND encoding.id NOT IN (SELECT encoding_id FROM evicted_encoding)),
       (SELECT coalesce(sum(encoding.stored_size), 0) FROM encoding WHERE encoding.blob_id = blob.id
           AND encoding.id NOT IN (SELECT encoding_id FROM evicted_encoding)),
       (SELECT count(DISTINCT package_asset.package_id) FROM asset
          JOIN package_asset ON package_asset.asset_id = asset.id WHERE asset.blob_id = blob.id)
  FROM blob;

DROP VIEW storage_by_type;
CREATE VIEW storage_by_type ( -- What the store holds of each type of asset; content of two types counts for both.
  type, -- config, model, wasm, python, assumption, policy; manifest: the manifests of archives
  blobs, -- how many different contents, those that were given up too
  size, -- their bytes
  stored_size -- bytes of their encodings
) AS
SELECT kept.type, count(*), sum(blob.size),
       sum((SELECT coalesce(sum(encoding.stored_size), 0) FROM encoding WHERE encoding.blob_id = blob.id
               AND encoding.id NOT IN (SELECT encoding_id FROM evicted_encoding)))
  FROM (SELECT asset.type AS type, asset.blob_id AS blob_id FROM asset
        UNION SELECT 'manifest', archive.manifest_blob_id FROM archive) AS kept
  JOIN blob ON blob.id = kept.blob_id
 GROUP BY kept.type;

PRAGMA user_version = 4;
