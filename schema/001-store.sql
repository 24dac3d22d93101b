-- Pannier's index, version 1. README.md in this folder explains it. Every table and
-- view is STRICT about what it holds: hashes are SHA-256 in lower-case hex, times are
-- ISO 8601 UTC with milliseconds, sizes are bytes.

PRAGMA application_id = 0x706e6e72; -- "pnnr": what file(1) and the library know the database by

CREATE TABLE blob ( -- Content: one row for every sequence of bytes that the store knows.
  id INTEGER PRIMARY KEY, -- names the blob inside this database only
  hash TEXT NOT NULL UNIQUE, -- SHA-256 of the bytes: the blob's identity everywhere
  size INTEGER NOT NULL, -- bytes
  crc32 INTEGER NOT NULL, -- CRC-32 of the bytes, as zip and gzip use it
  CHECK (length(hash) = 64 AND hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (size >= 0),
  CHECK (crc32 BETWEEN 0 AND 4294967295)
) STRICT;
CREATE INDEX blob_by_size ON blob (size);

CREATE TABLE encoding ( -- One way in which the bytes of a blob are kept. A blob has one or more.
  id INTEGER PRIMARY KEY, -- archives name the encodings they were made of by it
  blob_id INTEGER NOT NULL REFERENCES blob (id), -- whose bytes
  form TEXT NOT NULL, -- 'stored' (as they are), 'zlib' (RFC 1950) or 'gzip' (RFC 1952)
  encoder TEXT NOT NULL, -- name and version of what made it
  level INTEGER NOT NULL, -- compression level that was asked for
  base_id INTEGER REFERENCES encoding (id), -- what a patch applies to; NULL: whole, as all are in version 1
  stored_hash TEXT NOT NULL, -- SHA-256 of the bytes as they are kept
  stored_size INTEGER NOT NULL, -- their number
  created_at TEXT NOT NULL, -- when this row was made
  data BLOB, -- the bytes as they are kept; NULL: in objects/, under a name made of hash and stored_hash
  CHECK ((base_id IS NULL) = (form IN ('stored', 'zlib', 'gzip'))),
  CHECK (level >= 0),
  CHECK (length(stored_hash) = 64 AND stored_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (stored_size >= 0),
  CHECK (data IS NULL OR length(data) = stored_size),
  CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT;
CREATE UNIQUE INDEX encoding_by_choice ON encoding (blob_id, encoder, level) WHERE base_id IS NULL;
CREATE INDEX encoding_by_size ON encoding (blob_id, stored_size);
CREATE INDEX encoding_by_base ON encoding (base_id) WHERE base_id IS NOT NULL;

CREATE TABLE path ( -- Texts of paths, each kept once: in a package, and on disk.
  id INTEGER PRIMARY KEY, -- names the text
  text TEXT NOT NULL UNIQUE -- the path
) STRICT;

CREATE TABLE asset ( -- A file in its place: path, type and content. Packages are lists of these.
  id INTEGER PRIMARY KEY, -- names the asset
  path_id INTEGER NOT NULL REFERENCES path (id), -- path in the package
  blob_id INTEGER NOT NULL REFERENCES blob (id), -- content
  type TEXT NOT NULL, -- config, model, wasm, python, assumption or policy
  uses TEXT NOT NULL, -- JSON array of {"node": id} and {"role": name}: who in the config needs it
  UNIQUE (path_id, blob_id, type, uses),
  CHECK (uses GLOB '[[]*]')
) STRICT;
CREATE INDEX asset_by_blob ON asset (blob_id);

CREATE TABLE package ( -- A package's content. The same content twice is one row; log says when it was packed.
  id INTEGER PRIMARY KEY, -- names the package inside this database only
  package_hash TEXT NOT NULL UNIQUE, -- SHA-256 of the sha256sum listing of its assets: its identity
  first_at TEXT NOT NULL, -- when it was first stored here
  asset_count INTEGER NOT NULL, -- rows in package_asset
  total_size INTEGER NOT NULL, -- bytes of all its assets
  CHECK (length(package_hash) = 64 AND package_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (first_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT;

CREATE TABLE package_asset ( -- Which assets a package is made of, in the order of its manifest.
  package_id INTEGER NOT NULL REFERENCES package (id), -- the package
  position INTEGER NOT NULL, -- from 0
  asset_id INTEGER NOT NULL REFERENCES asset (id), -- the asset
  PRIMARY KEY (package_id, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX package_asset_by_asset ON package_asset (asset_id, package_id);

CREATE TABLE package_reference ( -- What a package refers to and does not hold: it stays in the cloud.
  package_id INTEGER NOT NULL REFERENCES package (id), -- the package
  position INTEGER NOT NULL, -- from 0, in config order
  kind TEXT NOT NULL, -- 'assumption' (assumptions://) or 'external' (blob://)
  role TEXT NOT NULL, -- mortality, lapse, expenses, policies or model
  reference TEXT NOT NULL, -- as the config has it
  name TEXT NOT NULL, -- of an assumption; '' otherwise
  version TEXT NOT NULL, -- of an assumption, 'latest' if the config names none; '' otherwise
  PRIMARY KEY (package_id, position),
  CHECK (kind IN ('assumption', 'external'))
) STRICT, WITHOUT ROWID;

CREATE TABLE source_list ( -- Where the assets of an archive lay on disk; one row for each different list.
  id INTEGER PRIMARY KEY, -- names the list
  list_hash TEXT NOT NULL UNIQUE, -- SHA-256 of the list
  CHECK (length(list_hash) = 64 AND list_hash NOT GLOB '*[^0-9a-f]*')
) STRICT;

CREATE TABLE source_list_path ( -- The paths of a source list: absolutePath in the manifest.
  list_id INTEGER NOT NULL REFERENCES source_list (id), -- the list
  position INTEGER NOT NULL, -- of the asset in its package
  path_id INTEGER NOT NULL REFERENCES path (id), -- absolute path on disk
  PRIMARY KEY (list_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE archive ( -- A zip that was made of a package; another folder or level makes another one.
  id INTEGER PRIMARY KEY, -- names the archive inside this database only
  package_id INTEGER NOT NULL REFERENCES package (id), -- its content
  sources_id INTEGER REFERENCES source_list (id), -- the absolutePaths in its manifest; NULL: it has none (--portable)
  options TEXT NOT NULL, -- JSON: whatever else decides its bytes
  created_at TEXT NOT NULL, -- createdAt in its manifest
  manifest_blob_id INTEGER NOT NULL REFERENCES blob (id), -- the bytes of its manifest.json
  archive_hash TEXT NOT NULL, -- SHA-256 of the zip
  size INTEGER NOT NULL, -- bytes of the zip
  CHECK (options GLOB '{*}'),
  CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CHECK (length(archive_hash) = 64 AND archive_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (size >= 0)
) STRICT;
CREATE UNIQUE INDEX archive_by_choice ON archive (package_id, coalesce(sources_id, 0), options, created_at);
CREATE INDEX archive_by_hash ON archive (archive_hash);
CREATE INDEX archive_by_manifest ON archive (manifest_blob_id);

CREATE TABLE archive_encoding ( -- The encodings whose bytes an archive holds, in the order of its entries.
  archive_id INTEGER NOT NULL REFERENCES archive (id), -- the archive
  position INTEGER NOT NULL, -- 0: the manifest; n: the asset at position n - 1
  encoding_id INTEGER NOT NULL REFERENCES encoding (id), -- the encoding
  PRIMARY KEY (archive_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE log ( -- What happened, in order: only ever added to, each entry chained to the one before by its hash.
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- grows with time; not without gaps
  at TEXT NOT NULL, -- when
  event TEXT NOT NULL, -- 'pack'
  package_id INTEGER NOT NULL REFERENCES package (id), -- the content
  archive_id INTEGER REFERENCES archive (id), -- the zip; NULL: none was made
  name TEXT NOT NULL, -- of the model
  user TEXT NOT NULL, -- login name of who did it; '' where unknown, as in all that follow
  host TEXT NOT NULL, -- name of the machine
  git_commit TEXT NOT NULL, -- commit that was checked out
  git_dirty INTEGER, -- 1: the checkout had changes; 0: none; NULL: unknown
  ci_run TEXT NOT NULL, -- the CI run, if the environment told
  tool_version TEXT NOT NULL, -- of Pannier
  note TEXT NOT NULL, -- --note
  options TEXT NOT NULL, -- JSON: how it was asked for
  previous_hash TEXT NOT NULL, -- entry_hash of the entry before; 64 zeros in the first
  entry_hash TEXT NOT NULL, -- SHA-256 of this entry's text, as in the view log_text
  CHECK (id > 0),
  CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
  CHECK (git_dirty IN (0, 1)),
  CHECK (length(previous_hash) = 64 AND previous_hash NOT GLOB '*[^0-9a-f]*'),
  CHECK (length(entry_hash) = 64 AND entry_hash NOT GLOB '*[^0-9a-f]*')
) STRICT;
CREATE INDEX log_by_name ON log (name, id);
CREATE INDEX log_by_package ON log (package_id);

CREATE TRIGGER log_is_never_updated BEFORE UPDATE ON log
BEGIN
  SELECT RAISE(ABORT, 'the log is only ever added to: no update');
END;

CREATE TRIGGER log_is_never_deleted BEFORE DELETE ON log
BEGIN
  SELECT RAISE(ABORT, 'the log is only ever added to: no delete');
END;

-- The first condition is for INSERT OR REPLACE, which deletes without asking the trigger above.
CREATE TRIGGER log_is_chained BEFORE INSERT ON log
BEGIN
  SELECT RAISE(ABORT, 'the log is only ever added to: no replace')
   WHERE NEW.id <= (SELECT max(id) FROM log) AND NEW.id > 0;
  SELECT RAISE(ABORT, 'previous_hash must be the entry_hash of the newest log entry, or 64 zeros')
   WHERE NEW.previous_hash IS NOT coalesce((SELECT entry_hash FROM log ORDER BY id DESC LIMIT 1),
     '0000000000000000000000000000000000000000000000000000000000000000');
END;

CREATE TABLE tag ( -- Names that users gave to packages.
  name TEXT NOT NULL PRIMARY KEY, -- the tag
  package_id INTEGER NOT NULL REFERENCES package (id), -- what it names
  archive_id INTEGER REFERENCES archive (id), -- the archive that was meant; NULL: the package, whatever its archives
  at TEXT NOT NULL, -- when it was set
  CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z')
) STRICT, WITHOUT ROWID;

CREATE TABLE source_file ( -- A cache: files on disk whose content is known as long as their state is this. May be emptied.
  device INTEGER NOT NULL, -- st_dev; above 2^63 as the negative number of the same bits
  inode INTEGER NOT NULL, -- st_ino, likewise
  size INTEGER NOT NULL, -- bytes
  mtime_ns INTEGER NOT NULL, -- last change of the content, nanoseconds since 1970
  ctime_ns INTEGER NOT NULL, -- last change of the inode, likewise
  blob_id INTEGER NOT NULL REFERENCES blob (id), -- the content
  PRIMARY KEY (device, inode)
) STRICT, WITHOUT ROWID;

CREATE TABLE output_file ( -- A cache: zips that were written, so that the same one need not be written again. May be emptied.
  path TEXT NOT NULL PRIMARY KEY, -- absolute
  device INTEGER NOT NULL, -- state of the file after it was written: as in source_file
  inode INTEGER NOT NULL, -- likewise
  size INTEGER NOT NULL, -- likewise
  mtime_ns INTEGER NOT NULL, -- likewise
  ctime_ns INTEGER NOT NULL, -- likewise
  archive_id INTEGER NOT NULL REFERENCES archive (id) -- what was written
) STRICT, WITHOUT ROWID;

-- Views: made for the stock sqlite3 shell.

CREATE VIEW asset_history ( -- Every version of every asset that was ever logged, the oldest first.
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
          JOIN log ON log.package_id = package_asset.package_id
         GROUP BY path.text, asset.blob_id) AS version
  JOIN blob ON blob.id = version.blob_id
  JOIN log AS first ON first.id = version.first_id
  JOIN log AS last ON last.id = version.last_id
  JOIN package AS first_package ON first_package.id = first.package_id
  JOIN package AS last_package ON last_package.id = last.package_id
 ORDER BY version.path, version.first_id;

CREATE VIEW package_list ( -- The log with what it names, the newest first: one row for each entry.
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
 ORDER BY log.id DESC;

CREATE VIEW package_contents ( -- The assets of every package.
  package_hash, -- packageHash
  position, -- from 0, in manifest order
  path, -- in the package
  type, -- config, model, wasm, python, assumption or policy
  hash, -- of the content
  size, -- bytes
  stored_size, -- bytes of its smallest encoding in the store
  uses -- JSON: who in the config needs it
) AS
SELECT package.package_hash, package_asset.position, path.text, asset.type, blob.hash, blob.size,
       (SELECT min(encoding.stored_size) FROM encoding WHERE encoding.blob_id = blob.id), asset.uses
  FROM package
  JOIN package_asset ON package_asset.package_id = package.id
  JOIN asset ON asset.id = package_asset.asset_id
  JOIN path ON path.id = asset.path_id
  JOIN blob ON blob.id = asset.blob_id;

CREATE VIEW package_changes ( -- What each log entry changed against the entry before it of the same model.
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
       (SELECT max(earlier.id) FROM log AS earlier WHERE earlier.name = log.name AND earlier.id < log.id)
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
UNION ALL
SELECT log.id, log.at, log.name, 'removed', path.text, old_blob.hash, NULL, old_blob.size, NULL
  FROM log
  JOIN log AS before ON before.id =
       (SELECT max(earlier.id) FROM log AS earlier WHERE earlier.name = log.name AND earlier.id < log.id)
  JOIN package_asset ON package_asset.package_id = before.package_id
  JOIN asset AS old ON old.id = package_asset.asset_id
  JOIN path ON path.id = old.path_id
  JOIN blob AS old_blob ON old_blob.id = old.blob_id
 WHERE NOT EXISTS (SELECT 1 FROM package_asset AS held
                    WHERE held.asset_id = package_asset.asset_id AND held.package_id = log.package_id)
   AND NOT EXISTS (SELECT 1 FROM asset AS same_path CROSS JOIN package_asset AS held
                    WHERE same_path.path_id = old.path_id AND held.asset_id = same_path.id
                      AND held.package_id = log.package_id);

CREATE VIEW blob_usage ( -- Every blob, what it costs, and in how many packages it is.
  hash, -- of the content
  size, -- bytes
  encodings, -- in how many ways it is kept
  stored_size, -- bytes of all of them
  packages -- that hold it; 0: a manifest, or content that no package holds
) AS
SELECT blob.hash, blob.size,
       (SELECT count(*) FROM encoding WHERE encoding.blob_id = blob.id),
       (SELECT coalesce(sum(encoding.stored_size), 0) FROM encoding WHERE encoding.blob_id = blob.id),
       (SELECT count(DISTINCT package_asset.package_id) FROM asset
          JOIN package_asset ON package_asset.asset_id = asset.id WHERE asset.blob_id = blob.id)
  FROM blob;

CREATE VIEW storage_by_type ( -- What the store holds of each type of asset; content of two types counts for both.
  type, -- config, model, wasm, python, assumption, policy; manifest: the manifests of archives
  blobs, -- how many different contents
  size, -- their bytes
  stored_size -- bytes of their encodings
) AS
SELECT kept.type, count(*), sum(blob.size),
       sum((SELECT coalesce(sum(encoding.stored_size), 0) FROM encoding WHERE encoding.blob_id = blob.id))
  FROM (SELECT asset.type AS type, asset.blob_id AS blob_id FROM asset
        UNION SELECT 'manifest', archive.manifest_blob_id FROM archive) AS kept
  JOIN blob ON blob.id = kept.blob_id
 GROUP BY kept.type;

-- A value's backslashes and newlines are escaped while it stands alone, the other control characters
-- in the whole text. (JSON functions would do, but SQLite before 3.41 does not trust them in a view.)
CREATE VIEW log_text ( -- The text whose SHA-256 is an entry's hash, as the shell prints it; README.md has the form.
  entry, -- log.id
  entry_hash, -- what the hash must be
  text -- without its last newline, which the shell adds
) AS
SELECT raw.entry, raw.entry_hash,
       (WITH RECURSIVE escaped (code, text) AS (
          SELECT 1, replace(raw.text, char(127), '\x7f')
          UNION ALL
          SELECT code + 1, iif(code = 10, text, replace(text, char(code), printf('\x%02x', code)))
            FROM escaped WHERE code < 32)
        SELECT text FROM escaped WHERE code = 32)
  FROM (SELECT log.id AS entry, log.entry_hash AS entry_hash,
               'format: 1' ||
               char(10) || 'previous: ' || log.previous_hash ||
               char(10) || 'at: ' || log.at ||
               char(10) || 'event: ' || replace(replace(log.event, '\', '\\'), char(10), '\n') ||
               char(10) || 'package: ' || package.package_hash ||
               char(10) || 'archive: ' || coalesce(archive.archive_hash, '') ||
               char(10) || 'name: ' || replace(replace(log.name, '\', '\\'), char(10), '\n') ||
               char(10) || 'user: ' || replace(replace(log.user, '\', '\\'), char(10), '\n') ||
               char(10) || 'host: ' || replace(replace(log.host, '\', '\\'), char(10), '\n') ||
               char(10) || 'git_commit: ' || replace(replace(log.git_commit, '\', '\\'), char(10), '\n') ||
               char(10) || 'git_dirty: ' || coalesce(log.git_dirty, '') ||
               char(10) || 'ci_run: ' || replace(replace(log.ci_run, '\', '\\'), char(10), '\n') ||
               char(10) || 'tool_version: ' || replace(replace(log.tool_version, '\', '\\'), char(10), '\n') ||
               char(10) || 'note: ' || replace(replace(log.note, '\', '\\'), char(10), '\n') ||
               char(10) || 'options: ' || replace(replace(log.options, '\', '\\'), char(10), '\n') AS text
          FROM log
          JOIN package ON package.id = log.package_id
          LEFT JOIN archive ON archive.id = log.archive_id) AS raw;

PRAGMA user_version = 1;
