-- Pannier's index, version 5: what auditors ask, and packages that were made before there was a store.

-- What was imported late stands in its place: whatever tells of history does so in the order of at, then of id.
CREATE INDEX log_by_time ON log (at);
DROP INDEX log_by_name;
CREATE INDEX log_by_name ON log (name, at);

-- Pushes are no part of it: that an entry is none is known without reading it.
DROP INDEX log_by_package;
CREATE INDEX log_by_package ON log (package_id, event);

CREATE INDEX asset_by_type ON asset (type, blob_id);

CREATE TABLE imported_archive ( -- Zips that were imported, as they were: the store may make another one of the same package.
  log_id INTEGER PRIMARY KEY REFERENCES log (id), -- the entry of the import, whose time is that of the zip
  package_id INTEGER NOT NULL REFERENCES package (id), -- what was in it
  archive_hash TEXT NOT NULL, -- SHA-256 of the zip
  size INTEGER NOT NULL, -- bytes of the zip
  file TEXT NOT NULL, -- its name when it was imported
  imported_at TEXT NOT NULL, -- when that was
  CHECK (length(archive_hash) = 64 AND archive_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (size >= 0),
  CHECK (imported_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT;
CREATE INDEX imported_archive_by_hash ON imported_archive (archive_hash);

CREATE VIEW content_uses ( -- Who holds a content: a row for each package that it is in and path that it has there.
  hash, -- of the content: the sha256sum of the file
  path, -- in the package
  type, -- config, model, wasm, python, assumption or policy
  uses, -- JSON: who in the config needs it
  package_hash, -- packageHash
  name, -- of the model, in the newest log entry of the package that is no push; NULL: there is none
  first_at, -- of the first of these entries
  last_at -- of the newest one
) AS
SELECT held.hash, path.text, asset.type, asset.uses, package.package_hash, last.name, first.at, last.at
  FROM (SELECT blob.hash AS hash, package_asset.package_id AS package_id, asset.id AS asset_id,
               min(log.at || (1000000000000000000 + log.id)) AS first, max(log.at || (1000000000000000000 + log.id)) AS last
          FROM blob
          JOIN asset ON asset.blob_id = blob.id
          JOIN package_asset ON package_asset.asset_id = asset.id
          LEFT JOIN log ON log.package_id = package_asset.package_id AND log.event <> 'push'
         GROUP BY blob.hash, package_asset.package_id, asset.id) AS held
  JOIN package ON package.id = held.package_id
  JOIN asset ON asset.id = held.asset_id
  JOIN path ON path.id = asset.path_id
  LEFT JOIN log AS first ON first.id = CAST(substr(held.first, 26) AS INTEGER)
  LEFT JOIN log AS last ON last.id = CAST(substr(held.last, 26) AS INTEGER);

CREATE VIEW asset_paths ( -- Every path that an asset ever had in a package, and how many contents were there.
  path, -- in the package
  versions, -- different contents
  size -- bytes of all of them
) AS
SELECT version.path, count(*), sum(blob.size)
  FROM (SELECT DISTINCT path.text AS path, asset.blob_id AS blob_id
          FROM path
          JOIN asset ON asset.path_id = path.id) AS version
  JOIN blob ON blob.id = version.blob_id
 GROUP BY version.path;

CREATE VIEW archive_list ( -- Zips that were made here, and imports of zips: one that is both has two rows.
  archive_hash, -- SHA-256 of the zip: what the job API calls packageHash
  package_hash, -- packageHash
  created_at, -- createdAt in its manifest
  size, -- bytes of the zip
  manifest_hash, -- SHA-256 of its manifest.json; NULL: it was imported
  options, -- JSON: how it was made; NULL: likewise
  file -- its name when it was imported; NULL: it was made here
) AS
SELECT archive.archive_hash, package.package_hash, archive.created_at, archive.size, blob.hash, archive.options, NULL
  FROM archive
  JOIN package ON package.id = archive.package_id
  JOIN blob ON blob.id = archive.manifest_blob_id
UNION ALL
SELECT imported_archive.archive_hash, package.package_hash, log.at, imported_archive.size, NULL, NULL,
       imported_archive.file
  FROM imported_archive
  JOIN package ON package.id = imported_archive.package_id
  JOIN log ON log.id = imported_archive.log_id;

CREATE VIEW package_references ( -- What packages refer to and do not hold: it stays in the cloud.
  package_hash, -- packageHash
  position, -- from 0, in config order
  kind, -- 'assumption' (assumptions://) or 'external' (blob://)
  role, -- mortality, lapse, expenses, policies or model
  reference, -- as the config has it
  name, -- of an assumption; '' otherwise
  version -- of an assumption: 'latest' and 'draft' may have meant something else at every run; '' otherwise
) AS
SELECT package.package_hash, package_reference.position, package_reference.kind, package_reference.role,
       package_reference.reference, package_reference.name, package_reference.version
  FROM package_reference
  JOIN package ON package.id = package_reference.package_id;

CREATE VIEW package_remotes ( -- Where packages are known to be: a row for each remote and archive.
  package_hash, -- packageHash, also of packages that this store does not have
  remote, -- name of the remote
  url, -- where it is
  archive_hash, -- SHA-256 of the zip that was meant
  name, -- of the model
  at -- when it was pushed or pulled here, the last time
) AS
SELECT remote_package.package_hash, remote.name, remote.url, remote_package.archive_hash, remote_package.name,
       remote_package.at
  FROM remote_package
  JOIN remote ON remote.id = remote_package.remote_id;

CREATE VIEW tag_list ( -- The tags, and what they name.
  tag, -- the name
  package_hash, -- packageHash
  archive_hash, -- the archive that was meant; NULL: the package, whatever its archives
  at -- when it was set
) AS
SELECT tag.name, package.package_hash, archive.archive_hash, tag.at
  FROM tag
  JOIN package ON package.id = tag.package_id
  LEFT JOIN archive ON archive.id = tag.archive_id;

CREATE VIEW store_totals ( -- The whole store in one row: what is there, what it would take, what it takes.
  packages, -- different ones
  archives, -- zips that were made
  entries, -- of the log
  assets, -- in all packages, each time that one is in a package
  blobs, -- different contents, manifests included
  bytes_packages, -- of all assets of all packages: what keeping each as files would take
  bytes_archives, -- of all zips: what keeping each would take
  bytes_raw, -- of the different contents
  bytes_stored -- of what is kept of them
) AS
SELECT of_packages.count, of_archives.count, (SELECT count(*) FROM log), of_packages.assets, of_blobs.count,
       of_packages.size, of_archives.size, of_blobs.size,
       (SELECT coalesce(sum(stored_size), 0) FROM encoding INDEXED BY encoding_by_size)
       - (SELECT coalesce(sum(stored_size), 0) FROM evicted_encoding
            CROSS JOIN encoding ON encoding.id = evicted_encoding.encoding_id)
  FROM (SELECT count(*) AS count, coalesce(sum(asset_count), 0) AS assets, coalesce(sum(total_size), 0) AS size
          FROM package) AS of_packages
  JOIN (SELECT count(*) AS count, coalesce(sum(size), 0) AS size FROM archive) AS of_archives
  JOIN (SELECT count(*) AS count, coalesce(sum(size), 0) AS size FROM blob) AS of_blobs;

-- As before, but each type is asked for in the order of an index: nothing is sorted.

DROP VIEW storage_by_type;
CREATE VIEW storage_by_type ( -- What the store holds of each type of asset; content of two types counts for both.
  type, -- config, model, wasm, python, assumption, policy; manifest: the manifests of archives
  blobs, -- how many different contents, those that were given up too
  size, -- their bytes
  stored_size -- bytes of their encodings
) AS
SELECT each.type,
       (SELECT count(*) FROM (SELECT DISTINCT blob_id FROM asset WHERE asset.type = each.type) AS held),
       (SELECT sum(blob.size) FROM (SELECT DISTINCT blob_id FROM asset WHERE asset.type = each.type) AS held
         CROSS JOIN blob ON blob.id = held.blob_id),
       (SELECT coalesce(sum(encoding.stored_size), 0)
          FROM (SELECT DISTINCT blob_id FROM asset WHERE asset.type = each.type) AS held
         CROSS JOIN encoding ON encoding.blob_id = held.blob_id
         WHERE encoding.id NOT IN (SELECT encoding_id FROM evicted_encoding))
  FROM (SELECT DISTINCT type FROM asset) AS each
UNION ALL
SELECT 'manifest',
       (SELECT count(DISTINCT manifest_blob_id) FROM archive),
       (SELECT sum(blob.size) FROM (SELECT DISTINCT manifest_blob_id AS blob_id FROM archive) AS held
         CROSS JOIN blob ON blob.id = held.blob_id),
       (SELECT coalesce(sum(encoding.stored_size), 0)
          FROM (SELECT DISTINCT manifest_blob_id AS blob_id FROM archive) AS held
         CROSS JOIN encoding ON encoding.blob_id = held.blob_id
         WHERE encoding.id NOT IN (SELECT encoding_id FROM evicted_encoding))
 WHERE EXISTS (SELECT 1 FROM archive);

-- These views are as before, but in the order of time: that of at, and of id where at is the same.

DROP VIEW package_list;
CREATE VIEW package_list ( -- The log with what it names, the newest first, by at: one row for each entry.
  entry, -- log.id
  at, -- when
  event, -- what was done
  name, -- of the model
  package_hash, -- packageHash
  archive_hash, -- archiveHash; NULL: no zip was made
  created_at, -- createdAt of the archive; NULL: no zip was made
  archive_size, -- bytes of the zip; NULL: no zip was made
  assets, -- number of assets
  total_size, -- bytes of the assets
  user, -- who
  host, -- where
  git_commit, -- commit that was checked out
  git_dirty, -- 1: with changes
  ci_run, -- the CI run
  tool_version, -- of Pannier
  note -- --note
) AS
SELECT log.id, log.at, log.event, log.name, package.package_hash, archive.archive_hash, archive.created_at,
       archive.size, package.asset_count, package.total_size, log.user, log.host, log.git_commit,
       log.git_dirty, log.ci_run, log.tool_version, log.note
  FROM log
  JOIN package ON package.id = log.package_id
  LEFT JOIN archive ON archive.id = log.archive_id
 ORDER BY log.at DESC, log.id DESC;

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
  FROM (SELECT path.text AS path, asset.blob_id AS blob_id, min(log.at || (1000000000000000000 + log.id)) AS first,
               max(log.at || (1000000000000000000 + log.id)) AS last, count(DISTINCT log.package_id) AS packages
          FROM path
          JOIN asset ON asset.path_id = path.id
          JOIN package_asset ON package_asset.asset_id = asset.id
          JOIN log ON log.package_id = package_asset.package_id AND log.event <> 'push'
         GROUP BY path.text, asset.blob_id) AS version
  JOIN blob ON blob.id = version.blob_id
  JOIN log AS first ON first.id = CAST(substr(version.first, 26) AS INTEGER)
  JOIN log AS last ON last.id = CAST(substr(version.last, 26) AS INTEGER)
  JOIN package AS first_package ON first_package.id = first.package_id
  JOIN package AS last_package ON last_package.id = last.package_id
 ORDER BY version.path, version.first;

-- Besides, a path that changes often has very many versions: the one to compare with nearly always has the same position;
-- if not, it is looked for from the nearest on, in the order in which they came.

DROP VIEW package_changes;
CREATE VIEW package_changes ( -- What each log entry changed against the one before it, by at, of the same model. A push changes nothing.
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
       (SELECT earlier.id FROM log AS earlier WHERE earlier.name = log.name
           AND (earlier.at, earlier.id) < (log.at, log.id) AND earlier.event <> 'push'
         ORDER BY earlier.at DESC, earlier.id DESC LIMIT 1)
  JOIN package_asset ON package_asset.package_id = log.package_id
  JOIN asset AS new ON new.id = package_asset.asset_id
  JOIN path ON path.id = new.path_id
  JOIN blob AS new_blob ON new_blob.id = new.blob_id
  LEFT JOIN asset AS old ON old.id = coalesce(
       (SELECT same_path.id FROM package_asset AS held CROSS JOIN asset AS same_path ON same_path.id = held.asset_id
         WHERE held.package_id = before.package_id AND held.position = package_asset.position
           AND same_path.path_id = new.path_id),
       (SELECT same_path.id FROM asset AS same_path CROSS JOIN package_asset AS held
         WHERE same_path.path_id = new.path_id AND same_path.blob_id <= new.blob_id
           AND held.asset_id = same_path.id AND held.package_id = before.package_id
         ORDER BY same_path.blob_id DESC LIMIT 1),
       (SELECT same_path.id FROM asset AS same_path CROSS JOIN package_asset AS held
         WHERE same_path.path_id = new.path_id AND same_path.blob_id > new.blob_id
           AND held.asset_id = same_path.id AND held.package_id = before.package_id
         ORDER BY same_path.blob_id LIMIT 1))
  LEFT JOIN blob AS old_blob ON old_blob.id = old.blob_id
 WHERE NOT EXISTS (SELECT 1 FROM package_asset AS held
                    WHERE held.asset_id = package_asset.asset_id AND held.package_id = before.package_id)
   AND old.blob_id IS NOT new.blob_id
   AND log.event <> 'push'
UNION ALL
SELECT log.id, log.at, log.name, 'removed', path.text, old_blob.hash, NULL, old_blob.size, NULL
  FROM log
  JOIN log AS before ON before.id =
       (SELECT earlier.id FROM log AS earlier WHERE earlier.name = log.name
           AND (earlier.at, earlier.id) < (log.at, log.id) AND earlier.event <> 'push'
         ORDER BY earlier.at DESC, earlier.id DESC LIMIT 1)
  JOIN package_asset ON package_asset.package_id = before.package_id
  JOIN asset AS old ON old.id = package_asset.asset_id
  JOIN path ON path.id = old.path_id
  JOIN blob AS old_blob ON old_blob.id = old.blob_id
 WHERE NOT EXISTS (SELECT 1 FROM package_asset AS held
                    WHERE held.asset_id = package_asset.asset_id AND held.package_id = log.package_id)
   AND coalesce(
       (SELECT same_path.id FROM package_asset AS held CROSS JOIN asset AS same_path ON same_path.id = held.asset_id
         WHERE held.package_id = log.package_id AND held.position = package_asset.position
           AND same_path.path_id = old.path_id),
       (SELECT same_path.id FROM asset AS same_path CROSS JOIN package_asset AS held
         WHERE same_path.path_id = old.path_id AND same_path.blob_id >= old.blob_id
           AND held.asset_id = same_path.id AND held.package_id = log.package_id
         ORDER BY same_path.blob_id LIMIT 1),
       (SELECT same_path.id FROM asset AS same_path CROSS JOIN package_asset AS held
         WHERE same_path.path_id = old.path_id AND same_path.blob_id < old.blob_id
           AND held.asset_id = same_path.id AND held.package_id = log.package_id
         ORDER BY same_path.blob_id DESC LIMIT 1)) IS NULL
   AND log.event <> 'push';

PRAGMA user_version = 5;
